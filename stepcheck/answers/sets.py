r"""Tokens → a set of real numbers: intervals, unions, inequalities, set-builders, x ≠ 3, |x| < 2, all in one reading.

Owns ends and their order, as far as floats can tell it. Refuses sets whose ends it cannot put in order to cut or to
join them, and relations in which no single unknown stands alone.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from stepcheck.answers.expressions import expression
from stepcheck.answers.pieces import ALL, Join, Pieces, difference, in_order, intersection, is_empty, union
from stepcheck.answers.tokens import Token, Tokens, closing, divided, written
from stepcheck.answers.tree import INFINITY, Tree, exact, linear, negative, number, signs, variables
from stepcheck.answers.values import Piece, RealSet

MOST_PIECES = 40
_INEQUALITIES = ("<", "<=", ">", ">=")
_RELATIONS = (*_INEQUALITIES, "!=")
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "="}
Named = tuple[str, Pieces]


def real_set(found: Tokens) -> RealSet | None:
    """Read tokens as a set of real numbers; None if they are none."""
    read = _any(found)
    return None if read is None else RealSet(in_order(read[1]), read[0])


def _any(found: Tokens) -> Named | None:
    """Read a union or intersection, with words or signs, or one set."""
    if not found:
        return None
    for joining, join in ((("∪",), union), (("∩",), intersection), (("∖",), difference)):
        parts = divided(found, *joining)
        if len(parts) > 1:
            return _joined([_any(part) for part in parts], join)
    if (minus := divided(found, "-")) and len(minus) == 2 and minus[0] and minus[0][-1].is_sign("R"):  # noqa: PLR2004
        return _joined([_any(part) for part in minus], difference)
    return _worded(found) or _one(found)


def _worded(found: Tokens) -> Named | None:
    """Read relations joined by or, and, commas; a comma joins as `and` where anything is left, else as `or`."""
    marked = [_connective(token) for token in found]
    for words, join in ((("or",), union), (("and",), intersection)):
        parts = _cut(found, marked, words)
        if len(parts) > 1:
            return _joined([_any(part) for part in parts], join)
    parts = _completed([part for part in divided(found, ",", ";") if part])
    if len(parts) > 1 and any(token.is_sign(*_RELATIONS) for token in found):
        sets = [_any(part) for part in parts]
        both = _joined(sets, intersection)
        return both if both and both[1] else _joined(sets, union)
    return None


def _completed(parts: list[Tokens]) -> list[Tokens]:
    """Read x ≠ 1, 2 as x ≠ 1, x ≠ 2."""
    head = next((place for place, token in enumerate(parts[0]) if token.is_sign("!=")), -1) + 1 if parts else 0
    return [
        part if not head or any(token.is_sign(*_RELATIONS) for token in part) else (*parts[0][:head], *part)
        for part in parts
    ]


def _connective(token: Token) -> str:
    if token.is_sign("∨") or token.text.lower() in {"or", "或", "oder", "ou", "или"}:
        return "or"
    return "and" if token.is_sign("∧") or token.text.lower() in {"and", "且", "und", "et", "и", "&"} else ""


def _cut(found: Tokens, marked: Sequence[str], words: Sequence[str]) -> list[Tokens]:
    parts, start = [], 0
    for place, mark in enumerate(marked):
        if mark in words:
            part = found[start:place]
            parts.append(part[:-1] if part and part[-1].is_sign(",") else part)
            start = place + 1
    return [*parts, found[start:]]


def _joined(sets: Sequence[Named | None], join: Join) -> Named | None:
    """Join sets that are all read; names that differ are not of one set."""
    known = [one for one in sets if one is not None]
    names = {name for name, _ in known if name}
    if len(known) < len(sets) or len(names) > 1 or not known:
        return None
    pieces: Pieces | None = known[0][1]
    for _, others in known[1:]:
        pieces = None if pieces is None or len(pieces) + len(others) > MOST_PIECES else join(pieces, others)
    return None if pieces is None else (next(iter(names), ""), pieces)


# ---- one set


def _one(found: Tokens) -> Named | None:
    if written(found) in {"∅", "\\{\\}", "{}", "phi", "varphi", "Phi"}:  # the last are written for ∅
        return "", ()
    if _is_reals(found):
        return "", ALL
    return (
        _interval(found) or _builder(found) or _points(found) or _member(found) or _bracketed(found) or _relation(found)
    )


def _is_reals(found: Tokens) -> bool:
    return len(found) == 1 and found[0].is_sign("R")


def _bracketed(found: Tokens) -> Named | None:
    """Read what is in a pair of brackets around all."""
    if found[0].is_sign("(", "[") and closing(found, 0) == len(found) - 1:
        return _any(found[1:-1])
    return None


def _interval(found: Tokens) -> Named | None:
    """Read [a, b), also with a semicolon, and ]a, b[."""
    opens, closes = found[0], found[-1]
    if len(found) < 5 or not opens.is_sign("(", "[", "]") or not closes.is_sign(")", "]", "["):  # noqa: PLR2004 (a, b)
        return None
    inner = divided(found[1:-1], ",") if ";" not in [token.text for token in found] else divided(found[1:-1], ";")
    if len(inner) != 2:  # noqa: PLR2004 (two ends)
        return None
    low, high = expression(inner[0]), expression(inner[1])
    if low is None or high is None or signs(low) or signs(high):  # of (0, ±2): two points
        return None
    piece = Piece(low, opens.is_sign("["), high, closes.is_sign("]"))
    return _checked(piece)


def _checked(piece: Piece) -> Named | None:
    """Take infinite ends away; refuse an interval whose ends are the wrong way round."""
    low, high = piece.low, piece.high
    if low is not None and _is_infinite(low, -1):
        low = None
    if high is not None and _is_infinite(high, 1):
        high = None
    for end in (low, high):
        if end is not None and (_is_infinite(end, 1) or _is_infinite(end, -1)):
            return None
    kept = Piece(low, piece.low_in and low is not None, high, piece.high_in and high is not None)
    return None if is_empty(kept) else ("", (kept,))


def _is_infinite(tree: Tree, sign: int) -> bool:
    return tree == INFINITY if sign > 0 else tree == negative(INFINITY)


def _builder(found: Tokens) -> Named | None:
    r"""Read \{x | condition\}; the field of the unknown may be named: \{x ∈ ℝ : condition\}."""
    if not found[0].is_sign("\\{") or not found[-1].is_sign("\\}"):
        return None
    for sign in ("|", ":"):
        parts = divided(found[1:-1], sign)
        if len(parts) < 2:  # noqa: PLR2004 (an unknown and its condition)
            continue
        head, condition = parts[0], tuple(token for token in found[len(parts[0]) + 2 : -1])
        name = head[0].text if head and head[0].kind == "word" and len(head[0].text) == 1 else ""
        field = head[1:]
        if not name or (field and not (field[0].is_sign("∈") and _is_reals(field[1:]))):
            return None
        read = _any(_without_field(condition))
        return None if read is None or read[0] not in {"", name} else ("", read[1])
    return None


def _without_field(found: Tokens) -> Tokens:
    """Drop a last `, x ∈ ℝ` of a condition."""
    if len(found) > 4 and found[-1].is_sign("R") and found[-2].is_sign("∈"):  # noqa: PLR2004 (, x ∈ ℝ)
        rest = found[:-3]
        return rest[:-1] if rest[-1].is_sign(",", "∧") or _connective(rest[-1]) == "and" else rest
    return found


def _points(found: Tokens) -> Named | None:
    r"""Read \{1, 2\}."""
    if len(found) < 3 or not found[0].is_sign("\\{") or closing(found, 0) != len(found) - 1:  # noqa: PLR2004 ({1})
        return None
    trees = [expression(part) for part in divided(found[1:-1], ",", ";")]
    points = [tree for tree in trees if tree is not None and not variables(tree)]
    if len(points) < len(trees):
        return None
    return "", tuple(Piece(point, True, point, True) for point in points)


def _member(found: Tokens) -> Named | None:
    """Read x ∈ [2, 5), x ∉ {3}."""
    if len(found) < 3 or found[0].kind != "word" or len(found[0].text) != 1:  # noqa: PLR2004 (x ∈ R)
        return None
    at = 1
    if not found[at].is_sign("∈", "notin", "∉"):
        return None
    read = _any(found[at + 1 :])
    if read is None:
        return None
    if found[at].is_sign("∈"):
        return found[0].text, read[1]
    outside = difference(ALL, read[1])
    return None if outside is None else (found[0].text, outside)


def _relation(found: Tokens) -> Named | None:
    """Read a chain of relations with one unknown: 2 ≤ x < 5, x ≠ 3, 2x > 6, |x - 1| ≤ 2."""
    parts = divided(found, *_RELATIONS, "=")
    signs = [token.text for token in found if token.is_sign(*_RELATIONS, "=")]
    chain = len(parts) == 3 and set(signs) <= set(_INEQUALITIES)  # noqa: PLR2004 (a < x < b)
    if len(signs) != len(parts) - 1 or not (chain or len(parts) == 2):  # noqa: PLR2004 (two sides)
        return None
    trees = [expression(part) for part in parts]
    known = [tree for tree in trees if tree is not None]
    if len(known) < len(trees):
        return None
    names = set().union(*(variables(tree) for tree in known))
    name = _unknown(known, names)
    if name is None:
        return None
    pieces: Pieces | None = ALL
    for sign, (left, right) in zip(signs, pairwise(known), strict=True):
        half = _half(left, sign, right, name)
        pieces = None if half is None or pieces is None else intersection(pieces, half)
    return None if pieces is None else (name, pieces)


def _unknown(trees: Sequence[Tree], names: set[str]) -> str | None:
    """Return the one unknown: the only name, or the name that stands alone in the middle."""
    if len(names) == 1:
        return next(iter(names))
    middle = trees[1] if len(trees) == 3 else None  # noqa: PLR2004 (a < x < b)
    if (
        middle is not None
        and middle[0] == "var"
        and not any(middle[1] in variables(tree) for tree in (trees[0], trees[2]))
    ):
        return str(middle[1])
    return None


def _half(left: Tree, sign: str, right: Tree, name: str) -> Pieces | None:
    """Return where a relation holds: it is linear in the unknown, or has an absolute value of such."""
    if name not in variables(left) and name in variables(right):
        left, right, sign = right, left, _TURNED[sign]
    if left == ("var", name) and name not in variables(right):
        return _side(right, sign)
    if left[0] == "call" and left[1] == "abs" and not variables(right):
        return _around(left[2], sign, right, name)
    difference = linear(("+", left, negative(right)), name)
    if difference is None or not difference[0]:
        return None
    slope, constant = difference
    return _side(number(-constant / slope), sign if slope > 0 else _TURNED[sign])


def _side(end: Tree, sign: str) -> Pieces | None:
    """Return where x stands in a relation to an end."""
    if sign == "=":
        return (Piece(end, True, end, True),)
    if sign == "!=":
        return Piece(None, False, end, False), Piece(end, False, None, False)
    closed = sign.endswith("=")
    piece = Piece(None, False, end, closed) if sign.startswith("<") else Piece(end, closed, None, False)
    read = _checked(piece)
    return None if read is None else read[1]


def _around(inner: Tree, sign: str, right: Tree, name: str) -> Pieces | None:
    """Return where |inner| stands in a relation to a number that is not negative."""
    bound, of = exact(right), linear(inner, name)
    if bound is None or bound < 0 or of is None or not of[0]:
        return None
    ends = sorted(Fraction(side * bound - of[1]) / of[0] for side in (-1, 1))
    low, high = number(ends[0]), number(ends[1])
    closed = sign.endswith("=")
    if sign == "=":
        return union((Piece(low, True, low, True),), (Piece(high, True, high, True),))
    if sign.startswith("<"):
        return (Piece(low, closed, high, closed),)
    if sign == "!=":
        return None
    return Piece(None, False, low, closed), Piece(high, closed, None, False)
