r"""An answer → a number and its unit, exactly: `1,200`, `1\frac{1}{2}`, `1.6 \times 10^{-19}`, `50\%`, `5 cm`.

Numbers are read as fractions of whole numbers; no floating point, no evaluation. Refuses numbers so long or exponents
so large that reckoning with them would cost time.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from stepcheck.answers.forms import canonical, plain

MOST_DIGITS = 300
LARGEST_EXPONENT = 400
TOLERANCE = Fraction(1, 10_000)
"""Relative, between numbers that were rounded: what Qwen2.5-Math's evaluation allows."""
WHOLE_TOLERANCE = Fraction(1, 1_000_000)
"""Where one of them is a whole number: 419.9998 is 420, but 9999.86 is not 10000."""

_DECIMAL = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)"
_POWER = r"(?:\s*(?:\\times|\*|x)\s*10\s*\^\s*\{?\s*(?P<power>[+-]?\s*\d+)\s*\}?|[eE](?P<e>[+-]?\d+))"
_NUMBER = re.compile(
    rf"""\s*(?P<sign>[+-])?\s*[$£€¥]?\s*(?P<sign2>-)?\s*(?:
      (?:(?P<whole>\d+)\s*)?
      \\frac\s*\{{\s*(?P<top>-?{_DECIMAL})\s*\}}\s*\{{\s*(?P<bottom>-?{_DECIMAL})\s*\}}
    | (?P<over>{_DECIMAL})\s*/\s*(?P<under>{_DECIMAL})
    | (?P<decimal>{_DECIMAL}){_POWER}?
    | 10\s*\^\s*\{{\s*(?P<ten>[+-]?\d+)\s*\}}
    )(?:\s*(?P<percent>%))?(?P<unit>.*)""",
    re.VERBOSE | re.DOTALL,
)
_UNIT = re.compile(
    r"(?:\s*\^\{\\circ\}\s*[CF]?|\s*(?:[A-Za-zµΩ]{2,}|[a-zA-Z](?=\s*[/^]))(?:[\s./^{}\d\\-]|\\times|[A-Za-zµΩ])*"
    r"|\s+[msghLlAVWNJKCF]|\s*[\u4e00-\u9fff]{1,6})?\s*"
)
_COLON = re.compile(r"(\d{1,6}):(\d{1,6})([a-z.]{0,5})")


@dataclass(frozen=True, slots=True)
class Number:
    """A value; `exact` unless it is a decimal fraction, which may be rounded; the unit in lower case, or empty."""

    value: Fraction
    exact: bool
    percent: bool = False
    unit: str = ""


def read_number(answer: str) -> Number | None:
    """Read an answer that is one number, with or without a unit; None for any other."""
    text = plain(answer)
    if len(text) > MOST_DIGITS:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None or not _UNIT.fullmatch(found["unit"]):
        return None
    if re.match(r"10\s*\^", text.lstrip("+-$ ")):
        found = _NUMBER.fullmatch(re.sub(r"^(\s*[+-]?\s*)10", r"\g<1>1\\times 10", text)) or found
    value = _value(found)
    if value is None:
        return None
    negative = (found["sign"] == "-") != (found["sign2"] is not None)
    exact = not any("." in (found[name] or "") for name in ("top", "bottom", "over", "under", "decimal"))
    unit = re.sub(r"[\s{}]|\\circ|\\times", "", found["unit"]).lower().rstrip(".")
    return Number(-value if negative else value, exact and not _exponent(found), bool(found["percent"]), unit)


def same_number(a: Number, b: Number) -> bool | None:
    """Compare values and units: None where the values are equal and the units are two different ones."""
    if not _same_value(a, b):
        return False
    if a.unit and b.unit and _singular(a.unit) != _singular(b.unit):
        return None
    return True


def _singular(unit: str) -> str:
    return unit[:-1] if unit.endswith("s") and len(unit) > 2 else unit  # noqa: PLR2004 (s and ms are no plurals)


def same_time(a: str, b: str) -> bool | None:
    """Compare clock times and ratios; None where one of the two is neither, or only one says a.m. or p.m."""
    ours, theirs = (_COLON.fullmatch(canonical(answer).lower()) for answer in (a, b))
    if ours is None or theirs is None:
        return None
    if int(ours[1]) * int(theirs[2]) != int(ours[2]) * int(theirs[1]):
        return False
    halves = [re.sub(r"[^a-z]", "", found[3]) for found in (ours, theirs)]
    return halves[0] == halves[1] if all(halves) or not any(halves) else None


def _same_value(a: Number, b: Number) -> bool:
    if _close(a, b, a.value, b.value):
        return True
    if a.percent == b.percent:
        return False
    hundredth = (a.value / 100, b.value) if a.percent else (a.value, b.value / 100)
    return _close(a, b, *hundredth)


def _close(a: Number, b: Number, x: Fraction, y: Fraction) -> bool:
    if a.exact and b.exact:
        return x == y
    whole = (a.exact and a.value.denominator == 1) or (b.exact and b.value.denominator == 1)
    return abs(x - y) <= (WHOLE_TOLERANCE if whole else TOLERANCE) * max(abs(x), abs(y))


def _value(found: re.Match[str]) -> Fraction | None:
    exponent = _exponent(found)
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    if found["top"]:
        top, bottom = _fraction(found["top"]), _fraction(found["bottom"])
        return None if not bottom else int(found["whole"] or 0) + top / bottom
    if found["over"]:
        under = _fraction(found["under"])
        return _fraction(found["over"]) / under if under else None
    return _fraction(found["decimal"] or "1") * Fraction(10) ** exponent


def _exponent(found: re.Match[str]) -> int:
    written = found["power"] or found["e"] or found["ten"] or "0"
    return int(written.replace(" ", "")[:9])


def _fraction(text: str) -> Fraction:
    return Fraction(text.replace(",", "").rstrip(".") or "0")
