r"""Atoms → text: spaces, brackets and scripts.

Owns when a bracket is needed so that one line means what the formula means: `\frac{1}{2}x` is `(1/2)x` and not `1/2x`,
`\sqrt{3}x` is `√(3)x`. Where a script has no Unicode character for everything in it, it is written out: `x^(q+1)`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stepcheck.latex.symbols import LIMITS, SUBSCRIPTS, SUPERSCRIPTS, Kind
from stepcheck.patterns import regex

_OPERAND: frozenset[Kind] = frozenset({"ord", "num", "close", "fraction", "root", "text"})
_BEGINS: frozenset[Kind] = frozenset({"ord", "num", "open", "fraction", "root", "func", "big", "text"})
_WHOLE = regex(r"\d+(?:,\d{3})*")
DEGREES = frozenset({"∘", "°", "′", "′′"})
"""Raised signs that are units, no powers."""
_SIMPLE_FRACTION = regex(r"(\d{1,4})/(\d{1,4})")
_ENDINGS = frozenset(".:?…⋯")
"""Signs that no formula goes on with."""
_BRACKETS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉"}


@dataclass(frozen=True, slots=True)
class Atom:
    """A piece of a formula. `guarded` is how it reads where a neighbour would be taken for a part of it."""

    text: str
    kind: Kind = "ord"
    guarded: str | None = None
    touchy: bool = False
    """Also a neighbour on the left would be taken for a part of it."""
    scripted: str = ""
    """The signs of the scripts it has."""

    def guard(self) -> "Atom":
        """As it reads next to anything."""
        return self if self.guarded is None else replace(self, text=self.guarded, kind="close", guarded=None)


def line(atoms: Sequence[Atom], *, tight: bool = False) -> str:
    """Write atoms in a row; `tight` leaves out the spaces around operators, for scripts."""
    out: list[str] = []
    shown = [atom for atom in _signed(atoms) if atom.text or atom.kind == "space"]
    before: Atom | None = None
    for i, atom in enumerate(shown):
        after = next((a for a in shown[i + 1 :] if a.kind != "space"), None)
        current = _fitted(atom, before, after)
        if not tight or current.kind in ("func", "text", "space"):
            out.append(_gap(shown[i - 1] if i else None, current, tight=tight))
        out.append(_space(current.text) if current.kind == "space" else current.text)
        if current.kind != "space":
            before = current
    return re.sub(r" {3,}", "  ", "".join(out)).strip(" ")


def _space(text: str) -> str:
    return " " if text == "thin" else text


def _signed(atoms: Sequence[Atom]) -> list[Atom]:
    """Tell signs from operators: a plus or minus with nothing before it to add to belongs to what follows."""
    out: list[Atom] = []
    before: Atom | None = None
    for atom in atoms:
        signs = atom.kind == "bin" and atom.text in {"+", "−", "±", "∓"}
        current = replace(atom, kind="open") if signs and (before is None or before.kind not in _OPERAND) else atom
        out.append(current)
        if current.kind != "space" and current.text:
            before = current
    return out


def _fitted(atom: Atom, before: Atom | None, after: Atom | None) -> Atom:
    """Choose the guarded form where a neighbour touches."""
    if atom.guarded is None:
        return atom
    begins = after is not None and after.kind in _BEGINS and after.text not in _ENDINGS
    bracket = after is not None and after.kind == "close" and after.text[0] in _BRACKETS
    right = begins or bracket or (after is not None and after.text in {"/", "!", "%", "′"})
    left = before is not None and (before.kind in _OPERAND | {"func"} or before.text in {"÷", "/"})
    signed = before is not None and before.kind in ("bin", "open") and atom.text.startswith("−")
    apart = after is not None and after.kind in ("num", "fraction")
    if before is not None and not apart and (part := mixed(before, atom)) is not None:
        return part
    return atom.guard() if right or signed or (left and atom.touchy) else atom


def mixed(whole: Atom, part: Atom) -> Atom | None:
    """The fraction of a mixed number as it stands behind the whole one; None where the two are a product."""
    found = _SIMPLE_FRACTION.fullmatch(part.text) if part.kind == "fraction" else None
    if found is None or not _WHOLE.fullmatch(whole.text) or int(found[1]) >= int(found[2]):
        return None
    return Atom(found[1].translate(SUPERSCRIPTS) + "⁄" + found[2].translate(SUBSCRIPTS), "num")


def _gap(before: Atom | None, atom: Atom, *, tight: bool) -> str:
    """The space between two neighbours."""
    if before is None or "space" in (before.kind, atom.kind):
        return ""
    operator = bool({"rel", "bin"} & {before.kind, atom.kind})
    if "text" in (before.kind, atom.kind):
        spaced = operator and not before.text.endswith(" ") and not atom.text.startswith(" ")
    elif before.kind == "func":
        spaced = atom.kind in _BEGINS - {"open"} or (atom.kind == "open" and atom.text in "−+")
    elif atom.kind == "func":
        spaced = before.kind in _OPERAND or (before.kind in ("rel", "bin", "punct", "big") and not tight)
    else:
        spaced = not tight and (operator or before.kind in ("punct", "big")) and atom.kind != "punct"
    return " " if spaced else ""


def fraction(above: Sequence[Atom], below: Sequence[Atom]) -> Atom:
    """`above` over `below` on one line."""
    top, bottom = line(above), line(below)
    top = top if _is_product(above) else f"({top})"
    text = f"{top}/{bottom if _is_factor(below) else f'({bottom})'}"
    return Atom(text, "fraction", f"({text})", touchy=True)


def binomial(above: Sequence[Atom], below: Sequence[Atom]) -> Atom:
    """The number of ways to choose."""
    return Atom(f"({line(above)} choose {line(below)})", "close")


def root(index: str, inside: Sequence[Atom]) -> Atom:
    """A root; the third and fourth have signs of their own."""
    text = line(inside)
    bracketed = f"({text})"
    plain = _is_factor(inside) and not any("^" in atom.scripted for atom in inside)
    sign = {"": "√", "3": "∛", "4": "∜"}.get(index)
    if sign is not None:
        return Atom(sign + (text if plain else bracketed), "root", sign + bracketed)
    raised = raise_(index)
    if raised is None:
        return Atom(f"root({index}, {text})", "close")
    whole = f"{raised}√{text if plain else bracketed}"
    return Atom(whole, "root", f"({raised}√{bracketed})", touchy=True)


def raise_(text: str) -> str | None:
    """The text as superscripts, or None where a character has none."""
    return text.translate(SUPERSCRIPTS) if text and all(ord(c) in SUPERSCRIPTS for c in text) else None


def lower(text: str) -> str | None:
    """The text as subscripts, or None where a character has none."""
    return text.translate(SUBSCRIPTS) if text and all(ord(c) in SUBSCRIPTS for c in text) else None


def script(base: Atom, sign: str, atoms: Sequence[Atom]) -> Atom:
    """`base` with a superscript (`^`) or a subscript (`_`)."""
    text = line(atoms, tight=True)
    base = base.guard()
    if sign in base.scripted:
        base = Atom(f"({base.text})", "close")
    base = replace(base, scripted=base.scripted + sign)
    if sign == "^" and text in {"∘", "°"}:
        return replace(base, text=base.text + "°", guarded=None)
    if sign == "^" and text and set(text) == {"′"}:
        return replace(base, text=base.text + text, guarded=None)
    small = raise_(text) if sign == "^" else lower(text)
    if small is not None:
        return replace(base, text=base.text + small, guarded=None)
    bracketed = f"{base.text}{sign}({text})"
    if base.text in LIMITS:
        base = replace(base, kind="big")
    plain = f"{base.text}{sign}{text}" if len(text) == 1 else bracketed
    apart = plain == bracketed or base.kind in ("big", "func")  # a space follows these
    return replace(base, text=plain, guarded=None if apart else bracketed)


def group(atoms: Sequence[Atom]) -> Atom:
    """What stands in braces, as one atom; more than a factor gets brackets if something is put on it."""
    text = line(atoms)
    if len(atoms) == 1:
        return replace(atoms[0], kind="ord") if atoms[0].kind in ("punct", "bin", "rel") else atoms[0]
    return Atom(text, "close", None if _is_factor(atoms) else f"({text})") if text else Atom("")


def _content(atoms: Sequence[Atom]) -> list[Atom]:
    return [atom for atom in atoms if atom.text and atom.kind != "space"]


def _is_factor(atoms: Sequence[Atom]) -> bool:
    """Whether it reads as one thing under a fraction's bar or a root: a number, a letter, a bracket."""
    content = _content(atoms)
    if len(content) == 1:
        if content[0].kind == "text":
            return content[0].text.isalpha()
        if content[0].kind == "root":
            return not content[0].touchy
        return content[0].kind in ("ord", "num") and content[0].guarded is None and content[0].text not in {"/", ","}
    return _enclosed(content)


def _enclosed(content: Sequence[Atom]) -> bool:
    """Whether the first bracket closes with the last atom, and nothing is put on it."""
    depth = 0
    for i, atom in enumerate(content):
        depth += (atom.text in _BRACKETS) - (atom.text[:1] in _BRACKETS.values())
        if depth == 0:
            return i == len(content) - 1 > 0 and atom.text in _BRACKETS.values()
    return False


def _is_product(atoms: Sequence[Atom]) -> bool:
    """Whether it reads as a product above a fraction's bar: nothing is added, compared or applied outside brackets."""
    content = _content(_signed(atoms))
    if len(content) == 1 and _is_factor(content):
        return True
    if content and content[0].text == "−":
        content = content[1:]
    if not content:
        return False
    depth = 0
    for atom in content:
        depth += (atom.text in _BRACKETS) - (atom.text[:1] in _BRACKETS.values())
        if depth < 0:
            return False
        if depth == 0 and (atom.kind not in ("ord", "num", "root", "close") or atom.text == "/"):
            return False
    return depth == 0
