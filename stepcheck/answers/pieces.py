"""Sets of real numbers as pieces: which end comes first, union, intersection, difference.

Owns the order of ends, exactly where they are rational, else by their floats. Refuses to cut where it is not known.
"""

from collections.abc import Callable

from stepcheck.answers.tree import Tree, approximate, exact
from stepcheck.answers.values import Piece

Pieces = tuple[Piece, ...]
Join = Callable[[Pieces, Pieces], Pieces | None]
ALL: Pieces = (Piece(None, False, None, False),)
NEAR = 1e-9


def order(a: Tree, b: Tree) -> int | None:
    """Tell which of two ends is the smaller: -1, 0, 1; None if that is not certain."""
    if a == b:
        return 0
    ours, theirs = exact(a), exact(b)
    if ours is not None and theirs is not None:
        return (ours > theirs) - (ours < theirs)
    x, y = approximate(a), approximate(b)
    if x is None or y is None:
        return None
    near = abs(x - y) <= NEAR * max(abs(x), abs(y), 1e-300)
    return 0 if near else (x > y) - (x < y)


def in_order(pieces: Pieces) -> Pieces:
    """Return pieces joined where they touch, in ascending order as far as it is known."""
    return union((), pieces)


def union(ours: Pieces, theirs: Pieces) -> Pieces:
    """Join pieces that touch or overlap, in ascending order; where order cannot be told, leave them as they are."""
    todo = [*ours, *theirs]
    done: list[Piece] = []
    for piece in todo:
        for place, other in enumerate(done):
            merged = _merged(other, piece)
            if merged is not None:
                del done[place]
                done = list(union(tuple(done), (merged,)))
                break
        else:
            done.append(piece)
    return tuple(sorted(done, key=_start))


def _start(piece: Piece) -> tuple[float, bool]:
    low = None if piece.low is None else approximate(piece.low)
    return (-float("inf") if piece.low is None else 0.0 if low is None else low), not piece.low_in


def _merged(a: Piece, b: Piece) -> Piece | None:
    """Return the union of two pieces if it is one piece."""
    if _start(a) > _start(b):
        a, b = b, a
    if a.high is None or b.low is None:
        touching: int | None = 1
    else:
        touching = order(a.high, b.low)
        if touching == 0 and not (a.high_in or b.low_in):
            touching = -1
    if touching is None or touching < 0:
        return None
    if a.high is None or b.high is None:
        high, high_in = None, False
    else:
        which = order(a.high, b.high)
        if which is None:
            return None
        high, high_in = (a.high, a.high_in or (which == 0 and b.high_in)) if which >= 0 else (b.high, b.high_in)
    low_in = a.low_in
    if a.low is not None and b.low is not None and order(a.low, b.low) == 0:
        low_in = a.low_in or b.low_in
    return Piece(a.low, low_in, high, high_in)


def intersection(ours: Pieces, theirs: Pieces) -> Pieces | None:
    """Return what is in both; None if the order of ends is not known."""
    found: list[Piece] = []
    for a in ours:
        for b in theirs:
            low, high = _inner(a, b, low=True), _inner(a, b, low=False)
            if low is None or high is None:
                return None
            piece = Piece(low[0], low[1], high[0], high[1])
            if not is_empty(piece):
                found.append(piece)
    return tuple(found)


def is_empty(piece: Piece) -> bool:
    """Whether the ends of a piece are certainly the wrong way round, or one number that does not belong to it."""
    which = None if piece.low is None or piece.high is None else order(piece.low, piece.high)
    return which is not None and (which > 0 or (which == 0 and not (piece.low_in and piece.high_in)))


def _inner(a: Piece, b: Piece, *, low: bool) -> tuple[Tree | None, bool] | None:
    """Return the end of an intersection: the higher low or the lower high."""
    ends = [(a.low, a.low_in), (b.low, b.low_in)] if low else [(a.high, a.high_in), (b.high, b.high_in)]
    real = [(tree, belongs) for tree, belongs in ends if tree is not None]
    if len(real) < 2:  # noqa: PLR2004 (both have an end)
        return real[0] if real else (None, False)
    which = order(real[0][0], real[1][0])
    if which is None:
        return None
    if which == 0:
        return real[0][0], real[0][1] and real[1][1]
    return real[0] if (which > 0) == low else real[1]


def difference(ours: Pieces, theirs: Pieces) -> Pieces | None:
    """Take pieces out of pieces."""
    left: Pieces | None = ours
    for piece in theirs:
        outside: list[Piece] = []
        if piece.low is not None:
            outside.append(Piece(None, False, piece.low, not piece.low_in))
        if piece.high is not None:
            outside.append(Piece(piece.high, not piece.high_in, None, False))
        left = None if left is None else intersection(left, tuple(outside))
    return left
