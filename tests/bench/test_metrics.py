"""ProcessBench's figures, each with its sum by hand."""

import math
import random

import numpy as np
import pytest

from stepcheck.bench import metrics, published, results, statistics
from stepcheck.bench.metrics import Score, Scored
from stepcheck.bench.statistics import Pairs
from stepcheck.errors import NonFiniteError

WRONG = Scored(1, (0.9, 0.2, 0.8), "A", answer_right=True)
EARLY = Scored(2, (0.4, 0.9, 0.1), "B", answer_right=False)
UNSEEN = Scored(0, (0.7, 0.6), "A", answer_right=True)
RIGHT = Scored(-1, (0.9, 0.8), "A", answer_right=True)
ALARM = Scored(-1, (0.9, 0.3), "B", answer_right=True)
CASES = [WRONG, EARLY, UNSEEN, RIGHT, ALARM]


def random_cases(count: int, seed: int = 0) -> list[Scored]:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        rewards = tuple(round(rng.random(), 2) for _ in range(rng.randint(1, 6)))
        made.append(Scored(rng.randint(-1, len(rewards) - 1), rewards))
    return made


def test_accuracies_and_f1() -> None:
    """At 0.5: of three wrong solutions one is found exactly, of two right ones one passes.

    error acc = 1/3, correct acc = 1/2, F1 = 2 · 1/3 · 1/2 / (1/3 + 1/2) = (1/3) / (5/6) = 2/5.
    """
    score = metrics.score(CASES, 0.5)
    assert score == Score(1, 3, 1, 2)
    assert score.error_acc == pytest.approx(100 / 3)
    assert score.correct_acc == pytest.approx(50)
    assert score.f1 == pytest.approx(40)


def test_a_reward_at_the_threshold_is_not_under_it() -> None:
    """0.5 passes at 0.5: wrong means less than."""
    assert metrics.predict((0.5, 0.4), 0.5) == 1
    assert metrics.predict((0.5, 0.5), 0.5) == -1


def test_nan_is_refused() -> None:
    """NaN < 0.5 is false: unseen it would count as right."""
    with pytest.raises(NonFiniteError):
        metrics.score([Scored(-1, (math.nan,))], 0.5)


def test_without_one_kind_there_is_no_f1() -> None:
    """A figure that does not exist is None, not 0; two zeros have the harmonic mean 0."""
    assert metrics.score([RIGHT], 0.5).f1 is None
    assert metrics.score([RIGHT], 0.5).error_acc is None
    assert metrics.score([UNSEEN, ALARM], 0.5).f1 == 0


def test_the_average_is_the_plain_mean_of_f1() -> None:
    """(40 + 60) / 2, whatever the numbers of cases; no average if a subset has no F1."""
    forty, sixty = Score(1, 3, 1, 2), Score(30, 50, 60, 100)
    assert sixty.f1 == pytest.approx(60)
    assert metrics.average_f1([forty, sixty]) == pytest.approx(50)
    assert metrics.average_f1([forty, Score(0, 0, 1, 1)]) is None
    assert metrics.average_f1([]) is None


def test_right_answer_wrong_process() -> None:
    """WRONG and UNSEEN have a right answer and a wrong step; one of the two is flagged, and at the right step."""
    found = metrics.detect(CASES, 0.5)
    assert (found.cases, found.flagged, found.located, found.share) == (2, 1, 1, 50)
    assert metrics.detect(CASES, 0.65).flagged == 2
    assert metrics.detect([RIGHT], 0.5).share is None


def test_by_generator_and_by_position() -> None:
    """A wrote WRONG, UNSEEN, RIGHT; B wrote EARLY, ALARM. Errors stand at steps 1, 2 and 3, of which 2 is found."""
    assert results.by_generator(CASES, 0.5) == {"A": Score(1, 2, 1, 1), "B": Score(0, 1, 0, 1)}
    found = results.by_position([*CASES, Scored(5, (0.9,) * 5 + (0.1,)), Scored(7, (0.9,) * 8)], 0.5)
    assert list(found) == ["1", "2", "3", "6 and later"]
    assert [score.error_acc for score in found.values()] == [0, 100, 0, 50]


def test_the_curve_is_the_score_at_every_threshold() -> None:
    """Counting ranges gives what counting hits gives, at 101 thresholds, on random cases with many equal rewards."""
    cases, at = random_cases(300), np.linspace(0, 1, 101)
    found = metrics.curve(cases, at)
    for i, threshold in enumerate(at):
        score = metrics.score(cases, float(threshold))
        assert found.error_acc[i] == pytest.approx(score.error_acc)
        assert found.correct_acc[i] == pytest.approx(score.correct_acc)
        assert found.f1[i] == pytest.approx(score.f1)


def test_tuning_finds_the_best_threshold() -> None:
    """WRONG is a hit at 0.2 < t ≤ 0.9, UNSEEN at t > 0.7, RIGHT at t ≤ 0.8, ALARM at t ≤ 0.3.

    At 0.2 < t ≤ 0.3 one of two and two of two: F1 66.7; at 0.7 < t ≤ 0.8 two of two and one of two: 66.7; between and
    beyond less. The lower range comes first, and its middle is 0.25.
    """
    cases = [WRONG, UNSEEN, RIGHT, ALARM]
    best = metrics.tune(cases)
    assert best == pytest.approx(0.25)
    assert metrics.score(cases, 0.25).f1 == pytest.approx(200 / 3)
    many = random_cases(200, seed=3)
    tried = [metrics.score(many, t / 1000).f1 or 0 for t in range(1001)]
    assert metrics.score(many, metrics.tune(many) or 0).f1 == pytest.approx(max(tried))
    assert metrics.tune([WRONG]) is None


def test_f1_interval() -> None:
    """Certain hits give a point; 50 of 100 and 100 of 100 have an F1 of 66.7 and the interval of the first share.

    The share's standard error is 5 points: about 40 to 60, so F1 from 2·40/140 = 57 to 2·60/160 = 75.
    """
    assert statistics.f1_interval(Score(10, 10, 10, 10)) == (100, 100)
    low, high = statistics.f1_interval(Score(50, 100, 100, 100)) or (0, 0)
    assert low == pytest.approx(57.1, abs=1.5)
    assert high == pytest.approx(75, abs=1.5)
    assert statistics.f1_interval(Score(0, 0, 1, 1)) is None
    assert statistics.average_f1_interval([Score(10, 10, 10, 10), Score(10, 10, 0, 10)]) == (50, 50)
    assert statistics.share_interval(0, 0) is None
    assert statistics.mean_interval([2.0, 2.0]) == (2, 2)


def test_mcnemar_by_hand() -> None:
    """Six flips, one of them towards A: 2 · (C(6,0) + C(6,1)) / 2^6 = 2 · 7 / 64; an even split has p = 1."""
    assert statistics.mcnemar(1, 5) == pytest.approx(14 / 64)
    assert statistics.mcnemar(3, 3) == 1
    assert statistics.mcnemar(0, 0) == 1
    assert statistics.mcnemar(0, 10) == pytest.approx(2 / 1024)
    assert 0 <= statistics.mcnemar(2000, 4000) < 1e-9


def test_difference_interval_is_paired() -> None:
    """Runs that agree in every case differ by exactly 0; one that wins everywhere by exactly 100."""
    same = Pairs(50, 0, 0, 50)
    assert statistics.difference_interval([(same, same)]) == (0, 0)
    assert statistics.difference_interval([(Pairs(0, 0, 10, 0), Pairs(0, 0, 10, 0))]) == (100, 100)
    low, high = statistics.difference_interval([(Pairs(40, 5, 25, 30), Pairs(80, 0, 0, 20))]) or (0, 0)
    assert 0 < low < high < 100
    assert statistics.difference_interval([(Pairs(0, 0, 0, 0), same)]) is None


def test_calibration_by_hand() -> None:
    """Judged steps: of WRONG 0.9 right, 0.2 wrong; of RIGHT 0.9 and 0.8 right; what follows an error is left out.

    Bins: 0.2 (1 step, right 0), 0.8 (1, right 1), 0.9 (2, right 1): ece = (0.2 + 0.2 + 2 · 0.1) / 4 = 0.15.
    Every right step is above the wrong one: auc 1.
    """
    found = statistics.calibrate([WRONG, RIGHT])
    assert sum(found.steps) == 4
    assert (found.steps[2], found.steps[8], found.steps[9]) == (1, 1, 2)
    assert (found.right[2], found.right[8], found.right[9]) == (0, 1, 1)
    assert math.isnan(found.reward[0])
    assert found.ece == pytest.approx(0.15)
    assert found.auc == 1
    assert statistics.calibrate([]).ece is None


def test_auc_counts_ties_half() -> None:
    """0.5 against 0.5 is half, 0.9 against 0.5 is one: (0.5 + 1) / 2."""
    assert statistics.auc(np.array([0.5, 0.9]), np.array([0.5])) == pytest.approx(0.75)
    assert statistics.auc(np.array([]), np.array([0.5])) is None


@pytest.mark.parametrize("row", published.tables().processbench.rows, ids=lambda row: row.model)
def test_published_f1_is_the_harmonic_mean_of_its_parts(row: published.ProcessBenchRow) -> None:
    """Within rounding: parts and F1 are printed with one decimal, so each may be 0.05 off."""
    if row.f1:
        assert len(row.f1) == 4
        assert len(row.error_acc) == len(row.correct_acc) == (4 if row.error_acc else 0)
        assert row.average == pytest.approx(sum(row.f1) / 4, abs=0.101)
    for f1, error, correct in zip(row.f1 if row.error_acc else (), row.error_acc, row.correct_acc, strict=True):
        low = metrics.harmonic_mean(error - 0.05, correct - 0.05) - 0.05
        assert low <= f1 <= metrics.harmonic_mean(error + 0.05, correct + 0.05) + 0.051


def test_published_best_of_n_averages() -> None:
    """Where the seven tasks are known, the average is their mean; pass@8 bounds what can be chosen."""
    table = published.tables().bestofn
    known = [row for row in table.rows if row.accuracy]
    assert len(known) == 5
    for row in known:
        assert row.average == pytest.approx(sum(row.accuracy) / 7, abs=0.06)
        assert all(a <= b for a, b in zip(row.accuracy, known[0].accuracy, strict=True))


def test_published_counts() -> None:
    """400 cases, then three times 1,000; the tables say where they come from."""
    tables = published.tables()
    assert [tables.processbench.counts[name].cases for name in tables.processbench.subsets] == [400, 1000, 1000, 1000]
    assert "2412.06559" in tables.processbench.source
    assert "2501.07301" in tables.bestofn.source


def test_models_are_recognised_by_their_name() -> None:
    """A converted model carries the type of its weights behind the name; another model's name is no such thing."""
    assert published.same_model("Qwen2.5-Math-PRM-7B-q4_k_m", "Qwen2.5-Math-PRM-7B")
    assert published.same_model("qwen2.5-math-prm-7b", "Qwen2.5-Math-PRM-7B")
    assert not published.same_model("Qwen2.5-Math-PRM-72B", "Qwen2.5-Math-PRM-7B")
