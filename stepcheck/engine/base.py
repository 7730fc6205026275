"""The engine's protocol and its values.

An engine turns prompts into rows of hidden state, one per mark, in order. It knows no maths, no Markdown and no
thresholds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from stepcheck.errors import StepcheckError
from stepcheck.prm.prompt import Prompt

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How llama.cpp runs; None means: right for this machine."""

    n_threads: int | None = None
    """CPU threads; by default one per physical core that this process may use, a single one for tiny models."""
    n_gpu_layers: int | None = None
    """Layers on the accelerator; by default all where the build supports offload, else 0."""
    n_ctx: int | None = None
    """Room of the KV cache in tokens, shared by all branches; by default the model's context."""
    n_ubatch: int | None = None
    """Tokens per decode; by default 512."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What was loaded."""

    hidden: int
    context: int
    """Longest prompt, in tokens."""
    device: str
    """Where the layers are, e.g. `CPU` or `CUDA0 (NVIDIA H200)`."""
    n_threads: int
    n_ubatch: int


@dataclass(frozen=True, slots=True)
class Rows:
    """What the engine read for one prompt.

    `hidden` has shape (marks, hidden), float32: the state after the final norm at each mark. `tokens` is the prompt's
    length; `decoded` counts those of its tokens that were computed for it and not shared with another prompt;
    `seconds` is the prompt's part of the time, by tokens decoded.
    """

    hidden: "NDArray[np.float32]"
    tokens: int
    decoded: int
    seconds: float


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


class Engine(Protocol):
    """Reads prompts; closes."""

    @property
    def info(self) -> EngineInfo:
        """What was loaded; loads it if need be."""
        ...

    def start(self) -> None:
        """Begin to load without waiting."""
        ...

    def read(self, prompts: Iterable[Prompt]) -> Iterator[Rows | StepcheckError]:
        """Yield rows or an error for every prompt, in order; draws from `prompts` no further than it needs to."""
        ...

    def close(self) -> None:
        """End the engine at once; what is under way is lost."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None: ...
