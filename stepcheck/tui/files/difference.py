"""What differs between a file and what is here, line by line, on a screen of its own."""

import difflib
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from stepcheck.document import Document
from stepcheck.report.band import Band
from stepcheck.report.clean import clean
from stepcheck.tui.colours import palette

MOST_CHARACTERS = 400_000
"""Of both texts together; comparing takes time that grows with their product."""
_BANDS = {"-": Band.bad, "+": Band.good}


def text_of(document: Document) -> str:
    """A document as lines: its text, or its steps with blank lines between them."""
    return document.text if document.text is not None else "\n\n".join(step.text for step in document.steps)


def difference(there: Document, here: Document) -> list[str]:
    """Lines that begin with `-` (in the file), `+` (here) or a blank (in both), some of these around each change."""
    old, new = text_of(there), text_of(here)
    if len(old) + len(new) > MOST_CHARACTERS:
        return [f"  the texts are too long to be compared here: {len(old):,} characters in the file, {len(new):,} here"]
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    lines = [f"{line[:1]} {line[1:]}" for line in found if not line.startswith(("---", "+++", "@@"))]
    return lines or ["  the lines are the same; ends of lines or of the file differ"]


class DifferenceScreen(ModalScreen[None]):
    """Shows lines of a difference; Esc leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss(None)", "back", show=False)]
    DEFAULT_CSS = """
    DifferenceScreen { align: center middle; background: $background 60%; }
    DifferenceScreen > VerticalScroll {
        width: 110; max-width: 98%; height: auto; max-height: 90%; padding: 0 1; background: $background;
        border: round $primary; border-title-style: bold; scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        """A box that scrolls."""
        with VerticalScroll() as box:
            box.border_title = "- in the file   + here"
            box.border_subtitle = "Esc back"
            yield Static(self._text())

    def _text(self) -> Text:
        colours = palette(self.app.current_theme)
        text = Text(f"{self._title}\n", "bold")
        for line in self._lines:
            text.append(f"\n{clean(line)}", colours.style(_BANDS.get(line[:1])))
        return text
