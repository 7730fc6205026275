"""Exact numbers, and bounds for those that no fraction is equal to: roots and π. No floating point.

Owns the limits: an operation whose result would be long raises `UnreadError` before it is computed.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, isqrt

MOST_BITS = 2048
MOST_FACTORIAL = 200
ROOT_DIGITS = 40
PI_LOW, PI_HIGH = Fraction(314, 100), Fraction(22, 7)
"""What people take for π."""


class UnreadError(Exception):
    """It cannot be read for certain: no finding."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number between `low` and `high`, which are equal where it is known exactly."""

    low: Fraction
    high: Fraction

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high

    def meets(self, other: "Amount") -> bool:
        """Whether both may be the same number."""
        return self.low <= other.high and other.low <= self.high


def of(number: Fraction | int) -> Amount:
    """Make an exact amount."""
    return Amount(Fraction(number), Fraction(number))


PI = Amount(PI_LOW, PI_HIGH)


def _held(amount: Amount) -> Amount:
    for bound in (amount.low, amount.high):
        if bound.numerator.bit_length() > MOST_BITS or bound.denominator.bit_length() > MOST_BITS:
            raise UnreadError
    return amount


def add(a: Amount, b: Amount) -> Amount:
    """Add two amounts of one kind."""
    return _held(Amount(a.low + b.low, a.high + b.high))


def negative(a: Amount) -> Amount:
    """The same amount with its sign turned."""
    return Amount(-a.high, -a.low)


def multiply(a: Amount, b: Amount) -> Amount:
    """Multiply two amounts, units included."""
    if a.exact and b.exact:
        return _held(of(a.low * b.low))
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return _held(Amount(min(corners), max(corners)))


def divide(a: Amount, b: Amount) -> Amount:
    """Divide; raises `ZeroDivisionError` for what is zero, `UnreadError` for what may be."""
    if b.low == b.high == 0:
        raise ZeroDivisionError
    if b.low <= 0 <= b.high:
        raise UnreadError
    return multiply(a, Amount(1 / b.high, 1 / b.low))


def power(a: Amount, exponent: Amount) -> Amount:
    """Raise to a whole or fractional power, known exactly."""
    if not exponent.exact or abs(exponent.low) > MOST_BITS:
        raise UnreadError
    top, bottom = exponent.low.numerator, exponent.low.denominator
    if bottom > 1:
        return power(root(a, bottom), of(top))
    if top < 0:
        return divide(of(1), power(a, of(-top)))
    if top == 0:
        if a.low <= 0 <= a.high:
            raise UnreadError
        return of(1)
    bits = max(max(bound.numerator.bit_length(), bound.denominator.bit_length()) for bound in (a.low, a.high))
    if bits * top > 2 * MOST_BITS:
        raise UnreadError
    if a.low < 0 < a.high:
        raise UnreadError
    ends = (a.low**top, a.high**top)
    return _held(Amount(min(ends), max(ends)))


def root(a: Amount, degree: int) -> Amount:
    """Take the real root, exactly where it is a fraction, else between bounds of forty digits."""
    if not 2 <= degree <= 12 or (a.low < 0 and degree % 2 == 0):  # noqa: PLR2004 (a dozen is more than anyone takes)
        raise UnreadError
    if a.high < 0:
        return negative(root(negative(a), degree))
    if a.low < 0:
        raise UnreadError
    return _held(Amount(_root(a.low, degree)[0], _root(a.high, degree)[1]))


def _root(number: Fraction, degree: int) -> tuple[Fraction, Fraction]:
    top, bottom = _whole_root(number.numerator, degree), _whole_root(number.denominator, degree)
    if top**degree == number.numerator and bottom**degree == number.denominator:
        exact = Fraction(top, bottom)
        return exact, exact
    scale = 10**ROOT_DIGITS
    floor = _whole_root(number.numerator * scale**degree // number.denominator, degree)
    return Fraction(floor, scale), Fraction(floor + 1, scale)


def _whole_root(number: int, degree: int) -> int:
    """Find the largest whole number whose power is not above."""
    if degree == 2:  # noqa: PLR2004 (a square root)
        return isqrt(number)
    if number < 2:  # noqa: PLR2004 (its own root)
        return number
    guess = 1 << -(-number.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + number // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def count(a: Amount, most: int = MOST_FACTORIAL) -> int:
    """Take an amount as a small count."""
    if not a.exact or a.low.denominator != 1 or not 0 <= a.low <= most:
        raise UnreadError
    return int(a.low)


def permutations(a: Amount) -> Amount:
    """Compute n! for an n that is small enough."""
    return _held(of(factorial(count(a))))


def choose(a: Amount, b: Amount) -> Amount:
    """Compute n choose k."""
    return _held(of(comb(count(a), count(b))))
