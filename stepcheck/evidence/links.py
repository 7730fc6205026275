r"""A step → the equals signs in it, each with its two sides as far as they can be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from stepcheck.evidence.sides import Side, left_of, right_of, whole
from stepcheck.evidence.tokens import Token, segments


@dataclass(frozen=True, slots=True)
class Link:
    """`left = right`; a side that could not be read is None."""

    left: Side | None
    right: Side | None
    relation: str
    """`=`, `≈` or `is`."""
    start: int
    end: int
    """Where the sign stands."""
    maths: bool
    follows: bool = False
    """It goes on with the right side of the link before it: `a = b = c`."""


def links(tokens: Sequence[Token]) -> tuple[Link, ...]:
    """Find the links of a step, in order; relations other than equality are none."""
    return tuple(_Linker().read(tokens))


class _Linker:
    def __init__(self) -> None:
        self.last: Side | None = None
        self.dangling = False
        self.broken = False
        self.thousands = False
        """What stands before a comma is a number that may go on after it: `14, 400`."""

    def read(self, tokens: Sequence[Token]) -> Iterator[Link]:
        for segment in segments(_uncovered(tokens)):
            end = segment[-1] if segment[-1].kind == "end" else None
            body = segment[:-1] if end is not None else segment
            pieces = _cut(body)
            self.thousands = False
            for index, piece in enumerate(pieces):
                after = pieces[index + 1][:1] if index + 1 < len(pieces) else ()
                yield from self._piece(piece, after[0] if after else None)
                self.thousands = False
                if index + 1 < len(pieces):
                    self._forget()
                    self.thousands = bool(piece) and piece[-1].kind == "number" and bool(after)
            self.broken = end is not None and end.text in ("\\\\", "\n") if body or end is None else self.broken
            if end is not None and end.text not in ("\\\\", "\n", "formula"):
                self._forget()

    def _forget(self) -> None:
        self.last, self.broken = None, False

    def _piece(self, piece: tuple[Token, ...], after: Token | None) -> Iterator[Link]:
        if not piece:
            return
        splits = after is not None and after.kind == "number" and len(after.text) == 3 and not after.places  # noqa: PLR2004
        at = [i for i, token in enumerate(piece) if token.kind == "relation"]
        edges = [-1, *at, len(piece)]
        between = [piece[a + 1 : b] for a, b in pairwise(edges)]
        wholes = [whole(tokens) for tokens in between]
        for index, place in enumerate(at):
            sign = piece[place]
            if index == 0:
                left = self._begun(between[0], wholes[0], sign, chained=len(at) > 1)
            else:
                middle = wholes[index] if sign.maths or piece[at[index - 1]].text != "is" else None
                left = middle or (None if sign.maths else left_of(between[index], weak=sign.text == "is"))
            right = wholes[index + 1]
            if splits and index + 1 == len(at):
                right = None
            elif not sign.maths:
                right = right_of(between[index + 1], weak=sign.text == "is")
            if sign.text != "?":
                follows = (index > 0 and wholes[index] is not None) or (not between[0] and index == 0)
                yield Link(left, right, sign.text, sign.start, sign.end, sign.maths, follows)
        self.last = wholes[-1] if at or len(between) == 1 else None
        self.dangling = piece[-1].kind == "operator" and piece[-1].text in "+-*/"

    def _cut_off(self, tokens: Sequence[Token]) -> bool:
        """Whether a line break or a comma divides a calculation or number, of which these are the second half."""
        if self.thousands and len(tokens[0].text) == 3 and tokens[0].kind == "number" and tokens[0].spaced:  # noqa: PLR2004
            return True
        return self.dangling or (
            self.broken and tokens[0].kind == "operator" and tokens[0].text in "+-*/" and tokens[0].maths
        )

    def _begun(self, tokens: Sequence[Token], read: Side | None, sign: Token, *, chained: bool) -> Side | None:
        """Read the left side of a piece's first sign: after a line break, the right side of the line before."""
        if not tokens:
            return self.last if sign.maths else None
        if self._cut_off(tokens):
            return None
        return read if sign.maths else left_of(tokens, weak=sign.text == "is", chained=chained)


def _uncovered(tokens: Sequence[Token]) -> list[Token]:
    """Open brackets with a relation in them: round ones become ends, braces and what stands in them unknown."""
    out = list(tokens)
    opened: list[int] = []
    holding = 0
    """So many of the opened brackets, from the outermost on, have a relation in them."""
    for index, token in enumerate(tokens):
        if token.kind == "end" and token.text in ("formula", "\n"):
            opened.clear()
            holding = 0
        elif token.kind == "open":
            opened.append(index)
        elif token.kind == "relation":
            holding = len(opened)
        elif token.kind == "close" and opened:
            at = opened.pop()
            if holding > len(opened):
                holding = len(opened)
                _uncover(out, at, index)
    for at in opened[:holding]:
        out[at] = replace(tokens[at], kind="end", text="bracket")
    return _glued(out)


def _uncover(out: list[Token], start: int, end: int) -> None:
    if out[start].text == "{":
        out[start], out[end] = (replace(out[edge], kind="unknown") for edge in (start, end))
        out[start + 1 : end] = [
            token if token.kind == "unknown" else replace(token, kind="unknown") for token in out[start + 1 : end]
        ]
        return
    for edge in (start, end):
        out[edge] = replace(out[edge], kind="end", text="bracket")


def _glued(tokens: list[Token]) -> list[Token]:
    """Spoil a calculation that touches a bracket which was opened: `2(x = 3) + 5`."""
    for index, token in enumerate(tokens):
        if token.kind == "end" and token.text == "bracket":
            before = tokens[index - 1] if index else None
            after = tokens[index + 1] if index + 1 < len(tokens) else None
            if before is not None and token.maths and before.kind in ("number", "letter", "close"):
                tokens[index - 1] = replace(before, kind="unknown")
            if after is not None and after.kind == "operator":
                tokens[index + 1] = replace(after, kind="unknown")
    return tokens


def _cut(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Cut at commas and colons outside brackets; an empty piece stands for a colon."""
    pieces: list[tuple[Token, ...]] = []
    depth, start = 0, 0
    for index, token in enumerate(tokens):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.kind == "comma" and depth <= 0:
            pieces.append(tuple(tokens[start:index]))
            start, depth = index + 1, 0
            if token.text in ":：":
                pieces.append(())
    return [*pieces, tuple(tokens[start:])]
