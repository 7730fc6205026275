r"""Two answers → equal, unequal, or could not be told: from the cheapest comparison to the dearest.

Exact text; one canonical way of writing; numbers; lists, tuples, intervals and sets, part by part; at last math-verify.
Refuses to call "could not tell" wrong: it is an outcome of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Self

from stepcheck.answers.algebra import Algebra
from stepcheck.answers.forms import MOST_CHARACTERS, canonical, choice, is_words, plain
from stepcheck.answers.numbers import read_number, same_number, same_time

DEEPEST = 4
"""Lists within lists."""
MOST_PARTS = 50
REMEMBERED = 4096
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_BRACKETS = {r"\{": "{", r"\}": "}", r"\lbrace": "{", r"\rbrace": "}"}
_CONNECTIVES = re.compile(r"\s*(?:,|;|\band\b|\bor\b|和|或)\s*(?:\b(?:and|or)\b\s*)?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`equal` is None where it could not be told; `how` names the comparison that decided, or the reason."""

    equal: bool | None
    how: str


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer of several parts: its brackets, empty for a bare list, and whether their order counts."""

    open: str
    close: str
    items: tuple[str, ...]

    @property
    def ordered(self) -> bool:
        """Sets and bare lists have no order; tuples and intervals do."""
        return self.open in {"(", "["}


class Grader:
    """Compares answers; remembers what it compared. Use it as a context manager, or call `close`."""

    def __init__(self, algebra: Algebra | None = None) -> None:
        self._algebra = algebra or Algebra()
        self._known = lru_cache(REMEMBERED)(self._compare)

    def compare(self, gold: str, given: str) -> Outcome:
        """Tell whether a given answer equals the reference."""
        return self._known(gold, given)

    def group(self, answers: Sequence[str | None]) -> list[int | None]:
        """Number each answer by the first one that is equal to it; None stays None."""
        groups: list[int | None] = []
        for place, answer in enumerate(answers):
            heads = [i for i, group in enumerate(groups) if group == i]
            same = (i for i in heads if answer is not None and self.compare(str(answers[i]), answer).equal)
            groups.append(None if answer is None else next(same, place))
        return groups

    def close(self) -> None:
        """End the process that reckons, if there is one."""
        self._algebra.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _compare(self, gold: str, given: str, depth: int = 0) -> Outcome:
        if gold.strip() == given.strip():
            return Outcome(equal=True, how="exact")
        if max(len(gold), len(given)) > MOST_CHARACTERS:
            return Outcome(equal=None, how="too long to compare")
        letter = choice(gold)
        if letter is not None and len(plain(gold).strip("(). ")) == 1:
            return _choices(letter, given)
        left, right = canonical(gold), canonical(given)
        if left == right:
            return Outcome(equal=bool(left) or None, how="normalised")
        return _by_value(gold, given) or self._several(gold, given, depth) or self._ask(gold, given)

    def _several(self, gold: str, given: str, depth: int) -> Outcome | None:
        """Compare part by part, where both have parts or one has; None where neither has."""
        ours, theirs = parts(gold), parts(given)
        if depth >= DEEPEST or (ours is None and theirs is None):
            return None
        if ours is None or theirs is None:
            return None if depth else self._lone(gold, given, ours, theirs)
        loose = not ours.open or not theirs.open
        if not loose and (ours.open, ours.close) != (theirs.open, theirs.close):
            return Outcome(equal=False, how="brackets")
        if len(ours.items) != len(theirs.items):
            return Outcome(equal=False, how="number of parts")
        if ours.ordered or theirs.ordered:
            found = [self._compare(a, b, depth + 1).equal for a, b in zip(ours.items, theirs.items, strict=True)]
            return Outcome(_all(found), "parts in order")
        return Outcome(self._matched(ours.items, theirs.items, depth), "parts in any order")

    def _lone(self, gold: str, given: str, ours: Parts | None, theirs: Parts | None) -> Outcome | None:
        """One part against one value: `{5}` and `5`, a bracket around a sum; several against one are unequal."""
        found = ours or theirs
        if found is None or (found.open == "(" and len(found.items) == 1):
            return None
        if len(found.items) == 1 and found.open == "{":
            other = given if ours else gold
            return self._compare(found.items[0], other, 1)
        return None

    def _matched(self, ours: Sequence[str], theirs: Sequence[str], depth: int) -> bool | None:
        """Find a partner for each part; None if only an undecided one is left."""
        left, undecided = list(theirs), False
        for item in ours:
            outcomes = [self._compare(item, other, depth + 1).equal for other in left]
            if True in outcomes:
                left.pop(outcomes.index(True))
            elif None in outcomes:
                undecided = True
            else:
                return False
        return None if undecided else True

    def _ask(self, gold: str, given: str) -> Outcome:
        answer = self._algebra.equal(plain(gold), plain(given))
        return Outcome(answer, "math-verify" if answer is not None else "math-verify could not tell")


def parts(answer: str) -> Parts | None:
    """Take an answer of several parts apart at its outermost commas; None for one value."""
    text = plain(answer)
    for written, bracket in _BRACKETS.items():
        text = text.replace(written, "\x01" if bracket == "{" else "\x02")
    if r"\pm" in text and text.count(r"\pm") == 1:
        return Parts("", "", (text.replace(r"\pm", "+"), text.replace(r"\pm", "-")))
    opened, closed, inner = "", "", text
    if text[:1] in {"(", "[", "\x01"} and text[-1:] in {")", "]", "\x02"} and _closes_last(text):
        opened, closed, inner = text[0].replace("\x01", "{"), text[-1].replace("\x02", "}"), text[1:-1]
    items = tuple(item.strip().replace("\x01", r"\{").replace("\x02", r"\}") for item in _split(inner))
    if len(items) < 2 and opened != "{":  # noqa: PLR2004 (one value)
        return None
    return Parts(opened, closed, items) if all(items) and len(items) <= MOST_PARTS else None


def _split(text: str) -> list[str]:
    """Cut at commas, semicolons, `and`, `or` that stand in no bracket; a thousands' comma is none."""
    items, depth, start, at = [], 0, 0, 0
    while at < len(text):
        char = text[at]
        if char in "([{\x01":
            depth += 1
        elif char in ")]}\x02":
            depth -= 1
        elif depth == 0 and (found := _CONNECTIVES.match(text, at)) and not _thousands(text, at):
            items.append(text[start:at])
            start = at = found.end()
            continue
        at += 1
    return [*items, text[start:]]


def _thousands(text: str, at: int) -> bool:
    lone = re.fullmatch(r"[^,]*?\d{1,3}(?:,\d{3})+(?!\d)[^,]*", text)
    return text[at] == "," and lone is not None


def _closes_last(text: str) -> bool:
    """Tell whether the first bracket is closed by the last character."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char in "([\x01") - (char in ")]\x02")
        if depth == 0:
            return at == len(text) - 1
    return False


def _choices(letter: str, given: str) -> Outcome:
    theirs = choice(given)
    if theirs is None:
        return Outcome(equal=None, how="no choice named")
    return Outcome(theirs == letter, "choice")


def _by_value(gold: str, given: str) -> Outcome | None:
    """Compare numbers, clock times and words; None where the two are something else."""
    a, b = read_number(gold), read_number(given)
    if a is not None and b is not None:
        same = same_number(a, b)
        return Outcome(same, "numeric" if same is not None else "units differ")
    same = same_time(gold, given)
    if same is not None:
        return Outcome(same, "clock or ratio")
    if is_words(plain(gold)) and is_words(plain(given)):
        return Outcome(equal=False, how="words")
    return None


def _all(found: Sequence[bool | None]) -> bool | None:
    if False in found:
        return False
    return None if None in found else True
