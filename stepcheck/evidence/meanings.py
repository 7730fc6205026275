"""What a calculation that does not come out may have been meant to be.

With a number that stands before it in the sentence (`3 boxes with 5 apples each + 2`), with a unit that nobody changed
(`3 dozen eggs + 4`), by the clock (`from 9 - 5`), with dots between thousands (`1.200 + 300`). Whatever comes out in
one of these ways is left unread.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeGuard

from stepcheck.evidence import words
from stepcheck.evidence.expressions import Measured, Node, Number, Operator, Row, bare, changed, literal, walk
from stepcheck.evidence.sides import Side

MOST_UNITS = 4
_SIGNS: tuple[Operator, ...] = ("+", "-", "*", "/")
_HOURS = frozenset({"hour", "hours", "hr", "hrs", "h"})
_HALF_DAYS = (12, -12, 24, -24)
_THOUSANDS = 3
"""So many digits stand behind each dot or comma between thousands."""


def meanings(left: Side, right: Side) -> Iterator[tuple[Node, Node]]:
    """Every other pair of expressions that may be meant."""
    for node in _of(left, left.units | right.units):
        yield node, right.node
    for node in _of(right, left.units | right.units):
        yield left.node, node
    if any(_grouped(part) for side in (left, right) for part in walk(side.node)):
        yield _ungrouped(left.node), _ungrouped(right.node)


def _of(side: Side, units: frozenset[str]) -> Iterator[Node]:
    for number in side.before:
        yield from _joined(number, side.node)
    yield from _remeasured(side.node)
    if units & _HOURS:
        yield from _clocked(side.node)


def _joined(number: Fraction, node: Node) -> Iterator[Node]:
    """Take a number before a calculation as its first operand, or as something that the whole is taken from."""
    operands, operators, close = (
        (node.operands, node.operators, node.close) if isinstance(node, Row) else ((node,), (), ())
    )
    for sign in _SIGNS:
        yield Row((Number(number), *operands), (sign, *operators), (False, *close))
        yield Row((Number(number), node), (sign,), (False,))
    for sign in ("-", "/"):
        yield Row((node, Number(number)), (sign,), (False,))


def _remeasured(node: Node) -> Iterator[Node]:
    """Change the unit of all that is measured in it, where something else is added or taken away."""
    if not any(isinstance(part, Row) and set(part.operators) & {"+", "-"} for part in walk(node)):
        return
    units = sorted({part.unit for part in walk(node) if isinstance(part, Measured) and words.hidden(part.unit)})
    for unit in units[:MOST_UNITS]:
        for ratio in sorted(words.hidden(unit)):
            for factor in (Fraction(ratio), Fraction(1, ratio)):
                yield _scaled(node, unit, factor)


def _scaled(node: Node, unit: str, factor: Fraction) -> Node:
    """Multiply everything that has this unit."""

    def times(part: Node) -> Node:
        return (
            Row((part, Number(factor)), ("*",), (False,)) if isinstance(part, Measured) and part.unit == unit else part
        )

    return changed(node, times)


def _clocked(node: Node) -> Iterator[Node]:
    """Go on by half a day, where two whole numbers of hours are taken from one another."""
    row = bare(node)
    if not isinstance(row, Row) or row.operators not in (("+",), ("-",)):
        return
    hours = [literal(operand) for operand in row.operands]
    if all(hour is not None and not hour.places and hour.value <= max(_HALF_DAYS) for hour in hours):
        for half in _HALF_DAYS:
            for operands in (row.operands, row.operands[::-1]):
                yield Row((*operands, Number(Fraction(half))), (*row.operators, "+"), (False, False))


def _ungrouped(node: Node) -> Node:
    return changed(node, lambda part: Number(part.value * 1000) if _grouped(part) else part)


def _grouped(node: Node) -> TypeGuard[Number]:
    """Whether a number may have its dot between thousands."""
    return isinstance(node, Number) and node.places == _THOUSANDS and 1 <= node.value < 1000  # noqa: PLR2004 (one group)
