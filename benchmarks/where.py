# ruff: noqa: SLF001 (it looks into the engine)
"""Where does the time of a decode go?

    python benchmarks/where.py [--types q4_0 bf16] [--shapes 0.5b 7b-4layers] [--cases 8] [--threads 1] [--data FOLDER]

Random weights: the whole of Qwen2.5-0.5B's shape, four layers of Qwen2.5-Math-PRM-7B's. The engine's loop runs in this
process, over ProcessBench's cases (where it was not pulled, texts like them), all of them known at once. They are read
twice: as always, and with a clock at every node of the graph. With one thread (the default) times are CPU time, which
other programs on the machine hardly disturb; with more they are what passes.

A token's attention goes over all cells in use. What those of others cost is reckoned: what 1,024 of them add to 512
tokens' attention, per token and cell, times the cells that stand there for others.
"""

import argparse
import ctypes
import io
import queue
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.given import texts
from benchmarks.given.weights import CONTEXT, FOLDER, HALF_B, SEVEN_B, make_model
from stepcheck.document import Document
from stepcheck.engine import binding, llama, wire
from stepcheck.engine.base import EngineOptions
from stepcheck.engine.batches import Batch, Floats, Remove, Run
from stepcheck.engine.client import _ask
from stepcheck.engine.context import N_SEQS, Context, Sizes
from stepcheck.engine.host import load_of
from stepcheck.engine.worker import Worker
from stepcheck.hub.convert import QWEN_TEMPLATE
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.prompt import HIDDEN, build
from stepcheck.prm.readout import MlpHead

SHAPES = {"0.5b": HALF_B, "7b-4layers": replace(SEVEN_B, layers=4)}
KINDS = {"MUL_MAT": "matrices", "FLASH_ATTN_EXT": "attention", "SOFT_MAX": "attention", "SET_ROWS": "cache, written"}
"""What a node does, by ggml's name of its operation; all others are norms, rotations, sums and gates."""
FOREIGN = 1024


@dataclass
class Spent:
    """Seconds by what they were spent on."""

    clock: Callable[[], float]
    by: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Add what passes meanwhile."""
        start = self.clock()
        yield
        self.by[what] += self.clock() - start


class Watched(Context):
    """A context with a clock at every node."""

    def __init__(self, spent: Spent, *given: Any) -> None:  # noqa: ANN401 (as a context's)
        self.spent, self.watching, self.last, self.nodes, self.foreign = spent, False, 0.0, 0, 0
        self.cells: Callable[[], int] = lambda: 0
        binding.ggml_base.ggml_op_desc.restype = ctypes.c_char_p
        binding.ggml_base.ggml_op_desc.argtypes = [ctypes.c_void_p]
        super().__init__(*given)

    def decode(self, batch: Batch, n_threads: int | None = None) -> Floats:
        """Decode, timed as a whole, and count the cells of others that its tokens' attention goes over."""
        cells = self.cells()
        self.foreign += sum(len(run.tokens) * max(0, cells - run.end) for run in batch.runs)
        self.last, self.nodes = self.spent.clock(), 0
        with self.spent.on("decode"):
            return super().decode(batch, n_threads)

    def _on_node(self, tensor: int, ask: bool, data: object) -> bool:
        """As always, or let every node be computed alone, and take its time."""
        now = self.spent.clock()
        if not self.nodes:
            self.spent.by["graph, cells and mask"] += now - self.last
            self.last = now
        self.nodes += 1
        last = binding.ggml_base.ggml_get_name(tensor) == b"result_norm"
        if ask:
            return self.watching or super()._on_node(tensor, ask, data)
        what = KINDS.get(binding.ggml_base.ggml_op_desc(tensor).decode(), "norms, rotations, gates")
        self.spent.by[what] += now - self.last
        going = not last
        if last:
            with self.spent.on("rows, copied"):
                going = super()._on_node(tensor, ask, data)
        self.last = self.spent.clock()
        return going


class Backbone(llama.Backbone):
    """One whose context is watched."""

    first: Watched

    def __init__(self, load: wire.Load, spent: Spent) -> None:
        self._spent = spent
        super().__init__(load, lambda _done: None)

    def _make_context(self, sizes: Sizes) -> Context:
        return Watched(self._spent, self._model, self._vocabulary, self._log, self._load.path, sizes)


def main() -> None:
    """Read in both ways and print a table per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", nargs="+", default=["q4_0", "bf16"], choices=list(WeightType))
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--cases", type=int, default=8, help="ProcessBench cases of each file")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", type=Path, default=FOLDER)
    texts.add_option(parser)
    arguments = parser.parse_args()
    given = texts.find(arguments.data)
    print(f"{given.origin}, {arguments.threads} threads", flush=True)
    options = EngineOptions(n_threads=arguments.threads, n_gpu_layers=0, n_lanes=1)
    for name in arguments.shapes:
        for kind in map(WeightType, arguments.types):
            path = make_model(name, SHAPES[name], kind, arguments.models)
            load = load_of(
                path, mark=QWEN_TEMPLATE.mark, context=CONTEXT, options=options, mapped=kind is WeightType.BF16
            )
            spent = Spent(time.process_time if arguments.threads == 1 else time.perf_counter)
            report(f"{name} {kind}", Backbone(load, spent), given.cases(arguments.cases))


def report(name: str, backbone: Backbone, documents: Sequence[Document]) -> None:
    """Print milliseconds per decode, and their share."""
    spent = backbone.first.spent
    unit = cell_cost(backbone.first)
    plain, decodes, tokens = read(backbone, documents, watching=False)
    foreign = unit * backbone.first.foreign
    nodes, *_ = read(backbone, documents, watching=True)
    whole = sum(plain[part] for part in ("decode", "layout", "planner", "wire", "head"))
    parts = {part: nodes[part] for part in ("matrices", "attention", "norms, rotations, gates", "cache, written")}
    parts["attention"] -= foreign
    parts |= {"attention over cells of others": foreign, "rows, copied": nodes["rows, copied"]}
    parts |= {part: plain[part] for part in ("graph, cells and mask", "layout", "planner", "wire", "head")}
    print(f"\n{name}: {tokens} tokens in {decodes} decodes, {tokens / whole:.0f} tokens/s; by the clock at every node")
    for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {part:32}{1000 * seconds / decodes:9.2f} ms {100 * seconds / sum(parts.values()):6.1f} %", flush=True)
    spent.by.clear()


def cell_cost(context: Watched) -> float:
    """Seconds that a cell of another sequence adds to a token's attention; of three measurements the least."""
    rng = np.random.default_rng(0)

    def run(seq: int) -> Batch:
        return Batch((Run(rng.integers(100, 2000, 512).astype(np.int32), 0, [seq], {511}),))

    least = dict.fromkeys((0, FOREIGN), float("inf"))
    for cells in list(least) * 3:
        clear(context)
        for seq in range(cells // 512):
            context.decode(run(seq + 1))
        context.spent.by.clear()
        context.watching = True
        context.decode(run(0))
        context.watching = False
        least[cells] = min(least[cells], context.spent.by["attention"])
    return max(0.0, least[FOREIGN] - least[0]) / (512 * FOREIGN)


def clear(context: Watched) -> None:
    """Empty the cache, and forget what was spent."""
    context.apply([Remove(seq) for seq in range(N_SEQS)])
    context.spent.by.clear()
    context.foreign = 0


def read(backbone: Backbone, documents: Sequence[Document], *, watching: bool) -> tuple[dict[str, float], int, int]:
    """Let the engine's loop read documents; what was spent on what, the decodes, and the tokens of all sequences."""
    context = backbone.first
    clear(context)
    spent, context.watching = context.spent, watching
    asks = [_ask(i, build(QWEN_TEMPLATE, document), HIDDEN) for i, document in enumerate(documents)]
    with spent.on("wire"):
        wire.send(question := io.BytesIO(), wire.Asks(asks))
        question.seek(0)
        request = wire.receive_request(question)
    worker = Worker(queue.SimpleQueue(), replies := io.BytesIO(), backbone)
    lane: Any = worker.lanes[0]
    context.cells = lambda: in_use(lane._planner)
    if request is None:
        raise EOFError("what was asked is not to be read")
    with spent.on("layout"):
        worker.take(request)
    decodes, tokens = 0, sum(len(task.laid.tokens) for task in lane._waiting)
    with spent.on("loop"):
        while lane.wants:
            lane.work(backbone.n_threads)
            decodes += 1
    spent.by["planner"] = spent.by["loop"] - spent.by["decode"]
    replies.seek(0)
    with spent.on("wire"):
        answers = list(iter(lambda: wire.receive_reply(replies), None))
    rows = [np.frombuffer(payload, np.float32).reshape(-1, backbone.hidden) for _, payload in answers]
    head = random_head(backbone.hidden)
    head.rewards(rows[0])  # the first product starts numpy's threads
    with spent.on("head"):
        for matrix in rows:
            head.rewards(matrix)
    return spent.by.copy(), decodes, tokens


def in_use(planner: Any) -> int:  # noqa: ANN401 (its branches are its own)
    """Cells that hold a token."""
    done = [branch.cells[: branch.done] for branch in planner._branches.values()]
    return len(np.unique(np.concatenate(done))) if done else 0


def random_head(hidden: int) -> MlpHead:
    """A head of Qwen2.5-Math-PRM's shape."""
    rng = np.random.default_rng(0)
    square = rng.standard_normal((hidden, hidden), np.float32) / np.float32(hidden)
    return MlpHead(square, square[0], square[:2], square[0, :2])


if __name__ == "__main__":
    main()
