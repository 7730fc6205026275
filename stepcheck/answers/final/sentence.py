r"""A text that states an answer → the answer in its first sentence.

Three manners: it begins with a value (`72, as asked`), it is a sentence with a value in it (`that $n$ is 34`), or it is
words alone (`no solution`). Refuses what denies (`not 5`), asks, stops in the middle, or stands in place of an answer.
"""

import re
from dataclasses import dataclass
from typing import Literal

from stepcheck.answers.final.formulas import BETWEEN, Formula, find_formulas, first_run, last_run, masked, prose
from stepcheck.answers.final.numerals import find_numbers, written
from stepcheck.answers.final.sides import is_chain, outcome
from stepcheck.answers.final.wording import (
    ADVERBS,
    BUT,
    CLAUSE,
    DATE,
    ENDINGS,
    IS,
    NEGATED,
    NO_ANSWER,
    PLACEHOLDER,
    REASON,
    VAGUE,
    YES_NO,
)  # fmt: skip

LONGEST = 1_500
"""Characters behind a phrase that are looked at."""
MOST_WORDS = 12
"""Of an answer without any value."""
_LEAD = re.compile(r"(?:[\s*_`\"“”'’>:：~}\])】」|]|<[a-zA-Z]{1,8}>|(?<=\n)-\s|•|#{1,6}\s|\\[,;!](?!\w)|={3,}|-{3,})*+")
_TAGS = re.compile(r"</?[a-zA-Z]{1,8}(?:\s[^<>\n]{0,60})?/?>")
_BOLD = re.compile(r"(?<![\w)])(\*\*|__|\*|`)(?=\S)([^*_`\n]{1,200}?)(?<=\S)\1(?!\w)")
_END = re.compile(r"(?<=[^\d\s])\.(?=\s|$)|\.(?=\s+[^\W\d_a-z]|\s+\x00|\s*$)|\n|[。；]|．(?=\s|$)|[?？!](?=\s|$)")
_NO_END = re.compile(r"(?:approx|ca|i\.e|e\.g|no|nr|resp|vs|mr|mrs|dr|st|sq|cu)$", re.IGNORECASE)
_LIST = re.compile(r"1[.)]\s(?=[\s\S]{0,1200}?\n\s{0,4}2[.)]\s)")
"""The first item of a list: what is under it is worked out, not stated."""
_AND = re.compile(r"(?<=[\d)}°%])\s+(?:y|o|e|u|ou|et|и|или)\s+(?=[-−\d(\\]|[a-z]\s?=)")
_LETTER = re.compile(r"[\s*_(]*[A-J][)*_]*$")
_UNFINISHED = re.compile(r"(?:[-+*/=^({\[\\,×÷]|(?<!\w)(?:the|and|of|is|to|a|or|by))$")
_VALUE = re.compile(
    r"""[-−+±]?\s?(?:\(?(?:US|R|C|A)?\\?[$€£¥₹]\s?)?[-−]?(?:\d|\.\d|[½⅓⅔¼¾√π∞∅±\x00])
    | \\(?!text|mathrm|textbf|mbox|[()\[\]])[A-Za-z{]
    | [(\[{|]\s?[-−\d\\A-Za-z√π∞\x00](?![a-z]{2})
    | [A-J]{1,6}(?![\w'’])
      (?=[\s.):,;]*(?:$|\n|[-+=^]|\W\w?\W)|\s*(?:[,;.:)(]|(?:and|or|because|since|weil|denn|car|porque)\b))
    | (?:sin|cos|tan|cot|log|ln|exp|sqrt|pi)(?![a-z])
    | [A-Za-z]{1,2}(?:_\w|\(\w\))?\s?(?:[-+*/^=<>≤≥≠∈²³(]
      |\\(?:[lg]eq?|[lg]t|neq?|in|equiv|approx|cdot|times|pm|to|cup|cap)(?![a-z]))
    | [a-z](?![\w'’])\s?[.,;]?$""",
    re.VERBOSE,
)
_ASIDE = re.compile(
    r"[,;]\s{1,3}(?=[^\W\d_]{2})(?!(?:and|or|und|oder|sowie|et|ou)\s)|[，；](?=[^\W\d_]{2})|\s[-–—]\s(?=[^\W\d_]{2})|[,;]?\s(?=i\.e\.|e\.g\.|viz\.|z\.\s?B\.|d\.\s?h\.)"
    r"|\s[(（](?!mod\b)(?=[^()]*(?:[^\W\d_]{3}|[=≈])|\s?(?:\\?[$€£¥]\s?\d[\d.,]*|\d[\d.,]*\s?[^\W\d_]{1,2}\W?)\s?[)）])"
)
_CONDITION = re.compile(
    r"(?<!\w)(?:for|when|if|where|with|at|as|of|given|für|wenn|bei|pour|si|avec|para|con|per|se|com|для|при|если)\s{1,3}$",
    re.IGNORECASE,
)
_HENCE = re.compile(
    r"(?<!\w)(?:so|thus|hence|giving|which\s+(?:is|gives|equals)|that\s+is|i\.e\.|donc|also|daher)(?!\w)[\s,:]*$",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"(?:(?:the\s+|die\s+|la\s+|l['’])?(?:options?|choices?|letters?|answers?|statements?|选项|選項|opción|opzione|opção|letra|lettera|lettre|alternativa|buchstabe"
    r"|вариант)[\s:：]{1,3}[(（\[*]{0,3}(?P<named>[A-J])|(?:la|le|il|die|der|a|o)\s[(（]?(?-i:(?P<short>[A-J])))"
    r"(?:\)|）|(?!\w))(?!['’])",
    re.IGNORECASE,
)
_BARE_NAME = re.compile(r"\\?[A-Za-z]{1,8}(?:_\{?\w{1,4}\}?)?(?:\([a-z]\))?")
_COPULA = re.compile(rf"(?<=\s){IS}(?=[\s*:])", re.IGNORECASE)
_SAYS = re.compile(rf"(?:{IS}|[=:≈]|=>)\s{{0,3}}(?:{ADVERBS.pattern})?[\s$*(]{{0,3}}$", re.IGNORECASE)
_AFTER = r"left|altogether|total|together|more|less|fewer|long|high|tall|wide|deep|old|away|apart|remaining"
_SMALL = rf"is|are|was|were|have|has|had|in|on|at|of|to|that|does|do|can|will|there|{_AFTER}"
_NO_UNIT = re.compile(rf"(?:{_SMALL})$", re.IGNORECASE)
_BEHIND = re.compile(
    rf"([-−]?\\?[$€£¥₹]?\d\S*(?:\s(?!(?:{_SMALL})\b)[^\W\d_]{{1,20}}){{0,2}})\s(?:(?:{_SMALL})(?=\s+\S)|(?:{_AFTER})$)",
    re.IGNORECASE,
)
"""A number with what it counts, before `in May`, `of them`, `left`."""
_WIDE_UNIT = re.compile(r"\s?[\u4e00-\u9fff\u3040-\u30ff]{1,4}(?![\u4e00-\u9fff\u3040-\u30ff])")

Manner = Literal["value", "sentence", "words"]


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer, the manner of its sentence, and where in the text that sentence ends.

    `works` says that the sentence works it out (`3 * 4 = 12`), as a reply that only begins would.
    """

    text: str
    manner: Manner
    end: int
    works: bool = False


def read_sentence(text: str, *, exclaims: bool = False) -> Stated | None:
    """Return the answer that the first sentence of a text states; None if it states none.

    `24!` at a line's end is a factorial, but where the sentence `exclaims`: "the answer is 24!".
    """
    start = _end_of(_LEAD, text, 0)
    sentence, end, asked = _first_sentence(text[: start + LONGEST], start, exclaims=exclaims)
    words = _stated_part(tidy(sentence))
    if "'" in text[:start]:
        words = words.removesuffix("'")
    if (
        asked
        or not words
        or placeholder(words)
        or _LIST.match(text, start)
        or _UNFINISHED.search(words)
        or _open_formula(words)
    ):
        return None
    found = _first_value(words)
    if found is not None:
        return Stated(found, "value", end, is_chain(words)) if found else None
    chosen = _CHOICE.match(words)
    if chosen:
        return Stated((chosen["named"] or chosen["short"]).upper(), "value", end)
    return _from_words(words, end)


def tidy(text: str) -> str:
    """Take away what only changes the looks of a sentence: tags, emphasis, quotes, its full stop."""
    text = re.sub(r"^<([^<>]{1,80})>\W*$", r"\1", _TAGS.sub("", text).strip())
    for _ in range(2):
        text = _BOLD.sub(r"\2", text)
    text = re.sub(r"(?:\*\*|`)(?=[\s.,;:!?)]|$)", "", text)
    text = _balanced(text.strip('*_`"“” \t\n'))
    return re.sub(r"(?:(?<=[^.])[.。．]|(?<=[^\d)])!)$", "", text.rstrip('*_`"“” \t\n')).rstrip('*_`"“” ')


def placeholder(text: str) -> bool:
    """Tell whether a text only stands where an answer would: `answer`, `…`, nothing."""
    return PLACEHOLDER.fullmatch(text[:80]) is not None and r"\{" not in text and "{}" not in text.strip("$ ")[1:]


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _first_sentence(text: str, start: int, *, exclaims: bool) -> tuple[str, int, bool]:
    """The sentence that begins at `start`, where it ends, and whether it asks; a colon at a line's end goes on."""
    hidden = masked(text, find_formulas(text))
    for match in _END.finditer(hidden, start):
        before = hidden[start : match.start()]
        letter = match[0] == "." and _LETTER.match(before) and not re.match(r"\s+[A-Z][a-z]", hidden[match.end() :])
        if match[0] == "." and (letter or before.endswith("..") or _NO_END.search(before)):
            continue
        if (
            match[0] == "!"
            and not exclaims
            and before[-1:].isdigit()
            and hidden[match.end() : match.end() + 1] in {"", "\n"}
        ):
            continue
        if match[0] == "\n" and (before.rstrip(" *_").endswith((":", "：")) or not before.strip()):
            continue
        return text[start : match.start()], match.end(), match[0] in "?？"
    return text[start:], len(text), False


def _stated_part(words: str) -> str:
    """What a sentence states: behind `not 5 but`, without adverbs and the ends of Japanese and Korean sentences."""
    if NEGATED.match(words):
        turned = BUT.search(words)
        words = words[turned.end() :].strip() if turned else ""
    for _ in range(4):
        words = words[_end_of(ADVERBS, words, 0) :]
    return ENDINGS.sub("", words).strip('*_`"“” \t\n')


def _open_formula(words: str) -> bool:
    """Tell whether a formula is begun and not ended: a reply that was cut off."""
    hidden = masked(words, find_formulas(words))
    opened = re.search(r"\\[(\[]|\\begin\{|(?<!\\)\$\s?(?=[\\A-Za-z{(])", hidden)
    return opened is not None


def _balanced(text: str) -> str:
    r"""Cut at a bracket or `\]` that closes what was opened before the text, `$` too."""
    depth = 0
    for match in re.finditer(r"\\[\[(\])]|\\.|[{}]", text):
        sign = match[0]
        depth += sign in {"{", r"\[", r"\("}
        depth -= sign in {"}", r"\]", r"\)"}
        if depth < 0:
            return text[: match.start()].strip()
    for mark in ("$$", "$"):
        if text.endswith(mark) and text.count(mark) == 1 and not text.endswith("\\$"):
            return text[: -len(mark)].strip()
    return text


# ---- a sentence that begins with its value


def _first_value(words: str) -> str | None:
    """The value that words begin with, empty where it is cut off; None where they begin with words."""
    formulas = find_formulas(words)
    hidden = masked(words, formulas)
    if not _VALUE.match(hidden):
        return None
    return (_from_formula(words, formulas) if hidden.startswith("\x00") else _from_value(words, hidden)) or ""


def _from_formula(words: str, formulas: list[Formula]) -> str | None:
    run = first_run(words, formulas)
    tail = words[run[-1].end :]
    if re.match(r"\s*[=≈]", tail):
        return outcome(run[-1].text + tail)
    said = re.match(rf"\s+{IS}\s+", tail, re.IGNORECASE)
    numbers = find_numbers(masked(tail, find_formulas(tail)))
    if said and len(run) == 1 and _BARE_NAME.fullmatch(run[0].text) and (numbers or len(formulas) > 1):
        return _last_value(words, formulas)
    if not re.search(r"\d", run[-1].text):  # `$m + n$ where …, so 7`
        worth = [number for number in numbers if _HENCE.search(tail[: number.start()])]
        if worth:
            return _with_list(tail, numbers, worth[-1])
    return _listed(run, tail)


def _listed(run: list[Formula], tail: str) -> str | None:
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


# ---- a sentence with its value somewhere


def _from_words(words: str, end: int) -> Stated | None:
    affirmed = YES_NO.match(words)
    if affirmed:
        return (
            Stated(affirmed[0], "words", end) if not re.match(r"\s+\w", words[affirmed.end() :]) else _plain(words, end)
        )
    if DATE.match(words):
        return Stated(words, "value", end)
    formulas = find_formulas(words)
    cut = REASON.search(masked(words, formulas), 1)
    head = words[: cut.start()].strip() if cut else words
    if cut and not re.search(r"\d|\$|\\", head) and len(head.split()) > 4:  # noqa: PLR2004 (words that are an answer)
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
    return _first_value(behind[_end_of(ADVERBS, behind, 0) :])


def _last_value(words: str, formulas: list[Formula]) -> str | None:
    """The last formula that is more than a name, or the number that is said to be it behind that."""
    hidden = masked(words, formulas)
    numbers = find_numbers(hidden)
    telling = [formula for formula in formulas if not _BARE_NAME.fullmatch(formula.text)]
    free = [formula for formula in telling if not _CONDITION.search(hidden[: formula.start])]
    telling = free if free or numbers else telling
    if telling or (formulas and not numbers):
        run = last_run(words, telling or formulas)
        behind = [n for n in numbers if n.start() > run[-1].end and _SAYS.search(hidden[: n.start()])]
        if not behind:
            return _listed(run, words[run[-1].end :])
        numbers = behind
    if not numbers:
        return None
    said = [n for n in numbers if _SAYS.search(hidden[max(0, n.start() - 40) : n.start()])]
    return _with_list(words, numbers, (said or numbers)[-1])


def _with_list(words: str, numbers: list[re.Match[str]], chosen: re.Match[str]) -> str:
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
