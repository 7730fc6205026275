"""A run's rows as scores for inspect: what its scorer `precomputed_scores` reads.

A record has `id`, `value`, and optionally `epoch`, `explanation` and `metadata`; ids are compared as text, a sample
without a record stays unscored, and two records for one sample are refused (inspect_ai 0.3.285,
`inspect_ai/scorer/_precomputed.py`). The value is the least of a row's rewards; of a judge that names a step, 1 where
it names none and 0 where it does. Of several responses to one problem the first is epoch 1, as epochs are read.
"""

from collections.abc import Iterator
from typing import Any

from stepcheck.bench.cases import Row
from stepcheck.bench.runs.store import Run
from stepcheck.errors import RunError
from stepcheck.report.records import encode
from stepcheck.report.rows import record as describe
from stepcheck.report.rows import threshold_of


def lines(run: Run, threshold: float | None, *, ascii_only: bool = False) -> Iterator[str]:
    """Yield a record as one line of JSON for every row that was judged, newline included.

    Raises:
        NoRewardsError: a threshold for a run without rewards.
        RunError: a row has no id, or that of another: no sample can be found by it.
    """
    at = threshold_of(run, threshold)
    seen: set[tuple[str, int | None]] = set()
    for row in run.rows(texts=False):
        if row.id is None:
            raise RunError(f"{run.manifest.name}: the row at line {row.line} has no id, by which inspect finds samples")
        epoch = None if row.candidate is None else row.candidate + 1
        if (row.id, epoch) in seen:
            raise RunError(f"{run.manifest.name}: two rows have the id {row.id!r}: inspect takes one score a sample")
        seen.add((row.id, epoch))
        if row.error is None:
            yield encode(_record(row, epoch, at), ascii_only=ascii_only) + "\n"


def _record(row: Row, epoch: int | None, threshold: float | None) -> dict[str, Any]:
    found = describe(row, threshold)
    first = found["prediction"]
    value = found["aggregates"]["min"] if found["aggregates"] else float(first == -1)
    words = "no step is judged wrong" if first == -1 else f"step {first + 1} is the first error"
    under = f": reward {row.rewards[first]:.3f}, threshold {threshold:g}" if row.rewards and first >= 0 else ""
    return {
        "id": row.id,
        **({} if epoch is None else {"epoch": epoch}),
        "value": value,
        "explanation": f"{words}{under}",
        "metadata": {"prediction": first, "rewards": found["rewards"], "aggregates": found["aggregates"]},
    }
