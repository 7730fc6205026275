"""A run's rows → JSONL and CSV: one row a case, with everything a figure was computed from."""

from collections.abc import Iterator
from typing import Any

import msgspec

from stepcheck.bench.cases import Labelled, Row
from stepcheck.bench.metrics import RIGHT
from stepcheck.bench.results import predicted
from stepcheck.bench.runs.store import Run
from stepcheck.critic.verdict import published_vote
from stepcheck.errors import NoRewardsError
from stepcheck.prm.verdict import AGGREGATES, aggregate
from stepcheck.report.records import SCHEMA, encode
from stepcheck.report.tables import to_csv

CSV_COLUMNS = (
    "subset", "id", "candidate", "line", "label", "generator", "prediction", "hit", "reference", "answer", "right",
    "how", "file_right", "file_score", "product", "min", "last", "mean", "tokens", "seconds", "error",
    "rewards", "rule",
)  # fmt: skip


def lines(run: Run, threshold: float | None = None, *, ascii_only: bool = False) -> Iterator[str]:
    """Yield a row as one line of JSON, newline included."""
    at = threshold_of(run, threshold)
    for row in run.rows():
        yield encode(record(row, at), ascii_only=ascii_only) + "\n"


def threshold_of(run: Run, threshold: float | None) -> float | None:
    """Return the threshold that is asked for, else the run's.

    Raises:
        NoRewardsError: one is asked for, and the run has no rewards.
    """
    if threshold is not None and run.manifest.threshold is None:
        raise NoRewardsError(f"{run.manifest.name}: there are no rewards to set a threshold for")
    return run.manifest.threshold if threshold is None else threshold


def record(row: Row, threshold: float | None) -> dict[str, Any]:
    """Describe a row.

    `prediction` is the 0-based first step under the threshold, or the one that a judge without rewards named; -1 for
    none, null where the row was not judged. A critic's `published_prediction` is by ProcessBench's protocol, null for
    no number.
    """
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "subset": row.subset,
        "id": row.id,
        "line": row.line,
        "position": row.position,
        "candidate": row.candidate,
        "threshold": threshold,
    }
    facts = msgspec.to_builtins(row.facts) if row.facts is not None else {}
    found |= {key: value for key, value in facts.items() if key != "type"}
    found["prediction"] = predicted(row, threshold)
    if isinstance(row.facts, Labelled) and row.error is None:
        found["hit"] = found["prediction"] == row.facts.label
    if row.boxes is not None:
        found |= {"boxes": row.boxes, "published_prediction": published_vote(row.boxes)}
    found |= {"rewards": row.rewards, "aggregates": _aggregates(row), "tokens": row.tokens}
    found["seconds"] = round(row.seconds, 6)
    if row.error is not None:
        found["error"] = {"kind": row.error.kind, "message": row.error.message}
    return found | {"problem": row.problem, "steps": row.steps}


def csv_lines(run: Run, threshold: float | None = None) -> Iterator[str]:
    """Yield the table as CSV: headings, then one line a case; rewards parted by blanks."""
    at = threshold_of(run, threshold)
    yield from to_csv([CSV_COLUMNS])
    for row in run.rows(texts=False):
        found = record(row, at)
        found |= found["aggregates"] or {}
        found["rewards"] = " ".join(f"{reward:.6g}" for reward in row.rewards or ())
        found["error"] = row.error.kind if row.error else ""
        yield from to_csv([[_cell(found.get(name)) for name in CSV_COLUMNS]])


def outcome(row: Row, threshold: float | None) -> str:
    """Name how a row of ProcessBench ended: hit, missed, false alarm, wrong index, or error."""
    prediction = predicted(row, threshold)
    if prediction is None or not isinstance(row.facts, Labelled):
        return "error"
    label = row.facts.label
    if prediction == label:
        return "hit"
    if prediction == RIGHT:
        return "missed"
    return "false alarm" if label == RIGHT else "wrong index"


def _aggregates(row: Row) -> dict[str, float] | None:
    if not row.rewards:
        return None
    sums = aggregate(row.rewards)
    return {name: float(f"{getattr(sums, name):.6g}") for name in AGGREGATES}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
