"""Wrong numbers as people and models write them: wrong results, misread and miscopied numbers. No solutions here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from models.nano.equations import (
    OPERATORS,
    Leaf,
    Node,
    UnreadableError,
    Valuation,
    is_short,
    leaves,
    nodes,
    replaced,
    value,
)

if TYPE_CHECKING:
    from random import Random


def wrong_result(true: Fraction, left: Leaf | Node, worth: Valuation, rng: Random) -> Fraction | None:
    """A wrong result as people and models write them: near, a digit off, another operation's, doubled, an operand."""
    for _ in range(8):
        wrong = _perturbed(true, left, worth, rng)
        if wrong is not None and wrong != true and wrong > 0 and is_short(wrong) and wrong < 10_000_000:
            return wrong
    return None


def _perturbed(true: Fraction, left: Leaf | Node, worth: Valuation, rng: Random) -> Fraction | None:
    way = rng.random()
    if way < 0.35:
        return true + rng.choice((-1, 1)) * (
            rng.randint(1, 3) if true.denominator == 1 else Fraction(rng.randint(1, 5), 10)
        )
    if way < 0.5:
        return true + rng.choice((-1, 1)) * rng.choice((10, 10, 20, 100, 5, 9))
    if way < 0.75:
        return misread(true, rng)
    if way < 0.87 and isinstance(left, Node):
        return _of_another_operation(left, worth, rng)
    if way < 0.94:
        return true * rng.choice((Fraction(2), Fraction(10), Fraction(1, 2), Fraction(1, 10)))
    return value(rng.choice(list(leaves(left))), worth)


def _of_another_operation(left: Node, worth: Valuation, rng: Random) -> Fraction | None:
    node = rng.choice(list(nodes(left)))
    try:
        return value(replaced(left, node, replace(node, op=rng.choice(OPERATORS))), worth)
    except UnreadableError:
        return None


def misread(number: Fraction, rng: Random) -> Fraction:
    """The number with one digit changed, two neighbours swapped, a digit lost or doubled."""
    places = 0 if number.denominator == 1 else 2
    digits = list(str(int(abs(number) * 10**places)))
    at = rng.randrange(len(digits))
    way = rng.random()
    if way < 0.3 and len(digits) > 1:
        at = min(at, len(digits) - 2)
        digits[at], digits[at + 1] = digits[at + 1], digits[at]
    elif way < 0.4 and len(digits) > 1:
        del digits[at]
    elif way < 0.5:
        digits.insert(at, digits[at] if rng.random() < 0.5 else "0")
    else:
        digits[at] = rng.choice("0123456789")
    return Fraction(int("".join(digits)), 10**places)


def miscopied(number: Fraction, known: list[Fraction], worth: Valuation, rng: Random) -> Fraction:
    """Another number in its place: misread, a little off, ten times as much, or a different one from the text."""
    way = rng.random()
    if way < 0.55:
        return misread(number, rng)
    if way < 0.8:
        return max(Fraction(1), number + rng.choice((-10, -2, -1, 1, 2, 10)))
    if way < 0.85:
        return number * 10
    other = rng.choice(known)
    return worth.get(other, other)
