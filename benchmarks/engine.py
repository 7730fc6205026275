"""How fast does the engine read, next to the raw limit, to embedding mode and to transformers?

    python benchmarks/engine.py [--types q4_0 bf16] [--torch] [--one-lane] [--busy 1] [--cases 36] [--problems 18]
        [--data FOLDER] [--candidates FILE.jsonl] [--vocabulary FILE.gguf]

Random weights of Qwen2.5-0.5B's shape, 36 + 36 ProcessBench cases (where they were not pulled, texts like them) and 18
problems with 8 candidates each (made here, or those of a file). The work is cut into slices; within each slice every
side runs once, one after the other, so that a busy minute hits all of them; a side's rate is the mean of the best half
of its slices. A rate counts the tokens of all sequences, whether computed or shared; under the table stands what the
texts have in common, which bounds what sharing can gain over the raw limit. With `--busy` so many processes that never
rest run beside; with `--one-lane` the engine also reads with all threads in one graph.

(a) raw: one decode of 512 random tokens, the most this build reaches; (b) embedding mode with pooling NONE, one
sequence at a time: what `create_embedding` does; (c) transformers, one sequence at a time.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np
import psutil

from benchmarks.given import texts
from benchmarks.given.weights import CONTEXT, FOLDER, HALF_B, make_model
from stepcheck.document import Document, Step
from stepcheck.engine.base import N_LANES, EngineOptions, Rows
from stepcheck.engine.client import LlamaEngine
from stepcheck.engine.cores import usable_cores
from stepcheck.engine.spawn import WORKER
from stepcheck.hub.convert import QWEN_TEMPLATE
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.prompt import build

SILENCE = lib.llama_log_callback(lambda _level, _text, _data: None)
SLICES = {"ProcessBench": 24, "Best-of-8": 48}
"""Documents per slice: enough that what is left for one lane at its end matters little."""
RAW, OURS, ONE, EMBEDDING = "raw limit (a)", "stepcheck", "with one lane", "embedding (b)"


@dataclass
class Side:
    """One way of reading: tokens per second of every slice."""

    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Mean of the best half: noise only ever slows down."""
        best = sorted(self.rates)[len(self.rates) // 2 :]
        return float(np.mean(best)) if best else float("nan")


def main() -> None:
    """Make the models, run all sides, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", nargs="+", default=["q4_0", "bf16"], choices=list(WeightType))
    parser.add_argument("--torch", action="store_true", help="also transformers, in float32 and bfloat16")
    parser.add_argument("--one-lane", action="store_true", help="also the engine with one lane")
    parser.add_argument("--cases", type=int, default=36, help="ProcessBench cases of each file")
    parser.add_argument("--problems", type=int, default=18, help="problems with 8 candidates")
    parser.add_argument("--busy", type=int, default=0, help="processes that keep a core each busy meanwhile")
    parser.add_argument("--vocabulary", type=Path, help="a GGUF whose tokenizer the models get (default: nano's)")
    parser.add_argument("--models", type=Path, default=FOLDER)
    texts.add_option(parser)
    texts.add_candidates(parser)
    arguments = parser.parse_args()
    given = texts.find(arguments.data)
    print(f"{given.origin}; load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    lib.llama_log_set(SILENCE, ctypes.c_void_p(0))
    lib.llama_backend_init()
    steps = given.cases(arguments.cases)
    best = texts.candidates(arguments.problems, arguments.candidates)
    with busy(arguments.busy):
        for weight_type in arguments.types:
            model = make_model("0.5b", HALF_B, WeightType(weight_type), arguments.models, arguments.vocabulary)
            compare(model, weight_type, steps, best, use_torch=arguments.torch, one_lane=arguments.one_lane)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes running that never rest."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def compare(
    model: Path, weight_type: str, steps: list[Document], best: list[Document], *, use_torch: bool, one_lane: bool
) -> None:
    """Run every side over every slice, interleaved, and print the table."""
    kinds = ("f32", "bf16") if use_torch else ()
    names = [RAW, OURS, *[ONE] * one_lane, EMBEDDING, *(f"torch {kind} (c)" for kind in kinds)]
    table = {work: {name: Side() for name in names} for work in SLICES}
    computed: dict[str, list[Rows]] = {work: [] for work in table}
    prefill = RawLimit(model)
    alone: dict[str, Embedding | Torch] = {EMBEDDING: Embedding(model)}
    alone |= {f"torch {kind} (c)": Torch(kind, prefill.known) for kind in kinds}
    with open_engine(model, weight_type) as engine, open_engine(model, weight_type, EngineOptions(n_lanes=1)) as one:
        print(f"\n{weight_type}: {model.stat().st_size / 1e6:.0f} MB, {engine.info}", flush=True)
        for (work, size), documents in zip(SLICES.items(), (steps, best), strict=True):
            rows, kept = table[work], computed[work]
            for number, start in enumerate(range(0, len(documents), size)):
                part = documents[start : start + size]
                rows[RAW].rates.append(prefill.rate())
                sides = [(OURS, engine, kept), (ONE, one, None)][: 1 + one_lane]
                for name, reader, read in sides[:: -1 if number % 2 else 1]:
                    forget(reader)
                    rows[name].rates.append(timed(partial(read_all, reader, part, read)))
                tokens = prefill.tokenize(part[:2])  # one sequence at a time: its rate hardly depends on the slice
                for name, reference in alone.items():
                    rows[name].rates.append(timed(partial(reference.read, tokens)))
        report(table)
        for work, read in computed.items():
            every, own = sum(rows.tokens for rows in read), sum(rows.decoded for rows in read)
            print(f"{work}: {every} tokens, {own} computed: sharing allows {every / own:.2f} x the raw limit")
        edit(engine, best[0])
        edit(engine, Document(best[0].problem, tuple(step for document in best for step in document.steps)[:20]))
        memory(engine, model)


def open_engine(model: Path, weight_type: str, options: EngineOptions = EngineOptions()) -> LlamaEngine:  # noqa: B008 (frozen)
    """The engine, which loads when it is first asked."""
    mapped = weight_type == "bf16"
    return LlamaEngine(model, mark=QWEN_TEMPLATE.mark, context=CONTEXT, options=options, mapped=mapped)


def forget(engine: LlamaEngine) -> None:
    """Free what the slice before left in the KV cache."""
    list(engine.read([build(QWEN_TEMPLATE, Document("warm", (Step("up"),)))] * 2))


def timed(work: Callable[[], int]) -> float:
    """Tokens per second of some work that returns its tokens."""
    start = time.perf_counter()
    tokens = work()
    return tokens / (time.perf_counter() - start)


def read_all(engine: LlamaEngine, documents: Sequence[Document], kept: list[Rows] | None = None) -> int:
    """Tokens of all documents, read by the engine; what it read is added to `kept`."""
    found = []
    for rows in engine.read(build(QWEN_TEMPLATE, document) for document in documents):
        if not isinstance(rows, Rows):
            raise rows
        found.append(rows)
    if kept is not None:
        kept += found
    return sum(rows.tokens for rows in found)


def report(table: dict[str, dict[str, Side]]) -> None:
    """Print tokens per second and stepcheck's ratio to each side."""
    print(f"{'':16}{'tok/s':>8}{'ratio':>8}")
    for work, sides in table.items():
        ours = sides["stepcheck"].rate
        for name, side in sides.items():
            ratio = "" if name == "stepcheck" else f"{ours / side.rate:8.2f}"
            print(f"{work:14}{name:16}{side.rate:8.0f}{ratio}", flush=True)


def edit(engine: LlamaEngine, document: Document) -> None:
    """Time of re-reading after an edit of the last step, as a part of reading everything; best of five each."""
    *before, last = document.steps
    for kind, text in (("rewritten", "So " + last.text), ("changed at its end", last.text[:-2] + "!")):
        whole: list[float] = []
        again: list[float] = []
        for i in range(5):
            fresh = Document(f"{kind} {i}. {document.problem}", document.steps)
            changed = Document(fresh.problem, (*before, Step(text)))
            for times, now in ((whole, fresh), (again, changed)):
                start = time.perf_counter()
                read_all(engine, [now])
                times.append(time.perf_counter() - start)
        part = min(again) / min(whole)
        steps = len(document.steps)
        print(f"last of {steps} steps {kind}: {min(again):.2f} s of {min(whole):.2f} s = {part:.3f}")


def memory(engine: LlamaEngine, model: Path) -> None:
    """The worker's resident memory against model file + KV caches."""
    worker = next(child for child in psutil.Process().children() if WORKER[-1] in child.cmdline())
    lanes = min(N_LANES, engine.info.n_threads)
    cache = lanes * 24 * 2 * 128 * 2 * CONTEXT  # layers x (K, V) x 2 heads of 64 x 2 bytes x cells
    rss, file = worker.memory_info().rss, model.stat().st_size
    print(
        f"worker memory: {rss / 1e6:.0f} MB = model file {file / 1e6:.0f} + {lanes} KV caches {cache / 1e6:.0f} "
        f"+ {(rss - file - cache) / 1e6:.0f} MB ({engine.info.device})"
    )


class RawLimit:
    """The same file in this process: decodes of 512 tokens, one row of logits."""

    def __init__(self, model: Path) -> None:
        self._model = lib.llama_model_load_from_file(str(model).encode(), lib.llama_model_default_params())
        params = lib.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = 512
        params.n_threads = params.n_threads_batch = usable_cores()
        self._context = lib.llama_init_from_model(self._model, params)
        self.known = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model))
        self._tokens = (lib.llama_token * 512)(*np.random.default_rng(0).integers(100, self.known, 512).tolist())

    def rate(self) -> float:
        """Best of two."""
        return max(timed(self._decode) for _ in range(2))

    def _decode(self) -> int:
        lib.llama_memory_clear(lib.llama_get_memory(self._context), True)
        if lib.llama_decode(self._context, lib.llama_batch_get_one(self._tokens, 512)):
            sys.exit("the raw decode failed")
        lib.llama_synchronize(self._context)
        return 512

    def tokenize(self, documents: Sequence[Document]) -> list[list[int]]:
        """Token ids of whole prompts, segment by segment as the engine does it."""
        return [
            [t for s in build(QWEN_TEMPLATE, d).segments for t in self._ids(s.text, special=s.special)]
            for d in documents
        ]

    def _ids(self, text: str, *, special: bool) -> list[int]:
        data = text.encode()
        room = (lib.llama_token * (len(data) + 8))()
        vocab = lib.llama_model_get_vocab(self._model)
        return list(room[: lib.llama_tokenize(vocab, data, len(data), room, len(room), False, special)])


class Embedding:
    """Embedding mode, pooling NONE: every token an output, logits of every token computed."""

    def __init__(self, model: Path) -> None:
        self._model = lib.llama_model_load_from_file(str(model).encode(), lib.llama_model_default_params())
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = 2048, 2048, 512
        params.embeddings, params.pooling_type = True, lib.LLAMA_POOLING_TYPE_NONE
        params.n_threads = params.n_threads_batch = usable_cores()
        self._context = lib.llama_init_from_model(self._model, params)

    def read(self, prompts: Sequence[list[int]]) -> int:
        """Tokens of prompts, decoded one by one."""
        for ids in prompts:
            lib.llama_memory_clear(lib.llama_get_memory(self._context), True)
            tokens = (lib.llama_token * len(ids))(*ids)
            if lib.llama_decode(self._context, lib.llama_batch_get_one(tokens, len(ids))):
                sys.exit("embedding mode failed")
            lib.llama_get_embeddings(self._context)
        return sum(map(len, prompts))


class Torch:
    """transformers on the same shape, random weights."""

    def __init__(self, kind: str, vocabulary: int) -> None:
        import torch
        from transformers import Qwen2Config, Qwen2Model

        config = Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=HALF_B.hidden,
            intermediate_size=HALF_B.feed_forward,
            num_hidden_layers=HALF_B.layers,
            num_attention_heads=HALF_B.heads,
            num_key_value_heads=HALF_B.kv_heads,
            max_position_embeddings=CONTEXT,
        )
        torch.set_num_threads(usable_cores())
        self._torch = torch
        self._model = Qwen2Model(config).to(torch.float32 if kind == "f32" else torch.bfloat16).eval()

    def read(self, prompts: Sequence[list[int]]) -> int:
        """Tokens of prompts, run one by one."""
        with self._torch.inference_mode():
            for ids in prompts:
                self._model(self._torch.tensor([ids]), use_cache=False)
        return sum(map(len, prompts))


if __name__ == "__main__":
    main()
