"""Layouts: a text made ready for cutting.

Owns the order in which a text is read: line ends, clutter, formulas, marks, blocks. Refuses to know what a problem is.
"""

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stepcheck.patterns import regex
from stepcheck.steps.blocks import Block, parse, trim
from stepcheck.steps.clutter import BREAK, Clutter, clear, find, lone_closing
from stepcheck.steps.marks import Mark, case_lines, step_marks, title_lines, titled_step
from stepcheck.steps.maths import flatten, mask_flat

_TEX_BREAK = regex(r"\\\\[ \t]*(?=\n)")


@dataclass(frozen=True, slots=True)
class Layout:
    r"""A text with the structure that was found in it; all offsets are the source's.

    `flat` has its line ends as `\n`, `masked` neither formulas nor code nor `clutter`. `thought` is where the thinking
    ends that nothing opens, None where there is none.
    """

    flat: str
    masked: str
    blocks: tuple[Block, ...]
    marks: dict[int, Mark]
    clutter: tuple[Clutter, ...]
    thought: int | None = None

    def mark(self, block: Block) -> Mark | None:
        """The `Step n` that begins a block."""
        if block.kind == "heading":
            return titled_step(self.masked, block)
        return self.marks.get(block.start)

    def without(self, parts: Sequence[Clutter]) -> "Layout":
        """The same with white space in the place of some parts, in order: what is cut by offsets does not see them."""
        pieces, done = list[str](), 0
        for part in parts:
            if part.start >= done:
                pieces += (self.masked[done : part.start], re.sub(r"[^\n]", " ", self.masked[part.start : part.end]))
                done = part.end
        return replace(self, masked="".join(pieces) + self.masked[done:])


def read(
    text: str, cuts: Sequence[re.Pattern[str]] = (), *, start: int = 0, thinking: bool = False, answers: bool = False
) -> Layout:
    """Lay a text out from `start` on; where one of the patterns `cuts` matches, an open block ends.

    With `thinking`, what stands in `<think>` is text like any other; with `answers`, so is what stands in `<answer>`.
    Raises InputError for a text of absurdly many lines.
    """
    flat = " " * start + flatten(text[start:])
    found = find(flat, thinking=thinking, answers=answers)
    masked = _break_lines(mask_flat(clear(flat, found)))
    marks = step_marks(masked)
    edges = {match.start() for cut in cuts for match in cut.finditer(masked, start)} | {start}
    blocks = parse(masked, sorted(edges.union(case_lines(masked), title_lines(masked), marks)))
    clutter = tuple(one for one in found if not masked[one.start : one.end].strip())
    return Layout(flat, masked, blocks, marks, clutter, None if thinking else lone_closing(flat))


def _break_lines(masked: str) -> str:
    r"""A `\\` at the end of a line ends it as `<br>` does."""
    return _TEX_BREAK.sub(lambda match: BREAK + " " * (len(match[0]) - 1), masked)


def parted(masked: str, spans: Iterable[tuple[int, int]], clutter: Sequence[Clutter]) -> Iterator[tuple[int, int]]:
    """The spans, in order, with marks, thinking and answers cut out of them; none is empty."""
    edges = [one for one in clutter if one.kind in ("mark", "thinking", "answer")]
    starts = [one.start for one in edges]
    for start, end in spans:
        at = start
        for one in edges[bisect.bisect_left(starts, start) : bisect.bisect_left(starts, end)]:
            if at < one.start:
                yield from nonempty(trim(masked, at, one.start))
            at = min(one.end, end)
        yield from nonempty(trim(masked, at, end))


def nonempty(span: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """The span, if there is anything in it."""
    return (span,) if span[0] < span[1] else ()
