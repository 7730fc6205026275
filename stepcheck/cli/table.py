"""`stepcheck runs table`: several runs in one table, beside the published rows."""

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck import config
from stepcheck.cli import groups, options
from stepcheck.cli.output import opened

if TYPE_CHECKING:
    from stepcheck.report.runs import Result


class TableForm(StrEnum):
    """How the table is written."""

    human = "human"
    md = "md"
    latex = "latex"
    csv = "csv"


def table(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Runs of one bench: names, or paths of folders.")],
    *,
    form: Annotated[TableForm, typer.Option("--format", "-f", help="How to write it.")] = TableForm.human,
    output: options.TableOption = None,
    aggregate: Annotated[str, typer.Option(metavar="NAME", help="Best-of-N: how steps become one score.")] = "product",
    runs_dir: groups.RunsDir = None,
) -> None:
    """Lay runs out as models × subsets (or × tasks), with intervals, beside the published rows."""
    from stepcheck.bench.results import ProcessBenchResult
    from stepcheck.cli.bench import parse_aggregates
    from stepcheck.report.run_table import CRITICS, grid_of, write

    (name,) = parse_aggregates(aggregate)[:1]
    results = _read(runs, config.load({"runs_dir": runs_dir}).runs_dir)
    grid = grid_of(results, name)
    process = isinstance(results[0], ProcessBenchResult)
    title = "ProcessBench, F1 in per cent" if process else f"Best-of-N by the {name} of step rewards, per cent right"
    notes = ["95 % intervals by bootstrap over the cases."]
    if any(result.partial for result in results):
        notes.append("* partial: not of the whole data.")
    if any(isinstance(result, ProcessBenchResult) and result.votes is not None for result in results):
        notes.append(CRITICS)
    with opened(output) as sink:
        sink.write(write(grid, form.value, title, notes))


def _read(names: list[str], runs_dir: Path | None) -> "list[Result]":
    from stepcheck.bench.runs.folder import existing_run
    from stepcheck.bench.runs.store import Run
    from stepcheck.report.runs import compute

    with ExitStack() as stack:
        return [compute(stack.enter_context(Run(existing_run(name, runs_dir)))) for name in names]
