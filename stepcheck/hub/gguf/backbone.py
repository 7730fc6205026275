"""The backbone: which tensors it has, under which names, in which types, and its GGUF file.

Owns the names of both sides and the writing of the file, tensor by tensor. Refuses a checkpoint with a tensor too few
or one that the graph has no place for. Qwen2 and Qwen3 become llama.cpp's `qwen2`
and `qwen3`; Llama and Mistral become its `llama`.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.closing import Closing
from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.checkpoint.tensors import HEADS, SLAB, UNUSED, Tensor, take
from stepcheck.hub.checkpoint.tokenizer import Tokenizer
from stepcheck.hub.disk.hashes import hash_file
from stepcheck.hub.gguf.quantize import FILE_TYPE, Quantizer, TensorType, WeightType, choose_type

if TYPE_CHECKING:
    from gguf import GGUFWriter

PREFIXES: Final = ("model.", "", "pretrained_model.model.")
"""What may stand before a backbone tensor's name: a whole model's, a bare backbone's, a wrapped one's (trl)."""
REGULARIZER: Final = "score.reg_model."
"""An ensemble's heads as they were before training, kept for its loss alone (ActPRM)."""
ALIGNMENT: Final = 32
"""GGUF's default: every tensor starts at a multiple of it."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A query or key matrix as llama.cpp's `llama` graph wants it.

    That graph turns neighbouring rows of a head as pairs; checkpoints pair a row of a head's first half with one of its
    second half. `head` is the rows of one head; whole heads are taken at a time.
    """

    tensor: Tensor
    head: int

    @property
    def name(self) -> str:
        """The name of the tensor."""
        return self.tensor.name

    @property
    def file(self) -> Path:
        """The file that the tensor lies in."""
        return self.tensor.file

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the tensor, the outermost first."""
        return self.tensor.shape

    def rows(self, most: int) -> Iterator[NDArray[np.float32]]:
        """Yield the matrix in slabs of whole heads; errors as in `Tensor.rows`."""
        columns = self.shape[-1]
        slab = max(1, most // (self.head * columns)) * self.head * columns
        for rows in self.tensor.rows(slab):
            yield turn_heads(rows, self.head)


def turn_heads(rows: NDArray[np.float32], head: int) -> NDArray[np.float32]:
    """Bring the rows of whole heads, `head` each, from a checkpoint's order into that of llama.cpp's `llama` graph."""
    halves = rows.reshape(-1, 2, head // 2, rows.shape[-1])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows.shape)


def is_turned(family: str, name: str) -> bool:
    """Tell whether the rows of a GGUF's matrix have that order: queries and keys of a `llama`, no other family's."""
    return family == "llama" and name.endswith(("attn_q.weight", "attn_k.weight"))


@dataclass(frozen=True, slots=True)
class Computed:
    """A vector that no checkpoint holds but the GGUF must; `file` is where its numbers come from."""

    name: str
    file: Path
    values: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the tensor, the outermost first."""
        return (len(self.values),)

    def rows(self, most: int) -> Iterator[NDArray[np.float32]]:  # noqa: ARG002 (a source's)
        """Yield it as one row."""
        yield np.array([self.values], np.float32)


Source = Tensor | Rotated | Computed


def placed(source: Source, place: Callable[[Tensor], Tensor]) -> Source:
    """Return a source whose tensor lies where `place` says."""
    if isinstance(source, Computed):
        return source
    return replace(source, tensor=place(source.tensor)) if isinstance(source, Rotated) else place(source)


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor on its way: from `source` to the GGUF's `name` as `kind`."""

    name: str
    source: Source
    kind: TensorType


def layout(shape: Shape) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return GGUF name → (checkpoint name without prefix, shape), in the file's order.

    The language model's head is left out: rewards are read before it, so it would be dead weight (0.4 GB of a 7B in
    q4_k_m); llama.cpp then takes the embedding in its place, as for tied embeddings.
    """
    hidden, inner = shape.hidden, shape.feed_forward
    wide, narrow = shape.head * shape.heads, shape.head * shape.kv_heads
    block: dict[str, tuple[str, tuple[int, ...]]] = {
        "attn_norm.weight": ("input_layernorm.weight", (hidden,)),
        "attn_q.weight": ("self_attn.q_proj.weight", (wide, hidden)),
        "attn_q.bias": ("self_attn.q_proj.bias", (wide,)),
        "attn_k.weight": ("self_attn.k_proj.weight", (narrow, hidden)),
        "attn_k.bias": ("self_attn.k_proj.bias", (narrow,)),
        "attn_v.weight": ("self_attn.v_proj.weight", (narrow, hidden)),
        "attn_v.bias": ("self_attn.v_proj.bias", (narrow,)),
        "attn_output.weight": ("self_attn.o_proj.weight", (hidden, wide)),
        "ffn_norm.weight": ("post_attention_layernorm.weight", (hidden,)),
        "ffn_gate.weight": ("mlp.gate_proj.weight", (inner, hidden)),
        "ffn_up.weight": ("mlp.up_proj.weight", (inner, hidden)),
        "ffn_down.weight": ("mlp.down_proj.weight", (hidden, inner)),
    }
    if shape.family != "qwen2":
        block = {key: value for key, value in block.items() if not key.endswith(".bias")}
    if shape.family == "qwen3":
        norms = {"attn_q_norm.weight": "self_attn.q_norm.weight", "attn_k_norm.weight": "self_attn.k_norm.weight"}
        block |= {name: (source, (shape.head,)) for name, source in norms.items()}
    names: dict[str, tuple[str, tuple[int, ...]]] = {
        "token_embd.weight": ("embed_tokens.weight", (shape.vocab, hidden))
    }
    for layer in range(shape.layers):
        names |= {f"blk.{layer}.{key}": (f"layers.{layer}.{name}", size) for key, (name, size) in block.items()}
    return names | {"output_norm.weight": ("norm.weight", (hidden,))}


def plan(
    shape: Shape, tensors: dict[str, Tensor], weight_type: WeightType, folder: Path, *, writes: bool = False
) -> list[Weight]:
    """Decide name and type of every backbone tensor; a model that `writes` keeps its language model's head.

    Raises:
        CheckpointError: a tensor is missing, too many, or of the wrong shape or type.
    """
    prefix = next((p for p in PREFIXES if f"{p}embed_tokens.weight" in tensors), "")
    weights = [
        Weight(
            name,
            _arranged(name, take(tensors, prefix + source, size, folder), shape),
            _kind(name, size, weight_type, shape.layers),
        )
        for name, (source, size) in layout(shape).items()
    ]
    known = {weight.source.name for weight in weights} | HEADS
    for name in tensors:
        if name not in known and not name.endswith(UNUSED) and not name.startswith(REGULARIZER):
            raise CheckpointError(
                f"{folder}: tensor {name} has no place in a {shape.family} reward model of {shape.layers} layers"
            )
    lm_head = next((name for name in tensors if name.endswith("lm_head.weight")), None)
    if writes and lm_head is not None:
        matrix = take(tensors, lm_head, (shape.vocab, shape.hidden), folder)
        kind = choose_type("output.weight", shape.hidden, weight_type, layers=shape.layers, tied=False)
        weights.append(Weight("output.weight", matrix, kind))
    if shape.rope_factors:
        factors = Computed("rope_freqs.weight", weights[-1].source.file, shape.rope_factors)
        weights.append(Weight(factors.name, factors, TensorType.F32))
    return weights


def _arranged(name: str, tensor: Tensor, shape: Shape) -> Source:
    """Bring queries and keys into the order of llama.cpp's graph; its `qwen2` and `qwen3` have the checkpoint's."""
    return Rotated(tensor, shape.head) if is_turned(shape.family, name) else tensor


def _kind(name: str, shape: tuple[int, ...], weight_type: WeightType, layers: int) -> TensorType:
    """Vectors stay float32, as llama.cpp keeps norms and biases."""
    return TensorType.F32 if len(shape) == 1 else choose_type(name, shape[-1], weight_type, layers=layers, tied=True)


class BackboneFile(Closing):
    """A GGUF whose tensors may come in any order, each written to the place that its header gives it.

    A file that is there already with this very header is gone on with, any other is begun anew; `begun` tells which.
    A context manager.
    """

    def __init__(
        self,
        path: Path,
        shape: Shape,
        tokenizer: Tokenizer,
        weights: list[Weight],
        weight_type: WeightType,
        *,
        name: str,
        quantizer: Quantizer | None = None,
    ) -> None:
        self._path, self._quantizer, self._threads = path, quantizer or Quantizer(), min(8, os.cpu_count() or 1)
        sizes = [_nbytes(self._quantizer, weight) for weight in weights]
        header = path.with_name(path.name + ".header")
        _write_header(header, shape, tokenizer, list(zip(weights, sizes, strict=True)), weight_type, name)
        end = header.stat().st_size
        self._offsets: dict[str, int] = {}
        for weight, size in zip(weights, sizes, strict=True):
            end = _aligned(end)
            self._offsets[weight.name] = end
            end += size
        self.size = _aligned(end)
        self.begun = _same_start(path, header, self.size)
        if self.begun:
            header.unlink()
        else:
            header.replace(path)
            os.truncate(path, self.size)

    def write(self, weights: Iterable[Weight], on_weights: Callable[[int], None]) -> None:
        """Convert tensors to their places and see them on the disk; `on_weights` hears how many weights were added.

        Raises:
            CheckpointError: a shard breaks off or holds weights that do not fit.
        """
        with self._path.open("r+b") as file, ThreadPoolExecutor(self._threads) as pool:
            for weight in weights:
                file.seek(self._offsets[weight.name])
                for rows in weight.source.rows(SLAB):
                    parts = _parts(rows, self._threads)
                    for data in pool.map(lambda part, weight=weight: _convert(self._quantizer, part, weight), parts):
                        file.write(data)
                    on_weights(rows.size)
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Free what the conversion took; the file itself is closed."""
        self._quantizer.close()


def write_backbone(
    path: Path,
    shape: Shape,
    tokenizer: Tokenizer,
    weights: list[Weight],
    weight_type: WeightType,
    *,
    name: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> str:
    """Write the GGUF and return its sha256; `on_progress` hears weights done and weights in all.

    Raises:
        CheckpointError: a shard breaks off or holds weights that do not fit.
    """
    total, done = count_weights(weights), 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        if on_progress is not None:
            on_progress(done, total)

    with BackboneFile(path, shape, tokenizer, weights, weight_type, name=name) as file:
        file.write(weights, add)
    return hash_file(path)


def count_weights(weights: Iterable[Weight]) -> int:
    """Count the numbers in tensors."""
    return sum(math.prod(weight.source.shape) for weight in weights)


def backbone_size(shape: Shape, weight_type: WeightType) -> int:
    """Return how many bytes the tensors of such a file take, without its header."""
    quantizer, size = Quantizer(), 0
    for name, (_, dims) in layout(shape).items():
        kind = _kind(name, dims, weight_type, shape.layers)
        size += _aligned(math.prod(dims[:-1]) * quantizer.row_bytes(kind, dims[-1]))
    return size


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _same_start(path: Path, header: Path, size: int) -> bool:
    """Whether a file of this size begins with this header."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    start = header.read_bytes()
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _nbytes(quantizer: Quantizer, weight: Weight) -> int:
    *rows, columns = weight.source.shape
    return math.prod(rows) * quantizer.row_bytes(weight.kind, columns)


def _write_header(
    path: Path, shape: Shape, tokenizer: Tokenizer, sized: list[tuple[Weight, int]], weight_type: WeightType, name: str
) -> None:
    """Write everything that stands before the tensors' data."""
    import gguf

    writer = gguf.GGUFWriter(path, shape.family)
    try:
        writer.add_name(name)
        writer.add_file_type(FILE_TYPE[weight_type])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _add_shape(writer, shape)
        _add_tokenizer(writer, tokenizer)
        for weight, size in sized:
            kind = gguf.GGMLQuantizationType(weight.kind)
            writer.add_tensor_info(weight.name, weight.source.shape, np.dtype(np.float32), size, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()


def _add_shape(writer: "GGUFWriter", shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_rope_dimension_count(shape.head)
    if shape.head_dim:
        writer.add_key_length(shape.head_dim)
        writer.add_value_length(shape.head_dim)
    writer.add_layer_norm_rms_eps(shape.eps)


def _add_tokenizer(writer: "GGUFWriter", tokenizer: Tokenizer) -> None:
    writer.add_tokenizer_model(tokenizer.model)
    writer.add_tokenizer_pre(tokenizer.pre)
    writer.add_token_list(tokenizer.tokens)
    writer.add_token_types(tokenizer.types)
    if tokenizer.model == "llama":
        writer.add_token_scores(tokenizer.scores)
        writer.add_add_space_prefix(False)  # the card's template says where spaces are
    else:
        writer.add_token_merges(tokenizer.merges)
    for add, number in (
        (writer.add_bos_token_id, tokenizer.bos),
        (writer.add_eos_token_id, tokenizer.eos),
        (writer.add_pad_token_id, tokenizer.pad),
    ):
        if number is not None:
            add(number)
    # The card's template says all that stands before a problem; nothing may be put there unseen.
    writer.add_add_bos_token(False)


def _parts(rows: NDArray[np.float32], count: int) -> list[NDArray[np.float32]]:
    """Cut a matrix between rows; rows are quantized one by one, so the cuts leave no trace."""
    return [part for part in np.array_split(rows, count) if part.size]


def _convert(quantizer: Quantizer, rows: NDArray[np.float32], weight: Weight) -> bytes:
    """Turn rows into the file's bytes, naming file and tensor in an error."""
    try:
        return quantizer.quantize(rows, weight.kind)
    except CheckpointError as error:
        raise CheckpointError(f"{weight.source.file}: tensor {weight.source.name}: {error}") from error
