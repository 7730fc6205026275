"""The problems to learn from: which one comes next, with which numbers and in which words. No slips and no styles here.

A few thousand problems are soon known by heart. One that is remembered needs no calculation, so numbers are drawn anew
wherever that leaves the text true, and names and things change with them.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from models.nano.phrases import MEANT
from models.nano.problems import COUNTED, carry, draw
from models.nano.templates import compose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from models.nano.equations import Valuation
    from models.nano.problems import Problem, Text

INVENTED = 0.2
"""Share of the problems that are our own."""

FIXED = 0.15
"""Share, of the others, whose numbers must stay: two in five of GSM8K's are such, and would be learned by heart."""

RARE = 60
"""A word of no more problems than this is a name or a thing: it can be another one."""

_WORD = re.compile(r"(?<![\\\w])[A-Za-z][a-z]+(?![\w/])")
_ENDINGS = ("ing", "ed", "ly", "er", "est", "s")


class Material:
    """The problems that can be drawn anew and those that cannot, and the words that can stand for others."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Try each problem once: whether its numbers can change is seen by changing them."""
        rng = random.Random("nano: which can change")
        self.problems = problems
        changing = [draw(problem, rng) is not None for problem in problems]
        self.free = [problem for problem, changes in zip(problems, changing, strict=True) if changes]
        self.fixed = [problem for problem, changes in zip(problems, changing, strict=True) if not changes]
        seen = [word for problem in problems for word in set(_words(problem))]
        counts = Counter(word.lower() for word in seen)
        capitals = Counter(word.lower() for word in seen if word[0].isupper())
        meant = COUNTED.union(MEANT.split())
        self.kinds: dict[str, str] = {}
        self.words: dict[str, list[str]] = defaultdict(list)
        for word, count in sorted(counts.items()):
            if count <= RARE and word not in meant:
                self.kinds[word] = "name" if capitals[word] > count / 2 else _ending(word)
                self.words[self.kinds[word]].append(word)

    def pick(self, rng: Random) -> tuple[Problem, Valuation]:
        """A problem, invented or not, and worths for its numbers."""
        while True:
            if not self.problems or rng.random() < INVENTED:
                problem = compose(rng)
            else:
                fixed = not self.free or (self.fixed and rng.random() < FIXED)
                problem = rng.choice(self.fixed if fixed else self.free)
            worth = draw(problem, rng) or carry(problem, {})
            if worth is not None:
                return self.reworded(problem, rng), worth

    def reworded(self, problem: Problem, rng: Random) -> Problem:
        """The problem with none, half or all of its rare words put as others of their kind, alike throughout."""
        share = rng.choice((0.0, 0.5, 1.0))
        put: dict[str, str] = {}

        def other(match: re.Match[str]) -> str:
            word = match[0].lower()
            if word not in put:
                kind = self.kinds.get(word)
                put[word] = rng.choice(self.words[kind]) if kind and rng.random() < share else word
            return put[word].capitalize() if match[0][0].isupper() else put[word]

        def text(pieces: Text) -> Text:
            return tuple(_WORD.sub(other, piece) if isinstance(piece, str) else piece for piece in pieces)

        return replace(problem, question=text(problem.question), steps=tuple(text(step) for step in problem.steps))


def _words(problem: Problem) -> list[str]:
    texts = [piece for part in (problem.question, *problem.steps) for piece in part if isinstance(piece, str)]
    return [found for text in texts for found in _WORD.findall(text)]


def _ending(word: str) -> str:
    return next((ending for ending in _ENDINGS if word.endswith(ending)), "")
