"""The one sink: data to stdout or a file, talk to stderr.

Owns streams, encodings, files that appear whole or not at all, and what happens when the reader has gone. Refuses to
let foreign control characters through: `say` cleans, and the writers take only text that a report made.
"""

import contextlib
import errno
import glob
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from stepcheck.errors import OutputError, UsageError
from stepcheck.report.clean import clean, clean_json


class ExitCode(IntEnum):
    """What the shell learns."""

    done = 0
    """All went well."""
    error = 1
    """Something could not be done; stderr says what."""
    usage = 2
    """The command line or a setting makes no sense."""
    below = 3
    """A step's reward is under `--fail-under`."""
    interrupted = 130
    """Ctrl-C (128 + SIGINT)."""


class ReaderGoneError(Exception):
    """Whoever read our output has closed it (`| head`): no error, only the end."""


def prepare_streams() -> None:
    """Let no character stop the output: what the terminal's encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(message: str) -> None:
    """Write a line to stderr; a stderr that is closed is no reason to fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(clean(message) + "\n")
        sys.stderr.flush()


def json_text(value: dict[str, Any]) -> str:
    """Write an object for programs: with its schema's number, indented, and harmless to a terminal."""
    return clean_json(json.dumps({"schema": 1} | value, ensure_ascii=False, indent=2)) + "\n"


class Sink:
    """A text stream that tells a gone reader from a failure."""

    def __init__(self, stream: TextIO, name: str = "standard output") -> None:
        self.stream, self._name = stream, name

    @cached_property
    def utf8(self) -> bool:
        """Whether every character can be written as it is."""
        return (self.stream.encoding or "").lower().replace("-", "").replace("_", "") in {"utf8", "utf8sig"}

    def write(self, text: str) -> None:
        """Write and flush, so that a pipe's reader sees each result when it is there.

        Raises:
            ReaderGoneError: the other end of the pipe is closed.
            OutputError: it cannot be written.
        """
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            raise _translation(error, self._name) from error

    def translated(self) -> contextlib.AbstractContextManager[None]:
        """As `write` raises, for a library that touches the stream itself."""
        return translated(self._name)


@contextlib.contextmanager
def translated(name: str = "standard output") -> Iterator[None]:
    """Turn a broken pipe into `ReaderGoneError`; what the stream still holds is dropped, or the exit would complain.

    Anything else that goes wrong becomes an `OutputError` with the place's name.
    """
    try:
        yield
    except OSError as error:
        raise _translation(error, name) from error


def _translation(error: OSError, name: str) -> OutputError | ReaderGoneError:
    if error.errno not in {errno.EPIPE, errno.EINVAL}:  # Windows says EINVAL
        hint = "make room, or choose another place with --output"
        return OutputError(f"{name}: cannot be written: {error.strerror or error}; {hint}")
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ReaderGoneError()


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[Sink]:
    """Open stdout, or a file that replaces `path` only if all went well.

    Raises:
        UsageError: the file cannot be written there.
    """
    if path is None or str(path) == "-":
        if sys.stdout is None:
            raise UsageError("standard output is closed: give a file with --output")
        yield Sink(sys.stdout)
        return
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, not a file to write to")
    if path.exists() and not path.is_file():  # a device or a named pipe cannot be replaced
        with _written(path, str(path)) as stream:
            yield Sink(stream, str(path))
        return
    path = path.resolve()  # a link stays a link
    part = _part_file(path)
    try:
        with _written(part, str(path)) as stream:
            yield Sink(stream, str(path))
            with translated(str(path)):
                stream.flush()
                os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _written(path: Path, name: str) -> Iterator[TextIO]:
    """Open a file to write; what is still held at its end may fail to be written too."""
    stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
    try:
        yield stream
    finally:
        with translated(name):
            stream.close()


def _sweep(path: Path) -> None:
    """Delete what processes that are no more left of this file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*-*.part"):
        number = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if number.isdecimal():
            import psutil

            if not psutil.pid_exists(int(number)):
                left.unlink(missing_ok=True)


def _part_file(path: Path) -> Path:
    """Make an empty file beside `path`, with the rights a new file has, and sweep those that a killed process left."""
    _sweep(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.{os.getpid()}-", suffix=".part", dir=path.parent)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    os.close(handle)
    part = Path(name)
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
    return part
