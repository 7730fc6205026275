"""Files and standard input → documents.

Owns the way from a source to documents. Refuses to guess: what cannot be read becomes an `Unread` in its place, with
file and line; a whole file that cannot be read is one `Unread`.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TextIO, get_args

from stepcheck.document import frontmatter, parts, rows
from stepcheck.document.contents import Missing
from stepcheck.document.given import is_blank, is_unseen
from stepcheck.document.sources import MOST_CHARACTERS, Format, Source, opened
from stepcheck.document.values import Document, Step, Unread
from stepcheck.errors import InputError, UsageError
from stepcheck.steps import Cut, SplitMode, split_region
from stepcheck.steps import split as split_text


def read(
    source: str | Path,
    *,
    problem: str | None = None,
    split: SplitMode = "auto",
    format: Format | None = None,  # noqa: A002 - the word users know from --format
    stdin: TextIO | BinaryIO | None = None,
) -> Iterator[Document | Unread]:
    """Read a file, or standard input for `-`, one document at a time; rows in order, one that fails in its place.

    `problem` replaces the source's own, in every row. `format` overrides the suffix; without either (standard input)
    it is guessed from the first line. `stdin` stands in for `sys.stdin`. Memory: a JSONL file is streamed, others are
    held. Nothing is opened before the first document is asked for.

    Raises UsageError for an empty `problem`, an unknown `split` or `format`; never for what is in the source.
    """
    if problem is not None and not problem.strip():
        raise UsageError("the problem is empty")
    for option, value, choices in (("split", split, get_args(SplitMode)), ("format", format, get_args(Format))):
        if value not in (*choices, None):
            raise UsageError(f"no {option} is called {value!r}; choose one of: {', '.join(choices)}")
    try:
        with opened(source, stdin, format) as file:
            yield from (_text(file, problem, split) if file.format == "text" else _rows(file, problem, split))
    except InputError as error:
        yield Unread(str(source), error)
    except OSError as error:
        yield Unread(str(source), InputError(f"{source}: cannot be read: {error.strerror or error}"))


def reread(document: Document, text: str, *, problem: str | None = None, split: SplitMode = "auto") -> Document:
    """An edited document: another text in the place of its own, cut by the same rules. `problem` as for `read`.

    Raises InputError: the text cannot be read so.
    """
    if document.line is None:
        data = text.encode("utf-8", "surrogatepass")
        (found,) = _text(Source(document.source, "text", io.BytesIO(data)), problem, split)
        return found
    place = f"{document.source}:{document.line}"
    steps = _steps(text, _cut(text, split, place), split, place)
    return replace(document, text=text, steps=steps)


def _text(file: Source, given: str | None, split: SplitMode) -> Iterator[Document]:
    text = file.text()
    if not text.strip():
        raise InputError(f"{file.name}: is empty")
    front = frontmatter.read(text, file.name)
    found = parts.find(text, file.name, front, given)
    cut = split_region(found.masked, found.blocks, found.solution, split)
    notes = (*found.notes, *_notes(cut, split))
    lone = "the one paragraph in it was taken as the problem; name the parts `# Problem` and `# Solution`"
    steps = _steps(text, cut, split, file.name, lone if found.guessed else "the solution is empty")
    yield Document(found.problem, steps, file.name, id=front.id, text=text, answer=found.answer, notes=notes)


def _rows(file: Source, given: str | None, split: SplitMode) -> Iterator[Document | Unread]:
    for row in rows.read(file):
        if isinstance(row, rows.BadRow):
            yield Unread(file.name, row.error, row.line, row.id)
            continue
        for index in range(len(row.solutions)):
            candidate = index if row.candidates else None
            try:
                yield to_document(file.name, row, index, given, split)
            except InputError as error:
                yield Unread(file.name, error, row.line, row.id, candidate)


def to_document(name: str, row: rows.Row, index: int, given: str | None, split: SplitMode) -> Document:
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
    text, steps = None, tuple(map(Step, solution)) if isinstance(solution, tuple) else ()
    if isinstance(solution, str):
        text = solution
        cut = _cut(solution, split, place)
        steps, notes = _steps(solution, cut, split, place), notes + _notes(cut, split)
    candidate = index if row.candidates else None
    path = row.paths[index] if row.paths else None
    return Document(problem, steps, name, row.line, row.id, candidate, text, row.answer, path, notes)


def _cut(text: str, split: SplitMode, place: str) -> Cut:
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{place}: more than {MOST_CHARACTERS:,} characters; is it one solution?")
    try:
        return split_text(text, split)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def _steps(
    text: str, cut: Cut, split: SplitMode, place: str, otherwise: str = "the solution is empty"
) -> tuple[Step, ...]:
    found = tuple(Step(text[start:end], start, end) for start, end in cut.spans)
    steps = tuple(step for step in found if not is_unseen(step.text))
    if not steps or is_blank(text):
        missing = {
            "numbered": "no numbered list is in it; try another --split",
            "headings": "no headings are in it; try another --split",
        }
        raise InputError(f"{place}: no steps: {missing.get(split, otherwise)}")
    return steps


def _notes(cut: Cut, split: SplitMode) -> tuple[str, ...]:
    guessed = split == "auto" and cut.by == "lines"
    return ("each line of the one paragraph was taken as a step",) if guessed else ()
