"""Solved linear and quadratic equations with one wrong transformation, as they are written. Texts only."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

PHRASES = (
    ("Subtracting {c} from both sides, we get ", "Dividing both sides by {a} gives "),
    ("We subtract {c} from both sides: ", "Now divide by {a}: "),
    ("so ", "hence "),
    ("This gives ", "Therefore, "),
    ("Simplifying, ", "Solving for {x}, we get "),
)


def wrong(number: Fraction, rng: Random) -> Fraction:
    """Another number, as people slip: near, of the other sign, a digit off, added instead of taken away."""
    ways = (number + rng.choice((-3, -2, -1, 1, 2, 3)), -number, number + rng.choice((-10, 10)), number * 2)
    found = rng.choice(ways)
    return found if found != number else number + 1


def _signed(number: Fraction) -> str:
    return f"+ {_plain(number)}" if number >= 0 else f"- {_plain(-number)}"


def _plain(number: Fraction, *, latex: bool = True) -> str:
    if number.denominator == 1:
        return str(number)
    sign = "-" if number < 0 else ""
    pair = abs(number.numerator), number.denominator
    return sign + (rf"\frac{{{pair[0]}}}{{{pair[1]}}}" if latex else f"{pair[0]}/{pair[1]}")


def linear(rng: Random, *, slip: bool) -> tuple[list[str], int | None]:
    """`ax + c = b` solved in one to three steps; the wrong step's place, or None."""
    x, a, c = rng.choice("xyntmk"), rng.randint(2, 12), Fraction(rng.choice((-1, 1)) * rng.randint(1, 20))
    root = (
        Fraction(rng.randint(-12, 20)) if rng.random() < 0.8 else Fraction(rng.randint(-20, 40), rng.choice((2, 3, 4)))
    )
    b, moved = a * root + c, a * root
    at = rng.randrange(2) if slip else None
    shown = wrong(moved, rng) if at == 0 else moved
    found = shown / a if at != 1 else wrong(shown / a, rng)
    more = rng.randint(1, 5)
    head = f"{a}{x} {_signed(c)} = {_plain(b)}"
    if rng.random() < 0.25:
        head = f"{a + more}{x} {_signed(c)} = {more}{x} {_signed(b)}"
    equations = [head, f"{a}{x} = {_plain(shown)}", f"{x} = {_plain(found)}"]
    return written(equations, at, rng, {"c": _plain(abs(c)), "a": str(a), "x": x})


def quadratic(rng: Random, *, slip: bool) -> tuple[list[str], int | None]:
    """`x^2 + px + q = r` brought to one side and factored; the wrong step's place, or None."""
    x, r, s = rng.choice("xyt"), rng.randint(-9, 9), rng.randint(-9, 9)
    p, q, side = -(r + s), r * s, rng.choice((0, 0, rng.randint(1, 20)))
    at = rng.randrange(2) if slip else None
    second = (
        (p, q)
        if at != 0
        else rng.choice(((p, int(wrong(Fraction(q), rng))), (-p or 1, q), (p + rng.choice((-1, 1)), q)))
    )
    roots = (r, s) if at != 1 else rng.choice(((-r or 1, s + 1), (r + 1, s - 1), (-r or 2, -s or 3), (r + 1, s + 2)))

    def full(b: int, c: int, right: int) -> str:
        middle = f" {_signed(Fraction(b))}{x}".replace(f" 1{x}", f" {x}") if b else ""
        return f"{x}^2{middle}{' ' + _signed(Fraction(c)) if c else ''} = {right}"

    factors = "".join(f"({x} {_signed(Fraction(-root))})" if root else f"{x}" for root in roots)
    equations = [full(p, q + side, side), full(*second, 0), f"{factors} = 0"]
    return written(equations, at, rng, {"c": str(side), "a": "1", "x": x})


def written(equations: list[str], at: int | None, rng: Random, words: dict[str, str]) -> tuple[list[str], int | None]:
    """Put the equations into one step with arrows or lines, or into sentences of one or more steps."""
    way, wrap = rng.random(), rng.choice((("$", "$"), (r"\(", r"\)"), (r"\[ ", r" \]"), ("", "")))
    if way < 0.2:
        arrow = rng.choice((r" \implies ", r" \Rightarrow ", r" \\ "))
        return [r"We solve: \[ " + arrow.join(equations) + r" \]"], None if at is None else 0
    phrases = [phrase.format(**words) for phrase in rng.choice(PHRASES)]
    first, second, third = (wrap[0] + equation + wrap[1] for equation in equations)
    stops = "." if wrap[0] != r"\[ " else ""
    if way < 0.6:
        one = f"We have {first}{stops} {phrases[0]}{second}{stops} {phrases[1]}{third}."
        return [one], None if at is None else 0
    steps = [f"We have {first}{stops} {phrases[0]}{second}.", f"{phrases[1]}{third}."]
    return steps, at
