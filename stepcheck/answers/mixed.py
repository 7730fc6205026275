r"""Mixed numbers: the fraction behind a whole number, `3\frac{1}{2}`, `3 1/2`. Refuses `31/2` and `3\frac{7}{2}`."""

from collections.abc import Sequence
from fractions import Fraction

from stepcheck.answers.tokens import Token

LONGEST = 7
"""Tokens of a fraction: a command, two numbers, four braces."""
_LENGTHS = (3, 5, LONGEST)
TOP_AND_BOTTOM = 2


def fraction_behind(whole: Token, rest: Sequence[Token]) -> tuple[Fraction, int] | None:
    """Return the proper fraction with which tokens behind a whole number begin, and how many tokens it takes."""
    length = _length(rest) if whole.text.isdigit() else 0
    numbers = [one for one in rest[:length] if one.kind == "number"]
    if not length or not all(one.text.isdigit() for one in numbers):
        return None
    top, bottom = (Fraction(int(one.text)) for one in numbers)
    following = rest[length] if length < len(rest) else None
    if top >= bottom or (following is not None and following.is_sign("^", "!")):
        return None
    return top / bottom, length


def _length(rest: Sequence[Token]) -> int:
    """Return how many tokens a fraction takes with which tokens begin; 0 if they begin with none."""
    if rest and rest[0].kind == "command" and rest[0].text == "frac":
        return next((length for length in _LENGTHS if _is_fraction(rest[:length])), 0)
    plain = len(rest) >= _LENGTHS[0] and rest[0].kind == rest[2].kind == "number"
    return _LENGTHS[0] if plain and rest[0].spaced and rest[1].is_sign("/") else 0


def _is_fraction(rest: Sequence[Token]) -> bool:
    r"""Whether tokens are `\frac` with two numbers, in braces or not."""
    numbers = [token for token in rest[1:] if token.kind == "number"]
    others = [token for token in rest[1:] if token.kind != "number"]
    balanced = sum(token.is_sign("{") for token in others) == sum(token.is_sign("}") for token in others)
    return len(numbers) == TOP_AND_BOTTOM and balanced and all(token.is_sign("{", "}") for token in others)
