"""What a solution does with its numbers: carries a false one on, changes one in copying it, boxes another than found.

These are seen only where the digits tell: a number that nothing else in the text accounts for, and that is another one
with a digit changed or two of them swapped.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from stepcheck.evidence import words
from stepcheck.evidence.arithmetic import shown
from stepcheck.evidence.expressions import calculated
from stepcheck.evidence.findings import Finding
from stepcheck.evidence.links import Link
from stepcheck.evidence.tokens import Token
from stepcheck.patterns import regex

MOST_KNOWN = 120
"""With more numbers in the text nearly every number can be come by."""
_ANSWER = regex(r"answer|\\boxed|####|\btotal\b|答案", re.IGNORECASE)


@dataclass(slots=True)
class Memory:
    """The numbers of the problem and of the steps so far."""

    given: dict[str, set[Fraction]] = field(default_factory=dict)
    """What the problem counts, by noun: `85 apples`."""
    seen: set[Fraction] = field(default_factory=set)
    false: dict[Fraction, str] = field(default_factory=dict)
    """Results that were found to be false, and the true ones."""
    found: Fraction | None = None
    """The result of the last calculation of the step before."""

    def read_problem(self, tokens: Sequence[Token]) -> None:
        """Take the numbers of the problem."""
        self.seen |= {token.value for token in tokens if token.kind == "number"}
        for number, noun in counted(tokens):
            self.given.setdefault(noun, set()).add(number.value)

    def carried(self, tokens: Sequence[Token]) -> list[Finding]:
        """Find the first place of each false number in a step."""
        found: dict[Fraction, Finding] = {}
        for token in tokens:
            if token.kind == "number" and token.value in self.false and token.value not in found:
                truth = self.false[token.value]
                sentence = f"{token.text} is carried on, {truth} would be right"
                found[token.value] = Finding(
                    "carried", token.start, token.end, token.text, truth, certain=False, sentence=sentence
                )
        return list(found.values())

    def copied(self, tokens: Sequence[Token], links: Iterable[Link]) -> list[Finding]:
        """Find numbers in calculations that are one of the problem's with its digits changed."""
        sides = [
            side for link in links for side in (link.left, link.right) if side is not None and calculated(side.node)
        ]
        here = {token.value for token in tokens if token.kind == "number"}
        if len(self.seen) > MOST_KNOWN:
            return []
        found = []
        for number, noun in counted(tokens):
            known = self.given.get(noun, set())
            operand = any(side.start <= number.start < side.end for side in sides)
            if number.value in self.seen or len(known) != 1 or not operand or "." in number.text:
                continue
            right = next(iter(known))
            before = {token.value for token in tokens if token.kind == "number" and token.start < number.start}
            small = {Fraction(n) for n in range(1, 13)} | {Fraction(100)}
            if right in here or not slipped(right, number.value) or self._reached(number.value, before | small):
                continue
            sentence = f"the problem says {shown(right)} {noun}, not {number.text}"
            found.append(
                Finding("copied", number.start, number.end, number.text, shown(right), certain=True, sentence=sentence)
            )
        return found

    def answer(self, text: str, tokens: Sequence[Token]) -> Finding | None:
        """Find a last step that gives another number than was found, and nothing but that number."""
        numbers = [token for token in tokens if token.kind == "number"]
        if self.found is None or not _ANSWER.search(text) or len({token.value for token in numbers}) != 1:
            return None
        given = numbers[-1]
        if given.value in self.seen or not slipped(self.found, given.value) or self._reached(given.value, set()):
            return None
        truth = shown(self.found)
        sentence = f"{truth} was found, not {given.text}"
        return Finding("answer", given.start, given.end, given.text, truth, certain=True, sentence=sentence)

    def _reached(self, number: Fraction, more: set[Fraction]) -> bool:
        """Whether one operation on two numbers seen, or of those more, gives the number."""
        known = (self.seen | more) - {number}
        for a in known:
            if (
                number - a in known
                or a - number in known
                or (a and number / a in known)
                or (number and a / number in known)
            ):
                return True
        return False


def counted(tokens: Sequence[Token]) -> list[tuple[Token, str]]:
    """List the numbers that are directly followed by a noun, with it."""
    found = []
    for number, noun in pairwise(tokens):
        if number.kind == "number" and noun.kind == "word" and noun.text not in words.VERBS | words.NOT_AFTER:
            found.append((number, words.singular(noun.text)))
    return found


def slipped(right: Fraction, written: Fraction) -> bool:
    """Whether a whole number of two digits or more is another one with two digits swapped, or one changed."""
    if right.denominator != 1 or written.denominator != 1 or right == written:
        return False
    a, b = str(right.numerator), str(written.numerator)
    if len(a) != len(b) or len(a) < 2:  # noqa: PLR2004 (any digit is another one changed)
        return False
    differing = [i for i in range(len(a)) if a[i] != b[i]]
    swapped = len(differing) == 2 and a[differing[0]] == b[differing[1]] and a[differing[1]] == b[differing[0]]  # noqa: PLR2004
    return swapped or (len(differing) == 1 and len(a) > 2)  # noqa: PLR2004 (one of two digits is half of the number)
