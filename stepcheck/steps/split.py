"""The only splitter: a text → the spans of its steps.

Owns where a step begins and ends. Refuses to change a character: a step is a slice of its source, and the slices with
the gaps between them are the source.

Rules. Formulas and code fences are never cut (`maths.mask`). A slice leaves out the white space around it and the mark
in front of it, where what follows is one piece: `3.`, `- `, `## `, `Step 3:`, `**Step 3:**`, `第三步：`. In
`**Step 3: Add.** We get …` the emphasis goes on behind the mark, so the mark stays in the slice. A heading (or a
line in bold, as models write for one) and the text under it are one slice.

`auto` takes the first that fits:

1. `Step n` / `第n步` / `步骤 n` as headings or at the start of lines: one step from each to the next. Another heading
   of the same rank begins a step of its own.
2. One ordered list (also one that unindented text interrupts, if its numbers go on): its items; text between two items
   belongs to the first. `(1)`, `1、` and `①` at the start of lines count too, if they run 1, 2, 3, …
3. Nothing but one bullet list: its items.
4. Paragraphs. Display maths belongs to the paragraph before it, and so does what goes on behind it in lower case; a
   list or a fence belongs to the paragraph before it if that ends in a colon.
5. A single paragraph of lines that each end like a sentence, or each hold an equation: its lines.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from stepcheck.errors import UsageError
from stepcheck.steps.blocks import Block, parse, trim
from stepcheck.steps.maths import CHINESE_STEP, DISPLAY, ENGLISH_STEP, FENCE, INLINE, STEP, mask

SplitMode = Literal["auto", "blank", "lines", "numbered", "headings"]
Span = tuple[int, int]

_STOP = r"[:：.。)）、,，—–-]"
_EMPHASIS = r"(?:\*{1,3}|_{1,3})"
STEP_LINE = re.compile(
    rf"^{_EMPHASIS}?(?:{ENGLISH_STEP}(?=[ \t]*(?:{_STOP}|[*_]|$))|{CHINESE_STEP}(?=[ \t]*(?:{_STOP}|[ \t*_]|$)))",
    re.MULTILINE,
)
"""A line that begins a step; `Step 2 gives …` does not, it needs `:`, `.` or the like behind the number."""
_STEP_MARK = re.compile(
    rf"(?P<em>{_EMPHASIS})?{STEP}[ \t]*"
    rf"(?(em){_STOP}{{0,2}}[ \t]*(?P=em)[ \t]*{_STOP}{{0,2}}|(?:{_STOP}{{1,2}}|[ \t]|$))",
    re.MULTILINE,
)
_STEP_TITLE = re.compile(rf"{_EMPHASIS}?{STEP}(?![\w])")
_COUNTED = re.compile(r"^[ ]{0,3}(?:[(（](\d{1,2})[)）]|(\d{1,2})[、．]|([①-⑳]))[ \t]*", re.MULTILINE)
_FORMULAS = re.compile(rf"[\s.,;，。；]*{DISPLAY}[{DISPLAY}\s.,;，。；]*")
_BOLD_TITLE = re.compile(rf"(\*\*|__)[^\n*=.。{DISPLAY}{INLINE}]{{1,80}}\1[:：]?")
"""A line in bold that models write for a heading: `**Find the total**`; `**So 2 + 3 = 5.**` is a sentence."""
_GOES_ON = re.compile(r"[a-z,.;，。；]|其中")
_SENTENCE_END = (*".。!?！？;；:：", DISPLAY)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the steps are, and by which rule they were found."""

    spans: tuple[Span, ...]
    by: Literal["steps", "numbers", "bullets", "paragraphs", "lines", "headings", "blank"]


def split(text: str, mode: SplitMode = "auto") -> Cut:
    """Cut a solution into steps: `text[start:end]` for each span, in order, none empty, none overlapping.

    No spans where there is nothing to find. Raises InputError for a text of absurdly many lines, UsageError for a mode
    that does not exist.
    """
    masked = mask(text)
    return split_region(masked, parse(masked, step_lines(masked)), (0, len(text)), mode)


def step_lines(masked: str) -> list[int]:
    """Offsets of the lines that begin with `Step n:`."""
    return [match.start() for match in STEP_LINE.finditer(masked)]


def split_region(masked: str, blocks: Sequence[Block], region: Span, mode: SplitMode) -> Cut:
    """As `split`, for a part of a text that is masked and parsed already; `blocks` are those of the region."""
    if mode == "auto":
        return _auto(masked, blocks)
    if mode == "blank":
        return Cut(tuple(_pieces(masked, region, r"\n(?:[ \t]*\n)+")), "blank")
    if mode == "lines":
        return Cut(tuple(_pieces(masked, region, r"\n")), "lines")
    if mode == "numbered":
        return Cut(_numbered(masked, blocks) or _counted(masked, blocks) or (), "numbers")
    if mode == "headings":
        marks = any(block.kind == "heading" or begins_step(masked, block) for block in blocks)
        return Cut(_grouped(masked, blocks, lambda block: block.kind == "heading") if marks else (), "headings")
    raise UsageError(f"no way to split is called {mode!r}; choose one of: {', '.join(get_args(SplitMode))}")


def _auto(masked: str, blocks: Sequence[Block]) -> Cut:
    content = [block for block in blocks if block.kind != "rule"]
    if _has_steps(masked, content):
        levels = [block.level for block in content if block.kind == "heading" and begins_step(masked, block)]
        rank = max(levels, default=6)
        return Cut(_grouped(masked, blocks, lambda block: block.kind == "heading" and block.level <= rank), "steps")
    if _one_list(blocks) and (spans := _numbered(masked, blocks)):
        return Cut(spans, "numbers")
    if spans := _counted(masked, blocks):
        return Cut(spans, "numbers")
    if len(content) == 1 and len(content[0].items) > 1:
        return Cut(tuple((item.start, item.end) for item in content[0].items if item.start < item.end), "bullets")
    if len(content) == 1 and content[0].kind == "text" and (spans := _sentences(masked, content[0])):
        return Cut(spans, "lines")
    return Cut(tuple(_paragraphs(masked, blocks)), "paragraphs")


def _pieces(masked: str, region: Span, separator: str) -> Iterator[Span]:
    start, end = region
    for match in re.compile(separator).finditer(masked, *region):
        yield from _nonempty(trim(masked, start, match.start()))
        start = match.end()
    yield from _nonempty(trim(masked, start, end))


def _nonempty(span: Span) -> tuple[Span, ...]:
    return (span,) if span[0] < span[1] else ()


def begins_step(masked: str, block: Block) -> bool:
    """Whether a heading or a paragraph begins with `Step n`."""
    if block.kind == "heading":
        return _STEP_TITLE.match(masked, block.start, block.end) is not None
    return block.kind == "text" and STEP_LINE.match(masked, block.start, block.end) is not None


def _has_steps(masked: str, content: Sequence[Block]) -> bool:
    """One `Step n` heading is enough; of lines it takes two, or one at the very beginning."""
    marks = [block for block in content if begins_step(masked, block)]
    return any(block.kind == "heading" for block in marks) or len(marks) > 1 or marks[:1] == list(content[:1]) != []


def _after_mark(masked: str, block: Block) -> int:
    """Where the content of a step begins, behind its mark."""
    match = _STEP_MARK.match(masked, block.start, block.end)
    return match.end() if match else block.start


def _grouped(masked: str, blocks: Sequence[Block], begins: Callable[[Block], bool]) -> tuple[Span, ...]:
    """One step from each mark to the next; a heading with nothing under it goes to the step that follows."""
    first = next((i for i, block in enumerate(blocks) if begins(block) or begins_step(masked, block)), len(blocks))
    spans = list(_paragraphs(masked, blocks[:first]))
    bare = False
    for block in blocks[first:]:
        if block.kind == "rule":
            continue
        step = begins_step(masked, block)
        if (step or begins(block)) and not bare:
            spans.append((_after_mark(masked, block) if step else block.start, block.end))
        else:
            spans[-1] = (spans[-1][0], block.end)
        bare = block.kind == "heading" and not step
    return tuple(span for start, end in spans for span in _nonempty(trim(masked, start, end)))


def _ordered(blocks: Sequence[Block]) -> list[int]:
    return [i for i, block in enumerate(blocks) if block.items and block.items[0].number is not None]


def _one_list(blocks: Sequence[Block]) -> bool:
    """Whether all ordered lists together are one, of two items or more, whose numbers go on."""
    lists = [blocks[i].items for i in _ordered(blocks)]
    goes_on = all(after[0].number == (before[-1].number or 0) + 1 for before, after in itertools.pairwise(lists))
    return goes_on and sum(map(len, lists)) > 1


def _numbered(masked: str, blocks: Sequence[Block]) -> tuple[Span, ...]:
    lists = _ordered(blocks)
    if not lists:
        return ()
    spans = list(_paragraphs(masked, blocks[: lists[0]]))
    for place, following in zip(lists, [*lists[1:], None], strict=True):
        spans += [(item.start, item.end) for item in blocks[place].items if item.start < item.end]
        between = [block for block in blocks[place + 1 : following] if block.kind != "rule"]
        if following is None:
            return tuple(_paragraphs(masked, blocks[place:], spans))
        if between and spans:
            spans[-1] = (spans[-1][0], between[-1].end)
    return tuple(spans)


def _counted(masked: str, blocks: Sequence[Block]) -> tuple[Span, ...]:
    """Steps that begin with `(1)`, `1、` or `①`, if these run 1, 2, 3, …; what precedes is cut by paragraph."""
    marks = [
        match for block in blocks if block.kind == "text" for match in _COUNTED.finditer(masked, block.start, block.end)
    ]
    numbers = [int(mark[1] or mark[2] or ord(mark[3]) - ord("①") + 1) for mark in marks]
    if len(marks) < 2 or numbers != list(range(1, len(marks) + 1)):  # noqa: PLR2004 - one item is no list
        return ()
    before = [_until(block, marks[0].start()) for block in blocks if block.start < marks[0].start()]
    spans = list(_paragraphs(masked, before))
    ends = [*(mark.start() for mark in marks[1:]), blocks[-1].end]
    spans += [trim(masked, mark.end(), end) for mark, end in zip(marks, ends, strict=True)]
    return tuple(span for start, end in spans for span in _nonempty(trim(masked, start, end)))


def _until(block: Block, end: int) -> Block:
    return Block(block.kind, block.start, min(block.end, end), block.level)


def _paragraphs(masked: str, blocks: Sequence[Block], spans: Sequence[Span] | None = None) -> Iterator[Span]:
    """One step a paragraph, but for what belongs together. With `spans`, the first block is theirs already."""
    found = list(spans or ())
    previous = blocks[0] if spans and blocks else None
    heading: Block | None = None
    for block in blocks[1:] if spans else blocks:
        if block.kind == "rule":
            previous = None
        elif block.kind == "heading" or _BOLD_TITLE.fullmatch(masked, block.start, block.end):
            heading, previous = heading or block, None
        elif previous and found and _belongs(masked, previous, block):
            found[-1], previous = (found[-1][0], block.end), block
        else:
            found.append((heading.start if heading else block.start, block.end))
            heading, previous = None, block
    yield from found
    if heading:
        yield heading.start, blocks[-1].end


def _belongs(masked: str, previous: Block, block: Block) -> bool:
    """Whether a block goes on with the step before it."""
    last = masked[previous.end - 1]
    if _FORMULAS.fullmatch(masked, block.start, block.end):
        return True
    if last in ":：" and (block.kind == "list" or masked[block.start] == FENCE):
        return True
    ends_in_formula = masked[previous.start : previous.end].rstrip(".,;，。； \n").endswith(DISPLAY)
    return ends_in_formula and _GOES_ON.match(masked, block.start) is not None


def _sentences(masked: str, block: Block) -> tuple[Span, ...]:
    """The lines of one paragraph where each looks complete: none goes on in lower case."""
    lines: list[Span] = []
    for start, end in _pieces(masked, (block.start, block.end), r"\n"):
        if lines and _FORMULAS.fullmatch(masked, start, end):
            lines[-1] = (lines[-1][0], end)
        else:
            lines.append((start, end))
    complete = all(masked[end - 1] in _SENTENCE_END for _, end in lines)
    equations = all({"=", INLINE, DISPLAY} & set(masked[start:end]) for start, end in lines)
    fresh = not any(masked[start].islower() for start, _ in lines)
    return tuple(lines) if len(lines) > 1 and fresh and (complete or equations) else ()
