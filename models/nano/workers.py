"""Processes that train one model together: each has a core and its own shards, their gradients are averaged.

On a CPU this beats threads: the matrices are too small to share (two threads took 2.5 times as long as one here).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import torch
from torch import distributed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor


class Workers:
    """This process's place among the workers."""

    def __init__(self, count: int = 1, rank: int = 0) -> None:
        self.count, self.rank = count, rank

    @classmethod
    @contextlib.contextmanager
    def meet(cls, count: int, rank: int, out: Path) -> Iterator[Workers]:
        """Meet the others through a file; the first worker starts them, with its own command line."""
        if count == 1:
            yield cls()
            return
        out.mkdir(parents=True, exist_ok=True)
        place = out / f"meeting-{os.getpid() if rank == 0 else os.getppid()}"
        command = [sys.executable, "-m", "models.nano.train", *sys.argv[1:]]
        others = [
            subprocess.Popen([*command, "--rank", str(other)])  # noqa: S603 (this very program)
            for other in range(1, count if rank == 0 else 0)
        ]
        try:
            distributed.init_process_group("gloo", init_method=place.absolute().as_uri(), rank=rank, world_size=count)
            yield cls(count, rank)
            distributed.destroy_process_group()
            for other in others:
                other.wait()
        finally:
            for other in others:
                other.kill()
            if rank == 0:
                place.unlink(missing_ok=True)

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Replace every gradient by the mean of all workers'."""
        if self.count == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        at = 0
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = flat[at : at + gradient.numel()].view_as(gradient)
            at += gradient.numel()

    def spread(self, work: Callable[[Tensor], Tensor], stack: Tensor) -> Tensor:
        """`work(stack)`, which treats each row by itself and keeps its shape: every worker does a part, for all."""
        if self.count == 1:
            return work(stack)
        parts = list(stack.contiguous().tensor_split(self.count))
        parts[self.rank] = work(parts[self.rank]).contiguous()
        for rank, part in enumerate(parts):
            if len(part):
                distributed.broadcast(part, rank)
        return torch.cat(parts)

    def agree(self, value: float) -> float:
        """The first worker's value, for all."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(shared, 0)
        return float(shared)
