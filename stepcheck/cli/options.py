"""Options that several commands share, each worded once; those that come together are in groups.py."""

from pathlib import Path
from typing import Annotated

import typer

from stepcheck.cli.groups import ENGINE

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE…", help="Markdown, text, JSON or JSONL; - is standard input.")
]
ResultsOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write here, all or nothing; default: standard output."),
]
TableOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here.", show_default="standard output")
]
ForceModelOption = Annotated[
    bool,
    typer.Option("--force", help="Load a model that seems too large for the memory.", rich_help_panel=ENGINE),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As one JSON object.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only what a script needs.")]
