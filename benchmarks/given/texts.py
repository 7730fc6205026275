"""The texts that benchmarks read: ProcessBench where it was pulled, else texts made here.

Owns where they come from, and says so: a rate belongs to its texts. Every text that is made is made of a seed, so that
two runs read the same. Lengths and shared beginnings follow ProcessBench's and those of sampled candidates: some six
steps of forty words, and eight solutions of a problem that have a third of their tokens in common.
"""

import argparse
import json
import random
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from stepcheck.document import Document, Step, read
from stepcheck.hub.pull.datasets import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

SUBSETS = ("gsm8k", "math")
CANDIDATES = 8
STEPS = 6
_PEOPLE = ("Ada", "Ben", "Carla", "Deniz", "Emil", "Farida", "Goran", "Hanna")
_THINGS = ("apples", "books", "candles", "doors", "eggs", "flags", "gloves", "hats")


@dataclass(frozen=True, slots=True)
class Texts:
    """Where texts come from: a folder with ProcessBench's files, or None for texts made here."""

    folder: Path | None

    @property
    def origin(self) -> str:
        """In words, for the head of a table."""
        return "texts made here" if self.folder is None else f"ProcessBench ({self.folder})"

    def cases(self, count: int) -> list[Document]:
        """So many cases of each subset, each subset in one piece."""
        if self.folder is None:
            return [_solution(number, random.Random(number)) for number in range(len(SUBSETS) * count)]
        rows = [row for name in SUBSETS for row in json.loads(_read(self.folder / f"{name}.json"))[:count]]
        return [Document(row["problem"], tuple(map(Step, row["steps"]))) for row in rows]


def candidates(problems: int, path: Path | None = None) -> list[Document]:
    """Eight solutions of each of so many problems: those of a file of candidates, else made here to part in turn."""
    if path is not None:
        found = islice(read(path), CANDIDATES * problems)
        return [document for document in found if isinstance(document, Document)]
    made = []
    for number in range(problems):
        first = _solution(number, random.Random(number))
        for candidate in range(CANDIDATES):
            own = _solution(number, random.Random(f"{number} {candidate}"))
            shared = candidate % STEPS
            made.append(Document(first.problem, first.steps[:shared] + own.steps[shared:]))
    return made


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark be told where ProcessBench is."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="ProcessBench's gsm8k.json and math.json (default: where `stepcheck data pull processbench` put them)",
    )


def add_candidates(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark be told whose candidates it reads."""
    parser.add_argument(
        "--candidates",
        type=Path,
        metavar="FILE",
        help="candidates of Best-of-8, in a row or a line each (default: made)",
    )


def find(given: Path | None) -> Texts:
    """The folder that was given, else the pulled one, else none."""
    folder = given or data_dir() / "processbench"
    there = all((folder / f"{name}.json").is_file() for name in SUBSETS)
    if given is not None and not there:
        raise SystemExit(f"{given}: holds no {' and '.join(f'{name}.json' for name in SUBSETS)}")
    return Texts(folder if there else None)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _solution(number: int, rng: random.Random) -> Document:
    """A problem and a solution with plain sums; `number` fixes the problem."""
    fixed = random.Random(number)
    who, what = fixed.choice(_PEOPLE), fixed.choice(_THINGS)
    start, more = fixed.randint(12, 99), fixed.randint(3, 40)
    problem = (
        f"Problem {number}. {who} has {start} {what} and gets {more} more every day for a week; every second day a"
        f" fifth of them is given away, the rest is packed into boxes of {fixed.randint(3, 9)}. How many boxes is that?"
    )
    ways: tuple[Callable[[int, int], str], ...] = (
        lambda a, b: f"First we look at what {who} has: {a} {what} and {b} that come, so {a} + {b} = {a + b} in all.",
        lambda a, b: f"Of these {a} {what}, {b} are given to others, and $ {a} - {b} = {a - b} $ stay where they are.",
        lambda a, b: f"If each of the {a} {what} is counted {b} times, we get \\( {a} \\times {b} = {a * b} \\).",
        lambda a, b: f"We can check this in another way: half of {2 * a} is {a}, and with {b} more that makes {a + b}.",
    )
    steps = []
    for _ in range(STEPS):
        sentences = [rng.choice(ways)(rng.randint(10, 400), rng.randint(2, 9)) for _ in range(2)]
        steps.append(Step(" ".join(sentences)))
    return Document(problem, tuple(steps))
