"""A problem and the steps of a solution → what was found in each of them. From any thread; nothing is kept."""

import re
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest

from stepcheck.evidence import algebra, arithmetic, words
from stepcheck.evidence.amounts import UnreadError
from stepcheck.evidence.arithmetic import Falsity, Known
from stepcheck.evidence.expressions import letters, literal
from stepcheck.evidence.findings import Examined, Finding
from stepcheck.evidence.links import Link, links
from stepcheck.evidence.memory import Memory
from stepcheck.evidence.sides import Side
from stepcheck.evidence.spoken import spoken
from stepcheck.evidence.tokens import Token, tokenize
from stepcheck.patterns import regex

MOST_CHARACTERS = 12_000
"""A longer step is left unread."""
SECONDS = 0.6
"""For one step; what is not looked at by then is left unread. An honest step takes a few milliseconds."""
MOST_SENTENCE = 600
MOST_LATER = 200
"""So far after a claim's sentence may stand that it is taken back."""
_LOOKS = regex(r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle)(?![A-Za-z])|&|\\\\|\*\*|\\[\[\]()]|\$\$")
_LATEX = regex(r"[\\^_{}]")
_SENTENCE = regex(r"(?<=[.!?。])\s+|\n\s*\n")


def examine(problem: str, steps: Sequence[str]) -> tuple[Examined, ...]:
    """Look at each step with what stood before it."""
    examiner = _Examiner(problem, steps)
    return tuple(examiner.step(index) for index in range(len(steps)))


class _Examiner:
    def __init__(self, problem: str, steps: Sequence[str]) -> None:
        self.steps = steps
        given = problem[:MOST_CHARACTERS]
        asked = tokenize(given)
        self.known = Known(exact=set(_given(asked)))
        self.memory = Memory()
        self.memory.read_problem(asked)
        self.silent = words.other_numbers(given) or words.other_signs(given)
        self.false: dict[Fraction, str] = {}
        """What this step gets wrong, for the steps after it."""
        self.equations: list[algebra.Equation] = []
        self.last: tuple[algebra.Equation, int] | None = None
        """The equation before, and its step."""
        self.given = re.sub(r"\s+", "", given)

    def step(self, index: int) -> Examined:
        text = self.steps[index]
        if len(text) > MOST_CHARACTERS:
            return Examined(unread=text.count("="))
        tokens = tokenize(text)
        found = links(tokens)
        self.silent = self.silent or words.other_numbers(text)
        findings: list[Finding] = []
        done: list[Link] = []
        limit = time.monotonic() + SECONDS
        for place, link in enumerate(found):
            if time.monotonic() > limit:
                break
            verdict = self._arithmetic(link, text, index)
            if isinstance(verdict, Finding) and arithmetic.recovered(found, place):
                verdict = None
            if verdict is None:
                after = found[place + 1] if place + 1 < len(found) else None
                verdict = self._algebra(link, after, text, index)
            if verdict is not None:
                done.append(link)
            if isinstance(verdict, Finding):
                findings.append(verdict)
        told, more = self._told(text, index, found, done, findings)
        read = len(done) + told
        findings += self._numbers(index, tokens, found, findings)
        findings.sort(key=lambda finding: (finding.start, finding.end))
        return Examined(tuple(findings), read, len(found) + more - read)

    def _told(
        self, text: str, index: int, found: Sequence[Link], done: Sequence[Link], findings: list[Finding]
    ) -> tuple[int, int]:
        """Look at what is reckoned in words; count what was read, and how much of all was not among the links."""
        read = more = 0
        for said in spoken(text):
            if said.left is None or said.right is None:
                continue
            start, end = said.left.start, said.right.end
            if any(start <= link.start < end for link in done):
                continue
            verdict = self._arithmetic(said, text, index)
            more += not any(start <= link.start < end for link in found)
            read += verdict is not None
            findings += [verdict] if isinstance(verdict, Finding) else []
        return read, more

    def _numbers(
        self, index: int, tokens: Sequence[Token], found: Sequence[Link], findings: Sequence[Finding]
    ) -> list[Finding]:
        """Look at the numbers of a step, and remember them."""
        memory, text = self.memory, self.steps[index]
        more = memory.carried(tokens)
        if not self.silent:
            more += memory.copied(tokens, found)
            last = memory.answer(text, tokens) if index == len(self.steps) - 1 else None
            more += [last] if last is not None else []
        memory.false.update(self.false)
        self.false.clear()
        memory.seen |= {token.value for token in tokens if token.kind == "number"}
        results = [literal(link.right.node) for link in found if link.right is not None]
        memory.found = results[-1].value if results and results[-1] is not None else None
        return [finding for finding in more if not any(f.start <= finding.start < f.end for f in findings)]

    def _arithmetic(self, link: Link, text: str, index: int) -> Finding | bool | None:
        if self.silent or link.left is None or link.right is None:
            return None
        try:
            verdict = arithmetic.judge(link, self.known, approximate=words.rough(self._near(link, text)))
        except (UnreadError, ZeroDivisionError):
            return None
        if not isinstance(verdict, Falsity):
            return True
        left, right = link.left, link.right
        if self._denied(link, text, index) or self._scaled(verdict, self._near(link, text)):
            return None
        if re.sub(r"\s+", "", text[left.start : right.end]) in self.given:
            return None
        if verdict.written is not None and verdict.written not in self.memory.seen:
            truth = arithmetic.told(verdict.truth, percent=verdict.percent)
            self.false[verdict.written] = truth
        return _finding(text, left, right, verdict)

    def _algebra(self, link: Link, after: Link | None, text: str, index: int) -> Finding | bool | None:
        """Look at an equation with letters: an identity, or what became of the equation before it."""
        if self.silent or link.left is None or link.right is None:
            return None
        found = self._identity(link, text, index)
        if found is not None:
            return found
        if link.follows or (after is not None and after.follows and letters(link.right.node)):
            return None  # of a chain only the beginning is an equation
        try:
            equation = algebra.equation(link)
        except (UnreadError, ZeroDivisionError):
            return None
        return self._followed(link, equation, text, index)

    def _followed(self, link: Link, equation: algebra.Equation, text: str, index: int) -> Finding | bool | None:
        """Compare an equation with the one before it, if it is said to follow from that."""
        before, self.last = self.last, (equation, index)
        earlier = [known for known in self.equations if known.letter == equation.letter]
        self.equations.append(equation)
        if before is None or index - before[1] > 1:
            return True
        first, place = before
        said = self.steps[place]
        rest = text[: equation.start]
        between = rest[first.end :] if place == index else f"{said[first.end :]}\n{rest}"
        if not algebra.turned(between, first, equation):
            return True
        if any(not algebra.differ(known, equation) for known in earlier) or self._denied(link, text, index):
            return None
        return _turned(_plain(said[first.start : first.end]), first, text, equation)

    def _identity(self, link: Link, text: str, index: int) -> Finding | None:
        start, _ = _sentence(text, link.start, link.end)
        try:
            unequal = algebra.identity(link, text[start : link.start])
        except (UnreadError, ZeroDivisionError):
            return None
        if unequal is None or link.left is None or link.right is None or self._denied(link, text, index):
            return None
        claim = _plain(text[link.left.start : link.right.end])
        sentence = (
            f"at {unequal.point} the left side is {unequal.left}, the right side {unequal.right}: {_formula(claim)}"
        )
        place = (link.left.start, link.right.end)
        return Finding("identity", *place, claim, unequal.truth, certain=True, sentence=sentence)

    def _scaled(self, verdict: Falsity, near: str) -> bool:
        truth, written = verdict.truth, verdict.written
        return bool(truth and truth.low and written and words.scaled(truth.low / written, near))

    def _near(self, link: Link, text: str) -> str:
        start, end = _sentence(text, link.start, link.end)
        return text[start:end]

    def _denied(self, link: Link, text: str, index: int) -> bool:
        """Whether the words around a claim deny it, or only try it."""
        left, right = link.left, link.right
        here, there = left.start if left else link.start, right.end if right else link.end
        start, end = _sentence(text, here, there)
        later = text[end : end + MOST_LATER]
        if len(later.strip()) < MOST_LATER // 4 and index + 1 < len(self.steps):
            later += " " + self.steps[index + 1][: MOST_LATER - len(later)]
        later = later[: _sentence(later, 0, min(3, len(later)))[1]]
        return words.denied(text[start:here], text[there:end], later)


def _given(tokens: Sequence[Token]) -> Iterator[Fraction]:
    """Yield the numbers of a problem, and of hundredths what is left of a whole and what a whole becomes."""
    for number, after in zip_longest(tokens, tokens[1:]):
        if number.kind != "number":
            continue
        yield number.value
        if after is not None and after.text == "%":
            part = number.value / 100
            yield from (part, 1 - part, 1 + part)


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Find the sentence around a place, or as much of a long one as tells its meaning."""
    first, last = max(0, start - MOST_SENTENCE), min(len(text), end + MOST_SENTENCE)
    before = [found.end() for found in _SENTENCE.finditer(text, first, start)]
    after = _SENTENCE.search(text, end, last)
    return (before[-1] if before else first), (after.start() if after else last)


def _finding(text: str, left: Side, right: Side, verdict: Falsity) -> Finding:
    truth = arithmetic.told(verdict.truth, percent=verdict.percent)
    a, b = (_formula(_plain(text[side.start : side.end])) for side in (left, right))
    calculated, written = (a, b) if verdict.of_left else (b, a)
    equals = "is" if verdict.truth is None else "=" if not truth.startswith("≈") else ""
    sentence = " ".join(f"{calculated} {equals} {truth}, not {written}".split())
    claim = _plain(text[left.start : right.end])
    return Finding("arithmetic", left.start, right.end, claim, truth, certain=True, sentence=sentence)


def _turned(first: str, before: algebra.Equation, text: str, equation: algebra.Equation) -> Finding:
    second = _plain(text[equation.start : equation.end])
    truth, other = algebra.solutions(before), algebra.solutions(equation)
    sentence = f"{_formula(first)} has the solution {truth}, {_formula(second)} has {other}"
    place = (equation.start, equation.end)
    return Finding("transformation", *place, second, truth, certain=True, sentence=sentence)


def _formula(text: str) -> str:
    """Mark LaTeX as a formula, for whoever shows the sentence."""
    return rf"\({text}\)" if _LATEX.search(text) else text


def _plain(formula: str) -> str:
    """Take away what only changes the looks of a formula, and what a cut leaves half of."""
    return " ".join(_LOOKS.sub(" ", formula).split())
