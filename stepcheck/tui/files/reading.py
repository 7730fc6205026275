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

    def files(self) -> list[str]:
        """The files to read. Raises InputError: a folder with nothing to read in it."""
        folder = Path(self.path)
        if self.path == "-" or not folder.is_dir():
            return [self.path]
        found = sorted(
            str(path)
            for path in folder.rglob("*")
            if is_read(path) and not _hidden(path.relative_to(folder)) and path.is_file()
        )
        if not found:
            raise InputError(f"{self.path}: no .md, .txt, .json, .jsonl or .parquet file is in this folder")
        return found

    def read(self) -> "Iterator[Document | Unread]":
        """All documents, one at a time."""
        from stepcheck.document import Unread

        try:
            for file in self.files():
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
    flushed = time.monotonic()
    for item in target.read():
        if job.cancelled:
            return
        items.append(item)
        if time.monotonic() - flushed > FLUSH_SECONDS:
            job.say(DocumentsRead(items, complete=False))
            items, flushed = [], time.monotonic()
    job.say(DocumentsRead(items, complete=True))


def signature(path: str) -> tuple[int, int, int] | None:
    """What changes when a file is saved; None while there is none."""
    try:
        state = Path(path).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino


def _read_again(target: Target, key: int, document: "Document | Unread", job: Job) -> None:
    from stepcheck.document import Unread

    for item in target.read_file(document.source):
        if (item.line, item.candidate) == (document.line, document.candidate) or isinstance(item, Unread):
            job.say(FileChanged(key, item))
            return
    gone = InputError(f"{document.source}: the row is no longer there")
    job.say(FileChanged(key, Unread(document.source, gone, document.line, document.id, document.candidate)))
