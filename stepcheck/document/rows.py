"""Rows: JSON objects that hold a problem with its steps, its solution or several candidates.

Owns the way from a source to rows: JSONL, a JSON array or object, the samples of a log, Parquet. Refuses to guess: what
cannot be read is a `BadRow` in its place, with the key's path. Which keys are understood is told by `dialects`, `own`.
Fields that are not listed there are skipped unread, whatever is in them. Ids are handed on, and need not differ.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace

from stepcheck.document import dialects, own, parquet
from stepcheck.document.contents import Missing, Path, Solution
from stepcheck.document.given import Given, located, scalar
from stepcheck.document.sources import BOM, LONGEST_LINE, Source
from stepcheck.errors import InputError

_MOST_COMMAS = 3_000_000
"""An array's elements are listed before the first is read, at 72 bytes each; commas bound their number."""
_MOST_KEYS = 200_000
"""Above this the keys of a row are not listed, for each takes 180 bytes: known ones are read, no other is named."""
_NESTED = frozenset(
    """doc resps filtered_resps filter arguments choices object model result error pred scores agg_scores
    correctness_math_verify generator final_answer_correct""".split()  # noqa: SIM905 - a table of words
)
"""What dialects read besides the keys of `own`."""
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
NO_PROBLEM = "no `problem` (or `question`); put it in the row, or give it with --problem"


class Row(msgspec.Struct, frozen=True):
    """One row; `candidates` says that its solutions are several responses to one problem."""

    problem: str | None
    solutions: tuple[Solution, ...]
    line: int
    id: str | None
    answer: str | None
    candidates: bool
    notes: tuple[str, ...] = ()
    more: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    """Fields that the reader asked for besides, undecoded JSON; those that are null or missing are not there."""
    reference: str | None = None
    """The data set's own solution, where samples are judged."""
    labels: bytes | None = None
    """As `Content.labels`, under the key `label_key`."""
    label_key: str = "label"
    paths: tuple[Path | None, ...] = ()
    """Where each solution stands in the row; None where it is put together."""
    variant: str | None = None
    unasked: str = NO_PROBLEM
    """Why there is no problem, where there is none."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, in its place."""

    error: InputError
    line: int
    id: str | None = None


def read(source: Source, more: tuple[str, ...] = ()) -> Iterator[Row | BadRow]:
    """The rows of a source, one at a time; `more` names further fields to hand on.

    Raises InputError where the whole cannot be read.
    """
    if source.format == "parquet":
        return _once(_from_parquet(source, more))
    if source.format == "jsonl":
        return _once(_from_lines(source, more))
    return _once(_from_json(source, more))


def read_objects(objects: Iterable[bytes | InputError], name: str) -> Iterator[Row | BadRow]:
    """Rows that are at hand as JSON objects, numbered from 1: each gives what it holds, whatever another held."""
    for number, data in enumerate(objects, 1):
        yield BadRow(data, number) if isinstance(data, InputError) else _row(data, f"{name}:{number}", number, ())


def problem_of(data: bytes) -> str | None:
    """The problem of a row by itself; None where there is none, or the row cannot be read."""
    row = _row(data, "", 1, ())
    return row.problem if isinstance(row, Row) else None


def looks_back(data: bytes) -> bool:
    """Whether rows like this one must be read from the first on: those of a second filter are left out."""
    row = _row(data, "", 1, ())
    return isinstance(row, Row) and row.variant is not None


def _from_lines(source: Source, more: tuple[str, ...]) -> Iterator[Row | BadRow]:
    """The rows of JSONL; empty lines are skipped."""
    for line, data in source.lines():
        if (row := _from_line(data, source.name, line, more)) is not None:
            yield row


def _from_line(data: bytes | None, name: str, line: int, more: tuple[str, ...]) -> Row | BadRow | None:
    if data is None or len(data) > LONGEST_LINE:
        return BadRow(InputError(f"{name}:{line}: longer than {LONGEST_LINE // 2**20} MiB"), line)
    return _row(data, f"{name}:{line}", line, more) if data.strip() else None


def _from_parquet(source: Source, more: tuple[str, ...]) -> Iterator[Row | BadRow]:
    """The rows of a table; their number is in the place of a line's, and no path leads back into them."""
    for number, data in enumerate(parquet.read(source.stream, source.name, source.first, source.count), source.first):
        if isinstance(data, InputError):
            yield BadRow(data, number)
            continue
        row = _row(data, f"{source.name}:{number}", number, more)
        yield replace(row, paths=(None,) * len(row.solutions)) if isinstance(row, Row) else row


def _from_json(source: Source, more: tuple[str, ...]) -> Iterator[Row | BadRow]:
    """The rows of a JSON array, of a log's `samples`, or the one of a JSON object."""
    data = source.data()
    if data.lstrip().startswith(b"["):
        yield from _listed(_elements(data, source.name), data, "element", source.name, more)
        return
    samples = _samples(data)
    if samples is not None:
        yield from _by_epoch(_listed(samples, data, "sample", source.name, more))
        return
    yield _row(data, source.name, 1 + data[: len(data) - len(data.lstrip())].count(b"\n"), more, whole=True)


def _listed(
    values: Iterable[msgspec.Raw], data: bytes, kind: str, name: str, more: tuple[str, ...]
) -> Iterator[Row | BadRow]:
    position, line = 0, 1
    for index, raw in enumerate(values):
        element = bytes(raw)
        found = data.index(element, position)
        line += data.count(b"\n", position, found)
        yield _row(element, f"{name}:{line}: {kind} {index}", line, more)
        position, line = found + len(element), line + element.count(b"\n")


def _elements(data: bytes, name: str) -> list[msgspec.Raw]:
    if data.count(b",") > _MOST_COMMAS:
        raise InputError(f"{name}: too many values in one JSON array; write one row a line and name it .jsonl")
    try:
        return msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(located(error, data, name, whole=True)) from error


class _Log(msgspec.Struct):
    """A log whose rows are `samples`: of inspect a list, of lm-eval a list for each task."""

    samples: list[msgspec.Raw] | dict[str, list[msgspec.Raw]]
    eval: msgspec.Raw = msgspec.Raw()
    results: msgspec.Raw = msgspec.Raw()


def _samples(data: bytes) -> list[msgspec.Raw] | None:
    """The samples of a log; None where the object is a row itself."""
    try:
        log = msgspec.json.decode(data, type=_Log)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not bytes(log.eval) and not bytes(log.results):
        return None
    return log.samples if isinstance(log.samples, list) else [one for task in log.samples.values() for one in task]


def _by_epoch(found: Iterable[Row | BadRow]) -> Iterator[Row | BadRow]:
    """Samples of one id and problem, as epochs make them, as the candidates of one row, where the first stands."""
    rows: list[Row | BadRow] = []
    places: dict[tuple[str, str | None], int] = {}
    for one in found:
        row = replace(one, paths=(None,) * len(one.solutions)) if isinstance(one, Row) else one  # a log stays as it is
        if isinstance(row, BadRow) or row.id is None:
            rows.append(row)
            continue
        place = places.setdefault((row.id, row.problem), len(rows))
        before = rows[place] if place < len(rows) else None
        if isinstance(before, Row):
            notes = tuple(dict.fromkeys((*before.notes, *row.notes)))
            solutions, paths = (*before.solutions, *row.solutions), (*before.paths, *row.paths)
            rows[place] = replace(before, solutions=solutions, paths=paths, candidates=True, notes=notes)
        else:
            rows.append(row)
    yield from rows


class Lines:
    """The rows of JSONL that comes line by line, for whoever has no source to read from."""

    def __init__(self, name: str) -> None:
        self._name, self._line, self._seen = name, 0, _Seen()

    def read(self, data: bytes | None) -> Row | BadRow | None:
        """The row of the next line; None where it is empty, or the same again. No data: it was too long to be kept."""
        self._line += 1
        if self._line == 1 and data is not None:
            data = data.removeprefix(BOM)
        row = _from_line(data, self._name, self._line, ())
        return row if row is None or self._seen.first(row) else None


class _Seen:
    """Which rows there were; one that holds the same solutions as one before is of a second filter of lm-eval."""

    def __init__(self) -> None:
        self._variant: str | None = None
        self._ids: set[str | None] = set()

    def first(self, row: Row | BadRow) -> bool:
        if isinstance(row, BadRow) or row.variant is None:
            return True
        self._variant = self._variant if self._variant is not None else row.variant
        if row.variant != self._variant and row.id in self._ids:
            return False
        self._ids.add(row.id)
        return True


def _once(found: Iterable[Row | BadRow]) -> Iterator[Row | BadRow]:
    """Leave out rows that hold the same solutions as one before."""
    seen = _Seen()
    return (row for row in found if seen.first(row))


def _row(data: bytes, place: str, line: int, more: tuple[str, ...], *, whole: bool = False) -> Row | BadRow:
    """Decode one row; `place` begins each message."""
    name: str | None = None
    try:
        fields, nulls = _given(data, place, more, whole=whole)
        name = scalar(fields, own.ID, [])
        given = Given(fields, nulls, f"{place} (id {name[:80]})" if name else place)
        return _read(given, line, name, more)
    except InputError as error:
        return BadRow(error, line, name)


@cache
def _known(more: tuple[str, ...]) -> type[Any]:
    """A struct that takes the known fields undecoded and skips all others."""
    names = sorted({*own.FIELDS, *_NESTED, *more})
    return msgspec.defstruct("_Known", [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in names])


def _given(data: bytes, place: str, more: tuple[str, ...], *, whole: bool) -> tuple[dict[str, bytes], frozenset[str]]:
    """The fields, undecoded, and the names of those that are null."""
    if len(data) > LONGEST_LINE:
        raise InputError(f"{place}: longer than {LONGEST_LINE // 2**20} MiB")
    try:
        if data.count(b'":') > _MOST_KEYS:
            found = msgspec.structs.asdict(msgspec.json.decode(data, type=_known(more)))
        else:
            found = _FIELDS.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(located(error, data, place, whole=whole)) from error
    there = {key: bytes(raw) for key, raw in found.items() if raw is not msgspec.UNSET}
    nulls = frozenset([key for key, raw in there.items() if raw == b"null"])
    return {key: raw for key, raw in there.items() if key not in nulls} if nulls else there, nulls


def _read(given: Given, line: int, name: str | None, more: tuple[str, ...]) -> Row:
    content = dialects.read(given)
    extra = {key: given.fields[key] for key in more if key in given and key not in content.hidden}
    problem = content.problem
    return Row(
        problem if isinstance(problem, str) else None,
        content.solutions.found,
        line,
        content.id if content.id is not None else name,
        content.answer,
        content.solutions.several,
        content.notes,
        {**extra, **{key: raw for key, raw in content.extra.items() if key in more}},
        content.reference,
        content.labels,
        content.label_key,
        content.solutions.paths,
        content.variant,
        problem.reason if isinstance(problem, Missing) else NO_PROBLEM,
    )
