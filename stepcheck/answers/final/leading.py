r"""Words that begin with a value → that value with its unit, without the clause behind it: `72 km, as asked`."""

import re

from stepcheck.answers.final.formulas import BETWEEN, Formula, find_formulas, first_run, masked, prose
from stepcheck.answers.final.numerals import find_numbers, written
from stepcheck.answers.final.sides import outcome
from stepcheck.answers.final.wording import CLAUSE, IS
from stepcheck.patterns import regex

_AND = regex(r"(?<=[\d)}°%])\s+(?:y|o|e|u|ou|et|и|или)\s+(?=[-−\d(\\]|[a-z]\s?=)")
_VALUE = regex(
    r"""[-−+±]?\s?(?:\(?(?:US|R|C|A)?\\?[$€£¥₹]\s?)?[-−]?(?:\d|\.\d|[½⅓⅔¼¾√π∞∅±\x00])
    | \\(?!text|mathrm|textbf|mbox|[()\[\]])[A-Za-z{]
    | [(\[{|]\s?[-−\d\\A-Za-z√π∞\x00](?![a-z]{2})
    | [A-J]{1,6}(?![\w'’])
      (?=[\s.):,;]*(?:$|\n|[-+=^]|\W\w?\W)|\s*(?:[,;.:)(、，。；和与及]|(?:and|or|because|since|weil|denn|car|porque)\b))
    | \(?[a-jA-J]\)\s
    | (?:(?:arc|a)?(?:sin|cos|tan)h?|cot|log|ln|lg|exp|sqrt|cbrt|abs|floor|ceil|max|min|gcd|lcm|pi)(?![a-z])
    | [A-Za-z]{1,2}(?:_\w|\(\w\))?\s?(?:[-+*/^=<>≤≥≠∈²³⁴⁵⁶⁷⁸⁹⁻ⁿ·×(≡≈~]
      |\\(?:[lg]eq?(?:slant|q)?|[lg]t|neq?|in|equiv|approx|cdot|times|pm|to|cup|cap)(?![a-z]))
    | [a-z](?![\w'’])\s?[.,;]?$""",
    re.VERBOSE,
)
_ASIDE = regex(
    r"[,;]\s{1,3}(?=[^\W\d_]{2})(?!(?:and|or|und|oder|sowie|et|ou)\s)|[，；](?=[^\W\d_]{2})|\s[-–—]\s(?=[^\W\d_]{2})|[,;]?\s(?=i\.e\.|e\.g\.|viz\.|z\.\s?B\.|d\.\s?h\.)"
    r"|\s[(（](?!mod\b)(?=[^()]*(?:[^\W\d_]{3}|[=≈])|\s?(?:\\?[$€£¥]\s?\d[\d.,]*|\d[\d.,]*\s?[^\W\d_]{1,2}\W?)\s?[)）])"
)
_NAMED = regex(rf"\$?\\?[A-Za-z]{{1,8}}(?:_\{{?\w{{1,4}}\}}?)?\$\s+{IS}\s", re.IGNORECASE)
"""`$n$ is 34`: a name, and what is said of it."""
_HENCE = regex(
    r"(?<!\w)(?:so|thus|hence|giving|which\s+(?:is|gives|equals)|that\s+is|i\.e\.|donc|also|daher)(?!\w)[\s,:]*$",
    re.IGNORECASE,
)
BARE_NAME = regex(r"\\?[A-Za-z]{1,8}(?:_\{?\w{1,4}\}?)?(?:\([a-z]\))?")
_AFTER = r"left|altogether|total|together|more|less|fewer|long|high|tall|wide|deep|old|away|apart|remaining"
_SMALL = rf"is|are|was|were|have|has|had|in|on|at|of|to|that|does|do|can|will|there|{_AFTER}"
_NO_UNIT = regex(rf"(?:{_SMALL})$", re.IGNORECASE)
_BEHIND = regex(
    rf"([-−]?\\?[$€£¥₹]?\d\S*(?:\s(?!(?:{_SMALL})\b)[^\W\d_]{{1,20}}){{0,2}})\s(?:(?:{_SMALL})(?=\s+\S)|(?:{_AFTER})$)",
    re.IGNORECASE,
)
"""A number with what it counts, before `in May`, `of them`, `left`."""
_WIDE_UNIT = regex(r"\s?[\u4e00-\u9fff\u3040-\u30ff]{1,4}(?![\u4e00-\u9fff\u3040-\u30ff])")


def first_value(words: str) -> str | None:
    """The value that words begin with, empty where it is cut off; None where they begin with words."""
    formulas = find_formulas(words)
    hidden = masked(words, formulas)
    if not _VALUE.match(hidden) or _NAMED.match(words):
        return None
    return (_from_formula(words, formulas) if hidden.startswith("\x00") else _from_value(words, hidden)) or ""


def _from_formula(words: str, formulas: list[Formula]) -> str | None:
    run = first_run(words, formulas)
    tail = words[run[-1].end :]
    if re.match(r"\s*[=≈]", tail):
        return outcome(run[-1].text + tail)
    numbers = find_numbers(masked(tail, find_formulas(tail)))
    if not re.search(r"\d", run[-1].text):  # `$m + n$ where …, so 7`
        worth = [number for number in numbers if _HENCE.search(tail[: number.start()])]
        if worth:
            return with_list(tail, numbers, worth[-1])
    return listed(run, tail)


def listed(run: list[Formula], tail: str) -> str | None:
    """What formulas come to, as a list, with the unit behind them."""
    texts = list(dict.fromkeys(filter(None, (outcome(formula.text) for formula in run))))
    unit = _unit(tail)
    return ", ".join(texts) + (rf"\text{{ {unit}}}" if unit and texts else "") or None


def _from_value(words: str, hidden: str) -> str | None:
    cut = _cut(hidden)
    text = outcome(_AND.sub(", ", words[:cut].strip().rstrip(",;:")))
    if text is None:
        return None
    said = prose(text)
    behind = _BEHIND.match(text)
    if behind and not re.search(r"\d", text[behind.end() :]):
        return behind[1]
    if not said or len(text.split()) <= 6:  # noqa: PLR2004 (a number, and what it counts)
        return text
    head = text[: text.index(said[0])].strip().rstrip(",;(")
    return head if _NO_UNIT.match(said[0]) else f"{head} {said[0]}".strip()


def _cut(hidden: str) -> int:
    """Where the clause behind a value begins."""
    found = [match.start() for pattern in (CLAUSE, _ASIDE) if (match := pattern.search(hidden, 1))]
    return min(found, default=len(hidden))


def _unit(tail: str) -> str:
    """The unit behind a formula: up to three words that end the sentence or the clause."""
    words = re.split(r"[,.;:(]", tail[: _cut(f"x{tail}") - 1], maxsplit=1)[0].split()
    wide = _WIDE_UNIT.fullmatch(tail)
    if wide:
        return wide[0].strip()
    good = 0 < len(words) <= 3 and re.fullmatch(r"[^\W\d_][^\W_]*(?:[/^²³·][\w^²³/]*)?", words[0])  # noqa: PLR2004
    return " ".join(words) if good and not any(map(_NO_UNIT.match, words)) else ""


def with_list(words: str, numbers: list[re.Match[str]], chosen: re.Match[str]) -> str:
    """A number with those that `and` or a comma joins to it, and with what it counts."""
    place = numbers.index(chosen)
    first = last = place
    while first and BETWEEN.fullmatch(words, numbers[first - 1].end(), numbers[first].start()):
        first -= 1
    while last + 1 < len(numbers) and BETWEEN.fullmatch(words, numbers[last].end(), numbers[last + 1].start()):
        last += 1
    tail = words[numbers[last].end() :]
    unit = _unit(tail) or _counted(tail)
    blank = " " if tail[:1].isspace() else ""
    return ", ".join(written(number) for number in numbers[first : last + 1]) + (f"{blank}{unit}" if unit else "")


def _counted(tail: str) -> str:
    """The word behind a number in a longer sentence: what it counts."""
    wide = _WIDE_UNIT.match(tail)
    if wide:
        return wide[0].strip()
    word = re.match(r"\s([^\W\d_]{1,20}(?:[²³]|\^\d)?)(?!\w)", tail)
    return word[1] if word and not _NO_UNIT.match(word[1]) and not CLAUSE.match(f" {word[1]}") else ""
