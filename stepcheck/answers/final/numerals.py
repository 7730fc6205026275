r"""Numbers as they stand in a text: with sign, currency, percent, thousands, fractions, powers of ten, clock times."""

import re

from stepcheck.patterns import regex

_DIGITS = r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?![\d,.])|\d++(?:(?:\{,\}|[,，.])\d++)*+"
NUMBER = regex(
    rf"""(?<![A-Za-z0-9_.])
    (?:(?:(?<=[\s=(:：≈])|^)[-−+]\s?|(?<![\w)\]}}])[-−])?
    (?:(?:US|R|C|A|HK)?\\?[$€£¥₹]\s?[-−]?)?
    (?: \\[dt]?frac\s?\{{[-−]?\d+\}}\s?\{{\d+\}} | \d+\s?\\[dt]?frac\s?\{{\d+\}}\s?\{{\d+\}}
      | (?:\d+\s\d+/\d+)(?!\d)
      | (?:{_DIGITS}|\.\d+) (?:\s?/\s?\d+|(?::\d++){{1,5}}+(?:\s?[ap]\.?m\b\.?)?)? | [½⅓⅔¼¾⅕⅛] )
    (?:\s?(?:×|\*|x|\\times|\\cdot)\s?10\s?\^\s?(?:\{{\s?[-−+]?\d+\s?\}}|[-−+]?\d+)|[eE][-+]?\d+|\s?\^\s?\{{?[-−]?\d+\}}?)?
    (?:\s?(?:\\?%|€|£|°|\^\s?\\circ|\^\{{\\circ\}}|[万亿萬億千百]+元?|元))?""",
    re.VERBOSE,
)
_LABEL = regex(
    r"(?:step|equations?|eq\.?|part|problem|question|example|case|figure|fig\.?|theorem|lemma|method|solution|section"
    r"|schritt|étape|paso|passo|шаг|步骤?|第|\[\^?)\s{0,3}[(\[]?$",
    re.IGNORECASE,
)
_MARKER = regex(r"\d{1,2}[.)](?=\s)")


def find_numbers(text: str) -> list[re.Match[str]]:
    """Return the numbers of a short text that are values, not the number of a step, an equation or a list's item."""
    return [match for match in NUMBER.finditer(text) if not _is_label(text, match)]


def written(match: re.Match[str]) -> str:
    """Return a number without the blank behind its sign."""
    return re.sub(r"^([-−+])\s", r"\1", match[0].strip()).lstrip("+")


def _is_label(text: str, match: re.Match[str]) -> bool:
    if _LABEL.search(text[max(0, match.start() - 14) : match.start()]):
        return True
    before = text[: match.start()].rpartition("\n")[2]
    item = not before.strip("\t >*_#-") and _MARKER.match(text, match.start())
    return bool(item) and bool(text[match.end() :].lstrip(".) *_\t").split("\n", 1)[0].strip())
