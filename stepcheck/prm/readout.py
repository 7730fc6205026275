"""Rows of hidden state → rewards, in numpy float32. No llama.cpp and no torch.

Three shapes of head cover the families; which one, and what its outputs mean, the card says:

- *MLP*, `score.0` Linear(H, H) + bias → ReLU → `score.2` Linear(H, k) + bias. k = 2, softmax: Qwen2.5-Math-PRM
  (arXiv 2501.07301); k = 1: the outcome model Qwen2.5-Math-RM (arXiv 2409.12122).
- *Ensemble*, several heads of three layers each (ActPRM, arXiv 2504.10559).
- A *log ratio* has no head of its own: rows hold two log-likelihoods (EurusPRM, arXiv 2412.01981).
- *Linear*, `score` Linear(H, k) + bias. k = 1, sigmoid: value heads (Skywork-o1-Open-PRM); k = 2, softmax: token
  classification (trl, PURE), and pairs of the language model's tokens (Math-Shepherd, arXiv 2312.08935; RLHFlow), whose
  two rows of the lm_head are all of it that is ever needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CountMismatchError, ModelError, NonFiniteError
from stepcheck.prm.card import Readout
from stepcheck.prm.prompt import PROBABILITIES, Want

Floats = NDArray[np.float32]
Activation = Literal["softmax", "sigmoid", "none"]

MLP_TENSORS: Final = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")
ENSEMBLE_TENSORS: Final = ("nn1.weight", "nn1.bias", "nn2.weight", "nn2.bias", "nn_out.weight", "nn_out.bias")
LINEAR_TENSORS: Final = ("score.weight", "score.bias")
"""The names in a head's file, whatever they were in the checkpoint."""
OUTPUTS: Final[Mapping[Activation, int]] = {"softmax": 2, "sigmoid": 1, "none": 1}
"""How many outputs an activation reads."""


class Head(Protocol):
    """Reads rewards off rows."""

    @property
    def hidden(self) -> int:
        """Width of the rows that this head reads."""
        ...

    def rewards(self, rows: Floats) -> Floats:
        """Read rewards of shape (marks,) off rows of shape (marks, H).

        Raises:
            CountMismatchError: the rows have another width than the head.
            NonFiniteError: a row holds NaN or infinity.
        """
        ...


class Doubting(Protocol):
    """A head that can say how sure it is."""

    def uncertainty(self, rows: Floats) -> Floats:
        """Read a standard deviation of shape (marks,) off rows (marks, H), or none at all; errors as in `Head`."""
        ...


def is_doubting(head: Head) -> TypeGuard[Doubting]:
    """Tell whether a head can say how sure it is; asked for every document, so not by way of a protocol's check."""
    return hasattr(head, "uncertainty")


@dataclass(frozen=True, slots=True)
class MlpHead:
    """`weight_in` (H, H), `bias_in` (H,), `weight_out` (k, H), `bias_out` (k,); `positive` is the class that counts."""

    weight_in: Floats
    bias_in: Floats
    weight_out: Floats
    bias_out: Floats
    positive: int = 1
    activation: Activation = "softmax"

    @property
    def hidden(self) -> int:
        """Width of the rows that this head reads."""
        return int(self.weight_in.shape[1])

    def rewards(self, rows: Floats) -> Floats:
        """Read rewards of shape (marks,) off rows of shape (marks, H); errors as in `Head`."""
        _check_rows(rows, self.hidden)
        inner = np.maximum(rows @ self.weight_in.T + self.bias_in, 0)
        return activate(inner @ self.weight_out.T + self.bias_out, self.activation, self.positive)


@dataclass(frozen=True, slots=True)
class LinearHead:
    """`weight` (k, H), `bias` (k,); `positive` is the class that counts."""

    weight: Floats
    bias: Floats
    positive: int = 1
    activation: Activation = "softmax"

    @property
    def hidden(self) -> int:
        """Width of the rows that this head reads."""
        return int(self.weight.shape[1])

    def rewards(self, rows: Floats) -> Floats:
        """Read rewards of shape (marks,) off rows of shape (marks, H); errors as in `Head`."""
        _check_rows(rows, self.hidden)
        return activate(rows @ self.weight.T + self.bias, self.activation, self.positive)


@dataclass(frozen=True, slots=True)
class EnsembleHead:
    """Several small heads over one row; the reward is the mean of their sigmoids.

    Per layer a weight of shape (heads, in, out) and a bias of shape (heads, out): H → m → m → 1 with ReLU between.
    Source: ActPRM (arXiv 2504.10559); sail-sg/ActivePRM, src/active_prm/models/nets.py.
    """

    weights: tuple[Floats, Floats, Floats]
    biases: tuple[Floats, Floats, Floats]

    @property
    def hidden(self) -> int:
        """Width of the rows that this head reads."""
        return int(self.weights[0].shape[1])

    def votes(self, rows: Floats) -> Floats:
        """Read every head's own reward: (heads, marks); errors as in `Head`."""
        _check_rows(rows, self.hidden)
        inner = np.matmul(rows, self.weights[0]) + self.biases[0][:, None]
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            inner = np.matmul(np.maximum(inner, 0), weight) + bias[:, None]
        return np.stack([activate(np.asarray(head, np.float32), "sigmoid") for head in inner])

    def rewards(self, rows: Floats) -> Floats:
        """Read rewards of shape (marks,) off rows of shape (marks, H); errors as in `Head`."""
        return np.asarray(self.votes(rows).mean(axis=0), np.float32)

    def uncertainty(self, rows: Floats) -> Floats:
        """Read how far the heads are apart: a standard deviation of shape (marks,)."""
        return np.asarray(self.votes(rows).std(axis=0), np.float32)


@dataclass(frozen=True, slots=True)
class LogRatioHead:
    """Rows hold log p of the solution so far, by the model and by its reference; `scale` times their difference counts.

    Source: Implicit PRM (arXiv 2412.01981), proposition 1; EurusPRM's page has scale 0.001.
    """

    scale: float
    activation: Activation

    @property
    def hidden(self) -> int:
        """The width of a row: two likelihoods."""
        return 2

    def rewards(self, rows: Floats) -> Floats:
        """Read rewards of shape (marks,) off rows of shape (marks, 2); errors as in `Head`."""
        _check_rows(rows, self.hidden)
        values = self.scale * (rows[:, :1] - rows[:, 1:])
        return activate(np.asarray(values, np.float32), self.activation)


@dataclass(frozen=True, slots=True)
class ProbabilityHead:
    """Rows hold the probabilities themselves, of a server that keeps its head: one, or one for each of two classes."""

    outputs: int
    positive: int = 1
    want: Want = PROBABILITIES

    @property
    def hidden(self) -> int:
        """The width of a row."""
        return self.outputs

    def rewards(self, rows: Floats) -> Floats:
        """Take rewards of shape (marks,) out of rows of shape (marks, outputs); errors as in `Head`."""
        _check_rows(rows, self.hidden)
        return rows[:, self.positive if self.outputs > 1 else 0]


def activate(logits: Floats, activation: Activation, positive: int = 1) -> Floats:
    """Turn outputs of shape (marks, k) into rewards of shape (marks,): in [0, 1], but for `none`, which is unbounded.

    The sigmoid of x is the softmax of (0, x), so both are computed the same way, without overflow.
    """
    if activation == "none":
        return np.asarray(logits[:, 0], np.float32)
    if activation == "sigmoid":
        logits, positive = np.concatenate([np.zeros_like(logits), logits], axis=1), 1
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds[:, positive] / odds.sum(axis=1), np.float32)


def _check_rows(rows: Floats, hidden: int) -> None:
    if rows.ndim != 2 or rows.shape[1] != hidden:  # noqa: PLR2004 (a matrix)
        raise CountMismatchError(f"the backbone's rows have shape {rows.shape}, the head reads width {hidden}")
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise NonFiniteError(
            f"the model's state at step {bad + 1} is not a finite number: the model file is damaged, or its weight "
            "type cannot hold these weights (try bf16 or q8_0)"
        )


def log_ratio(path: Path, readout: Readout) -> Head:
    """Read a log ratio off two likelihoods; `path` is the reference model's and is read by the engine.

    Raises:
        ModelError: the card's activation needs two outputs, and a ratio is one.
    """
    if readout.activation == "softmax":
        raise ModelError(f"{path}: a log ratio is one value: the card's readout.activation is sigmoid or none")
    return LogRatioHead(readout.scale, readout.activation)


def read_mlp(path: Path, readout: Readout) -> Head:
    """Load an MLP head from safetensors.

    Raises:
        ModelError: the file is missing or broken, a tensor is missing or has the wrong shape.
    """
    weight_in, bias_in, weight_out, bias_out = _load(path, readout, MLP_TENSORS, "an MLP head")
    return MlpHead(weight_in, bias_in, weight_out, bias_out, readout.positive, readout.activation)


def read_linear(path: Path, readout: Readout) -> Head:
    """Load a linear head from safetensors; errors as in `read_mlp`."""
    weight, bias = _load(path, readout, LINEAR_TENSORS, "a linear head")
    return LinearHead(weight, bias, readout.positive, readout.activation)


def read_ensemble(path: Path, _readout: Readout) -> Head:
    """Load an ensemble of heads from safetensors; errors as in `read_mlp`."""
    arrays = _named(path, _open(path), ENSEMBLE_TENSORS, "an ensemble of heads")
    heads, hidden, middle = arrays[0].shape if arrays[0].ndim == 3 else (0, 0, 0)  # noqa: PLR2004 (a stack of matrices)
    for name, tensor, shape in zip(ENSEMBLE_TENSORS, arrays, ensemble_shapes(heads, hidden, middle), strict=True):
        _check(path, name, tensor, shape if heads else (1, 1, 1))
    return EnsembleHead((arrays[0], arrays[2], arrays[4]), (arrays[1], arrays[3], arrays[5]))


def ensemble_shapes(heads: int, hidden: int, middle: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of an ensemble's tensors, in the order of `ENSEMBLE_TENSORS`."""
    first, between, last = (heads, hidden, middle), (heads, middle, middle), (heads, middle, 1)
    return (first, (heads, middle), between, (heads, middle), last, (heads, 1))


def _open(path: Path) -> dict[str, Floats]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read as a head: {error}") from error


def _load(path: Path, readout: Readout, names: tuple[str, ...], what: str) -> list[Floats]:
    """Return the named tensors as float32 after checking them: the last weight has a row an output, any before H."""
    arrays, outputs = _named(path, _open(path), names, what), OUTPUTS[readout.activation]
    hidden = arrays[0].shape[-1] if arrays[0].ndim else 0
    for name, tensor, last in zip(names, arrays, range(len(names) - 1, -1, -1), strict=True):
        rows = outputs if last < 2 else hidden  # noqa: PLR2004 (the last weight and its bias)
        shape = (rows,) if name.endswith(".bias") else (rows, hidden)
        _check(path, name, tensor, shape)
    return arrays


def _named(path: Path, tensors: dict[str, Floats], names: tuple[str, ...], what: str) -> list[Floats]:
    missing = [name for name in names if name not in tensors]
    if missing:
        raise ModelError(f"{path}: no tensor {missing[0]!r}; {what} has {', '.join(names)}")
    return [np.ascontiguousarray(tensors[name], np.float32) for name in names]


def _check(path: Path, name: str, tensor: Floats, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise ModelError(f"{path}: tensor {name!r} has shape {tensor.shape}, expected {shape}")
    if not np.isfinite(tensor).all():
        raise ModelError(f"{path}: tensor {name!r} holds values that are not finite: the file is damaged")
