r"""An answer → its readings: all the values that it plausibly is, the likeliest first.

Owns the order in which kinds are tried, lists and brackets, names, relations and ratios. Refuses to choose between
readings: who compares two answers knows which of them meet.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from stepcheck.answers.amounts import amounts
from stepcheck.answers.numerals import GROUPED, Commas
from stepcheck.answers.pieces import ALL
from stepcheck.answers.relations import last_side, name_of, ratio, relation, spelled
from stepcheck.answers.sentences import in_sentence
from stepcheck.answers.sets import real_set
from stepcheck.answers.spellings import based, choice, clock, words
from stepcheck.answers.text import tidy
from stepcheck.answers.tokens import Tokens, closing, deeper, divided, tokens, written
from stepcheck.answers.tree import exact, expanded, signs
from stepcheck.answers.values import (
    Amount,
    Family,
    Matrix,
    Named,
    Ordered,
    Readings,
    RealSet,
    Relation,
    Several,
    Value,
    Words,
)
from stepcheck.patterns import regex

DEEPEST = 4
"""Lists within lists."""
MOST_PARTS = 50
_COMMA_IN_NUMBER = regex(r"(?<![\d,.])(?:0,\d+|\d+,\d{1,2}|\d+,\d{4,}|\d{4,},\d+)(?![\d,])")
_SPOKEN_MIXED = regex(
    r"(?<=\d)\s+and\s+(?:(\d+\s?/\s?\d+|\\frac\s*\{\s*\d+\s*\}\s*\{\s*\d+\s*\})(?![\w./])"
    r"|a half(?!\w)|one[- ]half(?!\w))",
    re.IGNORECASE,
)
"""A mixed number as it is said: 2 and 3/4 cups, 2 and a half."""
_INTEGERS = regex(
    r"[,;(（]?\s*(?:where|for|with|其中)?\s*(?:(?:all|any|some|every|each|an?)\s+)*(?:integers?\s+([a-zA-Z])|([a-zA-Z])\s*(?:is|are)\s*(?:an?\s+)?"
    r"(?:any\s+|arbitrary\s+)?integers?|([a-zA-Z])\s*为整数|([a-zA-Z])\s*\\in\s*\\?([ZN])(?:\^?[*+])?)\s*[)）]?$"
)
_SPOKEN_AND = frozenset({"and", "or", "und", "oder", "et", "ou", "y", "和", "或", "及", "и", "или", "&"})
_OR = frozenset({"or", "oder", "ou", "或", "или"})
_NOT_LISTS = frozenset({"y"})


@lru_cache(4096)
def read(answer: str) -> Readings:
    """Read an answer in all plausible ways."""
    text = tidy(answer)
    found: list[Value] = []
    for commas in _policies(text):
        found += [value for value in readings(tokens(text, commas)) if value not in found]
    spoken = _SPOKEN_MIXED.sub(lambda said: f" {said[1] or '1/2'}", text)
    if spoken != text:  # after the list that it may be too
        found += [value for value in readings(tokens(spoken)) if value not in found]
    return tuple(found) or tuple(in_sentence(tokens(text)))


def _policies(text: str) -> list[Commas]:
    """Say what a comma between digits may be in a text; what it is first of all comes first."""
    found = [Commas.THOUSANDS]
    bare = not re.search(r"[(\[]|\\\{", text) or ";" in text
    if bare and _COMMA_IN_NUMBER.search(text):
        found.append(Commas.DECIMAL)
    if GROUPED.search(text):
        found.append(Commas.LIST)
    return found


def readings(found: Tokens, depth: int = 0) -> Readings:
    """Read tokens; nothing if they are no value."""
    found = _unwrapped(found)
    if not found or depth > DEEPEST:
        return ()
    text = spelled(found)
    time = clock(text)
    if time is not None and time.half not in {"", "24"}:
        return (time,)
    values: list[Value | None] = [choice(text), time, based(text)]
    said = words(found, text)
    if said is not None and said.meaning:
        values += [*_set_of_words(said), said]
    values += _mathematics(found, depth)
    if said is not None and not said.meaning:
        values.append(said)
    read = [value for value in values if value is not None]
    return tuple(dict.fromkeys(read))


def _set_of_words(said: Words) -> list[Value]:
    if said.meaning == "empty":
        return [RealSet(())]
    return [RealSet(ALL)] if said.meaning == "reals" else []


def _mathematics(found: Tokens, depth: int) -> list[Value | None]:
    """Read tokens as every kind that is made of mathematics."""
    family = _family(found, depth)
    if family is not None:
        return [family]
    values: list[Value | None] = [*amounts(found)]
    values = [part for value in values for part in _spread(value)]
    named = _named(found, depth)
    values += [named, ratio(found), real_set(found), _bracketed(found, depth), _matrix(found, depth)]
    values += [relation(found), *last_side(found)]
    if named is None and not any(isinstance(value, Amount) for value in values):
        values.append(_several(found, depth))
    return values


def _unwrapped(found: Tokens) -> Tokens:
    """Take away braces around all that hold no list, and remarks in brackets behind all."""
    while len(found) > 2 and found[0].is_sign("{") and closing(found, 0) == len(found) - 1:  # noqa: PLR2004 (what is in them)
        if len(divided(found[1:-1], ",", "|", ";")) > 1:
            return (replace(found[0], text="\\{"), *found[1:-1], replace(found[-1], text="\\}"))
        found = found[1:-1]
    if len(found) > 3 and found[-1].is_sign(")"):  # noqa: PLR2004 (a value, and a word in brackets)
        opened = max((place for place, token in enumerate(found) if token.is_sign("(")), default=0)
        remark = found[opened + 1 : -1]
        if opened and remark and all(token.kind == "word" and len(token.text) > 2 for token in remark):  # noqa: PLR2004
            return found if any(token.text.lower() in {"base", "two", "eight"} for token in remark) else found[:opened]
    while len(found) > 1 and found[-1].is_sign(".", ",", ";") and found[-2].kind == "number":
        found = found[:-1]
    return found


def _spread(value: Value | None) -> list[Value | None]:
    """Put all values in place of an amount with ±."""
    if not isinstance(value, Amount) or not signs(value.tree):
        return [value]
    trees = expanded(value.tree)
    if trees is None:
        return []
    return [Several(tuple((replace(value, tree=tree, places=None),) for tree in trees))]


# ---- several values


def _parts(found: Tokens) -> list[Tokens]:
    """Cut at the commas, or the semicolons, and the words that join a list."""
    semicolons = divided(found, ";")
    parts: list[Tokens] = []
    for part in semicolons if len(semicolons) > 1 else divided(found, ","):
        parts += _at_words(part)
    return [part for part in parts if part]


def _at_words(found: Tokens) -> list[Tokens]:
    parts, start, depth = [], 0, 0
    for place, token in enumerate(found):
        depth += deeper(token)
        if (
            depth == 0
            and token.kind in {"word", "sign"}
            and token.text.lower() in _SPOKEN_AND - (_NOT_LISTS if not token.upright else set())
        ):
            parts.append(found[start:place])
            start = place + 1
    return [*parts, found[start:]]


def _several(found: Tokens, depth: int) -> Value | None:
    """Read a list without brackets."""
    parts = _parts(found)
    if all(token.numeral is not None for token in found) and all(token.spaced for token in found[1:]):
        parts = [(token,) for token in found]
    if not 1 < len(parts) <= MOST_PARTS:
        return None
    items = [readings(part, depth + 1) for part in parts]
    if not all(items) or any(_is_prose(item) for item in items):
        return None
    either = any(token.text.lower() in _OR for token in found)
    if either:
        items = list({distinct(item): item for item in items}.values())
    if len(items) == 1:
        return items[0][0]
    wordy = [all(isinstance(value, Words) and not value.meaning for value in item) for item in items]
    return Several(_flat(items), braces=either) if all(wordy) or not any(wordy) else None


def distinct(item: Readings) -> object:
    """Return what tells alternatives apart: 12.5 or 25/2 is one number."""
    first = item[0]
    value = exact(first.tree) if isinstance(first, Amount) and first.unit.is_none and not first.percent else None
    return item if value is None else value


def _is_prose(item: Readings) -> bool:
    """Whether an item is nothing but many words: then the commas are those of a sentence."""
    return all(isinstance(value, Words) and not value.meaning and value.text.count(" ") > 2 for value in item)  # noqa: PLR2004


def _flat(items: Sequence[Readings]) -> tuple[Readings, ...]:
    """Put the values of ± in place of it."""
    flat: list[Readings] = []
    for item in items:
        inner = item[0]
        flat += inner.items if isinstance(inner, Several) and not inner.braces else [item]
    return tuple(flat)


def _bracketed(found: Tokens, depth: int) -> Value | None:
    """Read a set in braces, a point, tuple or vector."""
    found = _transposed(found)
    if found and (found[0].text, found[-1].text) in {("(", "]"), ("[", ")")}:
        return None
    angle = len(found) > 3 and found[0].is_sign("<") and found[-1].is_sign(">")  # noqa: PLR2004 (<1>)
    if not angle and not (found and found[0].is_sign("(", "[", "⟨", "\\{") and closing(found, 0) == len(found) - 1):
        return _point(found, depth)
    inner = found[1:-1]
    if found[0].is_sign("\\{"):
        items = [readings(part, depth + 1) for part in _parts(inner)]
        read = all(items) and len(items) <= MOST_PARTS and "|" not in [token.text for token in inner]
        return Several(_flat(items), braces=True) if read else None
    parts = divided(inner, ";") if len(divided(inner, ";")) > 1 else divided(inner, ",")
    items = [readings(part, depth + 1) for part in parts]
    if len(items) < 2 or len(items) > MOST_PARTS or not all(items):  # noqa: PLR2004 (two coordinates)
        return None
    rows = [next((one for one in item if isinstance(one, Ordered)), None) for item in items]
    if all(
        row is not None and row.bracket == "[" and not isinstance(item[0], Amount)
        for row, item in zip(rows, items, strict=True)
    ) and found[0].is_sign("["):
        return Matrix(tuple(row.items for row in rows if row is not None))
    points = [Ordered(tuple(point), "⟨" if angle else found[0].text) for point in _points(items)]
    return points[0] if len(points) == 1 else Several(tuple((point,) for point in points))


def _points(items: Sequence[Readings]) -> list[list[Readings]]:
    """The points that a point with one ± is: (0, ±2) is two."""
    places = [place for place, item in enumerate(items) if isinstance(item[0], Several) and not item[0].braces]
    if len(places) != 1:
        return [list(items)]
    place, several = places[0], items[places[0]][0]
    values = several.items if isinstance(several, Several) else ()
    return [[*items[:place], value, *items[place + 1 :]] for value in values]


def _transposed(found: Tokens) -> Tokens:
    """Drop ^T behind a bracket."""
    tail = written(found[-4:])
    for length, mark in ((4, "^{T}"), (2, "^T"), (4, "^{top}"), (2, "^top")):
        if tail.endswith(mark) and len(found) > length and found[-length - 1].is_sign(")", "]"):
            return found[:-length]
    return found


def _point(found: Tokens, depth: int) -> Value | None:
    """Read a point with its name before it: P(3, 4)."""
    if len(found) < 6 or found[0].kind != "word" or not found[1].is_sign("(") or found[1].spaced:  # noqa: PLR2004
        return None
    if len(found[0].text) != 1 or not found[0].text.isupper() or closing(found, 1) != len(found) - 1:
        return None
    inner = _bracketed(found[1:], depth)
    return Named(((found[0].text, (inner,)),)) if isinstance(inner, Ordered) else None


def _matrix(found: Tokens, depth: int) -> Value | None:
    r"""Read \begin{pmatrix} … \end{pmatrix} and its like; a column is a vector too."""
    if found and found[0].is_sign("(", "[", "|") and len(found) > 2 and found[1].text == "begin":  # noqa: PLR2004
        found = found[1:-1]
    if len(found) < 9 or found[0].text != "begin" or not found[1].is_sign("{"):  # noqa: PLR2004 (an empty one)
        return None
    name = found[2].text
    if name not in {"pmatrix", "bmatrix", "matrix", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix", "array"}:
        return None
    start = found.index(next(token for token in found if token.is_sign("}"))) + 1
    if name == "array" and start < len(found) and found[start].is_sign("{"):
        start = (closing(found, start) or start) + 1
    end = next((place for place, token in enumerate(found) if token.text == "end" and token.kind == "command"), 0)
    if written(found[end:]) != f"end{{{name}}}":
        return None
    lines = [line for line in divided(found[start:end], "\\\\") if line]
    rows = tuple(tuple(readings(cell, depth + 1) for cell in divided(line, "&")) for line in lines)
    if not rows or not all(all(row) for row in rows) or len({len(row) for row in rows}) > 1:
        return None
    if len(rows[0]) == 1 and len(rows) > 1:
        return Ordered(tuple(row[0] for row in rows), "⟨")
    return Matrix(rows, bars=name.lower() == "vmatrix")


# ---- names and relations


def _named(found: Tokens, depth: int) -> Value | None:
    """Read values by name: x = 3, y = 4; (x, y) = (3, 4); x = 1 or x = 2; x = y = 3; x: 3, y: 4."""
    entries: dict[str, list[Readings]] = {}
    last = ""
    for part in _parts(found):
        sides, colons = divided(part, "="), divided(part, ":")
        if len(sides) == 1 and len(colons) == 2 and name_of(colons[0]):  # noqa: PLR2004 (x: 3)
            sides = colons
        names = [name_of(side) for side in sides[:-1]]
        if not names and last:
            names = [last]
        pair = _paired(sides, depth)
        if pair:
            entries |= {name: [*entries.get(name, []), value] for name, value in pair.items()}
            continue
        value = readings(sides[-1], depth + 1)
        if not names or not value or not all(names):
            return None
        if sides is colons and isinstance(value[0], Relation | RealSet):  # a set-builder: x : x² < 4
            return None
        for name in names:
            last = name or last
            entries.setdefault(last, []).append(value)
    if not entries or len(entries) > MOST_PARTS:
        return None
    return Named(tuple((name, _listed(entries[name])) for name in sorted(entries)))


def _listed(found: Sequence[Readings]) -> Readings:
    return found[0] if len(found) == 1 else (Several(_flat(found)),)


def _paired(sides: Sequence[Tokens], depth: int) -> dict[str, Readings]:
    """Read (x, y) = (3, 4)."""
    if len(sides) != 2 or not all(side and side[0].is_sign("(") and side[-1].is_sign(")") for side in sides):  # noqa: PLR2004
        return {}
    names = [name_of(part) for part in divided(sides[0][1:-1], ",")]
    right = _bracketed(sides[1], depth)
    if not isinstance(right, Ordered) or len(names) != len(right.items):
        return {}
    return {name: value for name, value in zip(names, right.items, strict=True) if name}


def _family(found: Tokens, depth: int) -> Value | None:
    r"""Read values for all whole numbers: x = k\pi, k \in \mathbb{Z}."""
    text = spelled(found)
    match = _INTEGERS.search(text)
    if match is None or not match.start() or depth:
        return None
    name = next(group for group in match.groups()[:4] if group)
    inner = readings(tokens(text[: match.start()].strip(" ,;")), depth + 1)
    return Family(inner, name, match[5] or "Z") if inner else None
