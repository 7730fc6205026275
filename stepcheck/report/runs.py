"""A run → what is shown of it, in every format."""

import json
from dataclasses import dataclass

from stepcheck.bench import best, results
from stepcheck.bench.best import BestOfNResult
from stepcheck.bench.problems import Grading
from stepcheck.bench.results import ProcessBenchResult
from stepcheck.bench.runs.store import Run
from stepcheck.errors import UsageError
from stepcheck.report import bestofn, processbench
from stepcheck.report.clean import clean_json, clean_line
from stepcheck.report.tables import Table, to_markdown, to_text

Result = ProcessBenchResult | BestOfNResult


@dataclass(frozen=True, slots=True)
class Asked:
    """How the figures are to be computed, where not as the run says: they need no model, only its rows."""

    threshold: float | None = None
    tune_on: str | None = None
    evidence: results.Heard = "off"
    n: int | None = None
    grading: Grading | None = None
    aggregates: tuple[str, ...] = ()


def compute(run: Run, asked: Asked | None = None) -> Result:
    """Compute a run's figures."""
    asked = asked or Asked()
    if run.manifest.bench == "processbench":
        return results.read_result(run, threshold=asked.threshold, tune_on=asked.tune_on, evidence=asked.evidence)
    if asked.evidence != "off":
        raise UsageError(f"{run.manifest.name}: evidence has figures beside the labels of ProcessBench only")
    return best.read_result(run, n=asked.n, grading=asked.grading, aggregates=asked.aggregates)


def head_of(result: Result) -> list[str]:
    """Say what was measured."""
    return processbench.head(result) if isinstance(result, ProcessBenchResult) else bestofn.head(result)


def tables_of(result: Result) -> list[Table]:
    """Return every table of a result."""
    return processbench.tables(result) if isinstance(result, ProcessBenchResult) else bestofn.tables(result)


def show(result: Result, form: str, *, ascii_only: bool = False) -> str:
    """Write figures as `human`, `md` or `json`."""
    if form == "json":
        found = processbench.record(result) if isinstance(result, ProcessBenchResult) else bestofn.record(result)
        return clean_json(json.dumps(found, ensure_ascii=ascii_only, allow_nan=False)) + "\n"
    return written(head_of(result), tables_of(result), form)


def written(head: list[str], tables: list[Table], form: str) -> str:
    """Put the lines at the top and the tables together."""
    if form == "md":
        first, *others = map(clean_line, head)
        return "\n".join([f"## {first}", "", *others, ""]) + "\n" + "\n".join(map(to_markdown, tables))
    return "\n".join(map(clean_line, head)) + "\n\n" + "\n".join(map(to_text, tables))
