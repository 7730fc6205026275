"""ProcessBench's figures, pure: rewards and labels in, accuracies out.

A prediction is the first step whose reward is under the threshold, or none. Error accuracy is the share of wrong
solutions whose first wrong step is predicted exactly, correct accuracy the share of right solutions in which nothing
is, and F1 their harmonic mean (ProcessBench, arXiv 2412.06559, section 3). All figures are in per cent. A judge that
gives no rewards names the step itself, at any threshold. Cases that were not judged never come here: whoever has them
counts them apart.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepcheck.prm.verdict import judge

RIGHT = -1
"""The label, and the prediction, of a solution without a wrong step."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A case that was judged. `label` is the 0-based first wrong step, or -1; `answer_right` is None where unknown.

    `named` is what a judge without rewards named, as a label does.
    """

    label: int
    rewards: tuple[float, ...] = ()
    generator: str = ""
    answer_right: bool | None = None
    named: int = RIGHT


@dataclass(frozen=True, slots=True)
class Score:
    """Hits and cases, of wrong solutions and of right ones."""

    error_hits: int
    error_cases: int
    correct_hits: int
    correct_cases: int

    @property
    def error_acc(self) -> float | None:
        """Per cent of the wrong solutions whose first error was found; None without any."""
        return _percent(self.error_hits, self.error_cases)

    @property
    def correct_acc(self) -> float | None:
        """Per cent of the right solutions that passed; None without any."""
        return _percent(self.correct_hits, self.correct_cases)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where either is missing."""
        if self.error_acc is None or self.correct_acc is None:
            return None
        return harmonic_mean(self.error_acc, self.correct_acc)


@dataclass(frozen=True, slots=True)
class Detected:
    """Solutions with a right answer and a wrong step: how many there are, are flagged at all, and at the right step."""

    cases: int
    flagged: int
    located: int

    @property
    def share(self) -> float | None:
        """Per cent that are flagged; None without any."""
        return _percent(self.flagged, self.cases)


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracies over thresholds; each array has the thresholds' shape, in per cent."""

    thresholds: NDArray[np.float64]
    error_acc: NDArray[np.float64]
    correct_acc: NDArray[np.float64]
    f1: NDArray[np.float64]


def predict(rewards: Sequence[float], threshold: float) -> int:
    """Return the first step under the threshold, or -1."""
    return to_label(judge(rewards, threshold).first_error)


def to_label(first_error: int | None) -> int:
    """Say a verdict as labels do: the first wrong step, or -1."""
    return RIGHT if first_error is None else first_error


def predicted(case: Scored, threshold: float | None) -> int:
    """Return the first step under the threshold, or what was named where there are no rewards; -1 for none."""
    return case.named if threshold is None or not case.rewards else predict(case.rewards, threshold)


def score(cases: Iterable[Scored], threshold: float | None) -> Score:
    """Count the hits at a threshold."""
    counts = {True: [0, 0], False: [0, 0]}
    for case in cases:
        count = counts[case.label == RIGHT]
        count[0] += predicted(case, threshold) == case.label
        count[1] += 1
    return Score(*counts[False], *counts[True])


def harmonic_mean(a: float, b: float) -> float:
    """Return 2ab / (a + b), and 0 where both are 0."""
    return 2 * a * b / (a + b) if a + b else 0.0


def average_f1(scores: Iterable[Score]) -> float | None:
    """Return the plain mean of the subsets' F1; None if any has none."""
    values = [score.f1 for score in scores]
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def detect(cases: Iterable[Scored], threshold: float | None) -> Detected:
    """Look at solutions whose answer is right though a step is wrong (arXiv 2412.06559, section 3; 2501.07301)."""
    wrong = (case for case in cases if case.answer_right and case.label != RIGHT)
    found = [(predicted(case, threshold), case.label) for case in wrong]
    flagged = sum(prediction != RIGHT for prediction, _ in found)
    return Detected(len(found), flagged, sum(prediction == label for prediction, label in found))


def group(cases: Iterable[Scored], threshold: float | None, key: Callable[[Scored], Hashable]) -> dict[Hashable, Score]:
    """Count the hits of every group apart, in the order in which the groups first appear."""
    groups: dict[Hashable, list[Scored]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return {name: score(members, threshold) for name, members in groups.items()}


def hit_range(case: Scored) -> tuple[float, float]:
    """Return (low, high]: the case is a hit at exactly the thresholds t with low < t ≤ high; empty if low ≥ high.

    The first step under t is L if and only if step L is under t and none before it is. Without rewards it is a hit at
    all thresholds or at none.
    """
    if not case.rewards:
        return (-math.inf, math.inf) if case.named == case.label else (math.inf, -math.inf)
    if case.label == RIGHT:
        return -math.inf, min(case.rewards)
    return case.rewards[case.label], min(case.rewards[: case.label], default=math.inf)


def curve(cases: Sequence[Scored], thresholds: Sequence[float] | NDArray[np.float64]) -> Curve:
    """Compute the accuracies at many thresholds at once, exactly."""
    at = np.asarray(thresholds, np.float64)
    wrong = _hits([case for case in cases if case.label != RIGHT], at)
    right = _hits([case for case in cases if case.label == RIGHT], at)
    total = wrong + right
    f1 = np.divide(2 * wrong * right, total, out=np.zeros_like(total), where=total > 0)
    return Curve(at, wrong, right, f1)


def tune(cases: Sequence[Scored]) -> float | None:
    """Return the threshold in [0, 1] with the highest F1, the middle of the lowest such range; None without both kinds.

    F1 changes only where a threshold passes a reward, so the middles between neighbouring rewards try them all.
    """
    if len({case.label == RIGHT for case in cases}) < 2:  # noqa: PLR2004 (both kinds)
        return None
    edges = np.unique([0.0, 1.0, *(reward for case in cases for reward in case.rewards)])
    tries = np.concatenate([[edges[0]], (edges[:-1] + edges[1:]) / 2, [edges[-1]]])
    return float(tries[int(np.argmax(curve(cases, tries).f1))])


def _hits(cases: Sequence[Scored], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per cent of hits at each threshold: ranges that have begun, less those that have ended."""
    ranges = [(low, high) for low, high in map(hit_range, cases) if low < high]
    lows, highs = (np.sort(np.array(side, np.float64)) for side in (zip(*ranges, strict=True) if ranges else ((), ())))
    hits = np.searchsorted(lows, at, "left") - np.searchsorted(highs, at, "left")
    return np.asarray(100 * hits / max(len(cases), 1), np.float64)


def _percent(hits: int, cases: int) -> float | None:
    return 100 * hits / cases if cases else None
