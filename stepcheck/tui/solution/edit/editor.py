"""A step being edited: plain text, judged while it is typed."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea


class StepEditor(TextArea):
    """Says `Kept` or `Left`; what was typed is in `text`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "keep the change", priority=True),
        Binding("escape", "leave", "drop it", priority=True),
    ]
    DEFAULT_CSS = """
    StepEditor { border: none; padding: 0 1; height: 1fr; background: $surface; }
    StepEditor:focus { border: none; }
    """

    class Kept(Message):
        """The change is to stay."""

    class Left(Message):
        """The change is to be dropped."""

    def __init__(self, text: str) -> None:
        super().__init__(text, soft_wrap=True, show_line_numbers=False, tab_behavior="indent", compact=True)
        self.move_cursor(self.document.end)

    def action_keep(self) -> None:
        """Keep the change."""
        self.post_message(self.Kept())

    def action_leave(self) -> None:
        """Drop the change."""
        self.post_message(self.Left())
