"""An expression of numbers → every amount that it may mean.

The usual precedence is one reading; others are those that people have in mind when they leave brackets out or forget a
per cent sign's hundredth. Written decimals that may have been rounded stand for all that they may have been.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Literal

from stepcheck.evidence import amounts
from stepcheck.evidence.amounts import Amount, UnreadError
from stepcheck.evidence.expressions import (
    Choose,
    Factorial,
    Measured,
    Mixed,
    Negative,
    Node,
    Number,
    Operator,
    Over,
    Percent,
    Pi,
    Power,
    Root,
    Row,
    walk,
)

Order = Literal["usual", "left", "right"]
_APPLY: dict[Operator, Callable[[Amount, Amount], Amount]] = {
    "+": amounts.add,
    "-": lambda a, b: amounts.add(a, amounts.negative(b)),
    "*": amounts.multiply,
    "/": amounts.divide,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to take what can be taken in several."""

    order: Order = "usual"
    hundredths: bool = True
    """A per cent sign divides by 100."""
    mixed: bool = True
    """A whole number before a fraction is added to it, not multiplied."""
    exclaimed: bool = False
    """An exclamation mark is none of mathematics."""


USUAL = Reading()


def readings(node: Node) -> Iterator[Reading]:
    """Every reading that matters here, the usual one first."""
    kinds = list(walk(node))
    rows = [part for part in kinds if isinstance(part, Row)]
    mixed = any(len(row.operators) > 1 and set(row.operators) & {"*", "/"} for row in rows)
    orders: tuple[Order, ...] = ("usual", "left", "right") if mixed else ("usual",)
    percents = (True, False) if any(isinstance(part, Percent) for part in kinds) else (True,)
    mixes = (True, False) if any(isinstance(part, Mixed) and not part.surely for part in kinds) else (True,)
    shouts = (False, True) if any(isinstance(part, Factorial) for part in kinds) else (False,)
    for order, percent, mix, shout in product(orders, percents, mixes, shouts):
        yield Reading(order, percent, mix, shout)


Slack = Callable[[Number], Fraction]
"""How far a written number may be from what is meant."""


def value(node: Node, reading: Reading = USUAL, slack: Slack | None = None) -> Amount:
    """Reckon one reading; raises `UnreadError`, and `ZeroDivisionError` where something is divided by nothing."""

    def of(part: Node) -> Amount:
        return value(part, reading, slack)

    match node:
        case Number(number, _):
            around = slack(node) if slack is not None else Fraction(0)
            return Amount(number - around, number + around)
        case Pi():
            return amounts.PI
        case Measured(inside, _):
            return of(inside)
        case Negative(inside):
            return amounts.negative(of(inside))
        case Row():
            return _row(node, [of(operand) for operand in node.operands], reading.order)
    return _applied(node, of, reading)


def _applied(  # noqa: PLR0911 (a kind of expression each)
    node: Node, of: Callable[[Node], Amount], reading: Reading
) -> Amount:
    match node:
        case Percent(inside):
            return amounts.multiply(of(inside), amounts.of(Fraction(1, 100))) if reading.hundredths else of(inside)
        case Over(top, bottom):
            return amounts.divide(of(top), of(bottom))
        case Mixed(whole, fraction, surely):
            return (amounts.add if surely or reading.mixed else amounts.multiply)(of(whole), of(fraction))
        case Power(base, exponent):
            return amounts.power(of(base), of(exponent))
        case Root(inside, degree):
            return amounts.root(of(inside), degree)
        case Factorial(inside):
            return of(inside) if reading.exclaimed else amounts.permutations(of(inside))
        case Choose(top, bottom):
            return amounts.choose(of(top), of(bottom))
    raise UnreadError


def _row(row: Row, values: list[Amount], order: Order) -> Amount:
    if order == "left":
        total = values[0]
        for operator, operand in zip(row.operators, values[1:], strict=True):
            total = _APPLY[operator](total, operand)
        return total
    if order == "right":
        total = values[-1]
        for operator, operand in zip(reversed(row.operators), reversed(values[:-1]), strict=True):
            total = _APPLY[operator](operand, total)
        return total
    terms, signs = [values[0]], list[Operator]()
    for operator, operand in zip(row.operators, values[1:], strict=True):
        if operator in "*/":
            terms[-1] = _APPLY[operator](terms[-1], operand)
        else:
            terms.append(operand)
            signs.append(operator)
    total = terms[0]
    for sign, term in zip(signs, terms[1:], strict=True):
        total = _APPLY[sign](total, term)
    return total
