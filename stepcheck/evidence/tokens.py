r"""A step → tokens with their places, plain text and LaTeX alike.

What is not known becomes `unknown`, and with it no expression is read. Text is cut into `segments`, over whose ends no
expression goes: a formula's delimiters, full stops, arrows, line ends.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from stepcheck.patterns import folded, regex
from stepcheck.steps.maths import formulas

TokenKind = Literal[
    "number", "operator", "relation", "open", "close", "command", "word", "letter", "comma", "end", "unknown", "vulgar"
]
MOST_DIGITS = 60
MOST_LINE = 400
"""So far back it is looked whether a line before is of a list as well."""
_Make = Callable[..., "Token"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a step. `text` is its plain form: `*` for every times sign, `=` for every equals sign."""

    kind: TokenKind
    text: str
    start: int
    end: int
    maths: bool = False
    """It stands in a formula."""
    spaced: bool = False
    """There is space before it, or it begins a line or formula."""
    value: Fraction = Fraction(0)
    places: int = 0


_SHORTENED = (
    "sq",
    "ft",
    "lb",
    "lbs",
    "oz",
    "hr",
    "hrs",
    "min",
    "mins",
    "sec",
    "secs",
    "yd",
    "yds",
    "cu",
    "qt",
    "pt",
    "gal",
)
_SHORT = "|".join(rf"(?<=\b{unit})" for unit in _SHORTENED)
"""A full stop behind one of these may be of the abbreviation."""
_NUMBER = r"(?:\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_TOKEN = regex(
    rf"""
    (?P<space>(?:[ \t\r\u00a0\u200b]|\\[ ,;:!>](?!\d{{3}}(?!\d))|~|`|\*\*(?!\d)|(?<!\d)\*\*|__|&
      |(?<!\d)["“”„]|["“”](?=\s*(?:[A-Za-z.,;]|$))|(?:{_SHORT})\.(?=\s*(?:[-+*/×÷=)−–]|[a-z]))
      |\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|nonumber|boldsymbol|bf|thinspace|hfill)
      (?![A-Za-z]))+)
  | (?P<end>\n|\\\\(?:\[\d*\w*\])?|=+>|-+>|—|[→⇒⟹⇔∴∵↔•✓✔#;；。（）]
      |\\begin\{{[a-z]+\*?\}}(?:\{{[lcr|]*\}})?|\\end\{{[a-z]+\*?\}}
      |\\(?:implies|Rightarrow|Longrightarrow|iff|Leftrightarrow|Longleftrightarrow|to|rightarrow|longrightarrow|therefore
        |because|quad|qquad|checkmark|tag\{{[^{{}}]*\}}|label\{{[^{{}}]*\}}|bullet)(?![A-Za-z]))
  | (?P<frac>\\[dtc]?frac(?P<short>\s*\d\s*\d)?(?![A-Za-z]))
  | (?P<text>\\(?:text|mathrm|textbf|mbox|textit|textrm|operatorname|hbox|mathbf|mathit)\s*\{{(?P<said>[^{{}}]*)\}})
  | (?P<boxed>\\(?:boxed|fbox)(?=\s*\{{))
  | (?P<degrees>\^\s*\\circ(?![A-Za-z])|\^\s*\{{\s*\\circ\s*\}}|°|\\degrees?(?![A-Za-z]))
  | (?P<approx>\\(?:approx|simeq|doteq)(?![A-Za-z])|[≈≅≒]|~=)
  | (?P<other>\\(?:neq?|leq?|geq?|lt|gt|equiv|sim|cong|in|leqslant|geqslant|mid|propto)(?![A-Za-z])|[<>≤≥≠≡∼∈]=?|!=|:=)
  | (?P<equals>[=＝])
  | (?P<times>\\(?:cdot|times|ast)(?![A-Za-z])|[×·⋅∙∗*])
  | (?P<over>\\div(?![A-Za-z])|[÷/∕⁄])
  | (?P<plus>[+＋]) | (?P<minus>[-−–－])
  | (?P<power>\^|\*\*)
  | (?P<percent>\\?[%％])
  | (?P<money>\\\$|\$|[€£]|\\pounds)
  | (?P<named>\\(?:sqrt|binom|dbinom|tbinom|pi)(?![A-Za-z])|[√π]|\bsqrt(?=\s*\()|\bpi\b)
  | (?P<greek>\\(?:alpha|beta|gamma|delta|theta|lambda|mu|omega|phi|psi|rho|tau|varphi)(?![A-Za-z])|[αβγδθλμωφ])
  | (?P<super>[²³⁴])
  | (?P<vulgar>[½¼¾⅓⅔⅕⅛])
  | (?P<open>[(\[{{]) | (?P<close>[)\]}}])
  | (?P<choose>\bC\(\s*\d{{1,3}}\s*,\s*\d{{1,3}}\s*\))
  | (?P<glued>[A-Za-z]+\d\w*|\d+(?:st|nd|rd|th)\b|\d+(?:,\d{{3}})*-[A-Za-z]{{2,}}[\w-]*|\d+[A-Za-z]+\d\w*)
  | (?P<number>{_NUMBER})
  | (?P<word>[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’-][A-Za-zÀ-ÖØ-öø-ÿ]+)*|[\u3400-\u9fff]+)
  | (?P<command>\\[A-Za-z]+)
  | (?P<comma>[,，、:：])
  | (?P<dots>\.{{2,}}|[…⋯])
  | (?P<stop>\.(?![.\d])|[?？])
  | (?P<bang>!)
  | (?P<unknown>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_SAID_NUMBER = regex(rf"\s*{_NUMBER}\s*")
_BAD_AFTER = regex(
    r",\d|:\d|_|\.\d|\.\.|\.?\s*\\(?:overline|dot|bar)|…|\\(?:ldots|dots|cdots|overline)|[’'′]\s?\d|[eE][+-]?\d|[@#&]|\{,\}"
)
_VULGAR = dict(zip("½¼¾⅓⅔⅕⅛", map(Fraction, ("1/2", "1/4", "3/4", "1/3", "2/3", "1/5", "1/8")), strict=True))
_AS_IT_STANDS: dict[str, TokenKind] = {
    "end": "end", "stop": "end", "comma": "comma", "open": "open", "close": "close", "vulgar": "vulgar",
    "greek": "letter", "unknown": "unknown",
}  # fmt: skip
_PLAIN: dict[str, tuple[TokenKind, str]] = {
    "times": ("operator", "*"), "over": ("operator", "/"), "plus": ("operator", "+"), "minus": ("operator", "-"),
    "power": ("operator", "^"), "percent": ("operator", "%"), "bang": ("operator", "!"), "approx": ("relation", "≈"),
    "equals": ("relation", "="), "other": ("relation", "?"), "money": ("command", "$"), "boxed": ("command", "boxed"),
    "degrees": ("word", "degree"),
}  # fmt: skip
_WORDED = {"plus": "+", "minus": "-", "times": "*"}
_SPELLED = regex(
    r"(?:plus|minus|times)(?=[ \t]+(?:[$\d.]|\((?![^()]*=)))|(divided|multiplied)[ \t]+by\b"
    r"|(?:is|are)[ \t]+equal[ \t]+to\b|equal[ \t]+to\b",
    re.IGNORECASE,
)
_LABEL = regex(
    r"(?:^|(?<=\n))[ \t>]*(?:(?:[-*+•][ \t]+)?(?:\*\*|__)?(?:\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)](?=[\s*])"
    r"|(?:step|part|case)[ \t]*\d{1,3}[ \t]*[:.)-]?)(?:\*\*|__)?[ \t:]*|[*+•][ \t]+)",
    re.IGNORECASE,
)
"""What numbers a step or an item at the beginning of a line; it belongs to no calculation."""


_DASHED = regex(r"(?:^|(?<=\n))[ \t>]*[-–][ \t]+(?=\$|\\[(\[])")
"""A dash before a formula at the beginning of a line: of a list, unless what stands before goes on with it."""
_LIST = regex(r"(?:^|[:.;。：；]|\n[ \t]*|(?:^|\n)[ \t>]*[-–*+•][ \t][^\n]*)\s*\Z")


def _labels(text: str) -> list[tuple[int, int]]:
    """Find what numbers or marks items at the beginning of a line."""
    found = [label.span() for label in _LABEL.finditer(text) if label.end() > label.start()]
    dashes = [dash.span() for dash in _DASHED.finditer(text)]
    return sorted([*found, *(span for span in dashes if _LIST.search(text, max(0, span[0] - MOST_LINE), span[0]))])


def tokenize(text: str) -> tuple[Token, ...]:
    """Cut a step into tokens."""
    return tuple(_opened(list(_tokens(text))))


def _tokens(text: str) -> Iterator[Token]:
    spans = [*formulas(text), (len(text), len(text))]
    labels = _labels(text)
    done = 0
    for start, end in spans:
        for label in (*(span for span in labels if done <= span[0] < start), (start, start)):
            yield from _pieces(text, done, max(done, label[0]), maths=False)
            if label[1] > label[0]:
                yield Token("end", "label", label[0], label[1])
            done = max(done, min(label[1], start) if label[1] > label[0] else start)
        if start < end:
            width = 2 if text.startswith(("$$", r"\(", r"\["), start) else 1 if text[start] == "$" else 0
            yield Token("end", "formula", start, start + width, maths=True)
            yield from _pieces(text, start + width, end - width, maths=True)
            yield Token("end", "formula", end - width, end, maths=True)
        done = end


def _pieces(text: str, start: int, end: int, *, maths: bool) -> Iterator[Token]:
    position, spaced = start, True
    while position < end:
        spelled = None if maths else _SPELLED.match(text, position, end)
        if spelled is not None and not (position and text[position - 1].isalnum()):
            said = folded(spelled[0])
            form = _WORDED.get(said) or {"d": "/", "m": "*"}.get(said[0], "is")
            yield Token("relation" if form == "is" else "operator", form, *spelled.span(), maths, spaced=True)
            position, spaced = spelled.end(), False
            continue
        found = _TOKEN.match(text, position, end)
        assert found is not None  # noqa: S101 (the last alternative takes anything)
        position = found.end()
        if found.lastgroup == "space":
            spaced = True
            continue
        yield from _token(found, text, maths=maths, spaced=spaced)
        spaced = False


def _token(found: re.Match[str], text: str, *, maths: bool, spaced: bool) -> Iterator[Token]:
    group = found.lastgroup or "unknown"  # the outermost: those within others close before them
    start, end = found.span()

    def made(kind: TokenKind, plain: str, value: Fraction = Fraction(0), places: int = 0) -> Token:
        return Token(kind, plain, start, end, maths, spaced, value, places)

    if group in _AS_IT_STANDS:
        yield made(_AS_IT_STANDS[group], found[0], _VULGAR.get(found[0], Fraction(0)))
    elif group in _PLAIN:
        yield made(*_PLAIN[group])
    else:
        yield from _longer(group, found, text, made, maths=maths)


def _longer(group: str, found: re.Match[str], text: str, made: _Make, *, maths: bool) -> Iterator[Token]:
    match group:
        case "frac":
            yield from _pair("frac", filter(str.isdigit, found["short"] or ""), made)
        case "choose":
            yield from _pair("binom", re.findall(r"\d+", found[0]), made)
        case "text":
            if _SAID_NUMBER.fullmatch(found["said"]):
                yield _valued(made("number", found[0]), found["said"])
            else:
                yield from _said(found["said"], made)
        case "named":
            yield made("command", {"√": "sqrt", "π": "pi"}.get(found[0], found[0].lstrip("\\").removeprefix("d")))
        case "super":
            yield made("operator", "^")
            yield made("number", found[0], Fraction(" ²³⁴".index(found[0]) + 1))
        case "number":
            yield _number(found, text, made("number", found[0]))
        case "word":
            yield from _word(found[0], made, maths=maths)
        case _:
            yield made("unknown", found[0])


def _pair(command: str, numbers: Iterable[str], made: _Make) -> Iterator[Token]:
    yield made("command", command)
    for number in numbers:
        yield made("open", "{")
        yield made("number", number, Fraction(int(number)))
        yield made("close", "}")


def _said(said: str, made: _Make) -> Iterator[Token]:
    words = said.strip()
    if re.fullmatch(r"[A-Za-z]", words):
        yield made("unknown", words)
    elif re.fullmatch(r"[A-Za-z\s.,/²³^'-]+|[\u3400-\u9fff]+", words):
        pieces = re.split(r"[^A-Za-z\u3400-\u9fff]+", words.lower())
        for piece in pieces:
            if piece:
                yield made("word", piece)
    elif words:
        yield made("unknown", words)


def _number(found: re.Match[str], text: str, token: Token) -> Token:
    number = _valued(token, found[0])
    after = _BAD_AFTER.match(text, found.end())
    before = text[found.start() - 1 : found.start()]
    two = text[max(0, found.start() - 2) : found.start()]
    if (
        re.match(r"0\d", number.text)
        or after
        or before in tuple("_.@#'’")
        or (before in (",", ":") and two[:1].isdigit())
    ):
        return replace(token, kind="unknown")
    return number


def _valued(token: Token, written: str) -> Token:
    """Give a token the number that is written; of too many digits it is none."""
    digits = re.sub(r"\{,\}|\\,|[,\s]", "", written)
    if len(digits) > MOST_DIGITS:
        return replace(token, kind="unknown")
    return replace(token, value=Fraction(digits), places=len(digits.partition(".")[2]), text=digits)


def _word(word: str, made: _Make, *, maths: bool) -> Iterator[Token]:
    lower = word.lower()
    if not maths and lower in ("equals", "is"):
        yield made("relation", "is" if lower == "is" else "=")
    elif not maths and lower in ("percent", "prozent"):
        yield made("operator", "%")
    elif len(word) == 1 and word.isascii():
        yield made("letter", word)
    elif maths and len(word) == 2 and word not in _UNITS_IN_MATHS:  # noqa: PLR2004 (a product of two letters)
        for offset, letter in enumerate(word):
            token = made("letter", letter)
            yield replace(
                token, start=token.start + offset, end=token.start + offset + 1, spaced=token.spaced and not offset
            )
    elif maths and not made("word", lower).spaced and word not in _UNITS_IN_MATHS:
        yield made("unknown", word)  # a product of many letters, or a name
    else:
        yield made("word", lower)


_UNITS_IN_MATHS = frozenset({"cm", "km", "kg", "mm", "ft", "mL", "ml", "in", "lb", "oz", "of"})


def _opened(tokens: list[Token]) -> Iterator[Token]:
    r"""Turn the braces of `\boxed{…}` into ends, so that what is in them is read by itself; not those of a result."""
    ends: set[int] = set()
    tokens = [token for index, token in enumerate(tokens) if not (token.text == "boxed" and _results(tokens, index))]
    depth: list[bool] = []
    for index, token in enumerate(tokens):
        if token.text == "{" and token.kind == "open":
            boxed = index > 0 and tokens[index - 1].text == "boxed"
            depth.append(boxed)
            if boxed:
                ends.update((index - 1, index))
        elif token.text == "}" and token.kind == "close" and depth and depth.pop():
            ends.add(index)
    for index, token in enumerate(tokens):
        yield replace(token, kind="end") if index in ends else token


def _results(tokens: Sequence[Token], index: int) -> bool:
    """Whether a sign of equality stands before."""
    return index > 0 and tokens[index - 1].kind == "relation"


def segments(tokens: Sequence[Token]) -> Iterator[tuple[Token, ...]]:
    """Cut between ends; a line end and a formula's end are given as the last token, for what may go on after them."""
    current: list[Token] = []
    for token in tokens:
        current.append(token)
        if token.kind == "end":
            yield tuple(current)
            current = []
    if current:
        yield tuple(current)
