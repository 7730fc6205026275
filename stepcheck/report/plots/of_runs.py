"""Figures → plots: threshold curve, rewards of right and wrong steps, calibration, error position; Best-of-N over N."""

import numpy as np

from stepcheck.bench import metrics, results, statistics
from stepcheck.bench.best import BestOfNResult
from stepcheck.bench.results import ProcessBenchResult
from stepcheck.report import bestofn
from stepcheck.report.plots.values import Bars, Lines, Plot, Series

BINS = 20


def plots(result: ProcessBenchResult | BestOfNResult) -> list[Plot]:
    """Return every plot of a result; none where there is nothing to draw, and without rewards none of rewards."""
    if isinstance(result, BestOfNResult):
        return [_over_n(task.name, result, index) for index, task in enumerate(result.tasks) if task.figures]
    if not result.scored:
        return []
    if not result.rewarded:
        return [_by_position(result)]
    curves: list[Plot] = [_threshold_curve(result, index) for index in range(len(result.subsets))]
    return [*curves, _histogram(result), _calibration(result), _by_position(result)]


def _threshold_curve(result: ProcessBenchResult, index: int) -> Lines:
    subset, at = result.subsets[index], np.linspace(0, 1, 101)
    curve = metrics.curve(subset.scored, at)
    series = tuple(
        Series(label, tuple(map(float, values)))
        for label, values in (("F1", curve.f1), ("error acc", curve.error_acc), ("correct acc", curve.correct_acc))
    )
    title = f"{subset.name}: accuracy over the threshold"
    x = tuple(map(float, at))
    return Lines(f"threshold-{subset.name}", title, "threshold", "per cent", x, series, result.threshold)


def _histogram(result: ProcessBenchResult) -> Bars:
    edges = np.linspace(0, 1, BINS + 1)
    series = []
    for label, rewards in zip(
        ("right steps", "first wrong steps"), statistics.judged_steps(result.scored), strict=True
    ):
        counts = np.histogram(rewards, edges)[0]
        series.append(Series(label, tuple(float(100 * count / max(len(rewards), 1)) for count in counts)))
    groups = tuple(f"{edge:.2f}" for edge in edges[:-1])
    return Bars(
        "rewards", "Rewards of right and of first wrong steps", "reward from", "% of steps", groups, tuple(series)
    )


def _calibration(result: ProcessBenchResult) -> Lines:
    found = statistics.calibrate(result.scored)
    middles = tuple((place + 0.5) / len(found.steps) for place in range(len(found.steps)))
    title = "Calibration"
    if found.ece is not None:
        title += f": ECE {found.ece:.3f}"
    if found.auc is not None:
        title += f", step AUC {found.auc:.3f}"
    series = (Series("steps that are right", found.right), Series("as they should be", middles))
    return Lines("calibration", title, "reward", "share right", middles, series)


def _by_position(result: ProcessBenchResult) -> Bars:
    found = results.by_position(result.scored, result.threshold)
    values = tuple(score.error_acc or 0.0 for score in found.values())
    title = "Found, by the step of the first error"
    return Bars("position", title, "step", "error acc", tuple(found), (Series("error acc", values),))


def _over_n(task: str, result: BestOfNResult, index: int) -> Lines:
    figures = result.tasks[index]
    sizes = sorted({figure.k for figure in figures.figures})
    series = []
    for name, words in bestofn.names(result):
        found = [figures.figure(name, k) for k in sizes]
        if name != "mean" and any(found):
            series.append(Series(words, tuple(figure.value if figure else float("nan") for figure in found)))
    x = tuple(map(float, sizes))
    title = f"{task}: per cent right over N"
    return Lines(f"best-of-n-{task}", title, "N", "per cent right", x, tuple(series), log_x=True)
