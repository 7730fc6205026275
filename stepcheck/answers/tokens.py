r"""A tidy text → tokens: numbers, words, TeX commands, signs. The only reader of single characters.

Owns what is one sign in many writings (`\leq`, `<=`, `≤`). Refuses nothing: a sign that nobody knows is a token, and
whoever reads the tokens does not know it either.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from stepcheck.answers.numerals import Commas, Numeral, numeral
from stepcheck.answers.text import MATHS, WORDS
from stepcheck.patterns import regex

MOST_TOKENS = 400

_SIGNS = {
    "le": "<=", "leq": "<=", "leqslant": "<=", "leqq": "<=", "lt": "<", "ge": ">=", "geq": ">=", "geqslant": ">=",
    "geqq": ">=", "gt": ">", "ne": "!=", "neq": "!=", "times": "*", "cdot": "*", "ast": "*", "bullet": "*", "div": "/",
    "pm": "±", "mp": "∓", "in": "∈", "cup": "∪", "bigcup": "∪", "cap": "∩", "setminus": "∖", "backslash": "∖",
    "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "colon": ":", "langle": "⟨", "rangle": "⟩", "lbrack": "[",
    "rbrack": "]", "lparen": "(", "rparen": ")", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "ldots": "...", "dots": "...", "cdots": "...", "cent": "¢", "wedge": "∧", "land": "∧", "vee": "∨", "lor": "∨",
    "approx": "≈", "sim": "≈", "simeq": "≈", "equiv": "≡", "to": "→", "rightarrow": "→", "prime": "'", "notin": "∉",
    "varnothing": "∅", "emptyset": "∅", "R": "R", "Re": "R", "Z": "Z", "N": "N", "Q": "Q", "C": "C", "lVert": "‖",
    "rVert": "‖", "Vert": "‖", "iff": "⇔", "implies": "⇒", "Rightarrow": "⇒", "colonequals": "=", "triangleq": "=",
}  # fmt: skip
_COMMAND = regex(r"\\([a-zA-Z]+|.)")
_WORD = regex(r"[^\W\d_\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]+")
_HAN = regex(r"平方(?:千|公|厘|分|毫)?[米里]|立方(?:千|厘|分|毫)?米|千[克米瓦卡]|毫[米克升秒]|百分之|"
                  r"[十百千万亿兆零一二两三四五六七八九]+|"
                  r"[^\W\d_十百千万亿兆零一二两三四五六七八九A-Za-z]+")  # fmt: skip
_DIGITS = frozenset("0123456789")
IDEOGRAPH = regex(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_LONG = ("<=", ">=", "!=", "=<", "=>", "**", "+/-", "+-", "->", "==", "...", "\\\\", "<>", "''", "/=")
_LONG_SIGNS = {"=<": "<=", "**": "^", "+/-": "±", "+-": "±", "->": "→", "==": "=", "<>": "!=", "/=": "!="}
_OPEN, _CLOSE = frozenset({"(", "[", "⟨", "\\{"}), frozenset({")", "]", "⟩", "\\}"})
_DEEPER = dict.fromkeys((*_OPEN, "{"), 1) | dict.fromkeys((*_CLOSE, "}"), -1)
_TAKES_TWO = frozenset({"frac", "binom"})


@dataclass(frozen=True, slots=True)
class Token:
    r"""A token; `command` is a TeX command without its backslash, `sign` one of the house's signs.

    `spaced` if a blank stands before it, `upright` if it stands among words (`\text`, or text around formulas).
    """

    kind: Literal["number", "word", "command", "sign"]
    text: str
    spaced: bool = False
    upright: bool = False
    numeral: Numeral | None = None

    def is_sign(self, *signs: str) -> bool:
        """Whether this is one of some signs."""
        return self.kind == "sign" and self.text in signs


Tokens = tuple[Token, ...]


@lru_cache(1024)
def tokens(text: str, commas: Commas = Commas.THOUSANDS) -> Tokens:
    """Cut a tidy text into tokens; nothing if it is too long to be an answer."""
    cutter = _Cutter(text, commas)
    found = cutter.cut()
    if len(found) > MOST_TOKENS or cutter.refused:
        return ()
    if all(token.upright for token in found if token.kind in {"word", "number"}):
        return tuple(replace(token, upright=False) for token in found)
    return tuple(found)


class _Cutter:
    """Goes through a text once."""

    def __init__(self, text: str, commas: Commas) -> None:
        self.text, self.at, self.commas = text, 0, commas
        self.found: list[Token] = []
        self.brackets: list[int] = []
        self.braces = 0
        self.upright = self.spaced = False
        self.refused = False  # a number beyond all measure
        self.waiting: list[list[int]] = []  # of \frac: depth of braces, arguments to come
        self.mixed = bool(re.search(r"\d[,;] ", text) and re.search(r"\d,\d{3}(?!\d)", text))

    def cut(self) -> list[Token]:
        while self.at < len(self.text) and len(self.found) <= MOST_TOKENS:
            char = self.text[self.at]
            if char in " \n":
                self.spaced, self.at = True, self.at + 1
            elif char in (WORDS, MATHS):
                self.upright, self.spaced, self.at = char == WORDS, True, self.at + 1
            else:
                self._one(char)
        return self.found

    def _one(self, char: str) -> None:
        if char == "\\":
            self._command()
        elif (char in _DIGITS or char in ".,") and self._number():
            pass
        elif IDEOGRAPH.match(char) and (found := _HAN.match(self.text, self.at)):
            self._add("word", found[0], found.end())
        elif found := _WORD.match(self.text, self.at):
            short = self._is_argument()
            self._add("word", found[0][:1] if short else found[0], self.at + 1 if short else found.end())
            self._took(short=short)
        else:
            long = next((sign for sign in _LONG if self.text.startswith(sign, self.at)), char)
            self._sign(_LONG_SIGNS.get(long, long), self.at + len(long))

    def _command(self) -> None:
        found = _COMMAND.match(self.text, self.at)
        if found is None:
            self._sign("\\", self.at + 1)
            return
        name = found[1]
        if name in _SIGNS:
            self._sign(_SIGNS[name], found.end())
        elif name in "{}":
            self._sign("\\" + name, found.end())
        elif name in {"|", "\\"}:
            self._sign("‖" if name == "|" else "\\\\", found.end())
        else:
            short = self._is_argument()
            self._add("command", name, found.end())
            self._took(short=short)
            if name in _TAKES_TWO:
                self.waiting.append([self.braces, 2])

    def _number(self) -> bool:
        commas = self.commas
        if self.brackets and commas is Commas.THOUSANDS and not self.mixed:
            commas = Commas.LIST
        short = self._is_argument() and self.text[self.at] in _DIGITS
        found = numeral(self.text[self.at] if short else self.text, 0 if short else self.at, commas)
        if found is None:
            self.refused = self.refused or self.text[self.at] in _DIGITS
            return False
        end = self.at + 1 if short else found[1]
        self._add("number", self.text[self.at : end], end, found[0])
        self._took(short=short)
        return True

    def _sign(self, sign: str, end: int) -> None:
        if sign in _OPEN:
            self.brackets.append(self.at)
        elif sign in _CLOSE and self.brackets:
            self.brackets.pop()
        elif sign == "{":
            self.braces += 1
        elif sign == "}":
            self.braces -= 1
            while self.waiting and self.waiting[-1][0] > self.braces:
                self.waiting.pop()
            self._took(short=self._is_argument())
        self._add("sign", sign, end)

    def _is_argument(self) -> bool:
        r"""Whether what comes is an argument of `\frac` without braces: one digit or letter."""
        return bool(self.waiting) and self.waiting[-1][0] == self.braces

    def _took(self, *, short: bool) -> None:
        if short:
            self.waiting[-1][1] -= 1
            if not self.waiting[-1][1]:
                self.waiting.pop()

    def _add(
        self, kind: Literal["number", "word", "command", "sign"], text: str, end: int, value: Numeral | None = None
    ) -> None:
        self.found.append(Token(kind, text, self.spaced, self.upright, value))
        self.spaced, self.at = False, end


def deeper(token: Token) -> int:
    """Return how a token changes the depth of brackets: 1 if it opens one, -1 if it closes one, else 0."""
    return _DEEPER.get(token.text, 0) if token.kind == "sign" else 0


def closing(found: Sequence[Token], at: int) -> int | None:
    """Return the place of the bracket that closes the one at a place; None if nothing does."""
    depth = 0
    for place in range(at, len(found)):
        change = deeper(found[place])
        depth += change
        if change < 0 and depth == 0:
            return place
    return None


def divided(found: Sequence[Token], *signs: str) -> list[Tokens]:
    """Cut tokens at signs that stand in no bracket."""
    parts: list[Tokens] = []
    depth = start = 0
    for place, token in enumerate(found):
        change = deeper(token)
        depth += change
        if not change and depth == 0 and token.is_sign(*signs):
            parts.append(tuple(found[start:place]))
            start = place + 1
    return [*parts, tuple(found[start:])]


def written(found: Sequence[Token]) -> str:
    """Return tokens as a text without blanks: names and reasons are made of it."""
    return "".join(token.text for token in found)
