"""A sentence with one value in it → that value: She has to take out 15 toys.

Refuses sentences with several values, unless one of them is the answer by its place (in front of a clause, behind the
last =), and words that make a number something else: at least 15, not 15.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from stepcheck.answers.amounts import amounts
from stepcheck.answers.functions import FUNCTIONS, GREEK
from stepcheck.answers.tokens import Token, Tokens, divided
from stepcheck.answers.tree import variables
from stepcheck.answers.units import NONE
from stepcheck.answers.values import Amount
from stepcheck.patterns import regex

LONGEST_VALUE = 24
_KNOWN = GREEK | FUNCTIONS.keys() | {"frac", "sqrt", "pi", "binom", "cbrt", "infty"}
_CHANGED = regex(
    r"\b(?:not|never|at least|at most|more than|less than|fewer than|greater than|no more than|larger than|"
    r"smaller than|between|over|under|above|below|up to|minimum of|maximum of|or more|or less|or fewer|"
    r"times as|nicht|mindestens|höchstens|au moins|au plus)\b"
    r"|不是|至少|至多|不超过|大于|小于|超过"
)


def in_sentence(found: Tokens) -> Iterator[Amount]:
    """Read the one value in a sentence; nothing if it is not certain which one is meant."""
    text = " ".join(token.text.lower() for token in found)
    if _CHANGED.search(text) or not any(token.kind == "word" and _is_wordy(token.text) for token in found):
        return
    if any(token.kind == "command" and token.text not in _KNOWN for token in found):
        return
    if any(before.is_sign("+", "*", "/", "^", "_") and after.kind == "word" for before, after in pairwise(found)):
        return  # letters that are reckoned with are no words
    if any(before.kind == "word" and after.is_sign("+", "*", "/", "^", "_") for before, after in pairwise(found)):
        return
    for part in (_behind_last_equals(found), found):
        starts = _starts(part)
        value = _value_at(part, starts[0]) if starts else None
        if value is not None and all(start < value[1] for start in starts):
            yield replace(value[0], loose=True)
            return
    led = next(iter(_led(found)), None)
    if led is not None:
        yield replace(led, loose=True)


def _is_wordy(text: str) -> bool:
    return len(text) > 1 or not text.isascii()


def _behind_last_equals(found: Tokens) -> Tokens:
    sides = divided(found, "=", "≈")
    return sides[-1] if len(sides) > 1 else found


def _led(found: Tokens) -> Iterator[Amount]:
    """Read the value that leads a sentence and is cut off from it: 72, as asked; 72 because 24 + 48 = 72."""
    for place, token in enumerate(found[1:], 1):
        cut = token.is_sign(",", ";", ".", "(") or token.text.lower() in {
            "because",
            "since",
            "as",
            "so",
            "which",
            "where",
            "for",
            "因为",
        }
        follows = place + 1 < len(found) and (found[place + 1].kind == "word" or token.kind == "word")
        if cut and follows:
            yield from amounts(found[:place])
            return


def _starts(found: Tokens) -> list[int]:
    """Return where values begin: numbers, π, roots, not those that belong to one before."""
    places: list[int] = []
    for place, token in enumerate(found):
        before = found[place - 1] if place else None
        inner = before is not None and before.is_sign("^", "_", "/", "*", "-", "+", "(", "{", "[", "|")
        if _is_value(token) and not (inner and places):
            places.append(place)
    return places


def _is_value(token: Token) -> bool:
    return token.kind == "number" or (token.kind == "command" and token.text in {"frac", "sqrt", "pi", "binom"})


def _value_at(found: Tokens, start: int) -> tuple[Amount, int] | None:
    """Read the longest value that begins at a place, with its sign or currency; return where it ends."""
    for first in range(max(0, start - 3), start + 1):
        head = found[first:start]
        if any(
            token.kind == "word" and token.text not in {"US", "R", "C", "A", "Rs", "HK", "EUR", "USD"} for token in head
        ):
            continue
        for end in range(min(len(found), start + LONGEST_VALUE), start, -1):
            for one in amounts(found[first:end]):
                if not (variables(one.tree) and one.unit == NONE and end - first > 1):
                    return one, end
    return None
