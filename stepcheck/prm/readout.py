"""Rows of hidden state → rewards, in numpy float32. No llama.cpp and no torch.

MLP head (Qwen2.5-Math-PRM, arXiv 2501.07301; tensors as in its checkpoint): `score.0` Linear(H, H) + bias → ReLU →
`score.2` Linear(H, 2) + bias → softmax; the reward of a step is the probability of the positive class at its mark.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CountMismatchError, ModelError, NonFiniteError
from stepcheck.prm.card import Readout

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MlpHead:
    """`weight_in` (H, H), `bias_in` (H,), `weight_out` (2, H), `bias_out` (2,); `positive` is the class that counts."""

    weight_in: Floats
    bias_in: Floats
    weight_out: Floats
    bias_out: Floats
    positive: int = 1

    @property
    def hidden(self) -> int:
        """Width of the rows that this head reads."""
        return int(self.weight_in.shape[1])

    def rewards(self, rows: Floats) -> Floats:
        """Read rewards of shape (marks,), each in [0, 1], off rows of shape (marks, H).

        Raises:
            CountMismatchError: the rows have another width than the head.
            NonFiniteError: a row holds NaN or infinity.
        """
        if rows.ndim != 2 or rows.shape[1] != self.hidden:  # noqa: PLR2004 (a matrix)
            raise CountMismatchError(f"the backbone's rows have shape {rows.shape}, the head reads width {self.hidden}")
        if not np.isfinite(rows).all():
            bad = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
            raise NonFiniteError(
                f"the model's state at step {bad + 1} is not a finite number: the model file is damaged, or its weight "
                "type cannot hold these weights (try bf16 or q8_0)"
            )
        inner = np.maximum(rows @ self.weight_in.T + self.bias_in, 0)
        logits = inner @ self.weight_out.T + self.bias_out
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds[:, self.positive] / odds.sum(axis=1), np.float32)


def read_head(path: Path, readout: Readout) -> MlpHead:
    """Load a head from safetensors.

    Raises:
        ModelError: the file is missing or broken, or a tensor is missing or has the wrong shape; names file and tensor.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read as a head: {error}") from error
    names = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")
    missing = [name for name in names if name not in tensors]
    if missing:
        raise ModelError(f"{path}: no tensor {missing[0]!r}; an MLP head has {', '.join(names)}")
    weight_in, bias_in, weight_out, bias_out = (np.ascontiguousarray(tensors[name], np.float32) for name in names)
    hidden = weight_in.shape[0]
    for name, tensor, shape in zip(
        names, (weight_in, bias_in, weight_out, bias_out), ((hidden, hidden), (hidden,), (2, hidden), (2,)), strict=True
    ):
        if tensor.shape != shape:
            raise ModelError(f"{path}: tensor {name!r} has shape {tensor.shape}, expected {shape}")
        if not np.isfinite(tensor).all():
            raise ModelError(f"{path}: tensor {name!r} holds values that are not finite: the file is damaged")
    return MlpHead(weight_in, bias_in, weight_out, bias_out, readout.positive)
