"""pylatexenc's nodes → atoms.

Owns which commands and environments are known. Refuses to guess: an unknown command stays as it was written, with the
groups that follow it.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stepcheck.latex import atoms as build
from stepcheck.latex import commands
from stepcheck.latex.atoms import Atom
from stepcheck.latex.bare import embrace
from stepcheck.latex.symbols import (
    CASES,
    CHARACTERS,
    FENCES,
    MATRICES,
    NOT,
    ROWS,
    SILENT,
    SYMBOLS,
    TEXTS,
    UNFENCED,
)
from stepcheck.patterns import regex

if TYPE_CHECKING:
    from pylatexenc.macrospec import LatexContextDb

_LAID_OUT = frozenset({"hline", "cline", "intertext", "multicolumn"})
"""In an environment with one of these, places say what no line can."""
_MEASURE = r"-?[\d.]+\s*(?:pt|em|ex|mm|cm|in|mu)"
_LENGTH = regex(rf"{_MEASURE}|\\baselineskip")
_LENGTHS = regex(rf"\\(?:h|m)?(?:skip|kern)\s*{_MEASURE}(?![A-Za-z])")
_PIECES = regex(r"\d+(?:,\d{3}(?!\d))+(?:\.\d+)?|\d+(?:\.\d+)?|[^\W\d_]+|\s+|.", re.DOTALL)
_LETTERS = regex(r"[^\W\d_]+")

_OPENING = {"{": "}", "(": ")", "[": "]", "|": "|", "⟨": "⟩", "‖": "‖"}
Token = Any
"""A string, which is a piece of plain characters, or one of pylatexenc's nodes (untyped)."""


@functools.cache
def _context() -> "LatexContextDb":
    """The commands that take arguments; all others are read without."""
    from pylatexenc.macrospec import EnvironmentSpec, LatexContextDb, MacroSpec

    macros = [MacroSpec(name, arguments) for name, arguments in commands.specs().items()]
    context = LatexContextDb()
    environments = [EnvironmentSpec(name, "{") for name in ("array", "alignat", "alignedat", "alignat*")]
    context.add_context_category("maths", macros=macros, environments=environments, specials=[])
    context.set_unknown_macro_spec(MacroSpec(""))
    context.set_unknown_environment_spec(EnvironmentSpec(""))
    return context


_ARGUED = regex(r"\\(?:[dtc]?frac|[dt]?binom|sqrt|text|math|over|[bf]box|boxed|vec|hat|bar|wide)")
"""Commands with arguments; where there are two, one may be the other's."""


def parse(formula: str) -> list[Atom]:
    """Read a formula without its delimiters.

    Raises ValueError: it is no LaTeX (an open brace, an environment that does not end).
    """
    from pylatexenc.latexwalker import LatexWalker, LatexWalkerError

    formula = _LENGTHS.sub(r"\\ ", formula)
    if len(_ARGUED.findall(formula)) > 1:
        formula = embrace(formula, commands.specs())
    try:
        walker = LatexWalker(formula, latex_context=_context(), tolerant_parsing=False)
        nodes, start, length = walker.get_latex_nodes()
    except (LatexWalkerError, IndexError, AttributeError, TypeError) as error:
        raise ValueError(str(error)) from error
    if start + length != len(formula):
        raise ValueError("more than one formula")
    return read(nodes)


def read(nodes: Sequence[Any]) -> list[Atom]:
    """A list of nodes as atoms."""
    return _Reader(nodes).read()


def _tokens(nodes: Sequence[Any]) -> Iterator[Token]:
    for node in nodes:
        if node is None:
            continue
        if type(node).__name__ == "LatexCharsNode":
            yield from _PIECES.findall(node.chars)
        else:
            yield node


class _Reader:
    """One list of nodes on its way to atoms."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        self._tokens = list(_tokens(nodes))
        self._at = 0
        self._out: list[Atom] = []

    def read(self) -> list[Atom]:
        r"""Read all; an infix command (`a \over b`) splits the list in two."""
        for name, make in (("over", build.fraction), ("choose", build.binomial)):
            place = next((i for i, token in enumerate(self._tokens) if _macro(token) == name), None)
            if place is not None:
                return [make(_again(self._tokens[:place]), _again(self._tokens[place + 1 :]))]
        while self._at < len(self._tokens):
            self._one(self._take())
        return self._out

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _skip_space(self) -> None:
        while isinstance(self._peek(), str) and not self._tokens[self._at].strip():
            self._at += 1

    def _one(self, token: Token) -> None:
        if isinstance(token, str):
            if token in ("^", "_"):
                self._script(token)
            else:
                self._characters(token)
        elif (name := _macro(token)) is not None:
            self._command(token, name)
        elif type(token).__name__ == "LatexEnvironmentNode":
            self._environment(token)
        else:
            self._out += _other(token)

    def _environment(self, node: Any) -> None:  # noqa: ANN401 (pylatexenc is untyped)
        r"""An environment; one in a fence of its own (`\left\{ … \right.`) gets no second one."""
        opened = next((atom.text for atom in reversed(self._out) if atom.kind != "space"), "")
        fenced = self._fenced(opened)
        if fenced is None or (rows := _plain_rows(node)) is None:
            self._out += _environment(node)
            return
        while self._out and self._out[-1].kind == "space":
            self._out.pop()
        if opened == "{" and not fenced:
            self._out[-1:] = [Atom(f"{{ {rows} }}", "close")]
        else:
            self._out.append(Atom(rows, "text"))

    def _fenced(self, opened: str) -> str | None:
        r"""What closes the fence that is open here, empty for `\right.` and the end; None where none is open."""
        after = [token for token in self._tokens[self._at :] if not (isinstance(token, str) and not token.strip())]
        bare = bool(after) and _macro(after[0]) == "right"
        closing = next(iter(after[bare:]), None)
        name = _macro(closing)
        mark = closing[0] if isinstance(closing, str) else SYMBOLS[name][0] if name in SYMBOLS else ""
        if opened in _OPENING:
            nothing = (bare and mark == ".") or (not after and opened == "{")
            return "" if nothing else mark if mark == _OPENING[opened] or bare else None
        return mark if bare and not opened and mark != "." else None

    def _characters(self, text: str) -> None:
        if text[0].isdigit():
            self._out.append(Atom(text, "num"))
        elif text.isspace():
            self._spaced()
        elif _LETTERS.fullmatch(text):
            self._out += [Atom(letter) for letter in text]
        elif text != "&":
            shown, kind = CHARACTERS.get(text, (text, "ord"))
            self._out.append(Atom(shown, kind))

    def _spaced(self) -> None:
        """White space says nothing in a formula, but two numbers stay two."""
        following = self._peek()
        digits = isinstance(following, str) and following[:1].isdigit()
        if digits and self._out and self._out[-1].kind == "num":
            self._out.append(Atom(" ", "space"))

    def _script(self, sign: str) -> None:
        self._skip_space()
        if self._peek() is None:
            self._out.append(Atom(sign))
            return
        while self._out and self._out[-1].kind == "space":
            self._out.pop()
        base = self._out.pop() if self._out and self._out[-1].kind not in ("bin", "rel", "punct", "open") else Atom("")
        argument = self._argument()
        if sign == "^" and build.line(argument, tight=True) in build.DEGREES:
            whole = next((atom for atom in reversed(self._out) if atom.kind != "space"), Atom(""))
            base = build.mixed(whole, base) or base
        self._out.append(build.script(base, sign, argument))

    def _argument(self) -> list[Atom]:
        """What a script takes: a group, a command with its arguments, or one character."""
        token = self._take()
        if isinstance(token, str) and len(token) > 1:
            self._tokens.insert(self._at, token[1:])
            token = token[0]
        return read(token.nodelist) if _is_group(token) else _again([token, *self._following(token)])

    def _following(self, token: Token) -> list[Token]:
        """Groups behind an unknown command belong to it."""
        found: list[Token] = []
        name = _macro(token)
        if name is not None and not _known(name):
            while _is_group(self._peek()):
                found.append(self._take())
        return found

    def _command(self, node: Any, name: str) -> None:  # noqa: ANN401 (pylatexenc is untyped)
        if name in SILENT:
            self._skip_space()
            if name in FENCES and _is(self._peek(), "."):
                self._at += 1
        elif name == "not":
            self._negate()
        elif name in SYMBOLS:
            self._out.append(Atom(*SYMBOLS[name]))
        elif name in commands.BRACES and (held := _with_arguments(node, name)) is not None:
            self._out.append(commands.braced(name, held, self._label(commands.BRACES[name][0])))
        elif (known := _with_arguments(node, name)) is not None:
            self._out += known
        else:
            source = node.latex_verbatim() + "".join(group.latex_verbatim() for group in self._following(node))
            self._out.append(Atom(source.strip(), "text", touchy=True))
            if isinstance(following := self._peek(), str) and _LETTERS.match(following):
                self._out.append(Atom(" ", "space"))

    def _label(self, sign: str) -> list[Atom]:
        """What stands under or over a brace, where its sign follows."""
        at = self._at
        self._skip_space()
        if not _is(self._peek(), sign):
            self._at = at
            return []
        self._at += 1
        self._skip_space()
        return self._argument() if self._peek() is not None else []

    def _negate(self) -> None:
        self._skip_space()
        before = len(self._out)
        if self._peek() is not None:
            self._one(self._take())
        made = self._out[before:]
        if len(made) == 1 and made[0].text in NOT:
            self._out[before:] = [Atom(NOT[made[0].text], "rel")]
        else:
            self._out[before:before] = [Atom("\\not", "text")]


def _again(tokens: Sequence[Token]) -> list[Atom]:
    reader = _Reader([])
    reader._tokens = list(tokens)  # noqa: SLF001 (its own class)
    return reader.read()


def _macro(token: Token) -> str | None:
    return token.macroname if type(token).__name__ == "LatexMacroNode" else None


def _is(token: Token | None, character: str) -> bool:
    """Whether a token is this character; pylatexenc's nodes cannot be compared with one."""
    return isinstance(token, str) and token == character


def _is_group(token: Token | None) -> bool:
    return type(token).__name__ == "LatexGroupNode"


def _known(name: str) -> bool:
    return name in SYMBOLS or name in SILENT or name in commands.specs() or name == "not"


def _inside(node: Any) -> list[Atom]:  # noqa: ANN401 (pylatexenc is untyped)
    """The atoms of an argument, with or without braces."""
    if node is None:
        return []
    return read(node.nodelist if _is_group(node) else [node])


def _is_torn(argument: Any) -> bool:  # noqa: ANN401 (pylatexenc is untyped)
    """Whether an argument is a command that lacks its own."""
    return "{" in commands.specs().get(_macro(argument) or "", "")


def _with_arguments(node: Any, name: str) -> list[Atom] | None:  # noqa: ANN401 (pylatexenc is untyped)
    """The commands that take arguments; None for an unknown one, or one whose argument cannot be shown."""
    given = list(node.nodeargd.argnlist) if node.nodeargd and node.nodeargd.argnlist else []
    if name not in commands.specs() or (not given and name != "\\") or any(map(_is_torn, given)):
        return None
    if name in TEXTS or name in commands.BOXES:
        return [Atom(_words(given[-1]), "text")]
    if name == "\\":
        length = given[1].latex_verbatim()[1:-1] if len(given) > 1 and given[1] is not None else ""
        kept = "" if _LENGTH.fullmatch(length.strip()) else f"[{length}]"
        return [Atom("\n", "space"), *([Atom(kept)] if length and kept else [])]
    return commands.apply(name, [_inside(argument) for argument in given])


def _words(node: Any) -> str:  # noqa: ANN401 (pylatexenc is untyped)
    r"""The words of a `\text`, with the formulas in it."""
    out: list[str] = []
    for child in node.nodelist if _is_group(node) else [node]:
        kind = type(child).__name__
        if kind == "LatexCharsNode":
            out.append(re.sub(r"\s+", " ", child.chars))
        elif kind == "LatexMathNode":
            out.append(build.line(read(child.nodelist)))
        elif kind == "LatexMacroNode" and (child.macroname in SYMBOLS or child.macroname in TEXTS):
            out.append(" " if child.macroname == " " else build.line(read([child])) + child.macro_post_space)
        else:
            out.append(child.latex_verbatim())
    return "".join(out).replace("~", " ")


def _other(node: Any) -> list[Atom]:  # noqa: ANN401 (pylatexenc is untyped)
    """Groups, environments, and what is none of these."""
    kind = type(node).__name__
    if kind == "LatexGroupNode" and node.delimiters == ("{", "}"):
        return [build.group(read(node.nodelist))]
    if kind == "LatexEnvironmentNode":
        return _environment(node)
    return [Atom(node.latex_verbatim(), "text")]


def _environment(node: Any) -> list[Atom]:  # noqa: ANN401 (pylatexenc is untyped)
    name = node.environmentname.rstrip("*")
    if any(_macro(child) in _LAID_OUT for child in node.nodelist):
        return [Atom(node.latex_verbatim(), "text")]
    rows = _rows(node.nodelist)
    if name in ROWS:
        lines = [build.line([atom for cell in row for atom in cell]) for row in rows]
        return [Atom("\n".join(text for text in lines if text), "text")]
    if name == "array" and not all(build.line(cell) for row in rows for cell in row):  # a sum on paper, say
        return [Atom("\n".join(" ".join(filter(None, map(build.line, row))) for row in rows), "text")]
    cells = [", ".join(build.line(cell).rstrip(" ,") for cell in row) for row in rows]
    if name in CASES:
        return [Atom("{ " + "; ".join(cell.rstrip(" ,;") for cell in cells) + " }", "close")]
    if name in MATRICES:
        opening, closing = tuple(MATRICES[name])
        return [Atom(opening + "; ".join(cells) + closing, "close")]
    return [Atom(node.latex_verbatim(), "text")]


def _plain_rows(node: Any) -> str | None:  # noqa: ANN401 (pylatexenc is untyped)
    """The rows of an environment that has no brackets of its own, on one line; None for all others."""
    name = node.environmentname.rstrip("*")
    if name not in UNFENCED or any(_macro(child) in _LAID_OUT for child in node.nodelist):
        return None
    rows = _rows(node.nodelist)
    if name in ROWS:
        return "; ".join(build.line([atom for cell in row for atom in cell]).rstrip(" ,;") for row in rows)
    return "; ".join(", ".join(build.line(cell).rstrip(" ,") for cell in row).rstrip(" ,;") for row in rows)


def _rows(nodes: Sequence[Any]) -> list[list[list[Atom]]]:
    r"""Cut at `\\` and `&`; a last row with nothing in it is none."""
    rows: list[list[list[Token]]] = [[[]]]
    for token in _tokens(nodes):
        if _is(token, "&"):
            rows[-1].append([])
        elif _macro(token) == "\\":
            rows.append([[]])
            broken = _with_arguments(token, "\\") or []
            rows[-1][-1] += [atom.text for atom in broken[1:]]
        else:
            rows[-1][-1].append(token)
    read_rows = [[_again(cell) for cell in row] for row in rows]
    return [row for row in read_rows if any(build.line(cell) for cell in row)]
