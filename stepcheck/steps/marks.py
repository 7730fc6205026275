r"""Marks: what numbers a step (`Step 3:`, `**2. Add**`, `(b)`, `③`), at the start of a line, in a title, within a line.

Owns where a mark stands and where what it marks begins. Refuses to cut: `split.py` does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepcheck.patterns import regex
from stepcheck.steps.blocks import Block
from stepcheck.steps.maths import DISPLAY, FENCE, INLINE
from stepcheck.steps.names import CASE, CHINESE_STEP, ENGLISH_STEP, ROMAN, STEP, names_cases, names_steps, number

_STOP = r"[:：.。)）、,，—–-]"
SYMBOL = (
    r"[\u2190-\u21ff\u2300-\u23ff\u25a0-\u2775\u2794-\u27bf\u2900-\u297f\u2b00-\u2bff\ufe0f\u200d"
    r"\U0001f000-\U0001faff•]"
)
"""An emoji, an arrow, a bullet: what decorates a title."""
DECORATION = rf"(?:{SYMBOL}{{1,8}}[ \t]*)?"
_TAG = r"(?:<(?P<tag>[A-Za-z][A-Za-z0-9]{0,9})(?:[ ][^<>\n]{0,80})?>[ \t]*)?"
_TEX = r"(?P<tex>\\(?:textbf|textit|emph|underline|chapter|(?:sub){0,2}section|paragraph)\*?\{[ \t]*)?"
_EMPHASIS = r"(?P<em>\*{1,3}|_{1,3})?"
BEFORE = rf"{DECORATION}{_TAG}{DECORATION}{_TEX}{_EMPHASIS}[ \t]*+{DECORATION}(?P<br>[\[【［〔(（])?"
"""What may stand between the start of a line and a mark."""
CLOSED = (
    rf"(?(br)[\]】］〕)）])[ \t]*(?(em){_STOP}{{0,2}}[ \t]*(?P=em))[ \t]*(?(tex){_STOP}{{0,2}}[ \t]*\}})"
    rf"[ \t]*(?(tag){_STOP}{{0,2}}[ \t]*</(?P=tag)>)[ \t]*"
)
"""What closes what was opened before a mark: only then does the mark stand apart from what follows it."""

_ITEM = r"(?:[-+*][ \t]{1,3})?"
_TITLED = r"[(（][^()（）\n]{1,60}[)）][ \t]*[:：.*]"
_CALLED = (
    rf"(?:{ENGLISH_STEP}(?=[ \t]*(?:{_STOP}|[*_\]】］}}<]|{_TITLED}|$))"
    rf"|{CHINESE_STEP}(?=[ \t]*(?:{_STOP}|[ \t*_\]】}}<]|$)))"
)
_STEP_LINE = regex(rf"^[ ]{{0,3}}(?P<at>{_ITEM}{BEFORE}(?P<name>{_CALLED}))", re.MULTILINE)
"""A line that begins a step; `Step 2 gives …` does not, it needs `:`, `.` or the like behind the number."""
_STEP_INSIDE = regex(
    rf"(?P<mark>(?:#{{1,6}}[ \t]+)?(?:\*\*|__)?(?P<name>(?<![^\W\d_]){STEP}))[ \t]*(?:\*\*|__)?[:：.)）]"
)
_BEFORE_INSIDE = regex(r"(?P<word>[^\W\d_]+)?(?P<sign>[^\w\s*])?[ \t*]*\Z")
_LEADS_ON = frozenset(
    """to in with from by at of and see the is for on start use using per do this
    next""".split()  # noqa: SIM905 - a row of words reads better than a row of strings
)
_STEP_MARK = regex(
    rf"{_ITEM}{BEFORE}{STEP}{CLOSED}(?:{_STOP}{{1,2}}|(?(em)|(?(tex)|(?(tag)|(?(br)|(?:(?<=[ \t])|$))))))", re.MULTILINE
)
_STOPPED = regex(rf"(?:{_STOP}|[*_>\]】}}])[ \t]*\Z")
_STEP_TITLE = regex(rf"{BEFORE}(?:\d{{1,3}}[.)][ \t]*)?{STEP}(?!\w)")
_WORD = regex(r"[^\W\d_]")
_CASE_LINE = regex(rf"^[ ]{{0,3}}{BEFORE}{CASE}(?=[ \t]*(?:{_STOP}|[*_\]】}}<]|$))", re.MULTILINE)

_COUNT = (
    r"(?:(?P<bracket>[(（](?P<b>\d{1,2}|[a-z]|[ivx]{2,4})[)）])|(?P<close>(?P<c>\d{1,2}|[a-z]|[ivx]{2,4})[)）])"
    r"|(?P<comma>(?P<k>\d{1,2})[、．])|(?P<escaped>(?P<e>\d{1,2})\\[.)])|(?P<circle>[①-⑳])"
    r"|(?P<keycap>(?P<y>\d)\ufe0f?\u20e3)|(?P<han>(?P<h>[一二三四五六七八九十]{1,3})、)"
    r"|(?P<dot>(?P<d>\d{1,2})(?:[.:：](?!\d)|[ \t]*[-–—][ \t]))|(?P<roman>(?P<r>[IVX]{1,4})[.):：、])"
    r"|(?P<capital>(?P<l>[A-H])[.)]))"
)
_COUNTING = rf"(?P<at>{BEFORE}{_COUNT})"
_COUNTED = regex(rf"^[ ]{{0,3}}{_COUNTING}", re.MULTILINE)
_COUNTED_TITLE = regex(_COUNTING)
"""The count of a heading, which does not begin its line."""
_COUNT_MARK = regex(rf"{BEFORE}{_COUNT}{CLOSED}")
_PLAIN = ("bracket", "close", "comma", "escaped", "circle", "keycap", "han")
"""Counts that begin a step on a plain line; `A.` may be an option, and `1.` is a list if a space follows."""
_GLUED = regex(r"[^\s]")

TITLE = regex(rf"{DECORATION}(?P<em>\*{{2,3}}|__)(?![ \t*_])(?P<title>[^\n*]{{1,100}}?)(?P=em)[ \t]*[:：]?")
"""A line in bold, whatever it says."""
_TITLE_LINE = regex(
    rf"^{DECORATION}(?P<em>\*{{2,3}}|__)(?:{_COUNT}[ \t]*[^\n*]{{1,100}}(?P=em)[ \t]*[:：]?"
    rf"|(?![ \t*_])[^\n*=]{{1,100}}(?:[:：](?P=em)|(?P=em)[:：]))[ \t]*$",
    re.MULTILINE,
)
"""A line in bold that begins a block wherever it stands: one that is counted, or that ends in a colon."""
_RELATES = regex(rf"[=≤≥≈<>{DISPLAY}{INLINE}{FENCE}]")
_STOPS = regex(r"[.。!?！？](?:\s|$|\*|_)")
_ANNOUNCES = regex(r"[:：][*_]{0,3}\Z")
_LEADING = regex(rf"{BEFORE}(?:{_COUNT}|{STEP})")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark at `start`; what it marks begins at `content` (at `start` where the mark cannot be taken off)."""

    start: int
    content: int


def step_marks(masked: str) -> dict[int, Mark]:
    """`Step n:` at the start of lines, and within lines where the numbers run on; by the offset of the mark."""
    if not names_steps(masked):
        return {}
    lines = list(_STEP_LINE.finditer(masked))
    found = {match.start("at"): _mark(masked, match.start("at")) for match in lines}
    at_start = {number(match["name"]) for match in lines}
    known = sorted((match.start("name"), number(match["name"]), True) for match in lines)
    inside = [
        (match.start("mark"), count, False)
        for match in _STEP_INSIDE.finditer(masked)
        if (count := number(match["name"])) not in at_start and count is not None and _may_begin(masked, match)
    ]
    last: int | None = None
    for start, count, line in sorted([*known, *inside], key=lambda one: one[0]):
        if line:
            last = count
        elif (count == 1 and last is None) or (last is not None and count == last + 1):
            found[start] = _mark(masked, start)
            last = count
    return dict(sorted(found.items())) if len(found) > 1 or lines else {}


def _may_begin(masked: str, match: re.Match[str]) -> bool:
    """Whether a step may begin within a line: not in `we go on with step 2: …`, nor where the line begins."""
    start = match.start("mark")
    line = masked[max(masked.rfind("\n", 0, start) + 1, start - 80) : start]
    if not _WORD.search(line):
        return False
    before = _BEFORE_INSIDE.search(line)
    if match[0][-1] in ".)）":
        return before is not None and (before["sign"] or "") in tuple(".!?。！？;；:：")
    if before is None or before["sign"] or not before["word"]:
        return before is None or before["sign"] not in (",", "，")
    return match["name"][0].isupper() and before["word"].lower() not in _LEADS_ON


def _mark(masked: str, start: int) -> Mark:
    match = _STEP_MARK.match(masked, start)
    if match is None or (masked.startswith(("(", "（"), match.end()) and not _STOPPED.search(match[0])):
        return Mark(start, start)  # of `Step 3 (Add):` the mark is no more than half
    return Mark(start, match.end())


def case_lines(masked: str) -> Iterator[int]:
    """Offsets of the lines that begin with `Case n:`."""
    return (match.start() for match in _CASE_LINE.finditer(masked)) if names_cases(masked) else iter(())


def titled_step(masked: str, block: Block) -> Mark | None:
    """The mark of a heading that begins with `Step n`, with or without a stop behind it."""
    if block.kind != "heading" or not _STEP_TITLE.match(masked, block.start, block.end):
        return None
    match = _STEP_MARK.match(masked, block.start, block.end)
    return Mark(block.start, match.end() if match else block.start)


def is_bold(masked: str, block: Block) -> bool:
    """Whether a paragraph is one line in bold."""
    return block.kind == "text" and TITLE.fullmatch(masked, block.start, block.end) is not None


def is_title(masked: str, block: Block) -> bool:
    """Whether a block heads what follows: a heading, or a line in bold that says nothing itself."""
    return block.kind == "heading" or (is_bold(masked, block) and not _says(masked, block))


def is_bare(masked: str, block: Block) -> bool:
    """Whether a title, with nothing under it, says nothing: no number, no formula, no sentence."""
    if _says(masked, block):
        return False
    leading = _LEADING.match(masked, block.start, block.end)
    return not any(char.isdigit() for char in masked[leading.end() if leading else block.start : block.end])


def _says(masked: str, block: Block) -> bool:
    """Whether there is a formula, or a sentence; what ends in a colon is none (`Mr. Smith's cost:`)."""
    leading = _LEADING.match(masked, block.start, block.end)
    text = masked[leading.end() if leading else block.start : block.end]
    return bool(_RELATES.search(text) or (_STOPS.search(text) and not _ANNOUNCES.search(text)))


def title_lines(masked: str) -> Iterator[int]:
    """Offsets of the lines in bold that head what follows, also where no blank line parts them from what precedes."""
    return (match.start() for match in _TITLE_LINE.finditer(masked)) if "**" in masked or "__" in masked else iter(())


def numbered_titles(masked: str, blocks: Sequence[Block]) -> tuple[list[Mark], int]:
    """Headings of one rank, or lines in bold, that are counted 1, 2, 3, …: their marks and their rank (7 in bold)."""
    groups: dict[tuple[int, str], list[tuple[int, Mark]]] = {}
    for block in blocks:
        if block.kind == "heading":
            for style, count in _counts(
                _COUNTED.match(masked, block.start, block.end) or _COUNTED_TITLE.match(masked, block.start, block.end)
            ):
                groups.setdefault((block.level, style), []).append((count, _counted_mark(masked, block.start)))
        elif block.kind == "text":
            for match in _COUNTED.finditer(masked, block.start, block.end):
                if match["em"] or match["tex"] or match["tag"]:
                    for style, count in _counts(match):
                        groups.setdefault((7, style), []).append((count, _counted_mark(masked, match.start("at"))))
    for (rank, _), found in sorted(groups.items(), key=lambda group: group[0][0]):
        if _runs([count for count, _ in found]):
            return [mark for _, mark in found], rank
    return [], 0


def counted_lines(masked: str, blocks: Sequence[Block]) -> list[Mark]:
    r"""Lines that are counted 1, 2, 3, … in another way than a Markdown list: `(1)`, `1、`, `①`, `a)`, `1\.`."""
    groups: dict[str, list[tuple[int, Mark]]] = {}
    for block in blocks:
        if block.kind == "text":
            for match in _COUNTED.finditer(masked, block.start, block.end):
                plain = any(match[style] for style in _PLAIN)
                if plain or (match["dot"] and _GLUED.match(masked, match.end())):
                    for style, count in _counts(match):
                        groups.setdefault(style, []).append((count, _counted_mark(masked, match.start("at"))))
    return next(([mark for _, mark in found] for found in groups.values() if _runs([count for count, _ in found])), [])


def _counted_mark(masked: str, start: int) -> Mark:
    match = _COUNT_MARK.match(masked, start)
    return Mark(start, match.end() if match else start)


def _runs(counts: Sequence[int]) -> bool:
    return len(counts) > 1 and list(counts) == list(range(1, len(counts) + 1))


def _counts(match: re.Match[str] | None) -> Iterator[tuple[str, int]]:
    """The ways to read a count: its style and its value; `(i)` is the first of the Romans and the ninth letter."""
    if match is None:
        return
    style = next(name for name in (*_PLAIN, "dot", "roman", "capital") if match[name])
    text = next((match[name] for name in "bckeyhdrl" if match[name]), match["circle"])
    if style == "circle":
        yield style, ord(text) - ord("①") + 1
    elif text.isdigit():
        yield style, int(text)
    elif style == "han":
        yield style, number(text) or 0
    else:
        if len(text) == 1 and style != "roman":
            yield f"{style} letters", ord(text.lower()) - ord("a") + 1
        if text.lower() in ROMAN:
            yield f"{style} Roman", ROMAN.index(text.lower()) + 1
