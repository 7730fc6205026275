"""The two optimizers: Muon for the matrices of the body, AdamW for everything else. They know no data.

Muon: momentum whose update is made orthogonal by a Newton-Schulz iteration; iteration and coefficients are those of
Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(stack: Tensor, *, fast: bool) -> Tensor:
    """Push the singular values of each matrix of [n, rows, columns] towards 1; in bfloat16 where that is `fast`."""
    x = stack.bfloat16() if fast else stack
    turned = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if turned else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    done: Tensor = (x.transpose(1, 2) if turned else x).float()
    return done


class Muon(torch.optim.Optimizer):
    """Momentum 0.95 (Nesterov), orthogonalized; the matrices of one shape are iterated together."""

    def __init__(
        self,
        matrices: Iterable[Tensor],
        lr: float,
        *,
        decay: float = 0.01,
        fast: bool,
        spread: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor],
    ) -> None:
        """`spread(work, stack)` gives work(stack), each of several processes doing a part of the rows."""
        super().__init__(list(matrices), {"lr": lr})
        self.decay = decay
        self.fast = fast
        self.spread = spread

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # no closure: one gradient, one step
        """Update every matrix; one without a gradient moves by its momentum alone."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                shapes[matrix.shape].append(matrix)
            for shape, matrices in shapes.items():
                self._step(matrices, group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5)

    def _step(self, matrices: list[Tensor], lr: float) -> None:
        gradient = torch.stack([torch.zeros_like(m) if m.grad is None else m.grad for m in matrices])
        state = self.state[matrices[0]]  # of all of this shape
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 0.05)
        done = self.spread(partial(orthogonalize, fast=self.fast), gradient.lerp(state["momentum"], 0.95))
        for matrix, update in zip(matrices, done, strict=True):
            matrix.mul_(1 - lr * self.decay).add_(update, alpha=-lr)
