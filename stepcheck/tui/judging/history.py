"""The states of one document: undo, redo, and what is in the file."""

from dataclasses import dataclass, field, replace

from stepcheck.document import Document


@dataclass(slots=True)
class History:
    """The states of one document, and where we are among them."""

    saved: Document
    past: list[Document] = field(default_factory=list)
    future: list[Document] = field(default_factory=list)

    def remember(self, document: Document) -> None:
        """Note the state that is about to change."""
        self.past.append(document)
        self.future.clear()

    def undo(self, document: Document) -> Document | None:
        """The state before `document`, None if there is none."""
        return self._step(self.past, self.future, document)

    def redo(self, document: Document) -> Document | None:
        """The state that was undone last, None if there is none."""
        return self._step(self.future, self.past, document)

    def move(self, source: str) -> None:
        """The document is in another file from now on, whatever state of it."""
        for states in (self.past, self.future):
            states[:] = [replace(state, source=source) for state in states]

    def changed(self, document: Document) -> bool:
        """Whether `document` differs from what is in the file."""
        return document.text != self.saved.text or document.steps != self.saved.steps

    @staticmethod
    def _step(source: list[Document], target: list[Document], document: Document) -> Document | None:
        if not source:
            return None
        target.append(document)
        return source.pop()
