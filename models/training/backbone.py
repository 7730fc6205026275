"""A backbone for training: a GGUF's weights, dequantized exactly, in transformers' model of its family, and frozen.

Owns the way from a GGUF to PyTorch and its tokenizer, which is the engine's own, so that a judge is trained on the very
tokens and weights that it is read with. A Hugging Face folder is first made a GGUF by the project's own converter.
Refuses families and scaled positions that it does not know.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stepcheck.engine.binding import lib
from stepcheck.engine.vocabulary import Vocabulary
from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import find_tensors
from stepcheck.hub.checkpoint.shape import Shape, read_shape
from stepcheck.hub.checkpoint.tokenizer import read_tokenizer
from stepcheck.hub.gguf.backbone import is_turned, layout, plan, write_backbone
from stepcheck.hub.gguf.header import read_layout
from stepcheck.hub.gguf.pairs import OUTPUT
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import Template

CLASSES: Final = {"qwen2": "Qwen2", "qwen3": "Qwen3", "llama": "Llama"}
"""llama.cpp's architectures and transformers' names."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A language model in float32 that nothing changes; `encode(text, special)` gives token ids."""

    path: Path
    shape: Shape
    model: nn.Module
    encode: Callable[[str, bool], list[int]]
    decode: Callable[[list[int]], str]
    ends: tuple[int, ...]
    """Tokens that end what it writes."""


def prepare(source: Path, template: Template, target: Path, weight_type: WeightType) -> Path:
    """Return a GGUF: the file itself, or one that is made of a Hugging Face folder as `target`.

    Raises:
        CheckpointError: the folder is no checkpoint that is known.
    """
    if source.is_file():
        return source
    shape = read_shape(source)
    tokenizer = read_tokenizer(source, shape.vocab, template)
    weights = plan(shape, find_tensors(source), weight_type, source, writes=True)
    write_backbone(target, shape, tokenizer, weights, weight_type, name=target.stem)
    return target


def read_backbone(path: Path, device: str = "cpu") -> Backbone:
    """Read a GGUF into PyTorch, in float32.

    Raises:
        CheckpointError: a family, or positions, that are not known here, or a tensor is missing.
        ModelError: it is no GGUF.
    """
    values, tensors = read_layout(path)
    shape = _shape(path, values, tied=OUTPUT not in tensors)
    if "rope_freqs.weight" in tensors:
        raise CheckpointError(f"{path}: scaled rotary positions (rope_freqs.weight) are not trained here")
    model = _empty(shape)
    state = dict(_state(path, shape))
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(not name.endswith("lm_head.weight") for name in missing):
        raise CheckpointError(f"{path}: lacks {missing[:3]} or has {unexpected[:3]}, which {shape.family} has not")
    model.tie_weights() if shape.tied else None
    model.requires_grad_(requires_grad=False)
    encode, decode, ends = _tokenizer(path)
    return Backbone(path, shape, model.to(device).eval(), encode, decode, ends)


def _shape(path: Path, values: dict[str, Any], *, tied: bool) -> Shape:
    family = str(values.get("general.architecture", ""))
    if family not in CLASSES:
        raise CheckpointError(f"{path}: the architecture {family!r:.40} is not trained here: {', '.join(CLASSES)} are")

    def of(key: str) -> Any:  # noqa: ANN401 (a GGUF's value)
        if f"{family}.{key}" not in values:
            raise CheckpointError(f"{path}: has no {family}.{key}")
        return values[f"{family}.{key}"]

    own = values.get(f"{family}.attention.key_length", 0)
    return Shape(
        architecture=f"{CLASSES[family]}ForProcessRewardModel",
        hidden=of("embedding_length"),
        layers=of("block_count"),
        heads=of("attention.head_count"),
        kv_heads=of("attention.head_count_kv"),
        feed_forward=of("feed_forward_length"),
        vocab=len(values.get("tokenizer.ggml.tokens", ())),
        context=of("context_length"),
        eps=of("attention.layer_norm_rms_epsilon"),
        rope_theta=values.get(f"{family}.rope.freq_base", 10000.0),
        family=family,
        tied=tied,
        head_dim=own if own != of("embedding_length") // of("attention.head_count") else 0,
    )


def _empty(shape: Shape) -> Any:  # noqa: ANN401 (transformers has no types)
    """Make transformers' model of this shape."""
    import transformers

    name = CLASSES[shape.family]
    config = getattr(transformers, f"{name}Config")(
        vocab_size=shape.vocab,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.eps,
        rope_theta=shape.rope_theta,
        tie_word_embeddings=shape.tied,
    )
    return getattr(transformers, f"{name}ForCausalLM")(config).float()


def _state(path: Path, shape: Shape) -> Any:  # noqa: ANN401 (an iterator of names and tensors)
    """Yield the tensors under transformers' names."""
    names = {name: source for name, (source, _) in layout(shape).items()}
    for tensor in gguf.GGUFReader(path).tensors:
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])
        if tensor.name == OUTPUT:
            yield "lm_head.weight", torch.from_numpy(np.array(weights, np.float32))
            continue
        if tensor.name not in names:
            raise CheckpointError(f"{path}: tensor {tensor.name} has no place in a {shape.family}")
        if is_turned(shape.family, tensor.name):
            weights = turn_back(weights, shape.head)
        yield f"model.{names[tensor.name]}", torch.from_numpy(np.array(weights, np.float32))


def turn_back(rows: NDArray[np.float32], head: int) -> NDArray[np.float32]:
    """Bring queries or keys from the order of llama.cpp's `llama` graph into a checkpoint's; undoes `turn_heads`."""
    pairs = rows.reshape(-1, head // 2, 2, rows.shape[-1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(rows.shape)


def _tokenizer(path: Path) -> tuple[Callable[[str, bool], list[int]], Callable[[list[int]], str], tuple[int, ...]]:
    """Return the engine's tokenizer of a file, both ways, and the tokens that end a text."""
    quiet = lib.llama_log_callback(lambda _level, _text, _data: None)
    lib.llama_log_set(quiet, ctypes.c_void_p(0))
    parameters = lib.llama_model_default_params()
    parameters.vocab_only = True
    model = lib.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise CheckpointError(f"{path}: llama.cpp cannot read its tokenizer")
    vocabulary = Vocabulary(model)

    def encode(text: str, special: bool) -> list[int]:
        return list(map(int, vocabulary.tokenize(text, special=special)))

    def decode(ids: list[int]) -> str:
        return b"".join(map(vocabulary.piece, ids)).decode(errors="replace")

    encode.kept = (model, quiet)  # type: ignore[attr-defined]  # both live as long as the tokenizer
    return encode, decode, tuple(filter(vocabulary.ends, range(vocabulary.size)))
