"""Two models at once: how likely the one and the other find a solution, side by side, one prompt after the other.

An engine like any other: its rows have two columns, log p by the model and log p by its reference, summed over the
solution up to each mark. Owns that both read the same prompt and that the death of one costs one prompt.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.base import EngineInfo, EngineOptions, Rows
from stepcheck.engine.client import STALL_SECONDS, Host, error_of, load_of, rows_of
from stepcheck.errors import ModelError, StepcheckError, UsageError, WorkerDiedError
from stepcheck.prm.prompt import LIKELIHOOD, Prompt, Want

COMMAND = (sys.executable, "-P", "-m", "stepcheck.engine.likelihood")


class RatioEngine:
    """Reads prompts with a model and its reference; both GGUFs must have the same vocabulary."""

    def __init__(
        self,
        model: Path,
        reference: Path,
        *,
        context: int,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        on_loading: Callable[[float], None] | None = None,
    ) -> None:
        loads = [load_of(path, mark=None, context=context, options=options) for path in (model, reference)]
        hear = [on_loading and (lambda done, half=half: on_loading((half + done) / 2)) for half in range(2)]
        self._hosts = [Host(load, heard, COMMAND, STALL_SECONDS) for load, heard in zip(loads, hear, strict=True)]

    def start(self) -> None:
        """Begin to load both without waiting."""
        for host in self._hosts:
            host.start()

    @property
    def info(self) -> EngineInfo:
        """What was loaded; waits until both are.

        Raises:
            LoadError: or OutOfMemoryError: one of them cannot be loaded.
        """
        self.start()
        first, second = (host.ready() for host in self._hosts)
        context = min(first.context, second.context)
        return EngineInfo(2, context, first.device, first.n_threads, first.n_ubatch)

    def read(self, prompts: Iterable[Prompt], want: Want = LIKELIHOOD) -> Iterator[Rows | StepcheckError]:
        """Yield rows or an error for every prompt, in order; a model that cannot be loaded is raised."""
        if want != LIKELIHOOD:
            raise UsageError(f"a ratio is one of likelihoods, not of {want.kind}")
        for prompt in prompts:
            _ = self.info
            job = self._hosts[0].new_job()
            for host in self._hosts:
                host.ask([(job, prompt)])
            yield _together([_hear(host, job, prompt) for host in self._hosts])

    def close(self) -> None:
        """End both processes at once."""
        for host in self._hosts:
            host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _hear(host: Host, job: int, prompt: Prompt) -> Rows | StepcheckError:
    """Wait for one model's answer to this prompt."""
    while True:
        match host.hear():
            case (wire.Answer() as answer, payload) if answer.job == job:
                return rows_of(answer, payload, prompt)
            case (wire.Failed(about) as failed, _) if about in (job, None):
                if about is None:
                    host.end()
                return error_of(failed)
            case str(last_words):
                return WorkerDiedError(f"a model's process ended while reading this ({last_words})")
            case _:
                pass  # an answer to a prompt that was left


def _together(answers: list[Rows | StepcheckError]) -> Rows | StepcheckError:
    """Put both models' numbers side by side; an error of either is the prompt's."""
    rows: list[Rows] = []
    for answer in answers:
        if isinstance(answer, StepcheckError):
            return answer
        rows.append(answer)
    first, second = rows
    if first.tokens != second.tokens:
        raise ModelError(
            f"the model reads {first.tokens} tokens, its reference {second.tokens}: they have not the same vocabulary"
        )
    hidden = np.concatenate([first.hidden, second.hidden], axis=1)
    return Rows(hidden, first.tokens, first.decoded + second.decoded, max(first.seconds, second.seconds))
