"""A question over the screen: some choices by their keys, and where it is needed a line to type."""

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class AskScreen(ModalScreen[str | None]):
    """Returns the key of a choice, or the line that was typed; None when left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back", show=False)]
    DEFAULT_CSS = """
    AskScreen { align: center middle; background: $background 60%; }
    AskScreen > Vertical {
        width: 72; max-width: 95%; height: auto; padding: 1 2; background: $panel; border: round $primary;
    }
    AskScreen Input { margin-top: 1; height: 1; padding: 0 1; background: $surface; }
    """

    def __init__(self, question: str, choices: Mapping[str, str], line: str | None = None) -> None:
        super().__init__()
        self._question, self._choices, self._line = question, choices, line

    def compose(self) -> ComposeResult:
        """The question, its choices, and the line."""
        with Vertical():
            yield Static(Content(self._question))
            keys = "\n".join(f"  {key}  {label}" for key, label in self._choices.items())
            yield Static(Content(f"{keys}\n  Esc  back" if keys else "  Enter  take it\n  Esc  back"))
            if self._line is not None:
                # compact: a border, which the focus brings back, would leave no line for the text
                yield Input(self._line, select_on_focus=False, compact=True)

    def on_key(self, event: events.Key) -> None:
        """Take a choice by its key, unless a line is being typed."""
        if self._line is None and event.character in self._choices:
            event.stop()
            self.dismiss(event.character)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
