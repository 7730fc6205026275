"""A Best-of-N run's rows → its figures.

Every figure is over the problems for which it can be told: those about answers need a grade for every candidate, those
about rewards also rewards for all of them. How many problems a figure is over is said with it; candidates that were not
scored, and answers that could not be told, are counted and are neither right nor wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from stepcheck.bench import selection, statistics
from stepcheck.bench.cases import Graded, Row
from stepcheck.bench.runs.store import Run
from stepcheck.bench.selection import Candidates
from stepcheck.bench.statistics import Interval
from stepcheck.errors import UsageError
from stepcheck.prm.verdict import aggregate

AGGREGATES = ("product", "min", "last", "mean")
Grading = Literal["file", "own"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Per cent of problems solved by one way to choose among `k` candidates, over `problems` of them."""

    name: str
    k: int
    value: float
    interval: Interval | None
    problems: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A candidate that the file and our own grading call differently; `own` is None where it could not be told."""

    task: str
    id: str
    candidate: int
    reference: str | None
    answer: str | None
    file: bool
    own: bool | None
    how: str


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One file's figures, by name and k: mean, maj, pass, prm-product …, vote-product …, rm."""

    name: str
    problems: int
    n: int
    fewer: int
    unreadable: int
    too_long: int
    unscored: int
    untold: int
    figures: tuple[Figure, ...]

    def figure(self, name: str, k: int) -> Figure | None:
        """Return a figure; None where it does not exist."""
        return next((figure for figure in self.figures if (figure.name, figure.k) == (name, k)), None)


@dataclass(frozen=True, slots=True)
class BestOfNResult:
    """A run's figures. `compared` candidates have a grade of the file's and are graded by us too."""

    run: str
    model: str
    notice: str
    partial: str
    grading: Grading
    aggregates: tuple[str, ...]
    tasks: tuple[TaskResult, ...]
    compared: int
    disagreements: tuple[Disagreement, ...]
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Problem:
    """The candidates of one problem, in order; `candidates` is None where a grade is missing."""

    id: str
    candidates: Candidates | None
    rewards: tuple[tuple[float, ...] | None, ...]
    scores: tuple[float | None, ...]


def read_result(
    run: Run, *, n: int | None = None, grading: Grading | None = None, aggregates: Sequence[str] = ()
) -> BestOfNResult:
    """Compute a run's figures.

    `grading` is the file's own where it has any, else ours. `n` takes the first n candidates of each problem; without
    it, as many as the run has.

    Raises:
        UsageError: an unknown aggregate, or n is not positive.
    """
    unknown = [name for name in aggregates if name not in AGGREGATES]
    if unknown:
        raise UsageError(f"no aggregate is called {unknown[0]!r}; there are {', '.join(AGGREGATES)}")
    rows: dict[str, list[Row]] = {part.name: [] for part in run.manifest.data}
    for row in run.rows(texts=False):
        rows[row.subset].append(row)
    everything = [row for found in rows.values() for row in found]
    chosen = grading or grading_of(everything)
    shown = tuple(aggregates) or AGGREGATES[:1]
    tasks = tuple(_task(name, found, n, chosen, shown) for name, found in rows.items())
    compared = [row for row in everything if _facts(row).file_right is not None]
    tokens, seconds = run.cost()
    return BestOfNResult(
        run.manifest.name,
        run.manifest.model,
        run.manifest.notice,
        run.partial,
        chosen,
        shown,
        tasks,
        len(compared),
        tuple(_disagreements(compared)),
        tokens,
        seconds,
    )


def grading_of(rows: Iterable[Row]) -> Grading:
    """Return whose grades count where nobody said: the file's, if it has any."""
    return "file" if any(_facts(row).file_right is not None for row in rows) else "own"


def most_candidates(rows: Iterable[Row]) -> int:
    """Return the largest number of candidates that a problem has."""
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.position] = counts.get(row.position, 0) + 1
    return max(counts.values(), default=1)


def best_candidate(problem: Problem, aggregate: str) -> int | None:
    """Return the candidate with the highest aggregate, the first of equals; None if one has no rewards."""
    scores = _scores(problem, aggregate)
    return None if scores is None else max(range(len(scores)), key=lambda i: (scores[i], -i))


def problems(rows: Iterable[Row], n: int, grading: Grading) -> list[Problem]:
    """Gather rows into problems of exactly `n` candidates; those with fewer, or unreadable ones, are left out."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.position, []).append(row)
    whole = (found[:n] for found in groups.values() if len(found) >= n and all(row.facts for row in found))
    return [_problem(found, grading) for found in whole]


def _problem(rows: Sequence[Row], grading: Grading) -> Problem:
    facts = [_facts(row) for row in rows]
    by_file = grading == "file"
    right = [fact.file_right if by_file else fact.right for fact in facts]
    named = by_file and any(fact.file_answer is not None for fact in facts)
    groups = [fact.file_group if named else fact.group for fact in facts]
    told = [value for value in right if value is not None]
    candidates = Candidates(tuple(told), tuple(groups)) if len(told) == len(right) else None
    rewards, scores = tuple(row.rewards for row in rows), tuple(fact.file_score for fact in facts)
    return Problem(rows[0].id, candidates, rewards, scores)


def _task(name: str, rows: Sequence[Row], n: int | None, grading: Grading, aggregates: Sequence[str]) -> TaskResult:
    places = {row.position for row in rows}
    size = n or most_candidates(rows)
    found = problems(rows, size, grading)
    errors = [row for row in rows if row.error is not None]
    unreadable = len({row.position for row in rows if row.facts is None})
    too_long = sum(row.error is not None and row.error.kind == "too_long" for row in errors)
    figures = tuple(
        figure for k in selection.sizes(size) for figure in _figures(found, k, size, tuple(aggregates)) if figure
    )
    return TaskResult(
        name,
        len(places),
        size,
        len(places) - len(found) - unreadable,
        unreadable,
        too_long,
        len(errors) - too_long - unreadable,
        sum(problem.candidates is None for problem in found),
        figures,
    )


def _figures(found: Sequence[Problem], k: int, n: int, aggregates: tuple[str, ...]) -> Iterable[Figure | None]:
    graded = [(problem, problem.candidates) for problem in found if problem.candidates is not None]
    exact = selection.is_exact(n, k)
    if k == 1:
        yield _figure("mean", 1, [sum(told.right) / len(told) for _, told in graded])
    yield _figure("maj", k, [selection.vote_at(told, k) for _, told in graded], exact=exact)
    yield _figure("pass", k, [selection.pass_at(told.right, k) for _, told in graded])
    for name in aggregates:
        scored = [(_scores(problem, name), told) for problem, told in graded]
        known = [(scores, told) for scores, told in scored if scores is not None]
        yield _figure(f"prm-{name}", k, [selection.best_at(scores, told.right, k) for scores, told in known])
        yield _figure(f"vote-{name}", k, [selection.vote_at(told, k, s) for s, told in known], exact=exact)
    rated = [(problem.scores, told) for problem, told in graded if all(s is not None for s in problem.scores)]
    known = [(tuple(s for s in scores if s is not None), told) for scores, told in rated]
    yield _figure("rm", k, [selection.best_at(scores, told.right, k) for scores, told in known])


def _scores(problem: Problem, name: str) -> tuple[float, ...] | None:
    known = [rewards for rewards in problem.rewards if rewards is not None]
    if len(known) < len(problem.rewards):
        return None
    return tuple(float(getattr(aggregate(rewards), name)) for rewards in known)


def _figure(name: str, k: int, values: Sequence[float], *, exact: bool = True) -> Figure | None:
    if not values:
        return None
    per_cent = [100 * value for value in values]
    mean = sum(per_cent) / len(per_cent)
    return Figure(name, k, mean, statistics.mean_interval(per_cent), len(values), exact)


def _facts(row: Row) -> Graded:
    return row.facts if isinstance(row.facts, Graded) else Graded(None, None, None, None, "not read")


def _disagreements(rows: Iterable[Row]) -> Iterable[Disagreement]:
    for row in rows:
        facts = _facts(row)
        if facts.file_right is not None and facts.file_right is not facts.right:
            about = (row.subset, row.id, row.candidate, facts.reference, facts.answer)
            yield Disagreement(*about, facts.file_right, facts.right, facts.how)
