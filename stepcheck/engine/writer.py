"""A model that writes, as its user sees it: a question in, words out as they come, llama.cpp in a process of its own.

Owns that process's life. Closing an answer before its end stops the writing; `close` ends the process at once.
"""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from stepcheck.closing import Closing
from stepcheck.engine.base import Ending, EngineInfo, EngineOptions, Sampling
from stepcheck.engine.host import Host, load_of
from stepcheck.engine.spawn import WORKER
from stepcheck.engine.tree import written

QUESTION = 4096
"""Tokens of a question that leave an answer all its room, where neither the user nor the model sets fewer."""


class LlamaWriter(Closing):
    """Lets a GGUF answer questions, in its own chat template. A context manager; one thread may ask at a time.

    There is room for answers of `new_tokens` beside a question, as far as the model was trained for so long a text.
    """

    def __init__(
        self,
        model: Path,
        *,
        new_tokens: int = 8192,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        on_loading: Callable[[float], None] | None = None,
        command: Sequence[str] = WORKER,
    ) -> None:
        load = load_of(model, mark=None, context=QUESTION + new_tokens, options=options, use="write")
        self._host = Host(load, on_loading, command)

    def start(self) -> None:
        """Begin to load without waiting."""
        self._host.start()

    @property
    def info(self) -> EngineInfo:
        """What was loaded; waits until it is.

        Raises:
            LoadError: or OutOfMemoryError: the model cannot be loaded, or has no chat template that can be used.
        """
        return self._host.ready()

    def write(self, text: str, sampling: Sampling) -> Generator[str | Ending, None, None]:
        """Yield an answer's words as they come, then how it ended. Close the iterator to stop the writing.

        Raises:
            TooLongError: the question alone fills the context.
            WorkerDiedError: the process ended; the next question starts another.
        """
        return written(self._host, sampling, text=text)

    def close(self) -> None:
        """End the process at once, in the middle of a word if need be; may be called from any thread."""
        self._host.close()
