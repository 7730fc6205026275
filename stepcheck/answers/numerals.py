r"""Digits → a number, exactly, and the digits that were written: `1,200`, `10{,}080`, `12 345`, `0.3\overline{18}`.

Owns the one rule of thousands against lists. A comma, a thin or plain space, a dot or an apostrophe is a mark of
thousands where it groups all digits in threes; `{,}` is never the comma of a list. A comma between digits else is read
under a policy, which the caller chooses: of a list, of thousands, or a decimal comma. Refuses to choose between them.
"""

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from stepcheck.patterns import regex

MOST_DIGITS = 1_000
LARGEST_EXPONENT = 9_999


class Commas(Enum):
    """What a comma between digits is, where it can be more than one thing."""

    THOUSANDS = "thousands"
    LIST = "list"
    DECIMAL = "decimal"


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as it was written.

    `places` is how many digits stand behind the decimal point (negative: the last digit written counts 10, 100, …);
    None for a whole number, which is no rounding, and where `repeating` is set: such a decimal is exact.
    """

    value: Fraction
    places: int | None = None
    significant: int = 0
    repeating: bool = False


_MARK = r"(?:\.|\{,\}|,(?=\d))"
_REPEATING = regex(
    rf"(\d*){_MARK}(\d*)(?:"
    r"\\(?:overline|bar|overbar)\s*\{\s*(\d+)\s*\}|\\(?:overline|bar)\s*(\d)"
    r"|\\dot\s*\{?\s*(\d)\s*\}?((?:\d*\s*\\dot\s*\{?\s*\d\s*\}?)?)"
    r"|\((\d+)\)(?![\^\d!])"
    r"|(\d+)\s*(?:\(?\s*repeating\s*\)?)"
    r")"
)
_ELLIPSIS = r"\s*(?:\.\.\.|\\ldots|\\dots|\\cdots)"
_DOTS = regex(rf"(\d*){_MARK}(\d*?)(\d{{1,8}}?)(\3{{2,}}|\3)(?={_ELLIPSIS})")
_GOES_ON = regex(_ELLIPSIS)
_ACCENT = regex(rf"(\d*){_MARK}(\d*?)((?:\d[\u0305\u0304\u0307])+)")
_GROUPED = (
    regex(r"(?<![\d.])\d{1,3}(?:\{,\}\s*\d{3})+(?!\d)(?:\.\d+)?"),
    regex(r"(?<![\d.])[1-9]\d{0,2}(?: \d{3})+(?![\d]| ?/ ?\d)(?:[.,]\d+(?![\d,]))?"),
    regex(r"(?<![\d.])[1-9]\d{0,2}(?:'\d{3})+(?!\d)(?:[.,]\d+)?"),
    regex(r"(?<![\d.])[1-9]\d{0,2}(?:\.\d{3}){2,}(?![\d.])(?:(?:,|\{,\})\d+)?"),
    regex(r"(?<![\d.])[1-9]\d{0,2}(?:\.\d{3})+(?:,|\{,\})\d{1,2}(?![\d,])"),
)
GROUPED = regex(r"(?<![\d.])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?")
"""Digits with a comma at every thousand, which may be a list as well."""
_LAKHS = regex(r"(?<![\d.])[1-9]\d?(?:,\d{2})+,\d{3}(?!\d|,\d)(?:\.\d+)?")
_DECIMAL_COMMA = regex(r"\d+\{,\}\d+")
_COMMA_DECIMAL = regex(r"\d+,\d+(?![,\d])")
_PLAIN = regex(r"\d+\.\d+|\d+|\.\d+")
_POWER = regex(r"[eE]([+-]?\d{1,9})(?![\w.])")


def numeral(text: str, at: int, commas: Commas) -> tuple[Numeral, int] | None:
    """Read the number that begins at a place of a tidy text; return it and the place behind it."""
    if text[at] not in "0123456789.,":
        return None
    found = _repeating(text, at)
    if found is not None:
        return found
    written, end = _digits(text, at, commas)
    if written is None or len(written) > MOST_DIGITS:
        return None
    power = _POWER.match(text, end)
    exponent = int(power[1]) if power else 0
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    return decimal(written, exponent, powered=power is not None), power.end() if power else end


def decimal(written: str, exponent: int = 0, *, powered: bool = False) -> Numeral:
    """Make a number of digits with or without a point, times a power of ten."""
    value = Fraction(written) * Fraction(10) ** exponent
    behind = len(written.partition(".")[2])
    if not behind and not powered:
        return Numeral(value)
    return Numeral(value, behind - exponent, len(written.replace(".", "").lstrip("0")))


def _digits(text: str, at: int, commas: Commas) -> tuple[str | None, int]:
    """Return the digits, with a point if one is written, and where they end."""
    for pattern in _GROUPED:
        if found := pattern.match(text, at):
            return _ungrouped(found[0]), found.end()
    for pattern in (GROUPED, _LAKHS) if commas is Commas.THOUSANDS else ():
        if found := pattern.match(text, at):
            return found[0].replace(",", ""), found.end()
    if found := _DECIMAL_COMMA.match(text, at):
        return found[0].replace("{,}", "."), found.end()
    if commas is Commas.DECIMAL and (found := _COMMA_DECIMAL.match(text, at)):
        return found[0].replace(",", "."), found.end()
    found = _PLAIN.match(text, at)
    return (found[0], found.end()) if found else (None, at)


def _ungrouped(written: str) -> str:
    """Drop the marks between groups of three; what comes last and is another mark is the decimal point."""
    marks = re.findall(r"\{,\}|[., ']", written)
    last = marks[-1] if len(marks) > 1 and marks[-1] != marks[0] else None
    head, _, tail = written.rpartition(last) if last else (written, "", "")
    digits = re.sub(r"\D", "", head)
    return f"{digits}.{tail}" if tail else digits


def _repeating(text: str, at: int) -> tuple[Numeral, int] | None:
    """Read a repeating decimal in any of its notations."""
    told = _REPEATING.match(text, at)
    dots = None if told else _DOTS.match(text, at)
    found = told or dots or _ACCENT.match(text, at)
    if found is None:
        return None
    whole, fixed = found[1] or "0", found[2]
    end = found.end()
    if dots:
        period = found[3]
        if len(found[4]) < 2 and len(period) < 2:  # noqa: PLR2004 (0.33… may be cut, not repeated)
            return None
        end = _GOES_ON.match(text, end).end()  # type: ignore[union-attr]
    elif not told:
        period = re.sub(r"\D", "", found[3])
    else:
        period = found[3] or found[4] or found[7] or found[8] or found[5] + re.sub(r"\D", "", found[6] or "")
    if told and told[8] and fixed:  # "0.18 repeating": all digits repeat
        period, fixed = fixed + period, ""
    if len(whole) + len(fixed) + len(period) > MOST_DIGITS:
        return None
    shift = 10 ** len(fixed)
    value = Fraction(int(whole)) + Fraction(int(fixed or 0), shift)
    return Numeral(value + Fraction(int(period), shift * (10 ** len(period) - 1)), repeating=True), end
