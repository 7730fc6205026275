"""`stepcheck check`: what can be shown to be false in solutions, without a model.

Owns the command's options. Refuses to examine: that is `stepcheck.evidence`.
"""

import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stepcheck.cli import groups
from stepcheck.cli.output import ExitCode, opened


class CheckedAs(StrEnum):
    """How the findings are written."""

    human = "human"
    plain = "plain"
    json = "json"
    jsonl = "jsonl"


@groups.grouped
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Markdown, text, JSON or JSONL; - is standard input.")
    ],
    *,
    form: Annotated[CheckedAs, typer.Option("--format", "-f", help="How to write the findings.")] = CheckedAs.human,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here, all or nothing; default: standard output."),
    ] = None,
    reading: groups.InputFlags,
) -> None:
    """Show what is false in solutions, without a model: arithmetic and algebra.

    What cannot be read for certain is left alone, so a solution in which nothing is found need not be right.
    """
    from stepcheck.cli.score import conclude
    from stepcheck.cli.writers import WRITERS, WrittenAs
    from stepcheck.document import read
    from stepcheck.report.summary import Summary
    from stepcheck.witness import Witness

    given, witness, summary, started = reading.given_problem, Witness(), Summary(), time.monotonic()
    read_file = partial(
        read, problem=given, split=reading.split, format=reading.kind, keep_thinking=reading.keep_thinking
    )
    items = (item for file in files for item in read_file(file))
    with opened(output) as sink:
        writer = WRITERS[WrittenAs(form.value)](sink)
        writer.begin(witness.identity, alone=False)
        for result in witness.judge(items):
            summary.add(result)
            writer.write(result)
        summary.seconds = time.monotonic() - started
        writer.end(summary)
    summary.silent = 0  # nothing found is no verdict that is missing
    code = conclude(summary, None)
    if code is not ExitCode.done:
        raise typer.Exit(code)
