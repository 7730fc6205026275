"""The sha256 of model files, remembered: a large file is read again only when it changed.

Owns the memory in the user's cache. It saves time and is trusted for nothing else: a damaged one is begun anew.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from stepcheck.errors import ModelError

REMEMBERED: Final = 1 << 26
"""Files of at least 64 MB are hashed again only when size, times or inode changed; smaller ones every time."""


def sha256(path: Path, *, remember: Path | None = None, anew: bool = False) -> str:
    """Return a file's sha256; `remember` is the file that keeps hashes, `anew` reads the file in any case.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        state = path.stat()
        if state.st_size < REMEMBERED:
            return hash_file(path)
        memory = remember or _memory()
        entry = _recall(memory).get(str(path))
        if (
            not anew
            and isinstance(entry, dict)
            and entry.get("stamp") == _stamp(state)
            and isinstance(entry.get("sha256"), str)
        ):
            return str(entry["sha256"])
        actual = hash_file(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    _keep(memory, str(path), _stamp(state), actual)
    return actual


def remember_hash(path: Path, digest: str, *, remember: Path | None = None) -> None:
    """Note the hash of a file that was just written and hashed."""
    state = path.stat()
    if state.st_size >= REMEMBERED:
        _keep(remember or _memory(), str(path), _stamp(state), digest)


def _stamp(state: os.stat_result) -> list[int]:
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def hash_file(path: Path) -> str:
    """Read a file and return its sha256, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def user_cache() -> Path:
    """Return the folder of what may be lost: hashes, measured rates."""
    from platformdirs import user_cache_path

    return user_cache_path("stepcheck", appauthor=False)


def _memory() -> Path:
    return user_cache() / "hashes.json"


def _recall(memory: Path) -> dict[str, object]:
    """Read what was hashed before; a file that is missing or damaged costs only the time to hash again."""
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _keep(memory: Path, path: str, stamp: list[int], digest: str) -> None:
    """Write it back whole; where that is not possible, nothing is remembered."""
    known = _recall(memory) | {path: {"stamp": stamp, "sha256": digest}}
    part = None
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=memory.parent, prefix=".hashes-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(known, file)
        Path(part).replace(memory)
    except OSError:
        if part is not None:
            Path(part).unlink(missing_ok=True)
