"""An adapter's header against its backbone's: whether a LoRA can be laid over a file, found without llama.cpp.

Refuses an adapter of another architecture, another backbone or a rank that its two halves do not share, with both
files' names. Format: llama.cpp's adapter files, `general.type` adapter, `X.lora_a` and `X.lora_b` for a tensor X.
"""

from pathlib import Path
from typing import Final

from stepcheck.errors import ModelError
from stepcheck.hub.gguf.header import read_layout

HALVES: Final = (".lora_a", ".lora_b")
EMBEDDING: Final = "token_embd.weight"
"""The one matrix whose rows are looked up: its halves are the other way round."""
Shape = tuple[int, ...]


def check_adapter(adapter: Path, backbone: Path) -> None:
    """Check that an adapter is one of this backbone.

    Raises:
        ModelError: it is no LoRA adapter, or one of another architecture or other shapes.
    """
    values, tensors = read_layout(adapter)
    base_values, base = read_layout(backbone)
    kind = (str(values.get("general.type", "")), str(values.get("adapter.type", "")))
    if kind != ("adapter", "lora"):
        said = f"general.type {kind[0]!r:.40}, adapter.type {kind[1]!r:.40}"
        raise ModelError(f"{adapter}: is no LoRA adapter ({said}): make one with llama.cpp's convert_lora_to_gguf.py")
    if any(key.startswith("adapter.alora.") for key in values):
        raise ModelError(
            f"{adapter}: counts from a phrase on only (aLoRA), but a judge reads {backbone} with it throughout"
        )
    ours, theirs = (str(each.get("general.architecture", "")) for each in (values, base_values))
    if ours != theirs:
        raise ModelError(
            f"{adapter}: is an adapter of the architecture {ours!r:.40}, but {backbone} is {theirs!r:.40}:"
            " take the adapter and the backbone that were trained together"
        )
    if not tensors:
        raise ModelError(f"{adapter}: holds no tensor: it changes nothing of {backbone}")
    for name in {part: None for tensor in tensors if (part := _base_of(tensor, adapter))}:
        _check_halves(name, tensors, base.get(name), (adapter, backbone))


def _base_of(tensor: str, adapter: Path) -> str:
    """Return the name of the matrix that a tensor of the adapter changes."""
    for ending in HALVES:
        if tensor.endswith(ending):
            return tensor.removesuffix(ending)
    raise ModelError(f"{adapter}: tensor {tensor!r:.80} is no half of a LoRA ({' or '.join(HALVES)})")


def _check_halves(name: str, tensors: dict[str, Shape], base: Shape | None, files: tuple[Path, Path]) -> None:
    """Check that both halves of one matrix are there, share their rank, and have the backbone's shape."""
    adapter, backbone = files
    halves = [tensors.get(name + ending) for ending in HALVES]
    if base is None:
        raise ModelError(f"{adapter}: changes {name!r:.80}, which {backbone} does not have: it is of another backbone")
    down, up = halves
    if down is None or up is None or len(down) != 2 or len(up) != 2:  # noqa: PLR2004 (matrices)
        raise ModelError(f"{adapter}: {name!r:.80} needs two matrices, {' and '.join(HALVES)}, to change {backbone}")
    if name == EMBEDDING:
        rank, wanted = (down[0], up[0]), (up[1], down[1])
    else:
        rank, wanted = (down[1], up[0]), (down[0], up[1])
    if rank[0] != rank[1]:
        raise ModelError(
            f"{adapter}: the halves of {name!r:.80} have rank {rank[0]} and {rank[1]}, not one ({backbone})"
        )
    if wanted != base:
        raise ModelError(
            f"{adapter}: changes {name!r:.80} of shape {_words(wanted)}, but in {backbone} it has {_words(base)}:"
            " it is of another backbone"
        )


def _words(shape: Shape) -> str:
    return "×".join(map(str, shape))
