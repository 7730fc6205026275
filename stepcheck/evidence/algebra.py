"""Equations with letters: identities that are none, and equations turned into ones with other solutions.

An equation that is to be solved is not false; only what is said to be another way of writing the same is an identity,
and only what is said to follow from the equation before it is a transformation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import isqrt

from stepcheck.evidence import polynomials
from stepcheck.evidence.amounts import UnreadError
from stepcheck.evidence.arithmetic import shown
from stepcheck.evidence.expressions import Letter, Negative, Node, Number, Row, bare, calculated, letters, parts, walk
from stepcheck.evidence.links import Link
from stepcheck.evidence.polynomials import Polynomial, Quotient
from stepcheck.patterns import regex

MOST_LETTERS = 3
MOST_DEGREE = 2
"""Of an equation whose solutions are compared."""
CLOSE = Fraction(2, 100)
_BRACKET = 100
"""Counts for so many terms."""
_NOT_VARIABLES = frozenset({"i", "e", "\\omega", "ω", "\\pi", "d", "j"})
_REWRITES = regex(
    r"\b(?:expand\w*|simplif\w*|factor(?:s|ed|ing|ize|izing|ise)?|distribut\w*|multiply(?:ing)? out|combin\w* like|foil"
    r"|complet\w* the square|difference of (?:two )?squares|rewrit\w*|cancel\w*|reduc\w*)\b",
    re.IGNORECASE,
)
_USES = regex(
    r"\b(?:since|substitut\w*|using|given|because|plug\w*|where|recall|know|equation\w*|sides?|solve|set|equal|equate"
    r"|mod\w*|intersect\w*|vieta\w*|roots?|satisf\w*|condition|log\w*|sin\w*|cos\w*|let)\b",
    re.IGNORECASE,
)
_ONLY_MARKS = regex(
    r"(?:\s|\\[\[\]()]|\$|&|\\\\|\.|\\(?:implies|Rightarrow|Longrightarrow|iff|Leftrightarrow|Longleftrightarrow|to"
    r"|rightarrow|longrightarrow|quad|qquad)(?![A-Za-z])|[⇒⟹→⇔]|\\begin\{(?:align|aligned)\*?\}|\\end\{(?:align|aligned)\*?\})*"
)
_FOLLOWS = regex(
    r"\b(?:both sides|simplif\w*|gives?|giving|yields?|becomes?|so|we (?:get|have|obtain|find)|thus|therefore|hence"
    r"|solv\w*|divid\w*|subtract\w*|add(?:ing)?|multipl\w*|isolat\w*|combin\w*|rearrang\w*|expand\w*|distribut\w*|mov(?:e|ing)|means"
    r"|leads? to|implies|then)\b",
    re.IGNORECASE,
)
_BREAKS = regex(
    r"\b(?:or|if|when|cases?|substitut\w*|plug\w*|other|another|equations?|similarly|also|let|suppose|assum\w*|try"
    r"|test\w*|check\w*|next|first|second|third|instead|except|where|given|know|since|because|for(?! [a-z]\b)|total"
    r"|from(?! both| each)|remaining|both(?! sides)|each(?! side)|twice|times|final\w*|answer|but|not|options?|choice"
    r"|now(?!,? (?:we )?(?:divid|subtract|add|multipl|simplif|solv|isolat|combin)))\b"
    r"|\band\b(?! (?:so|thus|therefore|hence|simplif|solv|divid|subtract|add|multipl|combin|we get|then))"
    r"|\\text|=|[<>≤≥≠]|\\[lg]eq?|\\neq?|\\pm|±|\\begin\{cases\}|,\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation in one letter: the coefficients of left minus right, and where it stands."""

    letter: str
    coefficients: tuple[Fraction, ...]
    start: int
    end: int
    solved: bool
    """It is already `x = 5`."""
    decimals: bool

    def solution(self) -> Fraction | None:
        """The solution of a linear one."""
        if len(self.coefficients) != 2:  # noqa: PLR2004 (a constant and a factor)
            return None
        return -self.coefficients[0] / self.coefficients[1]


@dataclass(frozen=True, slots=True)
class Unequal:
    """What shows that an identity is none."""

    truth: str
    point: str
    left: str
    right: str


def equation(link: Link) -> Equation:
    """Read an equation in one letter, linear or quadratic; raises `UnreadError`."""
    if link.left is None or link.right is None or link.relation != "=":
        raise UnreadError
    names = letters(link.left.node) | letters(link.right.node)
    if len(names) != 1 or names & _NOT_VARIABLES:
        raise UnreadError
    left, right = polynomials.read(link.left.node), polynomials.read(link.right.node)
    if polynomials.names(left.bottom) or polynomials.names(right.bottom):
        raise UnreadError
    numbers = polynomials.coefficients(_difference(left, right))
    if not 2 <= len(numbers) <= MOST_DEGREE + 1:  # noqa: PLR2004 (of the first degree at least)
        raise UnreadError
    nodes = [node for side in (link.left, link.right) for node in walk(side.node)]
    solved = isinstance(bare(link.left.node), Letter) and not calculated(link.right.node)
    decimals = any(isinstance(node, Number) and node.places for node in nodes)
    return Equation(next(iter(names)), tuple(numbers), link.left.start, link.right.end, solved, decimals)


def _solvable(numbers: Sequence[Fraction]) -> bool:
    if len(numbers) < 3:  # noqa: PLR2004 (linear)
        return True
    c, b, a = numbers
    return b * b - 4 * a * c >= 0


def turned(between: str, first: Equation, second: Equation) -> bool:
    """Whether the second equation is said by what stands between to follow from the first, with other solutions."""
    if first.letter != second.letter or first.solved or not _solvable(first.coefficients):
        return False
    if not _ONLY_MARKS.fullmatch(between) and (_BREAKS.search(between) or not _FOLLOWS.search(between)):
        return False
    return differ(first, second)


def differ(first: Equation, second: Equation) -> bool:
    """Whether neither has all the solutions of the other."""
    a, b = first.solution(), second.solution()
    if first.decimals or second.decimals:
        return a is not None and b is not None and abs(a - b) > CLOSE * max(abs(a), abs(b))
    if (
        second.solved
        and a is not None
        and b is not None
        and b.denominator == 1
        and a.denominator != 1
        and abs(a - b) < 1
    ):
        return False  # rounded
    p, q = (polynomials.squarefree(list(e.coefficients)) for e in (first, second))
    return len(polynomials.common(p, q)) < min(len(p), len(q))


def solutions(equation: Equation) -> str:
    """Say what solves it."""
    linear = equation.solution()
    if linear is not None:
        return f"{equation.letter} = {shown(linear)}"
    c, b, a = equation.coefficients
    root = b * b - 4 * a * c
    if root < 0:
        return "no real solution"
    top, bottom = _exact_root(root.numerator), _exact_root(root.denominator)
    if top is not None and bottom is not None:
        both = sorted({(-b + sign * Fraction(top, bottom)) / (2 * a) for sign in (-1, 1)})
        return " or ".join(f"{equation.letter} = {shown(one)}" for one in both)
    low, high = sorted((-float(b) + sign * float(root) ** 0.5) / (2 * float(a)) for sign in (-1, 1))
    return f"{equation.letter} ≈ {low:.4g} or {high:.4g}"


def _exact_root(number: int) -> int | None:
    root = isqrt(number)
    return root if root * root == number else None


def identity(link: Link, before: str) -> Unequal | None:
    """Tell what shows that two sides that are said to be the same are not, if they are not; raises `UnreadError`."""
    left, right = link.left, link.right
    if left is None or right is None or link.relation != "=":
        raise UnreadError
    names = letters(left.node)
    if not 1 <= len(names) <= MOST_LETTERS or names != letters(right.node) or names & _NOT_VARIABLES:
        raise UnreadError
    a, b = polynomials.read(left.node), polynomials.read(right.node)
    if not _difference(a, b):
        return None
    whole = not polynomials.names(a.bottom) and not polynomials.names(b.bottom)
    gathered = whole and _gathered(left.node, a, b)
    if not (link.follows or gathered or _REWRITES.search(before)) or _USES.search(before):
        raise UnreadError
    if any(isinstance(node, Number) and node.places for side in (left, right) for node in walk(side.node)):
        raise UnreadError
    if not (_composed(left.node, a) or _composed(right.node, b)) or (whole and not (gathered or _alike(a, b))):
        raise UnreadError
    if not whole and not (_REWRITES.search(before) and _half_alike(a, b)):
        raise UnreadError
    return _counterexample(a, b, sorted(names), whole=whole)


def _difference(a: Quotient, b: Quotient) -> Polynomial:
    minus = polynomials.scaled(polynomials.times(b.top, a.bottom), Fraction(-1))
    return polynomials.plus(polynomials.times(a.top, b.bottom), minus)


def _composed(node: Node, read: Quotient) -> bool:
    """Whether it is written other than as the sum of its terms: there is something to work out."""
    if polynomials.names(read.bottom):
        return True
    return _sums(bare(node)) != len(read.top)


def _sums(node: Node) -> int:
    """Count the terms that stand there, each bracket as a hundred."""
    if isinstance(node, Negative):
        return _sums(node.inside)
    if not isinstance(node, Row):
        return 1 if not any(isinstance(part, Row) for part in parts(node)) else _BRACKET
    inner = sum(_BRACKET for operand in node.operands if any(isinstance(part, Row) for part in walk(operand)))
    return 1 + sum(operator in "+-" for operator in node.operators) + inner


def _alike(a: Quotient, b: Quotient) -> bool:
    """Whether most terms agree, as where one of them was worked out wrongly: not an equation to be solved."""
    first, second = (polynomials.scaled(q.top, 1 / q.bottom[()]) for q in (a, b))
    same = sum(1 for monomial, factor in first.items() if second.get(monomial) == factor)
    return 2 * same >= max(len(first), len(second))


def _gathered(node: Node, a: Quotient, b: Quotient) -> bool:
    """Whether like terms are gathered into one: `5x + 3x = 9x`, which nobody writes to find that x is 0."""
    one = len(a.top) == len(b.top) == 1 and a.top.keys() == b.top.keys()
    row = bare(node)
    return one and isinstance(row, Row) and set(row.operators) & {"+", "-"} != set() and _sums(row) < _BRACKET


def _half_alike(a: Quotient, b: Quotient) -> bool:
    """Whether two fractions have one part with letters in common, so that only the other was worked out wrongly."""
    shared = [p for p, q in ((a.top, b.top), (a.bottom, b.bottom)) if dict(p) == dict(q)]
    return len(shared) == 1 and bool(polynomials.names(shared[0]))


def _counterexample(a: Quotient, b: Quotient, names: list[str], *, whole: bool) -> Unequal:
    for numbers in product((Fraction(2), Fraction(3), Fraction(1), Fraction(5)), repeat=len(names)):
        point = dict(zip(names, numbers, strict=True))
        bottoms = [polynomials.at(q.bottom, point) for q in (a, b)]
        if not all(bottoms):
            continue
        values = [polynomials.at(q.top, point) / bottom for q, bottom in zip((a, b), bottoms, strict=True)]
        if values[0] != values[1]:
            at = ", ".join(f"{name} = {shown(number)}" for name, number in point.items())
            full = polynomials.written(polynomials.scaled(a.top, 1 / a.bottom[()])) if whole else ""
            return Unequal(full or f"{shown(values[0])} at {at}", at, shown(values[0]), shown(values[1]))
    raise UnreadError
