"""Rows out of what people wrote: right solutions of GSM8K's authors, and others of theirs with a slip. No GPU.

    python -m models.training.people --problems train.jsonl --out people.jsonl

A judge that learnt from a policy's solutions alone takes people's terse lines for wrong. No problem is in both kinds.
What stands before a slip is right and counts for half, as in `label`; the problems that are held out are those of
`sample`, and come as held rows of both kinds.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from models.training.label import slip_row
from models.training.problems import Problem, held_out, read_problems
from models.training.rows import Row, as_json
from stepcheck.errors import StepcheckError

AUTHOR: Final = "people"
STEPS: Final = range(2, 11)
"""How many lines a solution that is learnt from has."""


def main() -> None:
    """Write the rows by the command line and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rights", type=int, default=600)
    parser.add_argument("--slips", type=int, default=600)
    parser.add_argument("--held", type=int, default=300, help="problems that are kept out of training")
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    try:
        problems = read_problems(given.problems)
    except StepcheckError as error:
        sys.exit(f"error: {error}")
    made = make_rows(problems, held_out(len(problems), given.held), given.rights, given.slips, given.seed)
    with given.out.open("w", encoding="utf-8") as file:
        file.writelines(map(as_json, made))
    kinds = {(row.held, row.first_error >= 0): 0 for row in made}
    for row in made:
        kinds[row.held, row.first_error >= 0] += 1
    for (held, wrong), count in sorted(kinds.items()):
        print(f"{count} {'with a slip' if wrong else 'right'}{', held out' if held else ''}")


def make_rows(problems: Sequence[Problem], held: frozenset[int], rights: int, slips: int, seed: int) -> list[Row]:
    """Draw problems; their solutions are right rows, then slips, then what is held out: the first half right."""
    rng = random.Random(seed)
    free = [i for i, problem in enumerate(problems) if i not in held and len(problem.work) in STEPS]
    rng.shuffle(free)
    made = [_right(problems[i], held=False) for i in free[:rights]]
    made += _first(_slips([problems[i] for i in free[rights:]], rng, held=False), slips)
    kept = [problems[i] for i in sorted(held)]
    half = len(kept) // 2
    return [*made, *(_right(problem, held=True) for problem in kept[:half]), *_slips(kept[half:], rng, held=True)]


def _right(problem: Problem, *, held: bool) -> Row:
    count = len(problem.work)
    return Row(problem.text, problem.work, (1,) * count, (1.0,) * count, AUTHOR, held)


def _slips(problems: Sequence[Problem], rng: random.Random, *, held: bool) -> Iterator[Row]:
    for problem in problems:
        made = slip_row(problem, problem.work, AUTHOR, rng, held=held)
        if made is not None:
            yield made


def _first(rows: Iterator[Row], count: int) -> list[Row]:
    return [row for row, _ in zip(rows, range(count), strict=False)]


if __name__ == "__main__":
    main()
