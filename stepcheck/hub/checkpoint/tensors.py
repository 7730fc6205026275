"""A tensor in a checkpoint: where its numbers lie, and reading them in slabs, whatever kind of file they lie in.

Owns the types of numbers that are read, and the names of tensors that are no backbone's. Refuses numbers that are not
finite.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError

HEAD: Final = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")
LINEAR_HEADS: Final = (("v_head.summary.weight", "v_head.summary.bias"), ("score.weight", "score.bias"))
"""Value heads (Skywork, trl's value models) and the heads of token classification; a bias may be absent."""
ENSEMBLE: Final = tuple(
    f"score.model.{layer}.{part}" for layer in ("nn1", "nn2", "nn_out") for part in ("weight", "bias")
)
"""The heads of an ensemble (ActPRM), one matrix a head in every tensor."""
HEADS: Final = frozenset((*HEAD, *ENSEMBLE, *(name for names in LINEAR_HEADS for name in names)))
"""All of these."""
UNUSED: Final = ("lm_head.weight", "rotary_emb.inv_freq")
"""Tensors that may be there and are left out: no reward depends on them."""
SLAB: Final = 1 << 22
"""Weights in memory at a time: 16 MB as float32."""
ELEMENT: Final[dict[str, np.dtype[Any]]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies: `offset` and `nbytes` count bytes in `file`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int
    nbytes: int

    def rows(self, most: int) -> Iterator[NDArray[np.float32]]:
        """Yield the tensor as float32 matrices of at most about `most` elements, in order; a vector is one row.

        Raises:
            CheckpointError: the file ends early or a value is NaN or infinite.
        """
        columns = self.shape[-1]
        count = self.nbytes // ELEMENT[self.dtype].itemsize // columns
        step = max(1, most // columns)
        with open_weights(self.file) as stream:
            stream.seek(self.offset)
            for start in range(0, count, step):
                size = min(step, count - start) * columns * ELEMENT[self.dtype].itemsize
                values = _floats(stream.read(size), self.dtype)
                if values.nbytes // 4 * ELEMENT[self.dtype].itemsize != size:
                    raise CheckpointError(f"{self.file}: tensor {self.name}: the file ends early; download it again")
                if not np.isfinite(values).all():
                    raise CheckpointError(f"{self.file}: tensor {self.name}: holds NaN or infinite weights")
                yield values.reshape(-1, columns)


def find_again(tensor: Tensor, planned: Tensor, there: Tensor | None) -> Tensor | None:
    """Return a tensor, or a row of one, at the place that its file gives it; None where the file holds another.

    `planned` is the whole tensor as it was when the plan was made, `there` as the file has it now.
    """
    if there is None or (there.file, there.dtype, there.shape) != (planned.file, planned.dtype, planned.shape):
        return None
    return replace(tensor, offset=there.offset + tensor.offset - planned.offset)


def _floats(data: bytes, dtype: str) -> NDArray[np.float32]:
    """Decode to float32, exactly; bfloat16 is the upper half of a float32."""
    size = ELEMENT[dtype].itemsize
    values = np.frombuffer(data[: len(data) // size * size], ELEMENT[dtype])
    if dtype == "BF16":
        return np.left_shift(values.astype(np.uint32), 16).view(np.float32)
    return values.astype(np.float32, copy=False)


def take(tensors: dict[str, Tensor], name: str, shape: tuple[int, ...], folder: Path) -> Tensor:
    """Return a tensor after checking that it is there, in this shape, in a type that can be read."""
    if name not in tensors:
        raise CheckpointError(f"{folder}: tensor {name} is missing")
    tensor = tensors[name]
    if tensor.shape != shape:
        raise CheckpointError(f"{tensor.file}: tensor {name} has shape {list(tensor.shape)}, expected {list(shape)}")
    if tensor.dtype not in ELEMENT:
        raise CheckpointError(
            f"{tensor.file}: tensor {name} has type {tensor.dtype}; only {', '.join(ELEMENT)} are read"
        )
    return tensor


def open_weights(path: Path) -> Any:  # noqa: ANN401 (a binary file)
    """Open a file of weights; CheckpointError where it cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
