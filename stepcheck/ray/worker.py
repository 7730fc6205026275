"""The actor: opens a judge for itself, judges one part after another, and writes a file for each.

Owns the writing: a file appears whole or not at all. Refuses to raise where an error can be said: what cannot be done
comes back as a value, with the node on which it happened.
"""

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from stepcheck import __version__
from stepcheck.document.ranges import read_range
from stepcheck.errors import EngineError, InputError, ModelError, OutputError, StepcheckError
from stepcheck.judge import Unscored
from stepcheck.ray.folder import PART
from stepcheck.ray.opening import Judging, Model, Reading, here, in_actor, open_judge
from stepcheck.report.records import encode, record
from stepcheck.together import judge_together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepcheck.judge import Judged
    from stepcheck.ray.parts import Part

AT_ONCE = 64
"""Results that are written together into a Parquet file."""


@dataclass(frozen=True, slots=True)
class Done:
    """A part's file is there: how many results and tokens, and how long it took."""

    results: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """What an actor cannot do, and why."""

    error: StepcheckError


class Worker:
    """One engine; `sha256` is that of the weights that it must find, `of` the version that sent it here."""

    def __init__(self, model: Model, judging: Judging, reading: Reading, sha256: str, of: str = __version__) -> None:
        self._reading = reading
        self._failed: Failed | None = None
        try:
            if of != __version__:
                raise EngineError(f"has stepcheck {__version__}, and the command comes from {of}: install that one")
            self._judge = open_judge(model, judging)
            if self._judge.identity.sha256 != sha256:
                raise ModelError(f"{self._judge.identity.name}: has other weights than where the command was given")
        except StepcheckError as error:
            self._failed = _at_node(error)

    def started(self) -> Failed | None:
        """Say what keeps this actor from judging, if anything does."""
        return self._failed

    def judge(self, part: "Part") -> Done | Failed:
        """Judge a part and write its file."""
        if self._failed is not None:
            return self._failed
        try:
            self._check_input(part)
            return self._write(part)
        except StepcheckError as error:
            return _at_node(error)

    def _check_input(self, part: "Part") -> None:
        try:
            size = Path(part.path).stat().st_size
        except OSError as error:
            raise InputError(
                f"{part.path}: {error.strerror or error}: every node must see the same files, in a shared folder"
            ) from error
        if size != part.size:
            raise InputError(f"{part.path}: has {size:,} bytes, it had {part.size:,} when it was cut into parts")

    def _write(self, part: "Part") -> Done:
        documents = read_range(Path(part.path), part.rows, name=part.source, form=part.form, **self._reading)
        started, results, tokens = monotonic(), 0, 0
        with writing(Path(part.target)) as write:
            for result in judge_together(self._judge, documents):
                results += 1
                tokens += 0 if isinstance(result, Unscored) else result.tokens
                write(result)
        return Done(results, tokens, monotonic() - started)


def _at_node(error: StepcheckError) -> Failed:
    """Say where it happened: the machine of an actor need not be the one that a person sees."""
    words = f"{here()}: {error}"
    if in_actor() and isinstance(error, ModelError):
        words += " (every node needs the model: pull it there too, or give --models-dir in a shared folder)"
    return Failed(type(error)(words))


@contextlib.contextmanager
def writing(target: Path) -> "Iterator[Callable[[Judged | Unscored], None]]":
    """Write results into a file that replaces `target` if all went well; its suffix says in which form.

    Raises:
        OutputError: it cannot be written.
    """
    part = target.parent / f".{target.name}.{platform.node()}-{os.getpid()}{PART}"
    form = _parquet if target.suffix == ".parquet" else _jsonl
    try:
        with form(part) as write:
            yield write
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written: {error.strerror or error}: every node must be able to write there"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _jsonl(path: Path) -> "Iterator[Callable[[Judged | Unscored], None]]":
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:

        def write(result: "Judged | Unscored") -> None:
            file.write(f"{encode(record(result))}\n")

        yield write


@contextlib.contextmanager
def _parquet(path: Path) -> "Iterator[Callable[[Judged | Unscored], None]]":
    from pyarrow.parquet import ParquetWriter

    from stepcheck.ray import tables

    held: list[dict[str, Any]] = []

    def flush() -> None:
        file.write_table(tables.table(held))
        held.clear()

    def write(result: "Judged | Unscored") -> None:
        held.append(record(result))
        if len(held) == AT_ONCE:
            flush()

    with ParquetWriter(path, tables.schema()) as file:
        yield write
        if held:
            flush()
