"""Rewards as probabilities: a scale and a shift of the head's logits, fitted on problems kept apart for that.

Training shows nearly as many wrong steps as right ones; real solutions have fewer. The order of the rewards stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.nano.model import RewardModel

PULL = 1e-3
UNCHANGED = np.array([1.0, 0.0])


def fit(rewards: NDArray[np.float64], labels: NDArray[np.float64], rounds: int = 30) -> tuple[float, float]:
    """(scale, shift) of the logits that make the labels (1: right) most likely: Newton's method (Platt, 1999).

    A weak pull towards no change keeps the scale of a model that has learned nothing from growing without end.
    """
    clipped = np.clip(rewards, 1e-6, 1 - 1e-6)
    inputs = np.stack([np.log(clipped / (1 - clipped)), np.ones_like(clipped)], axis=1)
    weights = np.zeros(2)
    for _ in range(rounds):
        guess = 1 / (1 + np.exp(np.clip(-inputs @ weights, -50, 50)))
        slope = inputs.T @ (guess - labels) / len(labels) + PULL * (weights - UNCHANGED)
        bend = (inputs * (guess * (1 - guess))[:, None]).T @ inputs / len(labels) + PULL * np.eye(2)
        weights = weights - np.linalg.solve(bend, slope)
    return float(weights[0]), float(weights[1])


@torch.no_grad()
def apply(model: RewardModel, scale: float, shift: float) -> None:
    """Write the scale and the shift into the head's last layer."""
    last = model.score.get_submodule("2")
    if not isinstance(last, nn.Linear):
        raise TypeError("the head must end in a linear layer")
    last.weight.mul_(scale)
    last.bias.mul_(scale)
    last.bias[1] += shift
