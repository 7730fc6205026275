r"""Where the formulas of a text are: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `\begin{…}…\end{…}`.

A dollar sign opens a formula only where another closes it: none that stands before a digit (`$100 - $40 = $60` is three
amounts), none after a blank unless one follows the opening too, and none around prose.
"""

import re
from dataclasses import dataclass

from stepcheck.answers.final.wording import AND, FUNCTIONS
from stepcheck.patterns import regex

_INNER = r"(?:\\.|[^$\\])"
_FORMULA = regex(
    rf"""\$\$(?P<display>{_INNER}{{1,1500}}?)\$\$
    | \\\[(?P<square>.{{1,1500}}?)\\\] | \\\((?P<round>.{{1,1500}}?)\\\)
    | (?<![\\$])\$(?P<close>(?=\S){_INNER}{{1,800}}?(?<=[^\s\\]))\$(?!\d)
    | (?<![\\$\w])\$(?P<wide>\s{_INNER}{{1,400}}?\s)\$(?!\d)
    | (?P<begun>\\begin\{{(?P<kind>[a-z]{{1,12}})\*?\}}.{{1,1500}}?\\end\{{(?P=kind)\*?\}})""",
    re.DOTALL | re.VERBOSE,
)
_COMMAND = regex(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|operatorname)\s?\{[^{}]*\}|\\[A-Za-z]+")
_WORD = regex(r"[^\W\d_]?[^\W\d_A-Z]{2,}")
TELLING = 2
"""So many words between dollar signs are prose."""
BETWEEN = regex(rf"(?:\s|{AND}|\\[,;]|\*)*+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with its delimiters at `start` to `end`; `text` is what is in it."""

    start: int
    end: int
    text: str


def find_formulas(text: str) -> list[Formula]:
    """Return the formulas of a short text, in order."""
    found = []
    for match in _FORMULA.finditer(text):
        inner = match["begun"] or next(part for part in match.groups() if part is not None)
        plain = match["close"] or match["wide"]
        if plain is None or len(prose(plain)) < TELLING:
            found.append(Formula(match.start(), match.end(), inner.strip()))
    return found


def masked(text: str, formulas: list[Formula]) -> str:
    """Put a sign that is nothing else in the place of every formula, so that what is left is words."""
    pieces, end = [], 0
    for formula in formulas:
        pieces += [text[end : formula.start], "\x00" * (formula.end - formula.start)]
        end = formula.end
    return "".join([*pieces, text[end:]])


def last_run(text: str, formulas: list[Formula]) -> list[Formula]:
    """The last formulas that only `and`, `or` or a comma parts: a list."""
    first = len(formulas) - 1
    while first > 0 and BETWEEN.fullmatch(text, formulas[first - 1].end, formulas[first].start):
        first -= 1
    return formulas[first:]


def first_run(text: str, formulas: list[Formula]) -> list[Formula]:
    """The first formulas that only `and`, `or` or a comma parts."""
    count = 1
    while count < len(formulas) and BETWEEN.fullmatch(text, formulas[count - 1].end, formulas[count].start):
        count += 1
    return formulas[:count]


def prose(text: str) -> list[str]:
    """The words of a text that belong to no formula: three letters or more, not all of them capitals."""
    words = _WORD.findall(_COMMAND.sub(" ", text))
    return [word for word in words if len(word) > 2 and word.lower() not in FUNCTIONS]  # noqa: PLR2004 (xy, km)
