"""`stepcheck score`: judge the steps of solutions.

Owns the command's options and the loop from documents to results. Refuses to judge: that is the checker's.
"""

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck.cli import groups, judging, options, raying
from stepcheck.cli.judging import asked_critic, asked_server
from stepcheck.cli.meter import Meter
from stepcheck.cli.output import ExitCode, Sink, opened, say
from stepcheck.cli.writers import DRAWN, WRITERS, WrittenAs
from stepcheck.errors import UsageError

if TYPE_CHECKING:
    from stepcheck.cli.resuming import Begun
    from stepcheck.document import Document, Unread
    from stepcheck.judge import Judge, Judged, Unscored
    from stepcheck.report.summary import Summary

READ_AHEAD_BYTES = 2**20
"""Files up to this size together are read before the first is scored (two seconds at most), to tell the time left."""


@groups.grouped
def score(  # noqa: PLR0913 (every option of a command is an argument of its function)
    files: options.FilesArgument,
    *,
    form: Annotated[
        WrittenAs | None,
        typer.Option("--format", "-f", help="How to write the results.", show_default="human; jsonl with --ray"),
    ] = None,
    output: options.ResultsOption = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the JSONL file of --output: each result is kept as it is written."),
    ] = False,
    threshold: groups.Threshold = None,
    fail_under: Annotated[
        float | None, typer.Option(metavar="0…1", help="Exit with 3 if any step's reward is lower.")
    ] = None,
    reading: groups.InputFlags,
    engine: groups.EngineFlags,
    server: groups.ServerFlags,
    critic: groups.CriticFlags,
    votes: groups.Votes = None,
    evidence: groups.Evidence = groups.Heard.show,
    force: options.ForceModelOption = False,
    spread: raying.RayFlags,
) -> None:
    """Judge each step of solutions, and point at the first wrong one.

    Every step gets a reward from 0 to 1; the first one under the threshold is the verdict.

    Settings may also stand in the environment and in stepcheck.toml:
    stepcheck config show lists them.
    """
    settings = groups.settle(engine.flags | server.flags | {"threshold": threshold})
    rewards = {"--threshold": threshold, "--fail-under": _probability(fail_under)}
    if form in DRAWN:
        rewards[f"--format {form.value}"] = 1.0
    words = asked_critic(critic, votes, rewards=rewards, model=engine.model)
    there = asked_server(server, engine, settings, words)
    if spread.ray is not None:
        raying.check_alone(words or there)
        summary = raying.score(spread, files, output, form, settings, reading=reading, evidence=evidence, force=force)
        finish(summary, fail_under)
        return
    form = _streamed(form)
    typing = "-" in files and sys.stdin is not None and sys.stdin.isatty()
    meter = Meter(silent=typing, talks=words is not None)
    documents = reading.documents(files, meter.took)
    with (
        _opened(output, form, resume=resume) as sink,
        meter,
        closing(judging.open_judge(words or there, settings, meter.loading, force=force, evidence=evidence)) as judge,
    ):
        _begin(judge)  # the model loads while the files are read
        if typing:
            say("reading from the terminal; end with Ctrl-D (Windows: Ctrl-Z and Enter)")
        summary = _run(judge, _gather(files, documents, meter), sink, form, meter)
        if form is WrittenAs.human and summary.done > summary.unscored:
            _suggest(judge.identity.name, settings.models_dir)
    finish(summary, fail_under)


def _probability(fail_under: float | None) -> float | None:
    if fail_under is not None and not (math.isfinite(fail_under) and 0 <= fail_under <= 1):
        raise UsageError(f"--fail-under {fail_under}: expected a number from 0 to 1")
    return fail_under


def _streamed(form: WrittenAs | None) -> WrittenAs:
    """Choose how one stream is written."""
    if form is WrittenAs.parquet:
        raise UsageError("--format parquet: is written with --ray, into a folder")
    return form or WrittenAs.human


def finish(summary: "Summary", fail_under: float | None) -> None:
    """Say what failed and end with the exit code that says so."""
    code = conclude(summary, fail_under)
    if code is not ExitCode.done:
        raise typer.Exit(code)


def _suggest(model: str, models_dir: Path | None) -> None:
    """Say to a person who judged with the demonstration how to have a better judge."""
    from stepcheck.hub.disk.better import better_judge

    better = better_judge(model, models_dir)
    if better:
        say(f"a better judge of grade-school mathematics: {better}")


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is to be scored; how many and how much text, where that is known before it is read."""

    documents: "Iterable[Document | Unread]"
    total: int | None = None
    work: int = 0
    size: int | None = None
    """Bytes of what is read as it is scored, where they can be told."""


@contextmanager
def _opened(output: Path | None, form: WrittenAs, *, resume: bool) -> "Iterator[Sink | Begun]":
    """Open what is written to: a file that is gone on with, or one that appears whole or not at all."""
    if resume:
        from stepcheck.cli.resuming import begun

        if form is not WrittenAs.jsonl or output is None or str(output) == "-":
            raise UsageError("--resume goes on with a file of results: give --format jsonl and --output FILE")
        with begun(output) as going_on:
            yield going_on
        return
    with opened(output) as sink:
        try:
            yield sink
        except KeyboardInterrupt:
            if output is not None:
                say(f"{output}: nothing is kept; with --format jsonl --resume every result is, as it comes")
            raise


def _begin(judge: "Judge") -> None:
    from stepcheck.judge import begin

    begin(judge)


def _gather(files: Sequence[str], documents: "Iterable[Document | Unread]", meter: Meter) -> _Batch:
    """Read files of moderate size at once; leave streams and huge files to be read as they are scored."""
    size = sum(_size(file) for file in files)
    if size > READ_AHEAD_BYTES:
        whole = all(file.lower().endswith((".jsonl", ".ndjson")) for file in files)  # what is read line by line
        return _Batch(_drawn(documents, meter), size=int(size) if whole and math.isfinite(size) else None)
    known = list(documents)
    return _Batch(known, len(known), sum(map(_work, known)))


def _drawn(documents: "Iterable[Document | Unread]", meter: Meter) -> "Iterator[Document | Unread]":
    for item in documents:
        meter.draw(_work(item))
        yield item


def _size(file: str) -> float:
    """Return a file's bytes; a stream counts as endless, a file that is not there as nothing."""
    try:
        path = Path(file)
        return path.stat().st_size if file != "-" and (path.is_file() or not path.exists()) else math.inf
    except (OSError, ValueError):
        return 0


def _work(item: "Document | Unread | Judged | Unscored") -> int:
    """Measure a document in characters, the best guess of its time before it is tokenized."""
    document = getattr(item, "document", item)
    return len(getattr(document, "problem", "")) + sum([len(step.text) for step in getattr(document, "steps", ())])


def _run(judge: "Judge", batch: _Batch, sink: "Sink | Begun", form: WrittenAs, meter: Meter) -> "Summary":
    """Score everything in order and write each result when it is there."""
    from stepcheck.report.summary import Summary

    summary, started, documents = Summary(), time.monotonic(), iter(batch.documents)
    writer = WRITERS[form](sink if isinstance(sink, Sink) else sink.sink)
    writer.begin(judge.identity, alone=batch.total == 1)
    meter.expect(batch.total, batch.work, size=batch.size)
    if not isinstance(sink, Sink):
        documents = sink.rest(documents, judge.identity, summary, lambda kept: meter.keep(_work(kept)))
    for result in judge.judge(documents):
        summary.add(result)
        meter.advance(_work(result), getattr(result, "tokens", 0))
        with meter.paused():
            writer.write(result)
    summary.seconds = time.monotonic() - started
    with meter.paused():
        writer.end(summary)
        if summary.kept:
            say(f"{summary.kept:,} of {summary.done:,} results were there and are kept as they are")
    return summary


def conclude(summary: "Summary", fail_under: float | None) -> ExitCode:
    """Say what failed and choose the exit code: an error counts for more than a low reward."""
    from stepcheck.report.place import sentence

    if summary.first_failure is not None:
        first = sentence(summary.first_failure)
        if summary.done == 1:
            say(f"error: {first}")
        else:
            say(f"error: {summary.unscored:,} of {summary.done:,} solutions could not be scored; the first: {first}")
        return ExitCode.error
    if summary.silent:
        say(f"note: {summary.silent:,} of {summary.done:,} critiques hold no verdict; they count as neither")
    return ExitCode.below if fail_under is not None and summary.lowest < fail_under else ExitCode.done
