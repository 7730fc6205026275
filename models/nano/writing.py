"""Drafts and equations as text, in many ways of writing, with what would have been right at each number and operator.

It draws styles and joins strings; it decides nothing about what is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from models.nano.equations import Expression, Leaf, Node, value
from models.nano.phrases import ENDINGS, FILLERS, PREFIXES, RECALLS
from models.nano.slips import Calculation, Draft, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random


@dataclass(frozen=True, slots=True)
class Fragment:
    """A bit of text; of a number or an operator, `right` is what belongs there (`48`, `1,200`, `+`).

    `slip`: it is an operator, and another one than that. (Of a number the texts tell.) `running`: it ends a part of a
    calculation, which so far comes to this.
    """

    text: str
    right: str | None = None
    slip: bool = False
    running: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A document: the question, its steps as fragments, and the 0-based first wrong step (None: all right)."""

    question: str
    steps: tuple[tuple[Fragment, ...], ...]
    first_error: int | None
    kind: str | None
    carried: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """A right solution with wrong versions of its steps beside them: `slips` are (step, what is written instead)."""

    question: str
    steps: tuple[tuple[Fragment, ...], ...]
    slips: tuple[tuple[int, tuple[Fragment, ...]], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """How one solution is written."""

    wrap: tuple[str, str]
    latex: bool
    operators: dict[str, str]
    fraction: bool
    group: str
    percent: bool
    dollars: str
    equals: str
    bold: bool
    place: str


def draw_style(rng: Random) -> Style:
    """A style at random: half of them plain text, half of them LaTeX of some kind."""
    latex = rng.random() < 0.45
    gap = rng.choice((" ", " ", ""))
    words = not latex and rng.random() < 0.06
    if words:
        operators = {"+": " plus ", "-": " minus ", "*": " times ", "/": " divided by "}
    elif latex:
        times, over = rng.choice((r" \times ", r" \times ", r" \cdot ", " * ")), rng.choice((r" \div ", " / ", "/"))
        operators = {"+": " + ", "-": " - ", "*": times, "/": over}
    else:
        times, over = rng.choice("***xx××·"), rng.choice("////÷÷")
        loose = " " if times == "x" else gap
        operators = {"+": gap + "+" + gap, "-": gap + "-" + gap, "*": loose + times + loose, "/": gap + over + gap}
    return Style(
        wrap=rng.choice((("$", "$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("\\[\n", "\n\\]"), ("$$", "$$")))
        if latex
        else ("", ""),
        latex=latex,
        operators=operators,
        fraction=latex and rng.random() < 0.5,
        group=rng.choice(("", ",", "{,}" if latex else ",")),
        percent=rng.random() < 0.3,
        dollars=rng.choice(("none", "result", "result", "all")),
        equals=rng.choice((" equals ", " is ")) if words else (" = " if gap or latex else "="),
        bold=rng.random() < 0.08,
        place=rng.choices(("inline", "after", "before", "beside", "first", "only"), (70, 8, 8, 6, 5, 3))[0],
    )


def draw_plain_style(rng: Random) -> Style:
    """`48/2=24` or `48 / 2 = 24`."""
    gap = rng.choice((" ", ""))
    operators = {op: gap + op + gap for op in "+-*/"}
    return Style(("", ""), False, operators, False, "", False, "none", gap + "=" + gap, False, "inline")


def number(worth: Fraction, group: str = "", *, money: bool = False) -> str:
    """Decimal notation, thousands grouped by `group`; exact, since no number here has more than six decimals."""
    whole, part = divmod(abs(worth.numerator), worth.denominator)
    digits = f"{whole:,}".replace(",", group) if whole >= 1000 else str(whole)
    if part:
        decimals = f"{part * 10**6 // worth.denominator:06d}".rstrip("0")
        digits += "." + (decimals.ljust(2, "0") if money else decimals)
    return ("-" if worth.numerator < 0 else "") + digits


def write_number(shown: Fraction, right: Fraction | None, style: Style, *, money: bool = False) -> Fragment:
    """One number, and how the right one would be written in its place."""
    text = number(shown, style.group, money=money)
    if right is None:
        return Fragment(text)
    return Fragment(text, text if right is shown else number(right, style.group, money=money))


def write_left(left: Expression, calculation: Calculation, style: Style) -> list[Fragment]:
    """The left side of an equation."""
    worth = calculation.worth
    if isinstance(left, Leaf):
        right = worth.get(left.key, left.key)
        shown = left.slip if left.slip is not None else right
        money = calculation.equation.money and shown.denominator != 1
        dollar = [Fragment(r"\$" if style.latex else "$")] if _priced(calculation, style) else []
        return [*dollar, write_number(shown, right, style, money=money)]
    first, second = write_left(left.left, calculation, style), write_left(left.right, calculation, style)
    if second[-1].right is not None and second[-1].running is None:
        second[-1] = replace(second[-1], running=number(value(left, worth)))
    if left.op == "/" and style.percent and isinstance(left.left, Leaf) and left.right == Leaf(Fraction(100)):
        return [*first, Fragment(r"\%" if style.latex else "%")]
    meant, slip = left.meant or left.op, left.meant is not None
    if left.op == "/" and style.fraction:
        return [Fragment(r"\frac{", meant, slip=slip), *first, Fragment("}{"), *second, Fragment("}")]
    if isinstance(left.left, Node) and left.op in "*/" and left.left.op in "+-":
        first = _parenthesized(first)
    if isinstance(left.right, Node) and (left.op in "-/" or (left.op == "*" and left.right.op != "*")):
        second = _parenthesized(second)
    return [*first, Fragment(style.operators[left.op], meant, slip=slip), *second]


def _priced(calculation: Calculation, style: Style) -> bool:
    left = calculation.equation.left
    flat = isinstance(left, Node) and left.op in "+-"
    return calculation.equation.money and style.dollars == "all" and flat


def _parenthesized(fragments: list[Fragment]) -> list[Fragment]:
    return [Fragment("("), *fragments, Fragment(")")]


def write_result(calculation: Calculation, style: Style, *, latex: bool) -> list[Fragment]:
    """The result, with its $ and, if the style says so, in bold."""
    money = calculation.equation.money
    sign = (r"\$" if latex else "$") if money and style.dollars != "none" else ""
    body = write_number(calculation.result, calculation.right, style, money=money)
    if style.bold and not latex:
        return [Fragment("**" + sign), body, Fragment("**")]
    return [Fragment(sign), body]


def write_equation(calculation: Calculation, style: Style) -> list[Fragment]:
    """`48/2 = 24` in the style, wrapped as mathematics where that is the style; now and then the result first."""
    left = write_left(calculation.equation.left, calculation, style)
    result = write_result(calculation, style, latex=style.latex)
    start, end = (Fragment(part) for part in style.wrap)
    if style.place == "first":
        return [start, *result, Fragment(style.equals), *left, end]
    return [start, *left, Fragment(style.equals), *result, end]


def write_step(step: Sequence[str | Shown | Calculation], style: Style) -> list[Fragment]:
    """One step: the equation in the sentence, or the bare result there and the equation beside it."""
    sums = [piece for piece in step if isinstance(piece, Calculation)]
    place = style.place if len(sums) == 1 and sums[0].equation.shown else "inline"
    prose: list[Fragment] = []
    for piece in step:
        if isinstance(piece, str):
            prose.append(Fragment(piece))
        elif isinstance(piece, Shown):
            money = bool(prose) and prose[-1].text.endswith("$")
            prose.append(write_number(piece.number, piece.right, style, money=money))
        elif piece.equation.shown and place in ("inline", "first"):
            prose += write_equation(piece, style)
        else:
            prose += write_result(piece, style, latex=False)
    if place in ("inline", "first", "only"):
        return prose
    plain = write_equation(sums[0], style)
    if place == "beside":
        return [*trimmed(prose), Fragment(" ("), *plain, Fragment(").")]
    if place == "after":
        return [*trimmed(prose), Fragment(": "), *plain]
    return [*plain, Fragment(". "), *prose]


def trimmed(fragments: list[Fragment]) -> list[Fragment]:
    """The fragments without the full stop at their end."""
    last = fragments[-1]
    return [*fragments[:-1], replace(last, text=last.text.rstrip(" ."))] if last.right is None else fragments


def write(draft: Draft, rng: Random, *, whole: bool = True) -> Written:
    """A whole document; with `whole` off it ends at the first wrong step, after which nothing is learned."""
    style = draw_style(rng)
    plain = replace(style, group=rng.choice((",", ",", "")), latex=False)
    asked = write_step(draft.question, plain)
    steps = [write_step(step, style if rng.random() < 0.9 else draw_style(rng)) for step in draft.steps]
    error = draft.first_error
    must_end = error == len(steps)
    if must_end or rng.random() < 0.4:
        steps.append(_ending(draft.answer, style, rng))
    steps, error = _with_fillers(steps, error, asked, rng)
    if rng.random() < 0.06:
        steps, error = _joined(steps, error, rng)
    if not whole and error is not None:
        steps = steps[: error + 1]
    prefix = rng.choice(PREFIXES) if rng.random() < 0.3 else ""
    done = tuple(tuple(stripped([Fragment(prefix.format(n=i + 1)), *step])) for i, step in enumerate(steps))
    return Written("".join(f.text for f in asked).strip(), done, error, draft.kind, draft.carried)


def write_tree(draft: Draft, others: Sequence[Draft], rng: Random) -> Tree:
    """A right solution, and beside its steps the wrong ones of drafts that are right up to there."""
    style = draw_style(rng)
    plain = replace(style, group=rng.choice((",", ",", "")), latex=False)
    asked = write_step(draft.question, plain)
    styles = [style if rng.random() < 0.9 else draw_style(rng) for _ in draft.steps]
    steps = [write_step(step, styles[i]) for i, step in enumerate(draft.steps)]
    slips: list[tuple[int, list[Fragment]]] = []
    for other in others:
        at = other.first_error
        if at is not None:
            slips.append(
                (at, write_step(other.steps[at], styles[at]) if at < len(steps) else _ending(other.answer, style, rng))
            )
    if rng.random() < 0.4 or any(at == len(steps) for at, _ in slips):
        steps.append(_ending(draft.answer, style, rng))
    steps, shift = _with_fillers(steps, 0, asked, rng)
    prefix = rng.choice(PREFIXES) if rng.random() < 0.3 else ""

    def done(at: int, step: list[Fragment]) -> tuple[Fragment, ...]:
        return tuple(stripped([Fragment(prefix.format(n=at + 1)), *step]))

    return Tree(
        "".join(f.text for f in asked).strip(),
        tuple(done(i, step) for i, step in enumerate(steps)),
        tuple((at + (shift or 0), done(at + (shift or 0), step)) for at, step in slips),
    )


def _ending(answer: Shown, style: Style, rng: Random) -> list[Fragment]:
    before, _, after = rng.choice(ENDINGS).partition("@")
    return [Fragment(before), write_number(answer.number, answer.right, style), Fragment(after)]


def _with_fillers(
    steps: list[list[Fragment]], error: int | None, asked: list[Fragment], rng: Random
) -> tuple[list[list[Fragment]], int | None]:
    """Steps without any number, and a first step that repeats a sentence of the question."""
    opening: list[list[Fragment]] = []
    if rng.random() < 0.12:
        opening.append([Fragment(rng.choice(FILLERS))])
    if rng.random() < 0.15 and (recalled := _recalled(asked, rng)):
        opening.append(recalled)
    return [*opening, *steps], None if error is None else error + len(opening)


def _recalled(asked: list[Fragment], rng: Random) -> list[Fragment]:
    sentences: list[list[Fragment]] = [[]]
    for fragment in asked:
        parts = [fragment.text] if fragment.right is not None else re.split(r"(?<=[.?!]) +", fragment.text)
        for i, part in enumerate(parts):
            if i:
                sentences.append([])
            sentences[-1].append(replace(fragment, text=part))
    told = [s for s in sentences if any(f.right for f in s) and not s[-1].text.rstrip().endswith("?")]
    return [Fragment(rng.choice(RECALLS)), *rng.choice(told)] if told else []


def _joined(steps: list[list[Fragment]], error: int | None, rng: Random) -> tuple[list[list[Fragment]], int | None]:
    """Two neighbouring steps as one."""
    if len(steps) < 2:
        return steps, error
    at = rng.randrange(len(steps) - 1)
    both = [*steps[at], Fragment(rng.choice((" ", "\n"))), *steps[at + 1]]
    return [*steps[:at], both, *steps[at + 2 :]], error - 1 if error is not None and error > at else error


def stripped(fragments: Iterable[Fragment]) -> list[Fragment]:
    """The fragments without empty ones and without white space around the whole."""
    kept = [f for f in fragments if f.text]
    while kept and not kept[0].text.strip():
        kept = kept[1:]
    while kept and not kept[-1].text.strip():
        kept = kept[:-1]
    if kept:
        if kept[0].text[0].isspace():
            kept[0] = replace(kept[0], text=kept[0].text.lstrip())
        if kept[-1].text[-1].isspace():
            kept[-1] = replace(kept[-1], text=kept[-1].text.rstrip())
    return kept
