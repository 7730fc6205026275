"""A run → what is shown of it, in every format."""

import json

from stepcheck.bench import results
from stepcheck.bench.runs.store import Run
from stepcheck.report import processbench
from stepcheck.report.clean import clean_json, clean_line
from stepcheck.report.tables import Table, to_markdown, to_text


def show(
    run: Run,
    form: str,
    *,
    threshold: float | None = None,
    tune_on: str | None = None,
    ascii_only: bool = False,
) -> str:
    """Write a run's figures as `human`, `md` or `json`."""
    result = results.read_result(run, threshold=threshold, tune_on=tune_on)
    if form == "json":
        return clean_json(json.dumps(processbench.record(result), ensure_ascii=ascii_only, allow_nan=False)) + "\n"
    return written(processbench.head(result), processbench.tables(result), form)


def written(head: list[str], tables: list[Table], form: str) -> str:
    """Put the lines at the top and the tables together."""
    if form == "md":
        first, *others = map(clean_line, head)
        return "\n".join([f"## {first}", "", *others, ""]) + "\n" + "\n".join(map(to_markdown, tables))
    return "\n".join(map(clean_line, head)) + "\n\n" + "\n".join(map(to_text, tables))
