"""Which tokens are decoded when: one prefix tree over everything in the KV cache, kept and extended.

A prompt is admitted as a branch of the tree: the longest prefix that any branch already holds is shared, whether it
was decoded for an earlier prompt or still waits in the queue, and only the rest is queued. Batches are cut off the
front of the queue at full size, so short prompts fill them together. A finished branch stays until its room is needed
(the least recently used goes first); an edited document or another candidate of the same problem then pays for its new
tokens only.

Pure: no llama.cpp here. The planner returns operations on sequences and batches; whoever executes them reports back
with `commit`. Cells are counted with ids of our own, which need not be llama.cpp's: only their number matters.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CountMismatchError

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

    `outputs` are the positions whose rows are wanted.
    """

    tokens: Ints
    start: int
    seqs: list[int]
    outputs: set[int]

    @property
    def end(self) -> int:
        """The position after the last token."""
        return self.start + len(self.tokens)

    def cut(self, position: int) -> "Run":
        """Shorten this run to end before `position` and return the rest."""
        keep = position - self.start
        rest = Run(self.tokens[keep:], position, list(self.seqs), {p for p in self.outputs if p >= position})
        self.tokens = self.tokens[:keep]
        self.outputs = {p for p in self.outputs if p < position}
        return rest


@dataclass(frozen=True, slots=True)
class Batch:
    """One decode: runs in order, together at most `n_batch` tokens. Every token of a run has the run's sequences."""

    runs: tuple[Run, ...]

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
    """A prompt whose rows are all there: `rows` has shape (marks, hidden).

    `decoded` of its `tokens` were computed for it, in `seconds`: its part of the batches, by tokens.
    """

    job: int
    rows: Floats
    tokens: int
    decoded: int
    seconds: float


@dataclass(slots=True)
class Branch:
    """One sequence of the tree.

    `done` positions are in the KV cache; `decoded` tokens had to be computed for it; `job` is None once its rows have
    been handed over; `used` is the planner's clock when it was last wanted.
    """

    seq: int
    tokens: Ints
    marks: tuple[int, ...]
    job: int | None
    decoded: int
    used: int
    done: int = 0
    seconds: float = 0.0
    cells: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rows: dict[int, Floats] = field(default_factory=dict)


class Planner:
    """Admits prompts into the tree, cuts batches and collects rows.

    `n_cells`: room of the KV cache in tokens. `n_seqs`: sequences at a time. `n_batch`: tokens per decode.
    `n_outputs`: rows per decode at most.
    """

    def __init__(self, n_cells: int, n_seqs: int, n_batch: int, n_outputs: int) -> None:
        self.n_cells, self.n_batch, self.n_outputs = n_cells, n_batch, n_outputs
        self._branches: dict[int, Branch] = {}
        self._queue: deque[Run] = deque()
        self._free_seqs = list(range(n_seqs - 1, -1, -1))
        self._free_cells = np.arange(n_cells, dtype=np.int64)
        self._references = np.zeros(n_cells, np.int32)
        self._operations: list[Operation] = []
        self._clock = 0

    @property
    def waiting(self) -> int:
        """Tokens in the queue."""
        return sum(len(run.tokens) for run in self._queue)

    @property
    def active(self) -> bool:
        """Whether any prompt still waits for rows."""
        return any(branch.job is not None for branch in self._branches.values())

    def admit(self, job: int, tokens: Ints, marks: Sequence[int]) -> bool:
        """Add a prompt to the tree; False if there is no room until others finish.

        `marks` are the positions whose rows are wanted, ascending; the last is the last token. A prompt longer than
        `n_cells` must not come here.
        """
        if not marks or marks[-1] != len(tokens) - 1 or len(tokens) > self.n_cells:
            raise CountMismatchError(f"a prompt of {len(tokens)} tokens with marks {list(marks)} cannot be planned")
        source, shared = self._nearest(tokens, marks)
        if not self._make_room(len(tokens) - shared, source, shared):
            return False
        self._clock += 1
        branch = Branch(self._free_seqs.pop(), tokens, tuple(marks), job, len(tokens) - shared, self._clock)
        self._branches[branch.seq] = branch
        if source is not None:
            self._share(source, branch, shared)
        fresh, self._free_cells = np.split(self._free_cells, [branch.decoded])
        self._references[fresh] += 1
        branch.cells = np.concatenate([branch.cells, fresh])
        if branch.decoded:
            self._queue.append(Run(tokens[shared:], shared, [branch.seq], {m for m in marks if m >= shared}))
        return True

    def cut(self) -> tuple[list[Operation], Batch]:
        """Take the operations due and the next batch off the queue; the batch is empty if nothing waits."""
        runs: list[Run] = []
        room, outputs = self.n_batch, self.n_outputs
        while self._queue and room:
            run = self._queue.popleft()
            end = min(run.end, run.start + room)
            wanted = sorted(p for p in run.outputs if p < end)
            if len(wanted) > outputs:
                end = wanted[outputs]
            if end < run.end:
                self._queue.appendleft(run.cut(end) if end > run.start else run)
                if end == run.start:
                    break
            room -= len(run.tokens)
            outputs -= len(run.outputs)
            runs.append(run)
        operations, self._operations = self._operations, []
        return operations, Batch(tuple(runs))

    def commit(self, batch: Batch, rows: Floats, seconds: float = 0.0) -> None:
        """Record that a batch was decoded in `seconds`; `rows` has shape (len(batch.outputs), hidden)."""
        if len(rows) != len(batch.outputs):
            raise CountMismatchError(f"the engine returned {len(rows)} rows for {len(batch.outputs)} marks")
        at = 0
        for run in batch.runs:
            kept = {p: rows[at + i] for i, p in enumerate(sorted(run.outputs))}
            at += len(run.outputs)
            self._branches[run.seqs[0]].seconds += seconds * len(run.tokens) / batch.tokens
            for seq in run.seqs:
                branch = self._branches[seq]
                branch.done = run.end
                branch.rows.update(kept)

    def finished(self) -> list[Finished]:
        """Hand over every prompt that is complete, oldest first; its branch stays in the tree."""
        out = []
        for branch in sorted(self._branches.values(), key=lambda b: b.used):
            if branch.job is not None and branch.done == len(branch.tokens):
                rows = np.stack([branch.rows[mark] for mark in branch.marks])
                out.append(Finished(branch.job, rows, len(branch.tokens), branch.decoded, branch.seconds))
                branch.job = None
        return out

    def narrow(self, upcoming: Sequence[Ints]) -> None:
        """Give back what finished branches hold beyond any prefix of the prompts to come.

        Attention reads the mask of every cell up to the last one in use, so cells that nobody will ask for cost time:
        a 0.5B model on two cores decodes at 500 tokens/s with 4,096 cells in use and at 640 with 512.
        """
        for branch in [b for b in self._branches.values() if b.job is None]:
            keep = max((_common(branch.tokens, tokens) for tokens in upcoming), default=0)
            if (self._references[branch.cells[:keep]] > 1).all():
                self._remove(branch)
            elif keep < len(branch.tokens):
                self._trim(branch, keep)

    def cancel(self) -> None:
        """Drop every prompt that is not complete."""
        self._queue.clear()
        for branch in list(self._branches.values()):
            if branch.done < len(branch.tokens):
                self._remove(branch)

    def _nearest(self, tokens: Ints, marks: Sequence[int]) -> tuple[Branch | None, int]:
        """Find the branch that shares the longest usable prefix: one whose marks' rows are there or can still be."""
        best: tuple[Branch | None, int] = (None, 0)
        for branch in self._branches.values():
            shared = _common(branch.tokens, tokens)
            shared = next((m for m in marks if m < min(shared, branch.done) and m not in branch.rows), shared)
            if shared > best[1]:
                best = (branch, shared)
        return best

    def _make_room(self, cells: int, source: Branch | None, shared: int) -> bool:
        """Evict idle branches, least recently used first, until a sequence and `cells` cells are free.

        The source itself may go last, once its prefix is shared: what only it holds counts as room.
        """
        idle = sorted((b for b in self._branches.values() if b.job is None and b is not source), key=lambda b: b.used)
        while idle and (not self._free_seqs or len(self._free_cells) < cells):
            self._remove(idle.pop(0))
        room = len(self._free_cells)
        if source is not None and source.job is None:
            room += int((self._references[source.cells[shared:]] == 1).sum())
        return bool(self._free_seqs) and room >= cells

    def _share(self, source: Branch, branch: Branch, shared: int) -> None:
        """Give a new branch the first `shared` positions of another: decoded by copy, queued by membership."""
        branch.done = min(shared, source.done)
        branch.cells = source.cells[:shared]
        self._references[branch.cells] += 1
        branch.rows = {p: row for p, row in source.rows.items() if p < shared}
        source.used = self._clock
        if branch.done:
            self._operations.append(Copy(source.seq, branch.seq, branch.done))
        for i in range(len(self._queue) - 1, -1, -1):
            run = self._queue[i]
            if source.seq in run.seqs and run.start < shared:
                if run.end > shared:
                    self._queue.insert(i + 1, run.cut(shared))
                run.seqs.append(branch.seq)
                run.outputs.update(m for m in branch.marks if run.start <= m < run.end)
        if len(self._free_cells) < branch.decoded:
            self._remove(source)

    def _remove(self, branch: Branch) -> None:
        """Forget a branch."""
        self._trim(branch, 0)
        del self._branches[branch.seq]
        self._free_seqs.append(branch.seq)

    def _trim(self, branch: Branch, keep: int) -> None:
        """Forget a branch from position `keep` on; cells that no other branch holds are free again."""
        self._operations.append(Remove(branch.seq, keep))
        cells = branch.cells[keep:]
        self._references[cells] -= 1
        self._free_cells = np.concatenate([self._free_cells, cells[self._references[cells] == 0]])
        branch.tokens, branch.cells, branch.done = branch.tokens[:keep], branch.cells[:keep], min(branch.done, keep)
        branch.rows = {p: row for p, row in branch.rows.items() if p < keep}


def _common(a: Ints, b: Ints) -> int:
    """Count the leading tokens that two sequences share."""
    n = min(len(a), len(b))
    different = np.flatnonzero(a[:n] != b[:n])
    return int(different[0]) if len(different) else n
