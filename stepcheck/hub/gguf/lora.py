"""Writing an adapter: a LoRA as the GGUF that llama.cpp lays over a backbone.

Owns the names, the order of queries and keys, the one scale that such a file has, and the type of its matrices. Refuses
a LoRA of another backbone with both names. Format: llama.cpp's adapter files (`general.type` adapter, `adapter.type`
lora, `adapter.lora.alpha`, and X.lora_a, X.lora_b for a tensor X, whose change is alpha / rank · b·a).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.peft import PROJECTIONS, PeftAdapter
from stepcheck.hub.checkpoint.shape import FAMILIES, Shape
from stepcheck.hub.checkpoint.tensors import SLAB, Tensor
from stepcheck.hub.gguf.backbone import is_turned, layout, turn_heads
from stepcheck.hub.gguf.header import read_layout
from stepcheck.hub.gguf.quantize import TensorType, WeightType

if TYPE_CHECKING:
    from gguf import GGUFWriter

Floats = NDArray[np.float32]
NAMES: Final = dict(
    zip(
        PROJECTIONS,
        ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"),
        strict=True,
    )
)
"""Projections by their names in a checkpoint and in a GGUF."""
BLOCK: Final = TensorType.Q8_0.block
LARGEST_HALF: Final = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one matrix of a GGUF, scaling·up·down: down is (rank, columns), up (rows, rank)."""

    name: str
    down: Floats
    up: Floats
    scaling: float


@dataclass(frozen=True, slots=True)
class Target:
    """The backbone that is changed: its matrices' (rows, columns) by their GGUF names, and the rows of a head."""

    name: str
    architecture: str
    sizes: dict[str, tuple[int, ...]]
    head: int


def target_of_shape(shape: Shape, folder: Path) -> Target:
    """Describe a checkpoint's backbone."""
    return Target(str(folder), shape.family, {name: size for name, (_, size) in layout(shape).items()}, shape.head)


def target_of_gguf(path: Path) -> Target:
    """Describe a ready backbone.

    Raises:
        ModelError: the file is no GGUF that can be used.
    """
    values, tensors = read_layout(path)
    family = str(values.get("general.architecture", ""))
    heads, hidden = values.get(f"{family}.attention.head_count"), values.get(f"{family}.embedding_length")
    head = values.get(f"{family}.attention.key_length")
    if not isinstance(head, int):
        head = hidden // heads if isinstance(hidden, int) and isinstance(heads, int) and heads else 0
    return Target(str(path), family, {name: size[::-1] for name, size in tensors.items()}, head)


def changes_of(adapter: PeftAdapter, target: Target) -> list[Change]:
    """Read a PEFT adapter's matrices, in the order that the target's graph wants.

    Raises:
        CheckpointError: it was trained on another model, or its weights cannot be read.
    """
    _check_class(adapter, target)
    found = []
    for pair in sorted(adapter.pairs, key=lambda pair: (pair.layer, PROJECTIONS.index(pair.projection))):
        name = matrix_name(pair.layer, pair.projection)
        size = target.sizes.get(name)
        if size is None:
            raise CheckpointError(
                f"{pair.down.file}: changes {pair.projection} of layer {pair.layer}, which {target.name} does not have:"
                f" it was trained on {adapter.base:.120}"
            )
        if (pair.up.shape[0], pair.down.shape[1]) != size:
            raise CheckpointError(
                f"{pair.down.file}: changes {pair.projection} of {pair.up.shape[0]}×{pair.down.shape[1]}, but in"
                f" {target.name} it has {size[0]}×{size[1]}: it was trained on {adapter.base:.120}"
            )
        down, up = _read(pair.down), _read(pair.up)
        found.append(change_of(name, down, up, pair.scaling, family=target.architecture, head=target.head))
    _check_whole(adapter, target)
    return found


def matrix_name(layer: int, projection: str) -> str:
    """Return a GGUF's name of a projection's matrix."""
    return f"blk.{layer}.{NAMES[projection]}.weight"


def change_of(name: str, down: Floats, up: Floats, scaling: float, *, family: str, head: int) -> Change:
    """Make a change of a checkpoint's matrix one of a GGUF's; `head` is the rows of one head."""
    return Change(name, down, turn_heads(up, head) if is_turned(family, name) else up, scaling)


def _check_whole(adapter: PeftAdapter, target: Target) -> None:
    """Refuse an adapter that lacks a projection which its config targets in every layer."""
    there = {(pair.layer, pair.projection) for pair in adapter.pairs}
    layers = {int(name.split(".")[1]) for name in target.sizes if name.startswith("blk.")}
    for layer, projection in ((layer, name) for layer in sorted(layers) for name in adapter.everywhere):
        if (layer, projection) not in there:
            raise CheckpointError(
                f"{adapter.folder}: has no LoRA for {projection} of layer {layer}, which its config targets and"
                f" {target.name} has: it is not whole, or was trained on another model than this"
                f" ({adapter.base:.120})"
            )


def _check_class(adapter: PeftAdapter, target: Target) -> None:
    """Refuse an adapter whose config names a class of another family."""
    known = {f"{family}for": graph for family, graph in FAMILIES.items()}
    family = next((graph for name, graph in known.items() if adapter.base_class.lower().startswith(name)), "")
    if family not in ("", target.architecture):
        raise CheckpointError(
            f"{adapter.folder}: was trained on {adapter.base:.120}, a {adapter.base_class:.60}, but {target.name} is"
            f" {target.architecture}"
        )


def _read(tensor: Tensor) -> Floats:
    return np.concatenate(list(tensor.rows(SLAB)))


def half_type(weight_type: WeightType) -> TensorType:
    """Choose the type of an adapter for a backbone of some type.

    Over quantized weights q8_0, whose error is far below theirs: an adapter of rank 16 over a 0.5B costs 6 to 9 % of
    the time with it and 13 to 16 % in f16. Never bf16, which took 72 %.
    """
    if weight_type is WeightType.F32:
        return TensorType.F32
    return TensorType.F16 if weight_type in (WeightType.F16, WeightType.BF16) else TensorType.Q8_0


def write_adapter(path: Path, architecture: str, changes: Sequence[Change], kind: TensorType, *, name: str) -> None:
    """Write an adapter's GGUF.

    A file has one alpha, and every change alpha / rank for a scale: where scalings differ, the difference goes into
    `up`. In q8_0 a rank is filled up with zeros to whole blocks.
    """
    import gguf

    alpha = Counter(change.scaling * _rank(change, kind) for change in changes).most_common(1)[0][0]
    writer = gguf.GGUFWriter(path, architecture)
    try:
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        for change in changes:
            for place, half in zip(("lora_a", "lora_b"), _halves(change, alpha, kind), strict=True):
                _add(writer, f"{change.name}.{place}", half, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _rank(change: Change, kind: TensorType) -> int:
    """Return the rank that a change has in a file."""
    block = BLOCK if kind is TensorType.Q8_0 else 1
    return -(-len(change.down) // block) * block


def _halves(change: Change, alpha: float, kind: TensorType) -> tuple[Floats, Floats]:
    """Return both halves such that alpha / rank is their scale."""
    rank = _rank(change, kind)
    more = rank - len(change.down)
    down, up = np.pad(change.down, ((0, more), (0, 0))), np.pad(change.up, ((0, 0), (0, more)))
    rest = np.float32(change.scaling * rank / alpha)
    return down, up if rest == 1 else up * rest


def _add(writer: "GGUFWriter", name: str, half: Floats, kind: TensorType) -> None:
    """Add a matrix in a type, or in float32 where it holds numbers that 16 bits do not."""
    import gguf

    if kind is TensorType.F32 or np.abs(half).max(initial=0.0) > LARGEST_HALF:
        writer.add_tensor(name, half)
    elif kind is TensorType.F16 or half.shape[1] % BLOCK:
        writer.add_tensor(name, half.astype(np.float16))
    else:
        quantized = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(half, quantized), raw_dtype=quantized)
