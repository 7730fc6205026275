"""What a formula is, after reading: numbers, letters, and rows of operands with the operators between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

Operator = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written: with so many decimal places."""

    value: Fraction
    places: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """A variable, with its index: `x`, `x_1`."""

    name: str


@dataclass(frozen=True, slots=True)
class Pi:
    """The number π, which has no exact decimal."""


@dataclass(frozen=True, slots=True)
class Row:
    """Operands of one bracket level as they stand: `first op second op third`, no precedence applied.

    `close` tells of each operator whether it is not written (`2x`), which binds more tightly than a slash for many.
    """

    operands: tuple["Node", ...]
    operators: tuple[Operator, ...]
    close: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Negative:
    """A sign before an operand."""

    inside: "Node"


@dataclass(frozen=True, slots=True)
class Over:
    """One expression over another, with a bar."""

    top: "Node"
    bottom: "Node"


@dataclass(frozen=True, slots=True)
class Mixed:
    """A whole number directly before a fraction: two and a half, or two times a half."""

    whole: "Node"
    part: "Node"
    surely: bool
    """It cannot be a product: `2 1/2` in plain text."""


@dataclass(frozen=True, slots=True)
class Power:
    """A base and its exponent."""

    base: "Node"
    exponent: "Node"


@dataclass(frozen=True, slots=True)
class Root:
    """A root of a small whole degree."""

    inside: "Node"
    degree: int


@dataclass(frozen=True, slots=True)
class Factorial:
    """A factorial, or an exclamation."""

    inside: "Node"


@dataclass(frozen=True, slots=True)
class Choose:
    """How many ways there are to choose k of n."""

    top: "Node"
    bottom: "Node"


@dataclass(frozen=True, slots=True)
class Percent:
    """A number of hundredths."""

    inside: "Node"


@dataclass(frozen=True, slots=True)
class Measured:
    """An expression with its unit, or with any words that follow it."""

    inside: "Node"
    unit: str


Node = Number | Letter | Pi | Row | Negative | Over | Mixed | Power | Root | Factorial | Choose | Percent | Measured


def parts(node: Node) -> tuple[Node, ...]:
    """Return what a node is made of."""
    match node:
        case Row(operands=operands):
            return operands
        case Negative(inside) | Root(inside, _) | Factorial(inside) | Percent(inside) | Measured(inside, _):
            return (inside,)
        case Over(a, b) | Power(a, b) | Choose(a, b) | Mixed(a, b, _):
            return (a, b)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """Every node of an expression, the outer ones first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(parts(current)))


def changed(node: Node, change: Callable[[Node], Node]) -> Node:
    """Change every part of an expression, the inner ones first."""

    def inner(part: Node) -> Node:
        return changed(part, change)

    match node:
        case Row(operands=operands):
            node = replace(node, operands=tuple(map(inner, operands)))
        case Negative() | Root() | Factorial() | Percent() | Measured():
            node = replace(node, inside=inner(node.inside))
        case Over() | Choose():
            node = replace(node, top=inner(node.top), bottom=inner(node.bottom))
        case Power():
            node = replace(node, base=inner(node.base), exponent=inner(node.exponent))
        case Mixed():
            node = replace(node, whole=inner(node.whole), part=inner(node.part))
    return change(node)


def letters(node: Node) -> frozenset[str]:
    """The variables in it."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Letter))


def bare(node: Node) -> Node:
    """The same expression without its unit."""
    while isinstance(node, Measured):
        node = node.inside
    return node


def literal(node: Node) -> Number | None:
    """The number, if the expression is nothing but one, with or without a sign, a per cent sign or a unit."""
    node = bare(node)
    if isinstance(node, Negative | Percent):
        return literal(node.inside)
    return node if isinstance(node, Number) else None


def calculated(node: Node) -> bool:
    """Whether there is something to reckon: an operation, not a number or a plain fraction."""
    node = bare(node)
    if isinstance(node, Negative | Percent):
        return calculated(node.inside)
    return isinstance(node, Row | Over | Power | Root | Factorial | Choose)
