"""Cutting text into lines of a width in cells.

Owns where a line ends. Refuses to lose anything: the lines together are the text, but for the white space at its folds.
"""

import itertools

from rich.cells import cell_len, get_character_cell_size

from stepcheck.patterns import regex

BROKEN_FROM = 60
"""Cells of a line that was broken because it is long; shorter ones are lines for a reason."""
_STRUCTURE = regex(r"\s{4}|\s*(?:[-*+•>#|]|\d{1,3}[.)]|\(?[a-zA-Z0-9]\)|```|~~~|\$\$|\\\[|\\begin|\\item)")
"""Lists, quotes, headings, tables, fences and display maths keep their lines."""
TOO_MUCH = 200_000
"""Characters of one step that are laid out; more would keep the screen waiting, and nobody reads so far."""


def unbroken(text: str) -> str:
    """A text without the line breaks that only kept its source narrow: long prose goes on, all else keeps its lines."""
    lines = text.split("\n")
    out = lines[:1]
    for before, line in itertools.pairwise(lines):
        if _goes_on(before, line):
            wide = get_character_cell_size(before.rstrip()[-1]) > 1 and get_character_cell_size(line.lstrip()[0]) > 1
            out[-1] = out[-1].rstrip() + ("" if wide else " ") + line.lstrip()
        else:
            out.append(line)
    return "\n".join(out)


def _goes_on(before: str, line: str) -> bool:
    """Whether the paragraph that a line belongs to was broken in the midst of its prose."""
    if not before.strip() or not line.strip() or before.endswith(("  ", "\\")):
        return False
    structured = any(_STRUCTURE.match(each) for each in (before, line))
    return not structured and (cell_len(before) >= BROKEN_FROM or line.lstrip()[0].islower())


def wrap(text: str, width: int, most: int | None = None) -> list[str]:
    """The lines of a text, each at most `width` cells; at most `most` of them, the last then ending in `…`."""
    width = max(width, 1)
    lines: list[str] = []
    for line in text.split("\n"):
        lines += _fold(line.rstrip(), width) if not line.isascii() or len(line) > width else [line.rstrip()]
        if most is not None and len(lines) > most:
            lines = lines[:most]
            lines[-1] = clip(lines[-1] + " …", width)
            break
    return lines


def _fold(line: str, width: int) -> list[str]:
    out: list[str] = []
    while line:
        end = _fits(line, width)
        if end < len(line):
            space = line.rfind(" ", 0, end + 1)
            if space > 0 and line[:space].strip():
                out.append(line[:space].rstrip())
                line = line[space:].lstrip()
                continue
        out.append(line[:end])
        line = line[end:]
    return out or [""]


def _fits(line: str, width: int) -> int:
    """How many characters fit; at least one."""
    head = line[: width + 1]
    if head.isascii():
        return min(len(line), width)
    cells = 0
    for i, character in enumerate(line[: 4 * width]):
        cells += get_character_cell_size(character)
        if cells > width:
            return max(i, 1)
    return min(len(line), 4 * width)


def clip(text: str, width: int) -> str:
    """The text in `width` cells, ending in `…` where it was longer."""
    if cell_len(text) <= width:
        return text
    return text[: _fits(text, max(width - 1, 1))].rstrip() + "…"
