"""Which tokens are decoded when: one prefix tree over everything in the KV cache, kept, extended and pinned.

A prompt is admitted as a branch of the tree: the longest prefix that any branch already holds is shared, whether it
was decoded for an earlier prompt or still waits in the queue, and only the rest is queued. Batches are cut off the
front of the queue: short prompts fill them together, and one that is large enough ends where a prompt does, for each
token's attention goes over all cells in use, those of other prompts too. A finished branch stays until its room is
needed (the least recently used goes first); an edited document or another candidate of the same problem then pays for
its new tokens only. A branch that somebody holds is pinned: it can be extended and forked, and is never narrowed or
evicted.

Reading hidden states, weighing (how likely each token is) and writing (one token after another) are the same to the
tree: what differs is what a row is of, and so when one that is there can be used again.

Pure: no llama.cpp here. The planner returns operations on sequences and batches; whoever executes them reports back
with `commit`. Cells are counted with ids of our own, which need not be llama.cpp's: only their number matters.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.engine.batches import Batch, Copy, Finished, Floats, Ints, Operation, Remove, Run
from stepcheck.errors import CountMismatchError
from stepcheck.prm.prompt import HIDDEN, Want

NEXT: Final = Want("logits")
"""The logits of all tokens, from which the next one is drawn: they stay where they are and are gone with the batch."""

GRAIN: Final = 4
"""Tokens that llama.cpp multiplies at a time: those that are left over cost as much as four (q4_0: 2 % of 350)."""

NOTHING: Final[Floats] = np.empty((0, 0), np.float32)


@dataclass(slots=True)
class Branch:
    """One sequence of the tree.

    `done` positions are in the KV cache; `decoded` tokens had to be computed for the last thing it was wanted for;
    `job` is None once its rows have been handed over; `used` is the planner's clock when it was last wanted.
    """

    seq: int
    tokens: Ints
    marks: tuple[int, ...]
    want: Want
    job: int | None
    decoded: int
    used: int
    pinned: bool = False
    done: int = 0
    seconds: float = 0.0
    cells: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rows: dict[Want, dict[int, Floats]] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nobody waits for it or holds it."""
        return self.job is None and not self.pinned

    def before(self, position: int, same: int) -> dict[Want, dict[int, Floats]]:
        """Return the rows before a position that another has too, whose first `same` tokens are the same."""
        return {
            want: {p: row for p, row in rows.items() if p < position and p + _ahead(want) < same}
            for want, rows in self.rows.items()
        }


class Planner:
    """Admits prompts into the tree, cuts batches and collects rows.

    `n_cells`: room of the KV cache in tokens. `n_seqs`: sequences at a time. `n_batch`: tokens per decode.
    `n_outputs`: rows per decode at most. `n_enough`: tokens after which a decode ends where a prompt does; by default
    only a full one is enough.
    """

    def __init__(self, n_cells: int, n_seqs: int, n_batch: int, n_outputs: int, n_enough: int | None = None) -> None:
        self.n_cells, self.n_batch, self.n_outputs = n_cells, n_batch, n_outputs
        self.n_enough = n_batch if n_enough is None else n_enough
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
        """Whether anything still waits for rows."""
        return any(branch.job is not None for branch in self._branches.values())

    def tokens(self, seq: int) -> Ints:
        """Return what a branch holds."""
        return self._branches[seq].tokens

    def admit(
        self, job: int, tokens: Ints, marks: Sequence[int], want: Want = HIDDEN, *, pin: bool = False
    ) -> int | None:
        """Add a prompt to the tree and return its branch; None if there is no room until others finish.

        `marks` are the positions at which `want` is wanted, ascending; the last is the last token, or where likelihoods
        are wanted at most the one before it. A branch that is to be held (`pin`) needs none. A prompt longer than
        `n_cells` must not come here.
        """
        last = marks[-1] + _ahead(want) if marks else len(tokens) - 1 if pin else -1
        if not len(tokens) or last not in ({len(tokens) - 1} if not _ahead(want) else range(1, len(tokens))):
            raise CountMismatchError(f"a prompt of {len(tokens)} tokens with marks {list(marks)} cannot be planned")
        if len(tokens) > self.n_cells:
            raise CountMismatchError(f"a prompt of {len(tokens)} tokens cannot be planned in {self.n_cells}")
        source, shared = self._nearest(tokens, marks, want)
        if not self._make_room(len(tokens) - shared, source, shared):
            return None
        branch = self._new(tokens, job, len(tokens) - shared, pinned=pin)
        branch.marks, branch.want = tuple(marks), want
        if source is not None:
            self._share(source, branch, shared)
        self._enqueue(branch, shared)
        return branch.seq

    def extend(self, seq: int, job: int | None, tokens: Ints, marks: Sequence[int], want: Want = HIDDEN) -> bool:
        """Add tokens to the end of a branch that somebody holds; False if there is no room until others finish.

        `marks` count from the branch's beginning; one before its end, whose row is not there, is read again. Without a
        job nobody waits: the tokens are read with the next ones.
        """
        branch = self._branches[seq]
        whole = np.concatenate([branch.tokens, tokens]).astype(np.int32)
        keep = self._usable(branch, marks, want, len(branch.tokens))
        alone = int((self._references[branch.cells[keep:]] == 1).sum())
        cells = len(whole) - keep - alone
        self._evict(cells)
        if len(self._free_cells) < cells:
            return False
        if keep < len(branch.tokens):
            self._dequeue(branch, keep)
            self._trim(branch, keep)
        self._clock += 1
        branch.tokens, branch.marks, branch.want, branch.job = whole, tuple(marks), want, job
        branch.decoded, branch.seconds, branch.used = len(whole) - keep, 0.0, self._clock
        self._enqueue(branch, keep)
        return True

    def fork(self, seq: int) -> int | None:
        """Hold a second branch with the same tokens and return it; None if there is no sequence for it."""
        source = self._branches[seq]
        if not self._make_room(0, source, len(source.tokens)):
            return None
        branch = self._new(source.tokens, None, 0, pinned=True)
        self._share(source, branch, len(source.tokens))
        return branch.seq

    def pin(self, seq: int, *, held: bool) -> None:
        """Hold a branch, or let go of it: it stays, as others do, until its room is needed."""
        self._branches[seq].pinned = held

    def cut(self) -> tuple[list[Operation], Batch]:
        """Take the operations due and the next batch off the queue; the batch is empty if nothing waits."""
        runs: list[Run] = []
        room, outputs = self.n_batch, self.n_outputs
        while self._queue and room and self._queue[0].want == (runs or self._queue)[0].want:
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
            if (taken := self.n_batch - room) >= self.n_enough and self._completes(run):
                room = min(room, -taken % GRAIN)
        operations, self._operations = self._operations, []
        want = runs[0].want if runs else HIDDEN
        return operations, Batch(tuple(runs), want, self._next_tokens(runs) if _ahead(want) else ())

    def commit(self, batch: Batch, rows: Floats, seconds: float = 0.0) -> None:
        """Record that a batch was decoded in `seconds`; `rows` has shape (len(batch.outputs), width)."""
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
                if kept:
                    branch.rows.setdefault(batch.want, {}).update(kept)

    def finished(self) -> list[Finished]:
        """Hand over everything that is complete, oldest first; its branch stays in the tree."""
        out = []
        for branch in sorted(self._branches.values(), key=lambda b: b.used):
            if branch.job is not None and branch.done == len(branch.tokens):
                known = branch.rows.get(branch.want, {})
                rows = np.array([known[mark] for mark in branch.marks]) if branch.marks else NOTHING
                out.append(Finished(branch.job, rows, len(branch.tokens), branch.decoded, branch.seconds))
                branch.job = None
                branch.rows.pop(NEXT, None)
        return out

    def narrow(self, upcoming: Sequence[Ints]) -> None:
        """Give back what nobody holds of finished branches beyond any prefix of the prompts to come.

        Attention reads the mask of every cell up to the last one in use, so cells that nobody will ask for cost time:
        a 0.5B model on two cores decodes at 500 tokens/s with 4,096 cells in use and at 640 with 512.
        """
        for branch in [b for b in self._branches.values() if b.idle]:
            keep = 0
            for tokens in upcoming:
                keep = common(branch.tokens, tokens, keep)
            if (self._references[branch.cells[:keep]] > 1).all():
                self._remove(branch)
            elif keep < len(branch.tokens):
                self._trim(branch, keep)

    def cancel(self, jobs: Collection[int]) -> None:
        """Drop these prompts where they are not complete; what somebody holds keeps what was decoded of it."""
        for branch in [b for b in self._branches.values() if b.job in jobs]:
            branch.job = None
            if branch.done < len(branch.tokens):
                self._dequeue(branch)
                self._trim(branch, branch.done)
            if not branch.tokens.size or not branch.pinned:
                self._remove(branch)

    def _new(self, tokens: Ints, job: int | None, decoded: int, *, pinned: bool) -> Branch:
        self._clock += 1
        branch = Branch(self._free_seqs.pop(), tokens, (), HIDDEN, job, decoded, self._clock, pinned)
        self._branches[branch.seq] = branch
        return branch

    def _enqueue(self, branch: Branch, start: int) -> None:
        """Give a branch cells for its tokens from `start` on, and let them be decoded."""
        if start == len(branch.tokens):
            return
        count = len(branch.tokens) - start
        fresh, self._free_cells = self._free_cells[:count], self._free_cells[count:]
        self._references[fresh] += 1
        branch.cells = np.concatenate([branch.cells, fresh])
        outputs = {mark for mark in branch.marks if mark >= start}
        self._queue.append(Run(branch.tokens[start:], start, [branch.seq], outputs, branch.want))

    def _dequeue(self, branch: Branch, start: int = 0) -> None:
        """Take a branch's tokens from `start` on out of what waits; what others wait for goes on."""
        kept: deque[Run] = deque()
        for run in self._queue:
            kept.append(run)
            if branch.seq in run.seqs and run.end > start:
                rest = run.cut(max(start, run.start))
                rest.seqs.remove(branch.seq)
                kept.append(rest)
        self._queue = deque(run for run in kept if run.seqs and len(run.tokens))

    def _nearest(self, tokens: Ints, marks: Sequence[int], want: Want) -> tuple[Branch | None, int]:
        """Find the branch that shares the longest usable prefix: one whose marks' rows are there or can still be."""
        best: tuple[Branch | None, int] = (None, 0)
        for branch in self._branches.values():
            same = common(branch.tokens, tokens, best[1])
            if same > best[1] and (shared := self._usable(branch, marks, want, same)) > best[1]:
                best = (branch, shared)
        return best

    def _usable(self, branch: Branch, marks: Sequence[int], want: Want, shared: int) -> int:
        """Shorten a shared prefix to before the first mark whose row is neither there nor to come.

        A row that says something of the token after it is another one where that token is another.
        """
        known, ahead = branch.rows.get(want, {}), _ahead(want)
        for mark in marks:
            if mark >= shared:
                break
            if want == NEXT or mark + ahead >= shared:
                return mark
            if not (mark in known if mark < branch.done else self._will_read(branch, mark, want)):
                return mark
        return shared

    def _will_read(self, branch: Branch, mark: int, want: Want) -> bool:
        """Tell whether the queue can give the row at a position that is not decoded yet."""
        return any(branch.seq in run.seqs and run.start <= mark < run.end and run.want == want for run in self._queue)

    def _make_room(self, cells: int, source: Branch | None, shared: int) -> bool:
        """Evict idle branches, least recently used first, until a sequence and `cells` cells are free.

        The source itself may go last, once its prefix is shared: what only it holds counts as room.
        """
        self._evict(cells, seqs=1, spared=source)
        room = len(self._free_cells)
        if source is not None and source.idle:
            room += int((self._references[source.cells[shared:]] == 1).sum())
        return bool(self._free_seqs) and room >= cells

    def _evict(self, cells: int, *, seqs: int = 0, spared: Branch | None = None) -> None:
        """Evict idle branches, least recently used first, until so many cells and sequences are free."""
        idle = sorted((b for b in self._branches.values() if b.idle and b is not spared), key=lambda b: b.used)
        while idle and (len(self._free_seqs) < seqs or len(self._free_cells) < cells):
            self._remove(idle.pop(0))

    def _share(self, source: Branch, branch: Branch, shared: int) -> None:
        """Give a new branch the first `shared` positions of another: decoded by copy, queued by membership."""
        branch.done = min(shared, source.done)
        branch.cells = source.cells[:shared]
        self._references[branch.cells] += 1
        branch.rows = source.before(shared, common(source.tokens, branch.tokens))
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

    def _completes(self, run: Run) -> bool:
        """Tell whether a prompt ends with this run."""
        return any(len(self._branches[seq].tokens) == run.end for seq in run.seqs)

    def _next_tokens(self, runs: Sequence[Run]) -> tuple[int, ...]:
        return tuple(int(self._branches[run.seqs[0]].tokens[p + 1]) for run in runs for p in sorted(run.outputs))

    def _remove(self, branch: Branch) -> None:
        """Forget a branch."""
        self._dequeue(branch)
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
        branch.rows = branch.before(keep, keep)


def _ahead(want: Want) -> int:
    """How many tokens after its own a row is about."""
    return int(want.kind == "log_likelihood")


def common(a: Ints, b: Ints, least: int = 0) -> int:
    """Count the leading tokens that two sequences share; `least` where they are no more, which one look often tells."""
    n = min(len(a), len(b))
    if n <= least or a[least] != b[least]:
        return least
    different = a[:n] != b[:n]
    first = int(different.argmax())  # a third of the time of flatnonzero
    return max(least, first if different[first] else n)
