"""Commands that take arguments → atoms.

Owns which they are, and the line form of each. Refuses what has none: a line over a sum, an accent over a word; these
stay as they were written.
"""

import functools
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from stepcheck.latex import atoms as build
from stepcheck.latex.atoms import Atom
from stepcheck.latex.symbols import ACCENTS, ALPHABETS, BINOMIALS, FRACTIONS, STRIKES, TEXTS, WIDE

Arguments = Sequence[list[Atom]]
_Make = Callable[[Arguments], list[Atom] | None]

_SHORT = 6
"""Letters, with their indices, over which an accent is repeated, at most."""
_ABOVE = {"?": "≟", "def": "≝", "△": "≜", "Δ": "≜", "!": "=!"}
"""What stands over an equals sign, and the sign for both."""
_ARCS = frozenset("⌢⏜")
_ARC_NAMES = ("overparen", "wideparen", "overarc")
_DASH = {"→": "—{}→", "⟶": "—{}→", "←": "←{}—", "⟵": "←{}—", "⇒": "={}⇒", "⟹": "={}⇒", "⇐": "⇐{}=", "⟸": "⇐{}="}
_DASH |= {"=": "=[{}]"}
ARROWS: Final = {
    "xrightarrow": "→",
    "xleftarrow": "←",
    "xRightarrow": "⇒",
    "xLeftarrow": "⇐",
    "xlongrightarrow": "→",
    "xlongleftarrow": "←",
    "xlongequal": "=",
}
BOXES: Final = {"colorbox": "{{", "fcolorbox": "{{{"}
"""Commands of whose arguments the last is seen, and is text."""
DROPPED: Final = {
    "hspace": "*{",
    "vspace": "*{",
    "color": "[{",
    **dict.fromkeys(("mspace", "phantom", "hphantom", "vphantom", "label", "require"), "{"),
}
"""Commands whose arguments are not seen (lengths, names, colours), with these as pylatexenc writes them."""
SPACES: Final = frozenset({"hspace", "mspace", "phantom", "hphantom"})
"""Those of them that part their neighbours."""
SECOND: Final = {"textcolor": "[{{", "raisebox": "{{", "rotatebox": "{{", "bbox": "[{"}
"""Commands of whose arguments the last is seen."""
PLAIN: Final = frozenset(
    """smash mathclap mathllap mathrlap mathord mathbin mathrel mathopen mathclose mathpunct mathinner ensuremath
    pmb""".split()  # noqa: SIM905 - a table of words
)
"""Commands that say how their argument is set, not what it is."""
BRACES: Final = {
    "underbrace": ("_", "⏟"),
    "overbrace": ("^", "⏞"),
    "underbracket": ("_", "⏟"),
    "overbracket": ("^", "⏞"),
}
"""Commands with a label: the sign that brings it, and what stands between the two."""


@functools.cache
def specs() -> dict[str, str]:
    """The commands, each with its arguments as pylatexenc writes them: `{` one, `[` one that may be left out, `*`."""
    one = [
        *ALPHABETS,
        *TEXTS,
        *ACCENTS,
        *WIDE,
        *STRIKES,
        *PLAIN,
        *BRACES,
        *_ARC_NAMES,
        "boxed",
        "fbox",
        "mathop",
        "pmod",
        "substack",
    ]
    found = dict.fromkeys(one, "{") | dict.fromkeys((*FRACTIONS, *BINOMIALS, *STACKED), "{{") | DROPPED | SECOND
    found |= BOXES
    found |= dict.fromkeys(ARROWS, "[{")
    return found | {"sqrt": "[{", "\\": "*[", "operatorname": "*{", "tag": "*{"}


def apply(name: str, given: Arguments) -> list[Atom] | None:
    """Show a command with its arguments, those that were left out empty; None where it has no line form."""
    return _MAKE[name](given) if name in _MAKE else None


def _dropped(name: str, _: Arguments) -> list[Atom]:
    return [Atom(" ", "space")] if name in SPACES else []


def _last(given: Arguments) -> list[Atom]:
    return [build.group(given[-1])]


def _held(given: Arguments) -> list[Atom]:
    return list(given[0])


def _long_arrow(name: str, given: Arguments) -> list[Atom] | None:
    return None if given[0] else [_arrow(ARROWS[name], build.line(given[1]))]


def _fraction(given: Arguments) -> list[Atom]:
    return [build.fraction(given[0], given[1])]


def _binomial(given: Arguments) -> list[Atom]:
    return [build.binomial(given[0], given[1])]


def _alphabet(name: str, given: Arguments) -> list[Atom]:
    inside = given[0]
    changed = build.line(inside).translate(ALPHABETS[name])
    return [Atom(changed) if len(inside) == 1 else build.group([Atom(changed), Atom("")])]


def _root(given: Arguments) -> list[Atom]:
    return [build.root(build.line(given[0], tight=True), given[1])]


def _boxed(given: Arguments) -> list[Atom]:
    return [Atom(f"⟦{build.line(given[0])}⟧", "close")]


def _operator(given: Arguments) -> list[Atom]:
    return [Atom(build.line(given[-1]), "func")]


def _pmod(given: Arguments) -> list[Atom]:
    return [Atom(" ", "space"), Atom(f"(mod {build.line(given[0])})", "close")]


def _tag(given: Arguments) -> list[Atom]:
    text = build.line(given[-1])
    return [Atom("  ", "space"), Atom(text if given[0] else f"({text})", "close")]


def _substack(given: Arguments) -> list[Atom]:
    lines = [line.strip() for line in build.line(given[0], tight=True).split("\n")]
    return [Atom(", ".join(filter(None, lines)))]


def _overset(given: Arguments) -> list[Atom] | None:
    """What stands over a relation or an arrow; over letters an arrow or an arc; over a sum its upper end."""
    above, below = build.line(given[0]), build.line(given[1])
    kinds = {atom.kind for atom in given[1] if atom.text and atom.kind != "space"}
    if below in _DASH and below != "=":
        return [_arrow(below, above)]
    if kinds == {"rel"}:
        sign = _ABOVE.get(above) if below == "=" else None
        return [Atom(sign or f"{below}[{above}]", "rel")]
    if above in _ARCS:
        return _arc(given[1:])
    if above in {"→", "⟶"}:
        return _accented(below, "overrightarrow")
    return [build.script(given[1][0], "^", given[0])] if kinds == {"big"} and len(given[1]) == 1 else None


def _arc(given: Arguments) -> list[Atom] | None:
    text = build.line(given[0])
    return [Atom(f"⌢{text}", "close")] if text.isalnum() else None


def _underset(given: Arguments) -> list[Atom] | None:
    """What stands under an operator, as if it were a subscript of it."""
    below = [atom for atom in given[1] if atom.kind != "space"]
    if len(below) == 1 and below[0].kind in ("big", "func"):
        return [build.script(below[0], "_", given[0])]
    return None


def _arrow(sign: str, label: str) -> Atom:
    return Atom(_DASH[sign].format(label) if label else sign, "rel")


STACKED: Final[dict[str, _Make]] = {"overset": _overset, "stackrel": _overset, "underset": _underset}


def _accent(name: str, given: Arguments) -> list[Atom] | None:
    return _accented(build.line(given[0]), name)


def _accented(text: str, name: str) -> list[Atom] | None:
    """A letter with its accent; a wide one, and a stroke, over each of a few."""
    mark = ACCENTS.get(name) or WIDE.get(name) or STRIKES[name]
    bare = text.isalnum() and not any(unicodedata.combining(sign) for sign in unicodedata.normalize("NFD", text))
    if name in WIDE or name in STRIKES or name in ("overline", "underline"):
        few = len(text) <= _SHORT or name in ("overline", "underline")
        marked = [letter + mark * (letter.isalpha() or letter.isdecimal()) for letter in text]
        return [Atom("".join(marked), "close")] if bare and few else None
    return [Atom(text + mark)] if len(text) == 1 and text.isalpha() else None


def braced(name: str, inside: list[Atom], label: list[Atom]) -> Atom:
    """What a brace holds together, with its label."""
    if not build.line(label):
        return build.group(inside)
    return Atom(f"({build.line(inside)} {BRACES[name][1]} {build.line(label)})", "close")


def _named(make: Callable[[str, Arguments], list[Atom] | None], names: Iterable[str]) -> dict[str, _Make]:
    return {name: functools.partial(make, name) for name in names}


_MAKE: Final[dict[str, _Make]] = {
    **_named(_dropped, DROPPED),
    **_named(_long_arrow, ARROWS),
    **_named(_alphabet, ALPHABETS),
    **_named(_accent, (*ACCENTS, *WIDE, *STRIKES)),
    **dict.fromkeys((*PLAIN, *SECOND), _last),
    **dict.fromkeys(BRACES, _held),
    **dict.fromkeys(FRACTIONS, _fraction),
    **dict.fromkeys(BINOMIALS, _binomial),
    **dict.fromkeys(("boxed", "fbox"), _boxed),
    **dict.fromkeys(("operatorname", "mathop"), _operator),
    **STACKED,
    "sqrt": _root,
    "pmod": _pmod,
    "tag": _tag,
    "substack": _substack,
    **dict.fromkeys(_ARC_NAMES, _arc),
}
