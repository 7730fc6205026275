"""A Best-of-N run's rows → its figures.

A figure for N is over the problems with at least N candidates, those about rewards over those of them with rewards for
every candidate; how many these are is said with it. A candidate that could not be told right or wrong is neither: the
figures that hang on it are ranges, from where it is wrong to where it is right.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from stepcheck.bench import estimators, statistics
from stepcheck.bench.cases import NO_RULE, Row
from stepcheck.bench.estimators import Candidates
from stepcheck.bench.problems import Grading, Problem, facts_of, gather, grading_of, nearly_all, ratings, scores
from stepcheck.bench.runs.store import Run
from stepcheck.bench.statistics import Interval
from stepcheck.errors import UsageError
from stepcheck.prm.verdict import AGGREGATES

NOT_KEPT = "not recorded"
"""The rule of an answer in runs that were kept before rules were."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Per cent of problems solved by one way to choose among `k` candidates, over `problems` of them.

    `value` takes what could not be told for wrong, `high` for right.
    """

    name: str
    k: int
    value: float
    high: float
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
    """One file's figures, by name and k: mean, maj, pass, prm-product …, vote-product …, rm.

    `n` is the largest N for which nearly all problems have candidates enough; `most` what any of them has. `answers`
    counts candidates by the rule by which their answer was found.
    """

    name: str
    problems: int
    n: int
    most: int
    candidates: int
    answers: dict[str, int]
    fewer: int
    unreadable: int
    too_long: int
    unscored: int
    untold: int
    ungraded: int
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


def read_result(
    run: Run, *, n: int | None = None, grading: Grading | None = None, aggregates: Sequence[str] = ()
) -> BestOfNResult:
    """Compute a run's figures.

    `grading` is the file's own where it has any, else ours. `n` takes the first n candidates of each problem; without
    it, all that it has.

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
    compared = [row for row in everything if facts_of(row).file_right is not None]
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


def count_answers(tasks: Iterable[TaskResult]) -> dict[str, int]:
    """Count the candidates of all tasks by the rule by which their answer was found, the most frequent first."""
    found: Counter[str] = Counter()
    for task in tasks:
        found.update(task.answers)
    return dict(sorted(found.items(), key=lambda item: (item[0] == NO_RULE, -item[1])))


def _task(name: str, rows: Sequence[Row], n: int | None, grading: Grading, aggregates: Sequence[str]) -> TaskResult:
    places = {row.position for row in rows}
    everything = gather(rows, grading, n)
    found = [problem for problem in everything if problem.graded]
    size, most = nearly_all(found or everything), max(map(len, found or everything), default=1)
    errors = [row for row in rows if row.error is not None]
    unreadable = len({row.position for row in rows if row.facts is None})
    too_long = sum(row.error is not None and row.error.kind == "too_long" for row in errors)
    answered = [row for row in rows if row.facts is not None and (n is None or row.candidate < n)]
    return TaskResult(
        name,
        len(places),
        size,
        most,
        len(answered),
        dict(Counter(map(_rule, answered))),
        sum(len(problem) < size for problem in found),
        unreadable,
        too_long,
        len(errors) - too_long - unreadable,
        sum(not problem.told for problem in found),
        len(everything) - len(found),
        tuple(_figures(found, sorted({*estimators.sizes(size), *estimators.sizes(most)}), aggregates)),
    )


def _rule(row: Row) -> str:
    facts = facts_of(row)
    return facts.rule or (NOT_KEPT if facts.answer is not None else NO_RULE)


def _figures(found: Sequence[Problem], sizes: Sequence[int], aggregates: Sequence[str]) -> Iterator[Figure]:
    for k in sizes:
        enough = [problem for problem in found if len(problem) >= k]
        for figure in _figures_at(enough, k, aggregates):
            if figure is not None:
                yield figure


def _figures_at(found: Sequence[Problem], k: int, aggregates: Sequence[str]) -> Iterator[Figure | None]:
    exact = all(estimators.is_exact(len(problem), k) for problem in found)
    if k == 1:
        yield _figure("mean", 1, found, lambda told, _: sum(told.right) / len(told))
    yield _figure("maj", k, found, lambda told, _: estimators.vote_at(told, k), exact=exact)
    yield _figure("pass", k, found, lambda told, _: estimators.pass_at(told.right, k))
    for name in aggregates:
        scored, known = _choosing(found, partial(scores, name=name))
        yield _figure(f"prm-{name}", k, scored, lambda told, s: estimators.best_at(s, told.right, k), known)
        yield _figure(f"vote-{name}", k, scored, lambda told, s: estimators.vote_at(told, k, s), known, exact=exact)
    rated, given = _choosing(found, ratings)
    yield _figure("rm", k, rated, lambda told, s: estimators.best_at(s, told.right, k), given)


def _choosing(
    found: Sequence[Problem], by: Callable[[Problem], tuple[float, ...] | None]
) -> tuple[list[Problem], list[tuple[float, ...]]]:
    """Return the problems in which every candidate has a score, and their scores."""
    pairs = [(problem, known) for problem in found if (known := by(problem)) is not None]
    return [problem for problem, _ in pairs], [known for _, known in pairs]


def _figure(
    name: str,
    k: int,
    problems: Sequence[Problem],
    solved: Callable[[Candidates, tuple[float, ...]], float],
    known: Sequence[tuple[float, ...]] = (),
    *,
    exact: bool = True,
) -> Figure | None:
    """Compute one figure over some problems; `known` are the scores that choose in them."""
    if not problems:
        return None
    low: list[float] = []
    high: list[float] = []
    for problem, by in zip(problems, known or [()] * len(problems), strict=True):
        low.append(100 * solved(problem.low, by))
        high.append(low[-1] if problem.told else 100 * solved(problem.high, by))
    value, most = sum(low) / len(low), sum(high) / len(high)
    return Figure(name, k, value, most, _interval(low, high), len(problems), exact)


def _interval(low: Sequence[float], high: Sequence[float]) -> Interval | None:
    """From the lower end where all that could not be told is wrong to the upper end where it is right."""
    below = statistics.mean_interval(low)
    above = below if list(low) == list(high) else statistics.mean_interval(high)
    return None if below is None or above is None else (below[0], above[1])


def _disagreements(rows: Iterable[Row]) -> Iterable[Disagreement]:
    for row in rows:
        facts = facts_of(row)
        if facts.file_right is not None and facts.file_right is not facts.right:
            about = (row.subset, row.id, row.candidate, facts.reference, facts.answer)
            yield Disagreement(*about, facts.file_right, facts.right, facts.how)
