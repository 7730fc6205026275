"""Rewards + threshold → verdict, and the aggregates that rank whole solutions.

A step is wrong if its reward is under the threshold; the first such step is the verdict (ProcessBench, arXiv
2412.06559). Aggregates: product (the choice of arXiv 2501.07301), minimum, last, mean.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from stepcheck.errors import CountMismatchError, NonFiniteError


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which step is wrong first: its 0-based index, or None.

    `threshold` is the reward that a step needs; None where a judge named the step itself. Not `decided`: whoever was
    asked named neither a step nor none, so `first_error` says nothing. `shown`: the evidence named it, against
    the judge or without one.
    """

    first_error: int | None
    threshold: float | None = None
    decided: bool = True
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Aggregates:
    """One number for a whole solution, each in [0, 1]."""

    product: float
    min: float
    last: float
    mean: float


AGGREGATES: Final = tuple(each.name for each in fields(Aggregates))
"""Their names, in the order in which they are shown."""


def judge(rewards: Sequence[float], threshold: float) -> Verdict:
    """Find the first step whose reward is under the threshold.

    Raises:
        NonFiniteError: a reward is NaN or infinite; NaN would pass any comparison unseen.
    """
    check_finite(rewards)
    return Verdict(next((i for i, reward in enumerate(rewards) if reward < threshold), None), threshold)


def by_step(rewards: Sequence[float], rows: Sequence[int], rule: str) -> tuple[float, ...]:
    """Reduce the rewards of lines to their steps': `rows[i]` lines belong to step i; the rule is a template's `lines`.

    Raises:
        CountMismatchError: there are not as many rewards as lines, or a step without any.
    """
    if sum(rows) != len(rewards) or 0 in rows:
        raise CountMismatchError(f"{len(rewards)} rewards for {sum(rows)} lines of {len(rows)} steps")
    left = iter(rewards)
    steps = [list(itertools.islice(left, count)) for count in rows]
    if rule == "mean":
        return tuple(math.fsum(lines) / len(lines) for lines in steps)
    return tuple(min(lines) if rule == "least" else lines[-1] for lines in steps)


def aggregate(rewards: Sequence[float]) -> Aggregates:
    """Reduce rewards to one number in four ways.

    Raises:
        CountMismatchError: there is no reward to reduce.
        NonFiniteError: a reward is NaN or infinite.
    """
    if not rewards:
        raise CountMismatchError("no rewards: a solution needs at least one step")
    check_finite(rewards)
    return Aggregates(math.prod(rewards), min(rewards), rewards[-1], math.fsum(rewards) / len(rewards))


def check_finite(rewards: Sequence[float]) -> None:
    """Refuse NaN and infinity, naming the step."""
    if all(map(math.isfinite, rewards)):
        return
    for i, reward in enumerate(rewards):
        if not math.isfinite(reward):
            raise NonFiniteError(
                f"the reward of step {i + 1} is {reward}: the model file is damaged or its type unsuited"
            )
