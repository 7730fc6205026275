"""`stepcheck config`: which settings are in force, and where each comes from."""

import json
from typing import Annotated

import typer

from stepcheck import config
from stepcheck.cli.output import opened
from stepcheck.report.clean import clean_json, clean_line

app = typer.Typer(no_args_is_help=True, help="Settings and where they come from.")


@app.callback()
def _group() -> None:
    """Settings and where they come from."""


@app.command()
def show(
    *, as_json: Annotated[bool, typer.Option("--json", help="As one JSON object: value and origin by name.")] = False
) -> None:
    """Show every setting, its value and its origin.

    A flag wins over the environment (STEPCHECK_…), that over ./stepcheck.toml, that over your own file, that over the
    default.
    """
    found = config.load()
    with opened(None) as sink:
        sink.write(_as_json(found) if as_json else _as_text(found))


def _as_json(found: config.Config) -> str:
    values = {name: {"value": setting.value, "origin": setting.origin} for name, setting in found.settings.items()}
    return clean_json(json.dumps({"schema": 1, "settings": values}, indent=2)) + "\n"


def _as_text(found: config.Config) -> str:
    """Align names and values; None is shown as what it means."""
    rows = [
        (name, "(automatic)" if setting.value is None else clean_line(str(setting.value)), clean_line(setting.origin))
        for name, setting in found.settings.items()
    ]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{name:<{wide[0]}}  {value:<{wide[1]}}  {origin}" for name, value, origin in rows]
    lines.append(f"\nyour own file: {clean_line(str(config.user_config_file()))}")
    return "\n".join(lines) + "\n"
