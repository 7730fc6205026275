"""Best-of-N: the counted formulas are what going through all subsets gives."""

import itertools
import random

import pytest

from stepcheck.bench import estimators
from stepcheck.bench.estimators import Candidates

RIGHT = (False, True, True, False)
SCORES = (0.9, 0.8, 0.3, 0.8)
GROUPS = (0, 1, 1, 3)


def test_sizes() -> None:
    """Powers of two, and all of them."""
    assert estimators.sizes(8) == [1, 2, 4, 8]
    assert estimators.sizes(6) == [1, 2, 4, 6]
    assert estimators.sizes(1) == [1]


def test_pass_by_hand() -> None:
    """Two of four are right. k = 2: one of the six pairs has none, so 5/6; k = 3: always one."""
    assert estimators.pass_at(RIGHT, 1) == pytest.approx(1 / 2)
    assert estimators.pass_at(RIGHT, 2) == pytest.approx(5 / 6)
    assert estimators.pass_at(RIGHT, 3) == 1


def test_best_by_hand() -> None:
    """All four: 0.9 wins, wrong. Pairs: of {1,2}, {1,3}, {2,3} the best is 1 (right), 1 (a tie, the first wins), 3.

    The three pairs with candidate 0 are lost: 2/6.
    """
    assert estimators.best_at(SCORES, RIGHT, 4) == 0
    assert estimators.best_at(SCORES, RIGHT, 2) == pytest.approx(2 / 6)
    assert estimators.best_at(SCORES, RIGHT, 1) == pytest.approx(1 / 2)


def test_vote_by_hand() -> None:
    """All four: answer 1 has two votes and is right.

    Pairs: {1,2} right; {0,x} the first seen, wrong; {1,3} right; {2,3} right: 3/6. Weighted by the scores all four give
    answer 0 0.9 and answer 1 1.1: still right; with other weights answer 0 wins.
    """
    candidates = Candidates(RIGHT, GROUPS)
    assert estimators.vote_at(candidates, 4) == 1
    assert estimators.vote_at(candidates, 2) == pytest.approx(3 / 6)
    assert estimators.vote_at(candidates, 4, SCORES) == 1
    assert estimators.vote_at(candidates, 4, (0.9, 0.3, 0.3, 0.1)) == 0


def test_no_answer_does_not_vote() -> None:
    """Three without an answer against one right one: the answer wins; nobody answers: wrong."""
    assert estimators.vote_at(Candidates((False, False, False, True), (None, None, None, 3)), 4) == 1
    assert estimators.vote_at(Candidates((False, False), (None, None)), 2) == 0


@pytest.mark.parametrize("seed", range(20))
def test_formulas_equal_enumeration(seed: int) -> None:
    """Random candidates with many ties: every k, every figure, against all subsets one by one."""
    rng = random.Random(seed)
    n = rng.randint(1, 7)
    right = tuple(rng.random() < 0.5 for _ in range(n))
    scores = [rng.choice((0.1, 0.5, 0.9)) for _ in range(n)]
    for k in range(1, n + 1):
        chosen = list(itertools.combinations(range(n), k))
        best = [right[max(subset, key=lambda i: (scores[i], -i))] for subset in chosen]
        assert estimators.best_at(scores, right, k) == pytest.approx(sum(best) / len(chosen))
        anybody = [any(right[i] for i in subset) for subset in chosen]
        assert estimators.pass_at(right, k) == pytest.approx(sum(anybody) / len(chosen))


def test_many_subsets_are_sampled_and_it_is_known() -> None:
    """C(40, 20) cannot be gone through; the sample's vote is close to the truth and the same every time.

    Half the candidates are right. Ties, C(20,10)² / C(40,20) = 24.8 % of the subsets, go to the right answer, which is
    seen first: (1 + 0.248) / 2 = 0.624.
    """
    assert not estimators.is_exact(40, 20)
    assert estimators.is_exact(40, 1)
    candidates = Candidates((True,) * 20 + (False,) * 20, tuple([0] * 20 + [20] * 20))
    found = estimators.vote_at(candidates, 20)
    assert found == estimators.vote_at(candidates, 20)
    assert found == pytest.approx(0.624, abs=0.03)
