"""Two models at once: how likely the one and the other find a solution, side by side.

A reader like any other: its rows have two columns, log p by the model and log p by its reference, summed over the
solution up to each mark. Owns that both read the same prompts; the death of one costs one prompt, as in any engine.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from stepcheck.closing import Closing
from stepcheck.engine.base import EngineInfo, EngineOptions, Rows
from stepcheck.engine.client import LlamaEngine
from stepcheck.errors import ModelError, StepcheckError, UsageError
from stepcheck.prm.prompt import LIKELIHOOD, Prompt, Want


class RatioEngine(Closing):
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
        hear = [on_loading and (lambda done, half=half: on_loading((half + done) / 2)) for half in range(2)]
        self._engines = [
            LlamaEngine(path, mark=None, context=context, options=options, use="weigh", on_loading=heard)
            for path, heard in zip((model, reference), hear, strict=True)
        ]

    def start(self) -> None:
        """Begin to load both without waiting."""
        for engine in self._engines:
            engine.start()

    @property
    def info(self) -> EngineInfo:
        """What was loaded; waits until both are.

        Raises:
            LoadError: or OutOfMemoryError: one of them cannot be loaded.
        """
        self.start()
        first, second = (engine.info for engine in self._engines)
        context = min(first.context, second.context)
        return EngineInfo(2, context, first.device, first.n_threads, first.n_ubatch)

    def read(self, prompts: Iterable[Prompt], want: Want = LIKELIHOOD) -> Iterator[Rows | StepcheckError]:
        """Yield rows or an error for every prompt, in order; a model that cannot be loaded is raised."""
        if want != LIKELIHOOD:
            raise UsageError(f"a ratio is one of likelihoods, not of {want.kind}")
        return self._read(prompts)

    def _read(self, prompts: Iterable[Prompt]) -> Iterator[Rows | StepcheckError]:
        both = itertools.tee(self._started(prompts))
        first, second = (engine.read(each, LIKELIHOOD) for engine, each in zip(self._engines, both, strict=True))
        with closing(first), closing(second):  # type: ignore[type-var]  # both are generators
            for answer in first:
                yield _together([answer, next(second)])

    def _started(self, prompts: Iterable[Prompt]) -> Iterator[Prompt]:
        """Let both load at once, as soon as there is anything to read."""
        for prompt in prompts:
            self.start()
            yield prompt

    def close(self) -> None:
        """End both processes at once."""
        for engine in self._engines:
            engine.close()


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
