r"""Tokens → an expression, for as far as they are one.

Precedence is left to `values`: a row of operands keeps the order in which it stands. Refuses, with `UnreadError`, what
could be something else: two numbers side by side, a function, a bar, an index on a number.
"""

from collections.abc import Sequence
from fractions import Fraction

from stepcheck.evidence import words
from stepcheck.evidence.amounts import UnreadError
from stepcheck.evidence.expressions import (
    Choose,
    Factorial,
    Letter,
    Measured,
    Mixed,
    Negative,
    Node,
    Number,
    Operator,
    Over,
    Percent,
    Pi,
    Power,
    Root,
    Row,
)
from stepcheck.evidence.tokens import Token

MOST_TOKENS = 200
MOST_DEPTH = 24
MOST_UNIT_WORDS = 8
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_FUNCTIONS = frozenset("fghFGHPQRpqTSV")
_LETTER_UNITS = frozenset("mghsLlV")


def parse(tokens: Sequence[Token]) -> Node:
    """Read all of the tokens as one expression; raises `UnreadError`."""
    reader = _Reader(tokens)
    node = reader.row()
    if reader.at < len(tokens):
        raise UnreadError
    return node


def parse_prefix(tokens: Sequence[Token]) -> tuple[Node, int]:
    """Read as many of the first tokens as are one expression, and tell how many; raises `UnreadError`."""
    reader = _Reader(tokens)
    return reader.row(), reader.at


class _Reader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        if len(tokens) > MOST_TOKENS:
            raise UnreadError
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def _next(self, offset: int = 0) -> Token | None:
        at = self.at + offset
        return self.tokens[at] if at < len(self.tokens) else None

    def row(self) -> Node:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise UnreadError
        operands, operators, close = [self._operand()], list[Operator](), list[bool]()
        while (step := self._operator(operands[-1])) is not None:
            operator, length, silent = step
            before = self.at
            self.at += length
            try:
                operands.append(self._operand())
            except UnreadError:
                if self.depth > 1 or (before + length < len(self.tokens) and not _dash(self.tokens[before])):
                    raise
                self.at = before
                break
            operators.append(operator)
            close.append(silent)
        self.depth -= 1
        if len(operands) == 1:
            return operands[0]
        return Row(tuple(operands), tuple(operators), tuple(close))

    def _operator(self, left: Node) -> tuple[Operator, int, bool] | None:
        """Tell the operator that comes next, the tokens that it takes, and whether it is not written."""
        token = self._next()
        if token is None:
            return None
        if token.kind == "operator" and token.text in "+-*/":
            return token.text, 1, False  # type: ignore[return-value]
        if token.kind == "word" and token.text == "of":
            return ("*", 1, False) if _portion(left) else None
        if token.kind == "letter" and token.text in "xX" and self._crossed(token):
            return "*", 1, False
        return ("*", 0, True) if self._touches(token) else None

    def _crossed(self, token: Token) -> bool:
        """Whether an x is a times sign: between numbers, with space on both sides or on none, in plain text."""
        before, after = self._next(-1) if self.at else None, self._next(1)
        if token.maths or before is None or after is None:
            return False
        sides = before.kind in ("number", "close", "word") and (
            after.kind in ("number", "open") or (after.kind == "command" and after.text == "$")
        )
        return sides and token.spaced == after.spaced

    def _touches(self, token: Token) -> bool:
        """Whether a product without a sign goes on here."""
        before = self._next(-1) if self.at else None
        if before is None:
            return False
        near = token.maths or not token.spaced
        if token.kind == "number":
            return _after_factorial(before, token)
        match token.kind:
            case "letter":
                return near and before.kind in ("number", "letter", "close", "command")
            case "open" if token.text != "{":
                if before.kind == "letter" and before.text in _FUNCTIONS:
                    raise UnreadError
                if before.kind in ("number", "letter", "close", "command"):
                    if not near:
                        raise UnreadError
                    return True
            case "command" if token.text in ("frac", "sqrt", "pi", "binom"):
                return near and before.kind in ("number", "close", "letter", "command")
            case "vulgar":
                raise UnreadError
        return False

    def _operand(self) -> Node:
        token = self._next()
        if token is not None and token.kind == "operator" and token.text in "+-":
            if token.text == "+" and self.at > 0 and self.tokens[self.at - 1].kind == "operator":
                raise UnreadError
            self.at += 1
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise UnreadError
            inside = self._operand()
            self.depth -= 1
            return Negative(inside) if token.text == "-" else inside
        return self._postfix(self._primary())

    def _postfix(self, node: Node) -> Node:
        while (token := self._next()) is not None:
            if token.kind == "operator" and token.text == "^":
                self.at += 1
                node = Power(node, self._exponent())
                following = self._next()
                if following is not None and following.text == "^":
                    raise UnreadError  # 2^3^2 is 512 for some, 64 for others
            elif token.kind == "operator" and token.text == "!" and not token.spaced:
                self.at += 1
                node = Factorial(node)
            elif token.kind == "operator" and token.text == "%":
                self.at += 1
                node = Percent(node)
            elif self._names_unit(token) or self._per(token, node):
                node = Measured(node, self._unit())
            elif token.kind == "command" and token.text == "$" and isinstance(node, Number):
                self.at += 1
                node = Measured(node, "$")
            elif self._letter_unit(token, node):
                self.at += 1
                node = Measured(node, token.text)
            else:
                break
        return node

    def _letter_unit(self, token: Token, node: Node) -> bool:
        after = self._next(1)
        closes = after is None or after.kind in ("operator", "relation", "close")
        return not token.maths and token.spaced and token.text in _LETTER_UNITS and isinstance(node, Number) and closes

    def _names_unit(self, token: Token | None) -> bool:
        """Whether a word can be of a unit: `apples`, `per`, `each`."""
        if token is None or token.kind != "word" or token.text == "of":
            return False
        return token.text in ("per", "times") or token.text not in words.NOT_AFTER | words.VERBS

    def _per(self, token: Token, node: Node) -> bool:
        """Whether `/hour` comes, after a number or a unit."""
        over, after = token.kind == "operator" and token.text == "/", self._next(1)
        return over and isinstance(node, Number | Measured) and after is not None and after.kind == "word"

    def _unit(self) -> str:
        r"""Take the words after a number: `red apples`, `cups of rice per day`, `miles/hour`, `cm^2`."""
        taken: list[str] = []
        while (token := self._next()) is not None:
            after = self._next(1)
            if len(taken) == MOST_UNIT_WORDS:
                break
            goes_on = bool(taken) and token.text == "of" and self._names_unit(after)
            phrase = self._phrase() if taken else 0
            if phrase:
                taken.append("in")
                self.at += phrase
            elif self._names_unit(token) or goes_on or (taken[-1:] == ["per"] and token.kind == "word"):
                taken.append(token.text)
                self.at += 1
            elif token.kind == "operator" and token.text == "/" and after is not None and after.kind == "word":
                taken.append("per")
                self.at += 1
            elif token.text == "^" and after is not None and after.kind == "number" and taken[-1:] != ["degree"]:
                self.at += 2
            elif token.text == "^" and after is not None and after.text == "{" and self._next(3) is not None:
                self.at += 4
            else:
                break
        if not taken:
            raise UnreadError
        return " ".join(taken)

    def _phrase(self) -> int:
        """Count the words of a phrase from a preposition up to an operator: `in the morning +`."""
        token = self._next()
        if token is None or token.kind not in ("word", "letter") or token.text not in words.PHRASES:
            return 0
        length = 0
        while (word := self._next(length)) is not None and (word.kind == "word" or word.text == "a"):
            if word.text in words.VERBS - words.PHRASES:
                return 0
            length += 1
        ends = word is None or (word.kind == "operator" and word.text in "+-*/") or word.kind == "close"
        return length if ends and length <= MOST_UNIT_WORDS and self._next(length - 1) != token else 0

    def _exponent(self) -> Node:
        token = self._next()
        if token is None:
            raise UnreadError
        if token.kind == "open" and token.text in "{(":
            return self._bracketed()
        if token.kind == "number":
            self.at += 1
            if token.maths and len(token.text) > 1:
                raise UnreadError  # 2^10 in LaTeX is 2¹0
            return Number(token.value, token.places)
        if token.kind == "letter":
            self.at += 1
            return Letter(token.text)
        if token.kind == "operator" and token.text == "-" and not token.maths:
            self.at += 1
            return Negative(self._exponent())
        raise UnreadError

    def _bracketed(self) -> Node:
        opening = self._next()
        if opening is None or opening.kind != "open":
            raise UnreadError
        self.at += 1
        node = self.row()
        closing = self._next()
        if closing is None or closing.text != _CLOSING[opening.text]:
            raise UnreadError
        self.at += 1
        return node

    def _primary(self) -> Node:
        token = self._next()
        if token is None:
            raise UnreadError
        match token.kind:
            case "number":
                return self._number(token)
            case "vulgar":
                self.at += 1
                return _vulgar(token)
            case "letter":
                self.at += 1
                return self._indexed(token)
            case "open":
                return self._bracketed()
            case "command":
                self.at += 1
                return self._command(token)
        raise UnreadError

    def _indexed(self, token: Token) -> Node:
        after = self._next()
        if after is not None and after.kind == "unknown":
            raise UnreadError
        return Letter(token.text)

    def _command(self, token: Token) -> Node:
        match token.text:
            case "$":
                self._money()
                return Measured(self._primary(), "$")
            case "frac":
                return Over(self._argument(), self._argument())
            case "binom":
                return Choose(self._argument(), self._argument())
            case "pi":
                return Pi()
            case "sqrt":
                return self._root()
        raise UnreadError

    def _money(self) -> None:
        token = self._next()
        if token is None or token.kind not in ("number", "open"):
            raise UnreadError

    def _argument(self) -> Node:
        token = self._next()
        if token is not None and token.text == "{":
            return self._bracketed()
        if token is not None and token.kind in ("number", "letter") and len(token.text) == 1:
            self.at += 1
            return Number(token.value) if token.kind == "number" else Letter(token.text)
        raise UnreadError

    def _root(self) -> Node:
        token, degree = self._next(), 2
        if token is not None and token.text == "[" and token.kind == "open":
            index, closing = self._next(1), self._next(2)
            if index is None or index.kind != "number" or closing is None or closing.text != "]" or index.value > 12:  # noqa: PLR2004
                raise UnreadError
            degree = int(index.value)
            self.at += 3
            token = self._next()
        if token is not None and token.kind == "open":
            return Root(self._bracketed(), degree)
        if token is not None and token.kind == "number" and (not token.maths or len(token.text) == 1):
            self.at += 1
            return Root(Number(token.value, token.places), degree)
        raise UnreadError

    def _number(self, token: Token) -> Node:
        self.at += 1
        number = Number(token.value, token.places)
        after = self._next()
        if after is None:
            return number
        if after.kind == "vulgar":
            self.at += 1
            return Mixed(number, _vulgar(after), surely=True)
        if after.kind == "number":
            return self._mixed(number, after)
        if after.kind == "command" and after.text == "frac" and not token.places:
            self.at += 1
            part = self._command(after)
            whole = isinstance(part, Over) and isinstance(part.top, Number) and isinstance(part.bottom, Number)
            if whole:
                return Mixed(number, part, surely=False)
            return Row((number, part), ("*",), (True,))
        return number

    def _mixed(self, number: Number, top: Token) -> Node:
        """Read `2 1/2`, a number before a proper fraction in plain text."""
        slash, bottom = self._next(1), self._next(2)
        proper = (
            not top.maths and top.spaced and slash is not None and slash.text == "/" and bottom is not None
            and bottom.kind == "number" and not slash.spaced and not bottom.spaced and not number.places
            and not top.places and not bottom.places and 0 < top.value < bottom.value
        )  # fmt: skip
        if not proper or bottom is None:
            raise UnreadError
        self.at += 3
        return Mixed(number, Over(Number(top.value), Number(bottom.value)), surely=True)


def _after_factorial(before: Token, token: Token) -> bool:
    """Whether a number is multiplied with the factorial before it: `4!2!`."""
    if before.kind == "close":
        raise UnreadError
    return before.text == "!" and token.maths


def _vulgar(token: Token) -> Over:
    return Over(Number(Fraction(token.value.numerator)), Number(Fraction(token.value.denominator)))


def _portion(node: Node) -> bool:
    """Whether it is something that one takes of another number: a percentage or a fraction."""
    if isinstance(node, Measured):
        return False
    return isinstance(node, Percent | Over) or (isinstance(node, Number) and node.places > 0)


def _dash(token: Token) -> bool:
    return token.kind == "operator" and token.text in "-*" and not token.maths
