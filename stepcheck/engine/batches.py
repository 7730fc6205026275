"""What the planner tells whoever decodes: operations on sequences, and batches of tokens. Values only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepcheck.prm.prompt import HIDDEN, Want

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Copy:
    """Let sequence `target` share the first `end` positions of `source`."""

    source: int
    target: int
    end: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Forget a sequence from position `start` on."""

    seq: int
    start: int = 0


Operation = Copy | Remove


@dataclass(slots=True)
class Run:
    """Tokens at consecutive positions that wait to be decoded and belong to the same sequences.

    `outputs` are the positions at which `want` is wanted.
    """

    tokens: Ints
    start: int
    seqs: list[int]
    outputs: set[int]
    want: Want = HIDDEN

    @property
    def end(self) -> int:
        """The position after the last token."""
        return self.start + len(self.tokens)

    def cut(self, position: int) -> "Run":
        """Shorten this run to end before `position` and return the rest."""
        keep = position - self.start
        outputs = {p for p in self.outputs if p >= position}
        rest = Run(self.tokens[keep:], position, list(self.seqs), outputs, self.want)
        self.tokens = self.tokens[:keep]
        self.outputs = {p for p in self.outputs if p < position}
        return rest


@dataclass(frozen=True, slots=True)
class Batch:
    """One decode: runs in order, together at most `n_batch` tokens. Every token of a run has the run's sequences.

    All outputs are read for the same `want`. `next_tokens` are those that follow the outputs, where likelihoods are.
    """

    runs: tuple[Run, ...]
    want: Want = HIDDEN
    next_tokens: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        """How many tokens are decoded."""
        return sum(len(run.tokens) for run in self.runs)

    @property
    def outputs(self) -> list[tuple[int, int]]:
        """(sequence, position) of every row that the decode returns, in order."""
        return [(run.seqs[0], position) for run in self.runs for position in sorted(run.outputs)]


@dataclass(frozen=True, slots=True)
class Finished:
    """A prompt, or what a branch was extended by, whose rows are all there: `rows` has shape (marks, width).

    `decoded` of its `tokens` were computed for it, in `seconds`: its part of the batches, by tokens.
    """

    job: int
    rows: Floats
    tokens: int
    decoded: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of a lane's batch: rows of shape (len(batch.outputs), width), or what was raised, after `seconds`."""

    lane: int
    batch: Batch
    rows: Floats | BaseException
    seconds: float
