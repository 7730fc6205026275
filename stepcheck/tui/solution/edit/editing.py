"""Changing the steps of one document: drafts that are judged while one types, and changes that need no typing.

Owns what is being edited and the way back. Touches no widget: it changes the session, and says where the cursor goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stepcheck.document import Document
from stepcheck.errors import InputError
from stepcheck.patterns import regex
from stepcheck.steps.maths import mask
from stepcheck.tui.judging.history import History
from stepcheck.tui.judging.session import Session
from stepcheck.tui.judging.view import Rewards

Change = Callable[[Document, slice, Sequence[str]], Document]
"""A document, some of its steps, and texts for their place → another document. Raises InputError."""
_POINT = regex(r"[.!?。！？；;:：]\s+|(?<=[。！？；])|\n")


class NothingToChangeError(InputError):
    """There is nothing to do: no mistake, and worth a word."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """Steps that are being edited, and the state to go back to."""

    steps: slice
    base: Document
    texts: Sequence[str]
    rewards: Rewards

    @property
    def windows(self) -> bool:
        """Whether its lines end in CR LF."""
        return "\r\n" in (self.base.text or "")


class Editing:
    """Changes the document `key` of a session."""

    def __init__(self, session: Session, key: int, change: Change) -> None:
        self._session, self._key, self._change = session, key, change
        self._draft: _Draft | None = None
        self.error = ""
        """Why what is typed cannot be judged."""

    @property
    def document(self) -> Document | None:
        """The document as it is now."""
        return self._session.document(self._key)

    @property
    def step(self) -> int | None:
        """The step that is being edited; None while none is."""
        return None if self._draft is None else self._draft.steps.start

    def begin(self, first: int, last: int) -> str | None:
        """Begin to edit the steps from `first` to before `last`; return their text, None where that cannot be."""
        begun = self._begun()
        if begun is None:
            return None
        document, _ = begun
        entry = self._session.entries[self._key]
        self._draft = _Draft(slice(first, last), document, entry.texts, entry.rewards)
        return "\n".join(step.text for step in document.steps[first:last]).replace("\r\n", "\n")

    def try_out(self, text: str) -> None:
        """Judge what is typed, against the state before the editing began; `error` says why it cannot be."""
        draft, new = self._draft, self._drafted(text)
        if draft is not None and new is not None and new is not self.document:
            self._session.change(self._key, new, (draft.texts, draft.rewards))

    def keep(self, text: str) -> bool:
        """End the editing with what is typed; False if it cannot be kept, and it goes on."""
        draft, new = self._draft, self._drafted(text)
        if draft is None or new is None:
            return False
        history = self._session.begin_change(self._key)
        if history is not None and new is not draft.base:
            history.remember(draft.base)
        self._end(draft, new)
        return True

    def drop(self) -> None:
        """End the editing as if it had not been."""
        if self._draft is not None:
            self._end(self._draft, self._draft.base)

    def delete(self, index: int) -> int:
        """Delete a step. These return the cursor's place. Raises InputError: it cannot be done, and why."""
        self._apply(slice(index, index + 1), [])
        return index

    def join(self, index: int) -> int:
        """Join a step with the one below."""
        document = self.document
        if document is None or index + 1 >= len(document.steps):
            raise NothingToChangeError("there is no step below to join with")
        first, second = (step.text.rstrip() for step in document.steps[index : index + 2])
        spaces = ("\n\n", "\n", " ") if "\n\n" in first + second else (" ", "\n")
        for between in spaces[:-1]:
            try:
                self._apply(slice(index, index + 2), [first + between + second])
            except InputError:
                continue
            return index
        self._apply(slice(index, index + 2), [first + spaces[-1] + second])
        return index

    def split(self, index: int) -> int:
        """Split a step at the end of its first sentence or line, never inside a formula."""
        document = self.document
        text = document.steps[index].text if document is not None and index < len(document.steps) else ""
        points = (found.end() for found in _POINT.finditer(mask(text)))
        point = next((at for at in points if text[:at].strip() and text[at:].strip()), None)
        if point is None:
            raise NothingToChangeError("this step has one sentence only")
        self._apply(slice(index, index + 1), [text[:point].strip(), text[point:].strip()])
        return index + 1

    def undo(self, index: int) -> int:
        """The solution as it was before the latest change."""
        return self._travel(index, back=True)

    def redo(self, index: int) -> int:
        """The state that was undone."""
        return self._travel(index, back=False)

    def _begun(self) -> tuple[Document, History] | None:
        """The document and its history, unless it is being edited."""
        document, history = self.document, self._session.begin_change(self._key)
        return None if document is None or history is None or self._draft is not None else (document, history)

    def _apply(self, steps: slice, texts: Sequence[str]) -> None:
        begun = self._begun()
        if begun is None:
            return
        document, history = begun
        new = self._change(document, steps, texts)
        history.remember(document)
        self._session.change(self._key, new)

    def _travel(self, index: int, *, back: bool) -> int:
        begun = self._begun()
        found = None
        if begun is not None:
            document, history = begun
            found = history.undo(document) if back else history.redo(document)
        if found is None:
            raise NothingToChangeError("nothing to undo" if back else "nothing to redo")
        self._session.change(self._key, found)
        return index

    def _drafted(self, text: str) -> Document | None:
        """The document as typed; None, with the reason noted, if the layout cannot carry it."""
        draft = self._draft
        if draft is None:
            return None
        self.error = ""
        text = text.strip("\n")
        text = text.replace("\n", "\r\n") if draft.windows else text
        old = draft.base.steps[draft.steps]
        if [step.text for step in old] == [text] or (not old and not text.strip()):
            return draft.base
        try:
            return self._change(draft.base, draft.steps, [text])
        except InputError as error:
            self.error = str(error)
            return None

    def _end(self, draft: _Draft, document: Document) -> None:
        self._draft, self.error = None, ""
        now = self.document
        if now is not None and document.steps != now.steps:
            self._session.change(self._key, document, (draft.texts, draft.rewards))
