r"""Of `18 * 22 = 396`, what it comes to: the side of an equation that is the answer.

A name stays with its value (`x = 3`), and an equation in unknowns is an answer of its own (`y = 2x + 1`).
"""

import re

from stepcheck.answers.final.formulas import prose
from stepcheck.patterns import regex

_TOKEN = regex(
    r"\\(?:text|mathrm|mbox)\s?\{\s*(?:and|or|und|oder|et|ou|y|e|o|и|или|和|或)\s*\}|\\approx(?![A-Za-z])|\\[A-Za-z]+|\\.|[{}()\[\]≈,;]|(?<!\w)(?:and|or|und|oder|et|ou|y|e|o|и|или)(?!\w)|[、，和或]|(?<![<>!:=])=(?!=)",
    re.DOTALL,
)
_UNITS = regex(r"\\(?:text|mathrm|mbox|textbf|operatorname)\s?\{[^{}]*\}|\\[A-Za-z]+|(?<=\d)\s?[xX](?=\s?\d)")
_OPERATORS = regex(
    r"[+*/×÷·^^]|\d\s*[-−–]|\\(?:times|cdot|div|frac|dfrac|sqrt|binom|sin|cos|tan|log|ln)|\d\s?[xX]\s?\d|!"
)
_SOUGHT = regex(r"[a-wA-W](?:\s?\+\s?[a-wA-W]){1,5}|\\?[|]\s?[A-Z]{2}\s?\\?[|]")
"""`m + n`, |AB|: what was asked for; in x and y it would be a line."""
_NAME = regex(r"\s*\\?[A-Za-z]{1,8}(?:_\{?\w+\}?)?(?:\s*\([\w\s,]{1,12}\))?\s*")


def outcome(text: str) -> str | None:
    """Return the side of a chain of equations that says what it comes to; None where nothing stands there."""
    sides, listed = _split(text)
    if len(sides) == 1:
        return text.strip() or None
    if not sides[-1].strip(" .$\\"):
        return None
    if listed or all(_NAME.fullmatch(side) and not prose(side) for side in sides[:-1]):
        return text.strip()
    if len(sides) == 2 and _SOUGHT.fullmatch(sides[0].strip()) and re.search(r"\d", sides[1]):  # noqa: PLR2004
        return sides[1].strip()
    if len(sides) > 2 or is_arithmetic(sides[0]) or _is_prose(sides[0]):  # noqa: PLR2004 (a chain)
        return sides[-1].strip()
    return text.strip()


def is_arithmetic(text: str) -> bool:
    """Tell whether a side is a sum to be worked out: numbers and operators, no unknown."""
    left = _UNITS.sub(" ", text)
    return bool(re.search(r"\d", text)) and not re.search(r"[^\W\d_]", left) and bool(_OPERATORS.search(text))


def is_chain(text: str) -> bool:
    """Tell whether a text works something out, `3 * 4 = 12`, and does not only say it."""
    sides, _ = _split(text)
    return len(sides) > 1 and is_arithmetic(sides[0])


def _is_prose(side: str) -> bool:
    words = re.sub(r"\\(?:text|mathrm|textbf|mbox)\s?\{([^{}]*)\}", r" \1 ", side)
    return bool(prose(words)) and not re.search(r"\\(?!text|mathrm|textbf|mbox)[A-Za-z]", side)


def _split(text: str) -> tuple[list[str], bool]:
    """The sides between equals signs outside of brackets, and whether commas make a list of it."""
    sides, start, depth, listed = [], 0, 0, False
    for match in _TOKEN.finditer(text):
        sign = match[0]
        if sign in {"{", "(", "["}:
            depth += 1
        elif sign in {"}", ")", "]"}:
            depth -= 1
        elif depth <= 0 and sign in {"=", "≈", r"\approx"}:
            sides.append(text[start : match.start()])
            start = match.end()
        elif depth <= 0 and (not sign.startswith("\\") or sign.endswith("}")):
            listed = listed or re.match(r"\s*\\?[A-Za-z]\w?(?:_\{?\w{1,4}\}?)?\s*=", text[match.end() :]) is not None
    return [*sides, text[start:]], listed
