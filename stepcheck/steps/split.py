r"""The only splitter: a text → the spans of its steps.

Owns where a step begins and ends. Refuses to change a character: a step is a slice of its source, and the slices with
the gaps between them are the source.

Rules. Formulas and code fences are never cut (`maths.mask`). A slice leaves out the white space around it and the mark
in front of it, where what follows is one piece: `3.`, `- `, `## `, `Step 3:`, `**Step 3:**`, `第三步：`, `\item`. In
`**Step 3: Add.** We get …` the emphasis goes on behind the mark, so the mark stays in the slice. A heading (or a
line in bold, as models write for one) and what stands under it are one slice; with nothing under it, it is no step.

What is no part of the argument (`clutter.py`: thinking, tags, the marks of reward models and chats, footnotes) lies in
the gaps and is listed in `Cut.left_out`, as are titles with nothing under them. A mark ends a step wherever it stands.

`auto` takes the first that fits:

1. The marks of reward models (`ки`, `<extra_0>`, `</step>`), two or more: one step from each to the next.
2. `Step n` / `第n步` / `步骤 n` (and Schritt, Étape, Paso, Passo, Шаг, ステップ, 단계 …) as headings or at the start of
   lines, also behind an emoji or a tag; within lines where the numbers run on: one step from each to the next. Another
   heading of the same rank begins a step of its own; so does a line in bold if the steps are named in bold.
3. Headings of one rank, or lines in bold, that are counted 1, 2, 3, … (I, II, III; a, b, c): likewise.
4. One ordered list (also one that unindented text interrupts, if its numbers go on or all are 1): its items; text
   between two items belongs to the first. `enumerate` is such a list. `(1)`, `1、`, `①`, `a)` and `1\.` at the start of
   lines count too, if they run 1, 2, 3, …
5. Nothing but one bullet list, under a title or under none: its items.
6. Paragraphs. Display maths belongs to the paragraph before it, and so does what goes on behind it in lower case, and
   text behind a comma; a list, a table, a fence or a line that is an equation belongs to the paragraph before it if
   that ends in a colon (a list or a table also to a line that ends in no sign at all). Lines that each hold an equation
   are a step each.
7. A single paragraph of lines that each end like a sentence, or hold an equation: its lines. A line goes on with the
   one before it if that ends in `,`, `;` or `:`, or if it begins in lower case or with a sign of relation; `<br>` and
   `\\` end a line in any paragraph.
"""

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from stepcheck.errors import UsageError
from stepcheck.patterns import regex
from stepcheck.steps.blocks import Block, trim
from stepcheck.steps.clutter import Clutter
from stepcheck.steps.layout import Layout, nonempty, parted, read
from stepcheck.steps.lines import FORMULAS, Span, is_equation, lines
from stepcheck.steps.marks import Mark, counted_lines, is_bare, is_bold, is_title, numbered_titles
from stepcheck.steps.maths import DISPLAY, FENCE, INLINE

SplitMode = Literal["auto", "blank", "lines", "numbered", "headings"]
Rule = Literal["marks", "steps", "titles", "numbers", "bullets", "paragraphs", "lines", "headings", "blank"]

_GOES_ON = regex(r"[a-z,.;，。；]|其中")
_UNENDED = regex(rf"[^\n.。!?！？,，;；=$\d{DISPLAY}{INLINE}]{{1,80}}")
"""A line that is no sentence: what announces a list as a colon does."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the steps are, by which rule they were found, and what of the text is in none of them."""

    spans: tuple[Span, ...]
    by: Rule
    left_out: tuple[Clutter, ...] = ()


def split(text: str, mode: SplitMode = "auto") -> Cut:
    """Cut a solution into steps: `text[start:end]` for each span, in order, none empty, none overlapping.

    No spans where there is nothing to find. Raises InputError for a text of absurdly many lines, UsageError for a mode
    that does not exist.
    """
    layout = read(text)
    return split_region(layout, layout.blocks, (0, len(text)), mode)


def split_region(layout: Layout, blocks: Sequence[Block], region: Span, mode: SplitMode) -> Cut:
    """As `split`, for a part of a text that is laid out already; `blocks` are those of the region."""
    cutter = _Cutter(layout, blocks, region)
    spans, by = cutter.cut(mode)
    kept = list(parted(layout.masked, spans, layout.clutter))
    starts = [start for start, _ in kept]
    titles = (Clutter("title", block.start, block.end) for block in cutter.titles)
    clutter = [one for one in layout.clutter if region[0] <= one.start and one.end <= region[1]]
    left = sorted((*clutter, *titles), key=lambda one: one.start)
    return Cut(tuple(kept), by, tuple(one for one in left if not _inside(one, kept, starts)))


def _inside(one: Clutter, spans: Sequence[Span], starts: Sequence[int]) -> bool:
    place = bisect.bisect(starts, one.start) - 1
    return place >= 0 and one.start < spans[place][1]


class _Cutter:
    """A region on its way to its steps; `titles` are those that turned out to head nothing."""

    def __init__(self, layout: Layout, blocks: Sequence[Block], region: Span) -> None:
        self.layout, self.blocks, self.region = layout, blocks, region
        self.masked = layout.masked
        self.content = [block for block in blocks if block.kind != "rule"]
        self.titles: list[Block] = []

    def cut(self, mode: SplitMode) -> tuple[Sequence[Span], Rule]:
        """The spans, by a rule."""
        match mode:
            case "auto":
                return self.auto()
            case "blank":
                return list(self.pieces(r"\n(?:[ \t]*\n)+")), "blank"
            case "lines":
                return list(self.pieces(r"\n")), "lines"
            case "numbered":
                return self.numbered() or self.counted(), "numbers"
            case "headings":
                return self.headings(), "headings"
        raise UsageError(f"no way to split is called {mode!r}; choose one of: {', '.join(get_args(SplitMode))}")

    def auto(self) -> tuple[Sequence[Span], Rule]:
        """The first rule that fits."""
        if spans := self.marked():
            return spans, "marks"
        if self.has_steps() and (spans := self.steps()):
            return spans, "steps"
        if spans := self.titled():
            return spans, "titles"
        if spans := (self.numbered() if self.one_list() else ()) or self.counted():
            return spans, "numbers"
        return self.plain()

    def plain(self) -> tuple[Sequence[Span], Rule]:
        """Where nothing is counted."""
        only = self.content[-1] if self.content and all(map(self.is_bare, self.content[:-1])) else None
        if only and len(only.items) > 1:
            self.titles += self.content[:-1]
            return [(item.start, item.end) for item in only.items if item.start < item.end], "bullets"
        if (
            only
            and only.kind == "text"
            and only is self.content[0]
            and (spans := lines(self.masked, self.layout.flat, only, alone=True))
        ):
            return spans, "lines"
        return list(self.paragraphs(self.blocks)), "paragraphs"

    def is_bare(self, block: Block) -> bool:
        """Whether a block is a title that says nothing itself."""
        return is_title(self.masked, block) and is_bare(self.masked, block)

    def pieces(self, separator: str) -> Iterator[Span]:
        """The region between the matches of a pattern."""
        start, end = self.region
        for match in re.compile(separator).finditer(self.masked, *self.region):
            yield from nonempty(trim(self.masked, start, match.start()))
            start = match.end()
        yield from nonempty(trim(self.masked, start, end))

    def marked(self) -> Sequence[Span]:
        """From each mark of a reward model to the next, less the numbers in front."""
        start, end = self.region
        edges = [one for one in self.layout.clutter if one.step and start <= one.start and one.end <= end]
        if len(edges) < 2:  # noqa: PLR2004 - one may just end the text
            return ()
        bounds = [start, *(edge for one in edges for edge in (one.start, one.end)), end]
        begins = {mark.start: mark.content for block in self.content if (mark := self.layout.mark(block))}
        blocks = sorted(begins)
        begins |= dict(self.item_marks())
        spans: list[Span] = []
        for piece in zip(bounds[::2], bounds[1::2], strict=True):
            left, right = trim(self.masked, *piece)
            inner = blocks[bisect.bisect_left(blocks, left) : bisect.bisect_left(blocks, right)]
            starts = [left, *(at for at in inner if at > left)]
            ends = [*starts[1:], right]
            spans += [(begins.get(at, at), until) for at, until in zip(starts, ends, strict=True)]
        return [one for span in spans for one in nonempty(trim(self.masked, *span))]

    def item_marks(self) -> Iterator[Span]:
        """Where the items of lists begin, with their numbers and without."""
        for block in self.content:
            end = block.start
            for item in block.items:
                yield trim(self.masked, end, item.start)[0], item.start
                end = max(item.end, end)

    def has_steps(self) -> bool:
        """One `Step n` heading is enough; of lines it takes two, or one at the very beginning."""
        found = [block for block in self.content if self.layout.mark(block)]
        return any(block.kind == "heading" for block in found) or len(found) > 1 or found[:1] == self.content[:1] != []

    def steps(self) -> Sequence[Span]:
        """From each `Step n` to the next."""
        marks = [(block, mark) for block in self.content if (mark := self.layout.mark(block))]
        levels = [block.level for block, _ in marks if block.kind == "heading"]
        rank = max(levels, default=6)
        bold = not levels and all(self.masked[mark.start] in "*_" for _, mark in marks)
        return self.between([mark for _, mark in marks], rank, bold=bold)

    def titled(self) -> Sequence[Span]:
        """From each counted title to the next."""
        marks, rank = numbered_titles(self.masked, self.content)
        return self.between(marks, rank, bold=rank > 6) if marks else ()  # noqa: PLR2004 - there are six ranks of headings

    def headings(self) -> Sequence[Span]:
        """From each heading to the next."""
        marks = [mark for block in self.content if (mark := self.layout.mark(block))]
        found = marks or any(block.kind == "heading" for block in self.content)
        return self.between(marks, 6, bold=False) if found else ()

    def between(self, marks: Sequence[Mark], rank: int, *, bold: bool) -> Sequence[Span]:
        """One step from each mark to the next; a heading of that rank begins one too, a line in bold if `bold`.

        A title with nothing under it goes to the step that follows.
        """
        begins = {mark.start: mark for mark in marks}
        for block in self.content:
            title = (block.kind == "heading" and block.level <= rank) or (bold and is_bold(self.masked, block))
            if title:
                begins.setdefault(block.start, Mark(block.start, block.start))
        starts = sorted(begins)
        spans = list(self.paragraphs([_until(block, starts[0]) for block in self.blocks if block.start < starts[0]]))
        bare: list[Block] = []
        for piece in self.cut_at(starts):
            mark = begins.get(piece.start)
            if mark and not bare:
                spans.append((mark.content, piece.end))
            elif spans:
                spans[-1] = (spans[-1][0], piece.end)
            title = mark is not None and mark.content == mark.start and is_title(self.masked, piece)
            bare = [*bare, piece] if title else []
        if bare and all(map(self.is_bare, bare)):
            self.titles += bare
            spans.pop()
        return [one for span in spans for one in nonempty(trim(self.masked, *span))]

    def cut_at(self, starts: Sequence[int]) -> Iterator[Block]:
        """The blocks from the first of some offsets on, cut at each of them."""
        for block in self.content:
            inner = starts[bisect.bisect_right(starts, block.start) : bisect.bisect_left(starts, block.end)]
            edges = [block.start, *inner, block.end]
            for start, end in itertools.pairwise(edges):
                if start >= starts[0]:
                    yield Block(block.kind, *trim(self.masked, start, end), block.level)

    def ordered(self) -> list[int]:
        """The places of ordered lists."""
        return [i for i, block in enumerate(self.blocks) if block.items and block.items[0].number is not None]

    def one_list(self) -> bool:
        """Whether all ordered lists together are one, of two items or more, whose numbers go on, or all are 1."""
        lists = [self.blocks[i].items for i in self.ordered()]
        goes_on = all(after[0].number == (before[-1].number or 0) + 1 for before, after in itertools.pairwise(lists))
        ones = all(item.number == 1 for items in lists for item in items) and not any(
            map(self.announced, self.ordered()[1:])
        )
        return (goes_on or ones) and sum(map(len, lists)) > 1

    def announced(self, place: int) -> bool:
        """Whether the block before one ends in a colon."""
        before = [block for block in self.blocks[:place] if block.kind != "rule"]
        return bool(before) and self.masked[before[-1].end - 1] in ":："

    def numbered(self) -> Sequence[Span]:
        """The items of all ordered lists, with what stands between them."""
        places = self.ordered()
        if not places:
            return ()
        spans = list(self.paragraphs(self.blocks[: places[0]]))
        for place, following in zip(places, [*places[1:], None], strict=True):
            spans += [(item.start, item.end) for item in self.blocks[place].items if item.start < item.end]
            between = [block for block in self.blocks[place + 1 : following] if block.kind != "rule"]
            if following is None:
                if between and spans and self.names(spans[-1]):
                    spans[-1] = (spans[-1][0], between[0].end)
                    return tuple(self.paragraphs(self.blocks[self.blocks.index(between[0]) :], spans))
                rest = self.blocks[place if spans else place + 1 :]  # of an empty list nothing goes on
                return tuple(self.paragraphs(rest, spans))
            while between and self.is_bare(between[-1]):
                self.titles.append(between.pop())
            if between and spans:
                spans[-1] = (spans[-1][0], between[-1].end)
            else:
                spans += self.paragraphs(between)
        return tuple(spans)

    def names(self, span: Span) -> bool:
        """Whether an item is nothing but a title, of what stands under the list."""
        return self.is_bare(Block("text", *span))

    def counted(self) -> Sequence[Span]:
        """Steps that begin with `(1)`, `1、` or `①`; what precedes is cut by paragraph."""
        marks = counted_lines(self.masked, self.blocks)
        return self.between(marks, 0, bold=False) if marks else ()

    def paragraphs(self, blocks: Sequence[Block], spans: Sequence[Span] | None = None) -> Iterator[Span]:
        """One step a paragraph, but for what belongs together. With `spans`, the first block is theirs already."""
        found = list(spans or ())
        previous = blocks[0] if spans and blocks else None
        titles: list[Block] = []
        for block in blocks[1:] if spans else blocks:
            if block.kind == "rule":
                previous = None
            elif is_title(self.masked, block):
                titles.append(block)
                previous = None
            elif previous and found and self.belongs(previous, block):
                found[-1], previous = (found[-1][0], block.end), block
            else:
                start = titles[0].start if titles else block.start
                units = self.units(block)
                found += [(start, units[0][1]), *units[1:]]
                titles, previous = [], block
        yield from found
        bare = [title for title in titles if is_bare(self.masked, title)]
        if len(bare) < len(titles):
            yield titles[0].start, titles[-1].end
        else:
            self.titles += bare

    def units(self, block: Block) -> Sequence[Span]:
        """The lines of a paragraph that are equations; else the paragraph."""
        found = lines(self.masked, self.layout.flat, block, alone=False) if block.kind == "text" else ()
        return found or ((block.start, block.end),)

    def belongs(self, previous: Block, block: Block) -> bool:
        """Whether a block goes on with the step before it."""
        last = self.masked[previous.end - 1]
        if FORMULAS.fullmatch(self.masked, block.start, block.end):
            return True
        if last in ",，、" and block.kind == "text":
            return True
        table = self.masked[block.start] == "|"
        if last in ":：" and (block.kind == "list" or table or self.masked[block.start] in (FENCE, ">")):
            return True
        if last in ":：" and block.kind == "text" and is_equation(self.masked, self.layout.flat, block):
            return True
        if (block.kind == "list" or table) and _UNENDED.fullmatch(self.masked, previous.start, previous.end):
            return True
        before = self.masked[previous.start : previous.end]
        ends_in_formula = before.rstrip(".,;，。； \n").endswith(DISPLAY)
        return ends_in_formula and _GOES_ON.match(self.masked, block.start) is not None


def _until(block: Block, end: int) -> Block:
    return Block(block.kind, block.start, min(block.end, end), block.level, block.items)
