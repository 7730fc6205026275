"""The built-in model's own problems as plain text and as a tokenizer, for the tests of its recipe."""

import ast
import random
from fractions import Fraction

from tokenizers import Tokenizer

from benchmarks.given.problems import SUM, said
from models.nano import slips, templates, tokenizer, writing
from models.nano.phrases import TOKENIZER_TEXTS


def calculated(text: str) -> Fraction:
    """The exact value of `48/2+(3-1)*.5`, by Python's own grammar rather than the code under test."""

    def of(node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            left, right = of(node.left), of(node.right)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Sub):
                return left - right
            return left * right if isinstance(node.op, ast.Mult) else left / right
        assert isinstance(node, ast.Constant)
        return Fraction(str(node.value))

    return of(ast.parse(text, mode="eval").body)


def holds(step: slips.DraftStep) -> bool:
    """Whether every `a+b=c` in the step's plain text is true."""
    found = [sum_.split("=") for sum_ in SUM.findall(said(step))]
    return all(calculated(left) == Fraction(result) for left, result in found)


def build_tokenizer() -> Tokenizer:
    """A small tokenizer, learned from invented problems."""
    rng = random.Random(0)
    texts = [writing.write(slips.right(p, {}), rng).question for p in (templates.compose(rng) for _ in range(200))]
    return tokenizer.build([*texts, *TOKENIZER_TEXTS], pieces=400)
