"""`stepcheck split`: how files are cut into steps, without a model.

Owns the command's options and its two ways of writing. Refuses to cut: that is `stepcheck.steps`.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepcheck.cli import groups, options
from stepcheck.cli.output import ExitCode, opened, say

if TYPE_CHECKING:
    from stepcheck.document import Document, Unread


class SplitFormat(StrEnum):
    """How to write the steps."""

    text = "text"
    json = "json"


@groups.grouped
def split(
    files: options.FilesArgument,
    *,
    reading: groups.InputFlags,
    form: Annotated[
        SplitFormat, typer.Option("--format", "-f", help="json writes one object a line.")
    ] = SplitFormat.text,
) -> None:
    """Show how solutions are cut into steps, without a model.

    Steps that a JSON row gives ready-made stay as they are, whatever --split says.
    """
    from stepcheck.document import Document

    failed = False
    items = reading.documents(files)
    with opened(None) as sink:
        for place, item in enumerate(items):
            if form is SplitFormat.json:
                sink.write(_encode(item, ascii_only=not sink.utf8) + "\n")
            elif isinstance(item, Document):
                sink.write(("\n" if place else "") + "\n".join(_lines(item)) + "\n")
            if not isinstance(item, Document):
                failed = True
                say(f"error: {item.error}")
    if failed:
        raise typer.Exit(ExitCode.error)


def _encode(item: "Document | Unread", *, ascii_only: bool) -> str:
    from stepcheck.document import Unread
    from stepcheck.report.records import SCHEMA, encode

    record: dict[str, Any] = {"schema": SCHEMA, "source": item.source, "line": item.line, "id": item.id}
    record["candidate"] = item.candidate
    if isinstance(item, Unread):
        record["error"] = {"kind": item.error.kind, "message": str(item.error)}
        return encode(record, ascii_only=ascii_only)
    steps = enumerate(item.steps)
    record["problem"] = item.problem
    record["steps"] = [{"index": i, "text": step.text, "start": step.start, "end": step.end} for i, step in steps]
    record["answer"] = item.answer
    record["notes"] = list(item.notes)
    return encode(record, ascii_only=ascii_only)


def _lines(document: "Document") -> Iterator[str]:
    from stepcheck.report.clean import clean
    from stepcheck.report.place import place

    name = f" (id {document.id})" if document.id else ""
    yield from clean(f"{place(document)}{name}: {_count(len(document.steps))}").splitlines()
    yield from (clean(f"note: {note}") for note in document.notes)
    yield from _labelled("Problem: ", document.problem)
    width = len(str(len(document.steps))) + 1
    for number, step in enumerate(document.steps, 1):
        yield from _labelled(f"{number:>{width}}  ", step.text)
    if document.answer is not None:
        yield from _labelled("Answer given: ", document.answer)


def _labelled(label: str, text: str) -> Iterator[str]:
    """A text behind its label, the lines after the first under its beginning."""
    from stepcheck.report.clean import clean

    first, *more = clean(text).split("\n")
    yield label + first
    yield from (f"{' ' * len(label)}{line}".rstrip() for line in more)


def _count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps:,} steps"
