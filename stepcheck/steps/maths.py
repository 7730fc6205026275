"""Masking: maths, code and comments replaced by filler, so that what is left can be read as Markdown.

Owns where formulas and code begin and end. Refuses to interpret them: a mask has the length of its text, character for
character, so every offset into it is an offset into the source. Inside a formula or a fence the line ends are masked
too: nothing in it can look like a blank line, a list or a heading. What is never closed is ordinary text (but a code
fence, which then runs to the end, as CommonMark says).

The time is linear in the text: a closing mark is searched from where the last search for it stopped (`_Next`).
"""

import re
from collections.abc import Iterator

from stepcheck.patterns import regex
from stepcheck.steps import money
from stepcheck.steps.names import STEP

DISPLAY = "\ue000"
INLINE = "\ue001"
FENCE = "\ue002"

ENVIRONMENTS = frozenset(
    """align alignat aligned alignedat array asy Bmatrix bmatrix cases dcases displaymath eqnarray equation flalign
    gather gathered IEEEeqnarray math matrix multline multlined pmatrix rcases smallmatrix split subarray subequations
    tabular tikzpicture Vmatrix vmatrix""".split()  # noqa: SIM905 - a table of words reads better than forty strings
)
"""Environments that are formulas or pictures; `proof`, `enumerate`, `itemize` hold the steps and are not masked."""

_LINES = str.maketrans(
    dict.fromkeys("\u0085\u2028\u2029", "\n")
    | dict.fromkeys("\f\v\0\u00a0\u3000\u200b\u2060\ufeff", " ")
    | dict.fromkeys((DISPLAY, INLINE, FENCE), "x")
)
# A page break is a space: `\frac`, badly escaped in JSON, arrives as one.

_OPEN = regex(
    r"""\\begin\{(?P<env>[A-Za-z]{1,24})\*?\}
      | \\(?P<bracket>[\[(])
      | \\.
      | (?P<dollar>\$++)
      | ^[ \t>]{0,99}(?:(?:[-+*]|\d{1,9}[.)])[ \t]{1,9})?(?P<fence>`{3,}+(?=[^`\n]*$)|~{3,}+)
      | (?P<tick>`++)
      | (?P<comment><!--)""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_ENVIRONMENT = regex(r"\\(begin|end)\{([A-Za-z]{1,24}\*?)\}")
_BARRIER = regex(rf"^[ ]{{0,3}}(?:\#{{1,6}}[ \t]++\S|(?:\*\*|__)?{STEP})", re.MULTILINE)
"""Lines that no formula runs across: with an opening mark left open by mistake, the damage ends there."""
_PARAGRAPH = regex(rf"\n(?:[ \t]*(?:\n|\Z)|[ ]{{0,3}}(?:\#{{1,6}}[ \t]++\S|\d{{1,9}}[.)][ \t]++\S|(?:\*\*|__)?{STEP}))")
"""Where an inline formula ends at the latest."""
_END = regex(r"\Z")
_CLOSING = {
    "(": regex(r"(?<!\\)(?:\\\\)*+\\\)"),
    "[": regex(r"(?<!\\)(?:\\\\)*+\\\]"),
    "$": money.CLOSE_DOLLAR,
    "$$": regex(r"(?<!\\)\$\$"),
    "<!--": regex("-->"),
}
"""What closes what an opening mark opens."""
_LONGEST_TICKS = 8


class _Next:
    """The next match of one pattern, for positions that only grow: no stretch of text is searched twice."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._pattern, self._text = pattern, text
        self._start, self._end = -1, -1

    def after(self, position: int) -> tuple[int, int]:
        """Start and end of the first match at or after `position`; the text's length and beyond where there is none."""
        if self._start < position:
            match = self._pattern.search(self._text, position)
            beyond = len(self._text) + 1
            self._start, self._end = match.span() if match else (beyond, beyond)
        return self._start, self._end


class _Scanner:
    """Finds the formula, code or comment that an opening mark opens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._paragraph = _Next(_PARAGRAPH, text)
        self._barrier = _Next(_BARRIER, text)
        self._end = _Next(_END, text)
        self._environments = _match_environments(text)
        self._close = {mark: _Next(closing, text) for mark, closing in _CLOSING.items()}

    def spans(self) -> Iterator[tuple[int, int, str]]:
        """`(start, end, filler)` of everything to mask, in order, not overlapping."""
        position = 0
        while match := _OPEN.search(self._text, position):
            span = self._opened(match)
            position = span[1] if span else match.end()
            if span:
                yield span

    def _opened(self, match: re.Match[str]) -> tuple[int, int, str] | None:
        start, end = match.span()
        match match.lastgroup:
            case "fence":
                return match.start("fence"), self._fence_end(match), FENCE
            case "env":
                found = (start, self._environments.get(start, start), DISPLAY)
            case "bracket" | "dollar" | "comment":
                found = self._formula(start, end, match[match.lastgroup])
            case "tick" if end - start <= _LONGEST_TICKS:
                found = self._until(start, end, match["tick"], self._paragraph, INLINE)
            case _:
                return None
        return found if found[1] > start else None

    def _formula(self, start: int, end: int, mark: str) -> tuple[int, int, str]:
        match mark:
            case "[" | "$$":
                return self._until(start, end, mark, self._barrier, DISPLAY)
            case "(":
                return self._until(start, end, mark, self._paragraph, INLINE)
            case "$" if self._text[end : end + 1].strip():
                closed = self._until(start, end, mark, self._paragraph, INLINE)[1]
                limit = self._paragraph.after(end)[0]
                found = money.formula_end(self._text, start, closed, limit) if closed > start else None
                return start, found or start, INLINE
            case "<!--":
                return self._until(start, end, mark, self._end, " ")
        return start, start, INLINE

    def _until(self, start: int, end: int, mark: str, limit: _Next, filler: str) -> tuple[int, int, str]:
        """From `start` to the mark that closes, where it comes before `limit`; else an empty span."""
        if mark not in self._close:
            self._close[mark] = _Next(regex(rf"(?<!`){mark}(?!`)"), self._text)
        closed_at, closed = self._close[mark].after(end)
        return start, closed if closed_at < limit.after(end)[0] and closed <= len(self._text) else start, filler

    def _fence_end(self, match: re.Match[str]) -> int:
        fence = match["fence"]
        closing = re.compile(rf"^[ \t>]*{fence[0]}{{{min(len(fence), 999)},}}+(?=[ \t]*$)", re.MULTILINE)
        closed = closing.search(self._text, match.end())
        return closed.end() if closed else max(match.end(), len(self._text.rstrip()))


def _match_environments(text: str) -> dict[int, int]:
    r"""Start of every `\begin` → end of its own `\end`, nested ones of one name included."""
    barriers = _Next(_BARRIER, text)
    opened: dict[str, list[int]] = {}
    closed: dict[int, int] = {}
    barrier = -1
    for match in _ENVIRONMENT.finditer(text):
        if match.start() > barrier:
            opened.clear()
            barrier = barriers.after(match.start())[0]
        if match[2].rstrip("*") not in ENVIRONMENTS:
            continue
        if match[1] == "begin":
            opened.setdefault(match[2], []).append(match.start())
        elif opened.get(match[2]):
            closed[opened[match[2]].pop()] = match.end()
    return closed


def mask(text: str) -> str:
    r"""The text with formulas and code replaced by filler (`DISPLAY`, `INLINE`, `FENCE`), comments by spaces.

    Same length, character for character. Every line end (CR LF, CR, U+0085, U+2028, U+2029) becomes one `\n`, the CR
    of CR LF and other exotic white space a space.
    """
    return mask_flat(flatten(text))


def mask_flat(flat: str) -> str:
    """As `mask`, for a text that is flat already."""
    pieces: list[str] = []
    done = 0
    for start, end, filler in _Scanner(flat).spans():
        pieces += (flat[done:start], filler * (end - start))
        done = end
    return "".join(pieces) + flat[done:]


def formulas(text: str) -> Iterator[tuple[int, int]]:
    r"""Where formulas stand, with their delimiters (`$…$`, `\[…\]`, environments …); code and comments are none."""
    for start, end, filler in _Scanner(flatten(text)).spans():
        if filler in (DISPLAY, INLINE) and text[start] != "`":
            yield start, end


def flatten(text: str) -> str:
    r"""One character for another: every line end is a `\n`, exotic white space a space."""
    return text.replace("\r\n", " \n").replace("\r", "\n").translate(_LINES)
