"""A step being edited: plain text, judged while it is typed."""

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

if TYPE_CHECKING:
    from textual.timer import Timer

PAUSE_SECONDS = 0.2
"""A change is judged when no key was pressed for so long."""


class StepEditor(TextArea):
    """Says `Paused` or `Ended`; what was typed is in `text`. It ends with the change: undo takes that back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "done, u undoes", priority=True),
        Binding("ctrl+s", "keep", "done; again: write the file", priority=True),
    ]
    DEFAULT_CSS = """
    StepEditor { border: none; padding: 0 1; height: 1fr; background: $surface; }
    StepEditor:focus { border: none; }
    """

    class Paused(Message):
        """Something was typed, and then nothing for a moment."""

    class Ended(Message):
        """Whoever typed is done."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, tab_behavior="indent", compact=True)
        self._pause: Timer | None = None

    def begin(self, text: str) -> None:
        """Edit a text, from its end; what was typed before is forgotten."""
        self.load_text(text)
        self.move_cursor(self.document.end)
        self.focus()

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE_SECONDS, lambda: self.post_message(self.Paused()))

    def action_keep(self) -> None:
        """Be done; the same key writes the file afterwards."""
        self.post_message(self.Ended())

    def action_end(self) -> None:
        """Be done with the text and keep it."""
        self.post_message(self.Ended())
