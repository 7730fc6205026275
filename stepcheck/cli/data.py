"""`stepcheck data`: datasets of benches, pulled once and then used from disk."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stepcheck import config
from stepcheck.cli import groups
from stepcheck.cli.output import opened, say
from stepcheck.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Datasets of benches, pulled once.")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="processbench")]
DataDirOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where datasets are kept.", show_default="your data folder")
]


@app.callback()
def _group() -> None:
    """Datasets of benches, pulled once."""


@app.command()
def pull(
    name: NameArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Take the newest commit instead of the pinned one, and pin that.")
    ] = False,
    offline: groups.Offline = None,
    data_dir: DataDirOption = None,
) -> None:
    """Download a dataset, pinned to a commit and verified; prints its folder."""
    from stepcheck.cli.transfer import Transfer, size
    from stepcheck.hub.net.remote import Hub
    from stepcheck.hub.net.watch import Watch
    from stepcheck.hub.pull import datasets

    dataset = datasets.find_dataset(name)
    folder = datasets.data_dir(data_dir)
    hub = Hub(offline=config.load({"offline": offline}).offline)
    snapshot = datasets.look_up(hub, name, folder, renew=update, watch=Watch(on_note=say))
    files = snapshot.select(*dataset.patterns)
    total = sum(file.size for file in files)
    say(f"{dataset.title}: {len(files)} files, {size(total)}, from {snapshot.repository} at {snapshot.commit[:12]}")
    if not yes:
        _ask()
    transfer = Transfer(total, 0)
    try:
        made = datasets.pull(hub, name, folder, snapshot, watch=Watch(transfer.progress, transfer.note, transfer.step))
    finally:
        transfer.end()
    say(f"pulled and verified; run it with: stepcheck bench {name}")
    with opened(None) as sink:
        sink.write(f"{made}\n")


@app.command()
def path(name: NameArgument, *, data_dir: DataDirOption = None) -> None:
    """Print where a dataset is; an error if it was not pulled."""
    from stepcheck.hub.pull import datasets

    datasets.find_dataset(name)
    with opened(None) as sink:
        sink.write(f"{pulled(name, data_dir)}\n")


def pulled(name: str, data_dir: Path | None = None) -> Path:
    """Return a dataset's folder.

    Raises:
        UsageError: it was not pulled; says how to.
    """
    from stepcheck.hub.pull import datasets

    folder = datasets.data_dir(data_dir) / name
    if not folder.is_dir():
        raise UsageError(f"{name} is not on this machine: give --data DIR, or get it with: stepcheck data pull {name}")
    return folder


def _ask() -> None:
    """Ask on a terminal; elsewhere nobody can answer, and nothing is downloaded unasked."""
    if sys.stdin is None or not sys.stdin.isatty() or sys.stderr is None or not sys.stderr.isatty():
        raise UsageError("nobody can be asked here: say --yes to download")
    typer.confirm("Download it?", abort=True, err=True)
