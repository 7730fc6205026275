"""`stepcheck runs`: the runs of benches on this machine: look at them, compare them, export them, merge, delete."""

import json
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck import config
from stepcheck.cli import groups, options
from stepcheck.cli.bench import GradedBy, Shown, parse_aggregates
from stepcheck.cli.output import Sink, opened, say
from stepcheck.cli.table import table
from stepcheck.errors import RunError, StepcheckError, UsageError

if TYPE_CHECKING:
    from stepcheck.bench.runs.store import Run
    from stepcheck.report.runs import Asked

app = typer.Typer(no_args_is_help=True, help="Runs of benches: list, show, view, compare, export, merge, delete.")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or the path of its folder.")]
ThresholdOption = Annotated[
    float | None, typer.Option(metavar="0…1", help="Another threshold; no model is needed.", show_default="the run's")
]
TuneOption = Annotated[
    str | None, typer.Option(metavar="SUBSET", help="The threshold with the best F1 on this subset.")
]
AggregateOption = Annotated[str, typer.Option(metavar="NAME,…", help="Best-of-N: product, min, last, mean.")]
NOption = Annotated[int | None, typer.Option("--n", metavar="N", help="Best-of-N: the first N candidates.")]
GradingOption = Annotated[GradedBy | None, typer.Option(help="Best-of-N: whose grades count.")]


class ExportedAs(StrEnum):
    """What a run is exported to."""

    jsonl = "jsonl"
    csv = "csv"
    md = "md"
    html = "html"
    inspect = "inspect"
    """Scores for inspect's `precomputed_scores`."""


app.command()(table)


@app.callback()
def _group() -> None:
    """Runs of benches: list, show, view, compare, export, merge, delete."""


@app.command("list")
def show_list(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a run.")] = False,
    runs_dir: groups.RunsDir = None,
) -> None:
    """List every run: bench, model, how far it is, its main figure."""
    from stepcheck.bench.runs.folder import list_runs
    from stepcheck.report.clean import clean_json
    from stepcheck.report.tables import Table, to_text

    found = [_listed(folder) for folder in list_runs(_folder(runs_dir))]
    columns = ("run", "bench", "model", "cases", "state", "figure", "begun")
    with opened(None) as sink:
        if as_json:
            lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=not sink.utf8) for row in found)
            sink.write("".join(f"{clean_json(line)}\n" for line in lines))
        elif found:
            sink.write(to_text(Table("", columns, tuple(found))))
    if not found and not as_json:
        say("no runs yet; see: stepcheck bench --help")


def _listed(folder: Path) -> tuple[str, ...]:
    from stepcheck.bench.runs.store import Run

    try:
        with Run(folder) as run:
            count, manifest = run.count(), run.manifest
            cases = f"{count.done:,}/{manifest.cases:,}"
            state = "being written" if run.busy else "partial" if run.partial else "complete"
            if count.errors:
                state += f", {count.errors:,} not scored"
            return folder.name, manifest.bench, manifest.model, cases, state, _figure(run), manifest.created
    except StepcheckError as error:
        return folder.name, "", "", "", f"unreadable: {error}", "", ""


def _figure(run: "Run") -> str:
    from stepcheck.bench.best import BestOfNResult
    from stepcheck.report.runs import compute
    from stepcheck.report.tables import number

    result = compute(run)
    if not isinstance(result, BestOfNResult):
        return f"F1 {number(result.average_f1)}"
    task = result.tasks[0]
    figure = task.figure("prm-product", task.n)
    more = f" +{len(result.tasks) - 1}" if len(result.tasks) > 1 else ""
    return f"prm@{task.n} {number(figure.value if figure else None)}{more}"


@app.command()
def show(  # noqa: PLR0913 (every option of a command is an argument of its function)
    run: RunArgument,
    *,
    form: Annotated[Shown, typer.Option("--format", "-f", help="How to write the figures.")] = Shown.human,
    output: options.TableOption = None,
    threshold: ThresholdOption = None,
    tune_on: TuneOption = None,
    aggregate: AggregateOption = "product",
    n: NOption = None,
    grading: GradingOption = None,
    evidence: groups.Evidence = groups.Heard.off,
    plots: Annotated[bool, typer.Option("--plots", help="Draw the plots below the tables.")] = False,
    manifest: Annotated[bool, typer.Option("--manifest", help="Show what the run is instead, as JSON.")] = False,
    runs_dir: groups.RunsDir = None,
) -> None:
    """Show a run's figures again, computed from its rows; also of a run that is still being written."""
    import shutil

    import msgspec

    from stepcheck.report.clean import clean_json
    from stepcheck.report.plots import plots as plots_of
    from stepcheck.report.plots import terminal
    from stepcheck.report.runs import compute
    from stepcheck.report.runs import show as written

    asked = replace(_asked(threshold, tune_on, aggregate, n, grading), evidence=evidence.value)
    with _open(run, runs_dir) as found, opened(output) as sink:
        if manifest:
            whole = msgspec.json.format(msgspec.json.encode(found.manifest), indent=2).decode()
            sink.write(clean_json(whole) + "\n")
            return
        result = compute(found, asked)
        sink.write(written(result, form.value, ascii_only=not sink.utf8))
        if plots and form is Shown.human:
            width = min(shutil.get_terminal_size().columns, 100)
            alone = compute(found, replace(asked, evidence="off"))  # plots are of rewards
            drawn = (terminal.draw(plot, width, ascii_only=not sink.utf8) for plot in plots_of(alone))
            sink.write("".join(f"\n{text}" for text in drawn))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A run.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another run on the same cases.")],
    *,
    form: Annotated[Shown, typer.Option("--format", "-f", help="How to write it.")] = Shown.human,
    output: options.TableOption = None,
    aggregate: Annotated[str, typer.Option(metavar="NAME", help="Best-of-N: how steps become one score.")] = "product",
    runs_dir: groups.RunsDir = None,
) -> None:
    """Compare two runs case by case: the difference with its interval, McNemar's test, the cases that flipped."""
    from stepcheck.bench.comparing import compare as compared
    from stepcheck.report import compare as report
    from stepcheck.report.clean import clean_json
    from stepcheck.report.runs import written

    (name,) = parse_aggregates(aggregate)[:1]
    with _open(a, runs_dir) as ours, _open(b, runs_dir) as theirs:
        found = compared(ours, theirs, aggregate=name)
    with opened(output) as sink:
        if form is Shown.json:
            sink.write(clean_json(json.dumps(report.record(found), ensure_ascii=not sink.utf8)) + "\n")
        else:
            sink.write(written(report.head(found), report.tables(found), form.value))


@app.command()
def export(
    run: RunArgument,
    *,
    form: Annotated[
        ExportedAs,
        typer.Option(
            "--format",
            "-f",
            help="jsonl and csv: the rows; md and html: figures, plots, cases; inspect: for its precomputed_scores.",
        ),
    ] = ExportedAs.jsonl,
    output: options.TableOption = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the plots here too, as SVG and PNG.")
    ] = None,
    threshold: ThresholdOption = None,
    runs_dir: groups.RunsDir = None,
) -> None:
    """Write a run's rows, or a page about it that needs nothing beside it."""
    with _open(run, runs_dir) as found:
        if found.partial:
            say(f"note: run {found.manifest.name} is partial: {found.partial}")
        with opened(output) as sink:
            for text in _exported(found, form, threshold, sink):
                sink.write(text)
        if plots is not None:
            _write_plots(found, plots, threshold)


def _exported(run: "Run", form: ExportedAs, threshold: float | None, sink: Sink) -> Iterator[str]:
    from stepcheck.report import rows
    from stepcheck.report.run_page import page
    from stepcheck.report.runs import Asked, compute
    from stepcheck.report.runs import show as written

    if form is ExportedAs.jsonl:
        yield from rows.lines(run, threshold, ascii_only=not sink.utf8)
    elif form is ExportedAs.csv:
        yield from rows.csv_lines(run, threshold)
    elif form is ExportedAs.inspect:
        from stepcheck.report import precomputed

        yield from precomputed.lines(run, threshold, ascii_only=not sink.utf8)
        if unjudged := run.count().errors:
            say(f"note: {unjudged:,} rows were not judged and are left out: inspect counts them as unscored")
    elif form is ExportedAs.md:
        yield written(compute(run, Asked(threshold)), "md")
    else:
        yield from page(run, compute(run, Asked(threshold)))


def _write_plots(run: "Run", folder: Path, threshold: float | None) -> None:
    """Write each plot twice; a subset's name cannot lead out of the folder."""
    import re

    from stepcheck.report.plots import figures
    from stepcheck.report.plots import plots as plots_of
    from stepcheck.report.runs import Asked, compute

    folder.mkdir(parents=True, exist_ok=True)
    for number, plot in enumerate(plots_of(compute(run, Asked(threshold))), 1):
        name = f"{number:02}-{re.sub(r'[^A-Za-z0-9_-]+', '_', plot.name)[:60]}"
        for kind in ("svg", "png"):
            (folder / f"{name}.{kind}").write_bytes(figures.render(plot, "svg" if kind == "svg" else "png"))
        say(f"{folder / name}.svg and .png")


@app.command()
def merge(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the new run.")],
    shards: Annotated[list[str], typer.Argument(metavar="RUN…", help="All shards of one run, finished.")],
    *,
    runs_dir: groups.RunsDir = None,
) -> None:
    """Put the shards of a run (--shard i/n) together into a new one."""
    from contextlib import ExitStack

    from stepcheck.bench.runs.folder import run_folder
    from stepcheck.bench.runs.merging import merge as merged

    with ExitStack() as stack:
        found = [stack.enter_context(_open(shard, runs_dir)) for shard in shards]
        merged(run_folder(name, _folder(runs_dir)), name, found)
    say(f"run {name}: {len(shards)} shards merged; see: stepcheck runs show {name}")


@app.command("rm")
def remove(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Runs to delete.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: groups.RunsDir = None,
) -> None:
    """Delete runs with all their rows. Asks first; without a terminal only with --yes."""
    import sys

    from stepcheck.bench.runs import folder
    from stepcheck.report.clean import clean_line

    found = [folder.existing_run(run, _folder(runs_dir)) for run in runs]
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError("deleting cannot be undone: give --yes")
        names = clean_line(", ".join(path.name for path in found))
        typer.confirm(f"Delete {names}?", abort=True, err=True)
    for path in found:
        folder.remove(path)
        say(f"deleted {path}")


@app.command()
def view(run: RunArgument, *, runs_dir: groups.RunsDir = None) -> None:
    """Browse a run's cases in the terminal: filter them by outcome, open one, see label and prediction."""
    import sys

    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise UsageError("view needs a terminal; elsewhere: stepcheck runs show, or stepcheck runs export")
    from stepcheck.tui.runs import RunBrowser

    with _open(run, runs_dir) as found:
        if not found.count().done:
            raise RunError(f"run {found.manifest.name} has no rows yet")
        RunBrowser(found, settings=config.load()).run()


def _open(name: str, runs_dir: str | None) -> "Run":
    from stepcheck.bench.runs.folder import existing_run
    from stepcheck.bench.runs.store import Run

    return Run(existing_run(name, _folder(runs_dir)))


def _folder(runs_dir: str | None) -> Path | None:
    return config.load({"runs_dir": runs_dir}).runs_dir


def _asked(
    threshold: float | None, tune_on: str | None, aggregate: str, n: int | None, grading: GradedBy | None
) -> "Asked":
    from stepcheck.report.runs import Asked

    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"--threshold {threshold}: expected a number from 0 to 1")
    if threshold is not None and tune_on is not None:
        raise UsageError("--threshold and --tune-on: give one of them")
    if n is not None and n < 1:
        raise UsageError(f"--n {n}: expected 1 or more")
    return Asked(
        threshold=threshold,
        tune_on=tune_on,
        n=n,
        grading=grading.value if grading else None,
        aggregates=parse_aggregates(aggregate),
    )
