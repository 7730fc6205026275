"""`stepcheck bench`: ProcessBench and Best-of-N over local files, kept as runs."""

import itertools
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck import config
from stepcheck.cli import groups
from stepcheck.cli.data import pulled
from stepcheck.cli.judging import asked_critic, asked_server
from stepcheck.cli.output import ExitCode, opened, say
from stepcheck.cli.perform import Order, perform, select
from stepcheck.errors import NoRewardsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepcheck.bench.bestofn import Reading
    from stepcheck.bench.cases import Case
    from stepcheck.bench.data import Selection, Subset
    from stepcheck.bench.runs.store import Run
    from stepcheck.report.runs import Asked

app = typer.Typer(no_args_is_help=True, help="ProcessBench and Best-of-N over local files, resumable and comparable.")


class Shown(StrEnum):
    """How the figures are written."""

    human = "human"
    json = "json"
    md = "md"


class GradedBy(StrEnum):
    """Whose grades count in Best-of-N."""

    file = "file"
    own = "own"


class AnswersFrom(StrEnum):
    """What a response answers that states no answer."""

    last_number = "last-number"
    strict = "strict"


FIGURES = ("too_long", "no_verdict")
"""Kinds of errors that say something of the judge, and would come again."""
FormatOption = Annotated[Shown, typer.Option("--format", "-f", help="How to write the figures.")]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the figures here.", show_default="standard output"),
]
DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="DIR|FILE",
        help="Folders of JSON files, files, or a pattern of files; repeatable.",
        show_default="what `stepcheck data pull processbench` fetched",
    ),
]
MoreArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[DIR|FILE]…", help="As --data; so that `--data A B` and `--data *.json` take them all."),
]
SubsetOption = Annotated[
    list[str] | None,
    typer.Option(help="Subsets of the folder, or names for the files, in order; repeatable."),
]
TuneOption = Annotated[
    str | None, typer.Option(metavar="SUBSET", help="Use the threshold with the best F1 on this subset, and say so.")
]
KeepOption = Annotated[
    str | None,
    typer.Option(
        metavar="SUBSET", help="As --tune-on, and write that threshold into the model's card, with where it comes from."
    ),
]


@app.callback()
def _group() -> None:
    """ProcessBench and Best-of-N over local files, resumable and comparable."""


@app.command()
@groups.grouped
def processbench(  # noqa: PLR0913 (every option of a command is an argument of its function)
    more: MoreArgument = None,
    *,
    data: DataOption = None,
    subset: SubsetOption = None,
    threshold: groups.Threshold = None,
    tune_on: TuneOption = None,
    tune_threshold: KeepOption = None,
    server: groups.ServerFlags,
    critic: groups.CriticFlags,
    votes: groups.Votes = None,
    form: FormatOption = Shown.human,
    output: OutputOption = None,
    cases: groups.CaseFlags,
    kept: groups.RunFlags,
    engine: groups.EngineFlags,
    evidence: groups.Evidence = groups.Heard.off,
) -> None:
    """Find the first wrong step of labelled solutions, and compare with the published figures.

    The same command again goes on where it was stopped. For evaluation only: never train on ProcessBench.
    """
    from stepcheck.bench.data import check_ids, find_files, scan
    from stepcheck.bench.processbench import read_cases

    if sum(given is not None for given in (tune_on, threshold, tune_threshold)) > 1:
        raise UsageError("--threshold, --tune-on and --tune-threshold: give one of them")
    rewards = {"--threshold": threshold, "--tune-on": tune_on, "--tune-threshold": tune_threshold}
    words = asked_critic(critic, votes, rewards=rewards, model=engine.model)
    tune_on = tune_on or tune_threshold
    settings = groups.settle(engine.flags | server.flags | {"threshold": threshold, "runs_dir": kept.runs_dir})
    there = asked_server(server, engine, settings, words)
    if there is not None and tune_threshold is not None:
        raise UsageError(f"--tune-threshold writes into a card here, and {there.address} judges: take --tune-on")
    selection = select(cases)
    subsets = [
        scan(name, path, selection, merge=False)
        for name, path in find_files([*(data or ()), *(more or ())] or [pulled("processbench")], subset or [])
    ]
    check_ids(subsets, selection)
    _warn_of_one_kind(subsets, selection)
    if tune_on is not None and tune_on not in {found.name for found in subsets}:
        raise UsageError(f"--tune-on {tune_on}: the subsets are {', '.join(found.name for found in subsets)}")
    order = Order(
        "processbench", subsets, selection, read_cases, {}, tune_on, kept.run, kept.retry_errors, words or there
    )
    folder = perform(order, settings)
    if tune_threshold is not None:
        _keep_threshold(folder, tune_threshold, settings)
    from stepcheck.report.runs import Asked

    conclude(folder, form, output, Asked(evidence=evidence.value))


def _warn_of_one_kind(subsets: "list[Subset]", selection: "Selection") -> None:
    """Say where a limit leaves wrong solutions only, or right ones: the published files list the wrong ones first."""
    from stepcheck.bench.cases import Labelled
    from stepcheck.bench.processbench import read_cases

    if selection.limit is None or selection.sample is not None or selection.ids:
        return
    for subset in subsets:
        first = itertools.islice(read_cases(subset), selection.limit)
        kinds = {case.facts.label < 0 for case in first if isinstance(case.facts, Labelled)}
        if len(kinds) == 1 and len(subset.chosen) < len(subset.entries):
            say(
                f"warning: the first {len(subset.chosen):,} of {subset.name} are {'right' if kinds.pop() else 'wrong'} "
                f"solutions only, and F1 needs both; --sample {selection.limit} draws from the whole file"
            )


def _keep_threshold(folder: Path, subset: str, settings: config.Config) -> None:
    """Write the threshold that is best on a subset into the card of the model that was run."""
    from stepcheck.bench.results import read_result
    from stepcheck.bench.runs.store import Run
    from stepcheck.hub.disk.calibrate import keep_threshold
    from stepcheck.hub.disk.store import find_card

    with Run(folder) as run:
        result = read_result(run, tune_on=subset)
    (tuned,) = (found for found in result.subsets if found.name == subset)
    partial = f" (partial: {result.partial})" if result.partial else ""
    if result.threshold is None:
        raise NoRewardsError(f"{subset}: there are no rewards to set a threshold for")
    source = f"tuned on ProcessBench {subset}: F1 {tuned.score.f1 or 0:.1f} over {tuned.cases:,} cases{partial}"
    path = find_card(settings.model, settings.models_dir).path
    keep_threshold(path, result.threshold, source)
    say(f"{path}: threshold {result.threshold:g}, {source}")


@app.command()
@groups.grouped
def bon(  # noqa: PLR0913 (every option of a command is an argument of its function)
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="JSON or JSONL; a file is a task.")],
    *,
    n: Annotated[int | None, typer.Option("--n", metavar="N", help="The first N candidates of each problem.")] = None,
    aggregate: Annotated[
        str, typer.Option(metavar="NAME,…", help="How steps become one score: product, min, last, mean.")
    ] = "product",
    grading: Annotated[
        GradedBy | None,
        typer.Option(help="Whose grades count.", show_default="the file's, where it has any"),
    ] = None,
    answers: Annotated[
        AnswersFrom,
        typer.Option(help="What a response answers that states no answer: its last number, or nothing (strict)."),
    ] = AnswersFrom.last_number,
    task: Annotated[list[str] | None, typer.Option(help="Names for the files, in order; repeatable.")] = None,
    split: groups.Split = "auto",
    form: FormatOption = Shown.human,
    output: OutputOption = None,
    cases: groups.CaseFlags,
    kept: groups.RunFlags,
    engine: groups.EngineFlags,
    server: groups.ServerFlags,
) -> None:
    """Choose the best of N candidates by their steps' rewards, and compare with votes and with what is published.

    A row holds a problem, its answer and a list of responses, or one response a row. Qwen2.5-Math's evaluation files
    are read as they are. The same command again goes on where it was stopped.
    """
    from stepcheck.bench.bestofn import Reading
    from stepcheck.bench.data import find_files
    from stepcheck.report.runs import Asked

    if n is not None and n < 1:
        raise UsageError(f"--n {n}: expected 1 or more")
    asked = Asked(n=n, grading=grading.value if grading else None, aggregates=parse_aggregates(aggregate))
    settings = groups.settle(engine.flags | server.flags | {"runs_dir": kept.runs_dir})
    reading = Reading(n, split, answers.value)
    order = _order_candidates(find_files(files, task or []), select(cases), reading, kept)
    order = replace(order, asked=asked_server(server, engine, settings, None))
    conclude(perform(order, settings), form, output, asked)


def _order_candidates(
    files: list[tuple[str, Path]], selection: "Selection", reading: "Reading", kept: groups.RunFlags
) -> Order:
    """Describe a Best-of-N run. The grader starts its process only when it needs it, and takes it along at the end."""
    from stepcheck.answers import Grader
    from stepcheck.bench.bestofn import read_problems
    from stepcheck.bench.data import check_ids, scan

    subsets = [scan(name, path, selection, merge=True, n=reading.n) for name, path in files]
    check_ids(subsets, selection)

    def read(subset: "Subset") -> "Iterator[Case]":
        with Grader() as grader:
            yield from read_problems(subset, grader, reading)

    settings = {"n": reading.n, "split": reading.split, "answers": reading.answers}
    return Order("bestofn", subsets, selection, read, settings, name=kept.run, retry_errors=kept.retry_errors)


def parse_aggregates(given: str) -> tuple[str, ...]:
    """Read `product,min`.

    Raises:
        UsageError: a name is not known.
    """
    from stepcheck.prm.verdict import AGGREGATES

    found = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    unknown = [name for name in found if name not in AGGREGATES]
    if unknown or not found:
        raise UsageError(f"--aggregate {given}: expected one or more of {', '.join(AGGREGATES)}, parted by commas")
    return found


def conclude(folder: Path, form: Shown, output: Path | None, asked: "Asked | None" = None) -> None:
    """Write the figures of a run; end with 1 if cases failed for another reason than their length."""
    from stepcheck.bench.runs.store import Run
    from stepcheck.report.runs import Asked, compute, show

    with Run(folder) as run:
        result = compute(run, asked or Asked())
        with opened(output) as sink:
            sink.write(show(result, form.value, ascii_only=not sink.utf8))
        failed = failures(run)
        say(f"run {run.manifest.name}; again at any time: stepcheck runs show {run.manifest.name}")
    if failed:
        say(f"error: {failed[0]}")
        raise typer.Exit(ExitCode.error)


def failures(run: "Run") -> list[str]:
    """Say how many cases failed, and the first reason; what is a figure is no failure."""
    errors = [row for row in run.rows(texts=False) if row.error is not None and row.error.kind not in FIGURES]
    if not errors or errors[0].error is None:
        return []
    first = errors[0].error.message
    return [f"{len(errors):,} cases could not be scored; the first: {first} (try again: --retry-errors)"]
