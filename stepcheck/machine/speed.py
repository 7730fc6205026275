"""How fast this machine reads, by weight type: measured on two layers of the 7B's exact shape, with random weights.

Owns the models of the measurement, made and deleted again, and its way: every type is loaded, then each reads the same
length once per round, one after the other, so that a busy moment hits all; the best round counts, for noise only ever
slows down. The rate of the whole model follows from how many layers' work it does: all layers are alike, but the last.
"""

import itertools
import random
import string
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.engine.base import EngineOptions, Rows
from stepcheck.engine.client import LlamaEngine
from stepcheck.errors import EngineError
from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.checkpoint.tensors import SLAB, Tensor
from stepcheck.hub.checkpoint.tokenizer import Tokenizer, TokenType, byte_letters
from stepcheck.hub.gguf.backbone import Weight, layout, plan, write_backbone
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine.choice import OFFERED
from stepcheck.prm.prompt import Prompt, Segment

LAYERS: Final = 28
SHAPE: Final = Shape(
    architecture="Qwen2ForProcessRewardModel",
    hidden=3584,
    layers=2,
    heads=28,
    kv_heads=4,
    feed_forward=18944,
    vocab=512,
    context=1024,
    eps=1e-5,
    rope_theta=10000.0,
)
"""Qwen2.5-Math-PRM-7B with two layers and a small vocabulary: the embedding costs no time, only disk.

Two, because llama.cpp leaves tokens without an output out of the last layer's feed-forward, nine tenths of its work:
what is timed is one whole layer and the attention of another.
"""
TOKENS: Final = 512
MARK: Final = "<extra_0>"
MAPPED: Final = (WeightType.F32, WeightType.F16, WeightType.BF16)


@dataclass(frozen=True, slots=True)
class Rate:
    """A type's prefill rate in tokens per second: of the model with few layers that was measured, and of the 7B."""

    weight_type: WeightType
    layers: int
    measured: float
    model: float


def whole_layers(layers: int) -> float:
    """How many whole layers' work a 7B with so many layers does: its last one does the attention alone."""
    attention = 2 * SHAPE.hidden**2 * (1 + SHAPE.kv_heads / SHAPE.heads)
    return layers - 1 + attention / (attention + 3 * SHAPE.hidden * SHAPE.feed_forward)


class Noise(Tensor):
    """A tensor of random weights that lies in no file; a norm's are ones."""

    def rows(self, most: int) -> Iterator[NDArray[np.float32]]:
        """Yield parts of one slab again and again; it stays where it is, so that a part is known by its address."""
        *rows, columns = self.shape
        slab = np.ones((1, columns), np.float32) if "norm" in self.name else _slab(columns)
        step, count = max(1, most // columns), int(np.prod(rows))
        for start in range(0, count, step):
            yield slab[: min(step, count - start)]


@cache
def _slab(columns: int) -> NDArray[np.float32]:
    rng = np.random.Generator(np.random.PCG64(columns))
    return rng.standard_normal((max(1, SLAB // columns), columns), np.float32) * np.float32(1 / 64)


def random_weights(shape: Shape, kind: WeightType, folder: Path) -> list[Weight]:
    """What a conversion to this type writes for a model of this shape, made of noise."""
    sizes = {f"model.{name}": size for name, size in layout(shape).values()}
    return plan(shape, {name: Noise(name, "F32", size, folder, 0, 0) for name, size in sizes.items()}, kind, folder)


def measure(
    types: Sequence[WeightType] = OFFERED,
    *,
    options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
    rounds: int = 5,
    shape: Shape = SHAPE,
    depths: Sequence[int] = (SHAPE.layers,),
    on_step: Callable[[str], None] | None = None,
) -> list[Rate]:
    """Measure the prefill rate of each type (at each depth) on this machine; takes about 3 GB of disk for two minutes.

    Raises:
        EngineError: a model cannot be loaded or read.
    """
    say = on_step or (lambda _words: None)
    with tempfile.TemporaryDirectory(prefix="stepcheck-bench-") as folder, ExitStack() as stack:
        engines: dict[tuple[WeightType, int], LlamaEngine] = {}
        for kind, layers in itertools.product(types, depths):
            say(f"making {layers} layers in {kind}")
            path = _write(Path(folder) / f"{kind}-{layers}.gguf", replace(shape, layers=layers), kind)
            engines[kind, layers] = stack.enter_context(
                LlamaEngine(path, mark=MARK, context=shape.context, options=options, mapped=kind in MAPPED)
            )
            _ = engines[kind, layers].info
        best = dict.fromkeys(engines, 0.0)
        for number in range(rounds + 1):  # the first round warms up
            for case, engine in engines.items():
                say(f"reading, round {number} of {rounds}: {case[0]}")
                rate = _read(engine, number)
                best[case] = max(best[case], rate if number else 0.0)
    whole = whole_layers(LAYERS)
    return [Rate(kind, layers, rate, rate * whole_layers(layers) / whole) for (kind, layers), rate in best.items()]


def _write(path: Path, shape: Shape, kind: WeightType) -> Path:
    write_backbone(path, shape, _tokenizer(shape.vocab), random_weights(shape, kind, path.parent), kind, name="bench")
    return path


def _tokenizer(vocab: int) -> Tokenizer:
    """A byte-level tokenizer whose every letter is a token."""
    texts = [*sorted(byte_letters()), "th", MARK]
    spare = [f"[unused{i}]" for i in range(vocab - len(texts))]
    kinds = [TokenType.NORMAL] * (len(texts) - 1) + [TokenType.CONTROL] + [TokenType.UNUSED] * len(spare)
    return Tokenizer([*texts, *spare], kinds, ["t h"], "gpt-2", "none", None, None, None)


def _read(engine: LlamaEngine, seed: int) -> float:
    """Read one prompt of `TOKENS` tokens that shares nothing with another; return tokens per second."""
    letters = "".join(random.Random(seed).choices(string.ascii_uppercase, k=TOKENS - 1))  # noqa: S311 (text to read)
    prompt = Prompt((Segment(letters), Segment(MARK, special=True, mark=True)))
    (answer,) = engine.read([prompt])
    if not isinstance(answer, Rows):
        raise answer if isinstance(answer, EngineError) else EngineError(str(answer))
    return answer.decoded / answer.seconds
