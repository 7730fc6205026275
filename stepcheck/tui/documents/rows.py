"""A list of documents with their verdicts; candidates of one problem are one row."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from stepcheck.document import Document
from stepcheck.latex import show
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean_line
from stepcheck.report.place import place
from stepcheck.report.wrapping import clip
from stepcheck.tui.judging.groups import Group, best, first_error, score
from stepcheck.tui.judging.session import Session
from stepcheck.tui.judging.state import OpenDocument
from stepcheck.tui.judging.view import Phase, tick
from stepcheck.tui.parts.rows import Line, RowList

_DIM = Style(dim=True)
_HEAD = 400
_SPARK = 12
_WORDS = 19


class DocumentList(RowList):
    """Shows groups of a session's documents."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self.session: Session | None = None
        self.groups: Sequence[Group] = ()

    def present(self, session: Session, groups: Sequence[Group]) -> None:
        """Show these documents in place of those before."""
        self.session, self.groups = session, groups
        self.reload(len(groups), even=True)

    def lines_of(self, index: int, width: int) -> Iterator[Line]:
        """A document, or the candidates of one problem."""
        session = self.session
        if session is None:
            return
        entries = [session.entries[key] for key in self.groups[index].keys]
        mark = self.cursor_mark(index)
        name_cells = 16 if width < 90 else 28  # noqa: PLR2004 (half of a screen for the text)
        name = clip(_name(entries[0]), name_cells)
        padding = " " * (name_cells - cell_len(name) + 1)
        judgement = self._several(entries) if len(entries) > 1 else self._one(entries[0])
        used = sum(cell_len(segment.text) for segment in judgement) + name_cells + 3
        item = entries[0].item
        problem = clean_line(show(item.problem[:_HEAD])) if isinstance(item, Document) else entries[0].failure
        yield [mark, Segment(f"{name}{padding}"), *judgement, Segment(clip(clean_line(problem), width - used), _DIM)]

    @property
    def _room(self) -> int:
        """Cells of a judgement: words and sparkline, or words alone."""
        return _WORDS + (_SPARK + 2 if self.row_width >= 70 else 4)  # noqa: PLR2004 (room for the text, too)

    def _one(self, entry: OpenDocument) -> list[Segment]:
        session = self.session
        threshold = session.shown_threshold if session is not None else 0.5
        colours = self.palette
        if entry.phase is Phase.failed:
            return [Segment(f"{'! not scored':<{self._room}}", colours.style(Band.bad))]
        if entry.review is None:
            word = "▸ scoring" if entry.phase is Phase.scoring else "· waiting" if entry.phase.busy else "■ stopped"
            return [Segment(f"{word:<{self._room}}", _DIM)]
        first = first_error(entry, threshold)
        bands = [Band.bad] if first is not None else [band(reward, threshold) for reward in entry.review.rewards]
        kind = min(bands, key=[Band.bad, Band.doubtful, Band.good].index, default=Band.good)
        words = f"step {first + 1}" if first is not None else "no error"
        low = score(entry, "min")
        return [
            Segment(f"{kind.glyph} ", colours.style(kind, bold=True)),
            Segment(f"{words:<10}", colours.style(kind)),
            Segment(" " * 7 if low is None else f"{low:.3f}  ", colours.style(kind)),
            *self._spark(entry, threshold),
        ]

    def _spark(self, entry: OpenDocument, threshold: float) -> Iterator[Segment]:
        if self._room < _SPARK + _WORDS:
            yield Segment("    ")
            return
        rewards = [reward for reward in entry.rewards if reward is not None][:_SPARK]
        for reward in rewards:
            yield Segment(tick(reward), self.palette.style(band(reward, threshold)))
        yield Segment(" " * (_SPARK - len(rewards) + 2))

    def _several(self, entries: Sequence[OpenDocument]) -> list[Segment]:
        session = self.session
        done = [entry for entry in entries if entry.review is not None]
        if session is None or len(done) < len(entries):
            return [Segment(f"{f'· {len(done)} of {len(entries)} judged':<{self._room}}", _DIM)]
        chosen = best(list(enumerate(entries)))
        wrong = sum(first_error(entry, session.shown_threshold) is not None for entry in entries)
        kind = Band.bad if wrong == len(entries) else Band.good
        words = f"{len(entries)} candidates, {wrong} ✗"
        return [
            Segment(f"★ {(chosen or 0) + 1:<3}", self.palette.style(kind, bold=True)),
            Segment(f"{words:<{self._room - 5}}", self.palette.style(kind)),
        ]


def _name(entry: OpenDocument) -> str:
    item = entry.item
    name = item.id or place(item).rsplit("/", 1)[-1]  # type: ignore[arg-type]  # an Unread has the same fields
    return clean_line(name)
