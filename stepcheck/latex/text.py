"""Texts with formulas in them, and single formulas.

Owns where a formula is replaced. Refuses to fail: what cannot be read stays as it was written.
"""

import contextlib
import functools
import heapq
import re
from collections.abc import Iterator

from stepcheck.latex import atoms, nodes
from stepcheck.patterns import regex
from stepcheck.steps.maths import formulas, mask

LONGEST = 20_000
"""Characters of one formula; a longer one stays source, so that no text can keep the screen waiting."""
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_COMMENT = regex(r"(?<!\\)((?:\\\\)*)%")
_MONEY = regex(r"(?<!\\)((?:\\\\)*)\$")
"""Inside `\\(…\\)` people write `$5` for money."""
_BOX = regex(r"(?<!\\)\\(?:boxed|fbox)[ ]?\{")
_BRACES = regex(r"\\.|[{}]|\n[ \t]*\n", re.DOTALL)
_ESCAPED = regex(r"\\([$%#&])")


def render(formula: str) -> str:
    r"""Write a formula (without its delimiters) in Unicode: `\frac{1}{2}x` → `(1/2)x`.

    What is not known stays as it was written; of a formula that is not LaTeX, all of it. Lines of an `align` are lines.
    """
    text = _render(formula)
    return formula if text is None else text


@functools.lru_cache(4096)
def _render(formula: str) -> str | None:
    """The formula in Unicode, or None where it cannot be read."""
    if len(formula) > LONGEST:
        return None
    source = _COMMENT.sub(r"\1\\%", formula)
    for attempt in dict.fromkeys((source, _MONEY.sub(r"\1\\$", source))):
        with contextlib.suppress(ValueError, RecursionError):
            text = atoms.line(nodes.parse(attempt))
            if text.strip():
                return "\n".join(line.strip() for line in text.split("\n"))
    return None


def show(text: str) -> str:
    r"""Replace every formula of a text; code and everything else stay, but for escaped signs (`\$` is `$`).

    A `\boxed` outside of formulas, as models write it, is one.
    """
    out: list[str] = []
    done = 0
    for start, end in _places(text):
        out += (_ESCAPED.sub(r"\1", text[done:start]), _formula(text[start:end]))
        done = end
    out.append(_ESCAPED.sub(r"\1", text[done:]))
    return "".join(out)


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where formulas stand, and boxes outside of them with all that is in them."""
    boxes = list(_boxes(text)) if _BOX.search(text) else []
    done = 0
    for start, end in heapq.merge(boxes, formulas(text)):
        if start >= done:
            yield start, end
            done = end


def _boxes(text: str) -> Iterator[tuple[int, int]]:
    """Boxes that stand in no formula and no code, and end in their paragraph."""
    masked = mask(text)
    closes: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACES.finditer(masked):
        if found[0] == "{":
            opened.append(found.end())
        elif found[0] == "}" and opened:
            closes[opened.pop()] = found.end()
        elif found[0].startswith("\n"):
            opened.clear()
    for found in _BOX.finditer(masked):
        if found.end() in closes:
            yield found.start(), closes[found.end()]


def _formula(source: str) -> str:
    for opening, closing in _DELIMITERS:
        if source.startswith(opening) and source.endswith(closing) and len(source) > len(opening):
            shown = _render(source[len(opening) : len(source) - len(closing)])
            return source if shown is None else shown
    box = _BOX.match(source)
    if box and "$" in source:
        return f"⟦{show(source[box.end() : -1])}⟧"
    return render(source) if box or source.startswith("\\begin") else source
