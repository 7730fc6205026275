"""Arithmetic as values: expressions over keyed numbers, their exact results, and invented equations. No styles here.

An operand is a *key*: the number's value in the text it was read from. A valuation says what each key is worth now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

OPERATORS = "+-*/"
Valuation = Mapping[Fraction, Fraction]
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+|[-+*/()])")


class UnreadableError(ValueError):
    """The text is no plain arithmetic, or what it says is not exact."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An operand. `key` is what is right here; `slip` is what is written instead, if anything."""

    key: Fraction
    slip: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """Two expressions and the operator between them; `meant` is the right operator where `op` is a slip."""

    op: str
    left: Leaf | Node
    right: Leaf | Node
    meant: str | None = None


Expression = Leaf | Node


def read(text: str) -> Expression:
    """Parse `48/2`, `(3+4)*.5`. Raises UnreadableError."""
    tokens, at = [], 0
    text = text.strip().replace(",", "").replace("$", "")
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise UnreadableError(text)
        tokens.append(found[1])
        at = found.end()
    expression, rest = _sum(tokens)
    if rest:
        raise UnreadableError(text)
    return expression


def _sum(tokens: list[str]) -> tuple[Expression, list[str]]:
    left, tokens = _product(tokens)
    while tokens and tokens[0] in "+-":
        right, rest = _product(tokens[1:])
        left, tokens = Node(tokens[0], left, right), rest
    return left, tokens


def _product(tokens: list[str]) -> tuple[Expression, list[str]]:
    left, tokens = _atom(tokens)
    while tokens and tokens[0] in "*/":
        right, rest = _atom(tokens[1:])
        left, tokens = Node(tokens[0], left, right), rest
    return left, tokens


def _atom(tokens: list[str]) -> tuple[Expression, list[str]]:
    if not tokens:
        raise UnreadableError("an operand is missing")
    if tokens[0] == "(":
        inner, rest = _sum(tokens[1:])
        if not rest or rest[0] != ")":
            raise UnreadableError("a parenthesis is open")
        return inner, rest[1:]
    if tokens[0] in "+-*/)":
        raise UnreadableError(tokens[0])
    return Leaf(Fraction(tokens[0])), tokens[1:]


def value(expression: Expression, worth: Valuation, *, meant: bool = False) -> Fraction:
    """The exact result of what is written, or, with `meant`, of what should be. Raises UnreadableError on x/0."""
    if isinstance(expression, Leaf):
        if expression.slip is not None and not meant:
            return expression.slip
        return worth.get(expression.key, expression.key)
    left = value(expression.left, worth, meant=meant)
    right = value(expression.right, worth, meant=meant)
    op = expression.meant if meant and expression.meant else expression.op
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if right == 0:
        raise UnreadableError("division by zero")
    return left / right


def leaves(expression: Expression) -> Iterator[Leaf]:
    """The operands from left to right."""
    if isinstance(expression, Leaf):
        yield expression
    else:
        yield from leaves(expression.left)
        yield from leaves(expression.right)


def nodes(expression: Expression) -> Iterator[Node]:
    """The operations, outermost first."""
    if isinstance(expression, Node):
        yield expression
        yield from nodes(expression.left)
        yield from nodes(expression.right)


def replaced(expression: Expression, old: Expression, new: Expression) -> Expression:
    """The expression with the one part that is `old` (by identity) put as `new`."""
    if expression is old:
        return new
    if isinstance(expression, Leaf):
        return expression
    return Node(
        expression.op, replaced(expression.left, old, new), replaced(expression.right, old, new), expression.meant
    )


def is_short(number: Fraction, places: int = 2) -> bool:
    """Whether the number is written out in `places` decimals or fewer."""
    return bool((number * 10**places).denominator == 1)


def invent(rng: Random) -> Expression:
    """An equation's left side with operands drawn at random and a result that is short and not negative."""
    while True:
        expression = _draw(rng)
        try:
            result = value(expression, {})
        except UnreadableError:
            continue
        if 0 <= result < 1_000_000 and is_short(result):
            return expression


def _draw(rng: Random) -> Expression:
    op = rng.choice("++--***///")
    left = draw_number(rng)
    right = draw_number(rng)
    if op == "-" and left < right:
        left, right = right, left
    if op == "*" and left * right > 9999 and rng.random() < 0.9:
        right = Fraction(rng.randint(2, 12))
    if op == "/":
        right = Fraction(rng.choice((rng.randint(2, 12), rng.randint(2, 60), 100)))
        left = draw_number(rng) if rng.random() < 0.1 else right * draw_number(rng, 9999 // int(right))
    first = Node(op, Leaf(left), Leaf(right))
    more = rng.random()
    if more < 0.55:
        return first
    if more < 0.75 and op in "+-":
        return _lengthened(first, rng)
    again = rng.choice("++-*/")
    third = Leaf(draw_number(rng, 99))
    return Node(again, third, first) if again in "+*" and rng.random() < 0.3 else Node(again, first, third)


def _lengthened(total: Expression, rng: Random) -> Expression:
    """The sum or difference with one to three more terms, as small ones as it has."""
    most = max(20, int(min(leaf.key for leaf in leaves(total))))
    for _ in range(rng.choice((1, 1, 2, 3))):
        total = Node(rng.choice("+++-"), total, Leaf(draw_number(rng, most)))
    return total


def draw_number(rng: Random, most: int = 9999) -> Fraction:
    """A number as word problems have them: mostly small, often round, sometimes with decimals."""
    if most > 999 and rng.random() < 0.04:
        return Fraction(rng.randint(2, 99) * rng.choice((100, 1000)))
    size = min(most, rng.choice((10, 20, 50, 100, 100, 500, 1000, 1000, 5000, 10000)) - 1)
    number = rng.randint(1, max(1, size))
    if number > 20 and rng.random() < 0.3:
        number -= number % rng.choice((5, 10, 10, 50)) or 0
    if rng.random() < 0.08:
        return Fraction(number) + Fraction(rng.choice((25, 50, 50, 75, rng.randint(1, 99))), 100)
    return Fraction(max(1, number))
