"""Rewards → verdict and aggregates, by hand."""

import math

import pytest

from stepcheck.errors import CountMismatchError, NonFiniteError
from stepcheck.prm.verdict import aggregate, judge


def test_the_first_step_under_the_threshold_is_the_verdict() -> None:
    """0.9, 0.4, 0.1 at 0.5: step 1; a reward equal to the threshold passes."""
    assert judge([0.9, 0.4, 0.1], 0.5).first_error == 1
    assert judge([0.9, 0.5], 0.5).first_error is None
    assert judge([0.9, 0.4, 0.1], 0.2).first_error == 2


def test_aggregates_by_hand() -> None:
    """0.5, 0.8, 0.25: product 0.1, min 0.25, last 0.25, mean 1.55 / 3."""
    got = aggregate([0.5, 0.8, 0.25])
    assert got.product == pytest.approx(0.1)
    assert (got.min, got.last) == (0.25, 0.25)
    assert got.mean == pytest.approx(1.55 / 3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_counts(bad: float) -> None:
    """NaN would pass `< threshold` unseen: both functions refuse it and name the step."""
    for function in (lambda r: judge(r, 0.5), aggregate):
        with pytest.raises(NonFiniteError, match="step 2"):
            function([0.9, bad])


def test_no_rewards_have_no_aggregate() -> None:
    """The empty product is 1, the best score there is: refused instead."""
    with pytest.raises(CountMismatchError, match="at least one step"):
        aggregate([])
