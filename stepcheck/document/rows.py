"""Rows: JSON objects that hold a problem with its steps, its solution or several candidates.

Owns the keys that are understood. Refuses to guess: a wrong type, an empty problem or an empty step is an error with
the key's path. Fields that are not listed are skipped unread, whatever is in them.

Keys: `problem`, `question`, `query` or `prompt`, the first that is there; of the solution `steps` (a list, used exactly
as it is), `code`, `responses`, `response`, `candidates`, `solutions`, `solution`, the first that is there (evaluation
rows of Qwen2.5-Math hold the reference in `solution`, the samples in `code`); `answer` or `gt`; `id` or `idx`. A list
of texts is candidates for one problem. `answer` is never scored. Ids are handed on, and need not differ.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import msgspec

from stepcheck.document.sources import LONGEST_LINE, Source
from stepcheck.errors import InputError

MOST_STEPS = 100_000
_MOST_COMMAS = 3_000_000
"""An array's elements are listed before the first is read, at 72 bytes each; commas bound their number."""

_PROBLEM = ("problem", "question", "query", "prompt")
SOLUTION_KEYS = ("steps", "code", "responses", "response", "candidates", "solutions", "solution")
_FIELDS = (*_PROBLEM, *SOLUTION_KEYS, "answer", "gt", "id", "idx")
_NUMBER = re.compile(rb"-?\d[\d.eE+-]*")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")


_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `solutions` are texts to be split, or tuples of ready-made steps; `candidates` says it was a list."""

    problem: str | None
    solutions: tuple[str | tuple[str, ...], ...]
    line: int
    id: str | None
    answer: str | None
    candidates: bool
    notes: tuple[str, ...] = ()
    more: Mapping[str, bytes] = field(default_factory=dict)
    """Fields that the reader asked for besides, undecoded JSON; those that are null or missing are not there."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, in its place."""

    error: InputError
    line: int
    id: str | None = None


def from_lines(source: Source, more: tuple[str, ...] = ()) -> Iterator[Row | BadRow]:
    """The rows of JSONL, one at a time; empty lines are skipped. `more` names further fields to hand on."""
    for line, data in source.lines():
        if data is None:
            yield BadRow(InputError(f"{source.name}:{line}: longer than {LONGEST_LINE // 2**20} MiB"), line)
        elif data.strip():
            yield _row(data, f"{source.name}:{line}", line, more)


def from_json(source: Source, more: tuple[str, ...] = ()) -> Iterator[Row | BadRow]:
    """The rows of a JSON array, or the one of a JSON object. Raises InputError where the whole is not JSON."""
    data = source.data()
    if not data.lstrip().startswith(b"["):
        yield _row(data, source.name, 1 + data[: len(data) - len(data.lstrip())].count(b"\n"), more, whole=True)
        return
    if data.count(b",") > _MOST_COMMAS:
        raise InputError(f"{source.name}: too many values in one JSON array; write one row a line and name it .jsonl")
    position, line = 0, 1
    for index, raw in enumerate(_elements(data, source.name)):
        element = bytes(raw)
        found = data.index(element, position)
        line += data.count(b"\n", position, found)
        yield _row(element, f"{source.name}:{line}: element {index}", line, more)
        position, line = found + len(element), line + element.count(b"\n")


def _elements(data: bytes, name: str) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(_located(error, data, name, whole=True)) from error


def _row(data: bytes, place: str, line: int, more: tuple[str, ...], *, whole: bool = False) -> Row | BadRow:
    """Decode one row; `place` begins each message."""
    name: str | None = None
    try:
        given = _given(data, place, more, whole=whole)
        name = scalar(given, ("id", "idx"), place)
        return _read(given, f"{place} (id {name[:80]})" if name else place, line, name, more)
    except InputError as error:
        return BadRow(error, line, name)


@cache
def _fields(more: tuple[str, ...]) -> type[Any]:
    """A struct that takes the fields undecoded and skips all others."""
    names = dict.fromkeys((*_FIELDS, *more))
    return msgspec.defstruct("_Fields", [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in names])


def _given(data: bytes, place: str, more: tuple[str, ...], *, whole: bool) -> dict[str, bytes]:
    """The fields that are listed, there and not null, undecoded."""
    if len(data) > LONGEST_LINE:
        raise InputError(f"{place}: longer than {LONGEST_LINE // 2**20} MiB")
    try:
        fields = msgspec.structs.asdict(msgspec.json.decode(data, type=_fields(more)))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(_located(error, data, place, whole=whole)) from error
    return {key: bytes(raw) for key, raw in fields.items() if raw is not msgspec.UNSET and bytes(raw) != b"null"}


def _read(given: dict[str, bytes], place: str, line: int, name: str | None, more: tuple[str, ...]) -> Row:
    problem_key = next((key for key in _PROBLEM if key in given), None)
    problem = decode(given[problem_key], str, problem_key, place) if problem_key else None
    if problem is not None and not problem.strip():
        raise InputError(f"{place}: `{problem_key}` is empty")
    keys = [key for key in SOLUTION_KEYS if key in given]
    if not keys:
        hint = (
            "; `answer` is the final answer and is not scored: rename it if it is the solution"
            if "answer" in given
            else ""
        )
        raise InputError(f"{place}: no `steps` and no `solution` or `response`{hint}")
    solutions, several = _solutions(given[keys[0]], keys[0], place)
    notes = (f"`{keys[0]}` was read, `{'`, `'.join(keys[1:])}` was not",) if keys[1:] else ()
    extra = {key: given[key] for key in more if key in given}
    return Row(problem, solutions, line, name, scalar(given, ("answer", "gt"), place), several, notes, extra)


def _solutions(raw: bytes, key: str, place: str) -> tuple[tuple[str | tuple[str, ...], ...], bool]:
    listed = raw.startswith(b"[")
    if key == "steps":
        return (_steps(raw, place),), False
    texts = decode(raw, list[str], key, place) if listed else [decode(raw, str, key, place)]
    if not texts:
        raise InputError(f"{place}: `{key}` is an empty list")
    return tuple(texts), len(texts) > 1


def _steps(raw: bytes, place: str) -> tuple[str, ...]:
    steps = decode(raw, list[str], "steps", place)
    if not steps:
        raise InputError(f"{place}: `steps` is an empty list")
    if len(steps) > MOST_STEPS:
        raise InputError(f"{place}: {len(steps):,} steps; at most {MOST_STEPS:,} are read")
    for index, step in enumerate(steps):
        if not step.strip():
            raise InputError(f"{place}: `steps[{index}]` is empty")
    return tuple(steps)


def decode(raw: bytes, kind: type[_Value], key: str, place: str) -> _Value:
    """A value of a known type. Raises InputError with the key's path."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        wrong, _, path = str(error).partition(" - at `$")
        raise InputError(f"{place}: `{key}{path.rstrip('`')}`: {wrong[0].lower()}{wrong[1:]}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(_located(error, raw, f"{place}: `{key}`", whole=False)) from error


def scalar(given: Mapping[str, bytes], keys: tuple[str, ...], place: str) -> str | None:
    """A text, or a number exactly as it is written (`0.50`)."""
    key = next((key for key in keys if key in given), None)
    if key is None:
        return None
    return given[key].decode() if _NUMBER.fullmatch(given[key]) else decode(given[key], str, key, place)


def _located(error: Exception, data: bytes, place: str, *, whole: bool) -> str:
    """Say where JSON is broken; `whole` data are a file, whose lines are counted."""
    byte = re.search(r"\(byte (\d+)\)", str(error))
    if whole and byte:
        place = f"{place}:{1 + data[: int(byte[1])].count(10)}"
    if isinstance(error, RecursionError):
        return f"{place}: nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"{place}: not UTF-8; save it as UTF-8"
    if isinstance(error, msgspec.ValidationError):
        return f"{place}: {str(error)[0].lower()}{str(error)[1:]}"
    if _LONE_SURROGATE.search(data):
        return f"{place}: not JSON: half of a \\ud800-\\udfff pair, the other half is missing"
    if "truncated" in str(error):
        return f"{place}: not JSON: it ends in the middle"
    return f"{place}: not JSON: {str(error).removeprefix('JSON is malformed: ')}"
