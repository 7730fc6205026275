"""Two runs on the same cases, compared case by case: what differs, how sure that is, and which cases flipped.

Only cases that both runs scored, with the same facts, are compared; how many are left out is said. Refuses to compare
runs of different benches, or with no case in common.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stepcheck.bench import metrics, statistics
from stepcheck.bench.cases import Labelled, Row
from stepcheck.bench.metrics import RIGHT, Score
from stepcheck.bench.problems import best_candidate, gather, grading_of
from stepcheck.bench.results import is_scored, to_scored
from stepcheck.bench.runs.store import Run
from stepcheck.bench.statistics import Interval, Pairs
from stepcheck.errors import UsageError


@dataclass(frozen=True, slots=True)
class Flip:
    """A case on which just one of the two runs is right; `a` and `b` say what each found."""

    subset: str
    id: str
    truth: str
    a: str
    b: str
    better: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One subset, or all of them: the figure of each run, their difference B - A, and what it rests on."""

    name: str
    figure: str
    cases: int
    a: float | None
    b: float | None
    interval: Interval | None
    only_a: int
    only_b: int
    p: float

    @property
    def difference(self) -> float | None:
        """How much more B has than A."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side. `left_out` cases were not scored in both; `notes` say what else differs."""

    a: str
    b: str
    parts: tuple[Compared, ...]
    flips: tuple[Flip, ...]
    left_out: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    """One case in both runs."""

    subset: str
    id: str
    kind: bool
    """Of ProcessBench: whether the solution is right."""
    hit_a: bool
    hit_b: bool
    flip: Flip


def compare(a: Run, b: Run, *, aggregate: str = "product") -> Comparison:
    """Compare two runs at their own thresholds; Best-of-N by the candidate that `aggregate` chooses.

    Raises:
        UsageError: the runs are of different benches, or have no scored case in common.
    """
    if a.manifest.bench != b.manifest.bench:
        raise UsageError(f"{a.manifest.name} is a {a.manifest.bench} run, {b.manifest.name} a {b.manifest.bench} run")
    labelled = a.manifest.bench == "processbench"
    pairs, left_out = _labelled_pairs(a, b) if labelled else _chosen_pairs(a, b, aggregate)
    if not pairs:
        raise UsageError(f"{a.manifest.name} and {b.manifest.name} have no scored case in common")
    subsets = {name: [pair for pair in pairs if pair.subset == name] for name in dict.fromkeys(p.subset for p in pairs)}
    measure = _f1 if labelled else _share
    parts = [measure(name, [found]) for name, found in subsets.items()]
    if len(subsets) > 1:
        parts.append(measure("all", list(subsets.values())))
    flips = tuple(pair.flip for pair in pairs if pair.hit_a != pair.hit_b)
    return Comparison(a.manifest.name, b.manifest.name, tuple(parts), flips, left_out, tuple(_notes(a, b)))


def _notes(a: Run, b: Run) -> list[str]:
    hashes = {part.name: part.sha256 for part in a.manifest.data}
    notes = [
        f"{part.name}: the files differ; cases of the same id and label were compared"
        for part in b.manifest.data
        if hashes.get(part.name, part.sha256) != part.sha256
    ]
    ways = [run.manifest.settings.get("answers", "not recorded") for run in (a, b)]
    if a.manifest.bench == "bestofn" and ways[0] != ways[1]:
        notes.append(f"answers were read in two ways: {ways[0]} and {ways[1]}")
    thresholds = a.manifest.threshold, b.manifest.threshold
    if a.manifest.bench == "processbench" and thresholds[0] != thresholds[1]:
        words = ["none" if threshold is None else f"{threshold:g}" for threshold in thresholds]
        notes.append(f"thresholds {words[0]} and {words[1]}")
    return [*notes, *(f"{run.manifest.name} is partial: {run.partial}" for run in (a, b) if run.partial)]


def _labelled_pairs(a: Run, b: Run) -> tuple[list[_Pair], int]:
    ours = {(row.subset, row.id): row for row in a.rows(texts=False)}
    pairs, left_out = [], 0
    for other in b.rows(texts=False):
        row = ours.get((other.subset, other.id))
        if row is None or not (is_scored(row) and is_scored(other)) or row.facts != other.facts:
            left_out += 1
            continue
        facts = row.facts
        label = facts.label if isinstance(facts, Labelled) else RIGHT
        found = [metrics.predicted(to_scored(r), run.manifest.threshold) for r, run in ((row, a), (other, b))]
        hit_a, hit_b = (prediction == label for prediction in found)
        truth, said_a, said_b = (_step(place) for place in (label, *found))
        flip = Flip(row.subset, row.id, truth, said_a, said_b, "A" if hit_a else "B")
        pairs.append(_Pair(row.subset, row.id, label == RIGHT, hit_a, hit_b, flip))
    return pairs, left_out


def _step(index: int) -> str:
    return "no error" if index == RIGHT else f"step {index + 1}"


def _chosen_pairs(a: Run, b: Run, aggregate: str) -> tuple[list[_Pair], int]:
    """Which candidate each run chooses for a problem, and whether it is right; how many problems cannot be compared."""
    ours, theirs = _choices(a, aggregate), _choices(b, aggregate)
    pairs = []
    for (subset, name), (candidate, right) in theirs.items():
        chosen, before = ours.get((subset, name), (None, None))
        if before is None or right is None:
            continue
        said_a, said_b = (
            f"candidate {place}: {'right' if hit else 'wrong'}" for place, hit in ((chosen, before), (candidate, right))
        )
        flip = Flip(subset, name, "", said_a, said_b, "A" if before else "B")
        pairs.append(_Pair(subset, name, kind=True, hit_a=before, hit_b=right, flip=flip))
    return pairs, len({*ours, *theirs}) - len(pairs)


def _choices(run: Run, aggregate: str) -> dict[tuple[str, str], tuple[int | None, bool | None]]:
    """The candidate of every problem, by subset and id, and whether it is right; None where neither can be told."""
    rows: dict[str, list[Row]] = {}
    for row in run.rows(texts=False):
        rows.setdefault(row.subset, []).append(row)
    chosen: dict[tuple[str, str], tuple[int | None, bool | None]] = {}
    for subset, found in rows.items():
        for problem in gather(found, grading_of(found)):
            best = best_candidate(problem, aggregate)
            chosen[subset, problem.id] = (best, None if best is None else problem.right[best])
    return chosen


def _f1(name: str, subsets: Sequence[Sequence[_Pair]]) -> Compared:
    """Mean F1 over subsets, with the interval of the paired difference."""
    split = [([p for p in found if not p.kind], [p for p in found if p.kind]) for found in subsets]
    a, b = (
        metrics.average_f1([_score(wrong, right, hit) for wrong, right in split])
        for hit in (lambda pair: pair.hit_a, lambda pair: pair.hit_b)
    )
    interval = statistics.difference_interval([(_counts(wrong), _counts(right)) for wrong, right in split])
    return _compared(name, "F1", [pair for found in subsets for pair in found], a, b, interval)


def _share(name: str, subsets: Sequence[Sequence[_Pair]]) -> Compared:
    """Mean per cent right over tasks, with the interval of the paired difference over all their problems."""
    a, b = (
        sum(100 * sum(map(hit, found)) / len(found) for found in subsets) / len(subsets)
        for hit in (lambda pair: pair.hit_a, lambda pair: pair.hit_b)
    )
    pairs = [pair for found in subsets for pair in found]
    interval = statistics.mean_interval([100.0 * (pair.hit_b - pair.hit_a) for pair in pairs])
    return _compared(name, "right", pairs, a, b, interval)


def _compared(
    name: str, figure: str, pairs: Sequence[_Pair], a: float | None, b: float | None, interval: Interval | None
) -> Compared:
    counts = _counts(pairs)
    p = statistics.mcnemar(counts.only_a, counts.only_b)
    return Compared(name, figure, len(pairs), a, b, interval, counts.only_a, counts.only_b, p)


def _score(wrong: Sequence[_Pair], right: Sequence[_Pair], hit: Callable[[_Pair], bool]) -> Score:
    return Score(sum(map(hit, wrong)), len(wrong), sum(map(hit, right)), len(right))


def _counts(pairs: Sequence[_Pair]) -> Pairs:
    cells = [(pair.hit_a, pair.hit_b) for pair in pairs]
    return Pairs(*(cells.count(cell) for cell in ((True, True), (True, False), (False, True), (False, False))))
