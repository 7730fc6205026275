"""A critic's figures as ProcessBench's own script reckons them (code/run_eval.py of QwenLM/ProcessBench), beside ours.

There, what most critiques have in their box counts, as it was written, and a case without a verdict is a miss; ours
count such cases apart. Published figures are made the first way, so only these stand beside them. A question that was
longer than the critic's context has no verdict either; a case that failed otherwise was not asked, and is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stepcheck.bench import metrics, statistics
from stepcheck.bench.cases import UNDECIDED, Labelled, Row
from stepcheck.bench.metrics import Score, Scored
from stepcheck.bench.runs.manifest import Manifest
from stepcheck.bench.statistics import Interval
from stepcheck.critic.verdict import published_vote
from stepcheck.errors import TooLongError

SOURCE: Final = "ProcessBench (arXiv 2412.06559; code/run_eval.py of QwenLM/ProcessBench)"
WITHOUT: Final = frozenset({UNDECIDED.kind, TooLongError.kind})
"""Kinds of errors that leave a case without a verdict."""
MISS: Final = -2
"""A prediction that no label equals."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The figures of a subset by the published protocol.

    `misses` of its cases had no verdict. `unboxed` were kept by a version that did not keep what stood in the boxes:
    of them the verdict is taken as it was read.
    """

    score: Score
    interval: Interval | None
    misses: int
    unboxed: int


def critic_votes(manifest: Manifest) -> int | None:
    """Return how many critiques of each case a run's critic wrote; None where its judge is no critic."""
    asked = manifest.judge.get("votes", 1 if "asked" in manifest.judge else None)
    return None if asked is None else int(asked)


def by_protocol(rows: Iterable[Row]) -> Protocol:
    """Reckon the figures of a critic's rows."""
    asked = [row for row in rows if row.error is None or row.error.kind in WITHOUT]
    cases = [Scored(row.facts.label, named=predicted(row)) for row in asked if isinstance(row.facts, Labelled)]
    score = metrics.score(cases, None)
    misses = sum(case.named == MISS for case in cases)
    unboxed = sum(row.boxes is None and row.error is None for row in asked)
    return Protocol(score, statistics.f1_interval(score), misses, unboxed)


def predicted(row: Row) -> int:
    """Return the step that a critic's row predicts by the protocol, -1 for none, `MISS` without a verdict."""
    if row.boxes is not None:
        found = published_vote(row.boxes)
        return MISS if found is None else found
    if row.error is not None:
        return MISS
    return metrics.to_label(row.first_error)
