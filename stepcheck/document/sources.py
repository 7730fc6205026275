"""Sources: files and standard input as bytes and text, with their format.

Owns opening, limits, encodings and the guess of a stream's format. Refuses encodings other than UTF-8 (a BOM is dropped
and no offset counts it) and binary files.
"""

import contextlib
import gzip
import io
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TextIO

from stepcheck.document.values import Format
from stepcheck.errors import InputError
from stepcheck.patterns import regex

MOST_CHARACTERS = 6_000_000
"""Longest text of one solution: some million tokens, more than any model reads; 5 MB take about 2 s to split."""
LONGEST_LINE = 16 * 2**20
"""Bytes of one row; a row's strings live in memory together."""
LARGEST_ARRAY = 128 * 2**20
"""Bytes of a JSON file that is one array; JSONL has no such limit, since it is streamed."""

LARGEST_UNPACKED = 4 * 2**30
"""Bytes that come out of a packed file; a small one can hold no end of them."""

_HEAD = 64 * 1024
_PARQUET = ".parquet"
_GZIP = ".gz"
BOM = b"\xef\xbb\xbf"
_SUFFIXES: dict[str, Format] = {
    ".md": "text",
    ".markdown": "text",
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_LOG = regex(rb'"(?:eval|results)"\s*:\s*\{')
"""A log of evaluations, which is one object, though it may stand on one line."""
_ADVICE = "expected a .md, .txt, .json, .jsonl or .parquet file, text in UTF-8"
_INSTEAD = {
    ".eval": "an inspect log is read as JSON: inspect log convert --to json --output-dir FOLDER FILE",
    ".csv": "a table is read as JSONL: one object a line",
    ".tsv": "a table is read as JSONL: one object a line",
    ".arrow": "write it as Parquet or JSONL",
    ".zst": "unpack it, or pack it with gzip",
    ".zip": "unpack it",
    ".pdf": "write its text into a .md file",
    ".ipynb": "write its text into a .md file",
}
"""What helps with files of other kinds."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open source: how messages call it, what is in it, its bytes from the first one after a BOM.

    A part of a file begins at line `first`; of Parquet it has `count` rows from that number on.
    """

    name: str
    format: Format | Literal["parquet"]
    stream: BinaryIO
    first: int = 1
    count: int | None = None
    on_line: Callable[[int], None] | None = None
    """Hears of the bytes of every line that is read."""

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Number (from `first`) and bytes of every line; None for one longer than `LONGEST_LINE`, which is skipped."""
        number = self.first - 1
        while line := self.stream.readline(LONGEST_LINE + 1):
            number += 1
            whole, size = line, len(line)
            while len(line) > LONGEST_LINE and not whole.endswith(b"\n") and (whole := self.stream.readline(_HEAD)):
                size += len(whole)
            if self.on_line is not None:
                self.on_line(size)
            yield number, line if len(line) <= LONGEST_LINE else None

    def text(self) -> str:
        """All of it as text. Raises InputError: too long, not UTF-8, binary."""
        data = self.stream.read(4 * MOST_CHARACTERS + 1)
        text = decode(data, self.name) if len(data) <= 4 * MOST_CHARACTERS else None
        if text is None or len(text) > MOST_CHARACTERS:
            raise InputError(f"{self.name}: more than {MOST_CHARACTERS:,} characters; is it one solution?")
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise InputError(f"{self.name}:{line}: a NUL character, as in a binary file; {_ADVICE}")
        return text

    def data(self) -> bytes:
        """All of it as bytes, for JSON. Raises InputError: larger than `LARGEST_ARRAY`."""
        data = self.stream.read(LARGEST_ARRAY + 1)
        if len(data) > LARGEST_ARRAY:
            size = LARGEST_ARRAY // 2**20
            raise InputError(
                f"{self.name}: more than {size} MiB in one JSON value; JSONL (one row a line) has no limit"
            )
        return data


def decode(data: bytes, name: str) -> str:
    """UTF-8 as text. Raises InputError with the line of the first byte that is not."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: byte 0x{data[error.start]:02x} is not UTF-8; save it as UTF-8") from error


@contextlib.contextmanager
def opened(source: str | Path, stdin: TextIO | BinaryIO | None, form: Format | None) -> Iterator[Source]:
    """Open a file, or standard input for `-`; the format is `form`, else the suffix's, else guessed from the beginning.

    Raises InputError: no such file, a folder, no permission, an unknown suffix, binary, UTF-16.
    """
    name = str(source)
    suffix, packed = _suffix(name)
    if form is None and suffix and suffix not in _SUFFIXES and suffix != _PARQUET:
        advice = _INSTEAD.get(suffix, f"{_ADVICE}, or name the format")
        raise InputError(f"{name}: unknown kind of file ({suffix}); {advice}")
    with _bytes(name, stdin) as file:
        if suffix == _PARQUET and form is None and not packed:
            yield Source(name, "parquet", file)
            return
        stream = io.BufferedReader(_Unpacked(file), _HEAD) if packed else file
        head = _head(stream, name)
        whole = io.BufferedReader(_Spliced(head.removeprefix(BOM), stream), _HEAD)
        yield Source(name, _format(head.removeprefix(BOM), suffix, form), whole)


def holds_rows(path: Path) -> bool:
    """Whether a file's name says that there are rows in it."""
    suffix, packed = _suffix(path.name)
    return _SUFFIXES.get(suffix, "text") != "text" or (suffix == _PARQUET and not packed)


def _suffix(name: str) -> tuple[str, bool]:
    """A file's suffix, without that of gzip, and whether it had it; none for standard input."""
    path = Path(name) if name != "-" else Path()
    packed = path.suffix.lower() == _GZIP
    return (path.with_suffix("") if packed else path).suffix.lower(), packed


@contextlib.contextmanager
def _bytes(name: str, stdin: TextIO | BinaryIO | None) -> Iterator[BinaryIO]:
    if name == "-":
        stream = stdin or sys.stdin
        if stream is None:
            raise InputError("standard input is closed: name a file")
        yield _binary(stream)
        return
    path = Path(name)
    try:
        if path.is_dir():
            raise InputError(f"{name}: is a folder; name the files in it")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file") from error
    except PermissionError as error:
        raise InputError(f"{name}: no permission to read it") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    with file:
        yield file


def _binary(stream: TextIO | BinaryIO) -> BinaryIO:
    if isinstance(stream, io.TextIOBase):
        buffer = getattr(stream, "buffer", None)
        return buffer if buffer is not None else io.BytesIO(stream.read().encode("utf-8", "surrogatepass"))
    return stream  # type: ignore[return-value]  # a TextIO that is no TextIOBase does not exist in practice


def _head(stream: BinaryIO, name: str) -> bytes:
    """The beginning: whole lines up to the first that says something, 64 KiB at most. A live stream is not held up."""
    head = stream.readline(_HEAD)
    while len(head) < _HEAD and head.removeprefix(BOM).strip() in (b"", b"[") and (line := stream.readline(_HEAD)):
        head += line
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name}: is UTF-16; save it as UTF-8")
    if b"\0" in head:
        raise InputError(f"{name}: looks like a binary file; {_ADVICE}")
    return head


def _format(head: bytes, suffix: str, form: Format | None) -> Format:
    """The format asked for, else the suffix's; a stream's, and JSON or JSONL, are guessed from the beginning."""
    start = head.strip()
    asked = form or _SUFFIXES.get(suffix)
    if asked == "text":
        return "text"
    if asked == "jsonl":
        return "json" if start.startswith(b"[") and not form else "jsonl"
    if start.startswith(b"[") and (asked or re.match(rb"\[\s*(?:\{|\]\s*\Z)", start)):
        return "json"
    if re.match(rb"\{\s*(?:\"|\}|\Z)", start) and not form:
        lines = (start.endswith(b"}") or len(head) >= _HEAD) and not _LOG.search(start)
        return "jsonl" if lines else "json"
    return asked or "text"


class _Spliced(io.RawIOBase):
    """The beginning that was read already, then the rest of the stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: Buffer
        read = getattr(self._stream, "read1", self._stream.read)
        data, self._head = (
            (self._head[: len(buffer)], self._head[len(buffer) :]) if self._head else (read(len(buffer)), b"")
        )
        buffer[: len(data)] = data
        return len(data)


class _Unpacked(io.RawIOBase):
    """What a file that was packed with gzip holds. Raises OSError where it is broken, or holds too much."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=file)
        self._left = LARGEST_UNPACKED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: Buffer
        try:
            data = self._file.read1(len(buffer))
        except (EOFError, zlib.error) as error:
            raise OSError(f"is packed with gzip, and broken: {error}") from error
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"holds more than {LARGEST_UNPACKED // 2**30} GiB: unpack it")
        buffer[: len(data)] = data
        return len(data)


def text_or_file(value: str) -> str:
    """What `--problem TEXT|FILE` means: the content of that file if there is one, else the text itself.

    Raises InputError for a file that is empty or no text.
    """
    try:
        path = Path(value)
        if not path.is_file():
            return value
        with path.open("rb") as file:
            text = Source(value, "text", file).text().removeprefix("\ufeff").strip()
    except (OSError, ValueError):  # longer than any file's name, or with characters that none can have
        return value
    if not text:
        raise InputError(f"{value}: is empty; it was to hold the problem")
    return text
