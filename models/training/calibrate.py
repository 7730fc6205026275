"""Choose a threshold and judge held-out rows with it, by author: through llama.cpp, as a user does. No GPU.

    python -m models.training.calibrate --model CARD --rows held.jsonl people.jsonl [--write]
    python -m models.training.calibrate --model CARD --rows others.jsonl --fixed

The rule: of 0.01 … 0.99 the threshold with the largest F1 of the share of wrong solutions whose first error is named,
and the mean over authors of the share of right ones passed; so no author counts for more because more was written. A
solution counts as wrong where a step is known to be, as right where every step is known to be right. `--write` puts the
threshold into the card; `--fixed` chooses none and tells the figures at the card's: that is an evaluation. Intervals
are over solutions that are drawn anew. Rows that are not `held` are left out where any is.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.training.rows import Row, read_rows
from stepcheck.bench import metrics, statistics
from stepcheck.bench.metrics import RIGHT, Scored, harmonic_mean, score
from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import StepcheckError
from stepcheck.hub.disk.calibrate import keep_threshold
from stepcheck.hub.disk.store import find
from stepcheck.judge import Judged

THRESHOLDS: Final = np.arange(1, 100) / 100
DRAWS: Final = 200


def main() -> None:
    """Judge the rows, choose, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a model's name or card")
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--fixed", action="store_true", help="keep the card's threshold")
    parser.add_argument("--write", action="store_true", help="write the threshold into the card")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    try:
        rows = read_rows(given.rows)
        with Checker(given.model, options=EngineOptions(n_threads=given.threads)) as judge:
            cases, unscored = judge_rows(judge, [row for row in rows if row.held] or rows)
            threshold = judge.threshold if given.fixed else choose(cases)
            report(cases, threshold, unscored, fixed=given.fixed)
        if given.write and not given.fixed:
            authors = sorted({case.generator for case in cases})
            said = (
                f"the best F1 of wrong solutions named and the mean share of right ones passed ({', '.join(authors)})"
            )
            keep_threshold(find(given.model).card_path, threshold, said)
    except StepcheckError as error:
        sys.exit(f"error: {error}")


def judge_rows(judge: Checker, rows: Sequence[Row]) -> tuple[list[Scored], int]:
    """Judge rows whose first error is known, or that are known to be right; count those that cannot be scored."""
    known = [row for row in rows if row.first_error != RIGHT or all(row.weights)]
    documents = [Document(row.problem, tuple(map(Step, row.steps))) for row in known]
    cases, unscored = [], 0
    for row, result in zip(known, judge.check_many(documents), strict=True):
        if isinstance(result, Judged):
            cases.append(Scored(row.first_error, tuple(result.rewards), row.author))
        else:
            unscored += 1
    return cases, unscored


def choose(cases: Sequence[Scored]) -> float:
    """Return the threshold by the rule; 0.5 where there are not both kinds of solutions."""
    figures = curve(cases)
    return float(THRESHOLDS[int(np.argmax(figures))]) if figures.any() else 0.5


def curve(cases: Sequence[Scored]) -> NDArray[np.float64]:
    """Return the rule's F1 at every threshold, in per cent."""
    named = metrics.curve(cases, THRESHOLDS).error_acc
    authors = dict.fromkeys(case.generator for case in cases if case.label == RIGHT)
    passed = [
        metrics.curve([case for case in cases if case.generator == who], THRESHOLDS).correct_acc for who in authors
    ]
    if not passed or not any(case.label != RIGHT for case in cases):
        return np.zeros(len(THRESHOLDS))
    mean = np.mean(passed, axis=0)
    return np.array([harmonic_mean(float(a), float(b)) for a, b in zip(named, mean, strict=True)])


def interval(cases: Sequence[Scored], seed: int = 0) -> tuple[float, float]:
    """Return the thresholds between which 90 % of those lie that are chosen on solutions drawn anew."""
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, len(cases), len(cases)) for _ in range(DRAWS))
    found = [choose([cases[i] for i in places]) for places in drawn]
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)


def report(cases: Sequence[Scored], threshold: float, unscored: int, *, fixed: bool) -> None:
    """Print the figures, by author and together."""
    drawn = "" if fixed or not cases else " (5-95 %: {:.2f}-{:.2f})".format(*interval(cases))
    print(f"threshold {threshold:.2f}{drawn}; {len(cases)} solutions, {unscored} could not be scored")
    print(f"{'author':24}{'wrong named':>20}{'right passed':>20}{'F1':>8}{'step AUC':>10}")
    for author in (*dict.fromkeys(case.generator for case in cases), None):
        mine = [case for case in cases if author in (None, case.generator)]
        found, area = score(mine, threshold), statistics.auc(*statistics.judged_steps(mine))
        print(
            f"{'together' if author is None else author or 'unnamed':24}"
            f"{_share(found.error_hits, found.error_cases):>20}{_share(found.correct_hits, found.correct_cases):>20}"
            f"{'' if found.f1 is None else format(found.f1, '.1f'):>8}{'' if area is None else format(area, '.3f'):>10}"
        )


def _share(hits: int, cases: int) -> str:
    return f"{100 * hits / cases:.1f} % of {cases}" if cases else "-"


if __name__ == "__main__":
    main()
