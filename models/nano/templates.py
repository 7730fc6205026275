"""Word problems of our own, composed from events: each says in words what happens to the running number.

They teach what *each*, *twice*, *left* or *per cent* ask for. The wording is in `phrases`; slips and styles come later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from models.nano.equations import Leaf, Node, UnreadableError, is_short, read, value
from models.nano.phrases import EVENTS, NAMES, STARTS, THINGS
from models.nano.problems import Equation, Number, Problem

if TYPE_CHECKING:
    from random import Random

    from models.nano.equations import Expression
    from models.nano.problems import Piece, Text


@dataclass(frozen=True, slots=True)
class Event:
    """What happens: sentences that tell it, the calculation over `n` (so far) and `k` (new), sentences for its step."""

    told: tuple[str, ...]
    sum: str
    done: tuple[str, ...]
    asked: str
    low: int
    high: int
    last: bool


def events() -> tuple[Event, ...]:
    """The events of `phrases`, read from their lines."""
    found = []
    for told, calculation, done, asked, low, high, last in EVENTS:
        found.append(Event(tuple(told.split("|")), calculation, tuple(done.split("|")), asked, low, high, last))
    return tuple(found)


_EVENTS = events()


def compose(rng: Random) -> Problem:
    """A problem of one to four events whose every number is positive and short."""
    while True:
        problem = _try(rng)
        if problem is not None:
            return problem


def _try(rng: Random) -> Problem | None:
    names = rng.sample(NAMES, 3)
    words = {"A": names[0], "B": names[1], "C": names[2], "T": rng.choice(THINGS)}
    now = Fraction(
        rng.choice((rng.randint(3, 30), rng.randint(10, 200), 10 * rng.randint(2, 60), 12 * rng.randint(2, 20)))
    )
    question: list[Piece] = [*_fill(rng.choice(STARTS), words, {"n": now})]
    steps: list[Text] = []
    seen = {now}
    count = rng.choice((1, 2, 2, 3, 3, 4))
    asked = ""
    for index in range(count):
        event = rng.choice([e for e in _EVENTS if not e.last or index == count - 1])
        new = Fraction(rng.randint(event.low, event.high))
        if event.high > 200 and rng.random() < 0.6:
            new -= new % 5
        if "*" in event.sum and "k" in event.sum and now > 300:
            new = Fraction(rng.randint(2, 9))
        worth = {"n": now, "k": new}
        left = _substituted(read_event(event.sum), worth)
        try:
            result = value(left, {})
        except UnreadableError:
            return None
        if result <= 0 or result in seen or new in seen or not is_short(result) or result > 99999:
            return None
        if result.denominator != 1 and not event.last:
            return None
        seen |= {result, new} if "k" in event.sum else {result}
        question += [" ", *_fill(rng.choice(event.told), words, worth)]
        money = "$#" in event.done[0]
        steps.append(_fill(rng.choice(event.done), words, worth, Equation(left, result, money)))
        now, asked = result, event.asked
    question.append(" " + _named(asked, words))
    return Problem(tuple(question), tuple(steps), now)


def read_event(calculation: str) -> Expression:
    """Read `n*k/100`, its letters as numbers that no event uses: n is 1000001, k 1000002."""
    return read(calculation.replace("n", "1000001").replace("k", "1000002"))


def _substituted(left: Expression, worth: dict[str, Fraction]) -> Expression:
    if isinstance(left, Leaf):
        return Leaf({Fraction(1000001): worth["n"], Fraction(1000002): worth["k"]}.get(left.key, left.key))
    return Node(left.op, _substituted(left.left, worth), _substituted(left.right, worth))


def _named(text: str, words: dict[str, str]) -> str:
    return re.sub(r"\{(\w)\}", lambda found: words[found[1]], text)


def _fill(text: str, words: dict[str, str], worth: dict[str, Fraction], equation: Equation | None = None) -> Text:
    """Put names for {A}, numbers for {n} and {k}, the equation for #."""
    pieces: list[Piece] = []
    for part in re.split(r"(\{[nk]\}|\$?#)", text):
        if part in ("{n}", "{k}"):
            pieces.append(Number(worth[part[1]]))
        elif part in ("#", "$#") and equation is not None:
            pieces.append(equation)
        elif part:
            pieces.append(_named(part, words))
    return tuple(pieces)
