"""What reads prompts: the protocol and its values.

A reader turns prompts into rows of hidden state, one per mark, in order. It knows no maths, no Markdown and no
thresholds.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeGuard

from stepcheck.errors import StepcheckError
from stepcheck.prm.prompt import HIDDEN, Prompt, Segment, Want

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


N_LANES: Final = 2
"""KV caches over the same weights on a CPU, each read with a part of the threads."""
LANE_CELLS: Final = 4096
"""Room of a further one in tokens, at most: longer prompts are read in the first."""


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
    """Tokens per decode; by default 512, where layers are offloaded 1,024."""
    n_lanes: int | None = None
    """KV caches over the same weights that are read side by side, each with a part of the threads; by default two where
    hidden states are read on a CPU with as many threads."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What was loaded, and where it runs."""

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
    max_tokens: int = 8192
    """What ProcessBench lets a critic write (code/run_eval.py of QwenLM/ProcessBench)."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: `whole`, or cut because the room ran out; `refused` where a server would not answer."""

    whole: bool
    tokens: int
    refused: bool = False


class Reader(Protocol):
    """Whole prompts in, a matrix each out, batched as it likes."""

    def read(self, prompts: Iterable[Prompt], want: Want = HIDDEN) -> Iterator[Rows | StepcheckError]:
        """Yield rows or an error for every prompt, in order; draws from `prompts` no further than it needs to.

        Raises:
            StepcheckError: no prompt at all can be read: the model cannot be loaded, or cannot give what is wanted.
        """
        ...

    def close(self) -> None:
        """End at once, from any thread; what is under way is lost."""
        ...


class Branch(Protocol):
    """A node of the KV tree, held until it is dropped: it is neither narrowed nor evicted, whatever else is read."""

    def extend(self, segments: Sequence[Segment], want: Want = HIDDEN) -> Rows:
        """Add segments to its end and read what is wanted at their marks; only their tokens are computed.

        Likelihoods are those of the new tokens.

        Raises:
            TooLongError: it would be longer than the context.
            OutOfMemoryError: what is held leaves no room.
            WorkerDiedError: the process that held it has ended.
        """
        ...

    def fork(self) -> "Branch":
        """Hold another branch with the same tokens, which costs nothing; errors as in `extend`."""
        ...

    def write(self, sampling: Sampling, stop: Sequence[str] = ()) -> Generator[str | Ending, None, None]:
        """Yield what the model writes on, as it comes, then how it ended; the branch then holds what was yielded.

        It ends where the model ends it, at the token limit, or once any text of `stop` is written. Close the iterator
        to stop the writing; errors as in `extend`.
        """
        ...

    def drop(self) -> None:
        """Hold it no longer; its tokens stay until their room is needed."""
        ...


class Tree(Protocol):
    """What only engines that keep state can do."""

    def open(self, head: Sequence[Segment]) -> Branch:
        """Hold a branch that begins with these segments; what any branch has of them is shared."""
        ...


class Loading(Reader, Protocol):
    """What a reader can do besides, if it has a model to load."""

    @property
    def info(self) -> EngineInfo:
        """What was loaded; waits until it is."""
        ...

    def start(self) -> None:
        """Begin to load without waiting."""
        ...


def loads(reader: Reader) -> TypeGuard[Loading]:
    """Tell whether a reader has a model to load; its class is asked, since its `info` would wait for the model."""
    return hasattr(type(reader), "start")
