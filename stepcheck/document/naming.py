"""Names of parts: where a text says `Problem`, `**Solution.**`, `## Final answer`, 【解答】.

Owns how such a name may stand in a text; the words themselves are in `steps/names.py`. Refuses to choose between two
that claim the same: `parts.py` does, or it is an error.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from stepcheck.patterns import regex
from stepcheck.steps.blocks import Block
from stepcheck.steps.marks import BEFORE, CLOSED, DECORATION
from stepcheck.steps.names import ANOTHER, PARTS

Kind = Literal["problem", "solution", "answer"]

_COUNT = (
    r"(?P<count>[ \t]*(?:#|[Nn]o?[.°º]?|№)?[ \t]?(?:\d{1,4}|[一二三四五六七八九十]{1,2}|[IVX]{1,4}(?!\w)|[A-D](?!\w)))?"
)
_WORDS = "|".join(f"(?P<{kind}>(?ix:{words}))" for kind, words in PARTS.items())
_METHOD = (
    r"(?P<method>(?i:method|approach|méthode|método|metodo|способ)[ \t]*(?=\d|[IVX]|[A-D]\b)"
    r"|方法(?=[一二三\d])|法(?=[一二三]))"
)
_LETTER_STOP = regex(r"[:：.]")
_LETTER = r"(?P<q>Q)|(?P<a>A)"
_NAME = rf"(?P<another>{ANOTHER})?(?:{_WORDS}|{_METHOD}|{_LETTER}){_COUNT}"
_NAMED = rf"{BEFORE}(?P<name>{_NAME})[ \t]*(?:{CLOSED})"
_STRONG = rf"{_NAMED}(?(br)|(?(em)|(?(tag)|(?(tex)|(?!)))))[ \t]*[:：.。]?[ \t]*"
_PLAIN = (
    rf"{DECORATION}(?P<capital>(?=[A-ZÀ-ÝА-ЯЁ]))?(?P<name>{_NAME})[ \t]*"
    r"(?:[:：][ \t]*|$|(?(capital)\.[ \t]+(?=[^\W\da-zß-ÿа-яё]|[$\\])|(?!)))"
)
"""Behind a capital a stop will do too, before another capital: `Proof. We add …`."""
_QUOTE = r"[ \t>]{0,8}+"
_STRONG_LINE = regex(rf"{_QUOTE}{_STRONG}", re.MULTILINE)
_PLAIN_LINE = regex(rf"{_QUOTE}{_PLAIN}", re.MULTILINE)
LINES = (regex(rf"^{_QUOTE}{_STRONG}", re.MULTILINE), regex(rf"^{_QUOTE}{_PLAIN}", re.MULTILINE))
"""Lines that name a part: an open paragraph ends there."""
_HEADING = regex(
    rf"(?:\\[a-z]{{1,20}}\*?\{{[ \t]*)?{DECORATION}(?:\*{{1,3}}|_{{1,3}})?[ \t]*{DECORATION}"
    rf"(?P<br>[【［〔\[(（])?(?P<name>{_NAME})(?(br)[】］〕\])）])[ \t]*"
    r"(?:[:：]|[.。]?(?=[ \t*_}]*\Z)|(?(count)[-—–.(（]|(?!)))[ \t*_}]*"
)


@dataclass(frozen=True, slots=True)
class Named:
    """Where a part is named: the block's place, the offset of the name and of what follows it."""

    kind: Kind
    place: int
    start: int
    content: int
    name: str
    alone: bool
    """A heading, in 【…】, or a line with nothing behind the name."""
    strong: bool
    """A heading, bold, or alone; `Solution: we add …` is not."""
    level: int
    """A heading's, 1 to 6; 7 for others."""
    root: str
    """The name without what counts it."""
    another: bool
    """Counted two or more, or called another."""


def named(masked: str, blocks: Sequence[Block]) -> Iterator[Named]:
    """The names of parts at the start of blocks; `A:` counts behind a `Q:` only."""
    asked = False
    for place, block in enumerate(blocks):
        found = _match(masked, block)
        if found is None:
            continue
        match, strong, in_brackets = found
        if (match["a"] and not asked) or ((match["a"] or match["q"]) and not _LETTER_STOP.search(match[0])):
            continue
        asked = asked or bool(match["q"])
        yield _named(masked, place, block, match, strong=strong, in_brackets=in_brackets)


def _match(masked: str, block: Block) -> tuple[re.Match[str], bool, bool] | None:
    if block.kind == "heading":
        match = _HEADING.match(masked, block.start, block.end)
        return (match, True, False) if match else None
    if block.kind != "text":
        return None
    if match := _STRONG_LINE.match(masked, block.start, block.end):
        return match, True, match["br"] in tuple("【[［〔")
    match = _PLAIN_LINE.match(masked, block.start, block.end)
    return (match, False, False) if match else None


def _named(masked: str, place: int, block: Block, match: re.Match[str], *, strong: bool, in_brackets: bool) -> Named:
    heading = block.kind == "heading"
    line_end = masked.find("\n", match.end(), block.end)
    alone = heading or not masked[match.end() : block.end if line_end < 0 else line_end].strip()
    count = (match["count"] or "").strip(" \t#.°ºNno№")
    name = match["name"].strip()
    root = name.removesuffix(match["count"] or "").lower()
    return Named(
        _kind(match),
        place,
        block.start,
        match.end(),
        name,
        alone or in_brackets,
        strong or alone,
        block.level if heading else 7,
        root,
        bool(match["another"]) or count not in ("", "1", "一", "I", "A"),
    )


def _kind(match: re.Match[str]) -> Kind:
    if match["problem"] or match["q"]:
        return "problem"
    return "answer" if match["answer"] else "solution"
