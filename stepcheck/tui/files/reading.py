"""Reading and watching files in threads of their own, so that the screen never waits for a disk or a pipe."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from stepcheck.errors import InputError
from stepcheck.tui.job import Job, Post, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepcheck.document import Document, Format, Unread
    from stepcheck.steps import SplitMode

TEXTS = frozenset({".md", ".markdown", ".txt"})
FLUSH_SECONDS = 0.1
SMALL_BYTES = 128 * 1024
"""Text files up to this size are read before the first paint: that takes some milliseconds."""


@dataclass(eq=False)
class DocumentsRead(Said):
    """More documents of what was opened; `complete` with the last of them."""

    items: "list[Document | Unread]"
    complete: bool
    left_out: int = 0
    """Files of a folder that were not read, for they hold results."""


@dataclass(eq=False)
class FileChanged(Said):
    """A watched file was saved: what is in it now."""

    key: int
    item: "Document | Unread"


@dataclass(frozen=True, slots=True)
class Target:
    """What to open, and how to read it. `stream` stands in for standard input."""

    path: str
    problem: str | None = None
    split: "SplitMode" = "auto"
    kind: "Format | None" = None
    stream: BinaryIO | None = None
    keep_thinking: bool = False

    @property
    def many(self) -> bool:
        """Whether it is a folder or a file of rows: shown as a list."""
        path = Path(self.path)
        return path.is_dir() or (_holds_rows(path) if self.kind is None else self.kind != "text")

    @property
    def small(self) -> bool:
        """Whether it is read at once."""
        path = Path(self.path)
        return self.path != "-" and not self.many and (not path.is_file() or path.stat().st_size <= SMALL_BYTES)

    def files(self) -> tuple[list[str], int]:
        """The files to read, and how many results that lie among them are left out.

        Raises InputError: a folder with nothing to read in it.
        """
        from stepcheck.tui.files.export import made_here

        folder = Path(self.path)
        if self.path == "-" or not folder.is_dir():
            return [self.path], 0
        found = sorted(
            str(path)
            for path in folder.rglob("*")
            if is_read(path) and not _hidden(path.relative_to(folder)) and path.is_file()
        )
        if not found:
            raise InputError(f"{self.path}: no .md, .txt, .json, .jsonl or .parquet file is in this folder")
        solutions = [path for path in found if not made_here(Path(path))]
        if not solutions:
            raise InputError(f"{self.path}: every file in this folder holds results, and no solution to be judged")
        return solutions, len(found) - len(solutions)

    def read(self, left_out: "Callable[[int], None]" = lambda _: None) -> "Iterator[Document | Unread]":
        """All documents, one at a time; `left_out` hears how many files are not read, for they hold results."""
        from stepcheck.document import Unread

        try:
            files, others = self.files()
            left_out(others)
            for file in files:
                yield from self.read_file(file)
        except InputError as error:
            yield Unread(self.path, error)
        except OSError as error:
            yield Unread(self.path, InputError(f"{self.path}: cannot be read: {error.strerror or error}"))

    def read_file(self, file: str) -> "Iterator[Document | Unread]":
        """The documents of one file."""
        from stepcheck.document import read

        return read(
            file,
            problem=self.problem,
            split=self.split,
            format=self.kind,
            stdin=self.stream,
            keep_thinking=self.keep_thinking,
        )

    def reread(self, document: "Document", text: str) -> "Document":
        """An edited document, cut by the rules it was read with. Raises InputError."""
        from stepcheck.document import reread

        return reread(document, text, problem=self.problem, split=self.split, keep_thinking=self.keep_thinking)


def is_read(path: Path) -> bool:
    """Whether a file's name says that it is read: a text, or rows."""
    return path.suffix.lower() in TEXTS or _holds_rows(path)


def _holds_rows(path: Path) -> bool:
    from stepcheck.document.sources import holds_rows

    return holds_rows(path)


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) or part in {"node_modules", "venv"} for part in path.parts)


class Reading:
    """Reads what is open, and again what changed. Of a target that was replaced nothing more is heard."""

    def __init__(self, target: Target, post: Post, hear: "Callable[[Said], None]") -> None:
        self.target = target
        self._post, self._hear = post, hear
        self._jobs: list[Job] = []

    def open(self, path: str) -> None:
        """Read another file or folder from now on, cut by the same rules."""
        self.drop()
        self.target = Target(path, split=self.target.split, keep_thinking=self.target.keep_thinking)

    def begin(self) -> None:
        """Read everything and say it in pieces, the last with `complete`."""
        path = self.target.path
        self._start(
            partial(_read, self.target), lambda words: DocumentsRead([_unread(path, words)], complete=True), "reader"
        )

    def again(self, key: int, document: "Document | Unread") -> None:
        """Read a document's file anew and say what stands in its place."""
        self._start(
            partial(_read_again, self.target, key, document),
            lambda words: FileChanged(key, _unread(document.source, words)),
            "watcher",
        )

    def now(self, document: "Document | Unread") -> "Document | Unread":
        """What is in a document's file now; this waits for the disk."""
        return found_again(self.target, document)

    def drop(self) -> None:
        """Hear nothing more of what is being read, or was read and waits to be heard."""
        for job in self._jobs:
            job.drop()
        self._jobs.clear()

    def _start(self, work: "Callable[[Job], None]", failed: "Callable[[str], Said]", name: str) -> None:
        self._jobs.append(Job(work, self._post, self._heard, failed, name).start())

    def _heard(self, message: Said) -> None:
        if isinstance(message, FileChanged):
            self._jobs.remove(message.job)  # it has said all
        self._hear(message)


def _unread(source: str, words: str) -> "Unread":
    from stepcheck.document import Unread

    return Unread(source, InputError(f"{source}: cannot be read: {words}"))


def _read(target: Target, job: Job) -> None:
    items: list[Document | Unread] = []
    flushed, others = time.monotonic(), [0]
    for item in target.read(others.append):
        if job.cancelled:
            return
        items.append(item)
        if time.monotonic() - flushed > FLUSH_SECONDS:
            job.say(DocumentsRead(items, complete=False))
            items, flushed = [], time.monotonic()
    job.say(DocumentsRead(items, complete=True, left_out=others[-1]))


def signature(path: str) -> tuple[int, int, int] | None:
    """What changes when a file is saved; None while there is none."""
    try:
        state = Path(path).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino


def _read_again(target: Target, key: int, document: "Document | Unread", job: Job) -> None:
    job.say(FileChanged(key, found_again(target, document)))


def found_again(target: Target, document: "Document | Unread") -> "Document | Unread":
    """What stands in a document's place now."""
    from stepcheck.document import Unread

    for item in target.read_file(document.source):
        if (item.line, item.candidate) == (document.line, document.candidate) or isinstance(item, Unread):
            return item
    gone = InputError(f"{document.source}: the row is no longer there")
    return Unread(document.source, gone, document.line, document.id, document.candidate)
