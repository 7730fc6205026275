"""Lines of a paragraph that are steps.

Owns which lines of one paragraph stand for themselves, and which go on with the line before. Refuses to look at more
than one paragraph.
"""

import itertools
from collections.abc import Iterator, Sequence

from stepcheck.patterns import regex
from stepcheck.steps.blocks import Block, trim
from stepcheck.steps.clutter import BREAK
from stepcheck.steps.maths import DISPLAY, FENCE, INLINE

Span = tuple[int, int]

FORMULAS = regex(rf"[\s.,;，。；]*{DISPLAY}[{DISPLAY}\s.,;，。；]*")
_SENTENCE_END = regex(rf"(?:[.。!?！？{DISPLAY}]|\.[)\]\"'”’])(?:\[\^[^\]\s]{{1,20}}\])?[\"'”’*_)]*\Z")
_OPEN_END = regex(r"(?:[,，、;；:：+=×·/(\[{]|[ \t](?:and|or|und|et|y|e|и|so|that|the|of|by|to|is|are|for|in|at))\Z")
_RELATION = regex(r"[=≤≥<>≈≠≡∴∵⇒]")
_IN_FORMULA = regex(r"[=<>≈≤≥]|\\(?:[lg]eq?|approx|ne|equiv|implies)(?![A-Za-z])")
_WORD = regex(r"[^\W\d_]{3,}")
_FIRST = regex(r"([^\W\d_]+)([ \t]*)(.?)")
_FUNCTIONS = frozenset(
    """sin cos tan cot sec csc log exp lim max min gcd lcm det mod arcsin arccos arctan
    sqrt""".split()  # noqa: SIM905 - a row of words reads better than a row of strings
)
_GOES_ON = regex(r"[=<>≤≥≈≠+×·*/÷,.;:，。；：)\]}]|其中|[-−–][ \t\d]")
_PROSE = regex(r"[*_]|[^\W\d_]+[,，]")
_MOST_WORDS = 3
"""A line with an equation and no more words of three letters is the equation: `12 * 7 = 84 chocolates in rows`."""


def lines(masked: str, flat: str, block: Block, *, alone: bool) -> tuple[Span, ...]:
    """The lines of a paragraph where each is a step; none where they are not, or are less than two.

    Of a paragraph that is `alone` each line must look complete (end like a sentence, or hold an equation); of one
    among others each must hold an equation, and none be a formula that is set off: that belongs to what is around it.
    """
    piece = masked[block.start : block.end]
    if piece[0] in "|>" or FENCE in piece or "\n" not in piece:
        return ()
    found = list(_joined(masked, block))
    asked = [BREAK in masked[end:after] for (_, end), (after, _) in itertools.pairwise(found)]
    if asked and all(asked):
        return tuple(found)
    if alone:
        fits = all(_complete(masked, span) for span in found) or _listed(masked, found)
    else:
        fits = DISPLAY not in piece and all(_equation(masked, flat, *span) for span in found)
    return tuple(found) if fits and asked else ()


def is_equation(masked: str, flat: str, block: Block) -> bool:
    """Whether a paragraph is an equation, or some under each other, as they are written without TeX."""
    return all(_formula(masked, flat, *line) or _lost(masked, *line) for line in _pieces(masked, block))


def _formula(masked: str, flat: str, start: int, end: int) -> bool:
    """A line that is an equation, with a unit or a name or two: no sentence with formulas in it."""
    piece = masked[start:end]
    most = 0 if INLINE in piece else _MOST_WORDS - 1
    return _holds(masked, flat, start, end) and not _PROSE.match(piece) and _words(piece) <= most


def _lost(masked: str, start: int, end: int) -> bool:
    r"""A line that was `\[` or `\]` before its backslash was lost."""
    return masked[start:end] in ("[", "]")


def _joined(masked: str, block: Block) -> Iterator[Span]:
    """The lines, with those that go on."""
    start = last = -1
    for line_start, line_end in _pieces(masked, block):
        if start >= 0 and not _goes_on(masked, (start, last), (line_start, line_end)):
            yield start, last
            start = -1
        start, last = (line_start if start < 0 else start), line_end
    if start >= 0:
        yield start, last


def _pieces(masked: str, block: Block) -> Iterator[Span]:
    start = block.start
    while start < block.end:
        stop = masked.find("\n", start, block.end)
        stop = block.end if stop < 0 else stop
        span = trim(masked, start, stop)
        if span[0] < span[1]:
            yield span
        start = stop + 1


def _goes_on(masked: str, before: Span, line: Span) -> bool:
    """Whether a line goes on with the one before it."""
    if FORMULAS.fullmatch(masked, *line):
        return True
    if BREAK in masked[before[1] : line[0]] and masked[before[1] - 1] not in ",，、;；":
        return False
    tail = masked[max(before[0], before[1] - 8) : before[1]]
    if _OPEN_END.search(tail) or _GOES_ON.match(masked, *line):
        return True
    word = _FIRST.match(masked, *line)
    if word is None or not word[1][0].islower() or word[1] in _FUNCTIONS:
        return False
    if len(word[1]) == 1:
        return bool(word[2]) and _WORD.match(masked, word.end(2), line[1]) is not None
    return word[3] not in "=<>≤≥≈(^_[" or not word[3]


def _listed(masked: str, found: Sequence[Span]) -> bool:
    """Lines of which at least half hold an equation; what begins in the middle of a sentence is joined already."""
    equations = sum(_RELATION.search(masked, *span) is not None for span in found)
    return equations * 2 >= len(found) > 1


def _complete(masked: str, span: Span) -> bool:
    piece = masked[slice(*span)]
    return _SENTENCE_END.search(piece) is not None or bool({"=", INLINE, DISPLAY} & set(piece))


def _equation(masked: str, flat: str, start: int, end: int) -> bool:
    """Whether a line is an equation, or a sentence around one that is no TeX, as in GSM8K."""
    piece = masked[start:end]
    if _words(piece) <= _MOST_WORDS:
        return _holds(masked, flat, start, end)
    return _SENTENCE_END.search(piece) is not None and _RELATION.search(piece) is not None


def _holds(masked: str, flat: str, start: int, end: int) -> bool:
    formulas = "".join(flat[i] for i in range(start, end) if masked[i] in (INLINE, DISPLAY))
    return _RELATION.search(masked, start, end) is not None or _IN_FORMULA.search(formulas) is not None


def _words(piece: str) -> int:
    return sum(word not in _FUNCTIONS for word in _WORD.findall(piece))
