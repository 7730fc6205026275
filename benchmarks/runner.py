"""What does the runner itself cost, and how much of a real run is spent in the engine?

    python benchmarks/runner.py [--cases 2000] [--rounds 5] [--sample 60] [--data FOLDER]

First table: milliseconds per case with an engine that answers at once, from the reading of the file to the row on
the disk; best of several rounds, each a new run. Aim: 0.3 ms.
Beside it the same rows as bare JSON lines, written and synced
one by one, in the same rounds: what a simple script would do.

Second table: a run over ProcessBench (where it was not pulled, over texts like it) with the built-in model, and the
share of its time in which the runner waits for the engine. Aim: 97 %.
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from benchmarks.given import texts
from stepcheck.bench.cases import Row
from stepcheck.bench.data import Selection, Subset, scan
from stepcheck.bench.processbench import read_cases
from stepcheck.bench.runner import run
from stepcheck.bench.runs.manifest import Manifest, to_parts
from stepcheck.bench.runs.writing import RunWriter
from stepcheck.checker import Checker
from stepcheck.document import Document, Unread
from stepcheck.judge import Cost, Gives, Identity, Judged, Unscored, by_rewards

WARM_UP = 64
MADE = 200
"""Cases a subset, where they are made here."""


class Instant:
    """Answers at once: every step 0.9."""

    identity = Identity(name="instant", sha256="0" * 64, threshold=0.5)
    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def close(self) -> None:
        """Hold nothing."""

    def judge(self, documents: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge without an engine."""
        for document in documents:
            assert isinstance(document, Document)  # noqa: S101 (our own rows)
            rewards = (0.9,) * len(document.steps)
            yield by_rewards(document, rewards, self.identity, Cost(100))


class Waiting:
    """A checker, and how long its caller waited for it; the time it takes to read cases meanwhile is not waiting."""

    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def __init__(self, checker: Checker) -> None:
        self._checker, self.identity = checker, checker.identity
        self.seconds = 0.0

    def close(self) -> None:
        """Leave the checker open."""

    def judge(self, documents: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge, and count."""
        results = self._checker.check_many(self._drawn(documents))
        while True:
            start = time.perf_counter()
            result = next(results, None)
            self.seconds += time.perf_counter() - start
            if result is None:
                return
            yield result

    def _drawn(self, documents: Iterable[Document | Unread]) -> Iterator[Document | Unread]:
        start = time.perf_counter()
        for document in documents:
            self.seconds -= time.perf_counter() - start
            yield document
            start = time.perf_counter()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=60, help="cases per ProcessBench subset; 0 for all")
    texts.add_option(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        overhead(Path(folder), arguments.cases, arguments.rounds)
        share(Path(folder), texts.find(arguments.data), arguments.sample)


def overhead(folder: Path, count: int, rounds: int) -> None:
    """Time whole runs with an engine that answers at once, and bare lines, taking turns."""
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(case(i)) + "\n" for i in range(count)), encoding="utf-8")
    ours, lines = [], []
    for number in range(rounds):
        start = time.perf_counter()
        kept = keep_all(folder / f"run{number}", path)
        ours.append(time.perf_counter() - start)
        lines.append(write_lines(folder / "lines.jsonl", kept))
    print(f"| {count} cases, best of {rounds} | ms per case | aim |\n|---|---:|---:|")
    print(f"| runner, SQLite, synced | {1000 * min(ours) / count:.3f} | 0.3 |")
    print(f"| rows only: JSON lines, each synced | {1000 * min(lines) / count:.3f} | |", flush=True)


def case(number: int) -> dict[str, object]:
    """Make a case like those of ProcessBench: 6 steps of some 200 characters."""
    rng = random.Random(number)
    steps = [f"Step {i}: so we have {rng.randint(1, 999)} + {i} apples. " * 5 for i in range(6)]
    return {
        "id": f"c{number}",
        "problem": "How many apples are there? " * 8,
        "steps": steps,
        "label": rng.randint(-1, 5),
    }


def keep_all(folder: Path, path: Path) -> list[Row]:
    """Read, judge and keep every case."""
    subset = scan("cases", path, Selection(), merge=False)
    kept: list[Row] = []
    with RunWriter(folder, manifest(folder.name, [subset]), kept.extend) as writer:
        run(read_cases(subset), Instant(), writer.put, set())
    return kept


def write_lines(path: Path, kept: list[Row]) -> float:
    """Time writing the rows as lines, each on the disk before the next."""
    start = time.perf_counter()
    with path.open("w", encoding="utf-8") as file:
        for row in kept:
            file.write(json.dumps([row.id, row.problem, row.steps, row.rewards, row.first_error]) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - start


def share(folder: Path, given: texts.Texts, sample: int) -> None:
    """Run ProcessBench with the built-in model and split the time."""
    selection = Selection(sample=sample or None)
    if given.folder is None:
        files = [folder / f"made-{number}.jsonl" for number in range(2)]
        made = [case_of(document) for document in given.cases(MADE)]
        for number, file in enumerate(files):
            file.write_text("".join(json.dumps(row) + "\n" for row in made[number::2]), encoding="utf-8")
    else:
        files = [given.folder / f"{name}.json" for name in texts.SUBSETS]
    subsets = [scan(file.stem, file, selection, merge=False) for file in files]
    with Checker() as checker:
        warm_up(checker, subsets[0])
        waiting = Waiting(checker)
        start = time.perf_counter()
        with RunWriter(folder / "nano", manifest("nano", subsets)) as writer:
            run((made for subset in subsets for made in read_cases(subset)), waiting, writer.put, set())
        total = time.perf_counter() - start
    cases = sum(subset.cases for subset in subsets)
    print(f"\n| {given.origin}, nano | s | cases/s | waiting for the engine | aim |\n|---|---:|---:|---:|---:|")
    print(f"| {cases} cases | {total:.1f} | {cases / total:.1f} | {100 * waiting.seconds / total:.2f} % | 97 % |")


def case_of(document: Document) -> dict[str, object]:
    """A case without an error."""
    steps = [step.text for step in document.steps]
    return {"id": document.problem.split(".")[0], "problem": document.problem, "steps": steps, "label": -1}


def warm_up(checker: Checker, subset: Subset) -> None:
    """Load the model before the clock runs."""
    for found, _ in zip(checker.check_many(made.item for made in read_cases(subset)), range(WARM_UP), strict=False):
        del found


def manifest(name: str, subsets: list[Subset]) -> Manifest:
    """Describe a run of the benchmark."""
    return Manifest(bench="processbench", name=name, card={"name": "instant"}, threshold=0.5, data=to_parts(subsets))


if __name__ == "__main__":
    main()
