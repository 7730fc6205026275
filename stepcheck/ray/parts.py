"""Files → parts: what one actor judges at a time, and the file that its results go to.

Owns the search for files by pattern and the cutting of each. Refuses what cannot be read in parts from several places:
standard input, a folder.
"""

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepcheck.document import Format
from stepcheck.document.ranges import Range, cut
from stepcheck.errors import InputError, UsageError

ROWS = 250
"""Rows of a part: lost with an actor at most, and a file of results."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a file and where their results go; without `rows` the whole file."""

    source: str
    """The file as it was named."""
    path: str
    """Where it is, from any folder."""
    size: int
    """Its bytes: on every node it must be the same file."""
    target: str
    rows: Range | None = None
    form: Format | None = None

    @property
    def name(self) -> str:
        """What it is called in a message."""
        if self.rows is None:
            return self.source
        return f"{self.source} from line {self.rows.first}, {self.rows.rows:,} rows"


@dataclass(frozen=True, slots=True)
class Input:
    """A file as it is now, with the ranges that it is cut into."""

    source: str
    path: Path
    size: int
    sha256: str
    ranges: tuple[Range | None, ...]


def find_files(patterns: Sequence[str]) -> list[str]:
    """Find the files that are meant, each once and in order; a name with `*`, `?` or `[` that is no file is a pattern.

    Raises:
        UsageError: standard input is named.
        InputError: nothing is there, or a folder.
    """
    found: dict[Path, str] = {}
    for pattern in patterns:
        if pattern == "-":
            raise UsageError("standard input cannot be read in parts by several actors: name files")
        names = [pattern]
        if not Path(pattern).exists() and glob.has_magic(pattern):
            names = sorted(name for name in glob.glob(pattern, recursive=True) if not Path(name).is_dir())  # noqa: PTH207 (a name may be absolute)
            if not names:
                raise InputError(f"{pattern}: no file is called so")
        for name in names:
            path = Path(name)
            if path.is_dir():
                raise InputError(f"{name}: is a folder; name the files in it, e.g. '{path / '*.jsonl'}'")
            if not path.is_file():
                raise InputError(f"{name}: no such file")
            found.setdefault(path.resolve(), str(path))
    return list(found.values())


def cut_files(files: Iterable[str], size: int, form: Format | None) -> Iterator[Input]:
    """Cut each file into ranges of some `size` rows.

    Raises:
        InputError: it cannot be read.
    """
    for name in files:
        path = Path(name).resolve()
        try:
            found = cut(path, size, form)
            yield Input(name, path, path.stat().st_size, found.sha256, found.ranges or (None,))
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error
