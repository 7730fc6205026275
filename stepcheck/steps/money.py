"""Dollars: what is a pair of them, a formula or two sums of money?

Owns the one rule for it, which the splitter, the display and the answers share. Refuses what no formula is: a pair with
another dollar in it, an amount with words behind it (`$5 each`), words that stand beside each other (`$x is odd$`).
"""

import re

from stepcheck.patterns import regex

_AMOUNT = regex(r"[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)[kKMB]?(?![^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[\\{^])")
"""Digits that a sum of money may be, not those of `3x`, `2^n` or `4\\pi`."""
_TEXT = regex(r"\\(?:text[a-z]*|mbox|hbox|math[a-z]+|operatorname\*?)\s*\{[^{}]*\}")
_COMMAND = regex(r"\\[A-Za-z]+|\\.", re.DOTALL)
_WORD = regex(r"(?<![\w^_{])[^\W\d_]{2,}(?![\w^_}])")
_BESIDE = regex(r"[ \t\n,;:.!?'’\"-]+")
_CHINESE = regex(r"[，。；：？！、]|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4,}")
_NAMES = frozenset(
    """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim max min sup inf gcd lcm mod deg det
    dim ker arg hom mm cm dm km kg mg ml cl hr hrs sec min mph kmh""".split()  # noqa: SIM905 - a table of words
)
"""Words that formulas are made of."""
_SMALL = frozenset(
    """an and are as at be but by can did do for from get got had has have he her his how if in is it its me my no not
    now of off on or our out per she so than the then they this to too up us was we who you your each all any one two
    bn mn und oder der die das für von pro je mit ist sind zu el los las de del por para con es son un una le les des et
    ou pour par est sont il di per che sono para com são и или за на по из от не это""".split()  # noqa: SIM905 - as above
)
_LONG = 4
"""Letters of a word that no product of unknowns is taken for."""
CLOSE_DOLLAR = regex(r"(?<![\s\\$])\$(?![\d$])")
"""Pandoc's rule: `$` closes after a non-space and not before a digit, so `$5 and $10` is money."""
_SIGNS = regex(r"\\.|[{}$]", re.DOTALL)
_FAR = 2_000
"""Characters of a formula with dollars in its braces, at most."""
_NEARBY = 100
"""Characters of a formula before a price in it, at most."""
_PRICE = regex(r"\$(?=\.?\d)")
_BEFORE_PRICE = frozenset("=<>≤≥≈+-−*/×÷·~")
_TRIES = 3
_NEAR = 24
_UNFINISHED = regex(r"[+=*/×÷<>(\[]\s*\Z")
_HYPHEN = regex(r"[-–−]\s*\Z")
_CLOSED_SOON = regex(r"[^\s$]{1,20}(?<!\\)\$")


def formula_end(text: str, start: int, end: int, limit: int) -> int | None:
    r"""Return where the formula ends that the dollar at `start` opens; `end` is behind the first that may close it.

    None where it opens no formula. In braces a dollar closes none (`\boxed{$5}`, `\text{for $n$}`): then one further
    on does, before `limit`. The time is linear in the text up to the next dollar outside of braces.
    """
    first, depth = end, _braces(text, start + 1, end - 1)
    for _ in range(_TRIES):
        if not depth:
            break
        found = CLOSE_DOLLAR.search(text, end, min(limit, start + _FAR))
        end = found.end() if found else end
        depth = _braces(text, start + 1, end - 1) if found else None
    end = end if depth == 0 else first
    if depth is None and _braces(text, start + 1, first - 1) is None:
        return None
    return end if is_formula(text[start + 1 : end - 1], text[end : end + _NEAR]) else None


def _braces(text: str, start: int, end: int) -> int | None:
    """How many braces are open at `end`; None where a dollar stands outside of them, or one closes too many."""
    depth = 0
    for found in _SIGNS.finditer(text, start, end):
        depth += (found[0] == "{") - (found[0] == "}")
        if depth < 0 or (found[0] == "$" and not _is_kept(text, start, found.start(), depth)):
            return None
    return depth


def _is_kept(text: str, start: int, at: int, depth: int) -> bool:
    """Whether a dollar belongs to the formula that it stands in: in braces, or before a price (`x = $5`)."""
    if depth:
        return at - start <= _FAR
    before = text[max(start, at - 2) : at].rstrip(" ")
    return at - start <= _NEARBY and bool(_PRICE.match(text, at)) and before[-1:] in _BEFORE_PRICE


def is_formula(inside: str, after: str = "") -> bool:
    """Whether what stands between two dollars is a formula; `after` is how the text goes on behind them."""
    amount = _AMOUNT.match(inside)
    if "$" in _plain(inside):
        return amount is None and not _has_words(inside)
    if amount is None:
        return " " not in inside or not _has_neighbours(inside)
    rest = inside[amount.end() :]
    if not rest.strip():
        return True
    return not (
        _has_words(rest)
        or _CHINESE.search(rest)
        or _closes_first(rest)
        or _UNFINISHED.search(rest)
        or (_HYPHEN.search(rest) and _CLOSED_SOON.match(after))
    )


def _plain(inside: str) -> str:
    return _COMMAND.sub(" # ", _TEXT.sub(" # ", inside))


def _is_word(word: str) -> bool:
    """Whether letters are a word of a language: written small, or with one capital."""
    return word[1:].islower() and word not in _NAMES and (len(word) >= _LONG or word.lower() in _SMALL)


def _reads(word: str) -> bool:
    """Whether letters may be a word beside one that is: written small, with a vowel."""
    return word.islower() and word not in _NAMES and any(letter in "aeiouy" for letter in word)


def _has_words(text: str) -> bool:
    """Whether there is a word, which behind an amount says that it is money."""
    return any(_is_word(found[0]) for found in _WORD.finditer(_plain(text)))


def _has_neighbours(text: str) -> bool:
    """Whether words stand beside each other: in a formula they would run together."""
    plain = _plain(text)
    before: re.Match[str] | None = None
    for found in _WORD.finditer(plain):
        if before is not None and _BESIDE.fullmatch(plain, before.end(), found.start()):
            words = [_is_word(one[0]) for one in (before, found)]
            if all(words) or (any(words) and all(_reads(one[0]) for one in (before, found))):
                return True
        before = found
    return False


def _closes_first(text: str) -> bool:
    """Whether a bracket closes that was not opened, as between `($5)` and `($x$)`."""
    depth = 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if depth < 0:
            return True
    return False
