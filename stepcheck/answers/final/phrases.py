r"""Answers that a phrase states: "the answer is …", `**Answer:** …`, a heading with the answer under it, 故选：B.

Owns what may stand between name and answer, and which phrases state nothing: "the wrong answer is …", "if the answer
is …". Refuses phrases of which only the last could matter: no more than the last `MOST` are looked at.
"""

import re
from dataclasses import dataclass

from stepcheck.answers.final.formulas import find_formulas, prose
from stepcheck.answers.final.marks import Rule
from stepcheck.answers.final.numerals import find_numbers, written
from stepcheck.answers.final.sentence import read_sentence
from stepcheck.answers.final.sides import outcome
from stepcheck.answers.final.stated import Stated
from stepcheck.answers.final.wording import BUT, HEADING, PHRASE, SAYS_NOT, STEMS, UNSAID
from stepcheck.patterns import regex

MOST = 60
_CHOSEN = regex(
    r"(?:故选|故選|应选|應選|故答案选|答案选|因此选|所以选|选项|選項|选择|選擇|(?<![挑筛精首])[选選])\s{0,3}+(?:是|为|：|:)?\s{0,3}+[(（]?\s{0,3}+"
    r"(?P<letters>[A-J](?:[\s,、，和与及]{0,2}[A-J]){0,5})(?![A-Za-z])[)）]?(?=[\s。．.，,；;!！$*]|正确|是正确|项|选项|$)"
)
_CHOSEN_VALUE = regex(r"(?:故选|故選|应选|應選|故填|故答案)\s{0,3}+(?:是|为|：|:)\s{0,3}+")
_BARE = regex(
    r"^[ \t#*_>]{0,8}+final\s{1,3}answer[ \t*_]{1,6}+(?=[-−]?[\d$\\(]|[A-J]\W{0,3}$)", re.IGNORECASE | re.MULTILINE
)
_REPLY = regex(r"^[ \t]{0,4}(?:所以|因此)?答\s{0,3}[:：]", re.MULTILINE)
_OPTION = regex(
    r"(?:option|choice|answer|alternative|statement)\s{1,3}[(（*]{0,3}(?P<letter>[A-J])[)）*]{0,3}\s{1,3}(?:is|must\s+be)\s{1,3}(?:the\s+)?(?:only\s+)?"
    r"(?:correct|right|answer|true)|(?<![\w])[(（*]{0,3}(?P<alone>[A-J])[)）*]{0,3}\s{1,3}is\s{1,3}(?:the|our)\s{1,3}(?:correct|right|final)\s"
    r"{1,3}(?:answer|option|choice)",
    re.IGNORECASE,
)
_CLAUSES = regex(r"\n|[.;:]\s|[,，。；：]\s?|(?<!\w)(?:so|thus|therefore|hence|that|get|gives?|and)\s", re.IGNORECASE)
_BEHIND = regex(
    r"(?<=[^\s,;:.])[*\s]{1,4}+(?:is|are|ist|sind|est|sont|es|son|è|é)\s{1,3}+(?:therefore\s|thus\s)?(?:the|our|my|die|la|a)\s{1,3}+(?:(?:final|correct|required|desired)\s{1,3}+)?"
    r"(?:answers?|antwort|réponse|respuesta|risposta|resposta)(?![\w'’])(?!\s+(?:to|of|choice)\s+(?:a|the\s+wrong))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase and what it states. `labelled`: a name and a colon, a heading; not a sentence about the answer."""

    start: int
    end: int
    stated: Stated | None
    rule: Rule
    labelled: bool


def find_phrases(text: str) -> list[Phrase]:
    """Return the phrases of a text that might state its answer, in order; those that state nothing too."""
    places = _named(text)
    found = [_said(text, match) for match in _phrases(text, places)]
    found += [_under(text, match) for match in _headings(text, places)]
    for pattern in (_REPLY, _CHOSEN_VALUE, _BARE):
        found += [_labelled(text, match, "phrase") for match in [*pattern.finditer(text)][-MOST:]]
    for pattern in (_CHOSEN, _OPTION):
        found += [_chosen(match) for match in [*pattern.finditer(text)][-MOST:]]
    found += [_before(text, match) for match in [*_BEHIND.finditer(text)][-MOST:]]
    return sorted(found, key=lambda phrase: (phrase.start, phrase.rule != "choice"))


def _named(text: str) -> list[int]:
    """Where the last names of an answer begin, or what could be one."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter that is two in lower case moves all behind it
        lower = "".join(small if len(small := char.lower()) == 1 else char for char in text)
    found: set[int] = set()
    for stem in STEMS:
        at = len(lower)
        for _ in range(2 * MOST):
            at = lower.rfind(stem, 0, at)
            if at < 0:
                break
            found.add(at)
    return sorted(found)


def _phrases(text: str, places: list[int]) -> list[re.Match[str]]:
    """The last phrases, none of which begins within another."""
    found: list[re.Match[str]] = []
    for place in places:
        if found and place < found[-1].end():
            continue
        match = (PHRASE.match(text, place - 1) if place and text[place - 1] in "[【「" else None) or PHRASE.match(
            text, place
        )
        if match:
            found.append(match)
    return found[-MOST:]


def _headings(text: str, places: list[int]) -> list[re.Match[str]]:
    """The last lines that are headings."""
    starts = dict.fromkeys(text.rfind("\n", 0, place) + 1 for place in places)
    found = [match for start in starts if (match := HEADING.match(text, start))]
    return found[-MOST:]


def _said(text: str, match: re.Match[str]) -> Phrase:
    """A name and a copula or a colon: `the answer is`, `Answer:`."""
    labelled = match["is"] is None
    near = text[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
    if UNSAID.search(near) or (_denies(match["is"]) and not _turned(text, match)):
        return Phrase(match.start(), match.end(), None, "phrase", labelled)
    return _labelled(text, match, "phrase", labelled=labelled)


def _denies(copula: str | None) -> bool:
    return copula is not None and SAYS_NOT.fullmatch(copula) is not None


def _turned(text: str, match: re.Match[str]) -> bool:
    """Tell whether a denial goes on with what the answer is instead."""
    line = text[match.end() : match.end() + 200].split("\n", 1)[0]
    return BUT.search(line) is not None


def _labelled(text: str, match: re.Match[str], rule: Rule, *, labelled: bool = True) -> Phrase:
    rest = text[match.end() : match.end() + 2_000]
    if "is" in match.re.groupindex and _denies(match["is"]):
        rest = f"not {rest}"
    stated = read_sentence(rest, exclaims=not labelled and match[0].rstrip(" *_")[-1:] not in ":：")
    below = re.match(r"[\s*_:：]*\n", rest) is not None
    end = match.end() + (stated.end if stated else 0)
    return Phrase(match.start(), end, stated, "heading" if below and labelled else rule, labelled)


def _under(text: str, match: re.Match[str]) -> Phrase:
    """A heading: the answer is under it, up to the next heading; a list under it is a list of answers."""
    block = re.split(r"\n[ \t]*#{1,6}[ \t]", text[match.end() : match.end() + 2_000], maxsplit=1)[0]
    stated = read_sentence(block)
    items = re.match(r"\s*((?:[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+[^\n]{1,200}(?:\n|$)){2,12})", block)
    if items:
        listed = [
            read_sentence(re.sub(r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+", "", line))
            for line in items[1].strip().split("\n")
        ]
        if all(one is not None and one.manner == "value" for one in listed):
            stated = Stated(", ".join(one.text for one in listed if one), "value", items.end())
    return Phrase(match.start(), match.end() + (stated.end if stated else 0), stated, "heading", labelled=True)


def _chosen(match: re.Match[str]) -> Phrase:
    groups = match.groupdict()
    letters = re.sub(r"[^A-Ja-j]", "", next(value for value in groups.values() if value)).upper()
    return Phrase(match.start(), match.end(), Stated(letters, "value", match.end()), "choice", labelled=True)


def _before(text: str, match: re.Match[str]) -> Phrase:
    """`so 42 is the answer`: the value right before the copula."""
    near = re.split(r"\n|[.。；]\s", text[max(0, match.start() - 200) : match.start()].rstrip(" *"))[-1]
    if "oxed" in near:  # the box says it, unless another value stands behind it
        near = near[near.rfind("}") + 1 :]
    value = (
        None
        if not re.search(r"[\dA-J$\\]", near) or UNSAID.search(text[max(0, match.start() - 40) : match.end()])
        else _value_before(near)
    )
    stated = Stated(value, "value", match.end()) if value else None
    return Phrase(match.start(), match.end(), stated, "phrase", labelled=False)


def _value_before(near: str) -> str | None:
    """The clause that a text ends with, if it is a value; else its last formula, number with unit, or letter."""
    for clause in [0, *(found.end() for found in _CLAUSES.finditer(near))]:
        stated = read_sentence(near[clause:])
        if stated is not None and stated.manner == "value" and len(prose(stated.text)) <= 1:
            return stated.text
    formulas = find_formulas(near)
    if formulas and formulas[-1].end == len(near):
        return outcome(formulas[-1].text)
    numbers = find_numbers(near)
    if numbers and len(near[numbers[-1].end() :].split()) <= 2:  # noqa: PLR2004 (a unit)
        return written(numbers[-1]) + near[numbers[-1].end() :].rstrip()
    letter = re.search(r"(?<![\w'’])\(?[A-J]\)?$", near)
    return letter[0] if letter else None
