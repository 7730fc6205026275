r"""The last number of a response that states no answer, as Qwen2.5-Math's evaluation takes it.

A number within a formula brings the side of the formula it stands in (`= 2\sqrt{3}$` is not 3). Refuses the numbers of
steps, equations and list items. It is a guess, and whoever uses it says so.
"""

import re

from stepcheck.answers.final.formulas import find_formulas
from stepcheck.answers.final.numerals import find_numbers, written
from stepcheck.answers.final.sides import outcome
from stepcheck.patterns import regex

WINDOW = 1_200
"""Characters before the last digit in which the number is looked for."""
_RELATION = regex(r"[<>≤≥≠]|\\(?:le|ge|lt|gt|ne|leq|geq|neq|in|approx|equiv)(?![A-Za-z])")
_SIMPLE = regex(r"[\s$\\]*[-−+]?[\d.,\s{}!\\]+[%°]?[\s.]*")


def last_number(text: str) -> str | None:
    """Return the last number, or the side of the formula that it stands in; None where there is no digit."""
    last = max(map(text.rfind, "0123456789½¼¾"))
    if last < 0:
        return None
    start = max(0, last - WINDOW)
    near = text[start : last + 200]
    numbers = [number for number in find_numbers(near) if number.start() <= last - start]
    if not numbers:
        return None
    number = numbers[-1]
    for formula in find_formulas(near):
        if formula.start <= number.start() < formula.end:
            side = _side(formula.text)
            return side or written(number)
    return written(number)


def _side(formula: str) -> str | None:
    """The last side of a formula, if the number is part of more than itself there."""
    whole = outcome(formula)
    if whole is None:
        return None
    side = re.split(r"(?<![<>!:=])=(?!=)", whole)[-1].strip()
    if _SIMPLE.fullmatch(side) or _RELATION.search(side) or not re.search(r"\d", side):
        return None
    return side
