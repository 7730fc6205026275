"""Slips: a right solution up to a step in which one equation is made false or of other numbers.

Owns what a slip is: another result, another operand, another operation, whose result the rest of its step carries on.
Refuses to touch an equation that was false before, and to make one that comes to the right value.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models.training.problems import numbers
from models.training.rows import ERROR, Row

_NUMBER: Final = r"\$?(\d[\d,]*(?:\.\d+)?)"
EQUATION: Final = re.compile(
    _NUMBER + r"(\s*)(\+|-|\\times|×|\*|\\cdot|/|\\div|÷)(\s*)" + _NUMBER + r"(\s*=\s*\\?)" + _NUMBER
)
OPERATIONS: Final = {"\\times": "*", "×": "*", "\\cdot": "*", "\\div": "/", "÷": "/"}
STEPS: Final = (1, -1, 2, -2, 3, -3, 5, -5, 10, -10, 20, 100, -100)


@dataclass(frozen=True, slots=True)
class Spot:
    """An equation a ∘ b = c that holds, in a step."""

    step: int
    match: re.Match[str]
    a: float
    operation: str
    b: float
    c: float


def slip(steps: Sequence[str], pool: Sequence[float], rng: random.Random) -> tuple[str, ...] | None:
    """Return the steps up to one with a slip, or None where no equation can be spoilt; `pool` are other operands."""
    spots = list(_spots(steps))
    rng.shuffle(spots)
    for spot in spots:
        made = _spoil(spot, pool, rng)
        if made is not None:
            return (*steps[: spot.step], made)
    return None


def _spots(steps: Sequence[str]) -> Iterator[Spot]:
    for number, step in enumerate(steps):
        for match in EQUATION.finditer(step):
            a, b, c = (float(match[group].replace(",", "")) for group in (1, 5, 7))
            operation = OPERATIONS.get(match[3], match[3])
            value = _compute(a, operation, b)
            if value is not None and abs(value - c) <= 0.006 * max(1.0, abs(c)):
                yield Spot(number, match, a, operation, b, c)


def _compute(a: float, operation: str, b: float) -> float | None:
    if operation == "/":
        return a / b if b else None
    return a + b if operation == "+" else a - b if operation == "-" else a * b


def _spoil(spot: Spot, pool: Sequence[float], rng: random.Random) -> str | None:
    """Write the step with the slip; None where what comes out could not be told from a right one."""
    left, right, sign = spot.match[1], spot.match[5], spot.match[3]
    kind = rng.choice(("result", "result", "operand", "operation"))
    result: float | None
    if kind == "result":
        result = rng.choice((spot.c + rng.choice(STEPS), spot.c + rng.choice(STEPS), spot.c * 10, spot.c * 2))
    elif kind == "operand":
        others = [each for each in pool if each not in (spot.a, spot.b) and 0 < each < 1e5]
        if not others:
            return None
        other = rng.choice(others)
        if rng.random() < 0.5:
            left, result = _show(other), _compute(other, spot.operation, spot.b)
        else:
            right, result = _show(other), _compute(spot.a, spot.operation, other)
    else:
        operation = rng.choice([each for each in "+-*/" if each != spot.operation])
        sign = "\\times" if operation == "*" and "\\" in spot.match[0] else operation
        result = _compute(spot.a, operation, spot.b)
    if result is None or result <= 0 or abs(result - spot.c) < 1e-6 or abs(result * 100 - round(result * 100)) > 1e-6:
        return None
    return _written(spot, left, sign, right, _show(result))


def _written(spot: Spot, left: str, sign: str, right: str, result: str) -> str:
    """Put the new numbers where the old ones stood, and carry the result on to the end of the step."""
    match, text = spot.match, spot.match.string
    middle = match[2] + sign + match[4]
    between = text[match.end(4) : match.start(5)]
    equation = left + middle + between + right + text[match.end(5) : match.start(7)] + result
    tail = re.sub(rf"(?<![\d.,]){re.escape(match[7])}(?!\d|[.,]\d)", result, text[match.end() :])
    return text[: match.start(1)] + equation + tail


def _show(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.2f}".rstrip("0").rstrip(".")


def slip_row(problem: str, steps: Sequence[str], author: str, rng: random.Random, *, held: bool) -> Row | None:
    """Make a slip on a right solution that has an equation; what was right before it counts for half, it is copied."""
    made = slip(steps, sorted(numbers(problem)), rng)
    if made is None:
        return None
    before = len(made) - 1
    weights = (0.5,) * before + (ERROR,)
    return Row(problem, made, (1,) * before + (0,), weights, f"{author}, slips", held)
