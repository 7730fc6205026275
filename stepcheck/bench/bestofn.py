"""Files → problems with candidates, each graded.

Rows are those that `stepcheck score` reads: a list of responses (`code`, `responses`, …), or one response a row, where
neighbours of one id and problem are candidates of it. Qwen2.5-Math's evaluation files are read as they are: `pred` are
final answers, `score` their correctness, `pred_score` scores of an outcome reward model; each a list, one value for a
candidate. A response that states no answer has the file's; where there is none, its last number, if that is wanted.
Grading needs no model, so it is done before the steps are judged, while the engine is busy with others.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stepcheck.answers import Grader, extract
from stepcheck.bench.cases import NO_RULE, Case, Graded
from stepcheck.bench.data import Subset, check_unchanged, read_groups
from stepcheck.document import Document, Unread
from stepcheck.document.contents import Missing
from stepcheck.document.given import decode, is_blank, scalar
from stepcheck.document.reading import to_document
from stepcheck.document.rows import BadRow
from stepcheck.document.rows import Row as SourceRow
from stepcheck.errors import InputError
from stepcheck.steps import SplitMode

Answers = Literal["last-number", "strict"]
FIELDS = ("pred", "score", "pred_score", "gt")


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read: at most `n` candidates a problem, cut into steps in one way.

    `answers` says whether a response that states no answer has its last number for one.
    """

    n: int | None = None
    split: SplitMode = "auto"
    answers: Answers = "last-number"


@dataclass(frozen=True, slots=True)
class _Given:
    """What the file says of each candidate; None where it says nothing."""

    answers: tuple[str | None, ...]
    right: tuple[bool | None, ...]
    scores: tuple[float | None, ...]


def read_problems(subset: Subset, grader: Grader, how: Reading) -> Iterator[Case]:
    """Yield the candidates of the chosen problems, those of one problem together; what cannot be read in its place."""
    check_unchanged(subset)
    seen: dict[str, int] = {}
    for position, group in enumerate(read_groups(subset.path, FIELDS, merge=True)):
        name = subset.entries[position].id
        if position in subset.chosen:
            yield from _problem(subset, position, group, grader, how, seen.get(name))
        seen.setdefault(name, group[0].line)


def _problem(
    subset: Subset,
    position: int,
    group: Sequence[SourceRow | BadRow],
    grader: Grader,
    how: Reading,
    before: int | None,
) -> Iterator[Case]:
    source, name = str(subset.path), subset.entries[position].id
    line = group[0].line
    try:
        rows = _readable(group, f"{source}:{line} (id {name[:80]})", before)
        given = _given(rows, f"{source}:{line} (id {name[:80]})")
        items = list(_items(source, rows, how))
        texts = [_text(row, index) for row in rows for index in range(len(row.solutions))][: len(items)]
        answers = [_answer(text, given.answers[i], how.answers) for i, text in enumerate(texts)]
        facts = _grade(answers, _reference(rows[0], f"{source}:{line}"), given, grader)
    except InputError as error:
        for candidate in range(subset.entries[position].cases):
            yield Case(subset.name, position, Unread(source, error, line, name, candidate), None, candidate)
        return
    for candidate, (item, found) in enumerate(zip(items, facts, strict=True)):
        yield Case(subset.name, position, item, found, candidate)


def _readable(group: Sequence[SourceRow | BadRow], place: str, before: int | None) -> list[SourceRow]:
    for row in group:
        if isinstance(row, BadRow):
            raise row.error
    if before is not None:
        raise InputError(f"{place}: the id stands on line {before} too; ids of different problems must differ")
    return [row for row in group if not isinstance(row, BadRow)]


def _items(source: str, rows: Sequence[SourceRow], how: Reading) -> Iterator[Document | Unread]:
    """The first n candidates as documents; one without steps is an error of its own."""
    places = [(row, index) for row in rows for index in range(len(row.solutions))]
    for row, index in places[: how.n]:
        try:
            yield to_document(source, row, index, None, how.split)
        except InputError as error:
            yield Unread(source, error, row.line, row.id, index)


def _answer(text: str, given: str | None, how: Answers) -> tuple[str | None, str]:
    """What a candidate answers, and by which rule: stated in its text, said by the file, or its last number."""
    found = extract(text)
    if found is not None and found.rule != "last number":
        return found.text, found.rule
    if given is not None:
        return given, "file"
    return (found.text, found.rule) if found and how == "last-number" else (None, NO_RULE)


def _grade(
    found: Sequence[tuple[str | None, str]], reference: str | None, given: _Given, grader: Grader
) -> list[Graded]:
    """Group and compare the answers of one problem's candidates."""
    groups = grader.group([answer for answer, _ in found])
    file_groups = grader.group(given.answers[: len(found)])
    return [
        Graded(
            reference,
            answer,
            groups[i],
            *_right(reference, answer, rule, grader),
            file_answer=given.answers[i],
            file_group=file_groups[i],
            file_right=given.right[i],
            file_score=given.scores[i],
            rule=rule,
        )
        for i, (answer, rule) in enumerate(found)
    ]


def _right(reference: str | None, answer: str | None, rule: str, grader: Grader) -> tuple[bool | None, str]:
    """Compare an answer with the reference; a response that gives no final answer is wrong, for it does not answer.

    How a guess was compared says less than that it is one.
    """
    if reference is None:
        return None, "no reference"
    if answer is None:
        return False, "no final answer"
    outcome = grader.compare(reference, answer)
    return outcome.equal, rule if rule == "last number" and outcome.equal is not None else outcome.how


def _reference(row: SourceRow, place: str) -> str | None:
    """The reference answer: `gt`, else `answer`, else the reference solution; of a whole solution its final answer."""
    text = scalar(row.more, ("gt",), [])
    if text is None and "gt" in row.more:
        text = decode(row.more["gt"], str, "gt", place)  # says what it is instead
    text = row.answer if text is None else text
    if is_blank(text) or text is None:
        found = None if row.reference is None else extract(row.reference, guess=False)
        return found.text if found else None
    found = extract(text, guess=False) if "####" in text or "\\boxed" in text else None
    return found.text if found else text


def _text(row: SourceRow, index: int) -> str:
    solution = row.solutions[index]
    if isinstance(solution, Missing):
        return ""
    return solution if isinstance(solution, str) else "\n".join(solution)


def _given(rows: Sequence[SourceRow], place: str) -> _Given:
    count = sum(len(row.solutions) for row in rows)
    answers = _list(rows, "pred", (str, int, float), count, place)
    right = _list(rows, "score", (bool,), count, place)
    scores = _list(rows, "pred_score", (int, float), count, place)
    return _Given(
        tuple(None if value is None or not str(value).strip() else str(value) for value in answers),
        tuple(right),
        tuple(None if value is None else _finite(value, place) for value in scores),
    )


def _finite(value: float, place: str) -> float:
    """A score that can be ranked: whole numbers may be too large for that."""
    try:
        score = float(value)
    except OverflowError:
        score = math.inf
    if not math.isfinite(score):
        raise InputError(f"{place}: `pred_score` holds {str(value)[:40]}: expected a finite number")
    return score


def _list(rows: Sequence[SourceRow], key: str, kinds: tuple[type, ...], count: int, place: str) -> list[Any]:
    """One value for each candidate: a list in a row of many, a value or a list of one in rows of one."""
    if not any(key in row.more for row in rows):
        return [None] * count
    values: list[Any] = []
    for row in rows:
        found = decode(row.more[key], object, key, place) if key in row.more else [None] * len(row.solutions)
        values += found if isinstance(found, list) else [found]
    values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
    if len(values) != count:
        raise InputError(f"{place}: `{key}` has {len(values)} values for {count} candidates")
    for index, value in enumerate(values):
        if value is not None and (not isinstance(value, kinds) or (bool not in kinds and isinstance(value, bool))):
            words = " or ".join({"str": "text", "bool": "true or false"}.get(kind.__name__, "number") for kind in kinds)
            raise InputError(f"{place}: `{key}[{index}]` is {str(value)[:40]!r}: expected {words}")
    return values
