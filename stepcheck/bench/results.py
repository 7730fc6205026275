"""A ProcessBench run's rows → its figures. Errors are counted apart: they are neither right nor wrong.

A judge without rewards has the figures that need none; a threshold, its tuning and its curve do need them, and say so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stepcheck.bench import metrics, published, statistics
from stepcheck.bench.cases import UNDECIDED, Labelled, Row
from stepcheck.bench.evidence import Seen, Shown, heard, label_of, look, sum_up
from stepcheck.bench.metrics import Detected, Score, Scored
from stepcheck.bench.protocol import Protocol, by_protocol, critic_votes
from stepcheck.bench.runs.store import Run
from stepcheck.bench.statistics import Interval
from stepcheck.errors import NoRewardsError, TooLongError, UsageError

Heard = Literal["off", "show", "judge"]
"""Whether the evidence is looked for, and whether it judges."""
LAST_POSITION = 5
"""Errors at this step (from 0) and later are one group."""


@dataclass(frozen=True, slots=True)
class SubsetResult:
    """One subset: how many rows, how many of them were not judged, and the figures of the others.

    `expected` says in what the file differs from the published subset of that name; empty where it does not.
    """

    name: str
    cases: int
    too_long: int
    other_errors: int
    score: Score
    f1_interval: Interval | None
    detected: Detected
    scored: tuple[Scored, ...]
    expected: str = ""
    no_verdict: int = 0
    """Cases of which a critic said nothing that counts."""
    protocol: Protocol | None = None
    """A critic's figures as ProcessBench's script reckons them."""

    @property
    def errors(self) -> int:
        """Cases that were not judged, for whatever reason."""
        return self.too_long + self.no_verdict + self.other_errors


@dataclass(frozen=True, slots=True)
class ProcessBenchResult:
    """A run's figures, at one threshold or none; `partial` says why they are not those of all data, or is empty."""

    run: str
    model: str
    notice: str
    threshold: float | None
    tuned_on: str | None
    partial: str
    subsets: tuple[SubsetResult, ...]
    average_f1: float | None
    average_interval: Interval | None
    tokens: int
    seconds: float
    evidence: tuple[Shown, ...] = ()
    """What the evidence shows of each subset, where it was asked for."""
    decides: bool = False
    """The figures are those of the judge and the evidence together."""
    votes: int | None = None
    """Critiques of each case, where the judge is a critic."""
    protocol_f1: float | None = None
    """The average F1 by the published protocol, where the judge is a critic."""
    protocol_interval: Interval | None = None

    @property
    def title(self) -> str:
        """The model, and how it was drawn where several critiques voted: as published rows are called."""
        return f"{self.model} (maj@{self.votes})" if (self.votes or 1) > 1 else self.model

    @property
    def scored(self) -> tuple[Scored, ...]:
        """The cases of all subsets that were judged."""
        return tuple(case for subset in self.subsets for case in subset.scored)

    @property
    def rewarded(self) -> bool:
        """Whether there are rewards, and so figures over thresholds."""
        return any(case.rewards for case in self.scored)


def read_result(
    run: Run, *, threshold: float | None = None, tune_on: str | None = None, evidence: Heard = "off"
) -> ProcessBenchResult:
    """Compute a run's figures, at its own threshold, another, or one tuned on a subset.

    `evidence` is looked for in the texts that the run has kept; where it is to judge, the figures are those with it.

    Raises:
        UsageError: there is no such subset to tune on, or it lacks right or wrong solutions.
        NoRewardsError: the run's judge gave none, and a threshold was asked for.
    """
    manifest = run.manifest
    rows: dict[str, list[Row]] = {part.name: [] for part in manifest.data}
    for row in run.rows(texts=False):
        rows[row.subset].append(row)
    cases = {name: tuple(map(to_scored, filter(is_scored, found))) for name, found in rows.items()}
    if tune_on is None and threshold is None:
        tune_on = manifest.tuned_on
    if manifest.threshold is None and (threshold is not None or tune_on is not None):
        raise NoRewardsError(
            f"{manifest.name}: {manifest.model} named the wrong steps itself: there are no rewards to set a threshold"
            " for"
        )
    if tune_on is not None:
        threshold = tuned(cases, tune_on)
    at = manifest.threshold if threshold is None else threshold
    shown: tuple[Shown, ...] = ()
    if evidence != "off":
        seen, judged = _examined(run, cases)
        shown = tuple(sum_up(name, seen[name], cases[name], judged[name], at) for name in cases)
        cases = judged if evidence == "judge" else cases
    subsets = tuple(_subset(name, found, cases[name], at) for name, found in rows.items())
    votes = critic_votes(manifest)
    if votes is not None:
        subsets = tuple(replace(subset, protocol=by_protocol(rows[subset.name])) for subset in subsets)
    result = replace(_result(run, subsets, at, tune_on), evidence=shown, decides=evidence == "judge", votes=votes)
    scores = [subset.protocol.score for subset in subsets if subset.protocol and subset.cases]
    average, interval = metrics.average_f1(scores), statistics.average_f1_interval(scores)
    return replace(result, protocol_f1=average, protocol_interval=interval)


def _examined(
    run: Run, cases: dict[str, tuple[Scored, ...]]
) -> tuple[dict[str, list[Seen]], dict[str, tuple[Scored, ...]]]:
    """Look at every judged case's texts, in order; return what was seen and the cases as the evidence judges them."""
    seen: dict[str, list[Seen]] = {name: [] for name in cases}
    for row in filter(is_scored, run.rows()):
        seen[row.subset].append(look(row, label_of(row)))
    judged = {
        name: tuple(heard(case, one.first) for case, one in zip(found, seen[name], strict=True))
        for name, found in cases.items()
    }
    return seen, judged


def is_scored(row: Row) -> bool:
    """Tell whether a row was judged and has a label."""
    return row.error is None and isinstance(row.facts, Labelled)


def to_scored(row: Row) -> Scored:
    """Take out of a row what the metrics need."""
    facts = row.facts
    if row.error is not None or not isinstance(facts, Labelled):
        raise TypeError(f"row {row.key} was not judged or has no label")
    named = metrics.to_label(row.first_error)
    return Scored(facts.label, row.rewards or (), facts.generator, facts.answer_right, named)


def predicted(row: Row, threshold: float | None) -> int | None:
    """Return a row's first wrong step at a threshold, or the one that was named; -1 for none, None if not judged."""
    if row.error is not None:
        return None
    if threshold is None or row.rewards is None:
        return metrics.to_label(row.first_error)
    return metrics.predict(row.rewards, threshold)


def tuned(cases: dict[str, tuple[Scored, ...]], name: str) -> float:
    """Return the threshold that is best on one subset."""
    if name not in cases:
        raise UsageError(f"no subset {name!r} to tune on; there are {', '.join(cases)}")
    threshold = metrics.tune(cases[name])
    if threshold is None:
        raise UsageError(f"cannot tune on {name!r}: it needs right and wrong solutions, scored")
    return threshold


def by_generator(cases: Iterable[Scored], threshold: float | None) -> dict[str, Score]:
    """Score what each generator wrote apart, by name."""
    groups = metrics.group(cases, threshold, lambda case: case.generator or "(not given)")
    return {str(name): groups[name] for name in sorted(groups, key=str)}


def by_position(cases: Sequence[Scored], threshold: float | None) -> dict[str, Score]:
    """Score wrong solutions by the step (from 1) of their first error."""
    wrong = sorted((case for case in cases if case.label != metrics.RIGHT), key=lambda case: case.label)
    groups = metrics.group(wrong, threshold, lambda case: min(case.label, LAST_POSITION))
    return {
        f"{int(str(place)) + 1}{' and later' if place == LAST_POSITION else ''}": found
        for place, found in groups.items()
    }


def _subset(name: str, rows: Sequence[Row], cases: tuple[Scored, ...], threshold: float | None) -> SubsetResult:
    failed = [row for row in rows if not is_scored(row)]
    too_long = sum(row.error is not None and row.error.kind == TooLongError.kind for row in failed)
    no_verdict = sum(row.error is not None and row.error.kind == UNDECIDED.kind for row in failed)
    score = metrics.score(cases, threshold)
    return SubsetResult(
        name,
        len(rows),
        too_long,
        len(failed) - too_long - no_verdict,
        score,
        statistics.f1_interval(score),
        metrics.detect(cases, threshold),
        cases,
        _unexpected(name, rows),
        no_verdict,
    )


def _unexpected(name: str, rows: Sequence[Row]) -> str:
    """Compare with the published subset's counts: a file of another size is not that subset."""
    counts = published.tables().processbench.counts.get(name)
    labels = [row.facts.label for row in rows if isinstance(row.facts, Labelled)]
    if counts is None or not rows:
        return ""
    wrong = sum(label != metrics.RIGHT for label in labels)
    if (wrong, len(rows) - wrong) == (counts.error, counts.correct):
        return ""
    others = len(rows) - wrong
    return f"{name}: {wrong:,} wrong and {others:,} other cases; published are {counts.error:,} and {counts.correct:,}"


def _result(
    run: Run, subsets: tuple[SubsetResult, ...], threshold: float | None, tune_on: str | None
) -> ProcessBenchResult:
    manifest = run.manifest
    shown = [subset for subset in subsets if subset.cases]
    partial = run.partial
    if not partial:
        partial = "; ".join(subset.expected for subset in subsets if subset.expected)
    scores = [subset.score for subset in shown]
    tokens, seconds = run.cost()
    return ProcessBenchResult(
        manifest.name,
        manifest.model,
        manifest.notice,
        threshold,
        tune_on,
        partial,
        subsets,
        metrics.average_f1(scores),
        statistics.average_f1_interval(scores),
        tokens,
        seconds,
    )
