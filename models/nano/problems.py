"""GSM8K problems as graphs of numbers, and the drawing of new numbers for them. No slips and no styles here."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from models.nano.equations import Expression, Leaf, UnreadableError, Valuation, is_short, leaves, read, value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random


@dataclass(frozen=True, slots=True)
class Number:
    """A number in running text, named by its value there."""

    key: Fraction


@dataclass(frozen=True, slots=True)
class Equation:
    """A calculation in running text; `shown`: its left side is written there; `money`: the result has a $."""

    left: Expression
    key: Fraction
    money: bool = False
    shown: bool = True


Piece = str | Number | Equation
Text = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem with its solution. `free` are the numbers that may be drawn anew; the rest are constants."""

    question: Text
    steps: tuple[Text, ...]
    answer: Fraction
    free: frozenset[Fraction] = field(default_factory=frozenset)


_NUMBER = re.compile(r"(?<![\w.,/:])(\d{1,3}(?:,\d{3})+(?!\d)|\d+)(\.\d+)?(?![\w/:]|[.,]\d)")
_ANNOTATION = re.compile(r"<<([^<>=]+)=([^<>=]+)>>\s*\$?\s*(-?[\d,]*\.?\d+)?")
_LEFT = re.compile(r"[\d$(.][\d\s.,$%+\-–−*/x×÷()]*=\s*(\$?)\s*$")
_LOOSE = re.compile(r"=\s*\$?\s*$")
_DIGITS = re.compile(r"\d+(?:\.\d+)?").findall
_OPERATOR = re.compile(r"\s*([-–−+*/x×÷=])\s*\$?\s*")
_SIGNS = {"–": "-", "−": "-", "x": "*", "×": "*", "÷": "/"}
_OPEN_BEFORE = re.compile(r"(?:[-–−+*/×÷=(]|\bx)[\s$]*$").search
_OPEN_AFTER = re.compile(r"\s*[-–−+*/×÷=(%]|\s*x\s*[\d$]").match
_NEAR = re.compile(r"[^.,;:]{,25}")
_WORDS = {
    1: "one a an single once first",
    2: "two twice double doubled doubles half pair pairs couple second both halves",
    3: "three thrice triple tripled triples third thirds trio",
    4: "four quarter quarters quadruple fourth fourths",
    5: "five fifth fifths nickel nickels",
    6: "six sixth",
    7: "seven week weeks weekly seventh",
    8: "eight eighth",
    9: "nine ninth",
    10: "ten tenth dime dimes decade decades",
    11: "eleven",
    12: "twelve dozen dozens year years month months yearly",
    13: "thirteen",
    14: "fourteen",
    15: "fifteen",
    16: "sixteen",
    18: "eighteen",
    20: "twenty score",
    24: "day days hour hours daily",
    25: "quarter quarters",
    30: "thirty month months",
    40: "forty",
    50: "fifty half",
    52: "week weeks year years",
    60: "hour hours minute minutes sixty",
    100: "percent hundred cents cent dollar dollars meter meters",
    365: "year years day days",
    1000: "thousand kilometer kilometers",
}
"""Words that stand for a number: its source in the problem is then left as it is."""
COUNTED = frozenset(" ".join(_WORDS.values()).split())
"""All of them."""
_CONSTANTS = (
    frozenset(Fraction(n) for n in (*_WORDS, 0)) | {Fraction(1, n) for n in (2, 3, 4, 5, 8, 10)} | {Fraction(3, 4)}
)


def parse(question: str, answer: str) -> Problem:
    """Read one GSM8K row. Raises UnreadableError where the annotations are not exact or do not hang together."""
    lines, _, final = answer.partition("####")
    steps = tuple(_parse_step(line.strip()) for line in lines.strip().split("\n") if line.strip())
    asked = _parse_text(question.strip())
    goal = Fraction(final.strip().replace(",", ""))
    if goal not in _results(steps):
        raise UnreadableError("the answer is no result of a step")
    steps = tuple(_with_bare_sums(step) for step in steps)
    derived = _results(steps)
    sources = {piece.key for piece in asked if isinstance(piece, Number)}
    free = frozenset(_free(question, sources, derived, steps))
    return Problem(asked, steps, goal, frozenset() if _is_rigid(steps, free | derived) else free)


def _results(steps: tuple[Text, ...]) -> set[Fraction]:
    return {piece.key for step in steps for piece in step if isinstance(piece, Equation)}


def _parse_text(text: str) -> Text:
    pieces: list[Piece] = []
    at = 0
    for found in _NUMBER.finditer(text):
        pieces += [text[at : found.start()], Number(Fraction(found[0].replace(",", "")))]
        at = found.end()
    return tuple(piece for piece in (*pieces, text[at:]) if piece)


def _parse_step(line: str) -> Text:
    pieces: list[Piece] = []
    at = 0
    for found in _ANNOTATION.finditer(line):
        before, left = line[at : found.start()], read(found[1])
        result = read(found[2])
        if (
            isinstance(left, Leaf)
            or not isinstance(result, Leaf)
            or value(left, {}) != result.key
            or not is_short(result.key)
        ):
            raise UnreadableError(line)
        written = _LEFT.search(before)
        if written and len(re.findall(r"\d[\d,.]*|\.\d+", written[0])) != sum(1 for _ in leaves(left)):
            written = None
        start = written.start() if written else len(before)
        if pieces and isinstance(pieces[-1], Equation) and not before[:start].strip():
            raise UnreadableError(line)
        money = bool(written[1]) if written else before.rstrip().endswith("$")
        shown = bool(written) or not _LOOSE.search(before)
        text = before[:start].rstrip("$ ") + " " if money and before[:start].rstrip().endswith("$") else before[:start]
        pieces += [*_parse_text(text), Equation(left, result.key, money, shown)]
        at = found.end()
        if re.match(r"\s*[-+*/x×÷=(]\s*[\d$(]", line[at:]) or (found[3] is None):
            raise UnreadableError(line)
    return (*pieces, *_parse_text(line[at:]))


def _with_bare_sums(step: Text) -> Text:
    """The step with `8 - 1 = 7`, where it stands without an annotation and is exact, as an equation as well."""
    pieces: list[Piece] = []
    at = 0
    while at < len(step):
        length, equation = _bare_sum(step, at)
        if equation is None:
            pieces.append(step[at])
            at += 1
            continue
        if equation.money and pieces and isinstance(pieces[-1], str):
            pieces[-1] = re.sub(r"\$\s*$", "", pieces[-1])
        pieces.append(equation)
        at += length
    return tuple(piece for piece in pieces if piece)


def _bare_sum(step: Text, at: int) -> tuple[int, Equation | None]:
    """(pieces, equation) of the flat calculation between numbers that begins at this piece; (0, None) without one."""
    before = step[at - 1] if at else ""
    if not isinstance(before, str) or _OPEN_BEFORE(before):
        return 0, None
    text, signs, end = "", [], at
    while end < len(step) and isinstance(number := step[end], Number):
        text += str(number.key) if number.key.denominator == 1 else f"{float(number.key)}"
        between = step[end + 1] if end + 1 < len(step) else None
        found = _OPERATOR.fullmatch(between) if isinstance(between, str) else None
        if found is None or "=" in signs:
            break
        signs.append(found[1])
        text += _SIGNS.get(found[1], found[1])
        end += 2
    after = step[end + 1] if end + 1 < len(step) else ""
    if len(signs) < 2 or signs[-1] != "=" or end >= len(step) or not isinstance(after, str) or _OPEN_AFTER(after):
        return 0, None
    left, _, result = text.partition("=")
    try:
        expression, key = read(left), Fraction(result)
        if value(expression, {}) != key or not is_short(key):
            return 0, None
    except (UnreadableError, ValueError):
        return 0, None
    money = str(step[end - 1]).rstrip().endswith("$")
    return end + 1 - at, Equation(expression, key, money)


def _is_rigid(steps: tuple[Text, ...], changing: frozenset[Fraction]) -> bool:
    """Whether the text calculates where no annotation says so: another number there would make it untrue.

    That is `20+10=30*2` between numbers, or a number that cannot be told apart, as in `8/2 = 3`.
    """
    bare = {Fraction(found) for step in steps for piece in step if isinstance(piece, str) for found in _DIGITS(piece)}
    return bool(bare & changing) or any(_is_open(step) for step in steps)


def _is_open(step: Text) -> bool:
    """Whether an operator between numbers leads up to no equation (in `80 tubs / 4 = [20]` it does)."""
    covered, equals = False, 0
    for at in range(len(step) - 1, 0, -1):
        piece = step[at]
        if isinstance(piece, Equation):
            covered, equals = True, 0
        elif isinstance(piece, str):
            equals += "=" in piece
            covered = covered and equals < 2
            if at < len(step) - 1 and _OPERATOR.fullmatch(piece):
                if not covered:
                    return True
            elif not _NEAR.fullmatch(piece):
                covered = False
    return False


def _free(question: str, sources: set[Fraction], derived: set[Fraction], steps: tuple[Text, ...]) -> Iterator[Fraction]:
    """The source numbers that can change without making a constant or a word of the text untrue."""
    words = set(re.findall(r"[a-z]+", question.lower()))
    named = {Fraction(n) for n, names in _WORDS.items() if words & set(names.split())}
    used = {leaf.key for step in steps for piece in step if isinstance(piece, Equation) for leaf in leaves(piece.left)}
    mentioned = {piece.key for step in steps for piece in step if isinstance(piece, Number)}
    constants = (used | mentioned) - sources - derived
    if any(c not in _CONSTANTS and c not in named for c in constants) or derived & named & used:
        return
    frozen = named | derived | {Fraction(0), Fraction(1), Fraction(100)}
    for source in sorted(sources & (used | mentioned)):
        relatives = {source / 100, 1 - source / 100, 1 + source / 100, 100 - source, 100 + source}
        relatives |= {source - 1, source + 1, source * 2, source / 2, 1 / source if source else source}
        if source not in frozen and not relatives & constants and source < 10000:
            yield source


def draw(problem: Problem, rng: Random, tries: int = 40) -> dict[Fraction, Fraction] | None:
    """New worths for the keys, carried through every equation; None where none of the draws made a sound problem."""
    free = sorted(problem.free)
    for attempt in range(tries if free else 0):
        share = rng.choice((0.4, 0.7, 1.0)) * (1 - attempt / tries)
        chosen = {key: redraw(key, rng) for key in free if rng.random() < share}
        worth = carry(problem, chosen) if chosen else None
        if worth is not None and any(worth[key] != key for key in chosen):
            return worth
    return None


def redraw(key: Fraction, rng: Random) -> Fraction:
    """Another number of the same kind: near in size, as round, with as many decimals."""
    if key.denominator != 1:
        step = (
            Fraction(1, 2)
            if (key * 2).denominator == 1
            else Fraction(1, 4)
            if (key * 4).denominator == 1
            else Fraction(1, 100)
        )
        if not is_short(key):
            return key
        return step * rng.randint(max(1, int(key / step / 3)), max(2, int(key / step * 3)))
    if key < 10:
        return Fraction(rng.randint(2, 12))
    unit = next((u for u in (1000, 100, 50, 10, 5) if key % u == 0), 1)
    if rng.random() < 0.3:
        unit = rng.choice((1, 5, 10))
    return Fraction(min(9999, unit * max(1, rng.randint(int(key / unit / 3), int(key * 3 / unit) + 1))))


def carry(problem: Problem, chosen: Valuation) -> dict[Fraction, Fraction] | None:
    """Evaluate every equation; None where a result is not of its old kind or contradicts another.

    A number that the question gives, or that was reckoned with, keeps its worth when a result happens to equal it.
    """
    worth = dict(chosen)
    given = {piece.key for piece in problem.question if isinstance(piece, Number)}
    for step in problem.steps:
        for piece in step:
            if not isinstance(piece, Equation):
                continue
            try:
                result = value(piece.left, worth)
            except UnreadableError:
                return None
            given |= {leaf.key for leaf in leaves(piece.left)} - worth.keys()
            was = worth.get(piece.key, piece.key if piece.key in given else result)
            if not fits(result, piece.key) or was != result:
                return None
            worth[piece.key] = result
    return worth


def fits(result: Fraction, like: Fraction) -> bool:
    """Whether a new result is of the old one's kind: whole where that was, short, positive where that was."""
    if like > 0 >= result or result < 0 <= like or abs(result) >= 1_000_000:
        return False
    return result.denominator == 1 if like.denominator == 1 else is_short(result)


def load(path: Path) -> list[Problem]:
    """All rows of a GSM8K file that can be read, in its order."""
    problems = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        try:
            problems.append(parse(row["question"], row["answer"]))
        except (UnreadableError, ValueError, ZeroDivisionError):
            continue
    return problems


def split(problems: list[Problem]) -> tuple[list[Problem], list[Problem], list[Problem]]:
    """(training, choosing, test) problems: 450 for the test and 300 to choose by, fewer of a small file.

    The cut is the same for every seed.
    """
    order = list(problems)
    random.Random("nano: held out").shuffle(order)
    test, choose = min(450, len(order) // 10), min(300, len(order) // 10)
    return order[test + choose :], order[test : test + choose], order[:test]
