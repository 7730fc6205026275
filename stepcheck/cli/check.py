"""`stepcheck check`: what can be shown to be false in solutions, without a model.

Owns the command's options. Refuses to examine: that is `stepcheck.evidence`.
"""

import time
from enum import StrEnum
from typing import Annotated

import typer

from stepcheck.cli import groups, options
from stepcheck.cli.output import ExitCode, opened


class CheckedAs(StrEnum):
    """How the findings are written."""

    human = "human"
    plain = "plain"
    json = "json"
    jsonl = "jsonl"


@groups.grouped
def check(
    files: options.FilesArgument,
    *,
    form: Annotated[CheckedAs, typer.Option("--format", "-f", help="How to write the findings.")] = CheckedAs.human,
    output: options.ResultsOption = None,
    reading: groups.InputFlags,
) -> None:
    """Show what is false in solutions, without a model: arithmetic and algebra.

    What cannot be read for certain is left alone, so a solution in which nothing is found need not be right.
    """
    from stepcheck.cli.score import conclude
    from stepcheck.cli.writers import WRITERS, WrittenAs
    from stepcheck.report.summary import Summary
    from stepcheck.witness import Witness

    items, witness, summary, started = reading.documents(files), Witness(), Summary(), time.monotonic()
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
