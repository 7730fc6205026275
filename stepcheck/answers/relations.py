"""Tokens → names, equations, inequalities and ratios: what stands around a sign between two sides.

Refuses sides that are no expressions.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from stepcheck.answers.amounts import amounts
from stepcheck.answers.expressions import expression
from stepcheck.answers.functions import FUNCTIONS
from stepcheck.answers.text import letters
from stepcheck.answers.tokens import Token, Tokens, deeper, divided, written
from stepcheck.answers.tree import exact, variables
from stepcheck.answers.values import Ratio, Relation, Value

_RELATIONS = ("=", "<", "<=", ">", ">=", "!=", "≈")


def name_of(found: Tokens) -> str | None:
    """Return the name that stands before a =: x, x_1, f(x), P, Anna's age."""
    if not found:
        return None
    if all(token.kind == "word" and len(token.text) > 1 for token in found) and not any(
        token.text in FUNCTIONS for token in found
    ):
        return " ".join(token.text.lower() for token in found)
    first = found[0]
    letter = (first.kind == "word" and len(first.text) == 1) or (
        first.kind == "command" and first.text not in {"frac", "pi", "sqrt"}
    )
    rest = written([token for token in found[1:] if not token.is_sign("{", "}")])
    if letter and re.fullmatch(r"(?:_\w+)?'*(?:\^-1)?(?:\([A-Za-z](?:,[A-Za-z])*\))?", rest):
        return first.text + rest
    if first.text in {"angle", "triangle", "overline", "vec", "hat", "bar"} or re.fullmatch(r"[A-Z]{2,3}", first.text):
        return written([token for token in found if not token.is_sign("{", "}")])
    return None


def relation(found: Tokens) -> Relation | None:
    """Read equations and inequalities: one, a chain, or several that hold together."""
    parts = [part for part in _together(found) if part]
    read = [_one_relation(part) for part in parts]
    links = [one.links for one in read if one is not None]
    return Relation(tuple(link for some in links for link in some)) if links and len(links) == len(parts) else None


def _together(found: Tokens) -> list[Tokens]:
    parts: list[Tokens] = []
    for part in divided(found, ",", ";", "∧"):
        start = 0
        for place, token in enumerate(part):
            if token.text.lower() in {"and", "且", "und", "et"}:
                parts.append(part[start:place])
                start = place + 1
        parts.append(part[start:])
    return parts


def _one_relation(found: Tokens) -> Relation | None:
    parts = divided(found, *_RELATIONS)
    if len(parts) < 2:  # noqa: PLR2004 (two sides)
        return None
    signs_between = [token.text for token in _outside(found) if token.is_sign(*_RELATIONS)]
    trees = [expression(part) for part in parts]
    known = [tree for tree in trees if tree is not None]
    if len(known) < len(trees) or len(signs_between) != len(trees) - 1 or not any(variables(tree) for tree in known):
        return None
    links = []
    for place, sign in enumerate(signs_between):
        left, right = known[place], known[place + 1]
        links.append((sign.replace(">", "<"), right, left) if sign.startswith(">") else (sign, left, right))
    return Relation(tuple(links))


def _outside(found: Tokens) -> list[Token]:
    """The tokens that stand in no bracket."""
    left, depth = [], 0
    for token in found:
        depth += deeper(token)
        if depth == 0:
            left.append(token)
    return left


def last_side(found: Tokens) -> list[Value]:
    """Read the last side of a calculation without unknowns: 24 + 48 = 72."""
    sides = divided(found, "=", "≈")
    if len(sides) < 2 or name_of(sides[0]):  # noqa: PLR2004 (two sides)
        return []
    read = [amounts(side) for side in sides]
    if not all(one and not variables(one[0].tree) for one in read):
        return []
    return [replace(one, loose=True) for one in read[-1]]


def ratio(found: Tokens) -> Value | None:
    """Read 1:2:3, 3 to 4, 3比4."""
    parts = divided(found, ":")
    if len(parts) == 1:
        parts = _at_ratio_word(found)
    trees = [expression(part) for part in parts]
    terms = [tree for tree in trees if tree is not None]
    if len(terms) < 2 or len(terms) < len(trees):  # noqa: PLR2004 (a ratio of two)
        return None
    if any(exact(term) == 0 for term in terms):
        return None
    text = spelled(found)
    if re.search(r":\s*0\d", text):
        return None  # minutes
    return Ratio(tuple(terms), clock=bool(re.fullmatch(r"\d{1,2}:[0-5]\d(:[0-5]\d)?", text)))


def _at_ratio_word(found: Tokens) -> list[Tokens]:
    parts, start = [], 0
    for place, token in enumerate(found):
        if token.kind == "word" and token.text.lower() in {"to", "比", "zu"} and place:
            before = place - 1 if found[place - 1].text.lower() == "is" else place
            parts.append(found[start:before])
            start = place + 1
    return [*parts, found[start:]]


def spelled(found: Sequence[Token]) -> str:
    """Return tokens as a text again, with blanks where there were some."""
    parts = []
    for token in found:
        name = f"\\{token.text} " if token.kind == "command" else token.text
        parts.append(
            " " * token.spaced + ({"∈": "\\in ", "∅": "\\emptyset "}.get(name, name) if token.kind == "sign" else name)
        )
    return letters("".join(parts))
