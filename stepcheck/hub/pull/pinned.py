"""Fetching by the pins of a models folder: a repository at the commit it was first seen at, files by their sha256.

Owns what a repository is called in the lock file. Refuses a file of a pinned commit whose content is another.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from stepcheck.errors import HubError
from stepcheck.hub.disk.lock import Lock, Pin, read_lock, update_lock
from stepcheck.hub.net.fetch import fetch
from stepcheck.hub.net.files import RemoteFile, Snapshot
from stepcheck.hub.net.names import Kind
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Watch


def pinned_snapshot(
    hub: Hub,
    folder: Path,
    repository: str,
    revision: str = "",
    *,
    kind: Kind = "model",
    renew: bool = False,
    watch: Watch | None = None,
) -> Snapshot:
    """Look a repository up at the commit that the folder's lock file pins it to, or at the newest where none is pinned.

    Nothing is pinned by looking: `fetch_pinned` does that. `renew` takes the newest commit instead of the pinned one.
    """
    pin = read_lock(folder).repositories.get(_key(kind, repository, revision))
    return hub.snapshot(repository, pin.commit if pin and not renew else revision, kind=kind, watch=watch)


def pinned_revision(folder: Path, repository: str, revisions: Iterable[str], *, kind: Kind = "model") -> str | None:
    """Return the first of some revisions that the folder's lock file pins; None where it pins none of them."""
    pins = read_lock(folder).repositories
    return next((revision for revision in revisions if _key(kind, repository, revision) in pins), None)


def fetch_pinned(
    hub: Hub, folder: Path, file: RemoteFile, target: Path, revision: str = "", *, watch: Watch | None = None
) -> str:
    """Fetch a file, held to the sha256 that the folder's lock file has for it, else recorded there; returns the sha256.

    Raises:
        HubError: as `fetch`.
    """
    known = pinned_sha256(folder, file, revision)
    sha256 = fetch(hub, file, target, sha256=known, watch=watch)
    if known is None:
        pin_file(folder, file, sha256, revision)
    return sha256


def pinned_sha256(folder: Path, file: RemoteFile, revision: str = "") -> str | None:
    """Return the sha256 that the folder's lock file has for a file at its commit; None where it has none."""
    pin = read_lock(folder).repositories.get(_key(file.kind, file.repository, revision))
    return pin.files.get(file.path) if pin and pin.commit == file.commit else None


def pin_file(folder: Path, file: RemoteFile, sha256: str, revision: str = "") -> None:
    """Record a fetched file; one of another commit than the pinned one begins a new pin.

    Raises:
        HubError: another process pinned other content for this file meanwhile.
    """
    key = _key(file.kind, file.repository, revision)

    def change(lock: Lock) -> Lock:
        pin = lock.repositories.get(key)
        files = pin.files if pin and pin.commit == file.commit else {}
        if files.get(file.path, sha256) != sha256:
            raise HubError(f"{file}: sha256 {sha256} came, but {files[file.path]} was pinned for this commit")
        pin = Pin(commit=file.commit, files=files | {file.path: sha256})
        return msgspec.structs.replace(lock, repositories=lock.repositories | {key: pin})

    update_lock(folder, change)


def _key(kind: Kind, repository: str, revision: str) -> str:
    return f"{'datasets/' if kind == 'dataset' else ''}{repository}@{revision or 'main'}"
