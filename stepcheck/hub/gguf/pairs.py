"""The head of a token pair, out of a ready GGUF: two rows of its language model's head.

Owns reading single rows of a GGUF, quantized as they are. A public GGUF of Math-Shepherd or RLHFlow is a plain language
model; with this head beside it, it is read like any other model here, and no logits of the vocabulary are computed.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.heads import pack_head, pair_ids
from stepcheck.prm.card import Readout
from stepcheck.prm.readout import LINEAR_TENSORS

OUTPUT, EMBEDDING = "output.weight", "token_embd.weight"
"""The second stands in for the first where a model ties them."""


def pair_head(gguf_file: Path, readout: Readout) -> bytes:
    """Return the head's file (safetensors): the rows of the wrong step's token and of the right one's, float32.

    Raises:
        CheckpointError: no GGUF, a token that its vocabulary has not, or no language model's head in it.
    """
    tokens, tensors = _open(gguf_file)
    right, wrong = pair_ids(readout, tokens, gguf_file)
    matrix = tensors.get(OUTPUT, tensors.get(EMBEDDING))
    if matrix is None:
        raise CheckpointError(f"{gguf_file}: holds neither {OUTPUT} nor {EMBEDDING}: it is no language model")
    if len(matrix.data) < len(tokens):
        raise CheckpointError(f"{gguf_file}: {matrix.name} has {len(matrix.data)} rows for {len(tokens)} tokens")
    weight = np.stack([_row(gguf_file, matrix, number) for number in (wrong, right)])
    return pack_head({LINEAR_TENSORS[0]: weight, LINEAR_TENSORS[1]: np.zeros(2, np.float32)})


def _open(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Read the vocabulary and the places of the tensors; a foreign file may be malformed in any way."""
    import gguf

    try:
        reader = gguf.GGUFReader(path)
        tokens = reader.fields["tokenizer.ggml.tokens"].contents()
        tensors = {str(tensor.name): tensor for tensor in reader.tensors}
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, MemoryError) as error:
        raise CheckpointError(f"{path}: no GGUF of a language model, or a damaged one: {error}") from error
    if not isinstance(tokens, list):
        raise CheckpointError(f"{path}: key 'tokenizer.ggml.tokens': expected a list")
    return [str(token) for token in tokens], tensors


def _row(path: Path, matrix: Any, number: int) -> NDArray[np.float32]:  # noqa: ANN401 (gguf has no types)
    """Decode one row; rows are quantized one by one."""
    import gguf

    try:
        row = np.asarray(gguf.quants.dequantize(matrix.data[number], matrix.tensor_type), np.float32).ravel()
    except (NotImplementedError, ValueError) as error:
        raise CheckpointError(f"{path}: {matrix.name} has a type that cannot be decoded: {error}") from error
    if not np.isfinite(row).all():
        raise CheckpointError(f"{path}: {matrix.name} holds NaN or infinite weights")
    return row
