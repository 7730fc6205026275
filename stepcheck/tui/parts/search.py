"""The search line at the foot of a screen."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class SearchLine(Input):
    """Hidden until it is opened; what is found is the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "the next that holds it"),
        Binding("escape", "screen.back", "leave the search"),
    ]
    DEFAULT_CSS = """
    SearchLine { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    SearchLine:focus { border: none; }
    SearchLine.-open { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(placeholder="search; Enter and ↓ for the next, Esc to leave", id="search", compact=True)

    @property
    def is_open(self) -> bool:
        """Whether it is on the screen."""
        return self.has_class("-open")

    def open(self) -> None:
        """Show it, empty, and type into it."""
        self.add_class("-open")
        self.value = ""
        self.focus()

    def close(self) -> None:
        """Hide the line and give the focus back."""
        self.remove_class("-open")
