"""What is listed: one row a case, how it ended, and which of them a filter lets through. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.bench.cases import Graded, Key, Labelled, Row
from stepcheck.bench.metrics import RIGHT
from stepcheck.bench.results import predicted
from stepcheck.report.band import Band
from stepcheck.report.clean import clean_line
from stepcheck.report.rows import outcome

EVERYTHING = "all"
LABELLED_FILTERS = (EVERYTHING, "missed", "false alarm", "wrong index", "error", "hit")
GRADED_FILTERS = (EVERYTHING, "wrong", "right", "could not tell", "error")

BANDS = {
    "hit": Band.good,
    "right": Band.good,
    "missed": Band.bad,
    "false alarm": Band.bad,
    "wrong": Band.bad,
    "wrong index": Band.doubtful,
    "could not tell": Band.doubtful,
}
"""How good each outcome is; an error is none of these."""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A case in the list: its key, how it ended, and the words of its columns."""

    key: Key
    outcome: str
    words: tuple[str, ...]

    @property
    def band(self) -> Band | None:
        """How good that is; None for what could not be scored."""
        return BANDS.get(self.outcome)


LABELLED_COLUMNS = ("case", "outcome", "label", "predicted", "lowest", "steps", "generator")
GRADED_COLUMNS = ("candidate", "outcome", "answer", "reference", "product", "lowest", "steps")


def listed(rows: Iterable[Row], threshold: float | None) -> list[ListedRow]:
    """List rows in their order; texts are not needed."""
    return [_graded(row) if isinstance(row.facts, Graded) else _labelled(row, threshold) for row in rows]


def chosen(rows: Sequence[ListedRow], name: str, search: str = "") -> list[ListedRow]:
    """Return the rows that a filter and a search text (in any column, in any case) let through."""
    wanted = search.strip().lower()
    return [
        row
        for row in rows
        if name in {EVERYTHING, row.outcome} and (not wanted or any(wanted in word.lower() for word in row.words))
    ]


def counts(rows: Sequence[ListedRow], names: Sequence[str]) -> list[int]:
    """Count the rows of each filter."""
    found = [row.outcome for row in rows]
    return [len(found) if name == EVERYTHING else found.count(name) for name in names]


def step_words(index: int | None) -> str:
    """Word a step's index: from 1 in front of people; `none` for a solution without an error."""
    if index is None:
        return "–"
    return "none" if index == RIGHT else str(index + 1)


def _labelled(row: Row, threshold: float | None) -> ListedRow:
    facts = row.facts if isinstance(row.facts, Labelled) else None
    words = (
        f"{row.subset} {row.id}",
        outcome(row, threshold),
        step_words(facts.label if facts else None),
        step_words(predicted(row, threshold)),
        f"{min(row.rewards):.3f}" if row.rewards else "–",
        str(len(row.rewards)) if row.rewards else "–",
        facts.generator if facts else "",
    )
    return ListedRow(row.key, words[1], tuple(map(clean_line, words)))


def _graded(row: Row) -> ListedRow:
    facts = row.facts
    if not isinstance(facts, Graded):
        raise TypeError(f"row {row.key} has no grade")
    right = facts.file_right if facts.file_right is not None else facts.right
    ended = {True: "right", False: "wrong", None: "could not tell"}[right] if row.error is None else "error"
    product = 1.0
    for reward in row.rewards or ():
        product *= reward
    words = (
        f"{row.subset} {row.id}[{row.candidate}]",
        ended,
        facts.answer or "–",
        facts.reference or "–",
        f"{product:.4g}" if row.rewards else "–",
        f"{min(row.rewards):.3f}" if row.rewards else "–",
        str(len(row.rewards)) if row.rewards else "–",
    )
    return ListedRow(row.key, ended, tuple(map(clean_line, words)))
