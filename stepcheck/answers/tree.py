r"""Trees of mathematics: what an expression is once it has been read, and its exact value where it is rational.

A tree is a tuple: ("num", Fraction), ("var", name), ("const", "pi" | "e" | "i" | "inf" | "deg"), ("sign", number) for a
± that is still open, ("+", a, b), ("*", a, b), ("/", a, b), ("^", a, b), ("call", name, a, …).
Refuses to reckon with numbers so long that it would cost time, and with anything that is not exact.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

Tree = tuple[Any, ...]
MOST_BITS = 60_000
MOST_FACTORIAL = 2_000
MOST_SIGNS = 5
"""Open ± in one expression: 32 values."""
INFINITY: Tree = ("const", "inf")
_BRANCHES = frozenset({"+", "*", "/", "^", "call"})


def number(value: Fraction | int) -> Tree:
    """Make the leaf of a number."""
    return ("num", Fraction(value))


def negative(tree: Tree) -> Tree:
    """Make the tree of an expression with its sign turned."""
    return number(-tree[1]) if tree[0] == "num" else ("*", number(-1), tree)


def minus(left: Tree, right: Tree) -> Tree:
    """Make a - b."""
    return ("+", left, negative(right))


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees right below one."""
    if tree[0] == "call":
        return tree[2:]
    return tree[1:] if tree[0] in _BRANCHES else ()


def leaves(tree: Tree) -> Iterator[Tree]:
    """All leaves, left to right, without recursion."""
    todo = [tree]
    while todo:
        top = todo.pop()
        below = children(top)
        if below:
            todo.extend(reversed(below))
        else:
            yield top


def variables(tree: Tree) -> frozenset[str]:
    """The names in a tree."""
    return frozenset(leaf[1] for leaf in leaves(tree) if leaf[0] == "var")


def constants(tree: Tree) -> frozenset[str]:
    """The constants in a tree: pi, e, i, inf, deg."""
    return frozenset(leaf[1] for leaf in leaves(tree) if leaf[0] == "const")


def signs(tree: Tree) -> list[int]:
    """The numbers of the open ± in a tree."""
    return sorted({abs(leaf[1]) for leaf in leaves(tree) if leaf[0] == "sign"})


def expanded(tree: Tree) -> list[Tree] | None:
    """Return the trees that ± stands for, one for each choice of signs; None if they are too many."""
    open_signs = signs(tree)
    if len(open_signs) > MOST_SIGNS:
        return None
    choices = product((1, -1), repeat=len(open_signs))
    return [_with_signs(tree, dict(zip(open_signs, choice, strict=True))) for choice in choices]


def _with_signs(tree: Tree, chosen: dict[int, int]) -> Tree:
    if tree[0] == "sign":
        return number(chosen[abs(tree[1])] * (1 if tree[1] > 0 else -1))
    if tree[0] == "call":
        return (*tree[:2], *(_with_signs(child, chosen) for child in tree[2:]))
    if tree[0] in _BRANCHES:
        return (tree[0], *(_with_signs(child, chosen) for child in tree[1:]))
    return tree


def replaced(tree: Tree, name: str, instead: Tree) -> Tree:
    """Put a tree in place of a variable."""
    if tree == ("var", name):
        return instead
    if tree[0] == "call":
        return (*tree[:2], *(replaced(child, name, instead) for child in tree[2:]))
    if tree[0] in _BRANCHES:
        return (tree[0], *(replaced(child, name, instead) for child in tree[1:]))
    return tree


@lru_cache(4096)
def exact(tree: Tree) -> Fraction | None:
    """Return the value of a tree that is rational by sums, products, powers, factorials and exact roots; else None."""
    kind = tree[0]
    if kind == "num":
        value: Fraction = tree[1]
        return value
    if kind not in _BRANCHES:
        return None
    values = [exact(child) for child in children(tree)]
    if any(value is None for value in values):
        return None
    known = [value for value in values if value is not None]
    found = _called(tree[1], known) if kind == "call" else _combined(kind, known[0], known[1])
    return None if found is None or _bits(found) > MOST_BITS else found


def _combined(kind: str, a: Fraction, b: Fraction) -> Fraction | None:
    if kind == "+":
        return a + b
    if kind == "*":
        return a * b
    if kind == "/":
        return a / b if b else None
    return _power(a, b)


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator > 1:
        return _rooted(base, exponent)
    if (not base and exponent <= 0) or abs(exponent) * max(_bits(base), 1) > MOST_BITS:
        return None
    return base**exponent.numerator


def _rooted(base: Fraction, exponent: Fraction) -> Fraction | None:
    """Take an exact root; an odd one of a negative number is negative, as at school."""
    degree = exponent.denominator
    if (base < 0 and degree % 2 == 0) or degree > 64:  # noqa: PLR2004 (nobody writes such a root)
        return None
    top, bottom = _root(abs(base.numerator), degree), _root(base.denominator, degree)
    if top is None or bottom is None:
        return None
    return _power(Fraction(top if base > 0 else -top, bottom), Fraction(exponent.numerator))


def _root(value: int, degree: int) -> int | None:
    """Return the whole root of a whole number, if it has one."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low if low**degree == value else None


def _called(name: str, values: list[Fraction]) -> Fraction | None:
    first, whole = values[0], all(value.denominator == 1 for value in values)
    if name == "abs":
        return abs(first)
    if name in {"sqrt", "cbrt"}:
        degree = 2 if name == "sqrt" else 3
        negative_cube = name == "cbrt" and first < 0
        found = _rooted(abs(first) if negative_cube else first, Fraction(1, degree))
        return -found if found is not None and negative_cube else found
    if name == "root" and values[1].denominator == 1 and 0 < values[1] <= 64:  # noqa: PLR2004 (as in _rooted)
        odd = bool(values[1].numerator % 2)
        found = _rooted(abs(first) if odd else first, Fraction(1, values[1].numerator))
        return -found if found is not None and odd and first < 0 else found
    if name in {"floor", "ceil"}:
        return Fraction(math.floor(first) if name == "floor" else math.ceil(first))
    if name in {"max", "min"}:
        return max(values) if name == "max" else min(values)
    return _counted(name, [value.numerator for value in values]) if whole and min(values) >= 0 else None


def _counted(name: str, values: list[int]) -> Fraction | None:
    if max(values) > MOST_FACTORIAL:
        return None
    if name == "factorial":
        return Fraction(math.factorial(values[0]))
    if name == "binom":
        return Fraction(math.comb(values[0], values[1]))
    if name == "gcd":
        return Fraction(math.gcd(*values))
    if name == "lcm":
        return Fraction(math.lcm(*values))
    return None


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def linear(tree: Tree, name: str) -> tuple[Fraction, Fraction] | None:
    """Read a tree as a·name + b with rational a and b; None if it is not of this form."""
    if tree == ("var", name):
        return Fraction(1), Fraction(0)
    value = exact(tree)
    if value is not None:
        return Fraction(0), value
    if name not in variables(tree) or tree[0] not in {"+", "*", "/"}:
        return None
    left, right = linear(tree[1], name), linear(tree[2], name)
    if left is None or right is None:
        return None
    if tree[0] == "+":
        return left[0] + right[0], left[1] + right[1]
    return _multiplied(left, right) if tree[0] == "*" else _divided(left, right)


Line = tuple[Fraction, Fraction]


def _multiplied(left: Line, right: Line) -> Line | None:
    if left[0] and right[0]:
        return None
    scaled, factor = (left, right[1]) if left[0] else (right, left[1])
    return scaled[0] * factor, scaled[1] * factor


def _divided(left: Line, right: Line) -> Line | None:
    return None if right[0] or not right[1] else (left[0] / right[1], left[1] / right[1])


def approximate(tree: Tree) -> float | None:
    """Return a float near a constant, good enough to put endpoints in order; None where that is not easy."""
    try:
        return _approximate(tree)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        return None


_FLOATS: dict[str, Any] = {
    "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "tan": math.tan, "ln": math.log, "exp": math.exp, "abs": abs,
    "cbrt": lambda x: math.copysign(abs(x) ** (1 / 3), x), "root": lambda x, n: x ** (1 / n),
    "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "log": lambda x, base=10.0: math.log(x, base),
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "deg": math.pi / 180}


def _approximate(tree: Tree) -> float | None:
    kind = tree[0]
    if kind == "num":
        return float(tree[1])
    if kind == "const":
        return _CONSTANTS.get(tree[1])
    below = [_approximate(child) for child in children(tree)]
    if not below or any(value is None for value in below):
        return None
    values = [value for value in below if value is not None]
    if kind == "call":
        found = _FLOATS[tree[1]](*values) if tree[1] in _FLOATS else None
    elif kind == "^":
        found = values[0] ** values[1]
    else:
        found = {"+": float.__add__, "*": float.__mul__, "/": float.__truediv__}[kind](*values)
    return found if isinstance(found, float) and not math.isnan(found) else None
