r"""Answers that are recognised by their spelling: choices, times of day, numbers in a base, words.

Owns these spellings, in the languages that answers come in. Refuses what is only nearly one of them: 4:75 is no time,
2519_8 no number in base eight.
"""

import re
from typing import Literal

from stepcheck.answers.tokens import Token, Tokens, tokens
from stepcheck.answers.values import Based, Choice, Clock, Words
from stepcheck.answers.words import meaning, number_in_words, plain_words
from stepcheck.patterns import folded, regex

MOST_WORDS = 40

# ---- choices

_CALLED = (
    r"(?:options?|choices?|answers?|alternatives?|statements?|letters?|选项|选择|选|答案|应选|故选|antwort|opción|"
    r"réponse|ответ|вариант)"
)
_NAMING = regex(rf"^(?:the\s+)?(?:correct\s+)?{_CALLED}\s*(?:is|are|为|是|:)?\s*", re.IGNORECASE)
_WITH_CONTENT = regex(
    r"(?:\(\s*([A-Ja-j])\s*\)\s*[.:,-]?\s*|([A-J])\s*[).:]\s*|([a-j])\s*[)]\s*|([A-J])\s+-\s+)(\S.*)", re.DOTALL
)
_LONE = regex(r"\(\s*([A-Ja-j])\s*\)\.?(?:\s+only)?|([A-J])\s*[).:]?(?:\s+only)?|([a-j])\s*\)")
_RUN = regex(
    r"(?:[Bb]oth\s+)?\(?\s*[A-J]\s*\)?(?:\s*(?:,|;|/|&|\+|and|und|et|y|和|与|及)?\s*(?:(?:and|und|和)\s+)?\(?\s*[A-J]\s*\)?)+(?:\s+only)?"
)
_CIRCLED = regex(r"[①②③④⑤⑥⑦⑧⑨](?:[\s,;、和]|and)*(?:[①②③④⑤⑥⑦⑧⑨](?:[\s,;、和]|and)*)*")
_ROMAN = regex(
    r"(?:I|II|III|IV|V|VI|VII)(?:\s*(?:,|;|and|&|和)\s*(?:and\s+)?(?:I|II|III|IV|V|VI|VII))+(?:\s+only)?|(?:II|III|IV|VI|VII)(?:\s+only)?|I\s+only"
)


def choice(text: str) -> Choice | None:
    """Read the letters of choices: B, (B), B. 5 cm, option C, ABD, A and D, ①③; None for others."""
    named = _NAMING.match(text)
    rest = text[named.end() :] if named else text
    if not rest:
        return None
    if (lone := _LONE.fullmatch(rest)) or (named and (lone := re.fullmatch(r"([A-Ja-j])()()", rest))):
        letter = next(found for found in lone.groups() if found)
        return Choice(frozenset({letter.upper()}), certain=bool(named) or len(rest) > 1)
    for pattern, letter in ((_RUN, "[A-J](?![a-z])"), (_CIRCLED, "[①②③④⑤⑥⑦⑧⑨]"), (_ROMAN, "[IV]+")):
        if pattern.fullmatch(rest):
            letters = re.findall(letter, rest)
            if len(set(letters)) == len(letters):
                return Choice(frozenset(letters), certain=bool(named) or not rest.isalpha())
    if with_content := _WITH_CONTENT.fullmatch(rest):
        letter = next(found for found in with_content.groups()[:4] if found)
        return Choice(frozenset({letter.upper()}), with_content[5].strip(), certain=True)
    if named and (spoken := re.fullmatch(r"\(?([A-J])\)?\b[\s,].*", rest, re.DOTALL)):
        return Choice(frozenset({spoken[1]}), certain=True)
    return None


# ---- times of day

_HALVES = {
    "a": "am", "p": "pm", "上午": "am", "早上": "am", "早晨": "am", "凌晨": "am", "下午": "pm", "晚上": "pm",
    "傍晚": "pm", "in the morning": "am", "in the afternoon": "pm", "in the evening": "pm", "at night": "pm",
    "nachmittags": "pm", "morgens": "am", "abends": "pm",
}  # fmt: skip
_TIME = regex(
    r"(?:at |um |à |a las )?(?P<before>上午|早上|早晨|凌晨|下午|晚上|傍晚)?\s*(?P<hour>\d{1,2})"
    r"(?:\s*(?P<mark>[:.点點时時]|(?<!\s)h(?=\d))\s*(?:(?P<minute>\d{2})|(?P<half>半))?\s*分?(?:\s*:\s*(?P<second>\d{2}))?|(?P<clock>\s*o'?\s?clock|\s*uhr(?:\s+(?P<uhr>\d{2}))?))?"
    r"\s*(?:(?P<torn>[ap]\.\.)|(?P<ap>[ap])\s*\.?\s*(?P<m>m\s*\.?)?|"
    r"(?P<phrase>in the (?:morning|afternoon|evening)|at night|nachmittags|"
    r"morgens|abends))?"
    r"\s*(?:uhr|o'?clock|h|hrs|hours)?\s*(?:sharp|est|pst|gmt|utc)?"
)
_NAMED_TIMES = {
    "noon": (43_200, "24"), "midnight": (0, "24"), "12 noon": (43_200, "24"), "12 midnight": (0, "24"),
    "12:00 noon": (43_200, "24"), "12:00 midnight": (0, "24"), "中午12点": (43_200, "24"), "mittag": (43_200, "24"),
    "mitternacht": (0, "24"), "midday": (43_200, "24"),
}  # fmt: skip
_PAST = regex(
    r"(half|quarter|a quarter|[a-z-]+|\d{1,2})(?: minutes?)? (past|to|after|before) (\w+)\s*(?:(a|p)\.?\s*m\.?)?"
)
_HOURS_IN_A_HALF, _MINUTES_IN_AN_HOUR = 12, 60


def clock(text: str) -> Clock | None:
    """Read a time of day: 4:00 p.m., 16:00, 4 pm, 4 o'clock, 下午4点半, half past four; None for others."""
    text = " ".join(text.lower().split())
    text = text if text.endswith("..") else text.rstrip(". ")
    if text in _NAMED_TIMES:
        return Clock(_NAMED_TIMES[text][0], "24")
    found = _TIME.fullmatch(text)
    if found is None:
        return _past(text)
    half = "torn" if found["torn"] else _HALVES.get(found["ap"] or found["phrase"] or found["before"] or "", "")
    spoken = found["clock"] or (found["mark"] and found["mark"] not in ".h:")
    colon = found["mark"] == ":" and found["minute"]
    french = found["mark"] == "h" and found["minute"]
    if found["ap"] and not (found["m"] or colon):
        return None  # 2a is no time
    if not (half or spoken or colon or french) or (found["mark"] in {"点", "點", "时", "時"} and "小" in text):
        return None
    minute = int(found["minute"] or found["uhr"] or (30 if found["half"] else 0))
    return _time(int(found["hour"]), minute, int(found["second"] or 0), half)


def _time(hour: int, minute: int, second: int, half: str) -> Clock | None:
    """Make a time of day; None where there is no such time."""
    if hour > 24 or minute >= _MINUTES_IN_AN_HOUR or second >= _MINUTES_IN_AN_HOUR:  # noqa: PLR2004 (hours of a day)
        return None
    certain: Literal["am", "pm", "24", "torn", ""] = ""
    if half == "torn":
        certain = "torn"
    elif half and 1 <= hour <= _HOURS_IN_A_HALF:
        hour, certain = (
            hour % _HOURS_IN_A_HALF + (_HOURS_IN_A_HALF if half == "pm" else 0),
            "am" if half == "am" else "pm",
        )
    elif hour > _HOURS_IN_A_HALF or hour == 0:
        certain = "24"
    return Clock((hour % 24) * 3_600 + minute * 60 + second, certain)


def _past(text: str) -> Clock | None:
    """Read half past four, a quarter to 5, ten past three."""
    found = _PAST.fullmatch(text)
    if found is None:
        return None
    counts = {"half": 30, "quarter": 15, "a quarter": 15}
    minute = counts.get(found[1], _in_words(found[1]))
    hour = _in_words(found[3])
    if minute is None or hour is None or not 1 <= hour <= _HOURS_IN_A_HALF or minute >= _MINUTES_IN_AN_HOUR:
        return None
    total = hour * 60 + (minute if found[2] in {"past", "after"} else -minute)
    hour, minute = divmod(total, 60)
    return _time(hour or _HOURS_IN_A_HALF, minute, 0, _HALVES.get(found[4] or "", ""))


def _in_words(text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    found = tokens(text)
    read = number_in_words(found)
    return int(read[0]) if read and read[1] == len(found) else None


# ---- numbers in a base

_BASES = {
    "binary": 2,
    "octal": 8,
    "decimal": 10,
    "hexadecimal": 16,
    "hex": 16,
    "二进制": 2,
    "八进制": 8,
    "十进制": 10,
    "十六进制": 16,
}
_SUBSCRIPT = regex(
    r"\(?\s*(-?[0-9A-Za-z][0-9A-Za-z ,.]*?)\s*\)?\s*_\s*(?:\{\s*)?\(?\s*(?:base\s*)?([0-9]{1,2}|[a-z]+)\s*\)?\s*\}?"
)
_IN_BASE = regex(
    r"\(?\s*(-?[0-9A-Za-z][0-9A-Za-z ,.]*?)\s*\)?[\s,]*\(?\s*(?:in\s+)?base[\s-]*([0-9]{1,2}|[a-z]+)\s*\)?",
    re.IGNORECASE,
)
_NAMED_BASE = regex(
    rf"\(?\s*(-?[0-9A-Fa-f][0-9A-Fa-f ,.]*?)\s*[,(]?\s*(?:in\s+)?({'|'.join(_BASES)})\s*\)?"
    r"|(binary|octal|hexadecimal)\s+([0-9A-Fa-f]+)",
    re.IGNORECASE,
)
_PREFIXED = regex(r"0([xbo])([0-9A-Fa-f]+)")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LARGEST_BASE = len(_DIGITS)


def based(text: str) -> Based | None:
    """Read digits with their base: 2516_8, 1A_{16}, 1010 (base two), 0x1F; None for others."""
    if found := _PREFIXED.fullmatch(text):
        return _in_base(found[2], {"x": 16, "b": 2, "o": 8}[found[1]])
    for pattern in (_SUBSCRIPT, _IN_BASE):
        if found := pattern.fullmatch(text):
            return _in_base(found[1], _in_words(found[2].lower()))
    if found := _NAMED_BASE.fullmatch(text):
        return _in_base(found[1] or found[4], _BASES[folded(found[2] or found[3])])
    return None


def _in_base(digits: str, base: int | None) -> Based | None:
    """Make a number in a base; None if a digit is none of it."""
    digits = re.sub(r"[ ,]", "", digits).lower()
    plain = digits.lstrip("-").replace(".", "", 1)
    if base is None or not 2 <= base <= LARGEST_BASE or not plain:  # noqa: PLR2004 (the smallest base)
        return None
    if any(digit not in _DIGITS[:base] for digit in plain):
        return None
    whole, point, fraction = digits.partition(".")
    whole = re.sub(r"^(-?)0+(?=[^.])", r"\1", whole)
    return Based(whole + (point + fraction.rstrip("0")).rstrip("."), base)


# ---- words

_AT_THE_START = regex(r"(yes|no|true|false|是|否)\s*(?:[,.;:!。]|\bbecause\b|\bsince\b)", re.IGNORECASE)
_SAID = regex(
    r"^(?:it|this|that|the \w+|they|he|she|x)\s+(?:is|was|are|will be|falls on|would be)\s+(?:a |an |on |the )?",
    re.IGNORECASE,
)


def words(found: Tokens, text: str) -> Words | None:
    """Read an answer that is words; None where it is mathematics."""
    if not found or len(found) > MOST_WORDS:
        return None
    means = meaning(text) or _led(text)
    if means:
        return Words(plain_words(text), means)
    if not all(_is_wordy(token) for token in found) or not any(
        len(token.text) > 1 or not token.text.isascii() for token in found
    ):
        return None
    return Words(plain_words(text))


def _led(text: str) -> str | None:
    """Return what the word means that leads a sentence (Yes, because …), or that it says (it is Tuesday)."""
    if led := _AT_THE_START.match(text):
        return meaning(led[1])
    said = _SAID.sub("", text)
    return meaning(said) if said != text else None


def _is_wordy(token: Token) -> bool:
    return token.kind == "word" or token.is_sign("-", "'", ".", ",", ";", ":", "!", "?", '"')
