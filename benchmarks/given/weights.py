"""The models that benchmarks read with: random weights in the shapes of real ones; their rewards mean nothing.

Owns their making: the noise of `stepcheck.machine.speed`, behind the built-in model's vocabulary, which knows the
marks of Qwen's prompt, or one that is given: a real one makes fewer tokens of a text. Tensors, types and header are
those of a conversion. Only the numbers repeat: every matrix is one slab of them over and over. A model's name says its
shape and its type; one that is there is used again.
"""

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.checkpoint.tokenizer import Tokenizer, TokenType
from stepcheck.hub.convert import QWEN_TEMPLATE
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.hub.gguf.backbone import BackboneFile
from stepcheck.hub.gguf.quantize import Quantizer, TensorType, WeightType
from stepcheck.machine.speed import LAYERS, SHAPE, random_weights

CONTEXT = 4096
FOLDER = Path("build/benchmark-models")
SEVEN_B = replace(SHAPE, layers=LAYERS, context=CONTEXT)
"""Qwen2.5-Math-PRM-7B."""
HALF_B = replace(SEVEN_B, hidden=896, layers=24, heads=14, kv_heads=2, feed_forward=4864)
"""Qwen2.5-0.5B."""
MARK_ID = 151651
"""Where Qwen2.5-Math-PRM has its mark; in Qwen2.5's own vocabulary that place is `<|quad_end|>`'s."""
TINY = replace(SEVEN_B, layers=8, hidden=256, heads=4, kv_heads=2, feed_forward=768)


def read_vocabulary(path: Path | None = None) -> Tokenizer:
    """The tokenizer of a GGUF, by default of the built-in model; Qwen's mark takes the place that Qwen gave it."""
    fields = gguf.GGUFReader(path or builtin_dir() / "nano" / "nano.gguf").fields
    keys = ("tokens", "token_type", "merges", "pre")
    tokens, kinds, merges, pre = (fields[f"tokenizer.ggml.{key}"].contents() for key in keys)
    if QWEN_TEMPLATE.mark not in tokens:
        tokens[MARK_ID], kinds[MARK_ID] = QWEN_TEMPLATE.mark, TokenType.CONTROL
    end = tokens.index("<|im_end|>")
    return Tokenizer(tokens, [TokenType(kind) for kind in kinds], merges, pre, "none", None, end, end)


class Repeater(Quantizer):
    """Quantizes every part of the noise once per type."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[int, int, TensorType], bytes] = {}

    def quantize(self, rows: NDArray[np.float32], kind: TensorType) -> bytes:
        """Quantize, or say again what was made of these very weights; vectors stay as they are."""
        if kind is TensorType.F32:
            return rows.tobytes()
        key = (rows.ctypes.data, rows.size, kind)
        if key not in self._made:
            self._made[key] = super().quantize(rows, kind)
        return self._made[key]


def make_model(
    name: str, shape: Shape, kind: WeightType, folder: Path = FOLDER, vocabulary: Path | None = None
) -> Path:
    """The GGUF of a shape in a type; made once."""
    path = folder / f"random-{name}{'' if vocabulary is None else f'-{vocabulary.stem}'}-{kind}.gguf"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = read_vocabulary(vocabulary)
        shape = replace(shape, vocab=len(tokenizer.tokens))
        part = path.with_suffix(".part")
        weights = random_weights(shape, kind, folder)
        with BackboneFile(part, shape, tokenizer, weights, kind, name=name, quantizer=Repeater()) as file:
            file.write(weights, lambda _count: None)
        part.replace(path)
    return path
