r"""Tokens → a tree of mathematics, in the plain writing of text and in TeX alike.

Owns precedence, functions, roots, mixed numbers and what belongs to an exponent: `x^12` is x to the twelfth in both.
Refuses what it does not know, by `Unreadable`: words, sums and integrals, anything left over.
"""

from collections.abc import Sequence
from functools import lru_cache

from stepcheck.answers.functions import (
    DECORATIONS,
    FUNCTION_LETTERS,
    FUNCTIONS,
    GREEK,
    INFINITE,
    INVERSE,
    NO_PRODUCTS,
    ROOTS,
    RUNS,
    SEVERAL,
)
from stepcheck.answers.mixed import LONGEST, fraction_behind
from stepcheck.answers.tokens import IDEOGRAPH, Token, Tokens, closing, written
from stepcheck.answers.tree import INFINITY, Tree, negative, number

DEEPEST = 40
LONGEST_PRODUCT_OF_LETTERS = 3
"""A longer run of letters in plain writing is a word."""

_GROUPS = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}


class Unreadable(Exception):  # noqa: N818 (no error: an answer is simply something else)
    """These tokens are no expression."""


@lru_cache(4096)
def expression(found: Tokens) -> Tree | None:
    """Read tokens as one expression; None if they are something else."""
    try:
        return _Parser(found).whole()
    except Unreadable:
        return None


class _Parser:
    """Recursive descent over a list of tokens of its own, whose words it cuts into letters as it goes."""

    def __init__(self, found: Sequence[Token]) -> None:
        self.tokens = list(found)
        self.at = self.depth = self.signs = 0

    def whole(self) -> Tree:
        if not self.tokens:
            raise Unreadable
        tree = self.sum()
        if self.at < len(self.tokens):
            raise Unreadable
        return tree

    def next(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def sees(self, *signs: str) -> bool:
        token = self.next()
        return token is not None and token.is_sign(*signs)

    def took(self, *signs: str) -> bool:
        if self.sees(*signs):
            self.at += 1
            return True
        return False

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable
        tree = self.signed()
        while self.sees("+", "-", "±", "∓"):
            tree = ("+", tree, self.signed())
        self.depth -= 1
        return tree

    def signed(self) -> Tree:
        """A product with the signs before it."""
        if self.took("+"):
            return self.signed()
        if self.took("-"):
            return negative(self.signed())
        if self.sees("±", "∓"):
            upper = self.took("±")
            if upper or not self.signs:
                self.signs += 1
            else:
                self.at += 1
            sign: Tree = ("sign", self.signs if upper else -self.signs)
            return ("*", sign, self.product())
        return self.product()

    def product(self) -> Tree:
        tree = self.power()
        while True:
            if self.took("*"):
                tree = ("*", tree, self.factor())
            elif self.took("/"):
                tree = ("/", tree, self.factor())
            elif self.next() is not None and self.begins_factor():
                tree = ("*", tree, self.power())
            else:
                return tree

    def factor(self) -> Tree:
        """A factor behind a sign: it may have a sign of its own."""
        if self.took("-"):
            return negative(self.factor())
        return self.power()

    def begins_factor(self) -> bool:
        token, before = self.next(), self.tokens[self.at - 1]
        if token is None:
            return False
        if token.kind == "number":
            return before.kind != "number" or (self.at > 1 and self.tokens[self.at - 2].is_sign("^"))
        return token.kind in {"word", "command"} or token.is_sign("(", "{", "[", "⌊", "⌈")

    def power(self) -> Tree:
        tree = self.postfixed(self.atom())
        if self.took("^"):
            tree = self.postfixed(("^", tree, self.exponent()))
        return tree

    def postfixed(self, tree: Tree) -> Tree:
        while True:
            if self.took("!"):
                tree = ("call", "factorial", tree)
            elif self.took("%"):
                tree = ("/", tree, number(100))
            elif self.took("°"):
                tree = ("*", tree, ("const", "deg"))
            else:
                return tree

    def exponent(self) -> Tree:
        """What belongs to ^: a group, a number with its sign, one letter or command."""
        if self.took("-"):
            return negative(self.exponent())
        if self.took("+"):
            return self.exponent()
        return self.postfixed_factorial(self.atom(short=True))

    def postfixed_factorial(self, tree: Tree) -> Tree:
        while self.took("!"):
            tree = ("call", "factorial", tree)
        if self.took("^"):
            return ("^", tree, self.exponent())
        return tree

    def atom(self, *, short: bool = False) -> Tree:
        """A number, a name, a group, a function with what it is of; `short`: no function of more than a group."""
        token = self.next()
        if token is None:
            raise Unreadable
        if token.kind == "number":
            return self.numeral(token)
        if token.kind == "word":
            return self.word(token)
        if token.kind == "command":
            return self.command(token)
        if token.text in _GROUPS and token.text != "\\{":
            return self.group()
        if token.is_sign("|"):
            return self.absolute()
        if token.is_sign("⌊", "⌈") and not short:
            self.at += 1
            tree = self.sum()
            if not self.took("⌋", "⌉"):
                raise Unreadable
            return ("call", "floor" if token.text == "⌊" else "ceil", tree)
        raise Unreadable

    def group(self) -> Tree:
        """A sum in brackets, or in the braces of TeX."""
        opened = self.tokens[self.at].text
        self.at += 1
        tree = self.sum()
        if not self.took(_GROUPS[opened]):
            raise Unreadable
        return tree

    def absolute(self) -> Tree:
        self.at += 1
        tree = self.sum()
        if not self.took("|"):
            raise Unreadable
        return ("call", "abs", tree)

    def numeral(self, token: Token) -> Tree:
        self.at += 1
        if token.numeral is None:
            raise Unreadable
        tree = number(token.numeral.value)
        if self.sees("_"):
            raise Unreadable  # a number in a base
        added = self.mixed(token)
        return ("+", tree, added) if added else tree

    def mixed(self, token: Token) -> Tree | None:
        """The fraction of a mixed number; None if none follows."""
        found = fraction_behind(token, self.tokens[self.at : self.at + LONGEST + 1])
        if found is None:
            return None
        self.at += found[1]
        return number(found[0])

    def word(self, token: Token) -> Tree:
        text = token.text
        if text in FUNCTIONS:
            self.at += 1
            return self.function(FUNCTIONS[text])
        if text in {"pi", "Pi", "PI"}:
            return self.constant("pi")
        if text in INFINITE:
            self.at += 1
            return INFINITY
        if token.upright and text not in {"e", "i"}:
            raise Unreadable
        if text in GREEK:
            return self.name(text)
        if len(text) == 1 and IDEOGRAPH.match(text):
            raise Unreadable
        if len(text) == 1:
            return self.constant(text) if text in {"e", "i"} and not self.subscripted() else self.name(text)
        return self.run(token)

    def run(self, token: Token) -> Tree:
        """Several letters without a blank: a function glued to its argument, or a product; among words a word."""
        text = token.text
        around = (self.tokens[self.at - 1] if self.at else None, *self.tokens[self.at + 1 : self.at + 2])
        prose = [
            one for place, one in enumerate(around) if one and one.kind == "word" and (one if place else token).spaced
        ]
        if prose and text not in FUNCTIONS:
            raise Unreadable
        glued = next((name for name in RUNS if text.startswith(name)), None)
        if glued and len(text) - len(glued) <= 2:  # noqa: PLR2004 (sinx, pir)
            pieces = [glued, *text[len(glued) :]]
        elif len(text) <= LONGEST_PRODUCT_OF_LETTERS and text.isascii() and text.lower() not in NO_PRODUCTS:
            pieces = list(text)
        else:
            raise Unreadable
        self.tokens[self.at : self.at + 1] = [
            Token("word", piece, token.spaced and not place, token.upright) for place, piece in enumerate(pieces)
        ]
        return self.word(self.tokens[self.at])

    def constant(self, name: str) -> Tree:
        self.at += 1
        return ("const", name)

    def subscripted(self) -> bool:
        return self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].is_sign("_")

    def name(self, text: str) -> Tree:
        r"""A variable with its subscript and primes; `f(…)` and its like are functions that nobody knows."""
        self.at += 1
        if self.took("_"):
            below = self.subscript()
            if text == "C" and (below.isdecimal() or below == "n") and self.sees("^"):
                return self.combinations(number(int(below)) if below.isdecimal() else ("var", below))
            text += "_" + below
        while self.sees("'", "''"):
            text += self.tokens[self.at].text
            self.at += 1
        if text[0] in FUNCTION_LETTERS and self.sees("("):
            return ("call", f"?{text}", *self.arguments())
        return ("var", text)

    def combinations(self, of: Tree) -> Tree:
        """How many of so many can be chosen, C_5^2, as it is written in Chinese and Russian."""
        self.at += 1
        chosen = self.exponent()
        if chosen[0] != "num":
            raise Unreadable
        return ("call", "binom", of, chosen)

    def subscript(self) -> str:
        if self.sees("{"):
            end = closing(self.tokens, self.at)
            if end is None:
                raise Unreadable
            inner, self.at = self.tokens[self.at + 1 : end], end + 1
            return written(inner)
        token = self.next()
        if token is None:
            raise Unreadable
        self.at += 1
        return token.text

    def arguments(self) -> list[Tree]:
        """What stands in the bracket of a function, comma by comma."""
        self.at += 1
        found = [self.sum()]
        while self.took(",", ";"):
            found.append(self.sum())
        if not self.took(")", "}"):
            raise Unreadable
        return found

    def command(self, token: Token) -> Tree:
        name = token.text
        if name in FUNCTIONS:
            self.at += 1
            return self.function(FUNCTIONS[name])
        if name == "pi":
            return self.constant("pi")
        if name in INFINITE:
            self.at += 1
            return INFINITY
        if name in GREEK:
            return self.name(name)
        self.at += 1
        if name in {"frac", "binom"}:
            top, bottom = self.argument(), self.argument()
            return ("/", top, bottom) if name == "frac" else ("call", "binom", top, bottom)
        if name in DECORATIONS:
            return self.decorated(name)
        raise Unreadable

    def argument(self) -> Tree:
        r"""An argument of a command: a group, or one token."""
        return self.group() if self.sees("{") else self.atom(short=True)

    def decorated(self, name: str) -> Tree:
        if self.sees("{"):
            return self.name_of(f"{name} {self.subscript()}")
        token = self.next()
        if token is None or token.kind == "number":
            raise Unreadable
        self.at += 1
        return self.name_of(f"{name} {token.text}")

    def name_of(self, text: str) -> Tree:
        if self.took("_"):
            text += "_" + self.subscript()
        return ("var", text)

    def function(self, name: str) -> Tree:
        """A function with its base, its power and what it is of."""
        base: Tree | None = None
        power: Tree | None = None
        if name == "sqrt" and self.sees("["):
            base = self.group()
            name = "root"
        if name == "log" and self.took("_"):
            base = self.argument() if self.sees("{") else self.atom(short=True)
        base = base or (self.glued_base() if name == "log" else None)
        if name not in ROOTS and self.took("^"):
            power = self.exponent()
        if name == "log" and base is None and self.took("_"):
            base = self.argument()
        inner = self.of(name)
        if power == number(-1) and name in INVERSE:
            name, power = INVERSE[name], None
        tree: Tree = ("call", "log10", *inner) if name == "lg" else ("call", name, *inner, *([base] if base else []))
        return ("^", tree, power) if power else tree

    def glued_base(self) -> Tree | None:
        """The base of a logarithm as programs write it, log2(3)."""
        found = self.tokens[self.at : self.at + 2]
        if len(found) < 2 or found[0].kind != "number" or found[0].spaced or not found[1].is_sign("("):  # noqa: PLR2004
            return None
        if found[0].text not in {"2", "10"} or found[1].spaced:
            return None
        return self.atom(short=True)

    def of(self, name: str) -> list[Tree]:
        """What a function is of: a bracket, or the product that follows without a sign."""
        if name in SEVERAL:
            if not self.sees("(", "{"):
                raise Unreadable
            return self.arguments()
        if self.sees("(", "{", "[", "|"):
            return [self.atom()]
        if name in ROOTS or name == "root":
            return [self.atom(short=True)]
        negated = self.took("-")
        tree = self.power()
        while self.begins_factor() and not self.begins_function() and not self.sees("(", "["):
            tree = ("*", tree, self.power())
        if self.sees("/") and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].kind == "number":
            self.at += 1
            tree = ("/", tree, self.power())
        return [negative(tree) if negated else tree]

    def begins_function(self) -> bool:
        token = self.next()
        return token is not None and token.kind in {"word", "command"} and token.text in FUNCTIONS
