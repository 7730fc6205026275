"""The engine as its user sees it: prompts in, rows out, while llama.cpp runs in a process of its own.

Owns the worker's life. A worker that dies costs at most the prompt it was on: those in flight are read again one at a
time, and the one that brings the worker down alone gets the error. The parent never loads llama.cpp.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from stepcheck import errors
from stepcheck.engine import wire
from stepcheck.engine.base import EngineInfo, EngineOptions, Rows
from stepcheck.engine.process import WorkerProcess
from stepcheck.errors import CancelledError, CountMismatchError, LoadError, StepcheckError, UsageError, WorkerDiedError
from stepcheck.prm.prompt import HIDDEN, Prompt, Want

WINDOW = 32
"""Prompts in flight: enough to fill batches across short ones."""
COMMAND = (sys.executable, "-P", "-m", "stepcheck.engine.worker")
"""-P keeps the working directory out of the worker's import path."""
STALL_SECONDS = 120.0
"""A worker that makes no progress in loading for so long is given up."""


class LlamaEngine:
    """Reads prompts with a GGUF backbone.

    `mark`, if there is one, must be one token of the model; `context` is the longest prompt in tokens. Loading starts
    with `start`, or with the first use; `on_loading` hears of its progress, 0 to 1. One thread may read at a time;
    `close` may be called from any thread and ends the process at once.

    `mapped` maps the file into memory instead of reading it: quick, and right for 16-bit weights. Quantized ones are
    repacked while they are loaded, and a mapped file would stay in memory beside its copy (a 0.5B in q4_0: 810 MB
    instead of 620).
    """

    def __init__(
        self,
        backbone: Path,
        *,
        mark: str | None,
        context: int,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        mapped: bool = False,
        on_loading: Callable[[float], None] | None = None,
        command: Sequence[str] = COMMAND,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        load = load_of(backbone, mark=mark, context=context, options=options, mapped=mapped)
        self._host = Host(load, on_loading, command, stall_seconds)

    def start(self) -> None:
        """Begin to load without waiting."""
        self._host.start()

    @property
    def info(self) -> EngineInfo:
        """What was loaded; waits until it is.

        Raises:
            LoadError: or OutOfMemoryError: the model cannot be loaded.
        """
        return self._host.ready()

    def read(self, prompts: Iterable[Prompt], want: Want = HIDDEN) -> Iterator[Rows | StepcheckError]:
        """Yield rows or an error for every prompt, in order.

        A prompt's own failure is yielded in its place; a model that cannot be loaded is raised.
        """
        if want != HIDDEN:
            raise UsageError(f"this engine reads hidden states, not {want.kind}")
        return _Reading(self._host, iter(prompts)).results()

    def close(self) -> None:
        """End the process at once, in the middle of a decode if need be."""
        self._host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load_of(model: Path, *, mark: str | None, context: int, options: EngineOptions, mapped: bool = False) -> wire.Load:
    """Put together what a worker's first request says."""
    return wire.Load(
        path=str(model.absolute()),
        mark=mark,
        context=context,
        n_ctx=options.n_ctx,
        n_ubatch=options.n_ubatch,
        n_threads=options.n_threads,
        n_gpu_layers=options.n_gpu_layers,
        mapped=mapped,
    )


class Host:
    """Keeps one worker with a loaded model; starts another when asked after a death."""

    def __init__(
        self,
        load: wire.Load,
        on_loading: Callable[[float], None] | None,
        command: Sequence[str],
        stall_seconds: float,
    ) -> None:
        self._load, self._on_loading, self._command, self._stall = load, on_loading, tuple(command), stall_seconds
        self._process: WorkerProcess | None = None
        self._info: EngineInfo | None = None
        self._closed = False
        self._jobs = 0

    def start(self) -> None:
        """Begin to load without waiting."""
        if self._closed:
            raise CancelledError("the engine is closed")
        if self._process is None:
            self._process = WorkerProcess(self._command)
            self._process.send(self._load)

    def ready(self) -> EngineInfo:
        """Wait until the model is loaded and say what it is; raises what keeps it from loading."""
        self.start()
        while self._info is None:
            reply = self.hear(self._stall)
            match reply:
                case (wire.Loading(progress), _):
                    if self._on_loading is not None:
                        self._on_loading(progress)
                case (wire.Ready() as ready, _):
                    self._info = EngineInfo(ready.hidden, ready.context, ready.device, ready.n_threads, ready.n_ubatch)
                case (wire.Failed() as failed, _):
                    self.end()
                    raise error_of(failed)
                case str(last_words):
                    raise LoadError(f"{self._load.path}: the engine's process ended while loading ({last_words})")
        return self._info

    def ask(self, prompts: Sequence[tuple[int, Prompt]]) -> None:
        """Send prompts, each under the number of its job."""
        self.ready()
        asks = [
            wire.Ask(
                job,
                [(s.text, s.special, s.mark) for s in prompt.segments],
                prompt.begins,
                tuple(end for s in prompt.segments for end in s.ends),
                prompt.behind,
                prompt.lead,
            )
            for job, prompt in prompts
        ]
        self.send(wire.Asks(asks))

    def send(self, request: wire.Request) -> None:
        """Send a request to the worker, whose model is loaded."""
        self._running().send(request)

    def hear(self, seconds: float | None = None) -> tuple[wire.Reply, bytes] | str:
        """Wait for a reply; the last words of a worker that has ended instead."""
        process = self._running()
        heard = process.receive(seconds)
        if heard is not None:
            return heard
        self.end()
        if self._closed:
            raise CancelledError("the engine was closed")
        return process.last_words()

    def drop(self) -> None:
        """Let the worker forget what it was asked."""
        if self._process is not None:
            self._process.send(wire.Drop())

    def new_job(self) -> int:
        """Return a number that no prompt had before."""
        self._jobs += 1
        return self._jobs

    def end(self) -> None:
        """End the worker; another may be started."""
        process, self._process, self._info = self._process, None, None
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the worker for good; may be called from any thread."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def _running(self) -> WorkerProcess:
        if self._closed or self._process is None:
            raise CancelledError("the engine was closed")
        return self._process


class _Reading:
    """One pass over prompts: what is in flight, what is answered, what must be read again alone."""

    def __init__(self, host: Host, prompts: Iterator[Prompt]) -> None:
        self._host = host
        self._prompts: Iterator[Prompt] | None = prompts
        self._order: deque[int] = deque()
        self._flight: dict[int, Prompt] = {}
        self._suspects: deque[tuple[int, Prompt]] = deque()
        self._answers: dict[int, Rows | StepcheckError] = {}

    def results(self) -> Iterator[Rows | StepcheckError]:
        try:
            while self._refill():
                while self._order and self._order[0] in self._answers:
                    yield self._answers.pop(self._order.popleft())
                if self._flight:
                    self._hear()
        finally:
            if self._flight:
                self._host.drop()

    def _refill(self) -> bool:
        """Keep the worker supplied; False when everything is answered and handed over."""
        if self._suspects:
            if not self._flight:
                self._ask([self._suspects.popleft()])
        elif self._prompts is not None and len(self._flight) <= WINDOW // 2:
            self._ask(self._draw(WINDOW - len(self._flight)))
        return bool(self._order)

    def _draw(self, count: int) -> list[tuple[int, Prompt]]:
        drawn: list[tuple[int, Prompt]] = []
        while self._prompts is not None and len(drawn) < count:
            prompt = next(self._prompts, None)
            if prompt is None:
                self._prompts = None
            else:
                drawn.append((self._host.new_job(), prompt))
        self._order.extend(job for job, _ in drawn)
        return drawn

    def _ask(self, prompts: Sequence[tuple[int, Prompt]]) -> None:
        if prompts:
            self._flight.update(prompts)
            self._host.ask(prompts)

    def _hear(self) -> None:
        """Wait for one answer, or for the worker's end."""
        match self._host.hear():
            case (wire.Answer() as answer, payload) if answer.job in self._flight:
                self._answers[answer.job] = rows_of(answer, payload, self._flight.pop(answer.job))
            case (wire.Failed(job=None) as failed, _):
                self._bury(error_of(failed))
            case (wire.Failed(job=int(job)) as failed, _) if job in self._flight:
                del self._flight[job]
                self._answers[job] = error_of(failed)
            case str(last_words):
                self._bury(WorkerDiedError(f"the engine's process ended while reading this ({last_words})"))
            case _:
                pass  # an answer to a prompt that was dropped

    def _bury(self, error: StepcheckError) -> None:
        """The worker is gone: alone in flight, a prompt gets the error; several are tried again one at a time."""
        self._host.end()
        if len(self._flight) == 1:
            job, _ = self._flight.popitem()
            self._answers[job] = error
        else:
            self._suspects.extend(self._flight.items())
            self._flight.clear()
        self._host.start()


def rows_of(answer: wire.Answer, payload: bytes, prompt: Prompt) -> Rows:
    """Take an answer apart; refuses one that has not a row for every mark."""
    hidden = np.frombuffer(payload, np.float32)
    if answer.marks != prompt.marks or not answer.marks or len(hidden) % answer.marks:
        raise CountMismatchError(f"the engine returned {answer.marks} rows for {prompt.marks} marks")
    return Rows(hidden.reshape(answer.marks, -1), answer.tokens, answer.decoded, answer.seconds)


def error_of(failed: wire.Failed) -> StepcheckError:
    """Raise on this side what was raised on the other."""
    kinds = {
        kind.kind: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StepcheckError)
    }
    return kinds.get(failed.kind, errors.EngineError)(failed.message)
