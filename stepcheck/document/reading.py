"""Files and standard input → documents.

Owns the way from a source to documents. Refuses to guess: what cannot be read becomes an `Unread` in its place, with
file and line; a whole file that cannot be read is one `Unread`.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TextIO, get_args

from stepcheck.document import cutting, frontmatter, rows
from stepcheck.document.contents import Missing
from stepcheck.document.sources import Source, opened
from stepcheck.document.values import Document, Format, Unread
from stepcheck.errors import InputError, UsageError
from stepcheck.steps import SplitMode


def read(
    source: str | Path,
    *,
    problem: str | None = None,
    split: SplitMode = "auto",
    format: Format | None = None,  # noqa: A002 - the word users know from --format
    stdin: TextIO | BinaryIO | None = None,
    keep_thinking: bool = False,
    on_line: Callable[[int], None] | None = None,
) -> Iterator[Document | Unread]:
    """Read a file, or standard input for `-`, one document at a time; rows in order, one that fails in its place.

    `problem` replaces the source's own, in every row. `format` overrides the suffix; without either (standard input)
    it is guessed from the first line. With `keep_thinking`, `<think>…</think>` is cut into steps like any other text;
    without, it is left out. `stdin` stands in for `sys.stdin`; `on_line` hears of the bytes of
    every line of JSONL that is read. Memory: a JSONL file is streamed, others are held. Nothing is opened before the
    first document is asked for.

    Raises UsageError for an empty `problem`, an unknown `split` or `format`; never for what is in the source.
    """
    if problem is not None and not problem.strip():
        raise UsageError("the problem is empty")
    for option, value, choices in (("split", split, get_args(SplitMode)), ("format", format, get_args(Format))):
        if value not in (*choices, None):
            raise UsageError(f"no {option} is called {value!r}; choose one of: {', '.join(choices)}")
    try:
        with opened(source, stdin, format) as file:
            yield from read_source(replace(file, on_line=on_line), problem, split, keep_thinking=keep_thinking)
    except InputError as error:
        yield Unread(str(source), error)
    except OSError as error:
        yield Unread(str(source), InputError(f"{source}: cannot be read: {error.strerror or error}"))


def read_source(
    file: Source, problem: str | None, split: SplitMode, *, keep_thinking: bool
) -> Iterator[Document | Unread]:
    """Read an open source as `read` does. Raises InputError where the whole cannot be read."""
    read_one = _text if file.format == "text" else _rows
    return read_one(file, problem, split, keep_thinking=keep_thinking)


def reread(
    document: Document,
    text: str,
    *,
    problem: str | None = None,
    split: SplitMode = "auto",
    keep_thinking: bool = False,
) -> Document:
    """An edited document: another text in the place of its own, cut by the same rules. `problem` as for `read`.

    Raises InputError: the text cannot be read so.
    """
    if document.line is None:
        data = text.encode("utf-8", "surrogatepass")
        source = Source(document.source, "text", io.BytesIO(data))
        (found,) = _text(source, problem, split, keep_thinking=keep_thinking)
        return found
    place = f"{document.source}:{document.line}"
    steps = cutting.cut_response(text, place, split, keep_thinking=keep_thinking).steps
    return replace(document, text=text, steps=steps)


def _text(file: Source, given: str | None, split: SplitMode, *, keep_thinking: bool) -> Iterator[Document]:
    text = file.text()
    if not text.strip():
        raise InputError(f"{file.name}: is empty")
    front = frontmatter.read(text, file.name)
    found = cutting.cut_file(text, file.name, front, given, split, keep_thinking=keep_thinking)
    problem = found.problem if found.problem is not None else ""
    yield Document(problem, found.steps, file.name, id=front.id, text=text, answer=found.answer, notes=found.notes)


def _rows(file: Source, given: str | None, split: SplitMode, *, keep_thinking: bool) -> Iterator[Document | Unread]:
    empty = True
    for row in rows.read(file):
        empty = False
        yield from of_row(file.name, row, given, split, keep_thinking=keep_thinking)
    if empty:
        raise InputError(f"{file.name}: no row is in this file")


def of_row(
    name: str, row: rows.Row | rows.BadRow, given: str | None, split: SplitMode, *, keep_thinking: bool = False
) -> Iterator[Document | Unread]:
    """A row's solutions, each a document or the reason why it is none; `name` and `given` as for `to_document`."""
    if isinstance(row, rows.BadRow):
        yield Unread(name, row.error, row.line, row.id)
        return
    for index in range(len(row.solutions)):
        candidate = index if row.candidates else None
        try:
            yield to_document(name, row, index, given, split, keep_thinking=keep_thinking)
        except InputError as error:
            yield Unread(name, error, row.line, row.id, candidate)


class LineReader:
    """Reads JSONL that comes line by line, and says of each what `read` says of it in a file called `name`."""

    def __init__(self, name: str = "-", *, split: SplitMode = "auto", keep_thinking: bool = False) -> None:
        self._name, self._split, self._keep_thinking = name, split, keep_thinking
        self._lines = rows.Lines(name)

    def read(self, data: bytes | None) -> Iterator[Document | Unread]:
        """The documents of the next line, if there are any in it; None is a line that was too long to be kept."""
        row = self._lines.read(data)
        if row is not None:
            yield from of_row(self._name, row, None, self._split, keep_thinking=self._keep_thinking)


def to_document(
    name: str, row: rows.Row, index: int, given: str | None, split: SplitMode, *, keep_thinking: bool = False
) -> Document:
    """Make a document of a row's solution `index`; `name` is the source's, `given` replaces the row's problem.

    Raises InputError: no problem, or no steps can be found.
    """
    place = f"{name}:{row.line}{f' (id {row.id[:80]})' if row.id else ''}"
    place += f": response {index}" if row.candidates else ""
    solution = row.solutions[index]
    if isinstance(solution, Missing):
        raise InputError(f"{place}: {solution.reason}")
    problem = given if given is not None else row.problem
    if problem is None:
        raise InputError(f"{place}: {row.unasked}")
    notes = row.notes
    if given is not None and row.problem is not None:
        notes += ("--problem was taken instead of the problem in the row",)
    candidate = index if row.candidates else None
    path = row.paths[index] if row.paths else None
    if not isinstance(solution, str):
        steps, more = cutting.ready(solution, place)
        return Document(problem, steps, name, row.line, row.id, candidate, None, row.answer, path, notes + more)
    found = cutting.cut_response(solution, place, split, keep_thinking=keep_thinking)
    answer = found.answer if row.answer is None else row.answer
    notes += found.notes
    return Document(problem, found.steps, name, row.line, row.id, candidate, solution, answer, path, notes)
