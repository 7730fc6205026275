"""Whether two trees have one value: reckoned with many digits, in the process that can be killed.

Constants are compared relatively to a hundred digits, so tiny and huge numbers are as different as others; what is
equal is told from what is near by reckoning twice: a difference that shrinks with the digits is none. Expressions in
variables are compared at points drawn from a fixed seed. Refuses to decide where too few points can be reckoned.
"""

import operator
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import mpmath

Tree = list[Any]
Real = Any
"""A number of mpmath, which publishes no types: real, or complex."""
FEW_DIGITS, MANY_DIGITS = 60, 160
SHRUNK = 40
"""Digits by which a difference must shrink from few to many digits to be one of rounding."""
EQUAL_DIGITS = 110
MOST_DIGITS = 100_000
POINTS = 7
TRIES = 40
SEED = 20_240_917

_SIMPLE: dict[str, Callable[..., Any]] = {
    "sqrt": mpmath.sqrt, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "cot": mpmath.cot, "sec": mpmath.sec,
    "csc": mpmath.csc, "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan, "arccot": mpmath.acot,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "coth": mpmath.coth, "ln": mpmath.ln,
    "log10": mpmath.log10, "exp": mpmath.exp, "abs": mpmath.fabs, "floor": mpmath.floor, "ceil": mpmath.ceil,
    "factorial": mpmath.factorial, "binom": mpmath.binomial, "max": max, "min": min, "sgn": mpmath.sign,
}  # fmt: skip


class Unreckonable(Exception):  # noqa: N818 (no error: there is simply no value)
    """This tree has no finite value here."""


def same(a: Tree, b: Tree) -> bool | None:
    """Tell whether two trees are equal wherever both are defined; None if that cannot be told."""
    found = _same(a, b, natural=False)
    if found is False and ("log" in str(a) or "log" in str(b)):
        return _same(a, b, natural=True)
    return found


def _same(a: Tree, b: Tree, *, natural: bool) -> bool | None:
    names = sorted(_names(a) | _names(b))
    if not names:
        return _equal_at(a, b, {}, natural=natural)
    outcomes = []
    for point in _points(names):
        found = _equal_at(a, b, point, natural=natural, real=True)
        if found is False:
            return False
        outcomes += [found] if found else []
        if len(outcomes) >= POINTS:
            return True
    if outcomes:
        return None
    return _all_equal([_equal_at(a, b, point, natural=natural) for point in islice(_points(names), POINTS)])


def proportional(a: Tree, b: Tree, *, positive: bool) -> bool | None:
    """Tell whether a = c·b with one number c other than 0 (over 0 if `positive`); None if that cannot be told."""
    names = sorted(_names(a) | _names(b))
    quotients = []
    for point in _points(names):
        pair = _pair(a, b, point, MANY_DIGITS)
        if pair is None or not pair[0] or not pair[1]:
            continue
        with mpmath.workdps(MANY_DIGITS):
            quotients.append(pair[0] / pair[1])
        if len(quotients) >= POINTS:
            break
    if len(quotients) < POINTS:
        return None
    with mpmath.workdps(MANY_DIGITS):
        first = quotients[0]
        constant = all(mpmath.fabs(one - first) <= mpmath.fabs(first) * mpmath.mpf(10) ** -SHRUNK for one in quotients)
        if not constant:
            return _solved_alike(a, b, names, positive=positive)
        return bool(not positive or (mpmath.im(first) == 0 and mpmath.re(first) > 0))


def _solved_alike(a: Tree, b: Tree, names: list[str], *, positive: bool) -> bool:
    """Compare two equations solved for a variable of which both are linear: xy = 1 and y = 1/x are one curve."""
    if positive:
        return False
    for name in names:
        others = [other for other in names if other != name]
        outcomes = []
        for point in _points(others):
            solved = [_root(tree, name, point) for tree in (a, b)]
            if solved[0] is None or solved[1] is None:
                continue
            with mpmath.workdps(FEW_DIGITS):
                far = mpmath.fabs(solved[0] - solved[1]) > mpmath.mpf(10) ** -SHRUNK * (1 + mpmath.fabs(solved[0]))
            outcomes.append(not far)
            if far or len(outcomes) >= POINTS:
                break
        if len(outcomes) >= POINTS and all(outcomes):
            return True
    return False


def _root(tree: Tree, name: str, point: dict[str, Fraction]) -> Real:
    """Return where a tree that is linear in a name is 0; None if it is not linear there."""
    values = []
    for x in (0, 1, 2):
        try:
            values.append(_value(tree, {**point, name: Fraction(x)}, FEW_DIGITS * 2, natural=False))
        except Unreckonable:
            return None
    with mpmath.workdps(FEW_DIGITS * 2):
        slope = values[1] - values[0]
        bent = mpmath.fabs(values[2] - values[1] - slope)
        if not slope or bent > mpmath.mpf(10) ** -FEW_DIGITS * (1 + mpmath.fabs(slope)):
            return None
        return -values[0] / slope


def _points(names: list[str]) -> Iterator[dict[str, Fraction]]:
    """Draw points, the first of them positive and small, later ones of both signs."""
    draw = random.Random(SEED)  # noqa: S311 (the same points every time: no secret)
    for count in range(TRIES):
        low = -4_000 if count % 2 else 100
        yield {name: Fraction(draw.randint(low, 4_000) * 2 + 1, 2_003) for name in names}


def _all_equal(found: list[bool | None]) -> bool | None:
    if False in found:
        return False
    return True if found.count(True) >= POINTS - 2 else None


def _equal_at(a: Tree, b: Tree, point: dict[str, Fraction], *, natural: bool, real: bool = False) -> bool | None:
    """Compare at a point; None if one has no value there, or, if `real`, none that is real."""
    few, many = (_pair(a, b, point, digits, natural=natural, real=real) for digits in (FEW_DIGITS, MANY_DIGITS))
    if few is None or many is None:
        return None
    with mpmath.workdps(MANY_DIGITS):
        near, difference = mpmath.fabs(few[0] - few[1]), mpmath.fabs(many[0] - many[1])
        size = max(mpmath.fabs(many[0]), mpmath.fabs(many[1]))
        if difference and difference > size * mpmath.mpf(10) ** -EQUAL_DIGITS:
            return bool(difference <= near * mpmath.mpf(10) ** -SHRUNK)
        length = int(mpmath.log10(size)) if size > 1 else 0
    if length <= EQUAL_DIGITS or point:
        return True
    return _equal_to_the_last_digit(a, b, length, natural=natural)


def _equal_to_the_last_digit(a: Tree, b: Tree, length: int, *, natural: bool) -> bool | None:
    """Compare numbers with more digits before the point than are reckoned at first."""
    if length > MOST_DIGITS:
        return None
    pair = _pair(a, b, {}, length + FEW_DIGITS, natural=natural)
    return None if pair is None else bool(mpmath.fabs(pair[0] - pair[1]) < mpmath.mpf(10) ** -SHRUNK)


def _pair(
    a: Tree, b: Tree, point: dict[str, Fraction], digits: int, *, natural: bool = False, real: bool = False
) -> tuple[Any, Any] | None:
    try:
        left = _value(a, point, digits, natural=natural, real=real)
        return left, _value(b, point, digits, natural=natural, real=real)
    except Unreckonable:
        return None


def _value(tree: Tree, point: dict[str, Fraction], digits: int, *, natural: bool, real: bool = False) -> Real:
    """Reckon a tree at a point; raise Unreckonable where it has no finite value."""
    try:
        with mpmath.workdps(digits):
            value = +_reckoned(tree, point, natural=natural, real=real)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError, KeyError, mpmath.libmp.NoConvergence) as error:
        raise Unreckonable from error
    if not mpmath.isfinite(value):
        raise Unreckonable
    with mpmath.workdps(digits):
        if mpmath.im(value) and mpmath.fabs(mpmath.im(value)) < mpmath.fabs(value) * mpmath.mpf(10) ** (10 - digits):
            value = mpmath.re(value)
    return value


def _reckoned(tree: Tree, point: dict[str, Fraction], *, natural: bool, real: bool) -> Real:
    """Reckon a tree; if `real`, refuse roots and logarithms on the way that are not real, too."""
    value = _composed(tree, point, natural=natural, real=real)
    if real and mpmath.im(value):
        raise Unreckonable
    return value


def _composed(tree: Tree, point: dict[str, Fraction], *, natural: bool, real: bool) -> Real:
    kind = tree[0]
    if kind == "num":
        return _ratio(Fraction(tree[1]))
    if kind == "var":
        return _ratio(point[tree[1]])
    if kind == "const":
        return {"pi": +mpmath.pi, "e": +mpmath.e, "i": mpmath.j, "deg": mpmath.pi / 180}[tree[1]]
    if kind == "call":
        values = [_reckoned(child, point, natural=natural, real=real) for child in tree[2:]]
        return _call(tree[1], values, natural=natural)
    left, right = (_reckoned(child, point, natural=natural, real=real) for child in tree[1:])
    return {"+": operator.add, "*": operator.mul, "/": operator.truediv, "^": _power}[kind](left, right)


def _power(base: Real, exponent: Real) -> Real:
    """Raise to a power, but for 0 to the 0."""
    if not base and exponent == 0:
        raise Unreckonable
    return mpmath.power(base, exponent)


def _call(name: str, values: list[Any], *, natural: bool) -> Real:
    if name.startswith("?"):
        return _unknown(name, values)
    if name == "log":
        if len(values) > 1:
            return mpmath.ln(values[0]) / mpmath.ln(values[1])
        return mpmath.ln(values[0]) if natural else mpmath.log10(values[0])
    if name in {"cbrt", "root"}:
        degree = 3 if name == "cbrt" else values[1]
        odd = degree == int(degree) and int(degree) % 2
        if odd and not mpmath.im(values[0]) and values[0] < 0:
            return -mpmath.root(-values[0], int(degree))
        return mpmath.power(values[0], mpmath.mpf(1) / degree)
    if name in {"gcd", "lcm"}:
        raise Unreckonable
    return _SIMPLE[name](*values)


def _unknown(name: str, values: list[Any]) -> Real:
    """Stand in for a function that nobody knows: some smooth one, another for each name."""
    draw = random.Random(name)  # noqa: S311 (as in _points)
    total = _ratio(Fraction(draw.randint(1, 1_000), 997))
    for value in values:
        total += mpmath.sin(_ratio(Fraction(draw.randint(300, 2_000), 991)) * value) * draw.randint(2, 9)
    return total


def _ratio(value: Fraction) -> Real:
    return mpmath.mpf(value.numerator) / value.denominator


def _names(tree: Tree) -> set[str]:
    if tree[0] == "var":
        return {str(tree[1])}
    return set().union(*(_names(child) for child in tree[1:] if isinstance(child, list)))
