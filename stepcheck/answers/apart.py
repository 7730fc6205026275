"""What keeps two answers of one value apart: a word that says the opposite, a comma that could be either.

Owns words that exclude each other (June and July, more and less) and the sentences that share no word. Refuses to make
anything equal: it is asked only about answers that were found equal by their values.
"""

import re

from stepcheck.answers.outcome import Outcome
from stepcheck.answers.text import letters
from stepcheck.patterns import regex

_GROUPS = (
    "january february march april may june july august september october november december",
    "monday tuesday wednesday thursday friday saturday sunday",
    "north south east west northeast northwest southeast southwest",
    "more less fewer",
    "above below",
    "before after",
    "earlier later",
    "older younger",
    "longer shorter",
    "taller shorter",
    "faster slower",
    "higher lower",
    "up down",
    "up|upwards down|downwards",
    "ad|ce bc|bce",
    "profit|gain|gains|gained|surplus loss|loses|lost|deficit",
    "increase|increases|increased|grows|grew decrease|decreases|decreased|drops|dropped",
    "rise|rises|rose|rising fall|falls|fell|falling|drops|dropped",
    "clockwise counterclockwise|anticlockwise",
    "wins|won loses|lost",
    "minimum|least|smallest maximum|most|largest|greatest",
    "盈利|盈余|赚 亏损|亏",
    "增加|增长|上升|提高 减少|下降|降低",
    "上午 下午",
    "大于 小于",
    "向东|东 向西|西 向南|南 向北|北",
)  # fmt: skip
_EXCLUDING = tuple(tuple(frozenset(one.split("|")) for one in group.split()) for group in _GROUPS)
_WORD = regex(r"[^\W\d_]+")
_WIDE = regex(r"[\u4e00-\u9fff]")
_UNDER_ZERO = regex(r"below zero|under zero|零下|unter null|sous zéro|bajo cero", re.IGNORECASE)
_SMALL = regex(
    r"the|of|and|for|are|was|were|will|has|have|had|she|her|his|him|they|them|their|there|that|this|with|from|per|each"
    r"|only|just|about|exactly|total|needs?|takes?|makes?|gets?|out"
)
_SHORTEST = 3
_ONE_NUMBER = regex(r"[-+$\s]*[1-9]\d{0,2}(?:,\d{3})+[\s.]*")
_NAMED = regex(r"(?<![\w\\'])[B-HJ-Zb-z](?![\w'])|(?<=[a-z] )A(?!\w)")
_LISTED = regex(r"\d\s*[,;]\s+[-+]?\d")


def kept_apart(gold: str, given: str, *, loose: bool) -> Outcome | None:
    """Tell why two answers of one value are not equal; None where nothing is against it.

    `loose` if both values were found in sentences: then the words must have something to do with each other.
    """
    ours, theirs = letters(gold), letters(given)
    if _ONE_NUMBER.fullmatch(ours) and _LISTED.search(theirs):
        return Outcome(equal=None, how="thousands or a list")
    if bool(_UNDER_ZERO.search(ours)) != bool(_UNDER_ZERO.search(theirs)):
        return Outcome(equal=None, how="below zero or above")
    mine, other = (frozenset(_WORD.findall(text.lower())) for text in (ours, theirs))
    for group in _EXCLUDING:
        said = [
            {place for place, names in enumerate(group) if _says(names, *one)}
            for one in ((ours, mine), (theirs, other))
        ]
        if all(said) and not said[0] & said[1]:
            return Outcome(equal=False, how="words that exclude each other")
    if loose and not _related(ours, theirs):
        return Outcome(equal=None, how="sentences with different words")
    return None


def _says(names: frozenset[str], text: str, words: frozenset[str]) -> bool:
    """Whether a text has one of some words; those of Chinese stand without blanks."""
    return any(name in text if _WIDE.match(name) else name in words for name in names)


def _related(ours: str, theirs: str) -> bool:
    """Whether two sentences share a word that says something, and do not name different things: Team A, Team B."""
    named = [frozenset(_NAMED.findall(text)) for text in (ours, theirs)]
    if all(named) and named[0] != named[1]:
        return False
    said = [
        frozenset(word for word in _WORD.findall(text.lower()) if len(word) >= _SHORTEST and not _SMALL.fullmatch(word))
        for text in (ours, theirs)
    ]
    return not all(said) or bool(said[0] & said[1]) or any(map(_WIDE.search, (ours, theirs)))
