"""The line over the foot line: what went wrong, else what must be said of the model or of the document."""

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import clip, wrap

HIDE = "  - hides"
"""The key that puts a note away, as it is told."""


class Notice(Widget):
    """Shows an error in at most three lines, or a note in one; nothing where there is nothing to say."""

    DEFAULT_CSS = """
    Notice { height: auto; padding: 0 1; color: $foreground 60%; }
    Notice.-error { color: $error; text-style: bold; }
    """

    def __init__(self) -> None:
        super().__init__(id="notice")
        self._words = ""

    def present(self, words: str, *, error: bool = False) -> None:
        """Show these words until they are put away."""
        self._words = clean_line(words)
        self.set_class(error, "-error")
        self.display = bool(words)
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002 (the base's)
        """As many lines as are shown."""
        return len(self._lines(width))

    def _lines(self, width: int) -> list[str]:
        if self.has_class("-error"):
            return wrap(self._words, width, 3)
        return [self._words if cell_len(self._words) <= width else clip(self._words, max(width - cell_len(HIDE), 10))]

    def render(self) -> Text:
        """The lines, and how to be rid of a note."""
        lines, width = self._lines(self.size.width), self.size.width
        out = Text("\n".join(lines), no_wrap=True)
        room = width - cell_len(lines[0])
        if not self.has_class("-error") and room >= cell_len(HIDE):
            out.append(f"{HIDE:>{room}}", Style(dim=True))
        return out
