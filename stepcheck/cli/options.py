"""Options that several commands share, each worded once; those that come together are in groups.py."""

from typing import Annotated

import typer

from stepcheck.cli.groups import ENGINE

ForceModelOption = Annotated[
    bool,
    typer.Option("--force", help="Load a model that seems too large for the memory.", rich_help_panel=ENGINE),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As one JSON object.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only what a script needs.")]
