"""The life of one worker: a process with a loaded model, what is said to it, and who hears which reply.

The parent never loads llama.cpp. A worker that ends is noticed when it is heard; another is started when one is asked
for, and what was held in the old one is gone with it.
"""

from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path

from stepcheck import errors
from stepcheck.engine import wire
from stepcheck.engine.base import EngineInfo, EngineOptions, Rows
from stepcheck.engine.process import WorkerProcess
from stepcheck.errors import CancelledError, CountMismatchError, LoadError, StepcheckError, WorkerDiedError

STALL_SECONDS = 120.0
"""A worker that makes no progress in loading for so long is given up."""
Heard = tuple[wire.Reply, bytes]


class Host:
    """Keeps one worker with a loaded model; starts another when asked after a death."""

    def __init__(
        self,
        load: wire.Load,
        on_loading: Callable[[float], None] | None,
        command: Sequence[str],
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._load, self._on_loading, self._command, self._stall = load, on_loading, tuple(command), stall_seconds
        self._process: WorkerProcess | None = None
        self._info: EngineInfo | None = None
        self._closed = False
        self._numbers = self.life = 0
        self._open: set[int] = set()
        self._aside: deque[Heard] = deque()

    def start(self) -> None:
        """Begin to load without waiting."""
        if self._closed:
            raise CancelledError("the engine is closed")
        if self._process is None:
            self.life += 1
            self._process = WorkerProcess(self._command)
            self._process.send(self._load)

    def ready(self) -> EngineInfo:
        """Wait until the model is loaded and say what it is; raises what keeps it from loading."""
        self.start()
        while self._info is None:
            reply = self._receive(self._stall)
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

    def new_number(self) -> int:
        """Return a number for a job or a branch that none had before."""
        self._numbers += 1
        return self._numbers

    def ask(self, request: wire.Request, jobs: Sequence[int]) -> None:
        """Send what is to be answered under these numbers."""
        self.ready()
        self._open.update(jobs)
        self._running().send(request)

    def tell(self, request: wire.Request) -> None:
        """Send what has no answer, if there is anybody to hear it."""
        if self._process is not None:
            self._process.send(request)

    def hear(self, jobs: Container[int]) -> Heard | str:
        """Wait for a reply to one of these jobs, or to all at once; the last words of a worker that has ended instead.

        What is for others is kept for them, and what nobody asks for any more is dropped.
        """
        for heard in self._aside:
            if _job(heard) in jobs:
                self._aside.remove(heard)
                return heard
        while True:
            found = self._receive(None)
            if isinstance(found, str) or _job(found) is None or _job(found) in jobs:
                return found
            if _job(found) in self._open:
                self._aside.append(found)

    def replies(self, job: int, doing: str) -> Iterator[Heard]:
        """Yield the replies to one job; raises its failure, or the worker's death while `doing` it."""
        while True:
            match self.hear((job,)):
                case (wire.Failed(job=about) as failed, _):
                    if about is None:
                        self.end()
                    raise error_of(failed)
                case str(last_words):
                    raise WorkerDiedError(f"the model's process ended while {doing} ({last_words})")
                case heard:
                    yield heard

    def done(self, jobs: Sequence[int], *, drop: bool = False) -> None:
        """Expect no more replies to these jobs; with `drop`, let the worker forget them."""
        self._open.difference_update(jobs)
        if self._aside:
            self._aside = deque(heard for heard in self._aside if _job(heard) in self._open)
        if drop:
            self.tell(wire.Drop(list(jobs)))

    def end(self) -> None:
        """End the worker; another may be started."""
        process, self._process, self._info = self._process, None, None
        self._aside.clear()
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the worker for good; may be called from any thread."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def _receive(self, seconds: float | None) -> Heard | str:
        """Wait for a reply; the last words of a worker that has ended instead."""
        process = self._running()
        heard = process.receive(seconds)
        if heard is not None:
            return heard
        self.end()
        if self._closed:
            raise CancelledError("the engine was closed")
        return process.last_words()

    def _running(self) -> WorkerProcess:
        if self._closed or self._process is None:
            raise CancelledError("the engine was closed")
        return self._process


def _job(heard: Heard) -> int | None:
    return getattr(heard[0], "job", None)


def load_of(
    model: Path,
    *,
    mark: str | None,
    context: int,
    options: EngineOptions,
    mapped: bool = False,
    use: wire.Use = "read",
    adapter: Path | None = None,
) -> wire.Load:
    """Put together what a worker's first request says."""
    return wire.Load(
        path=str(model.absolute()),
        mark=mark,
        context=context,
        n_ctx=options.n_ctx,
        n_ubatch=options.n_ubatch,
        n_threads=options.n_threads,
        n_gpu_layers=options.n_gpu_layers,
        n_lanes=options.n_lanes,
        mapped=mapped,
        use=use,
        adapter=str(adapter.absolute()) if adapter else None,
    )


def rows_of(answer: wire.Answer, payload: bytes, marks: int) -> Rows:
    """Take an answer apart; refuses one that has not a row for every mark."""
    import numpy as np

    hidden = np.frombuffer(payload, np.float32)
    if answer.marks != marks or (marks and len(hidden) % marks):
        raise CountMismatchError(f"the engine returned {answer.marks} rows for {marks} marks")
    rows = hidden.reshape(marks, -1) if marks else hidden.reshape(0, 0)
    return Rows(rows, answer.tokens, answer.decoded, answer.seconds)


def error_of(failed: wire.Failed) -> StepcheckError:
    """Raise on this side what was raised on the other."""
    kinds = {
        kind.kind: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StepcheckError)
    }
    return kinds.get(failed.kind, errors.EngineError)(failed.message)
