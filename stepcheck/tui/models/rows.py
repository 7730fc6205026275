"""The models on this machine, one a row: what is there, how large, and whether it fits into memory."""

from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style

from stepcheck.report.band import Band
from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import clip
from stepcheck.tui.models.inventory import ModelRow
from stepcheck.tui.parts.rows import Line, RowList

_DIM = Style(dim=True)


class ModelList(RowList):
    """Shows what is on this machine; the model in use is marked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self.models: Sequence[ModelRow] = ()
        self.used = ""

    def present(self, models: Sequence[ModelRow], used: str) -> None:
        """Show these models in place of those before."""
        self.models, self.used = models, used
        self.reload(len(models), even=True)

    def lines_of(self, index: int, width: int) -> Iterator[Line]:
        """Lay one model out over its lines."""
        model = self.models[index]
        kind = {True: Band.good, False: Band.doubtful, None: None}[model.fits if model.ready else None]
        yield [
            self.cursor_mark(index),
            Segment("● " if model.name == self.used else "  ", self.palette.style(Band.good)),
            Segment(f"{clip(clean_line(model.name), 28):<29}"),
            Segment(f"{model.state:<18}", self.palette.style(kind) if model.ready else _DIM),
            Segment(clip(clean_line(model.title), max(width - 50, 8)), _DIM),
        ]
