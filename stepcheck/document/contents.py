"""What a row holds: a problem and its solutions, and what the data say of them.

Owns the values that every dialect gives, and how a field becomes solutions: a text, a list of texts, a list of lists of
steps, messages. Refuses to drop what is no solution: it stays in its place, with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from stepcheck.document import talks
from stepcheck.document.given import Given, is_blank, is_unseen
from stepcheck.document.talks import Turn
from stepcheck.errors import InputError

MOST_STEPS = 100_000
Path = tuple[str | int, ...]
"""Where a value stands in its row: `("completions", 1)`."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A candidate that is no solution, in its place."""

    reason: str


Solution = str | tuple[str, ...] | Missing
"""A text that is to be split, steps as they are, or the reason why there is none."""


class Solutions(msgspec.Struct, frozen=True):
    """The solutions of a field, each with its place in the row; None where it is put together from several values."""

    found: tuple[Solution, ...]
    paths: tuple[Path | None, ...]
    several: bool = False
    notes: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True):
    """What a dialect makes of a row."""

    problem: str | Missing | None
    solutions: Solutions
    answer: str | None = None
    reference: str | None = None
    """The data set's own solution, where samples are judged."""
    id: str | None = None
    labels: bytes | None = None
    """JSON, undecoded: the first wrong step, or a label a step; of several solutions a list of these."""
    label_key: str = "label"
    notes: tuple[str, ...] = ()
    extra: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    """Fields under the names by which a bench asks for them."""
    hidden: frozenset[str] = frozenset()
    """Fields that mean something else here than where a bench knows them from."""
    variant: str | None = None
    """Rows of one id that differ in this alone hold the same solutions."""


Element = str | Turn | list[str | Turn | None] | None
_Elements = list[str | Turn | list[str | Turn | None] | None]
_ANY_KIND = "`str | object | array | null`"


def solutions(given: Given, key: str) -> Solutions:
    """The solutions that stand under a key. Raises InputError: it is neither text, list nor message."""
    if given.is_list(key):
        return _of_list(given, key)
    if given.is_object(key):
        return _single((key,), talks.words(given.read(key, Turn)))
    if key in ("steps", "messages", "conversations"):
        given.read(key, list[str])  # says what it is instead
    return Solutions((given.text(key),), ((key,),))


def _of_list(given: Given, key: str) -> Solutions:
    try:
        values = given.read(key, _Elements)
    except InputError as error:
        raise InputError(str(error).replace(_ANY_KIND, "`str`")) from error
    if not values:
        raise given.error(f"`{key}` is an empty list")
    turns = [value for value in values if isinstance(value, Turn)]
    if len(turns) == len(values) and talks.is_talk(turns):
        talk = talks.follow(turns)
        answer = talk.answer or talks.Words(None)
        return _single((key, talk.at), talks.Words(answer.text, answer.path, talk.notes))
    if key == "steps" and not any(isinstance(value, list) for value in values):
        return Solutions((as_steps(values, key),), ((key,) if not turns else None,))
    return _candidates(values, key)


def _single(place: Path, words: talks.Words) -> Solutions:
    path = None if words.path is None else (*place, *words.path)
    found = Missing(f"`{place[0]}` holds no text of an assistant") if words.text is None else words.text
    return Solutions((found,), (path,), notes=words.notes)


def _candidates(values: Sequence[Element], key: str) -> Solutions:
    each = [_candidate(value, key, index) for index, value in enumerate(values)]
    notes = dict.fromkeys(note for one in each for note in one.notes)
    found = tuple(solution for one in each for solution in one.found)
    return Solutions(found, tuple(path for one in each for path in one.paths), len(found) > 1, tuple(notes))


def _candidate(value: Element, key: str, index: int) -> Solutions:
    if isinstance(value, list):
        turns = [item for item in value if isinstance(item, Turn)]
        if len(turns) == len(value) and talks.is_talk(turns):
            talk = talks.follow(turns)
            answer = talk.answer or talks.Words(None)
            return _text(answer, (key, index, talk.at), key, index)
        return Solutions((as_steps(value, f"{key}[{index}]"),), ((key, index) if not turns else None,))
    if isinstance(value, Turn):
        return _text(talks.words(value), (key, index), key, index)
    return _text(talks.Words(value), (key, index), key, index)


def _text(words: talks.Words, place: Path, key: str, index: int) -> Solutions:
    path = None if words.path is None else (*place, *words.path)
    return Solutions((solution(words.text, f"`{key}[{index}]`"),), (path,), notes=words.notes)


def solution(text: str | None, name: str) -> Solution:
    """A text, or why it is no solution; `name` is what the message calls it."""
    return Missing(f"no steps: {name} is {nothing(text)}") if text is None or is_blank(text) else text


def nothing(text: str | None) -> str:
    """How a text that says nothing is called."""
    return "null" if text is None else "empty" if is_unseen(text) else f"the word {text.strip()}"


def as_steps(values: Sequence[Element], key: str) -> tuple[str, ...] | Missing:
    """Ready-made steps, exactly as they are; the reason where one says nothing."""
    if not values:
        return Missing(f"`{key}` is an empty list")
    if len(values) > MOST_STEPS:
        return Missing(f"{len(values):,} steps; at most {MOST_STEPS:,} are read")
    steps = list(_step_texts(values))
    for index, step in enumerate(steps):
        if is_blank(step):
            return Missing(f"`{key}[{index}]` is {nothing(step)}")
    return tuple(step for step in steps if step is not None)


def _step_texts(values: Sequence[Element]) -> Iterator[str | None]:
    for value in values:
        yield talks.words(value).text if isinstance(value, Turn) else value if isinstance(value, str) else None
