"""Several runs → one table of models × subsets, or × tasks, beside the published rows, in every format."""

from collections.abc import Sequence
from typing import Literal

from stepcheck.bench import published
from stepcheck.bench.best import BestOfNResult
from stepcheck.bench.results import ProcessBenchResult, SubsetResult
from stepcheck.bench.statistics import Interval
from stepcheck.errors import UsageError
from stepcheck.report.runs import Result
from stepcheck.report.standings import MISSING, Figure, Grid, Standing, lay_out, to_latex
from stepcheck.report.tables import Table, to_csv, to_markdown, to_text

Form = Literal["human", "md", "latex", "csv"]
AVERAGE = "average"
VERDICTS = ", verdicts only"
"""Behind a critic's name: its F1 over the cases that it gave a verdict of."""
CRITICS = (
    "A critic's row is by the published protocol, in which a case without a verdict is a miss; 'verdicts only' leaves"
    " such cases out."
)


def grid_of(results: Sequence[Result], aggregate: str = "product") -> Grid:
    """Lay runs out; what is published of the same columns stands beside them.

    Raises:
        UsageError: runs of two benches do not fit into one table.
    """
    process = [result for result in results if isinstance(result, ProcessBenchResult)]
    if process and len(process) < len(results):
        raise UsageError("runs of ProcessBench and of Best-of-N do not fit into one table: give one kind")
    if process:
        return _process(process)
    return _best_of_n([result for result in results if isinstance(result, BestOfNResult)], aggregate)


def write(grid: Grid, form: Form, title: str, notes: Sequence[str]) -> str:
    """Write a grid as text, Markdown, LaTeX or CSV; the last two carry nothing but the figures.

    What is missing is an empty cell in CSV: a dash would be a text among numbers.
    """
    if form == "latex":
        return to_latex(grid)
    if form == "csv":
        rows = (tuple("" if cell == MISSING else cell for cell in row) for row in grid.rows)
        return "".join(to_csv((grid.columns, *rows)))
    table = Table(title, grid.columns, grid.rows, tuple(notes))
    return to_markdown(table) if form == "md" else to_text(table)


def _process(results: Sequence[ProcessBenchResult]) -> Grid:
    table = published.tables().processbench
    found = {subset.name for result in results for subset in result.subsets}
    columns = [*(name for name in table.subsets if name in found), *sorted(found - set(table.subsets))]
    standings = [_measured(result, columns, protocol=result.votes is not None) for result in results]
    critics = [result for result in results if result.votes is not None]
    standings += [_measured(result, columns) for result in critics]
    for row in table.rows:
        if row.greedy and not critics:
            continue
        known = dict(zip(table.subsets, row.f1, strict=False))
        figures = [Figure(known[name]) if name in known else None for name in columns]
        standings.append(Standing(row.model, (*figures, Figure(row.average)), published=True))
    return lay_out([*columns, AVERAGE], standings, published.same_model)


def _measured(result: ProcessBenchResult, columns: Sequence[str], *, protocol: bool = False) -> Standing:
    """Lay out a run's F1; a critic's by the published `protocol` stands beside published rows, ours says what it is."""
    subsets = {subset.name: subset for subset in result.subsets}
    partial, figures = bool(result.partial), list[Figure | None]()
    for name in columns:
        f1, interval = _f1(subsets[name], protocol=protocol) if name in subsets else (None, None)
        figures.append(None if f1 is None else Figure(f1, interval, partial))
    if protocol:
        average, interval = result.protocol_f1, result.protocol_interval
    else:
        average, interval = result.average_f1, result.average_interval
    whole = {"gsm8k", "math", "olympiadbench", "omnimath"} <= set(subsets)
    last = None if average is None else Figure(average, interval, partial or not whole)
    ours = result.votes is not None and not protocol
    return Standing(f"{result.title}{VERDICTS if ours else ''}", (*figures, last), run=result.run, aside=ours)


def _f1(subset: SubsetResult, *, protocol: bool) -> tuple[float | None, Interval | None]:
    if protocol and subset.protocol:
        return subset.protocol.score.f1, subset.protocol.interval
    return subset.score.f1, subset.f1_interval


def _best_of_n(results: Sequence[BestOfNResult], aggregate: str) -> Grid:
    table = published.tables().bestofn
    found = {task.name for result in results for task in result.tasks}
    columns = [*(name for name in table.tasks if name in found), *sorted(found - set(table.tasks))]
    standings = []
    for result in results:
        tasks = {task.name: task for task in result.tasks}
        figures: list[Figure | None] = []
        for name in columns:
            task = tasks.get(name)
            figure = None if task is None else task.figure(f"prm-{aggregate}", task.n)
            partial = bool(result.partial)
            kept = None if figure is None else Figure(figure.value, figure.interval, partial, figure.high)
            figures.append(kept)
        standings.append(Standing(result.model, tuple(figures), run=result.run))
    for row in table.rows:
        known = dict(zip(table.tasks, row.accuracy, strict=False))
        if any(name in known for name in columns):
            figures = [Figure(known[name]) if name in known else None for name in columns]
            standings.append(Standing(row.model, tuple(figures), published=True))
    return lay_out(columns, standings, published.same_model)
