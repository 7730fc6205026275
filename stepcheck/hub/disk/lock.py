"""The lock file of a models folder: which commit a repository is pinned to, and the sha256 of everything that was kept.

Owns `stepcheck.lock.json`: written whole or not at all, by one process at a time. Refuses a lock file it cannot read
rather than to begin a new one: losing the pins would be losing the trust.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from stepcheck.errors import ModelError
from stepcheck.hub.disk.durable import write_durably
from stepcheck.hub.net.watch import Watch
from stepcheck.prm.card import Sha256

NAME: Final = "stepcheck.lock.json"
LOCKS: Final = ".locks"
"""Folder of empty files that processes hold while they write."""
Commit = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")]


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A repository's revision as it was at the first pull: its commit, and what was fetched by path."""

    commit: Commit
    files: dict[str, Sha256] = {}


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model in the folder: its files' sha256 by name, and where those lie that are links."""

    files: dict[str, Sha256]
    links: dict[str, str] = {}


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it; a repository's key is `[datasets/]NAME@REVISION`."""

    schema: Literal[1] = 1
    repositories: dict[str, Pin] = {}
    models: dict[str, Kept] = {}


def read_lock(folder: Path) -> Lock:
    """Read a folder's lock file; where there is none, nothing is pinned.

    Raises:
        ModelError: it cannot be read or is none.
    """
    path = folder / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lock)
    except FileNotFoundError:
        return Lock()
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(
            f"{path}: cannot be read as a lock file: {error}; put it right, or away to trust anew"
        ) from error


def update_lock(folder: Path, change: Callable[[Lock], Lock]) -> None:
    """Read, change and replace a folder's lock file, alone."""
    with holding(folder, NAME):
        lock = change(read_lock(folder))
        data = msgspec.json.format(msgspec.json.encode(lock, order="sorted"), indent=1) + b"\n"
        # one name, for whoever holds the lock: what a killed process left is written over, not left lying
        part = folder / f".{NAME}.new"
        write_durably(part, data)
        part.replace(folder / NAME)


@contextlib.contextmanager
def holding(folder: Path, what: str, watch: Watch | None = None) -> Iterator[None]:
    """Be the only process that works on `what` in a folder; waits for another one, and says so.

    A lock of the operating system: it goes with the process that holds it, however that ends.
    """
    from filelock import FileLock, Timeout

    watch, waits = watch or Watch(), 0
    try:
        (folder / LOCKS).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCKS / f"{what}.lock")
        while True:
            try:
                lock.acquire(timeout=0.2)
                break
            except Timeout:
                if not waits:
                    watch.note(f"another stepcheck is at work on {what}: waiting for it")
                waits += 1
                watch.check()
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def record_model(folder: Path, name: str, kept: Kept) -> None:
    """Note a model's files."""
    update_lock(folder, lambda lock: msgspec.structs.replace(lock, models=lock.models | {name: kept}))


def forget_model(folder: Path, name: str) -> None:
    """Drop a model's entry; what its repository is pinned to stays."""

    def change(lock: Lock) -> Lock:
        models = {key: kept for key, kept in lock.models.items() if key != name}
        return msgspec.structs.replace(lock, models=models)

    if name in read_lock(folder).models:
        update_lock(folder, change)
