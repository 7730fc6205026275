"""Texts with formulas in them, and single formulas.

Owns where a formula is replaced. Refuses to fail: what cannot be read stays as it was written.
"""

import contextlib
import functools
import re

from stepcheck.latex import atoms, nodes
from stepcheck.steps.maths import formulas

LONGEST = 20_000
"""Characters of one formula; a longer one stays source, so that no text can keep the screen waiting."""
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%")
_MONEY = re.compile(r"(?<!\\)((?:\\\\)*)\$")
"""Inside `\\(…\\)` people write `$5` for money."""
_ESCAPED = re.compile(r"\\([$%#&])")


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
    r"""Replace every formula of a text; code and everything else stay, but for escaped signs (`\$` is `$`)."""
    out: list[str] = []
    done = 0
    for start, end in formulas(text):
        out += (_ESCAPED.sub(r"\1", text[done:start]), _formula(text[start:end]))
        done = end
    out.append(_ESCAPED.sub(r"\1", text[done:]))
    return "".join(out)


def _formula(source: str) -> str:
    for opening, closing in _DELIMITERS:
        if source.startswith(opening) and source.endswith(closing) and len(source) > len(opening):
            shown = _render(source[len(opening) : len(source) - len(closing)])
            return source if shown is None else shown
    return render(source) if source.startswith("\\begin") else source
