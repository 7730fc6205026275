"""Labels and what they stand for, in columns; long words go on under themselves."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import wrap


class Facts(Widget):
    """Shows rows of a label, words, and a note at the right where there is one; a row without words is a heading."""

    DEFAULT_CSS = """
    Facts { height: auto; }
    """

    def __init__(self, label_cells: int, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._label_cells = label_cells
        self._rows: Sequence[tuple[str, str, str]] = ()

    def present(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Show these facts in place of those before."""
        self._rows = [(clean_line(label), clean_line(words), note) for label, words, note in rows]
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002 (the base's)
        """As many lines as are shown."""
        return len(self._lines(width))

    def render(self) -> Text:
        """Draw a fact a line."""
        return Text("\n", no_wrap=True).join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Text]:
        notes = max((len(note) for _, _, note in self._rows), default=0)
        room = max(width - self._label_cells - (notes + 2 if notes else 0), 10)
        lines: list[Text] = []
        for label, words, note in self._rows:
            if not words:
                lines += [Text(""), Text(label, Style(bold=True))] if label else [Text("")]
                continue
            for at, line in enumerate(wrap(words, room)):
                head = label if at == 0 else ""
                tail = note if at == 0 else ""
                lines.append(Text.assemble(f"{head:<{self._label_cells}}", f"{line:<{room}}", (f"  {tail}", "dim")))
        return lines
