"""Held-out solutions of three authors: the policy of stepcheck-0.5B, people, and Qwen2.5-Math.

Owns where they are found beside each other, and what of them is read. None was trained on.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.training.lines import read_lines
from models.training.problems import CODE, read_problems
from stepcheck.bench.metrics import RIGHT
from stepcheck.document import Document, Step

PEOPLE, MATH = 100, 100


@dataclass(frozen=True, slots=True)
class Sample:
    """A solution that the policy wrote; `label` is None where nobody looked for its first error."""

    problem: int
    document: Document
    answer: float | None
    right: bool
    whole: bool
    label: int | None


class Data:
    """Held-out solutions by three authors."""

    def __init__(self, policy: Path) -> None:
        data = policy.parent
        self.problems = read_problems(data / "gsm8k" / "train.jsonl")
        rows = [row for path in sorted(policy.glob("*.jsonl*")) for _, row in read_lines(path)]
        self.samples = [self._sample(row) for row in rows if row.get("held")]
        self._bon = data / "bon" / "math_cot_100.jsonl"

    def _sample(self, row: dict[str, Any]) -> Sample:
        texts = row.get("steps") or [part for part in row["solution"].split("\n\n") if part.strip()]
        document = Document(self.problems[row["problem"]].text, tuple(Step(text.strip()) for text in texts))
        label = row.get("label") if row["right"] or row.get("sure", 0) >= 0.5 else None
        whole = bool(row["ended"]) and not CODE.search(row["solution"]) and bool(texts)
        return Sample(row["problem"], document, row["answer"], bool(row["right"]), whole, label)

    def labelled(self) -> list[tuple[Document, int]]:
        """As many right samples as there are wrong ones whose first error is known, at most two a problem."""
        wrong = [each for each in self.samples if each.label is not None and each.label != RIGHT]
        seen: Counter[int] = Counter()
        right: list[Sample] = []
        for each in random.Random(0).sample(self.samples, len(self.samples)):
            if each.right and each.whole and len(each.document.steps) > 1 and seen[each.problem] < 2:
                seen[each.problem] += 1
                right.append(each)
        return [(e.document, e.label) for e in wrong if e.label is not None] + [
            (each.document, RIGHT) for each in right[: len(wrong)]
        ]

    def people(self) -> list[tuple[Document, int]]:
        """The solutions of GSM8K's authors, a line a step, without their calculator's notes."""
        numbers = list(dict.fromkeys(each.problem for each in self.samples))[:PEOPLE]
        given = [self.problems[number] for number in numbers]
        return [(Document(each.text, tuple(map(Step, each.work))), RIGHT) for each in given]

    def math(self) -> list[tuple[Document, int]]:
        """The first right solution of every problem of MATH, by Qwen2.5-Math."""
        found = []
        for _, row in read_lines(self._bon):
            right = next((text for text, good in zip(row["code"], row["score"], strict=True) if good), None)
            if right is not None:
                steps = tuple(Step(part.strip()) for part in right.split("\n\n") if part.strip())
                found.append((Document(row["question"], steps), RIGHT))
        return found[:MATH]

    def of_each_problem(self, count: int) -> list[Document]:
        """The first whole sample of each of the first so many problems: documents that share no problem."""
        firsts: dict[int, Document] = {}
        for each in self.samples:
            if each.whole:
                firsts.setdefault(each.problem, each.document)
        return list(firsts.values())[:count]

    def by_author(self) -> dict[str, list[Document]]:
        """Every author's, those of the policy by whether they are right."""
        own = self.labelled()
        return {
            "people": [document for document, _ in self.people()],
            "own policy, right": [document for document, label in own if label == RIGHT],
            "own policy, wrong": [document for document, label in own if label != RIGHT],
            "Qwen2.5-Math": [document for document, _ in self.math()],
        }


def spread(groups: Mapping[str, Sequence[Document]], count: int) -> list[tuple[str, Document]]:
    """Take so many documents, of every group as many; where one has too few, the others give more."""
    left = {name: list(documents) for name, documents in groups.items()}
    taken: list[tuple[str, Document]] = []
    while any(left.values()):
        for name, documents in left.items():
            if len(taken) == count:
                return taken
            taken += [(name, documents.pop(0))] if documents else []
    return taken
