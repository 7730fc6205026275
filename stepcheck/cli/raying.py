"""`stepcheck score --ray`: files → a folder of results, judged by many engines.

Owns the options and what is said at the end. Refuses what needs one place: a page, a picture, standard input.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepcheck import config
from stepcheck.cli.groups import Heard, InputFlags
from stepcheck.cli.meter import Meter
from stepcheck.cli.output import say
from stepcheck.cli.writers import WrittenAs
from stepcheck.door.address import is_elsewhere
from stepcheck.errors import UsageError
from stepcheck.patterns import regex

if TYPE_CHECKING:
    from stepcheck.ray.parts import Part
    from stepcheck.ray.run import Job, Run
    from stepcheck.report.summary import Summary

RAY = "Ray"
HERE = "local"
_ADDRESS = regex(r"local|auto|(?:ray://)?[\w.\-]+:\d+|(?:ray://)?\[[0-9a-fA-F:]+\]:\d+")
FOLDER_FORMS = {WrittenAs.jsonl: "jsonl", WrittenAs.parquet: "parquet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RayFlags:
    """Many engines in the place of one."""

    ray: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]",
            help="Judge with many engines into the folder --output: on this machine, or on the Ray cluster at ADDRESS"
            " (auto: the one that runs here).",
            show_default=False,
            rich_help_panel=RAY,
        ),
    ] = None
    ray_engines: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="How many engines, each with --threads CPUs.", show_default="as many as fit",
            rich_help_panel=RAY,
        ),
    ] = None  # fmt: skip
    ray_gpus: Annotated[
        float, typer.Option(metavar="N", min=0, help="GPUs of each engine; a part of one too.", rich_help_panel=RAY)
    ] = 0.0
    ray_rows: Annotated[
        int, typer.Option(metavar="N", min=1, help="Rows that an engine judges at a time.", rich_help_panel=RAY)
    ] = 250


def with_address(arguments: Sequence[str]) -> list[str]:
    """Put this machine behind a `--ray` without an address, so that the next word stays what it is."""
    found: list[str] = []
    for index, word in enumerate(arguments):
        found.append(word)
        if word == "--ray" and not _ADDRESS.fullmatch("".join(arguments[index + 1 : index + 2])):
            found.append(HERE)
        if word == "--":
            return [*found, *arguments[index + 1 :]]
    return found


def check_alone(other: object) -> None:
    """Raise UsageError where another judge is asked for besides."""
    if other:
        raise UsageError("--ray opens a model in every engine: without --critic, and with --server here")


def score(
    asked: RayFlags,
    files: Sequence[str],
    output: Path | None,
    form: WrittenAs | None,
    settings: config.Config,
    *,
    reading: InputFlags,
    evidence: Heard,
    force: bool,
) -> "Summary":
    """Judge files into a folder, and count what is there at the end.

    Raises:
        UsageError: options that do not go together, or Ray is not installed.
        StepcheckError: as `stepcheck.ray.run`.
    """
    from stepcheck.ray.run import begin

    if not _ADDRESS.fullmatch(asked.ray or ""):
        raise UsageError(f"--ray {asked.ray}: expected HOST:PORT, auto, or nothing for this machine")
    if output is None or str(output) == "-":
        raise UsageError("--ray writes several files: give their folder with --output")
    if form not in (None, *FOLDER_FORMS):
        raise UsageError(f"--format {form}: --ray writes jsonl or parquet")
    if settings.offline and asked.ray not in (HERE, "auto") and _is_elsewhere(asked.ray or ""):
        raise UsageError(f"--ray {asked.ray}: {settings.settings['offline'].origin} forbids connections")
    kind = FOLDER_FORMS[form or WrittenAs.jsonl]
    job = _job(asked, files, output, kind, settings, reading=reading, evidence=evidence, force=force)
    started = time.monotonic()
    with begin(job) as run, Meter() as meter:
        if run.identity.notice:
            say(f"note: {run.identity.notice}")
        done = _work(run, meter)
        summary = _count(run)
        summary.seconds = time.monotonic() - started
        files_there = len(run.folder.parts) - len(run.lost)
        kept = f", {files_there - done:,} of them were there" if files_there > done else ""
        say(f"{output}: {summary.done:,} results in {files_there:,} files{kept}")
        run.check_whole()
    return summary


def _is_elsewhere(address: str) -> bool:
    return is_elsewhere(f"http://{address.removeprefix('ray://')}")


def _job(
    asked: RayFlags,
    files: Sequence[str],
    output: Path,
    kind: Any,  # noqa: ANN401 (a word of FOLDER_FORMS)
    settings: config.Config,
    *,
    reading: InputFlags,
    evidence: Heard,
    force: bool,
) -> "Job":
    from stepcheck.ray.run import Job

    return Job(
        files=files,
        output=output,
        kind=kind,
        model=settings.model,
        judging={
            "threshold": settings.threshold,
            "evidence": evidence.value,
            "models_dir": settings.models_dir,
            "options": settings.engine,
            "force": force,
        },
        reading={
            "problem": reading.given_problem,
            "split": reading.split,
            "keep_thinking": reading.keep_thinking,
        },
        form=reading.kind,
        rows=asked.ray_rows,
        address=asked.ray or HERE,
        engines=asked.ray_engines,
        gpus=asked.ray_gpus,
    )


def _work(run: "Run", meter: Meter) -> int:
    """Judge what is left; how many parts were done."""

    def tell(words: str) -> None:
        with meter.paused():
            say(words)

    rows, done = sum(map(_rows, run.parts)), 0
    meter.expect(rows, rows)
    with closing(run.work(tell)) as work:  # type: ignore[type-var]  # a generator
        for part, said in work:
            done += 1
            meter.advance(_rows(part), said.tokens, said.results)
    return done


def _rows(part: "Part") -> int:
    """How many rows a part has; a file that is read as one counts as one."""
    return 1 if part.rows is None else part.rows.rows


def _count(run: "Run") -> "Summary":
    from stepcheck.report.summary import Summary

    summary = Summary()
    for record in run.folder.records():
        summary.keep(record)
    summary.kept = 0
    return summary
