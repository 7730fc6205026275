"""Changing steps on the solution's screen: in place and judged while one types, inserted, deleted, joined, split."""

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.containers import Container
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static, TextArea

from stepcheck.document import Document
from stepcheck.errors import InputError
from stepcheck.steps.maths import mask
from stepcheck.tui.colours import palette
from stepcheck.tui.judging.history import History
from stepcheck.tui.judging.view import Rewards, View
from stepcheck.tui.parts.screen import SessionScreen
from stepcheck.tui.solution.edit.change import change
from stepcheck.tui.solution.edit.editor import StepEditor
from stepcheck.tui.solution.steps import StepList

if TYPE_CHECKING:
    from collections.abc import Sequence

PAUSE_SECONDS = 0.2
"""A change is judged when no key was pressed for so long."""
_POINT = re.compile(r"[.!?。！？；;:：]\s+|(?<=[。！？；])|\n")


@dataclass(slots=True)
class _Draft:
    """A step that is being edited: where it goes, and the state to go back to."""

    steps: slice
    base: Document
    texts: "Sequence[str]"
    rewards: Rewards
    windows: bool
    """Its lines end in CR LF."""


class Editing(SessionScreen):
    """The actions that change a document."""

    key: int
    edit_error = ""
    _draft: _Draft | None = None
    _timer: Timer | None = None

    @property
    def steps(self) -> StepList:
        """The list of steps."""
        raise NotImplementedError

    def refresh_all(self) -> None:
        """Show everything anew."""
        raise NotImplementedError

    @property
    def changed_mark(self) -> str:
        """What the title says of unsaved changes."""
        return "● changed" if self.unsaved else ""

    @property
    def unsaved(self) -> bool:
        """Whether the document differs from its file."""
        document, history = self._document, self._history
        return document is not None and history is not None and history.changed(document)

    @property
    def _document(self) -> Document | None:
        entries = self.session.entries
        item = entries[self.key].item if self.key < len(entries) else None
        return item if isinstance(item, Document) else None

    @property
    def _history(self) -> History | None:
        return self.session.entries[self.key].history if self.key < len(self.session.entries) else None

    def _begin(self) -> tuple[Document, History] | None:
        """The document and its history, made with the first change."""
        document = self._document
        if document is None or self._draft is not None:
            return None
        entry = self.session.entries[self.key]
        if entry.history is None:
            entry.history = History(document)
            if (review := entry.review) is not None:
                self.session.known[(document.problem, *entry.texts)] = review
        return document, entry.history

    def _apply(self, steps: slice, texts: "Sequence[str]", cursor: int) -> None:
        """Make one change that needs no typing."""
        begun = self._begin()
        if begun is None:
            return
        document, history = begun
        try:
            new = change(document, steps, texts, self.owner.target.reread)
        except InputError as error:
            self.owner.say(str(error), error=True)
            return
        history.remember(document)
        self._put(new, cursor)

    def _put(self, document: Document, cursor: int) -> None:
        self.edit_error = ""
        self.session.change(self.key, document)
        self.refresh_all()
        self.steps.cursor = min(max(cursor, 0), len(document.steps) - 1)

    def action_edit(self) -> None:
        """Edit the step in place."""
        document, index = self._document, self.steps.cursor
        if document is not None and index < len(document.steps):
            self._open_editor(slice(index, index + 1), document.steps[index].text, f"Step {index + 1}")

    def action_insert(self) -> None:
        """Write a step below the cursor."""
        place = self.steps.cursor + 1 if self.steps.count else 0
        self._open_editor(slice(place, place), "", f"New step {place + 1}")

    def action_insert_above(self) -> None:
        """Write a step above the cursor."""
        place = self.steps.cursor
        self._open_editor(slice(place, place), "", f"New step {place + 1}")

    def _open_editor(self, steps: slice, text: str, title: str) -> None:
        begun = self._begin()
        if begun is None:
            return
        document, _ = begun
        entry = self.session.entries[self.key]
        self._draft = _Draft(steps, document, entry.texts, entry.rewards, "\r\n" in (document.text or ""))
        self.add_class("-editing")
        editor = StepEditor(text.replace("\r\n", "\n"))
        self.query_one("#side", Container).mount(Static(Content(f"✎ {title}"), id="editing"), editor)
        editor.focus()

    @on(TextArea.Changed)
    def _written(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_SECONDS, self._judge_draft)

    def _drafted(self) -> Document | None:
        """The document as typed; None, with the reason shown, if the layout cannot carry it."""
        draft = self._draft
        if draft is None:
            return None
        text = self.query_one(StepEditor).text.strip("\n")
        text = text.replace("\n", "\r\n") if draft.windows else text
        old = draft.base.steps[draft.steps]
        if [step.text for step in old] == [text] or (not old and not text.strip()):
            self.edit_error = ""
            return draft.base
        try:
            new = change(draft.base, draft.steps, [text], self.owner.target.reread)
        except InputError as error:
            self.edit_error = str(error)
            return None
        self.edit_error = ""
        return new

    def _judge_draft(self) -> None:
        """Judge what is typed, against the state before the editing began."""
        new, draft = self._drafted(), self._draft
        if draft is not None and new is not None and new is not self._document:
            self.session.change(self.key, new, (draft.texts, draft.rewards))
            self.steps.cursor = min(draft.steps.start, len(new.steps) - 1)
        self.refresh_all()

    def refresh_editor(self, view: View) -> None:
        """Say beside the step's name what its reward is now, and what it was."""
        draft = self._draft
        if draft is None:
            return
        index = draft.steps.start
        reward, was = view.reward(index), view.was(index)
        moved = f"{was:.3f} → " if was is not None else ""
        words = f"✎ Step {index + 1}   {moved}{'…' if reward is None else f'{reward:.3f}'}"
        line = self.query_one("#editing", Static)
        style = palette(self.app.current_theme).style(view.band(index), bold=True)
        line.update(Text(words, style=style))

    @on(StepEditor.Kept)
    def _keep(self) -> None:
        draft, new = self._draft, self._drafted()
        if draft is None:
            return
        if new is None:
            self.refresh_all()
            return
        history = self._history
        if history is not None and new is not draft.base:
            history.remember(draft.base)
        self._close_editor(new)

    @on(StepEditor.Left)
    def _leave_editor(self) -> None:
        if self._draft is not None:
            self._close_editor(self._draft.base)

    def _close_editor(self, document: Document) -> None:
        draft, self._draft, self.edit_error = self._draft, None, ""
        if self._timer is not None:
            self._timer.stop()
        self.query("StepEditor, #editing").remove()
        self.remove_class("-editing")
        current = self._document
        if draft is not None and current is not None and document.steps != current.steps:
            self.session.change(self.key, document, (draft.texts, draft.rewards))
        self.refresh_all()
        if draft is not None and document is not draft.base:
            self.steps.cursor = min(draft.steps.start, len(document.steps) - 1)
        self.steps.focus()

    def action_delete(self) -> None:
        """Delete the step."""
        index = self.steps.cursor
        self._apply(slice(index, index + 1), [], index)

    def action_join(self) -> None:
        """Join the step with the one below."""
        document, index = self._document, self.steps.cursor
        if document is None or index + 1 >= len(document.steps):
            self.owner.say("there is no step below to join with")
            return
        first, second = (step.text.rstrip() for step in document.steps[index : index + 2])
        for between in ("\n\n", "\n", " ") if "\n\n" in first + second else (" ", "\n"):
            self._apply(slice(index, index + 2), [first + between + second], index)
            if self._document is not document:
                return

    def action_split(self) -> None:
        """Split the step at the end of its first sentence or line, never inside a formula."""
        document, index = self._document, self.steps.cursor
        if document is None or index >= len(document.steps):
            return
        text = document.steps[index].text
        points = (found.end() for found in _POINT.finditer(mask(text)))
        point = next((at for at in points if text[:at].strip() and text[at:].strip()), None)
        if point is None:
            self.owner.say("this step has one sentence only")
            return
        self._apply(slice(index, index + 1), [text[:point].strip(), text[point:].strip()], index + 1)

    def action_undo(self) -> None:
        """The state before."""
        self._travel(back=True)

    def action_redo(self) -> None:
        """The state that was undone."""
        self._travel(back=False)

    def _travel(self, *, back: bool) -> None:
        document, history = self._document, self._history
        found = None
        if document is not None and history is not None and self._draft is None:
            found = history.undo(document) if back else history.redo(document)
        if found is None:
            self.owner.say("nothing to undo" if back else "nothing to redo")
            return
        self._put(found, self.steps.cursor)

    def action_save(self) -> None:
        """Write the document into its file."""
        document, history = self._document, self._history
        if document is None or history is None or not history.changed(document):
            self.owner.say("nothing has changed")
            return
        self.owner.save(self.key, then=self.refresh_all)

    def action_edit_file(self) -> None:
        """Open the file in the user's editor, and read it again afterwards."""
        document = self._document
        source = document.source if document is not None else self.owner.target.path
        if source == "-":
            self.owner.say("standard input has no file: Ctrl-S saves it to one")
        elif self.unsaved:
            self.owner.say("save first (Ctrl-S): the editor opens the file", error=True)
        else:
            with self.app.suspend():
                done = subprocess.run([*self.owner.editor, source], check=False)  # noqa: S603 (the user's own editor)
            if done.returncode:
                self.owner.say(f"the editor ended with status {done.returncode}", error=True)
            self.app.refresh(layout=True)
            self.owner.read_again(self.key)
