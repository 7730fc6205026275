"""How fast does the engine read with every layer offloaded, next to the raw limit and to transformers?

    python benchmarks/offload.py [--types q4_k_m q8_0 bf16] [--cases 20] [--problems 8] [--data FOLDER]

Random weights in the shape of Qwen2.5-Math-PRM-7B (given/weights.py), 20 + 20 ProcessBench cases (where they were not
pulled, texts like them) and 8 problems with 8 candidates each, in slices as in engine.py.

(a) raw: one decode of 512 or of 1024 tokens, the engine's own batch, and one row of logits; (t) tap: the same through
the engine's `Context.decode`, which stops the graph at the state after the final norm. Both on one loaded model, in
contexts that differ in the tap alone. What the tap costs is the median of (t)/(a) over pairs of decodes, one after the
other; (t) is spared the row of logits. (c) transformers in bfloat16 with sdpa, one sequence at a time and 8 of like
length as a padded batch, whose rate leaves the padding out.
"""

import argparse
import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np

from benchmarks.engine import SILENCE, Side, forget, read_all, report, timed
from benchmarks.given import texts
from benchmarks.given.weights import CONTEXT, FOLDER, SEVEN_B, TINY, make_model, read_vocabulary
from stepcheck.document import Document
from stepcheck.engine.base import EngineOptions
from stepcheck.engine.batches import Batch, Run
from stepcheck.engine.client import LlamaEngine
from stepcheck.engine.devices import devices
from stepcheck.engine.host import load_of
from stepcheck.engine.llama import N_UBATCH_OFFLOAD, Backbone
from stepcheck.engine.wire import Load
from stepcheck.errors import StepcheckError
from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.convert import QWEN_TEMPLATE
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine.speed import MAPPED, MARK
from stepcheck.prm.prompt import build

BATCHES = (512, N_UBATCH_OFFLOAD)
SLICE = 16
"""Documents per slice: an accelerator wants full batches."""
PADDED = 8


def main() -> None:
    """Make, measure and delete a model of each type; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", nargs="+", default=["q4_k_m", "q8_0", "bf16"], choices=list(WeightType))
    parser.add_argument("--shape", choices=("7b", "tiny"), help="default: 7b; tiny tries this file out on a CPU")
    parser.add_argument("--cpu", action="store_true", help="read the 7B without an accelerator too")
    parser.add_argument("--no-torch", action="store_true", help="leave transformers out")
    parser.add_argument("--cases", type=int, default=20, help="ProcessBench cases of each file")
    parser.add_argument("--problems", type=int, default=8, help="problems with 8 candidates")
    parser.add_argument("--pairs", type=int, default=30, help="pairs of decodes for the tap's cost")
    parser.add_argument("--models", type=Path, default=FOLDER, help="needs 15 GB")
    texts.add_option(parser)
    texts.add_candidates(parser)
    arguments = parser.parse_args()
    lib.llama_log_set(SILENCE, ctypes.c_void_p(0))
    lib.llama_backend_init()
    if not any(device["kind"] == "GPU" for device in devices()):
        if arguments.shape != "tiny" and not arguments.cpu:
            print("needs an accelerator and a build of llama.cpp for it; nothing can be offloaded here (see --cpu)")
            sys.exit(1 if arguments.shape else 0)
        print("no accelerator: all layers are on the CPU", flush=True)
    name, shape = ("tiny", TINY) if arguments.shape == "tiny" else ("7b", SEVEN_B)
    given = texts.find(arguments.data)
    best = texts.candidates(arguments.problems, arguments.candidates)
    documents = {"ProcessBench": given.cases(arguments.cases), "Best-of-8": best}
    print(given.origin, flush=True)
    torch = None if arguments.no_torch else load_torch(shape)
    for kind in map(WeightType, arguments.types):
        try:
            start = time.perf_counter()
            path = make_model(name, shape, kind, arguments.models)
            made = time.perf_counter() - start
            print(f"\n{kind}: {path.stat().st_size / 1e6:.0f} MB, made in {made:.1f} s", flush=True)
            compare(path, kind, documents, torch, arguments.pairs)
            path.unlink()
        except StepcheckError as error:
            print(f"{kind}: {error}", flush=True)


class RawLimit(Backbone):
    """One loaded model with two contexts of the engine's parameters: with its tap, and without."""

    def __init__(self, load: Load) -> None:
        super().__init__(load, lambda _done: None)
        self._plain = self._make_context(replace(self._sizes, tapped=False)).handle
        self.layers = lib.llama_model_n_layer(self._model)
        self._ids = np.random.default_rng(0).integers(100, self.vocabulary, max(BATCHES), np.int32)
        self._tokens = (lib.llama_token * max(BATCHES))(*self._ids.tolist())

    def raw(self, count: int) -> int:
        """Decode so many tokens for one row of logits."""
        lib.llama_memory_clear(lib.llama_get_memory(self._plain), False)
        if lib.llama_decode(self._plain, lib.llama_batch_get_one(self._tokens, count)):
            sys.exit("the raw decode failed")
        lib.llama_synchronize(self._plain)
        return count

    def tap(self, count: int) -> int:
        """Decode the same for one row of hidden state."""
        lib.llama_memory_clear(lib.llama_get_memory(self.first.handle), False)
        row = self.first.decode(Batch((Run(self._ids[:count], 0, [0], {count - 1}),)))
        if not 0.9 < np.mean(row**2) < 1.1:
            sys.exit(f"no state after a final norm of ones: {row}")
        return count

    def cost(self, count: int, pairs: int) -> str:
        """Say what the tap costs, in per cent of the raw decode."""
        times = np.empty((pairs, 2))
        sides = (partial(self.raw, count), partial(self.tap, count))
        for number in range(pairs):
            for side in (0, 1) if number % 2 else (1, 0):
                times[number, side] = count / timed(sides[side])
        raw, tap = 1000 * np.median(times, axis=0)
        low, middle, high = 100 * (np.quantile(times[:, 1] / times[:, 0], (0.25, 0.5, 0.75)) - 1)
        return (
            f"tap, {count:4} tokens: {raw:.2f} ms without, {tap:.2f} ms with it: "
            f"costs {middle:+.1f} % (quartiles {low:+.1f} to {high:+.1f} of {pairs} pairs)"
        )

    def tokenized(self, documents: Sequence[Document]) -> list[list[int]]:
        """Token ids of whole prompts, segment by segment as the engine does it."""
        prompts = [build(QWEN_TEMPLATE, document) for document in documents]
        return [[int(t) for s in p.segments for t in self.tokenize(s.text, special=s.special)] for p in prompts]

    def close(self) -> None:
        """Free the model."""
        lib.llama_free(self._plain)
        lib.llama_free(self.first.handle)
        lib.llama_model_free(self._model)
        lib.llama_log_set(SILENCE, ctypes.c_void_p(0))


class Torch:
    """transformers on the same shape, random weights in bfloat16."""

    def __init__(self, shape: Shape, device: str) -> None:
        import torch
        from transformers import Qwen2Config, Qwen2Model

        config = Qwen2Config(
            vocab_size=len(read_vocabulary().tokens),
            hidden_size=shape.hidden,
            intermediate_size=shape.feed_forward,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            max_position_embeddings=CONTEXT,
            attn_implementation="sdpa",
        )
        self._torch, self._device = torch, torch.device(device)
        torch.set_default_dtype(torch.bfloat16)
        with self._device:
            self._model = Qwen2Model(config).eval()
        torch.set_default_dtype(torch.float32)

    def read(self, prompts: Sequence[list[int]], at_once: int) -> int:
        """Tokens of prompts, run one by one or several as one padded batch."""
        with self._torch.inference_mode():
            for start in range(0, len(prompts), at_once):
                part = prompts[start : start + at_once]
                longest = max(map(len, part))
                ids = self._torch.tensor([p + [0] * (longest - len(p)) for p in part], device=self._device)
                mask = self._torch.tensor([[1] * len(p) + [0] * (longest - len(p)) for p in part], device=self._device)
                self._model(ids, attention_mask=mask if at_once > 1 else None, use_cache=False)
            if self._device.type == "cuda":
                self._torch.cuda.synchronize()
        return sum(map(len, prompts))


def load_torch(shape: Shape) -> Torch | None:
    """Load transformers where torch has a GPU."""
    start = time.perf_counter()
    try:
        import torch

        model = Torch(shape, "cuda") if torch.cuda.is_available() else None
    except (ImportError, OSError, RuntimeError) as error:
        print(f"transformers is left out: {error}", flush=True)
        return None
    seconds = f"torch {torch.__version__}, made in {time.perf_counter() - start:.1f} s"
    print(f"transformers: {seconds}" if model else "transformers is left out: torch sees no GPU", flush=True)
    return model


def compare(
    path: Path, kind: WeightType, documents: dict[str, list[Document]], torch: Torch | None, pairs: int
) -> None:
    """Run every side over every slice, interleaved, and print the tables."""
    free, start = free_memory(), time.perf_counter()
    options = EngineOptions(n_ubatch=N_UBATCH_OFFLOAD)
    limit = RawLimit(load_of(path, mark=MARK, context=CONTEXT, options=options, mapped=kind in MAPPED))
    taken, loaded = free - free_memory(), time.perf_counter()
    table: dict[str, dict[str, Side]] = {work: {} for work in documents}
    with LlamaEngine(path, mark=MARK, context=CONTEXT, mapped=kind in MAPPED) as engine:
        print(f"all {limit.layers} layers on {engine.info.device}" + (f", {taken / 1e6:.0f} MB" if taken else ""))
        print(f"loaded in {loaded - start:.1f} s, by stepcheck in {time.perf_counter() - loaded:.1f} s", flush=True)
        for way in ways(limit, engine, torch, documents["ProcessBench"][:SLICE]).values():
            way()  # warms up
        for work, whole in documents.items():
            for first in range(0, len(whole), SLICE):
                sides = ways(limit, engine, torch, whole[first : first + SLICE])
                forget(engine)
                for name, way in sides.items():
                    table[work].setdefault(name, Side()).rates.append(timed(way))
        report(table)
    for count in BATCHES:
        print(limit.cost(count, pairs), flush=True)
    limit.close()


def free_memory() -> int:
    """Bytes that the accelerators have left."""
    return sum(int(device["free"]) for device in devices() if device["kind"] == "GPU")


def ways(
    limit: RawLimit, engine: LlamaEngine, torch: Torch | None, part: list[Document]
) -> dict[str, Callable[[], int]]:
    """Ways of reading one slice, by name; each returns its tokens."""
    tokens = sorted(limit.tokenized(part), key=len)
    found: dict[str, Callable[[], int]] = {f"raw {n} (a)": partial(limit.raw, n) for n in BATCHES}
    found |= {f"tap {n} (t)": partial(limit.tap, n) for n in BATCHES}
    found["stepcheck"] = partial(read_all, engine, part)
    if torch is not None:
        found |= {f"torch {n} (c)": partial(torch.read, tokens, n) for n in (1, PADDED)}
    return found


if __name__ == "__main__":
    main()
