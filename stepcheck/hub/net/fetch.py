"""Fetching a file: whole, verified and resumable, or a part of it by range.

Owns the part file beside the target and every check on what comes. A file appears under its name only when its size
and hash are right; a part is kept for the next run, whatever ended this one. Used for models and datasets alike:

    hub = Hub()
    snapshot = hub.snapshot("Qwen/ProcessBench", kind="dataset")
    for file in snapshot.select("*.json"):
        sha256 = fetch(hub, file, inside(folder, file.path, file.kind), watch=Watch(on_progress=…))
"""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from stepcheck.errors import HubError
from stepcheck.hub.net.files import RemoteFile
from stepcheck.hub.net.remote import ATTEMPTS, Hub, TransientError, persist, rest
from stepcheck.hub.net.watch import Progress, Watch

PART: Final = ".part"
ASIDE: Final = ".set-aside"
"""Ending of a file that is not what it should be: kept for a look, never used."""
SLOWEST: Final = 64
"""Bytes per second over a stall's time; what trickles more slowly counts as standing still."""


def fetch(hub: Hub, file: RemoteFile, target: Path, *, sha256: str | None = None, watch: Watch | None = None) -> str:
    """Fetch a file to `target` and return its sha256; a part that an earlier run left is gone on with.

    `sha256` is a pinned hash that goes before the hub's own. A target that is there already and right is not fetched
    again. Where neither gives a sha256, the content is checked against the file's id in git.

    Raises:
        HubError: it cannot be had, or is not what was promised; names expected and actual hash and what was set aside.
        CancelledError: the watch said so; the part is kept.
    """
    watch, expected = watch or Watch(), sha256 or file.sha256
    if sha256 and file.sha256 and sha256 != file.sha256:
        raise HubError(f"{file}: pinned is sha256 {sha256}, the hub now lists {file.sha256}: not fetched")
    if target.is_file() and target.stat().st_size == file.size:
        found = _hashed(file, target)
        if _fits(file, found, expected):
            watch.progress(Progress(file.path, file.size, file.size, 0))
            return found[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    resumed = part.is_file() and part.stat().st_size > 0
    found = _complete(hub, file, part, watch)
    if not _fits(file, found, expected) and resumed:
        # the earlier run's bytes may be the wrong ones: once more, from the start
        part.unlink()
        found = _complete(hub, file, part, watch)
    if not _fits(file, found, expected):
        raise HubError(_mismatch(file, found, expected, set_aside(part, target)))
    part.replace(target)
    aside(target).unlink(missing_ok=True)
    return found[0]


def fetch_range(hub: Hub, file: RemoteFile, start: int, size: int, *, watch: Watch | None = None) -> bytes:
    """Return `size` bytes of a file from `start` on, and ask for no others; the watch hears of no progress.

    A range has no hash of its own: what comes is as trustworthy as the connection; whoever keeps it pins its sha256.

    Raises:
        HubError: the server does not know ranges, or does not send these.
    """
    if start < 0 or size < 0 or start + size > file.size:
        raise HubError(f"{file}: bytes {start}-{start + size} lie beyond its {file.size:,} bytes")
    watch, data = watch or Watch(), bytearray()
    if not size:
        return b""

    def attempt() -> bytes:
        at = start + len(data)
        with hub.stream(file, at, start + size, watch) as (first, chunks):
            if first != at:
                raise HubError(f"{file}: the server does not know ranges, so a part of it cannot be had alone")
            for chunk in _steady(chunks, hub.stall_seconds, watch):
                data.extend(chunk)
                _check_length(file, len(data), size)
        if len(data) < size:
            raise TransientError(f"the connection ended after {len(data):,} of {size:,} bytes")
        return bytes(data)

    return persist(attempt, watch, hub.pace, what=str(file))


def aside(path: Path) -> Path:
    """Return where a file is put that is not what it should be."""
    return path.with_name(path.name + ASIDE)


def set_aside(found: Path, path: Path) -> Path:
    """Put what was found for `path` out of the way, over what lay there before, and return where."""
    return found.replace(aside(path))


def _complete(hub: Hub, file: RemoteFile, part: Path, watch: Watch) -> tuple[str, str]:
    """Fetch what a part lacks and return the hashes of all of it; gives up after `ATTEMPTS` failures without a byte."""
    with part.open("ab+") as out:
        if out.tell() > file.size:
            out.truncate(0)
        writer = _Part(file, out, watch)
        failures = 0
        while writer.size < file.size:
            before = writer.size
            try:
                _receive(hub, file, writer, watch)
            except TransientError as error:
                failures = 0 if writer.size > before else failures + 1
                if failures >= ATTEMPTS:
                    raise HubError(
                        f"{file}: {error}, {ATTEMPTS} times in a row; {writer.size:,} of {file.size:,} bytes are kept"
                        " and the next run goes on from there"
                    ) from error
                rest(error, failures, watch, hub.pace, what=str(file))
        out.flush()
        os.fsync(out.fileno())
        return writer.hashes()


def _receive(hub: Hub, file: RemoteFile, writer: "_Part", watch: Watch) -> None:
    with hub.stream(file, writer.size, file.size, watch) as (first, chunks):
        if first != writer.size:
            writer.restart()
        for chunk in _steady(chunks, hub.stall_seconds, watch):
            _check_length(file, writer.size + len(chunk), file.size)
            writer.write(chunk)
    if writer.size < file.size:
        raise TransientError(f"the connection ended after {writer.size:,} of {file.size:,} bytes")


def _check_length(file: RemoteFile, received: int, size: int) -> None:
    if received > size:
        raise HubError(f"{file}: the server sends more than the {size:,} bytes that it should")


def _steady(chunks: Iterator[bytes], stall_seconds: float, watch: Watch) -> Iterator[bytes]:
    """Pass chunks on; a trickle that would never end is a stall too."""
    since, received = time.monotonic(), 0
    for chunk in chunks:
        watch.check()
        yield chunk
        received += len(chunk)
        now = time.monotonic()
        if now - since >= stall_seconds:
            if received < SLOWEST * stall_seconds:
                raise TransientError(f"the server sends next to nothing ({received:,} bytes in {now - since:.0f} s)")
            since, received = now, 0


class _Part:
    """A growing part file and the hashes of what it holds."""

    def __init__(self, file: RemoteFile, out: Any, watch: Watch) -> None:  # noqa: ANN401 (a binary file)
        self._file, self._out, self._watch = file, out, watch
        self.size = self._kept = 0
        self._start()
        out.seek(0)
        while data := out.read(1 << 20):
            watch.check()
            self._count(data)
        self._kept = self.size

    def _start(self) -> None:
        self.size = self._kept = 0
        self._sha256 = hashlib.sha256()
        self._git = _git_hash(self._file)

    def _count(self, data: bytes) -> None:
        self._sha256.update(data)
        if self._file.git_sha1 is not None:
            self._git.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Forget everything: the server sends from the first byte."""
        self._out.truncate(0)
        self._start()

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self._count(data)
        self._watch.progress(Progress(self._file.path, self.size, self._file.size, self.size - self._kept))

    def hashes(self) -> tuple[str, str]:
        return self._sha256.hexdigest(), self._git.hexdigest()


def _git_hash(file: RemoteFile) -> Any:  # noqa: ANN401 (a hash)
    """Begin git's id of a blob: a check against damage on the way, not against forgery."""
    return hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)


def _hashed(file: RemoteFile, path: Path) -> tuple[str, str]:
    sha256, git = hashlib.sha256(), _git_hash(file)
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            sha256.update(data)
            if file.git_sha1 is not None:
                git.update(data)
    return sha256.hexdigest(), git.hexdigest()


def _fits(file: RemoteFile, found: tuple[str, str], expected: str | None) -> bool:
    if expected is not None:
        return found[0] == expected
    return file.git_sha1 is None or found[1] == file.git_sha1


def _mismatch(file: RemoteFile, found: tuple[str, str], expected: str | None, kept: Path) -> str:
    kind, wanted, actual = ("sha256", expected, found[0]) if expected else ("git id", file.git_sha1, found[1])
    return (
        f"{file}: is not what the hub lists: {kind} expected {wanted}, actual {actual}; set aside as {kept}, not used"
    )
