"""Rows out of solutions with a reference answer: right ones, and right ones with a slip. No GPU.

    python -m models.training.rights --solutions train.jsonl --author people --out people.jsonl

A judge that has learnt from one author's solutions doubts what others write: rows of others tell it more. Solutions
are in any form that `score` reads; one is right whose final answer equals the reference. A wrong one says nothing of
its steps, so it is left out; slips, made on right ones, take its place. A problem is held out whole, or not at all; one
that is also in a file of `--without` (a benchmark's) is left out. Whatever is left out is counted.
"""

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from models.training.problems import held_out
from models.training.rows import Row, as_json
from models.training.slips import slip_row
from stepcheck.answers import Grader, extract
from stepcheck.document import Document, read
from stepcheck.errors import StepcheckError

STEPS: Final = range(2, 15)
"""How many steps a solution that is learnt from has."""


def main() -> None:
    """Write the rows by the command line and say how many there are, and what is left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solutions", type=Path, nargs="+", required=True)
    parser.add_argument("--author", required=True, help="who wrote them; for the threshold each author counts alike")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="files whose problems are left out")
    parser.add_argument("--rights", type=int, default=600, help="right solutions, one of a problem")
    parser.add_argument("--slips", type=int, default=600, help="slips, on right solutions of other problems")
    parser.add_argument("--held", type=int, default=300, help="problems that are kept out of training")
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    left: Counter[str] = Counter()
    try:
        groups = read_right(given.solutions, _problems(given.without), left)
    except StepcheckError as error:
        sys.exit(f"error: {error}")
    rows = make_rows(groups, held_out(len(groups), given.held), given)
    with given.out.open("w", encoding="utf-8") as file:
        file.writelines(map(as_json, rows))
    kinds = Counter(f"{'a slip' if row.first_error >= 0 else 'right'}{', held out' * row.held}" for row in rows)
    print("; ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no row")
    print("left out: " + ("; ".join(f"{count} {reason}" for reason, count in sorted(left.items())) or "nothing"))


def _problems(files: Iterable[Path]) -> frozenset[str]:
    """Return the problems of files, by their words."""
    found = (item for path in files for item in read(path))
    return frozenset(_words(item.problem) for item in found if isinstance(item, Document))


def _words(problem: str) -> str:
    return " ".join(problem.split()).casefold()


def read_right(files: Iterable[Path], without: frozenset[str], left: Counter[str]) -> list[list[Document]]:
    """Read the right solutions of each problem that has any, in order; what is left out is counted in `left`.

    Raises:
        InputError: a file cannot be read.
    """
    groups: dict[str, list[Document]] = defaultdict(list)
    with Grader() as grader:
        for item in (item for path in files for item in read(path)):
            reason = _unfit(item, without, grader) if isinstance(item, Document) else "could not be read"
            if reason is None and isinstance(item, Document):
                groups[_words(item.problem)].append(item)
            else:
                left[str(reason)] += 1
    return list(groups.values())


def _unfit(document: Document, without: frozenset[str], grader: Grader) -> str | None:
    """Say why nothing is learnt from a solution."""
    if document.answer is None:
        return "without a reference answer"
    if _words(document.problem) in without:
        return "of a problem that is to be left out"
    if len(document.steps) not in STEPS:
        return f"of fewer than {STEPS.start} or more than {STEPS.stop - 1} steps"
    final = extract(document.text or "\n\n".join(step.text for step in document.steps))
    if final is None or not grader.compare(final.text, document.answer).equal:
        return "with another answer than the reference, or none that could be compared"
    return None


def make_rows(groups: Sequence[Sequence[Document]], held: frozenset[int], given: argparse.Namespace) -> list[Row]:
    """Draw problems: rights of some, slips of others, and of what is held out both, each of its half."""
    rng = random.Random(given.seed)
    free = [i for i in range(len(groups)) if i not in held]
    rng.shuffle(free)
    rights = [_right(rng.choice(groups[i]), given.author, held=False) for i in free[: given.rights]]
    slips = _slips((groups[i] for i in free[given.rights :]), given.author, rng, held=False)
    rows = rights + [row for row, _ in zip(slips, range(given.slips), strict=False)]
    kept = [groups[i] for i in sorted(held)]
    half = len(kept) // 2
    rows += [_right(group[0], given.author, held=True) for group in kept[:half]]
    return rows + list(_slips(kept[half:], given.author, rng, held=True))


def _right(document: Document, author: str, *, held: bool) -> Row:
    count = len(document.steps)
    return Row(document.problem, _steps(document), (1,) * count, (1.0,) * count, author, held)


def _slips(groups: Iterable[Sequence[Document]], author: str, rng: random.Random, *, held: bool) -> Iterator[Row]:
    for group in groups:
        document = rng.choice(group)
        row = slip_row(document.problem, _steps(document), author, rng, held=held)
        if row is not None:
            yield row


def _steps(document: Document) -> tuple[str, ...]:
    return tuple(step.text for step in document.steps)


if __name__ == "__main__":
    main()
