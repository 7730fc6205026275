"""Blocks: the headings, paragraphs, lists and fences of a masked text, with character offsets.

Owns the one use of a Markdown parser (markdown-it, blocks only; on a text from `maths.mask`, which hides what a parser
would misread). Refuses to know what a step or a problem is.

Not CommonMark, on purpose: link definitions, HTML blocks and indented code are ordinary paragraphs, since mathematics
is full of `[x]: …`, `<` and four spaces.
"""

import bisect
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stepcheck.errors import InputError
from stepcheck.patterns import regex

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST_LINES = 100_000
"""A text with more lines is refused: the parser needs up to 26 µs a line (measured), and no model reads so much."""

_MARKER = regex(r"[ \t]*(?:\d{1,9}[.)]|[-+*])")
_HASHES = regex(r"[ \t]*#{1,6}[ \t]*")
_TITLE = regex(r"[^\n=\ue000\ue001]{0,79}[^\n=\ue000\ue001.。!?！？;；,，]")
"""What an underlined line must look like to be a heading: `So x = 3.` over a `---` is a sentence over a rule."""
_CLOSING_HASHES = regex(r"[ \t]+#+[ \t]*\Z")
_SECTION = regex(
    r"^[ ]{0,3}\\(?P<name>chapter|(?:sub){0,2}section|paragraph)\*?\{(?P<title>[^{}\n]*)\}[ \t]*$", re.MULTILINE
)
_SECTION_LEVELS = {"chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
_TEX_LIST = regex(
    r"\\(?:(?P<edge>begin|end)\{(?P<name>enumerate|itemize|description)\*?\}(?:[ \t]*\[[^\]\n]*\])?"
    r"|(?P<item>item)(?![A-Za-z])(?:[ \t]*\[(?:(?![^\W\d_]{2})[^\]\n]){0,12}\])?)"
)
_TEX_MARKUP = regex(
    r"(?:\\(?:(?:begin|end)\{(?:document|proof|solution|answer|center|flush(?:left|right)|quot(?:e|ation)|enumerate|itemize"
    r"|description|theorem|lemma|claim|problem|exercise|example|remark)\*?\}|qed|qedsymbol|maketitle|newpage|clearpage|(?:small|med|big)skip|hrule|par)\s*)+"
)
"""What stands between paragraphs of LaTeX and is none."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, without its marker; `number` is None in a bullet list."""

    start: int
    end: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the top level: `text[start:end]`, outer white space excluded, a heading without its `#`.

    `rule` is a `---` or an empty heading. `level` is a heading's, 1 to 6. `text` is a paragraph, a quote or a fence.
    """

    kind: Literal["heading", "text", "list", "rule"]
    start: int
    end: int
    level: int = 0
    items: tuple[Item, ...] = ()


def trim(masked: str, start: int, end: int) -> tuple[int, int]:
    """The same slice without outer white space and comments; empty (`start == end`) where nothing is left."""
    piece = masked[start:end]
    left = start + len(piece) - len(piece.lstrip())
    return left, max(left, start + len(piece.rstrip()))


@functools.cache
def _parser() -> "MarkdownIt":
    """Fences are masked already; what is left of backticks is text."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["reference", "html_block", "code", "fence", "inline"])


def parse(masked: str, cuts: Sequence[int] = ()) -> tuple[Block, ...]:
    """The top-level blocks in order; at each of the offsets `cuts` (starts of lines, rising) everything open ends.

    Raises InputError for a text of more than `MOST_LINES` lines.
    """
    lines = masked.count("\n") + 1
    if lines > MOST_LINES:
        raise InputError(f"it has {lines:,} lines; of one solution at most {MOST_LINES:,} are read")
    lists = {found.start: found for found in _tex_lists(masked)}
    within = _Within([(found.start, found.end) for found in lists.values()])
    sections = (edge for match in _SECTION.finditer(masked) for edge in (match.start(), match.end()))
    edges = {0, len(masked), *(cut for cut in (*cuts, *sections) if not within(cut))}
    edges |= {edge for found in lists.values() for edge in (found.start, found.end)}
    return tuple(_segments(masked, sorted(edges), lists))


class _Within:
    """Whether a position lies inside one of some spans, which rise and do not overlap."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._edges = [edge for span in spans for edge in span]

    def __call__(self, position: int) -> bool:
        return bisect.bisect(self._edges, position) % 2 == 1


def _segments(masked: str, edges: Sequence[int], lists: "dict[int, Block]") -> Iterator[Block]:
    for start, end in itertools.pairwise(edges):
        found = lists.get(start)
        if found and found.end == end:
            yield found
        else:
            yield from _parse(masked, start, end)


def _tex_lists(masked: str) -> Iterator[Block]:
    r"""The lists of LaTeX, outermost ones, each with the text between its `\item`s; one left open runs to the end."""
    depth, start, name, opened = 0, 0, "", 0
    items: list[tuple[int, int]] = []
    for match in _TEX_LIST.finditer(masked):
        if match["edge"] == "begin":
            if depth == 0:
                start, name, items, opened = match.start(), match["name"], [], match.end()
            depth += 1
        elif match["edge"] == "end" and depth:
            depth -= 1
            if depth == 0 and items:
                yield _tex_list(masked, (start, match.end()), name, [*items, match.span()])
        elif match["item"] and depth == 1:
            if not items and masked[opened : match.start()].strip():
                start = match.start()  # what stands before the first item is text
            items.append(match.span())
    if depth and items:
        yield _tex_list(masked, trim(masked, start, len(masked)), name, [*items, (len(masked), len(masked))])


def _tex_list(masked: str, span: tuple[int, int], name: str, edges: Sequence[tuple[int, int]]) -> Block:
    """`edges` are where its items are named, and where the last one ends."""
    spans = [trim(masked, a[1], b[0]) for a, b in itertools.pairwise(edges)]
    counted = name == "enumerate"
    return Block("list", *span, items=tuple(Item(*one, i if counted else None) for i, one in enumerate(spans, 1)))


def _parse(masked: str, start: int, end: int) -> Iterator[Block]:
    piece = masked[start:end]
    starts = list(itertools.accumulate((len(line) + 1 for line in piece.split("\n")), initial=start))
    starts[-1] = end
    yield from _blocks(masked, starts, _parser().parse(piece))


def _blocks(masked: str, starts: list[int], tokens: "list[Token]") -> Iterator[Block]:
    opened, items = (0, 0), list[Item]()
    for token in tokens:
        start, end = (starts[line] for line in token.map or (0, 0))
        if token.type == "list_item_open" and token.level == 1:
            items.append(_item(masked, start, end, token.info))
        elif token.level != 0:
            continue
        elif token.type in ("ordered_list_open", "bullet_list_open"):
            opened, items = trim(masked, start, end), []
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            yield Block("list", *opened, items=tuple(items))
        elif token.type == "hr":
            yield Block("rule", *trim(masked, start, end))
        elif token.type == "heading_open":
            yield from _heading(masked, *trim(masked, start, end), token)
        elif token.type in ("paragraph_open", "blockquote_open") and masked[start:end].strip():
            yield _text(masked, *trim(masked, start, end))


def _text(masked: str, start: int, end: int) -> Block:
    """A paragraph, unless it is a heading or mere markup of LaTeX."""
    if masked[start] == "\\":
        if section := _SECTION.fullmatch(masked, start, end):
            kind: Literal["heading", "rule"] = "heading" if section["title"].strip() else "rule"
            return Block(kind, start, end, _SECTION_LEVELS[section["name"]])
        if _TEX_MARKUP.fullmatch(masked, start, end):
            return Block("rule", start, end)
    return Block("text", start, end)


def _heading(masked: str, start: int, end: int, token: "Token") -> Iterator[Block]:
    level = int(token.tag[1])
    if token.markup.startswith("#"):
        hashes = _HASHES.match(masked, start, end)
        start = hashes.end() if hashes else start
        closing = _CLOSING_HASHES.search(masked, start, end)
        start, end = trim(masked, start, closing.start() if closing else end)
        yield Block("heading" if start < end else "rule", start, end, level)
        return
    underline = masked.rfind("\n", start, end)
    if underline < 0:  # nothing but white space stands over the line
        yield Block("rule", start, end)
        return
    start, end = trim(masked, start, underline)
    yield Block("heading", start, end, level) if _TITLE.fullmatch(masked, start, end) else Block("text", start, end)


def _item(masked: str, start: int, end: int, number: str) -> Item:
    marker = _MARKER.match(masked, start, end)
    return Item(*trim(masked, marker.end() if marker else start, end), int(number) if number else None)
