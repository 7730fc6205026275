"""A model that writes, as its user sees it: a question in, words out as they come, llama.cpp in a process of its own.

Owns that process's life. Closing an answer before its end stops the writing; `close` ends the process at once.
"""

import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stepcheck.engine import wire
from stepcheck.engine.base import EngineInfo, EngineOptions
from stepcheck.engine.client import STALL_SECONDS, error_of
from stepcheck.engine.process import WorkerProcess
from stepcheck.errors import CancelledError, LoadError, WorkerDiedError

COMMAND = (sys.executable, "-P", "-m", "stepcheck.engine.author")
CONTEXT = 8192
"""Tokens of question and answer together, where neither the user nor the model sets fewer."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn; at temperature 0 the likeliest one. `top_k` 0 means all."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 4096
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: `whole`, or cut because the room ran out; `refused` where a server would not answer."""

    whole: bool
    tokens: int
    refused: bool = False


class LlamaWriter:
    """Lets a GGUF answer questions, in its own chat template. A context manager; one thread may ask at a time."""

    def __init__(
        self,
        model: Path,
        *,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        on_loading: Callable[[float], None] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._load = wire.Load(
            path=str(model.absolute()),
            mark=None,
            context=CONTEXT,
            n_ctx=options.n_ctx,
            n_ubatch=options.n_ubatch,
            n_threads=options.n_threads,
            n_gpu_layers=options.n_gpu_layers,
            mapped=False,
        )
        self._on_loading, self._command = on_loading, tuple(command)
        self._process: WorkerProcess | None = None
        self._info: EngineInfo | None = None
        self._closed = False
        self._jobs = 0

    def start(self) -> None:
        """Begin to load without waiting."""
        if self._closed:
            raise CancelledError("the critic is closed")
        if self._process is None:
            self._process = WorkerProcess(self._command)
            self._process.send(self._load)

    @property
    def info(self) -> EngineInfo:
        """What was loaded; waits until it is.

        Raises:
            LoadError: or OutOfMemoryError: the model cannot be loaded, or has no chat template.
        """
        self.start()
        while self._info is None:
            match self._hear(STALL_SECONDS):
                case wire.Loading(progress):
                    if self._on_loading is not None:
                        self._on_loading(progress)
                case wire.Ready() as ready:
                    self._info = EngineInfo(ready.hidden, ready.context, ready.device, ready.n_threads, ready.n_ubatch)
                case wire.Failed() as failed:
                    self._end()
                    raise error_of(failed)
                case str(last_words):
                    raise LoadError(f"{self._load.path}: the critic's process ended while loading ({last_words})")
        return self._info

    def write(self, text: str, sampling: Sampling) -> Generator[str | Ending, None, None]:
        """Yield an answer's words as they come, then how it ended. Close the iterator to stop the writing.

        Raises:
            TooLongError: the question alone fills the context.
            WorkerDiedError: the process ended; the next question starts another.
        """
        _ = self.info
        self._jobs += 1
        job, done = self._jobs, False
        self._running().send(
            wire.Write(
                job=job,
                text=text,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k,
                max_tokens=sampling.max_tokens,
                seed=sampling.seed,
            )
        )
        try:
            while not done:
                match self._hear(None):
                    case wire.Piece(about, piece) if about == job:
                        yield piece
                    case wire.Written(about, whole, tokens) if about == job:
                        done = True
                        yield Ending(whole, tokens)
                    case wire.Failed(about) as failed if about in (job, None):
                        done = True
                        if about is None:
                            self._end()
                        raise error_of(failed)
                    case str(last_words):
                        done = True
                        raise WorkerDiedError(f"the critic's process ended while writing ({last_words})")
        finally:
            if not done and self._process is not None:
                self._process.send(wire.Drop())

    def close(self) -> None:
        """End the process at once, in the middle of a word if need be; may be called from any thread."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hear(self, seconds: float | None) -> wire.Reply | str:
        """Wait for a reply; the last words of a process that has ended instead."""
        process = self._running()
        heard = process.receive(seconds)
        if heard is not None:
            return heard[0]
        self._end()
        if self._closed:
            raise CancelledError("the critic was closed")
        return process.last_words()

    def _running(self) -> WorkerProcess:
        if self._closed or self._process is None:
            raise CancelledError("the critic was closed")
        return self._process

    def _end(self) -> None:
        process, self._process, self._info = self._process, None, None
        if process is not None:
            process.kill()
