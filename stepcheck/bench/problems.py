"""A Best-of-N run's rows → its problems, each with all its candidates.

A candidate that could not be told right or wrong makes a range of what its problem counts: `low` takes it for wrong,
`high` for right. Refuses to choose for a problem of which a candidate has no rewards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from stepcheck.bench.cases import Graded, Row
from stepcheck.bench.estimators import Candidates
from stepcheck.prm.verdict import aggregate

Grading = Literal["file", "own"]
NEARLY_ALL = (9, 10)
"""The share of problems that has enough candidates for the largest N that speaks of all of them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The candidates of one problem, in order; `right` is None where it could not be told.

    Not `graded` is one that has neither a reference nor grades of the file's.
    """

    id: str
    right: tuple[bool | None, ...]
    groups: tuple[int | None, ...]
    rewards: tuple[tuple[float, ...] | None, ...]
    ratings: tuple[float | None, ...]
    """Scores that the file gives."""
    graded: bool = True

    def __len__(self) -> int:
        return len(self.right)

    @property
    def told(self) -> bool:
        """Whether every candidate is right or wrong."""
        return None not in self.right

    @property
    def low(self) -> Candidates:
        """Its candidates, with those that could not be told as wrong ones."""
        return Candidates(tuple(right is True for right in self.right), self.groups)

    @property
    def high(self) -> Candidates:
        """Its candidates, with those that could not be told as right ones."""
        return Candidates(tuple(right is not False for right in self.right), self.groups)


def facts_of(row: Row) -> Graded:
    """Return what is known of a candidate; of one that could not be read, that nothing is."""
    return row.facts if isinstance(row.facts, Graded) else Graded(None, None, None, None, "not read")


def grading_of(rows: Iterable[Row]) -> Grading:
    """Return whose grades count where nobody said: the file's, if it has any."""
    return "file" if any(facts_of(row).file_right is not None for row in rows) else "own"


def gather(rows: Iterable[Row], grading: Grading, n: int | None = None) -> list[Problem]:
    """Gather rows into problems of their first `n` candidates; problems with an unreadable row are left out."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.position, []).append(row)
    return [_problem(found[:n], grading) for found in groups.values() if all(row.facts for row in found)]


def nearly_all(problems: Sequence[Problem]) -> int:
    """Return the largest N for which nearly all problems have candidates enough; 1 where there is none."""
    counts = sorted(map(len, problems), reverse=True)
    part, whole = NEARLY_ALL
    return counts[-(-part * len(counts) // whole) - 1] if counts else 1


def scores(problem: Problem, name: str) -> tuple[float, ...] | None:
    """Return an aggregate of every candidate; None if one has no rewards."""
    known = [rewards for rewards in problem.rewards if rewards is not None]
    if len(known) < len(problem):
        return None
    return tuple(float(getattr(aggregate(rewards), name)) for rewards in known)


def ratings(problem: Problem) -> tuple[float, ...] | None:
    """Return the file's scores; None if a candidate has none."""
    known = tuple(rating for rating in problem.ratings if rating is not None)
    return known if len(known) == len(problem) else None


def best_candidate(problem: Problem, name: str) -> int | None:
    """Return the candidate with the highest aggregate, the first of equals; None if one has no rewards."""
    found = scores(problem, name)
    return None if found is None else max(range(len(found)), key=lambda i: (found[i], -i))


def _problem(rows: Sequence[Row], grading: Grading) -> Problem:
    facts = [facts_of(row) for row in rows]
    by_file = grading == "file"
    right = tuple(fact.file_right if by_file else fact.right for fact in facts)
    named = by_file and any(fact.file_answer is not None for fact in facts)
    groups = tuple(fact.file_group if named else fact.group for fact in facts)
    rewards, rated = tuple(row.rewards for row in rows), tuple(fact.file_score for fact in facts)
    graded = any(told is not None for told in right) or not (by_file or facts[0].reference is None)
    return Problem(rows[0].id, right, groups, rewards, rated, graded)
