r"""Words with a value somewhere → that value: `that $n$ is 34`, `Uma needs 15 toys`; else short words themselves."""

import re

from stepcheck.answers.final.formulas import Formula, find_formulas, last_run, masked
from stepcheck.answers.final.leading import BARE_NAME, first_value, listed, with_list
from stepcheck.answers.final.numerals import find_numbers
from stepcheck.answers.final.stated import Stated, end_of
from stepcheck.answers.final.wording import ADVERBS, DATE, IS, NO_ANSWER, REASON, VAGUE, YES_NO
from stepcheck.patterns import regex

MOST_WORDS = 12
"""Of an answer without any value."""
_CONDITION = regex(
    r"(?<!\w)(?:for|when|if|where|with|at|as|of|given|für|wenn|bei|pour|si|avec|para|con|per|se|com|для|при|если)\s{1,3}$",
    re.IGNORECASE,
)
_ALL_BUT = regex(
    r"(?:all|every|any|each)\s[\w\s]{1,40}?(?:except|but|other\s+than|apart\s+from)\s[^\n.]{1,30}$", re.IGNORECASE
)
"""A set that is told by what is not in it."""
_DENIES = regex(r"(?:^|\s)(?:does|do|did|is|are|can|could|will)$", re.IGNORECASE)
"""`does not exist`: this `not` begins no reason."""
_COPULA = regex(rf"(?<=\s){IS}(?=[\s*:])", re.IGNORECASE)
_SAYS = regex(rf"(?:{IS}|[=:≈]|=>|i\.e\.,?)\s{{0,3}}(?:{ADVERBS.pattern})?[\s$*(]{{0,3}}$", re.IGNORECASE)


def read_words(words: str, end: int) -> Stated | None:
    """Return what words that begin with no value state, in a sentence that ends at `end`; None if nothing."""
    affirmed = YES_NO.match(words)
    if affirmed:
        return (
            Stated(affirmed[0], "words", end) if not re.match(r"\s+\w", words[affirmed.end() :]) else _plain(words, end)
        )
    if DATE.match(words) or _ALL_BUT.match(words):
        return Stated(words, "value", end)
    formulas = find_formulas(words)
    cut = REASON.search(masked(words, formulas), 1)
    head = words[: cut.start()].strip() if cut else words
    if cut and not re.search(r"\d|\$|\\", head) and len(head.split()) > 4:  # noqa: PLR2004 (words that are an answer)
        head = words
    if cut and _DENIES.search(head):
        head = words
    value = _said_value(head) or _last_value(head, find_formulas(head))
    if value is None:
        return _plain(head, end)
    vague = VAGUE.match(head) and not re.search(rf"\s{IS}\s|=", head, re.IGNORECASE)
    return None if vague else Stated(value, "sentence", end)


def _plain(words: str, end: int) -> Stated | None:
    short = len(words.split()) <= MOST_WORDS and len(words) <= 80  # noqa: PLR2004 (a line)
    return Stated(words, "words", end) if short and not NO_ANSWER.match(words) else None


def _said_value(words: str) -> str | None:
    """The value behind the last copula: `the largest $n$ is 34`."""
    copulas = [*_COPULA.finditer(masked(words, find_formulas(words)))]
    if not copulas:
        return None
    behind = words[copulas[-1].end() :].lstrip(" *_:")
    return first_value(behind[end_of(ADVERBS, behind, 0) :])


def _last_value(words: str, formulas: list[Formula]) -> str | None:
    """The last formula that is more than a name, or the number that is said to be it behind that."""
    hidden = masked(words, formulas)
    numbers = find_numbers(hidden)
    telling = [formula for formula in formulas if not BARE_NAME.fullmatch(formula.text)]
    free = [formula for formula in telling if not _CONDITION.search(hidden[: formula.start])]
    telling = free if free or numbers else telling
    if telling or (formulas and not numbers):
        run = last_run(words, telling or formulas)
        behind = [n for n in numbers if n.start() > run[-1].end and _SAYS.search(hidden[: n.start()])]
        if not behind:
            return listed(run, words[run[-1].end :])
        numbers = behind
    if not numbers:
        return None
    said = [n for n in numbers if _SAYS.search(hidden[max(0, n.start() - 40) : n.start()])]
    return with_list(words, numbers, (said or numbers)[-1])
