r"""Tokens beside an equals sign → the expression that stands there, where no doubt is left where it begins and ends.

In a formula a side is all that stands between two relations; in plain text it is the longest calculation that touches
the sign, and the words before and after it decide whether that is all of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from stepcheck.evidence import wording, words
from stepcheck.evidence.amounts import UnreadError
from stepcheck.evidence.expressions import Measured, Negative, Node, Number, Row, calculated
from stepcheck.evidence.parsing import MOST_UNIT_WORDS, parse, parse_prefix
from stepcheck.evidence.tokens import Token


@dataclass(frozen=True, slots=True)
class Side:
    """One side: the expression, its place, and other expressions that the same text may be."""

    node: Node
    start: int
    end: int
    others: tuple[Node, ...] = ()
    units: frozenset[str] = frozenset()
    """Every word that stands in it."""
    before: tuple[Fraction, ...] = ()
    """The numbers that stand before it in its part of the sentence."""


def _side(node: Node, tokens: Sequence[Token], others: tuple[Node, ...] = ()) -> Side:
    return Side(node, tokens[0].start, tokens[-1].end, others, frozenset(_units(tokens)))


def _units(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the words that measure, without those of phrases: the year of `in the second half of the year` is none."""
    phrase = False
    for token in tokens:
        if token.kind in ("operator", "number"):
            phrase = False
        elif token.kind == "word" and token.text in words.PHRASES - {"per", "a", "an"}:
            phrase = True
        single = token.kind == "letter" and not token.maths
        if token.text in ("$", "%") or (not phrase and (token.kind == "word" or single)):
            yield token.text


def whole(tokens: Sequence[Token]) -> Side | None:
    """Read all of the tokens."""
    if not tokens:
        return None
    try:
        node = parse(tokens)
    except UnreadError:
        return None
    return _side(node, tokens, _after_dash(node, tokens))


def _after_dash(node: Node, tokens: Sequence[Token]) -> tuple[Node, ...]:
    """What follows each minus that may be a dash between two sentences or items of a list."""
    if any(token.maths for token in tokens) or not isinstance(node, Row) or "-" not in node.operators:
        return ()
    found: list[Node] = []
    for index, operator in enumerate(node.operators):
        rest = node.operands[index + 1 :]
        if operator == "-" and len(rest) > 1:
            found.append(Row(rest, node.operators[index + 1 :], node.close[index + 1 :]))
    return tuple(found)


def _before_dash(node: Node, tokens: Sequence[Token]) -> tuple[Node, ...]:
    """Read up to each minus with space around it, which may be a dash: `= 12 - 2 * 5 = 10`."""
    dashes = any(a.text == "-" and a.spaced and b.spaced for a, b in pairwise(tokens))
    if not dashes or not isinstance(node, Row):
        return ()
    at = [index for index, operator in enumerate(node.operators) if operator == "-"]
    return tuple(Row(node.operands[: i + 1], node.operators[:i], node.close[:i]) if i else node.operands[0] for i in at)


def right_of(tokens: Sequence[Token], *, weak: bool) -> Side | None:
    """Read from the sign on, as far as it goes, and look at what stops it."""
    if not tokens:
        return None
    try:
        node, used = parse_prefix(tokens)
    except UnreadError:
        return None
    if used < len(tokens) and not _named(tokens, used) and not _ends(tokens[used:], weak=weak):
        return None
    return _side(node, tokens[:used], _before_dash(node, tokens[:used]))


_TOWARDS = words.PHRASES | words.listed("across all over after before about every") - {"per", "of"}
"""`minutes from 3-minute songs`, `$54 across all 3 days`; not `5 feet 3 inches`."""


def _named(tokens: Sequence[Token], used: int) -> bool:
    """Whether a purpose or a kind of things follows a number with a noun: `3 sets of 400 miles`, `$3 to make each`."""
    word, before = tokens[used], tokens[used - 1]
    after = tokens[used + 1] if used + 1 < len(tokens) else None
    if word.kind in ("number", "unknown") and before.kind == "word":
        return before.text in _TOWARDS and tokens[used - 2].kind == "word"
    if word.kind != "word" or after is None:
        return False
    if word.text == "of":
        return before.kind == "word" and not _portions(before.text)
    if word.text == "over":
        return before.kind == "word" and after.text in words.DETERMINERS
    return word.text == "to" and after.kind == "word" and after.text not in words.SCALES | words.DETERMINERS


def _ends(rest: Sequence[Token], *, weak: bool) -> bool:
    """Whether an expression can be over where these tokens follow it."""
    token, after = rest[0], rest[1] if len(rest) > 1 else None
    follows = after.kind if after is not None else ""
    match token.kind:
        case "word":
            barred = token.text in words.NOT_AFTER and (weak or token.text not in words.FINE_AFTER)
            counted = token.text in ("and", "or", "to", "of", "out") and follows == "number"
            ends = not barred and (not counted or (token.text == "and" and not _proper(rest[1:])))
        case "operator":
            ends = token.text in "-*" and token.spaced and follows == "word"
        case "open":
            ends = token.spaced and token.text == "(" and follows in ("word", "end")
        case "letter":
            ends = token.text in "aA" and token.spaced and follows == "word"
        case _:
            ends = token.kind in ("close", "end", "comma") or token.text == "$"
    return ends


def _proper(tokens: Sequence[Token]) -> bool:
    """Whether a fraction below one stands here: `and 1/2`."""
    fraction = len(tokens) > 2 and tokens[1].text == "/" and tokens[2].kind == "number"  # noqa: PLR2004 (top, slash, bottom)
    return fraction and tokens[0].value < tokens[2].value


def left_of(tokens: Sequence[Token], *, weak: bool, chained: bool = False) -> Side | None:
    """Read up to the sign, from as far before it as a calculation goes; `chained` tells that more signs follow."""
    start = _beginning(tokens)
    run = tokens[start:]
    if not run or not _begins(tokens[:start], run) or (weak and _range(run)) or wording.goes_on(tokens, start):
        return None if weak else _loosely(tokens)
    try:
        node = parse(run)
    except UnreadError:
        return None if weak else _loosely(tokens)
    if not calculated(node) and not _alone(tokens[:start], node, named=chained):
        return None  # `all 4 subjects = 186 + 62` says nothing of the 4
    others = _after_dash(node, run)
    if run[0].text == "-" and run[0].kind == "operator" and len(run) > 1 and run[1].spaced:
        others = (*others, _undashed(node))
    return _surrounded(_side(node, run, others), tokens[:start])


def _loosely(tokens: Sequence[Token]) -> Side | None:
    """Read a calculation with whole phrases between its numbers, or after words that seldom stand before one."""
    run, start = wording.condensed(tokens)
    if not run or not wording.begins(tokens[:start], run):
        return None
    try:
        node = parse(run)
    except UnreadError:
        return None
    if not calculated(node):
        return None
    return _surrounded(_side(node, tokens[start:], _after_dash(node, run)), tokens[:start])


def _surrounded(side: Side, before: Sequence[Token]) -> Side | None:
    """Note the numbers before a calculation that may belong to it; None where there are too many of them."""
    if wording.apart(before):
        return side
    numbers = wording.numbers_before(before)
    if len(numbers) == wording.MOST_BEFORE or (numbers and wording.picks(before)):
        return None
    return replace(side, before=numbers)


def _alone(before: Sequence[Token], node: Node, *, named: bool) -> bool:
    """Whether a number after these tokens stands for itself, and is not a name or said of something.

    `named`: a calculation and its result follow, so that the number may be what they are found for.
    """
    if isinstance(node, Measured) and node.unit == "$":
        node = node.inside
    if not isinstance(node, Number):
        return False
    if not before or before[-1].kind != "word" or before[-1].text in words.VERBS:
        return True
    word, last = before[-1].text, before[-2].text if len(before) > 1 else ""
    done = word.endswith("ed") and word not in words.LABELS and word not in words.NOT_BEFORE
    first = (
        word in words.WITH_ONE
        or last in wording.MODALS
        or word in words.DETERMINERS - {"the", "that", "this", "these"}
        or done
    )
    return (first and not named) or (word == "of" and last == "total") or (word == "to" and last in words.FINE_TO)


def _undashed(node: Node) -> Node:
    if isinstance(node, Row) and isinstance(node.operands[0], Negative):
        return replace(node, operands=(node.operands[0].inside, *node.operands[1:]))
    return node.inside if isinstance(node, Negative) else node


def _beginning(tokens: Sequence[Token]) -> int:
    """Find where the calculation begins that ends with the tokens."""
    at, depth = len(tokens), 0
    while at > 0:
        token = tokens[at - 1]
        if token.kind == "close":
            depth += 1
        elif token.kind == "open":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and (token.kind == "word" or _article(tokens, at - 1)):
            unit = _unit_start(tokens, at)
            if unit is None:
                break
            at = unit
            continue
        elif depth == 0 and token.kind in ("comma", "end", "relation"):
            break
        at -= 1
    return at


def _article(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    plain = token.kind == "letter" and token.text in "aAI" and not token.maths and token.spaced
    return plain and after is not None and after.spaced and after.kind not in ("operator", "relation")


def _unit_start(tokens: Sequence[Token], end: int) -> int | None:
    """Find where the words before `end` begin, if they are the unit of a number in the calculation; else None."""
    after = tokens[end] if end < len(tokens) else None
    if tokens[end - 1].text == "of" and end > 1:
        portion = tokens[end - 2]
        return end - 1 if portion.text == "%" or portion.kind in ("close", "vulgar", "number") else None
    crossed = after is not None and after.kind == "letter" and after.text in "xX"
    if after is not None and after.kind not in ("operator", "close") and not crossed:
        return None
    if (
        after is not None
        and after.text == "-"
        and not (after.spaced and end + 1 < len(tokens) and tokens[end + 1].spaced)
    ):
        return None
    start = end
    while start > 0 and _in_unit(tokens, start - 1):
        start -= 1
    if start == 0 or end - start > MOST_UNIT_WORDS:
        return None
    return start if tokens[start - 1].kind in ("number", "close") or tokens[start - 1].text == "%" else None


def _in_unit(tokens: Sequence[Token], at: int) -> bool:
    token, before = tokens[at], tokens[at - 1] if at > 0 else None
    if token.kind == "word" and token.text != "of":
        over = before is not None and before.text in ("/", "per")
        phrase = token.text in words.PHRASES and before is not None and before.kind == "word"
        return over or phrase or token.text in ("per", "times") or token.text not in words.VERBS | words.NOT_AFTER
    if token.text == "of":
        return before is not None and before.kind == "word" and not _portions(before.text)
    return (
        token.text == "/" and before is not None and before.kind in ("word", "number") and tokens[at + 1].kind == "word"
    )


def _range(run: Sequence[Token]) -> bool:
    """Whether it may be from one number to another: weeks 1-2, 3-5 kilograms."""
    glued = len(run) > 2 and run[1].text == "-" and not run[1].spaced and not run[2].spaced  # noqa: PLR2004 (1, -, 2)
    if not glued or run[0].kind != "number" or run[2].kind != "number" or run[0].value >= run[2].value:
        return False
    return all(token.kind == "word" for token in run[3:])


def _portions(word: str) -> bool:
    """Whether `of` after it multiplies: a third of, two-thirds of."""
    return word.rpartition("-")[2] in words.NOT_OF


def _begins(before: Sequence[Token], run: Sequence[Token]) -> bool:  # noqa: PLR0911 (each is a rule of its own)
    """Whether a calculation can begin after these tokens."""
    if run[0].kind == "operator" and (run[0].text in "+*/^%!" or before):
        return False
    if not before:
        return True
    token = before[-1]
    if token.kind not in ("word", "letter"):
        return token.kind in ("open", "comma", "end", "relation")
    if token.kind == "word" and token.text not in words.VERBS and _range(run):
        return False
    if token.text in ("of", "and", "to", "by"):
        return _joined(token.text, before[:-1], run)
    if token.text in words.DETERMINERS and len(before) > 1:
        return before[-2].text != "to" and _begins(before[:-1], run)
    if token.text in ("average", "averages", "averaged", "mean"):
        return _quotient(run)
    named = token.text in words.NOT_BEFORE or (token.text in words.LABELS and run[0].kind == "number")
    priced = run[0].text == "$"  # `in 6 weeks $25 * 6`
    return not named and (priced or not _counted(before[:-1]) or token.text in words.VERBS)


def _quotient(run: Sequence[Token]) -> bool:
    """Whether a calculation is one that averages: `needs to average 150 / 5`, not `the average 3 + 4`."""
    depth, sums = 0, False
    for token in run:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        sums = sums or (depth == 0 and token.kind == "operator" and token.text in "+-")
    return not sums and any(token.text in ("/", "frac") for token in run)


def _joined(word: str, before: Sequence[Token], run: Sequence[Token]) -> bool:
    """Whether a calculation can begin after a word that joins it to what stands before: `total of`, `comes to`."""
    last = before[-1] if before else None
    match word:
        case "of":
            return last is not None and last.kind == "word" and not _portions(last.text)
        case "and":
            return not (_counted(before) and _proper(run))
        case "to":
            return last is not None and last.text in words.FINE_TO
    return last is not None and last.kind == "word" and last.text not in words.NOT_BEFORE


def _counted(before: Sequence[Token]) -> bool:
    return bool(before) and before[-1].kind in ("number", "close", "vulgar")
