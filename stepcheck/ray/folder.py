"""The folder that results go to: which parts are there, and what it was begun with.

Owns the names of its files, the note of what they belong to, and the count of what they hold. Refuses to mix: another
model, other settings or changed data are an error that names each, and so is a folder with foreign files.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec

from stepcheck import __version__
from stepcheck.bench.runs.lock import Lock
from stepcheck.bench.runs.manifest import describe_judge
from stepcheck.document import Format
from stepcheck.errors import InputError, RunChangedError, RunError, UsageError
from stepcheck.hub.disk.durable import write_durably
from stepcheck.judge import Identity
from stepcheck.ray.parts import Input, Part
from stepcheck.ray.tables import as_record

NOTE = ".stepcheck.json"
LOCK = ".stepcheck.lock"
PART = ".part"
"""How files end that are being written."""
Kind = Literal["jsonl", "parquet"]


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input that the folder has: its bytes' sha256, and what its files are called."""

    sha256: str
    base: str


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the files belong to; `bound` is all that could change a result."""

    bound: dict[str, Any]
    inputs: dict[str, Known] = {}
    format: Literal[1] = 1


def bind(identity: Identity, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Put together what must stay the same, by a word each: who judges, how rows are read, by what."""
    card, judge = describe_judge(identity)
    lasting = hashlib.sha256(msgspec.json.encode((card, judge), order="sorted")).hexdigest()
    return {
        "model": identity.name,
        "weights": identity.sha256,
        "card": lasting,
        "threshold": identity.threshold,
        **settings,
        "stepcheck": __version__,
        "llama-cpp-python": version("llama-cpp-python"),
    }


@dataclass(slots=True)
class Folder:
    """A folder that is held by this process alone while it is open."""

    path: Path
    kind: Kind
    note: Note
    parts: list[Part] = field(default_factory=list)

    def plan(self, inputs: Iterable[Input], form: Format | None = None) -> list[Part]:
        """Take inputs in and return the parts that have no results yet.

        Raises:
            RunChangedError: a file is not what it was.
        """
        known = dict(self.note.inputs)
        taken = {one.base.casefold() for one in known.values()}
        for given in inputs:
            entry = known.get(given.source)
            if entry is None:
                entry = known[given.source] = Known(given.sha256, _base(given.path, taken))
                taken.add(entry.base.casefold())
            elif entry.sha256 != given.sha256:
                raise RunChangedError(
                    f"{self.path}: {given.source} has changed since its results were begun. Nothing was written: take"
                    " another folder, or the file as it was"
                )
            for number, rows in enumerate(given.ranges):
                target = self.path.absolute() / f"{entry.base}-{number:05d}.{self.kind}"
                self.parts.append(Part(given.source, str(given.path), given.size, str(target), rows, form))
        self.note = msgspec.structs.replace(self.note, inputs=known)
        write_note(self.path, self.note)
        return [part for part in self.parts if not Path(part.target).exists()]

    def records(self) -> Iterator[dict[str, Any]]:
        """Read all results of the parts that are there, in the order of the inputs.

        Raises:
            RunError: a file does not hold what was written to it.
        """
        for part in self.parts:
            path = Path(part.target)
            if not path.exists():
                continue
            lines = set()
            for found in _results(path):
                lines.add(found.get("line"))
                yield found
            if part.rows is not None and len(lines) != part.rows.rows:
                raise RunError(
                    f"{path}: holds results of {len(lines):,} rows, its part has {part.rows.rows:,}: delete it, and"
                    " the same command makes it again"
                )


@contextmanager
def opened(path: Path, kind: Kind, bound: dict[str, Any]) -> Iterator[Folder]:
    """Hold a folder, new or begun, and leave no half-written file in it, before and after.

    Raises:
        UsageError: it is no folder, cannot be written, or holds files that are not of such results.
        RunBusyError: another process writes it.
        RunChangedError: it was begun with another model or other settings; names each.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        strange = not (path / NOTE).exists() and sorted(one.name for one in path.iterdir() if one.name != LOCK)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}: give a folder") from error
    if strange:
        raise UsageError(f"{path}: holds {strange[0]!r} already, and no results of stepcheck: give a new folder")
    lock = Lock(path / LOCK)
    lock.take()
    try:
        _sweep(path)
        note = read_note(path) or Note(bound)
        _check_same(path, note.bound, bound)
        yield Folder(path, kind, note)
    finally:
        _sweep(path)
        lock.release()


def _base(path: Path, taken: Container[str]) -> str:
    """Name an input's files after it, other than those of any before."""
    stem = re.sub(r"[^\w.-]", "_", path.name.split(".")[0] or path.name.strip(".")) or "part"
    names = itertools.chain([stem], (f"{stem}-{count}" for count in itertools.count(2)))
    return next(name for name in names if name.casefold() not in taken)


def _sweep(path: Path) -> None:
    """Delete what ended actors left of files that they were writing."""
    for left in path.glob(f".*{PART}"):
        left.unlink(missing_ok=True)


def read_note(path: Path) -> Note | None:
    """Read what a folder belongs to; None for one that is new.

    Raises:
        RunError: it cannot be read.
    """
    try:
        return msgspec.json.decode((path / NOTE).read_bytes(), type=Note)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise RunError(f"{path / NOTE}: cannot be read: {error}; give a new folder") from error


def write_note(path: Path, note: Note) -> None:
    """Write what a folder belongs to, whole or not at all."""
    part = path / f"{NOTE}{PART}"
    try:
        write_durably(part, msgspec.json.format(msgspec.json.encode(note), indent=1) + b"\n")
        part.replace(path / NOTE)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error


def _check_same(path: Path, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    found = [
        f"{key} was {_short(was.get(key))}, is {_short(now.get(key))}"
        for key in dict.fromkeys((*was, *now))
        if was.get(key) != now.get(key)
    ]
    if found:
        raise RunChangedError(
            f"{path}: was begun otherwise: {'; '.join(found)}. Nothing was written: repeat the command as it was, or"
            " give another folder"
        )


def _short(value: object) -> str:
    words = "not there" if value is None else str(value)
    return words if len(words) <= 40 else f"{words[:12]}…"  # noqa: PLR2004 (a hash is longer, a word is not)


def _results(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from _lines(path) if path.suffix == ".jsonl" else _rows(path)
    except (OSError, ValueError, InputError) as error:
        raise RunError(f"{path}: cannot be read: {error}; delete it, and the same command makes it again") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=256):
            yield from map(as_record, batch.to_pylist())
