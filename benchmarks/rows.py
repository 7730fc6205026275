"""What does a row cost beside the model? A million short ones through the real command, by stage, and its memory.

Rows like `{"id": "7", "problem": "What is 7 + 8?", "steps": ["7 + 8 = 15.", "So it is 15."]}`, written to a file first,
go through `stepcheck score - --format jsonl -o FILE --evidence off`. All of it is the real thing (reading, prompts, the
pipe, the planner in the engine's process, verdicts, writing) but for the model: a letter is a token, and a batch is
decoded at once into rows of zeros, which a head reads as 0.9.

Aims: 100 µs a row, the last tenth as quick as the first, 300 MB of memory beside the model's. `--resume` then goes on
with the finished file: what it costs to find that nothing is left. `--rows N` for fewer.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import psutil

from stepcheck import Checker, ModelCard
from stepcheck.cli import judging
from stepcheck.cli.main import main as stepcheck
from stepcheck.document import read
from stepcheck.engine.client import LlamaEngine
from stepcheck.judge import Identity, by_rewards
from stepcheck.prm.card import Readout, Template
from stepcheck.prm.prompt import build_all
from stepcheck.report import records
from stepcheck.witness import with_evidence

if TYPE_CHECKING:
    from stepcheck.engine.batches import Batch, Floats, Ints

CARD = ModelCard(
    name="stub",
    title="Stub",
    licence="none",
    architecture="Stub",
    context=4096,
    template=Template(before_problem="<", after_problem=">", after_step="", mark="|"),
    readout=Readout(kind="linear"),
)
WIDTH = 8
SHORT = 20_000
"""Rows of which each stage alone is measured, at most."""


class Backbone:
    """What the engine's process needs of a model and its context."""

    def __init__(self, *_: object) -> None:
        from stepcheck.engine.llama import N_ENOUGH

        self.hidden, self.n_ubatch, self.n_outputs, self.n_enough = WIDTH, 512, 64, N_ENOUGH
        self.context = self.longest = self.n_ctx = 4096
        self.device, self.n_threads, self.has_mark, self.vocabulary = "none", 1, True, 256
        self.first, self.rooms = self, [self.n_ctx]

    def tokenize(self, text: str, *, special: bool) -> "Ints":  # noqa: ARG002 (the protocol's)
        """A letter is a token."""
        return np.frombuffer(text.encode(), np.uint8).astype(np.int32)

    def least_tokens(self, text: str) -> int:
        """As many as it has letters."""
        return len(text)

    def check(self, want: object) -> None:
        """Everything can be given."""

    def apply(self, operations: object) -> None:
        """There is no cache."""

    def decode(self, batch: "Batch", n_threads: int) -> "Floats":  # noqa: ARG002 (as above)
        """Rows of zeros."""
        return np.zeros((len(batch.outputs), WIDTH), np.float32)


class Head:
    """Finds every step right."""

    hidden = WIDTH

    def rewards(self, rows: "Floats") -> "Floats":
        """0.9 for each row."""
        return np.full(len(rows), 0.9, np.float32)


def serve() -> None:
    """Be the engine's process, with the stub in the place of llama.cpp."""
    from stepcheck.engine import worker

    worker.Backbone = Backbone  # type: ignore[attr-defined, assignment]  # all that the worker uses of one
    worker.main()


def lines(count: int) -> Iterator[bytes]:
    """The rows as JSONL."""
    for i in range(count):
        row = {"id": str(i), "problem": f"What is {i} + {i + 1}?"}
        yield json.dumps(row | {"steps": [f"{i} + {i + 1} = {2 * i + 1}.", f"So it is {2 * i + 1}."]}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the work: seconds by the clock, and of the CPU and MB of memory of the command and its engine."""

    clock: float
    cpu: tuple[float, float]
    memory: tuple[float, float]


def look(process: psutil.Process | None) -> tuple[float, float]:
    """Seconds of the CPU that a process took, and the MB that it holds."""
    return (sum(process.cpu_times()[:2]), process.memory_info().rss / 1e6) if process else (0.0, 0.0)


class Watched:
    """Rows at standard input; looks about at the beginning and after every tenth."""

    def __init__(self, rows: IO[bytes], count: int) -> None:
        self._rows, self._tenth, self._done = rows, count // 10, 0
        self.looks: list[Look] = []

    def readline(self, _size: int = -1) -> bytes:
        """The next row."""
        if self._done % self._tenth == 0:
            me = psutil.Process()
            here, there = look(me), look(next(iter(me.children()), None))
            self.looks.append(Look(time.perf_counter(), (here[0], there[0]), (here[1], there[1])))
        self._done += 1
        return self._rows.readline()

    read1 = read = readline

    def isatty(self) -> bool:
        """Nobody types it."""
        return False


def judged(rows: Path, count: int, out: str) -> list[Look]:
    """Run the command over a file of so many rows."""

    def open_judge(*_: object, **__: object) -> Checker:
        command = (sys.executable, __file__, "--serve")
        return Checker(CARD, LlamaEngine(Path("stub"), mark="|", context=4096, command=command), Head())

    with rows.open("rb") as file:
        watched = Watched(file, count)
        sys.stdin, judging.open_judge = watched, open_judge
        if stepcheck(["score", "-", "--format", "jsonl", "--evidence", "off", "-o", out, "--resume"]):
            raise SystemExit("the command failed")
    return watched.looks


def alone(count: int) -> Iterator[tuple[str, float]]:
    """Microseconds of the CPU a row, of each stage by itself."""

    def clocked(work: Callable[[], list[Any]]) -> tuple[float, list[Any]]:
        started = time.process_time()
        done = work()
        return (time.process_time() - started) / len(done) * 1e6, done

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(b"".join(lines(count)))
        cost, documents = clocked(lambda: list(read(path)))
    yield "reading", cost
    yield "prompts", clocked(lambda: [build_all(CARD.template, one) for one in documents])[0]
    judge = Identity(name="stub", threshold=0.5)
    cost, results = clocked(lambda: [by_rewards(one, [0.9] * len(one.steps), judge) for one in documents])
    yield "verdicts", cost
    yield "JSON", clocked(lambda: [records.encode(records.record(one)) for one in results])[0]
    yield "evidence", clocked(lambda: [with_evidence(one, decides=False) for one in results[: count // 10]])[0]


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--serve", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| stage, alone | µs of the CPU a row |\n|---|---:|")
    for name, cost in alone(min(SHORT, given.rows)):
        print(f"| {name} | {cost:.0f} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder) / "rows.jsonl", f"{folder}/out.jsonl"
        with rows.open("wb") as file:
            file.writelines(lines(given.rows))
        print(f"\n| {given.rows:,} rows | first | again, all kept |\n|---|---:|---:|")
        first, again = judged(rows, given.rows, out), judged(rows, given.rows, out)
    for name, tell in TOLD.items():
        print(f"| {name} | {tell(first, given.rows):.0f} | {tell(again, given.rows):.0f} |")


TOLD: dict[str, Callable[[list[Look], int], float]] = {
    "µs a row by the clock": lambda looks, rows: (looks[-1].clock - looks[0].clock) / rows * 1e6,
    "of them in the first tenth": lambda looks, rows: (looks[1].clock - looks[0].clock) / rows * 1e7,
    "and in the last": lambda looks, rows: (looks[-1].clock - looks[-2].clock) / rows * 1e7,
    "µs of the CPU a row, the command": lambda looks, rows: (looks[-1].cpu[0] - looks[0].cpu[0]) / rows * 1e6,
    "and its engine, without a model": lambda looks, rows: (looks[-1].cpu[1] - looks[1].cpu[1]) / rows / 0.9 * 1e6,
    "MB of memory after a tenth, the command": lambda looks, _: looks[1].memory[0],
    "at the end": lambda looks, _: looks[-1].memory[0],
    "the engine's, at the end": lambda looks, _: looks[-1].memory[1],
}

if __name__ == "__main__":
    main()
