"""Ranges of rows: a large file cut into parts that can be read apart, with the lines, ids and errors of the whole.

Owns where a JSONL or Parquet file may be cut. Refuses to cut what must be read as one: text, JSON arrays and logs,
packed files, and rows that look back at earlier ones. Rows with one problem stay together, for they share its tokens.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from stepcheck.document import parquet, rows
from stepcheck.document.reading import read, read_source
from stepcheck.document.sources import BOM, Source, opened
from stepcheck.document.values import Document, Format, Unread
from stepcheck.errors import InputError
from stepcheck.steps import SplitMode

LONGEST = 4
"""A range may grow to so many times its size for the sake of one problem."""


@dataclass(frozen=True, slots=True)
class Range:
    """Rows of a file: how many, the line (in Parquet: the number) of the first, and their bytes in JSONL."""

    first: int
    rows: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A file's ranges in order, none where it is read as one, and the sha256 of all its bytes."""

    sha256: str
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    """A row while it is looked for a cut: its line, where its bytes begin, and the row itself where it is wanted."""

    line: int
    start: int
    data: Callable[[], bytes]


def cut(path: Path, size: int, form: Format | None = None) -> Cut:
    """Cut a file into ranges of `size` rows or a few more; it is read for its hash, and then a row at a time.

    Raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        with opened(path, None, form) as source:
            kind = source.format
            if kind == "parquet":
                return Cut(sha256, tuple(_ranges(_in_table(source.stream, str(path)), size)))
    except InputError:  # it becomes an error in its place when it is read
        return Cut(sha256)
    if kind != "jsonl" or path.suffix.lower() == ".gz":
        return Cut(sha256)
    with path.open("rb") as file:
        return Cut(sha256, tuple(_ranges(_in_lines(file), size)))


def read_range(
    path: Path,
    part: Range | None,
    *,
    name: str,
    problem: str | None = None,
    split: SplitMode = "auto",
    form: Format | None = None,
    keep_thinking: bool = False,
) -> Iterator[Document | Unread]:
    """Read a range as `read` does, under the name that the file was given; without one the whole file.

    A JSONL range is held in memory, as bytes.
    """
    if part is None:
        for item in read(path, problem=problem, split=split, format=form, keep_thinking=keep_thinking):
            yield item if str(path) == name else _renamed(item, str(path), name)
        return
    with path.open("rb") as file:
        if part.end:
            file.seek(part.start)
            stream: BinaryIO = io.BytesIO(file.read(part.end - part.start))
            source = Source(name, "jsonl", stream, part.first)
        else:
            source = Source(name, "parquet", file, part.first, part.rows)
        yield from read_source(source, problem, split, keep_thinking=keep_thinking)


def _renamed(item: Document | Unread, path: str, name: str) -> Document | Unread:
    if isinstance(item, Document):
        return replace(item, source=name)
    return replace(item, source=name, error=InputError(str(item.error).replace(path, name, 1)))


def _ranges(items: Iterable[_Item], size: int) -> Iterator[Range]:
    """Gather rows into ranges; none at all where a row looks back at earlier ones."""
    first: _Item | None = None
    last: _Item | None = None
    count = 0
    for item in items:
        if first is None or last is None:
            if rows.looks_back(item.data()):
                return
            first = item
        elif item.line < 0:
            yield Range(first.line, count, first.start, item.start)
            return
        elif count >= size and (count >= LONGEST * size or not _same_problem(last, item)):
            yield Range(first.line, count, first.start, item.start)
            first, count = item, 0
        last, count = item, count + 1


def _same_problem(one: _Item, other: _Item) -> bool:
    problem = rows.problem_of(one.data())
    return problem is not None and problem == rows.problem_of(other.data())


def _in_lines(file: BinaryIO) -> Iterator[_Item]:
    """The rows of JSONL, and a last item of line -1 that stands where the file ends."""
    place = len(BOM) if file.read(len(BOM)) == BOM else 0
    file.seek(place)
    sizes: list[int] = []
    for number, line in Source("", "jsonl", file, on_line=sizes.append).lines():
        begin, place = place, place + sizes.pop()
        if line is None or line.strip():
            yield _Item(number, begin, partial(bytes, line or b""))
    yield _Item(-1, place, bytes)


def _in_table(stream: BinaryIO, name: str) -> Iterator[_Item]:
    """The rows of Parquet, each made into JSON only where it is asked for."""
    for number, data in enumerate(parquet.rows_of(stream, name), 1):
        yield _Item(number, 0, data)
    yield _Item(-1, 0, bytes)
