"""Counts of right completions → first wrong steps, and slips made on right solutions: rows to learn from. No GPU.

    python -m models.training.label --problems train.jsonl --samples samples.jsonl --counted counted.jsonl \
        --out rows.jsonl

The first error of a wrong solution is a change point: up to it completions succeed as those of a living solution do,
from it on as those of a dead one. A step with a number that no right solution, the problem or its author's work holds
is likelier to be it. Rows whose label is less sure than --sure are left out, and counted.
"""

import argparse
import math
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from models.training.lines import read_lines
from models.training.problems import Problem, numbers, read_problems
from models.training.rows import Row, as_json, weigh
from models.training.slips import slip_row
from stepcheck.errors import StepcheckError

ALIVE: Final = (1.2, 1.2)
DEAD: Final = (0.25, 6.0)
"""Beta distributions of the share of right completions before the error and from it on."""
NEW: Final = 4.0
BEFORE_NEW: Final = 0.3
"""Prior weights of the first step with a new number, and of those before it."""


def main() -> None:
    """Label by the command line and say how many rows there are of each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--counted", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--author", default="own policy")
    parser.add_argument("--sure", type=float, default=0.5)
    parser.add_argument("--rights", type=int, default=2, help="right solutions of a problem that are learnt from")
    parser.add_argument("--slips", type=float, default=0.5, help="made slips for every wrong solution")
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    try:
        problems = read_problems(given.problems)
        samples, counted = ([data for _, data in read_lines(path)] for path in (given.samples, given.counted))
    except StepcheckError as error:
        sys.exit(f"error: {error}")
    wrong, unsure = label_wrong(problems, samples, counted, given.sure, given.author)
    right, slips = take_right(problems, samples, given.rights, given.author, random.Random(given.seed))
    right, slips = right[: round(1.3 * len(wrong))], slips[: round(given.slips * len(wrong))]
    with given.out.open("w", encoding="utf-8") as file:
        file.writelines(as_json(row) for row in (*right, *wrong, *slips))
    kinds = f"{len(right)} right, {len(wrong)} wrong, {len(slips)} slips"
    print(f"{kinds}; {unsure} wrong ones are less sure than {given.sure} and left out")


def label_wrong(
    problems: Sequence[Problem],
    samples: Sequence[dict[str, Any]],
    counted: Sequence[dict[str, Any]],
    sure: float,
    author: str,
) -> tuple[list[Row], int]:
    """Label wrong solutions; return rows, and how many were not sure enough."""
    known: dict[int, set[float]] = defaultdict(set)
    for sample in samples:
        if sample["right"]:
            known[sample["problem"]] |= numbers(sample["solution"])
    rows, unsure = [], 0
    for sample in counted:
        problem, steps = problems[sample["problem"]], sample["steps"]
        old = known[sample["problem"]] | numbers(problem.text) | problem.noted | numbers("\n".join(problem.work))
        new = [bool(numbers(step) - old) for step in steps]
        first, certainty = first_error(sample["counts"], sample["completions"], new)
        if certainty < sure:
            unsure += 1
            continue
        labels = (1,) * first + (0,) * (len(steps) - first)
        rows.append(Row(problem.text, tuple(steps), labels, weigh(labels), author, sample["held"]))
    return rows, unsure


def first_error(counts: Sequence[int], completions: int, new: Sequence[bool]) -> tuple[int, float]:
    """Find the first wrong step and how sure it is, from how many completions after each step but the last are right.

    `new` tells of every step whether it holds a new number. The answer is wrong, so some step is.
    """
    steps = len(new)
    first_new = next((i for i, each in enumerate(new) if each), steps)
    logs = []
    for error in range(steps):
        prior = NEW if error == first_new else BEFORE_NEW if error < first_new else 1.0
        each = (_beta_binomial(c, completions, *(ALIVE if i < error else DEAD)) for i, c in enumerate(counts))
        logs.append(math.log(prior) + math.fsum(each))
    top = max(logs)
    chances = [math.exp(log - top) for log in logs]
    best = max(range(steps), key=chances.__getitem__)
    return best, chances[best] / math.fsum(chances)


def _beta_binomial(hits: int, of: int, a: float, b: float) -> float:
    """Logarithm of the chance of so many hits, where the share is drawn from a beta distribution."""
    g = math.lgamma
    chosen = g(of + 1) - g(hits + 1) - g(of - hits + 1)
    return chosen + g(hits + a) + g(of - hits + b) - g(of + a + b) + g(a + b) - g(a) - g(b)


def take_right(
    problems: Sequence[Problem], samples: Sequence[dict[str, Any]], most: int, author: str, rng: random.Random
) -> tuple[list[Row], list[Row]]:
    """Take right solutions, no text twice, and make a slip on some of those that are not held out."""
    by: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for sample in samples:
        if sample["right"] and 2 <= len(sample["steps"]) <= 14:
            by[sample["problem"]][sample["solution"]] = sample
    rights, slips = [], []
    for number, texts in by.items():
        problem, chosen = problems[number], rng.sample(list(texts.values()), len(texts))
        for sample in chosen[:most]:
            steps = tuple(sample["steps"])
            rights.append(Row(problem.text, steps, (1,) * len(steps), (1.0,) * len(steps), author, sample["held"]))
        slips += list(_slips(problem, [each for each in chosen[:3] if not each["held"]], author, rng))
    rng.shuffle(rights)
    rng.shuffle(slips)
    return rights, slips


def _slips(problem: Problem, chosen: Sequence[dict[str, Any]], author: str, rng: random.Random) -> Iterator[Row]:
    for sample in chosen:
        row = slip_row(problem.text, sample["steps"], author, rng, held=False)
        if row is not None:
            yield row


if __name__ == "__main__":
    main()
