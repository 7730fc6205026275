"""Candidates of one problem, each a row: aggregates, the rewards of its steps, its answer."""

from collections.abc import Iterator, Mapping, Sequence

from rich.segment import Segment
from rich.style import Style

from stepcheck.document import Document
from stepcheck.latex import show
from stepcheck.prm.verdict import AGGREGATES
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import clip
from stepcheck.tui.judging.groups import best, first_error, score
from stepcheck.tui.judging.session import Session
from stepcheck.tui.judging.view import tick
from stepcheck.tui.parts.rows import Line, RowList

_BOLD = Style(bold=True)
BEFORE_STEPS = 41
"""Cells of cursor, star, number, verdict and the four aggregates."""
MOST_TICKS = 14
ANSWER = 16
"""Cells that an answer has at least, where the screen has 60."""
COLUMNS = ("candidate", *AGGREGATES, "answer")


class CandidateList(RowList):
    """Shows the documents `keys` of a session; `chosen` is the column that decides which is best."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self.session: Session | None = None
        self.keys: Sequence[int] = ()
        self.column = "product"
        self.answers: Mapping[int, str | None] | None = None

    def present(
        self, session: Session, keys: Sequence[int], column: str, answers: Mapping[int, str | None] | None
    ) -> None:
        """Show these, in this order; `answers` by key, None while they are being read."""
        self.session, self.keys, self.column, self.answers = session, keys, column, answers
        self.reload(len(keys), even=True)

    def lines_of(self, index: int, width: int) -> Iterator[Line]:
        """Lay one candidate out over its lines."""
        session = self.session
        if session is None:
            return
        key = self.keys[index]
        entry, threshold = session.entries[key], session.shown_threshold
        entries = [(k, session.entries[k]) for k in sorted(self.keys)]
        ranking = self.column if self.column in AGGREGATES else "product"
        star = key == best(entries, ranking) and all(e.review is not None for _, e in entries)
        first = first_error(entry, threshold)
        kind = None if entry.review is None else Band.bad if first is not None else Band.good
        style = self.palette.style(kind)
        yield [
            self.cursor_mark(index),
            Segment("★ " if star else "  ", self.palette.style(Band.good, bold=True)),
            Segment(f"{(entry.item.candidate or 0) + 1:>3} ", _BOLD),
            Segment("· " if kind is None else "✗ " if kind is Band.bad else "✓ ", style + _BOLD),
            *self._numbers(key, style),
            *self._steps(entry.rewards, threshold, entry.item, ticks(width)),
            Segment(clip(self._answer(key), width - BEFORE_STEPS - ticks(width) - 3)),
        ]

    def _numbers(self, key: int, style: Style) -> Iterator[Segment]:
        for name in AGGREGATES:
            value = score(self.session.entries[key], name) if self.session is not None else None
            text = "  …   " if value is None else f"{value:.3f} "
            yield Segment(f"{text:>8}", style + _BOLD if name == self.column else style)

    def _steps(self, rewards: Sequence[float | None], threshold: float, item: object, room: int) -> Iterator[Segment]:
        count = len(item.steps) if isinstance(item, Document) else 0
        known = [*rewards, *(None for _ in range(count - len(rewards)))]
        shown = known if len(known) <= room else known[: room - 1]
        yield Segment(" ")
        for reward in shown:
            kind = None if reward is None else band(reward, threshold)
            yield Segment(tick(reward), self.palette.style(kind))
        more = "…" if len(shown) < len(known) else ""
        yield Segment(more + " " * (room + 1 - len(shown) - len(more)))

    def _answer(self, key: int) -> str:
        if self.answers is None:
            return "…"
        answer = self.answers.get(key)
        return shown_answer(answer) if answer is not None else "–"


def shown_answer(answer: str) -> str:
    """Show an answer as it is read: as a formula, unless it is an amount or words, which formulas run together."""
    formula = any(sign in answer for sign in "\\^_{") and "$" not in answer.replace("\\$", "")
    return clean_line(show(f"${answer}$") if formula else show(answer))


def heading(column: str, width: int) -> str:
    """The line over the columns; the one that is sorted by is marked."""
    names = [f"{f'{name}▼' if name == column else name:>7} " for name in AGGREGATES]
    answer = "answer▼" if column == "answer" else "answer"
    return clip("   " + f"{'#':>3} " + "  " + "".join(names) + " " + f"{'steps':<{ticks(width) + 1}}" + answer, width)


def ticks(width: int) -> int:
    """How many steps are shown, a cell each: fewer where the answer has little room."""
    return min(MOST_TICKS, max(5, width - BEFORE_STEPS - ANSWER))
