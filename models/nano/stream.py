"""The endless stream of training batches: what is shown when, and how much of it. No text styles and no network here.

A batch is a pure function of (problems, seed, index): the same seed gives the same stream, also after a resume.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from models.nano import mistakes, slips, writing
from models.nano.chinese import Translator
from models.nano.documents import BATCH_TOKENS, Encoded, bucketed, collate, only_last
from models.nano.equations import invent, value
from models.nano.phrases import AFTER_SUM, BEFORE_SUM, DRILLS
from models.nano.problems import Equation, Problem, carry, draw
from models.nano.templates import compose
from models.nano.writing import Fragment, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from models.nano.documents import Batch, Encoder
    from models.nano.writing import Written

LONGEST = 480
"""Tokens in a training document; longer ones are left out."""


LONGEST_TREE = 720
"""The same for a tree."""


SINGLE_SHARDS = 76
"""Shards of single documents before the trees."""


CHINESE_SHARDS = 66
"""Shards of trees before some are written in Chinese characters."""


CHINESE = 0.05
"""Their share."""


DRILLED_FROM = 138
"""Shards of documents before bare equations give way to drills."""


DRILLS_SHARE = 0.45


EQUATIONS = 400


SHARD = 8
"""Document batches that are written together, so that each holds documents of like length."""


SHARES = {"right": 42, "result": 18, "copy": 20, "operation": 20}
"""How often the documents are of each kind, in per cent."""


def make_equation(encoder: Encoder, rng: Random) -> Encoded:
    """An invented equation, wrong half the time."""
    left = invent(rng)
    right = value(left, {})
    wrong = mistakes.wrong_result(right, left, {}, rng) if rng.random() < 0.5 else None
    calculation = slips.Calculation(
        Equation(left, right, money=rng.random() < 0.1), {}, right if wrong is None else wrong, right
    )
    return encoder.equation(
        writing.stripped(writing.write_equation(calculation, writing.draw_style(rng))), int(wrong is None)
    )


def make_written(problems: Sequence[Problem], rng: Random, *, invented: float = 0.2) -> Written:
    """A document of a kind drawn by SHARES, of one of the problems or an invented one, to its first wrong step."""
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    while True:
        problem = compose(rng) if rng.random() < invented else rng.choice(problems)
        worth = draw(problem, rng) or carry(problem, {})
        if worth is None:
            continue
        draft = slips.right(problem, worth) if kind == "right" else slips.plant(problem, worth, kind, rng)
        if draft is not None:
            return writing.write(draft, rng, whole=False)


def make_tree(problems: Sequence[Problem], rng: Random, *, invented: float = 0.2) -> Tree:
    """A right solution with a slip beside every step that has a place for one, and often one beside the answer."""
    while True:
        problem = compose(rng) if rng.random() < invented else rng.choice(problems)
        worth = draw(problem, rng) or carry(problem, {})
        if worth is None:
            continue
        others = []
        for at in range(len(problem.steps)):
            kinds = rng.sample(slips.KINDS, len(slips.KINDS))
            drafts = (slips.plant(problem, worth, kind, rng, at=at) for kind in kinds)
            others.append(next((draft for draft in drafts if draft is not None), None))
        if rng.random() < 0.3:
            others.append(slips.wrong_answer(problem, worth, rng))
        return writing.write_tree(slips.right(problem, worth), [draft for draft in others if draft is not None], rng)


def make_drill(rng: Random, count: int = 9) -> Tree:
    """Invented equations as the steps of one document, each with a wrong result beside it.

    Arithmetic learned from bare equations did not reach documents by itself (AUC 0.88 against 0.79).
    """
    style = writing.draw_style(rng)
    steps, wrong = [], []
    for at in range(count):
        left = invent(rng)
        right = value(left, {})
        before, after = Fragment(rng.choice(BEFORE_SUM)), Fragment(rng.choice(AFTER_SUM))
        equation = Equation(left, right, money=rng.random() < 0.1)
        style = style if rng.random() < 0.8 else writing.draw_style(rng)
        for result in (right, mistakes.wrong_result(right, left, {}, rng), mistakes.wrong_result(right, left, {}, rng)):
            if result is None:
                continue
            written = writing.write_equation(slips.Calculation(equation, {}, result, right), style)
            step = tuple(writing.stripped([before, *only_last(written, sure=result == right), after]))
            if result == right:
                steps.append(step)
            else:
                wrong.append((at, step))
    return Tree(rng.choice(DRILLS), tuple(steps), tuple(wrong))


def shard(problems: Sequence[Problem], encoder: Encoder, seed: int, index: int, equation_shards: int) -> list[Batch]:
    """The batches of one shard: equations alone at first, later eight batches of documents to two of equations."""
    rng = random.Random(f"{seed}/{index}")
    alone = index < equation_shards
    drilled = index >= equation_shards + DRILLED_FROM
    count = SHARD if alone else 0 if drilled else 2
    rows = sorted((make_equation(encoder, rng) for _ in range(count * EQUATIONS)), key=lambda row: len(row.tokens))
    batches = [collate(rows[i : i + EQUATIONS]) for i in range(0, len(rows), EQUATIONS)]
    documents: list[Encoded] = []
    while not alone and sum(len(row.tokens) for row in documents) < SHARD * BATCH_TOKENS * 0.97:
        branched = index >= equation_shards + SINGLE_SHARDS
        if drilled and rng.random() < DRILLS_SHARE:
            row = encoder.tree(make_drill(rng))
        elif branched:
            tree = make_tree(problems, rng)
            late = index >= equation_shards + SINGLE_SHARDS + CHINESE_SHARDS
            row = encoder.tree(Translator(rng).tree(tree) if late and rng.random() < CHINESE else tree)
        else:
            row = encoder.document(make_written(problems, rng))
        if len(row.tokens) <= (LONGEST_TREE if branched else LONGEST):
            documents.append(row)
    batches += [collate(rows) for rows in bucketed(documents)]
    rng.shuffle(batches)
    return batches
