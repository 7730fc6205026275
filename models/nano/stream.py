"""The endless stream of training batches: what is shown when, and how much of it. No text styles and no network here.

A batch is a pure function of (material, seed, index): the same seed gives the same stream, also after a resume.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from models.nano import mistakes, slips, writing
from models.nano.chinese import Translator
from models.nano.documents import BATCH_TOKENS, Encoded, bucketed, collate, only_last
from models.nano.equations import UnreadableError, invent, leaves, value
from models.nano.phrases import AFTER_SUM, BEFORE_SUM, DRILLS
from models.nano.problems import Equation, fits, redraw
from models.nano.writing import Fragment, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from models.nano.documents import Batch, Encoder
    from models.nano.equations import Valuation
    from models.nano.material import Material
    from models.nano.problems import Problem
    from models.nano.writing import Written

LONGEST = 900
"""Tokens in a training document; longer ones are left out."""

EQUATIONS = 240
"""Equations in a usual batch of them, more or less."""

WRONG = 3
"""Wrong results beside each."""

SHARD = 8
"""Document batches that are written together, so that each holds documents of like length."""

BESIDE = 2
"""Batches of equations in every shard of documents: else what was learned of arithmetic is forgotten by and by."""

OF_PROBLEMS = 0.5
"""Share of the calculations that come from problems; the others are invented and harder."""

PLAIN_SHARDS = 90
"""Shards of plain equations before all others: arithmetic is found sooner where it is always written alike."""

DRILLS_SHARE, PLAIN_SHARE, CHINESE_SHARE = 0.45, 0.1, 0.05
"""Of the documents: drills, and documents without branches; of the trees, those in Chinese characters."""

SLIPS = ("result", "result", "copy", "copy", "operation", "operation")
"""What is put beside each step of a tree.

A branch costs few tokens; from it arithmetic and copying are learned where they are needed, between words and units.
"""

SHARES = {"right": 42, "result": 18, "copy": 20, "operation": 20}
"""How often the documents are of each kind, in per cent."""


def draw_sum(problems: Sequence[Problem], rng: Random) -> slips.Calculation:
    """A right calculation: an invented one, or one of the problems' own with its numbers drawn anew."""
    while problems and rng.random() < OF_PROBLEMS:
        sums = [piece for step in rng.choice(problems).steps for piece in step if isinstance(piece, Equation)]
        if sums:
            equation = rng.choice(sums)
            worth = new_worth(equation, rng)
            right = value(equation.left, worth)
            return slips.Calculation(equation, worth, right, right)
    left = invent(rng)
    right = value(left, {})
    return slips.Calculation(Equation(left, right, money=rng.random() < 0.1), {}, right, right)


def new_worth(equation: Equation, rng: Random) -> Valuation:
    """Other operands for the equation with a result of the same kind; its own ones where none of a few draws fits."""
    for _ in range(12):
        worth = {leaf.key: redraw(leaf.key, rng) for leaf in leaves(equation.left) if rng.random() < 0.7}
        try:
            if worth and fits(value(equation.left, worth), equation.key):
                return worth
        except UnreadableError:
            continue
    return {}


def draw_plain_sum(rng: Random) -> slips.Calculation:
    """A right calculation with one operation and whole operands under a thousand."""
    while True:
        left = invent(rng)
        operands = list(leaves(left))
        if len(operands) == 2 and all(leaf.key.denominator == 1 and leaf.key < 1000 for leaf in operands):
            right = value(left, {})
            return slips.Calculation(Equation(left, right), {}, right, right)


def spoiled(right: slips.Calculation, rng: Random) -> slips.Calculation:
    """The calculation with a wrong result; as it was where none was found."""
    wrong = mistakes.wrong_result(right.right, right.equation.left, right.worth, rng)
    return right if wrong is None else replace(right, result=wrong)


def make_equation(
    encoder: Encoder, rng: Random, problems: Sequence[Problem] = (), *, plain: bool = False, wrong: int = WRONG
) -> Encoded:
    """An equation with a few wrong results beside it; a `plain` one has one operation and few ways of writing."""
    right = draw_plain_sum(rng) if plain else draw_sum(problems, rng)
    style = writing.draw_plain_style(rng) if plain else writing.draw_style(rng)
    shown = [right, *(spoiled(right, rng) for _ in range(wrong))]
    return encoder.equation(
        [
            (writing.stripped(writing.write_equation(one, style)), int(one is right))
            for one in shown
            if one is right or one.result != one.right
        ]
    )


def make_written(material: Material, rng: Random) -> Written:
    """A document of a kind drawn by SHARES, to its first wrong step."""
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    while True:
        problem, worth = material.pick(rng)
        draft = slips.right(problem, worth) if kind == "right" else slips.plant(problem, worth, kind, rng)
        if draft is not None:
            return writing.write(draft, rng, whole=False)


def make_tree(material: Material, rng: Random) -> Tree:
    """A right solution with slips beside every step that has a place for them, often one by the answer."""
    problem, worth = material.pick(rng)
    others: list[slips.Draft] = []
    for at in range(len(problem.steps)):
        for kind in SLIPS:
            draft = slips.plant(problem, worth, kind, rng, at=at)
            if draft is not None and draft not in others:
                others.append(draft)
    answer = slips.wrong_answer(problem, worth, rng) if rng.random() < 0.3 else None
    return writing.write_tree(slips.right(problem, worth), [*others, *([answer] if answer else [])], rng)


def make_drill(problems: Sequence[Problem], rng: Random, count: int = 9) -> Tree:
    """Equations as the steps of one document, each with two wrong results beside it.

    Arithmetic learned from bare equations did not reach documents by itself (AUC 0.88 against 0.79).
    """
    style = writing.draw_style(rng)
    steps, wrong = [], []
    for at in range(count):
        right = draw_sum(problems, rng)
        before, after = Fragment(rng.choice(BEFORE_SUM)), Fragment(rng.choice(AFTER_SUM))
        style = style if rng.random() < 0.8 else writing.draw_style(rng)
        for shown in (right, spoiled(right, rng), spoiled(right, rng)):
            if shown is not right and shown.result == shown.right:
                continue
            last = only_last(writing.write_equation(shown, style), sure=shown is right)
            step = tuple(writing.stripped([before, *last, after]))
            if shown is right:
                steps.append(step)
            else:
                wrong.append((at, step))
    return Tree(rng.choice(DRILLS), tuple(steps), tuple(wrong))


def make_document(material: Material, encoder: Encoder, rng: Random) -> Encoded:
    """A drill, a document or a tree, by their shares, as a row."""
    way = rng.random()
    if way < DRILLS_SHARE:
        return encoder.tree(make_drill(material.problems, rng))
    if way < DRILLS_SHARE + PLAIN_SHARE:
        return encoder.document(make_written(material, rng))
    tree = make_tree(material, rng)
    return encoder.tree(Translator(rng).tree(tree) if rng.random() < CHINESE_SHARE else tree)


def equation_batches(
    material: Material, encoder: Encoder, rng: Random, count: int, scale: int, *, plain: bool = False
) -> list[Batch]:
    """About so many batches of equations."""
    equations = (make_equation(encoder, rng, material.problems, plain=plain) for _ in range(count * scale * EQUATIONS))
    return [collate(rows) for rows in bucketed(list(equations), scale * BATCH_TOKENS)]


def shard(
    material: Material, encoder: Encoder, seed: int, index: int, equation_shards: int, scale: int = 1
) -> list[Batch]:
    """The batches of one shard: equations alone in the first ones, documents, and a few equations, in the later.

    A batch has `scale` times the tokens.
    """
    rng = random.Random(f"{seed}/{index}")
    if index < equation_shards:
        plain = index < min(PLAIN_SHARDS, equation_shards // 3)
        batches = equation_batches(material, encoder, rng, SHARD, scale, plain=plain)
    else:
        rows: list[Encoded] = []
        most, length = scale * BATCH_TOKENS, 0
        while length < SHARD * most * 0.97:
            row = make_document(material, encoder, rng)
            if len(row.tokens) <= LONGEST:
                rows.append(row)
                length += len(row.tokens)
        batches = [collate(rows) for rows in bucketed(rows, most)]
        batches += equation_batches(material, encoder, rng, BESIDE, scale)
    rng.shuffle(batches)
    return batches
