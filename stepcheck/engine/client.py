"""The engine as its user sees it: prompts in, rows out, while llama.cpp runs in a process of its own.

A worker that dies costs at most the prompt it was on: those in flight are read again one at a time, and the one that
brings the worker down alone gets the error. Branches of the tree can be held besides; see `engine/tree.py`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from stepcheck.closing import Closing
from stepcheck.engine import wire
from stepcheck.engine.base import Branch, EngineInfo, EngineOptions, Rows
from stepcheck.engine.host import STALL_SECONDS, Host, error_of, load_of, rows_of
from stepcheck.engine.spawn import WORKER
from stepcheck.engine.tree import LlamaBranch, packed
from stepcheck.errors import StepcheckError, WorkerDiedError
from stepcheck.prm.prompt import HIDDEN, Prompt, Segment, Want

WINDOW = 32
"""Prompts in flight: enough to fill batches across short ones."""


class LlamaEngine(Closing):
    """Reads prompts with a GGUF model, and holds branches of them.

    `mark`, if there is one, must be one token of the model; `context` is the longest prompt in tokens. Loading starts
    with `start`, or with the first use; `on_loading` hears of its progress, 0 to 1. One thread may read at a time;
    `close` may be called from any thread and ends the process at once.

    `use` is what it is loaded for: `read` for hidden states, `weigh` for likelihoods. `mapped` maps the file into
    memory instead of reading it: quick, and right for 16-bit weights. Quantized ones are repacked while they are
    loaded, and a mapped file would stay in memory beside its copy (a 0.5B in q4_0: 810 MB instead of 620).

    `adapter` is a LoRA that the backbone is read with.
    """

    def __init__(  # noqa: PLR0913 (what a model may be loaded with)
        self,
        backbone: Path,
        *,
        mark: str | None,
        context: int,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        mapped: bool = False,
        use: wire.Use = "read",
        adapter: Path | None = None,
        on_loading: Callable[[float], None] | None = None,
        command: Sequence[str] = WORKER,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        load = load_of(backbone, mark=mark, context=context, options=options, mapped=mapped, use=use, adapter=adapter)
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

    @property
    def restarts(self) -> int:
        """How often the process was started anew, because it had ended."""
        return max(0, self._host.life - 1)

    def read(self, prompts: Iterable[Prompt], want: Want = HIDDEN) -> Iterator[Rows | StepcheckError]:
        """Yield rows or an error for every prompt, in order.

        A prompt's own failure is yielded in its place; a model that cannot be loaded is raised.
        """
        return _Reading(self._host, iter(prompts), want).results()

    def open(self, head: Sequence[Segment]) -> Branch:
        """Hold a branch of the tree that begins with these segments.

        Raises:
            TooLongError: they are longer than the context.
            OutOfMemoryError: what is held leaves no room for them.
        """
        return LlamaBranch.opened(self._host, head)

    def close(self) -> None:
        """End the process at once, in the middle of a decode if need be."""
        self._host.close()


class _Reading:
    """One pass over prompts: what is in flight, what is answered, what must be read again alone."""

    def __init__(self, host: Host, prompts: Iterator[Prompt], want: Want) -> None:
        self._host, self._want = host, want
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
                self._host.done(list(self._flight), drop=True)

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
                drawn.append((self._host.new_number(), prompt))
        self._order.extend(job for job, _ in drawn)
        return drawn

    def _ask(self, prompts: Sequence[tuple[int, Prompt]]) -> None:
        if prompts:
            self._flight.update(prompts)
            asks = [_ask(job, prompt, self._want) for job, prompt in prompts]
            self._host.ask(wire.Asks(asks), [job for job, _ in prompts])
            import numpy as np  # noqa: F401 (while the first batch is read: its rows need it)

    def _hear(self) -> None:
        """Wait for one answer, or for the worker's end."""
        match self._host.hear(self._flight):
            case (wire.Answer() as answer, payload):
                prompt = self._flight.pop(answer.job)
                marks = answer.marks if prompt.tokens else prompt.marks
                self._answers[answer.job] = rows_of(answer, payload, marks)
                self._host.done([answer.job])
            case (wire.Failed(job=None) as failed, _):
                self._bury(error_of(failed))
            case (wire.Failed(job=int(job)) as failed, _):
                del self._flight[job]
                self._answers[job] = error_of(failed)
                self._host.done([job])
            case str(last_words):
                self._bury(WorkerDiedError(f"the engine's process ended while reading this ({last_words})"))

    def _bury(self, error: StepcheckError) -> None:
        """The worker is gone: alone in flight, a prompt gets the error; several are tried again one at a time."""
        self._host.end()
        self._host.done(list(self._flight))
        if len(self._flight) == 1:
            job, _ = self._flight.popitem()
            self._answers[job] = error
        else:
            self._suspects.extend(self._flight.items())
            self._flight.clear()
        self._host.start()


def _ask(job: int, prompt: Prompt, want: Want) -> wire.Ask:
    ends = tuple([end for segment in prompt.segments for end in segment.ends])
    return wire.Ask(job, packed(prompt.segments), prompt.begins, ends, prompt.behind, prompt.lead, want, prompt.tokens)
