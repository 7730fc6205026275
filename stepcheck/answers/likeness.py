"""Two values of one kind, without parts → equal, unequal or could not be told.

Owns units, rounding, names of unknowns and the meanings of words in comparisons. Tolerance: none, but a decimal that is
the reference rounded to the digits written, and says so. Refuses to round money, repeating decimals and whole numbers.
"""

import re
from fractions import Fraction

from stepcheck.answers.algebra import Algebra
from stepcheck.answers.outcome import Outcome, all_of
from stepcheck.answers.tree import INFINITY, Tree, approximate, constants, exact, minus, number, variables
from stepcheck.answers.units import Unit, same_label
from stepcheck.answers.values import Amount, Based, Clock, Piece, Ratio, RealSet, Relation, Words

FEWEST_DIGITS = 3
"""Significant digits of a decimal that may be a rounding of a fraction, a root, π: 1.41 is √2, 0.33 is not 1/3."""
FEWEST_OF_DECIMALS = 4
"""Where the reference is a decimal itself, whose digits somebody chose: 12.35 is 12.346, 12.3 is not."""
MOST_DIGITS = 13
"""Of a rounding of a number that is not rational, whose float is looked at."""
_TEMPERATURES = {"celsius", "fahrenheit", "kelvin"}
HALF_A_DAY = 43_200
LONG_WORDS = 4


class Likeness:
    """Compares values without parts. `short` if the answers are short enough to be reckoned with in the process."""

    def __init__(self, algebra: Algebra, *, short: bool = True) -> None:
        self.algebra, self.short = algebra, short

    def same(self, a: Tree, b: Tree) -> bool | None:
        """Tell whether two trees have one value."""
        if a == b:
            return True
        x, y = exact(a), exact(b)
        if x is not None and y is not None:
            return x == y
        if "inf" in constants(a) | constants(b):
            return False if variables(a) | variables(b) == frozenset() else None
        return self.algebra.same(a, b) if self.short else None

    # ---- amounts

    def amounts(self, gold: Amount, given: Amount) -> Outcome:
        """Compare amounts: their numbers and what they are of."""
        ours, theirs = gold.unit, given.unit
        if ours.dimensions and theirs.dimensions:
            return self._measured(gold, given)
        if (ours.is_none or theirs.is_none) and (ours.dimensions or theirs.dimensions):
            return self._one_measured(gold, given)
        outcome = self._numbers(gold, given)
        counted = not (ours.dimensions or theirs.dimensions) and same_label(ours.label, theirs.label)
        if outcome.equal and not (ours.is_none or theirs.is_none or counted):
            return Outcome(None, "units differ")
        return outcome

    def _measured(self, gold: Amount, given: Amount) -> Outcome:
        """Compare amounts that both have a unit."""
        ours, theirs = gold.unit, given.unit
        if ours.dimensions != theirs.dimensions:
            kinds = {name for name, _ in (*ours.dimensions, *theirs.dimensions)}
            same = None if kinds <= _TEMPERATURES else self._numbers(gold, given).equal
            return Outcome(same and None, "units differ")
        if ours.is_money and theirs.is_money and not ours.currencies & theirs.currencies:
            return Outcome(False, "currencies differ")
        if ours.size == theirs.size and ours.degrees == theirs.degrees:
            return self._numbers(gold, given)
        same = self.same(_in_base(gold.tree, ours), _in_base(given.tree, theirs))
        return Outcome(same, "numeric, units converted")

    def _one_measured(self, gold: Amount, given: Amount) -> Outcome:
        """Compare an amount that has a unit with one that has none: the other is taken to be in it."""
        measured, bare = (gold, given) if gold.unit.dimensions else (given, gold)
        if bare.percent and not measured.percent:
            return Outcome(None if self.same(gold.tree, given.tree) else False, "a unit and a percentage")
        if measured.parts:
            sizes = [measured.unit.size / size for size in measured.parts[: 1 if measured.unit.is_money else None]]
            found = [self.same(("*", measured.tree, number(size)), bare.tree) for size in sizes]
            return Outcome(True if True in found else all_of(found), "numeric")
        outcome = self._numbers(gold, given)
        if outcome.equal:
            return Outcome(None, "a unit, or a product of unknowns") if measured.glued else outcome
        if measured.unit.is_money and measured.unit.size != 1:
            scaled = self.same(("*", measured.tree, number(measured.unit.size)), bare.tree)
            return Outcome(None, "unit missing") if scaled else outcome
        return outcome

    def _numbers(self, gold: Amount, given: Amount) -> Outcome:
        """Compare the numbers themselves: percents with their hundredth too, decimals as roundings."""
        same = self.same(gold.tree, given.tree)
        if same is not False:
            return Outcome(same, self._named(gold, given) if same else "could not be reckoned")
        if gold.percent != given.percent:
            ours, theirs = (("/", one.tree, number(100)) if one.percent else one.tree for one in (gold, given))
            if self.same(ours, theirs):
                return Outcome(True, "numeric, percent")
        return _rounded(gold, given) or Outcome(False, self._named(gold, given))

    def _named(self, gold: Amount, given: Amount) -> str:
        """Say how two numbers or expressions were compared."""
        if exact(gold.tree) is not None and exact(given.tree) is not None:
            return "numeric"
        return "algebra" if variables(gold.tree) or variables(given.tree) else "numeric, to many digits"

    # ---- ratios, numbers in bases, times

    def ratios(self, gold: Ratio, given: Ratio) -> Outcome:
        """Compare ratios of any length, in order."""
        if len(gold.terms) != len(given.terms):
            return Outcome(False, "ratio")
        first, other = gold.terms[0], given.terms[0]
        pairs = zip(gold.terms[1:], given.terms[1:], strict=True)
        same = all_of(self.same(("*", a, other), ("*", b, first)) for a, b in pairs)
        if gold.clock and given.clock and same:
            return Outcome(None, "time or ratio")
        return Outcome(same, "ratio")

    def ratio_and_number(self, ratio: Ratio, amount: Amount) -> Outcome | None:
        """Compare a ratio of two with a fraction; whether a whole number is one, nobody can tell."""
        value = exact(amount.tree)
        if len(ratio.terms) != 2 or not amount.unit.is_none:  # noqa: PLR2004
            return None
        same = self.same(("/", *ratio.terms), amount.tree)
        if value is not None and value.denominator == 1:
            return Outcome(None, "a ratio and a whole number") if same else None
        return Outcome(same, "ratio")

    # ---- sets of numbers

    def sets(self, gold: RealSet, given: RealSet) -> Outcome:
        """Compare sets of numbers, piece by piece."""
        if len(gold.pieces) != len(given.pieces):
            sure = all(_is_placed(piece) for piece in (*gold.pieces, *given.pieces))
            return Outcome(False if sure else None, "sets")
        same = all_of(self._pieces(a, b) for a, b in zip(gold.pieces, given.pieces, strict=True))
        if same and gold.name and given.name and gold.name != given.name:
            return Outcome(None, "names differ")
        return Outcome(same, "sets")

    def _pieces(self, a: Piece, b: Piece) -> bool | None:
        if (a.low_in, a.high_in) != (b.low_in, b.high_in):
            return False
        return all_of(self._ends(x, y) for x, y in ((a.low, b.low), (a.high, b.high)))

    def _ends(self, a: Tree | None, b: Tree | None) -> bool | None:
        return a is b if a is None or b is None else self.same(a, b)

    # ---- equations and inequalities

    def relations(self, gold: Relation, given: Relation) -> Outcome:
        """Compare equations up to a factor, inequalities up to a positive one, chains link by link."""
        if sorted(sign for sign, *_ in gold.links) != sorted(sign for sign, *_ in given.links):
            return Outcome(False, "relations")
        left, undecided = list(given.links), False
        for link in gold.links:
            found = [self._links(link, other) for other in left]
            if True in found:
                left.pop(found.index(True))
            elif None in found:
                undecided = True
            else:
                return Outcome(False, "relations")
        return Outcome(None if undecided else True, "relations")

    def _links(self, a: tuple[str, Tree, Tree], b: tuple[str, Tree, Tree]) -> bool | None:
        if a[0] != b[0]:
            return False
        if a == b:
            return True
        if variables(minus(a[1], a[2])) != variables(minus(b[1], b[2])):
            return False
        positive = a[0] in {"<", "<="}
        if not positive and a[1:] == (b[2], b[1]):
            return True
        return (
            self.algebra.proportional(minus(a[1], a[2]), minus(b[1], b[2]), positive=positive) if self.short else None
        )


def _in_base(tree: Tree, unit: Unit) -> Tree:
    """Return an amount in the base of its unit's dimension."""
    size = number(unit.size)
    return ("*", tree, ("*", ("const", "deg"), size) if unit.degrees else size)


def _rounded(gold: Amount, given: Amount) -> Outcome | None:
    """Tell whether the given decimal is the reference rounded to its digits; None where it is not."""
    if gold.unit.is_money or given.unit.is_money or gold.endless or given.endless or gold.percent != given.percent:
        return None
    if variables(gold.tree) or variables(given.tree):
        return None
    if given.places is not None and _is_rounding(gold, given):
        digits = (
            f"{given.places} decimal{'s' if given.places > 1 else ''}"
            if given.places > 0
            else f"{given.significant} digits"
        )
        return Outcome(True, f"rounded to {digits}")
    if gold.places is not None and _is_rounding(given, gold):
        return Outcome(None, "the reference may be rounded")
    return None


def _is_rounding(long: Amount, short: Amount) -> bool:
    fewest = FEWEST_DIGITS if long.places is None else FEWEST_OF_DECIMALS
    value = exact(short.tree)
    if value is None or short.places is None or short.significant < fewest or not value:
        return False
    whole = exact(long.tree)
    if whole is None:
        near = approximate(long.tree)
        if near is None or short.significant > MOST_DIGITS or abs(near) > 1e300:  # noqa: PLR2004 (what a float can hold)
            return False
        whole = Fraction(near)
    elif whole.denominator == 1 and long.places is None:
        return False
    if long.places is not None and long.places <= short.places:
        return False
    return abs(whole - value) * 2 <= Fraction(10) ** -short.places


def _is_placed(piece: Piece) -> bool:
    """Whether the ends of a piece are numbers whose order is known."""
    return all(end is None or end == INFINITY or approximate(end) is not None for end in (piece.low, piece.high))


def clocks(gold: Clock, given: Clock) -> Outcome:
    """Compare times of day; whether 4:00 is in the morning may be left open."""
    if "torn" in (gold.half, given.half):
        return Outcome(gold == given, "time of day")
    if (gold.half and given.half) or gold.half == given.half:
        return Outcome(gold.seconds == given.seconds, "time of day")
    if (gold.seconds - given.seconds) % HALF_A_DAY == 0:
        return Outcome(None, "a.m. or p.m. is not said")
    return Outcome(False, "time of day")


def numbers_in_bases(gold: Based, given: Based) -> Outcome:
    """Compare digits and bases; one number in two bases is not what was asked, nor certainly wrong."""
    if gold.base == given.base:
        return Outcome(gold.digits == given.digits, "number in a base")
    return Outcome(None if _value(gold) == _value(given) else False, "bases differ")


def in_base_and_number(based: Based, amount: Amount) -> Outcome:
    """Compare a number in a base with one that names none."""
    value = exact(amount.tree)
    alike = value is not None and (value == _value(based) or _digits_of(value) == based.digits)
    return Outcome(None if alike else False, "base missing")


def _digits_of(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else ""


def _value(based: Based) -> Fraction:
    whole, _, fraction = based.digits.partition(".")
    sign = -1 if whole.startswith("-") else 1
    tail = Fraction(int(fraction, based.base), based.base ** len(fraction)) if fraction else Fraction(0)
    return sign * (int(whole.lstrip("-") or "0", based.base) + tail)


def sayings(gold: Words, given: Words) -> Outcome:
    """Compare words: by what they mean, else as they are written; long sentences cannot be told."""
    if gold.meaning and given.meaning:
        return Outcome(gold.meaning == given.meaning, "words")
    if gold.text == given.text:
        return Outcome(True, "words")
    ours, theirs = set(gold.text.split()), set(given.text.split())
    if ours <= theirs or theirs <= ours or max(len(ours), len(theirs)) >= LONG_WORDS:
        return Outcome(None, "words")
    return Outcome(False, "words")


def is_family_of_one_name(name: str) -> str:
    """Return the letter of a name that is only numbered (x_1); empty for others."""
    found = re.fullmatch(r"([A-Za-z])_?\d+", name)
    return found[1] if found else ""
