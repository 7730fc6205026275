"""A JSONL file of results that is gone on with: what is there is kept, what is missing is added, a line at a time.

Owns the check that file, input and judge belong together. Refuses to mix: a line that is another document's, or that
another judge or threshold wrote, is an error with its number. A last line that was torn is judged again.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepcheck.cli.output import Sink, translated
from stepcheck.document import Document, Unread
from stepcheck.errors import UsageError
from stepcheck.judge import Identity
from stepcheck.report.summary import Summary

PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Begun:
    """A file that may hold results already, and the sink that adds to it."""

    path: Path
    sink: Sink

    def rest(
        self,
        items: Iterator[Document | Unread],
        judge: Identity,
        summary: Summary,
        on_kept: Callable[[Document | Unread], None],
    ) -> Iterator[Document | Unread]:
        """Yield what has no line yet; count those that have one, and tell of each.

        Raises:
            UsageError: a line is not this input's or this judge's.
        """
        with self.path.open(encoding="utf-8") as lines:
            for number, item in enumerate(items, 1):
                line = lines.readline()
                if not line.endswith("\n"):  # nothing, or what is being written now
                    yield item
                    yield from items
                    return
                record = self._record(line, number)
                self._check(record, number, item, judge)
                summary.keep(record)
                on_kept(item)
            if lines.readline():
                raise UsageError(f"{self.path}: holds more lines than there are solutions: the input is another")

    def _record(self, line: str, number: int) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{self.path}:{number}: is no result of stepcheck: {error}") from error
        if not isinstance(record, dict) or record.get("schema") != 1:
            raise UsageError(f"{self.path}:{number}: is no result of stepcheck score --format jsonl")
        return record

    def _check(self, record: dict[str, Any], number: int, item: Document | Unread, judge: Identity) -> None:
        place, error = f"{self.path}:{number}", "error" in record
        expected: dict[str, Any] = {
            "source": item.source,
            "line": item.line,
            "id": item.id,
            "candidate": item.candidate,
        }
        if isinstance(item, Document) and not error:
            expected |= {"problem": item.problem, "steps": [step.text for step in item.steps]}
        found = record | {"steps": [step.get("text") for step in record.get("steps", ())]}
        for key, value in expected.items():
            if found.get(key) != value:
                raise UsageError(
                    f"{place}: has another {key} than {item.source}:{item.line or 1}: the input is another"
                )
        wanted: dict[str, Any] = {"model": {"name": judge.name, "sha256": judge.sha256}, "threshold": judge.threshold}
        for key, value in wanted.items():
            if not error and record.get(key) != value:
                raise UsageError(f"{place}: the {key} was {record.get(key)} and is {value}: take another file")


@contextmanager
def begun(path: Path) -> Iterator[Begun]:
    """Open a file to add lines to it; what was torn at its end is cut off, and every line is written at once.

    Raises:
        UsageError: it is no file, or cannot be written.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a file that can be gone on with")
    try:
        stream = path.open("a+b")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    with translated(str(path)), stream:
        stream.truncate(_whole(stream, stream.seek(0, os.SEEK_END)))
    with translated(str(path)), path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as text:
        yield Begun(path, Sink(text, str(path)))


def _whole(stream: Any, end: int) -> int:  # noqa: ANN401 (a binary file)
    """Where the last whole line ends."""
    while end:
        start = max(0, end - PIECE)
        stream.seek(start)
        found = stream.read(end - start).rfind(b"\n")
        if found >= 0:
            return int(start + found + 1)
        end = start
    return 0
