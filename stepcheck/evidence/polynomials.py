"""Expressions with letters, exactly: polynomials over the fractions, and quotients of them.

Refuses, with `UnreadError`, what is no such thing (roots of letters, powers with letters), what is too large, and a
slash whose reach is not told: `1/2x`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from stepcheck.evidence import amounts
from stepcheck.evidence.amounts import UnreadError
from stepcheck.evidence.expressions import (
    Letter,
    Measured,
    Mixed,
    Negative,
    Node,
    Number,
    Over,
    Power,
    Row,
    letters,
    walk,
)
from stepcheck.evidence.values import value

MOST_TERMS = 40
MOST_PRODUCTS = 400
MOST_DEGREE = 8
Monomial = tuple[tuple[str, int], ...]
Polynomial = Mapping[Monomial, Fraction]
ONE: Polynomial = MappingProxyType({(): Fraction(1)})


@dataclass(frozen=True, slots=True)
class Quotient:
    """One polynomial over another."""

    top: Polynomial
    bottom: Polynomial


def read(node: Node) -> Quotient:  # noqa: PLR0911 (a kind of expression each)
    """Read an expression; raises `UnreadError`."""
    if any(isinstance(part, Measured) and part.unit != "$" for part in walk(node)):
        raise UnreadError
    if not letters(node):
        return _constant(value(node))
    match node:
        case Letter(name):
            return Quotient({((name, 1),): Fraction(1)}, ONE)
        case Negative(inside):
            part = read(inside)
            return Quotient(scaled(part.top, Fraction(-1)), part.bottom)
        case Over(top, bottom):
            return _over(read(top), read(bottom))
        case Power(base, Number(exponent, _)) if exponent.denominator == 1 and 0 <= exponent <= MOST_DEGREE:
            part, result = read(base), Quotient(ONE, ONE)
            for _ in range(int(exponent)):
                result = Quotient(times(result.top, part.top), times(result.bottom, part.bottom))
            return result
        case Measured(inside, "$"):
            return read(inside)
        case Row():
            return _row(node)
    raise UnreadError


def _constant(amount: amounts.Amount) -> Quotient:
    if not amount.exact:
        raise UnreadError
    return Quotient({(): amount.low} if amount.low else {}, ONE)


def _row(row: Row) -> Quotient:
    for index, operator in enumerate(row.operators):
        if operator == "/" and row.operators[index + 1 : index + 2] in (("*",), ("/",)):
            raise UnreadError
    if any(isinstance(operand, Mixed) for operand in row.operands):
        raise UnreadError
    terms = [read(row.operands[0])]
    signs = [Fraction(1)]
    for operator, operand in zip(row.operators, row.operands[1:], strict=True):
        part = read(operand)
        if operator == "*":
            terms[-1] = Quotient(times(terms[-1].top, part.top), times(terms[-1].bottom, part.bottom))
        elif operator == "/":
            terms[-1] = _over(terms[-1], part)
        else:
            terms.append(part)
            signs.append(Fraction(1 if operator == "+" else -1))
    total = terms[0]
    for sign, term in zip(signs[1:], terms[1:], strict=True):
        total = _sum(total, Quotient(scaled(term.top, sign), term.bottom))
    return total


def _sum(a: Quotient, b: Quotient) -> Quotient:
    if dict(a.bottom) == dict(b.bottom):
        return Quotient(plus(a.top, b.top), a.bottom)
    return Quotient(plus(times(a.top, b.bottom), times(b.top, a.bottom)), times(a.bottom, b.bottom))


def _over(a: Quotient, b: Quotient) -> Quotient:
    if not b.top:
        raise UnreadError
    return Quotient(times(a.top, b.bottom), times(a.bottom, b.top))


def plus(a: Polynomial, b: Polynomial) -> Polynomial:
    """The sum of two polynomials."""
    found = dict(a)
    for monomial, factor in b.items():
        found[monomial] = found.get(monomial, Fraction(0)) + factor
    return _held(found)


def scaled(a: Polynomial, factor: Fraction) -> Polynomial:
    """Multiply by a number."""
    return {monomial: value * factor for monomial, value in a.items()}


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    if len(a) * len(b) > MOST_PRODUCTS:
        raise UnreadError
    found: dict[Monomial, Fraction] = {}
    for first, x in a.items():
        for second, y in b.items():
            powers = dict(first)
            for name, exponent in second:
                powers[name] = powers.get(name, 0) + exponent
            monomial = tuple(sorted(powers.items()))
            found[monomial] = found.get(monomial, Fraction(0)) + x * y
    return _held(found)


def _held(found: dict[Monomial, Fraction]) -> Polynomial:
    kept = {monomial: factor for monomial, factor in found.items() if factor}
    if len(kept) > MOST_TERMS or any(sum(e for _, e in monomial) > 2 * MOST_DEGREE for monomial in kept):
        raise UnreadError
    if any(max(f.numerator.bit_length(), f.denominator.bit_length()) > amounts.MOST_BITS for f in kept.values()):
        raise UnreadError
    return kept


def names(a: Polynomial) -> frozenset[str]:
    """The letters that are left in it."""
    return frozenset(name for monomial in a for name, _ in monomial)


def at(a: Polynomial, point: Mapping[str, Fraction]) -> Fraction:
    """Reckon it with numbers for its letters."""
    total = Fraction(0)
    for monomial, factor in a.items():
        term = factor
        for name, exponent in monomial:
            term *= point[name] ** exponent
        total += term
    return total


def coefficients(a: Polynomial) -> list[Fraction]:
    """List the coefficients of a polynomial in one letter, the constant first; raises `UnreadError`."""
    if len(names(a)) > 1:
        raise UnreadError
    degree = max((monomial[0][1] if monomial else 0 for monomial in a), default=0)
    found = [Fraction(0)] * (degree + 1)
    for monomial, factor in a.items():
        found[monomial[0][1] if monomial else 0] = factor
    return found


def common(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    """Find the greatest common divisor of two polynomials in one letter, up to a factor."""
    while b and any(b):
        a, b = b, _divided(a, b)[1]
    return a


def _divided(a: list[Fraction], b: list[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """Divide with a remainder, which has no leading zeros."""
    rest, found = list(a), [Fraction(0)] * (len(a) - len(b) + 1)
    for offset in range(len(a) - len(b), -1, -1):
        found[offset] = factor = rest[offset + len(b) - 1] / b[-1]
        for index, coefficient in enumerate(b):
            rest[offset + index] -= factor * coefficient
    while rest and not rest[-1]:
        rest.pop()
    return found, rest


def squarefree(a: list[Fraction]) -> list[Fraction]:
    """Count each root once."""
    slope = [factor * power for power, factor in enumerate(a)][1:]
    shared = common(a, slope)
    return a if len(shared) < 2 else _divided(a, shared)[0]  # noqa: PLR2004 (a constant divides nothing away)


def written(a: Polynomial) -> str:
    """Write it out, the highest powers first."""
    if not a:
        return "0"
    parts = []
    for monomial in sorted(a, key=lambda m: (-sum(e for _, e in m), m)):
        factor = a[monomial]
        body = "".join(name if exponent == 1 else f"{name}^{exponent}" for name, exponent in monomial)
        size = (
            ""
            if abs(factor) == 1 and body
            else str(abs(factor))
            if abs(factor).denominator == 1
            else f"({abs(factor)})"
        )
        parts.append(("- " if factor < 0 else "+ ") + size + body)
    text = " ".join(parts)
    return "-" + text[2:] if text.startswith("-") else text[2:]
