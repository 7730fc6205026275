"""Solutions, right or with one planted slip, as drafts: what is written and what would be right. No styles here.

Every slip is checked to be one: the written value differs from the right one, and what follows from it is consistent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.nano import mistakes
from models.nano.equations import (
    Leaf,
    Node,
    UnreadableError,
    Valuation,
    leaves,
    nodes,
    replaced,
    value,
)
from models.nano.problems import Equation, Number, Problem, carry, fits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from random import Random

KINDS = ("result", "copy", "operation")


@dataclass(frozen=True, slots=True)
class Shown:
    """A number as it is written; `right` is what belongs there, None where nothing sure can be said."""

    number: Fraction
    right: Fraction | None


@dataclass(frozen=True, slots=True)
class Calculation:
    """An equation as it is written: operands from `worth`, the `result`, and the `right` one of that left side."""

    equation: Equation
    worth: Valuation
    result: Fraction
    right: Fraction


DraftStep = tuple[str | Shown | Calculation, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A solution to be written out. `first_error` is the 0-based wrong step; the final answer counts as one more."""

    question: tuple[str | Shown, ...]
    steps: tuple[DraftStep, ...]
    answer: Shown
    first_error: int | None = None
    kind: str | None = None
    carried: bool = False


def right(problem: Problem, worth: Valuation) -> Draft:
    """The right solution under these worths."""
    return _draft(problem, [worth] * len(problem.steps), worth)


def _draft(problem: Problem, worths: Sequence[Valuation], true: Valuation) -> Draft:
    steps = tuple(_step(step, worth, true) for step, worth in zip(problem.steps, worths, strict=True))
    question = tuple(
        _mention(piece.key, true, true) if isinstance(piece, Number) else piece for piece in problem.question
    )
    return Draft(question, steps, _mention(problem.answer, worths[-1], true))  # type: ignore[arg-type]


def _mention(key: Fraction, worth: Valuation, true: Valuation) -> Shown:
    shown, meant = worth.get(key, key), true.get(key, key)
    return Shown(shown, meant if shown == meant else None)


def _step(step: Sequence[str | Number | Equation], worth: Valuation, true: Valuation) -> DraftStep:
    pieces: list[str | Shown | Calculation] = []
    for piece in step:
        if isinstance(piece, str):
            pieces.append(piece)
        elif isinstance(piece, Number):
            pieces.append(_mention(piece.key, worth, true))
        else:
            pieces.append(Calculation(piece, worth, worth.get(piece.key, piece.key), value(piece.left, worth)))
    return tuple(pieces)


def plant(
    problem: Problem, worth: Valuation, kind: str, rng: Random, *, carried: bool = False, at: int | None = None
) -> Draft | None:
    """One slip of the kind, in the step `at` if given, which later steps carry on if `carried`.

    None where this problem has no place for it.
    """
    places = [
        (i, j)
        for i, step in enumerate(problem.steps)
        for j, piece in enumerate(step)
        if at in (None, i) and not isinstance(piece, str)
    ]
    rng.shuffle(places)
    if kind == "copy" and at is None and rng.random() < 0.08:
        return wrong_answer(problem, worth, rng)
    for i, j in places[:6]:
        piece = problem.steps[i][j]
        if isinstance(piece, Equation):
            draft = _slip_equation(problem, worth, kind, (i, j), piece, rng, carried=carried)
        elif kind == "copy" and isinstance(piece, Number) and rng.random() < 0.5:
            draft = _slip_mention(problem, worth, (i, j), rng)
        else:
            draft = None
        if draft is not None:
            return draft
    return None


def _slip_equation(
    problem: Problem,
    worth: Valuation,
    kind: str,
    place: tuple[int, int],
    equation: Equation,
    rng: Random,
    *,
    carried: bool,
) -> Draft | None:
    i, j = place
    known = known_before(problem, i)
    if equation.key in known or equation.key in {leaf.key for leaf in leaves(equation.left)}:
        return None  # another number has this value: a change of the one would change the other
    true = worth.get(equation.key, equation.key)
    left = equation.left
    if kind == "result":
        wrong: Fraction | None = mistakes.wrong_result(true, left, worth, rng)
    else:
        found = _other_left(equation, worth, kind, known, rng) if equation.shown else None
        if found is None:
            return None
        left, wrong = found
    if (
        wrong is None
        or wrong == true
        or any(isinstance(p, Equation) and p.key == equation.key for p in problem.steps[i][:j])
    ):
        return None
    pieces = (*problem.steps[i][:j], replace(equation, left=left), *problem.steps[i][j + 1 :])
    slipped = replace(problem, steps=(*problem.steps[:i], pieces, *problem.steps[i + 1 :]))
    here = _follow(problem, {**worth, equation.key: wrong}, place, i + 1)
    after = _follow(problem, here, (i + 1, -1), len(problem.steps)) if carried and here else None
    if here is None or (carried and after is None):
        return None
    later = after if after is not None else worth
    worths = [worth] * i + [here] + [later] * (len(problem.steps) - i - 1)
    return replace(_draft(slipped, worths, worth), first_error=i, kind=kind, carried=carried)


def _follow(problem: Problem, worth: Valuation, place: tuple[int, int], stop: int) -> dict[Fraction, Fraction] | None:
    """Recompute the equations from `place` to step `stop` from what is now written; None where one no longer fits."""
    now = dict(worth)
    for i in range(place[0], stop):
        start = place[1] + 1 if i == place[0] else 0
        for piece in problem.steps[i][start:]:
            if not isinstance(piece, Equation):
                continue
            try:
                result = value(piece.left, now)
            except UnreadableError:
                return None
            if not fits(result, piece.key):
                return None
            now[piece.key] = result
    return now


def _other_left(
    equation: Equation, worth: Valuation, kind: str, known: list[Fraction], rng: Random
) -> tuple[Leaf | Node, Fraction] | None:
    """A left side with one operand miscopied or one operator changed, and its result, of the same kind as before."""
    for _ in range(8):
        left = _changed(equation.left, worth, kind, known, rng)
        if left is None:
            return None
        try:
            result = value(left, worth)
        except UnreadableError:
            continue
        if result != worth.get(equation.key, equation.key) and fits(result, equation.key):
            return left, result
    return None


def _changed(left: Leaf | Node, worth: Valuation, kind: str, known: list[Fraction], rng: Random) -> Leaf | Node | None:
    if kind == "copy":
        candidates = [leaf for leaf in leaves(left) if leaf.key in known]
        if not candidates:
            return None
        leaf = rng.choice(candidates)
        return replaced(
            left, leaf, Leaf(leaf.key, mistakes.miscopied(worth.get(leaf.key, leaf.key), known, worth, rng))
        )
    operations = list(nodes(left))
    if not operations:
        return None
    node = rng.choice(operations)
    others = {"+": "-*-*/", "-": "++*/", "*": "+/+-", "/": "***-+"}[node.op]
    return replaced(left, node, Node(rng.choice(others), node.left, node.right, node.op))


def known_before(problem: Problem, step: int) -> list[Fraction]:
    """The keys that the question or an earlier step gives."""
    known = [piece.key for piece in problem.question if isinstance(piece, Number)]
    known += [p.key for s in problem.steps[:step] for p in s if isinstance(p, Equation)]
    return sorted(set(known))


def _slip_mention(problem: Problem, worth: Valuation, place: tuple[int, int], rng: Random) -> Draft | None:
    i, j = place
    key = problem.steps[i][j].key  # type: ignore[union-attr]
    known = known_before(problem, i)
    here = {piece.key for piece in problem.steps[i] if isinstance(piece, Equation)}
    if key not in known or key in here:
        return None
    wrong = mistakes.miscopied(worth.get(key, key), [key], worth, rng)
    taken = {worth.get(k, k) for k in known}
    if wrong in taken or wrong == 0:
        return None
    draft = right(problem, worth)
    step = (*draft.steps[i][:j], Shown(wrong, worth.get(key, key)), *draft.steps[i][j + 1 :])
    return replace(draft, steps=(*draft.steps[:i], step, *draft.steps[i + 1 :]), first_error=i, kind="copy")


def wrong_answer(problem: Problem, worth: Valuation, rng: Random) -> Draft | None:
    """A right solution whose last sentence gives another number; None where the draw hit the right one."""
    true = worth.get(problem.answer, problem.answer)
    wrong = mistakes.miscopied(true, known_before(problem, len(problem.steps)), worth, rng)
    if wrong == true:
        return None
    return replace(right(problem, worth), answer=Shown(wrong, true), first_error=len(problem.steps), kind="copy")


def carried_through(problem: Problem, worth: Valuation) -> bool:
    """Whether every equation holds under these worths."""
    return carry(problem, worth) == {**worth}
