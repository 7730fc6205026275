"""Reward heads in checkpoints: under which names each family keeps its own, and where their numbers lie.

Owns the families' tensor names and the names in a head's file (`prm/readout.py`). A token pair's head is two rows of
the language model's: 2·H numbers of 152,064·H. Refuses to guess where a checkpoint's tensors do not say how they are to
be read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.tensors import ELEMENT, ENSEMBLE, HEAD, LINEAR_HEADS, SLAB, Tensor, take
from stepcheck.prm.card import Kind, Readout
from stepcheck.prm.readout import ENSEMBLE_TENSORS, LINEAR_TENSORS, MLP_TENSORS, OUTPUTS, ensemble_shapes

LM_HEADS: Final = ("lm_head.weight", "pretrained_model.lm_head.weight")
EMBEDDINGS: Final = ("model.embed_tokens.weight", "embed_tokens.weight", "pretrained_model.model.embed_tokens.weight")
"""In the lm_head's place where a checkpoint ties the two."""


class Sizes(Protocol):
    """What a head's shapes follow from: the width of the states that it reads, and the vocabulary."""

    @property
    def hidden(self) -> int:
        """Numbers of a state."""
        ...

    @property
    def vocab(self) -> int:
        """Tokens, the rows of the language model's head."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor of a head's file: the numbers of `places`, one after the other; zeros where there is none."""

    name: str
    shape: tuple[int, ...]
    places: tuple[Tensor, ...]

    def read(self) -> NDArray[np.float32]:
        """Read it whole, as float32.

        Raises:
            CheckpointError: the file ends early or a value is NaN or infinite.
        """
        if not self.places:
            return np.zeros(self.shape, np.float32)
        return np.concatenate([rows.ravel() for place in self.places for rows in place.rows(SLAB)]).reshape(self.shape)


def choose_readout(tensors: dict[str, Tensor], folder: Path) -> Readout:
    """Tell from a checkpoint's tensors how it is read.

    Raises:
        CheckpointError: there is no head, or an outcome head, whose prompt and range no tensor tells.
    """
    if HEAD[2] in tensors and tensors[HEAD[2]].shape[0] == 1:
        raise CheckpointError(f"{folder}: an outcome head: only a card says how it is asked; give one with --card")
    if ENSEMBLE[0] in tensors:
        return Readout(kind="ensemble", activation="sigmoid")
    for weight, _ in LINEAR_HEADS:
        if weight in tensors:
            outputs = tensors[weight].shape[0] if tensors[weight].shape else 0
            return Readout(kind="linear", activation="sigmoid" if outputs == 1 else "softmax")
    if not any(name in tensors for name in HEAD) and not any(name.startswith("score.") for name in tensors):
        raise CheckpointError(
            f"{folder}: no reward head (score.…, v_head.…); if its language model judges by two tokens, say which with"
            " --card"
        )
    return Readout(kind="mlp")


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the models of a family are had.

    `parts` finds the head's tensors in a checkpoint. `by_tokens`: the head is rows of the language model's, which only
    the vocabulary finds, and any GGUF of it holds them. `usual_prompt`: without a card it is Qwen's. `paired`: two
    whole models are read, the other being the card's reference. `elsewhere` says how a model is had that is not pulled.
    """

    parts: "FindParts"
    by_tokens: bool = False
    usual_prompt: bool = False
    paired: bool = False
    elsewhere: str = ""


def conversion_of(readout: Readout) -> Conversion:
    """Return how a readout's models are had."""
    return CONVERSIONS[readout.kind]


def head_parts(
    tensors: dict[str, Tensor], shape: Sizes, readout: Readout, tokens: Sequence[str], folder: Path
) -> list[Part]:
    """Find the head that a readout reads; `tokens` is the vocabulary, by id.

    Raises:
        CheckpointError: a tensor is missing or of the wrong shape, or a token of the pair is not in the vocabulary.
    """
    return conversion_of(readout).parts(tensors, shape, readout, tokens, folder)


def _mlp(
    tensors: dict[str, Tensor], shape: Sizes, readout: Readout, _tokens: Sequence[str], folder: Path
) -> list[Part]:
    hidden, outputs = shape.hidden, OUTPUTS[readout.activation]
    shapes: tuple[tuple[int, ...], ...] = ((hidden, hidden), (hidden,), (outputs, hidden), (outputs,))
    names = readout.tensors or HEAD
    if len(names) != len(HEAD):
        raise CheckpointError(f"{folder}: the card's readout.tensors must name {len(HEAD)} tensors of an MLP head")
    return [
        Part(name, size, (take(tensors, source, size, folder),))
        for name, source, size in zip(MLP_TENSORS, names, shapes, strict=True)
    ]


def _ensemble(
    tensors: dict[str, Tensor], shape: Sizes, readout: Readout, _tokens: Sequence[str], folder: Path
) -> list[Part]:
    """Take the tensors of an ensemble; how many heads it has and how wide they are, its first one says."""
    names, hidden = readout.tensors or ENSEMBLE, shape.hidden
    if len(names) != len(ENSEMBLE):
        raise CheckpointError(f"{folder}: the card's readout.tensors must name {len(ENSEMBLE)} tensors of an ensemble")
    first = tensors.get(names[0])
    heads, _, middle = first.shape if first is not None and len(first.shape) == 3 else (0, hidden, 0)  # noqa: PLR2004
    return [
        Part(name, size, (take(tensors, source, size, folder),))
        for name, source, size in zip(ENSEMBLE_TENSORS, names, ensemble_shapes(heads, hidden, middle), strict=True)
    ]


def _none(
    _tensors: dict[str, Tensor], _shape: Sizes, readout: Readout, _tokens: Sequence[str], folder: Path
) -> list[Part]:
    raise CheckpointError(f"{folder}: a model that is read by {readout.kind!r} has no head to convert")


def _linear(
    tensors: dict[str, Tensor], shape: Sizes, readout: Readout, _tokens: Sequence[str], folder: Path
) -> list[Part]:
    hidden, outputs = shape.hidden, OUTPUTS[readout.activation]
    known = (readout.tensors,) if readout.tensors else LINEAR_HEADS
    names = next((names for names in known if names[0] in tensors), known[0])
    size = (outputs, hidden)
    weight = Part(LINEAR_TENSORS[0], size, (take(tensors, names[0], size, folder),))
    with_bias = len(names) > 1 and (names[1] in tensors or bool(readout.tensors))
    places = (take(tensors, names[1], (outputs,), folder),) if with_bias else ()
    return [weight, Part(LINEAR_TENSORS[1], (outputs,), places)]


def _token_pair(
    tensors: dict[str, Tensor], shape: Sizes, readout: Readout, tokens: Sequence[str], folder: Path
) -> list[Part]:
    """Take the rows of the wrong step's token and the right one's: class 1 is the positive one, as everywhere."""
    name = next((name for name in (*LM_HEADS, *EMBEDDINGS) if name in tensors), LM_HEADS[0])
    matrix = take(tensors, name, (shape.vocab, shape.hidden), folder)
    right, wrong = pair_ids(readout, tokens, folder)
    rows = tuple(_row(matrix, number) for number in (wrong, right))
    return [Part(LINEAR_TENSORS[0], (2, shape.hidden), rows), Part(LINEAR_TENSORS[1], (2,), ())]


FindParts = Callable[[dict[str, Tensor], Sizes, Readout, Sequence[str], Path], list[Part]]
CONVERSIONS: Final[Mapping[Kind, Conversion]] = {
    "mlp": Conversion(_mlp, usual_prompt=True),
    "outcome": Conversion(_mlp),
    "linear": Conversion(_linear),
    "ensemble": Conversion(_ensemble),
    "token_pair": Conversion(_token_pair, by_tokens=True),
    "log_ratio": Conversion(_none, paired=True),
    "critic": Conversion(
        _none, elsewhere="is a critic and needs no conversion: give its GGUF file or a server's address with --critic"
    ),
}


def pair_ids(readout: Readout, tokens: Sequence[str], where: Path) -> tuple[int, int]:
    """Return the ids of the tokens for a right step and for a wrong one.

    Raises:
        CheckpointError: the card names no pair, or a token that the vocabulary does not have.
    """
    if len(readout.tokens) != 2 or readout.positive != 1:  # noqa: PLR2004 (a pair)
        raise CheckpointError(f"{where}: the card's readout.tokens must name two tokens: the right step's, the wrong's")
    ids = {token: number for number, token in enumerate(tokens)}
    for token in readout.tokens:
        if token not in ids:
            raise CheckpointError(f"{where}: the card's readout.tokens: {token!r} is no token of this vocabulary")
    right, wrong = readout.tokens
    return ids[right], ids[wrong]


def _row(matrix: Tensor, number: int) -> Tensor:
    """Return one row of a matrix as a tensor of its own."""
    size = ELEMENT[matrix.dtype].itemsize * prod(matrix.shape[1:])
    return Tensor(matrix.name, matrix.dtype, matrix.shape[1:], matrix.file, matrix.offset + number * size, size)


def pack_head(arrays: dict[str, NDArray[np.float32]]) -> bytes:
    """Return a head as a safetensors file, float32."""
    from safetensors.numpy import save

    return save(arrays)
