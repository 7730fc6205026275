"""Links between numbers that do not hold, in any reading."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain

from stepcheck.evidence import amounts, words
from stepcheck.evidence.amounts import Amount, UnreadError
from stepcheck.evidence.expressions import (
    Measured,
    Negative,
    Node,
    Number,
    Over,
    Percent,
    Pi,
    Power,
    Row,
    bare,
    calculated,
    letters,
    literal,
    walk,
)
from stepcheck.evidence.links import Link
from stepcheck.evidence.meanings import meanings
from stepcheck.evidence.sides import Side
from stepcheck.evidence.values import USUAL, Slack, readings, value

ROUGHLY = Fraction(5, 100)
"""How far a number that is said to be approximate may be off, of its own size."""
NEARLY = Fraction(1, 100)
"""The same between two calculations with decimals in them."""
_NICE = 20
_HUNDREDTH = Fraction(1, 100)


@dataclass(slots=True)
class Known:
    """What the solution has said of its numbers so far."""

    exact: set[Fraction] = field(default_factory=set)
    """Given by the problem, or found without rounding."""
    rounded: set[Fraction] = field(default_factory=set)
    """Written for a number that they are not quite."""

    def slack(self, number: Number) -> Fraction:
        """How far what is meant may be from what is written."""
        step = Fraction(1, 10**number.places)
        if number.value in self.rounded:
            return step
        if number.places < 2 or number.value in self.exact or (number.value * _NICE).denominator == 1:  # noqa: PLR2004
            return Fraction(0)
        return step if number.value != _HUNDREDTH else Fraction(0)

    def loose(self, node: Node) -> bool:
        """Whether the numbers of a side may be off: not of one that is nothing but a number which was never rounded."""
        number = literal(node)
        return number is None or number.value in self.rounded


@dataclass(frozen=True, slots=True)
class Falsity:
    """A link that does not hold: what its calculated side comes to, and whether the left one was it."""

    truth: Amount | None
    of_left: bool
    written: Fraction | None
    """The number that is wrong, where it is one."""
    percent: bool = False


@dataclass(frozen=True, slots=True)
class _Care:
    """How a result may be meant: roughly; as a count of things, of which there is no half."""

    approximate: bool
    counted: bool


def _by_zero(left: Side, right: Side) -> Falsity:
    for side, other in ((left, right), (right, left)):
        number = literal(other.node)
        if number is None or letters(side.node):
            continue
        return Falsity(None, side is left, number.value)
    raise UnreadError


def _sides(link: Link) -> tuple[Side, Side]:
    """Take the two sides, if there is something to reckon and nothing doubtful about them."""
    left, right = link.left, link.right
    if left is None or right is None or letters(left.node) or letters(right.node):
        raise UnreadError
    of_left = calculated(left.node)
    if not of_left and (not calculated(right.node) or _said_of(left.node)):
        raise UnreadError
    if link.relation == "is" and (not of_left or literal(right.node) is None):
        raise UnreadError
    _refuse(left, right)
    return left, right


def judge(link: Link, known: Known, *, approximate: bool) -> Falsity | bool:
    """Tell whether a link holds, or what is false in it; raises `UnreadError`."""
    left, right = _sides(link)
    of_left = calculated(left.node)
    approximate = approximate or link.relation == "≈"
    try:
        usual = (value(left.node), value(right.node))
    except ZeroDivisionError:
        return _by_zero(left, right)
    whole = approximate or bool((left.units | right.units) - {"$", "degree"}) or not link.maths
    care = _Care(approximate, whole)
    if usual[0].exact and usual[0] == usual[1]:
        _learn(known, left, right, exact=True)
        return True
    for pair, usually in _pairs(left, right, known):
        if _agree(left, right, pair, care if usually else _Care(approximate, counted=False)):
            _learn(known, left, right, exact=False)
            return True
    if usual[0] == amounts.negative(usual[1]) and _signed(link, left, right):
        raise UnreadError  # the difference, taken the other way round; or -2^2, meant as the square of -2
    if (
        _slashes(left, right)
        or _converted(left, right, usual)
        or _running(left, right)
        or _part(left, usual[1])
        or _part(right, usual[0])
        or _meant(left, right, known)
    ):
        raise UnreadError
    wrong = literal(right.node if of_left else left.node)
    percent = isinstance(bare(right.node if of_left else left.node), Percent)
    written = None if wrong is None else wrong.value
    return Falsity(usual[0] if of_left else usual[1], of_left, written, percent)


def _refuse(left: Side, right: Side) -> None:
    """Leave unread what has words that multiply, hundredths added to whole numbers, or sums of unlike units."""
    units = left.units | right.units
    if units & words.SCALES:
        raise UnreadError
    for node in (left.node, right.node):
        for row in walk(node):
            if not isinstance(row, Row) or not set(row.operators) & {"+", "-"}:
                continue
            percents = [any(isinstance(part, Percent) for part in walk(operand)) for operand in row.operands]
            if any(percents) and not all(percents):
                raise UnreadError
            alike = {operand.unit if isinstance(operand, Measured) else "" for operand in row.operands}
            if len(alike) > 1 and words.changes(units):
                raise UnreadError


def _pairs(left: Side, right: Side, known: Known) -> Iterator[tuple[tuple[Amount, Amount], bool]]:
    """Every pair of readings, and whether both have the usual order, without and with the slack of decimals."""
    for slack in (None, known.slack):
        firsts, seconds = (
            _amounts((side.node, *side.others), slack if known.loose(side.node) else None) for side in (left, right)
        )
        for first, usual in firsts:
            for second, ordinary in seconds:
                yield (first, second), usual and ordinary


def _amounts(nodes: Sequence[Node], slack: Slack | None) -> list[tuple[Amount, bool]]:
    """Every amount that a side may mean; what a reading makes of it that cannot be reckoned is none of them."""
    found: list[tuple[Amount, bool]] = []
    for node in nodes:
        for reading in readings(node):
            with contextlib.suppress(UnreadError, ZeroDivisionError):
                found.append((value(node, reading, slack), reading.order == "usual"))
    return found


def _agree(left: Side, right: Side, pair: tuple[Amount, Amount], care: _Care) -> bool:
    """Whether two sides may be the same number, one of them perhaps rounded to the digits that are written."""
    a, b = pair
    if a.meets(b):
        return True
    gap = max(b.low - a.high, a.low - b.high)
    size = max(abs(a.low), abs(a.high), abs(b.low), abs(b.high))
    for side, other in ((left, b), (right, a)):
        number = literal(side.node)
        if number is not None and _rounded(side.node, number, other, gap, care):
            return True
    if care.approximate or any(isinstance(part, Pi) for side in (left, right) for part in walk(side.node)):
        return gap <= ROUGHLY * size
    decimals = any(isinstance(part, Number) and part.places for side in (left, right) for part in walk(side.node))
    both = literal(left.node) is None and literal(right.node) is None
    return decimals and both and gap <= NEARLY * size


def _rounded(node: Node, number: Number, truth: Amount, gap: Fraction, care: _Care) -> bool:
    """Whether a written number is what the truth comes to in its digits: rounded, or cut off."""
    scale = Fraction(1, 100) if isinstance(bare(node), Percent) else Fraction(1)
    step = Fraction(1, 10**number.places)
    if care.approximate and not number.places and number.value:
        whole = int(number.value)
        while whole and whole % 10 == 0:
            whole, step = whole // 10, step * 10
    if truth.exact and not care.approximate and ((truth.low / scale) / step).denominator == 1:
        return False  # it could have been written out
    if not number.places and not care.counted:
        step /= 2  # nobody counts boxes in a formula without words: it is rounded to the nearest
        return gap <= step * scale
    return gap < step * scale


def _meant(left: Side, right: Side, known: Known) -> bool:
    """Whether the two sides are the same number if one of them is taken for something else than it says."""
    for pair in meanings(left, right):
        firsts, seconds = (_amounts((node,), known.slack) for node in pair)
        if any(a.meets(b) for a, _ in firsts for b, _ in seconds):
            return True
    return False


def _learn(known: Known, left: Side, right: Side, *, exact: bool) -> None:
    for side in (left, right):
        number = literal(side.node)
        if number is None:
            continue
        if not exact:
            known.rounded.add(number.value)
        elif not any(isinstance(part, Number) and part.value in known.rounded for part in walk(left.node)):
            known.exact.add(number.value)


def _converted(left: Side, right: Side, usual: tuple[Amount, Amount]) -> bool:
    """Whether a change of units, or a forgotten per cent sign, explains the difference."""
    a, b = usual
    if not (a.exact and b.exact and a.low and b.low):
        return False
    units = left.units | right.units
    if units & {"%", "percentage"} and (a.low / b.low) in (100, Fraction(1, 100)):
        return True
    return words.converts(a.low / b.low, units)


def _signed(link: Link, *sides: Side) -> bool:
    """Whether a sign may be meant otherwise: a difference, a dash before the line, the minus before a power."""
    parts = [part for side in sides for part in walk(side.node)]
    if any(isinstance(part, Row) and "-" in part.operators for part in parts):
        return True
    first = [node.operands[0] if isinstance(node, Row) else node for node in (bare(side.node) for side in sides)]
    dashes = first if not link.maths else []
    return any(isinstance(part, Negative) and (part in dashes or isinstance(part.inside, Power)) for part in parts)


def _part(side: Side, other: Amount) -> bool:
    """Whether a side is a fraction that names a part: `3/5 = 30 students`."""
    node = bare(side.node)
    if isinstance(node, Row) and node.operators == ("/",):
        a, b = (literal(operand) for operand in node.operands)
    elif isinstance(node, Over):
        a, b = literal(node.top), literal(node.bottom)
    else:
        return False
    return a is not None and b is not None and a.value < b.value and abs(other.high) > 1


def _said_of(node: Node) -> bool:
    """Whether a number is said of something, and so stands for it: `1 inch = 2 × 20 miles`, `1% = 450 / 90`."""
    return isinstance(node, Percent) or (isinstance(node, Measured) and node.unit != "$")


def _slashes(*sides: Side) -> bool:
    """Whether it is not told how far a slash goes: `7/12 / 1/12`, `1/2 3/4`; not so of `1/2 + 1/3`."""
    rows = [row for side in sides for row in walk(side.node) if isinstance(row, Row)]
    terms = (re.split("[-+]", "".join(row.operators)) for row in rows)
    return any(term.count("/") > 1 for term in chain.from_iterable(terms))


def _running(left: Side, right: Side) -> bool:
    """Whether the right side goes on reckoning from the left one's result: `5 + 3 = 8 + 2 = 10`."""
    row = bare(right.node)
    if not isinstance(row, Row) or not calculated(left.node):
        return False
    for length in range(1, len(row.operands)):
        head = (
            row.operands[0]
            if length == 1
            else Row(row.operands[:length], row.operators[: length - 1], row.close[: length - 1])
        )
        for first in readings(left.node):
            try:
                if value(left.node, first).meets(value(head, USUAL)):
                    return True
            except (UnreadError, ZeroDivisionError):
                continue
    return False


def recovered(links: Sequence[Link], place: int) -> bool:
    """Whether a chain comes back to what it was before a false link: a slip of the pen, which nothing builds on."""
    first, last = place, place
    while links[first].follows and first > 0:
        first -= 1
    while last + 1 < len(links) and links[last + 1].follows:
        last += 1
    before = [link.left for link in links[first : place + 1]]
    after = [link.right for link in links[place : last + 1]]
    return bool(_exactly(before) & _exactly(after))


def _exactly(sides: Iterable[Side | None]) -> set[Fraction]:
    """The numbers that sides are, those that can be told exactly."""
    found: set[Fraction] = set()
    for side in sides:
        if side is not None and not letters(side.node):
            with contextlib.suppress(UnreadError, ZeroDivisionError):
                amount = value(side.node)
                found |= {amount.low} if amount.exact else set()
    return found


def shown(number: Fraction, *, percent: bool = False) -> str:
    """Write a number as people do: whole, as a short decimal, as a fraction, or roughly."""
    if percent:
        return shown(number * 100) + "%"
    if number.denominator == 1:
        return _digits(number.numerator)
    scaled = number * 10**6
    if scaled.denominator == 1:
        text = f"{abs(scaled.numerator) // 10**6}.{abs(scaled.numerator) % 10**6:06d}".rstrip("0")
        return ("-" if number < 0 else "") + text
    if number.denominator < 1000 and abs(number.numerator) < 100_000:  # noqa: PLR2004 (still readable)
        return f"{number.numerator}/{number.denominator}"
    return "≈ " + shown(Fraction(round(number * 10**4), 10**4))


def _digits(number: int) -> str:
    if abs(number) < 10**21:
        return str(number)
    digits = len(str(abs(number)))
    return f"a number of {digits} digits"


def told(amount: Amount | None, *, percent: bool = False) -> str:
    """Write an amount; None is what no number is."""
    if amount is None:
        return "undefined"
    if amount.exact:
        return shown(amount.low, percent=percent)
    return "≈ " + shown(Fraction(round(amount.low * 10**4), 10**4), percent=percent).removeprefix("≈ ")
