"""How sure a figure is: bootstrap intervals, paired tests, calibration. Pure, and the same every time (fixed seed).

Hits are zeros and ones, so drawing n cases with replacement is drawing from a binomial (paired: multinomial)
distribution; no case needs to be touched, and ten thousand resamples take milliseconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepcheck.bench.metrics import RIGHT, Score, Scored

RESAMPLES = 10_000
LEVEL = 95.0
"""Per cent that an interval covers; percentile bootstrap (Efron and Tibshirani, 1993, chapter 13)."""
SEED = 20_241_209
Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two runs on the same cases of one kind: both hit, only A, only B, neither."""

    both: int
    only_a: int
    only_b: int
    neither: int

    @property
    def cases(self) -> int:
        """How many there are."""
        return self.both + self.only_a + self.only_b + self.neither


@dataclass(frozen=True, slots=True)
class Calibration:
    """Rewards in bins of equal width: steps, mean reward and share of right steps of each; nan where a bin is empty.

    `ece` is the expected calibration error (arXiv 1706.04599); `auc` that of right against first wrong steps, or None.
    """

    steps: tuple[int, ...]
    reward: tuple[float, ...]
    right: tuple[float, ...]
    ece: float | None
    auc: float | None


def f1_interval(score: Score) -> Interval | None:
    """Return the 95 % interval of an F1, wrong and right solutions resampled apart; None where there is no F1."""
    if score.f1 is None:
        return None
    return _interval(_f1_samples(score, np.random.default_rng(SEED)))


def average_f1_interval(scores: Sequence[Score]) -> Interval | None:
    """Return the 95 % interval of the mean F1 of several subsets."""
    if not scores or any(score.f1 is None for score in scores):
        return None
    rng = np.random.default_rng(SEED)
    return _interval(np.mean([_f1_samples(score, rng) for score in scores], axis=0))


def share_interval(hits: int, cases: int) -> Interval | None:
    """Return the 95 % interval of a share in per cent; None without cases."""
    if not cases:
        return None
    return _interval(_shares(hits, cases, np.random.default_rng(SEED)))


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of a mean of any values, resampled one by one; None without values."""
    if not values:
        return None
    levels, counts = np.unique(np.asarray(values, np.float64), return_counts=True)
    drawn = np.random.default_rng(SEED).multinomial(len(values), counts / len(values), RESAMPLES)
    return _interval(np.asarray(drawn @ levels / len(values), np.float64))


def difference_interval(subsets: Sequence[tuple[Pairs, Pairs]]) -> Interval | None:
    """Return the 95 % interval of the difference B - A in mean F1; a subset is its wrong and its right solutions."""
    if not subsets or any(not wrong.cases or not right.cases for wrong, right in subsets):
        return None
    rng = np.random.default_rng(SEED)
    differences = []
    for wrong, right in subsets:
        (wrong_a, wrong_b), (right_a, right_b) = _paired_shares(wrong, rng), _paired_shares(right, rng)
        differences.append(_harmonic(wrong_b, right_b) - _harmonic(wrong_a, right_a))
    return _interval(np.mean(differences, axis=0))


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the exact two-sided p of McNemar's test: as many cases flipped one way as the other (a fair coin)."""
    flips = only_a + only_b
    tail = sum(math.comb(flips, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, float(2 * tail / 2**flips))


def judged_steps(cases: Sequence[Scored]) -> tuple[Floats, Floats]:
    """Return the rewards of right steps and of first wrong ones; steps after an error are neither, and left out."""
    cases = [case for case in cases if case.rewards]
    right = [r for case in cases for r in (case.rewards if case.label == RIGHT else case.rewards[: case.label])]
    wrong = [case.rewards[case.label] for case in cases if case.label != RIGHT]
    return np.asarray(right, np.float64), np.asarray(wrong, np.float64)


def calibrate(cases: Sequence[Scored], bins: int = 10) -> Calibration:
    """Compare rewards with how often such steps are right."""
    right, wrong = judged_steps(cases)
    rewards = np.concatenate([right, wrong])
    truth = np.concatenate([np.ones(len(right)), np.zeros(len(wrong))])
    place = np.minimum((rewards * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_reward = np.bincount(place, rewards, bins) / counts
        mean_right = np.bincount(place, truth, bins) / counts
    gaps = np.nan_to_num(np.abs(mean_reward - mean_right))
    ece = float((gaps * counts).sum() / len(rewards)) if len(rewards) else None
    return Calibration(
        tuple(map(int, counts)), tuple(map(float, mean_reward)), tuple(map(float, mean_right)), ece, auc(right, wrong)
    )


def auc(right: Floats, wrong: Floats) -> float | None:
    """Return how often a right step's reward is above a wrong one's, ties counted half; None without both."""
    if not len(right) or not len(wrong):
        return None
    ordered = np.sort(wrong)
    below, up_to = np.searchsorted(ordered, right, "left"), np.searchsorted(ordered, right, "right")
    return float((below + up_to).sum() / 2 / len(right) / len(wrong))


def _f1_samples(score: Score, rng: np.random.Generator) -> Floats:
    wrong = _shares(score.error_hits, score.error_cases, rng)
    return _harmonic(wrong, _shares(score.correct_hits, score.correct_cases, rng))


def _shares(hits: int, cases: int, rng: np.random.Generator) -> Floats:
    return 100 * rng.binomial(cases, hits / cases, RESAMPLES) / cases


def _paired_shares(pairs: Pairs, rng: np.random.Generator) -> tuple[Floats, Floats]:
    cells = np.array([pairs.both, pairs.only_a, pairs.only_b, pairs.neither], np.float64)
    drawn = rng.multinomial(pairs.cases, cells / pairs.cases, RESAMPLES)
    return 100 * (drawn[:, 0] + drawn[:, 1]) / pairs.cases, 100 * (drawn[:, 0] + drawn[:, 2]) / pairs.cases


def _harmonic(a: Floats, b: Floats) -> Floats:
    total = a + b
    return np.divide(2 * a * b, total, out=np.zeros_like(total), where=total > 0)


def _interval(samples: Floats) -> Interval:
    low, high = np.percentile(samples, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(low), float(high)
