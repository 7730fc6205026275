"""The cases of a run, one a row: columns as wide as what stands in them, the outcome with its glyph and colour."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from stepcheck.report.wrapping import clip
from stepcheck.tui.parts.rows import Line, RowList
from stepcheck.tui.runs.browsing import ListedRow

_WIDEST = 36
"""Cells of a column at most; the last one takes what is left."""
_BOLD = Style(bold=True)
_OUTCOME = 1
"""The column of the outcome."""


class CaseList(RowList):
    """Shows listed rows under the names of their columns."""

    def __init__(self, columns: Sequence[str], *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._columns = columns
        self._widths: list[int] = []
        self.listed: Sequence[ListedRow] = ()

    def measure(self, rows: Sequence[ListedRow]) -> None:
        """Make the columns as wide as these rows need, whichever of them are shown."""
        self._widths = [cell_len(name) for name in self._columns]
        for row in rows:
            self._widths = [
                max(width, min(cell_len(word), _WIDEST)) for width, word in zip(self._widths, row.words, strict=True)
            ]
        self._widths[_OUTCOME] += 2

    def present(self, rows: Sequence[ListedRow]) -> None:
        """Show these cases in place of those before."""
        self.listed = rows
        self.reload(len(rows), even=True)

    def heading(self, width: int) -> str:
        """The line over the columns."""
        return clip(" " + "  ".join(self._cells(self._columns)), width)

    def lines_of(self, index: int, width: int) -> Iterator[Line]:
        """Lay one case out over its lines."""
        row = self.listed[index]
        mark = self.cursor_mark(index)
        sign = row.band.glyph if row.band is not None else "!"
        words = [f"{sign} {word}" if at == _OUTCOME else word for at, word in enumerate(row.words)]
        style = self.palette.style(row.band)
        left = width - 1
        line = [mark]
        for at, cell in enumerate(self._cells(words)):
            shown = clip(cell if at == 0 else f"  {cell}", max(left, 0)) if left > 0 else ""
            left -= cell_len(shown)
            line.append(Segment(shown, style if at == _OUTCOME else _BOLD if at == 0 else Style.null()))
        yield line

    def _cells(self, words: Sequence[str]) -> Iterator[str]:
        for word, width in zip(words, self._widths, strict=True):
            shown = clip(word, width)
            yield shown + " " * (width - cell_len(shown))
