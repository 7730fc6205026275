"""Figures while a run goes on: rows in as they are kept, a few words out."""

from collections.abc import Sequence

from stepcheck.bench.cases import Graded, Labelled, Row
from stepcheck.bench.metrics import RIGHT, Score, to_label


class Tally:
    """Counts what has come in this session; in per cent, over all subsets together."""

    def __init__(self) -> None:
        self._hits = {True: [0, 0], False: [0, 0]}
        self._right = [0, 0]

    def __call__(self, rows: Sequence[Row]) -> str:
        """Count rows and word the figures."""
        for row in rows:
            match row.facts:
                case Labelled(label=label) if row.error is None:
                    self._count(self._hits[label == RIGHT], hit=to_label(row.first_error) == label)
                case Graded(right=bool(right)):
                    self._count(self._right, hit=right)
        return self._words()

    def _count(self, counter: list[int], *, hit: bool) -> None:
        counter[0] += hit
        counter[1] += 1

    def _words(self) -> str:
        if self._right[1]:
            return f"{100 * self._right[0] / self._right[1]:.1f} % of the answers right"
        score = Score(*self._hits[False], *self._hits[True])
        names = (("error acc", score.error_acc), ("correct acc", score.correct_acc), ("F1", score.f1))
        return " ".join(f"{name} {value:.1f}" for name, value in names if value is not None)
