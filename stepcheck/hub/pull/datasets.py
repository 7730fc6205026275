"""Datasets on disk: which are known, where they are kept, and pulling one by the rules that models are pulled by.

Owns the list of datasets. Files are pinned to the commit of the first pull and held to their sha256 ever after; nothing
is fetched unasked, and nothing but the data files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from stepcheck.errors import HubError, UsageError
from stepcheck.hub.disk.lock import holding
from stepcheck.hub.net.files import Snapshot
from stepcheck.hub.net.names import inside
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Watch
from stepcheck.hub.pull.pinned import fetch_pinned, pinned_snapshot


@dataclass(frozen=True, slots=True)
class Dataset:
    """Where a dataset comes from, and which of its files are data."""

    repository: str
    patterns: tuple[str, ...]
    title: str


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {"processbench": Dataset("Qwen/ProcessBench", ("*.json",), "ProcessBench (arXiv 2412.06559), for evaluation only")}
)


def data_dir(given: Path | None = None) -> Path:
    """Return the folder of all datasets; it need not exist."""
    from platformdirs import user_data_path

    return given or user_data_path("stepcheck", appauthor=False) / "data"


def find_dataset(name: str) -> Dataset:
    """Return a known dataset.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in DATASETS:
        raise UsageError(f"no dataset is called {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]


def look_up(hub: Hub, name: str, folder: Path, *, renew: bool = False, watch: Watch | None = None) -> Snapshot:
    """Look a dataset up at its pinned commit, or the newest where none is pinned or `renew` asks for it.

    Raises:
        HubError: it cannot be had, or has no data file.
    """
    dataset = find_dataset(name)
    snapshot = pinned_snapshot(hub, folder, dataset.repository, kind="dataset", renew=renew, watch=watch)
    if not snapshot.select(*dataset.patterns):
        raise HubError(f"{dataset.repository}: no {', '.join(dataset.patterns)} is in it at {snapshot.commit[:12]}")
    return snapshot


def pull(hub: Hub, name: str, folder: Path, snapshot: Snapshot, *, watch: Watch | None = None) -> Path:
    """Fetch a dataset's files, verified, into a folder of its name; return that folder.

    Raises:
        HubError: a file cannot be had, or is not what was pinned.
        CancelledError: the watch said so; what came is kept for the next pull.
    """
    target = folder / name
    with holding(folder, name, watch):
        for file in snapshot.select(*find_dataset(name).patterns):
            fetch_pinned(hub, folder, file, inside(target, file.path, file.kind), watch=watch)
    return target
