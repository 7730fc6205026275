"""One side of a comparison, in a process of its own: it reads solutions as it is asked to, one at a time.

    python -m benchmarks.given.side engine CARD [--threads 1]
    python -m benchmarks.given.side torch FOLDER --head HEAD [--adapter LORA] [--threads 1]

Owns the two sides and the way to ask them: a line of JSON in, a `Request`, a line out, an `Answer`.
A side times itself, so that the way to it counts for nothing. Refuses to compare: whoever asks does.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

import psutil

from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.engine.cores import usable_cores
from stepcheck.errors import StepcheckError

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Request:
    """A solution, as text and laid out: its tokens, and the places of its marks among them."""

    problem: str
    steps: Sequence[str]
    ids: Sequence[int]
    marks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Read:
    """A reward a step; how many tokens the solution has, and how many of them were computed for it."""

    rewards: Sequence[float]
    tokens: int
    computed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read, in how many seconds by the clock and of CPU; bytes of memory in use, and the most so far.

    Both count the processes that the side started. The most is that at any time where the system tells it, and that
    in use now elsewhere.
    """

    read: Read
    seconds: float
    cpu: float
    memory: int
    most: int


class Side:
    """A process that reads; ended at the end of a `with`."""

    def __init__(self, *arguments: str, threads: int | None) -> None:
        told = ["--threads", str(threads)] if threads else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.given.side", *arguments, *told],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what could not be sent is flushed again
            self._process.communicate()
        self._process.wait()

    def ask(self, request: Request) -> Answer:
        """Let it read a solution; the first time it loads before."""
        lines, answers = self._process.stdin, self._process.stdout
        assert lines and answers  # noqa: S101, PT018 (pipes were asked for)
        with suppress(OSError):  # it ended: nothing comes back
            lines.write(json.dumps(asdict(request)) + "\n")
            lines.flush()
        if not (line := answers.readline()):
            sys.exit(f"a side of the comparison ended with {self._process.wait()}; what it said stands above")
        given = json.loads(line)
        return Answer(**given | {"read": Read(**given["read"])})


def main() -> None:
    """Read what is asked for until there is nothing more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["engine", "torch"])
    parser.add_argument("model", type=Path)
    parser.add_argument("--head", type=Path)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    try:
        if given.kind == "engine":
            with Checker(given.model, options=EngineOptions(n_threads=given.threads)) as judge:
                judge.ready()
                serve(lambda request: by_engine(judge, request), sys.stdin, sys.stdout)
        else:
            serve(by_torch(given.model, given.adapter, given.head, given.threads), sys.stdin, sys.stdout)
    except StepcheckError as error:
        sys.exit(f"error: {error}")


def serve(read: Callable[[Request], Read], lines: Iterable[str], out: IO[str]) -> None:
    """Answer line by line."""
    for line in lines:
        request = Request(**json.loads(line))
        cpu, start = _cpu(), time.perf_counter()
        found = read(request)
        seconds, cpu = time.perf_counter() - start, _cpu() - cpu
        processes = _processes()
        answer = Answer(found, seconds, cpu, sum(map(_memory, processes)), sum(map(_most, processes)))
        out.write(json.dumps(asdict(answer)) + "\n")
        out.flush()


def by_engine(judge: Checker, request: Request) -> Read:
    """Read a solution with our engine, from its text."""
    result = judge.check(Document(request.problem, tuple(map(Step, request.steps))))
    return Read(result.rewards, result.tokens, result.decoded)


def by_torch(folder: Path, adapter: Path | None, head: Path, threads: int | None) -> Callable[[Request], Read]:
    """Load a folder with transformers; what is returned reads a solution from its tokens."""
    import torch
    from transformers.utils import logging

    from models.training.judge import Laid
    from models.training.reading import load

    logging.disable_progress_bar()
    torch.set_num_threads(threads or usable_cores())
    judge = load(folder, adapter, head)

    def read(request: Request) -> Read:
        rewards = judge.read(Laid(tuple(request.ids), tuple(request.marks)))
        return Read(rewards, len(request.ids), len(request.ids))

    return read


def _processes() -> list[psutil.Process]:
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _cpu() -> float:
    return sum(each.user + each.system for process in _processes() for each in [process.cpu_times()])


def _memory(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _most(process: psutil.Process) -> int:
    """Return the most memory that a process has had: Linux and Windows tell it of others too."""
    if sys.platform == "linux":
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024
    info = process.memory_info()
    return int(getattr(info, "peak_wset", info.rss))


if __name__ == "__main__":
    main()
