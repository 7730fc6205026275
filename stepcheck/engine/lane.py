"""One lane: a context with its tree, what it reads, and the answer that is written in it.

Lanes stand beside each other over the same weights, each with a part of the threads. Threads that compute one graph
together wait for each other at every one of its nodes, some 700 a decode; those of two lanes never do. So two lanes
with a thread each read faster than one with two (0.5B on two cores: q4_0 by 3 %, beside a busy process by 8 %; bf16 by
10 %). A lane that has work alone has all the threads.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.author import Answer
from stepcheck.engine.batches import Batch, Decoded, Finished, Floats, Ints, Operation
from stepcheck.engine.context import N_SEQS, Context
from stepcheck.engine.layout import Laid
from stepcheck.engine.llama import Backbone
from stepcheck.engine.plan import NEXT, NOTHING, Planner
from stepcheck.engine.serving import Requests
from stepcheck.errors import EngineError, OutOfMemoryError, StepcheckError
from stepcheck.prm.prompt import HIDDEN, Want


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be read: as a prompt, as a branch that is to be held (`opens`), or after what `seq` holds."""

    job: int
    laid: Laid
    want: Want = HIDDEN
    opens: int | None = None
    seq: int | None = None
    answers: wire.Write | None = None
    """What is to be written once this is read."""


Due = tuple[list[Operation], Batch]


@dataclass(slots=True)
class Lane:
    """Reads tasks in its context, a batch at a time, and says what came of them."""

    number: int
    replies: IO[bytes]
    backbone: Backbone
    context: Context
    threads: int = 0
    """How many decode a batch of it now."""
    _due: "queue.SimpleQueue[Due] | None" = None
    """Batches for the thread that decodes, once there is one."""
    _planner: Planner = field(init=False)
    _held: dict[int, int] = field(default_factory=dict)
    """Sequence by branch."""
    _waiting: deque[Task] = field(default_factory=deque)
    _reading: dict[int, Task] = field(default_factory=dict)
    _answer: Answer | None = None
    _later: deque[Callable[[], None]] = field(default_factory=deque)
    """What changes the tree, and came while a batch of it was decoded."""

    def __post_init__(self) -> None:
        """Make the tree."""
        room = self.context
        self._planner = Planner(room.n_ctx, N_SEQS, room.n_ubatch, room.n_outputs, room.n_enough)

    @property
    def wants(self) -> bool:
        """Whether there is something to read."""
        return bool(self._waiting) or self._planner.active

    def add(self, task: Task) -> None:
        """Read this after what waits already."""
        self._waiting.append(task)

    def find(self, branch: int | None) -> tuple[int, int]:
        """Return the sequence of a branch, and how many tokens it holds.

        Raises:
            EngineError: it is not held.
        """
        if branch not in self._held:
            raise EngineError("this branch is not held: it was dropped, or never opened")
        return self._held[branch], len(self._planner.tokens(self._held[branch]))

    def fork(self, job: int, branch: int, new: int) -> None:
        """Hold a second branch with the same tokens, and say so; errors as in `find`."""
        seq, _ = self.find(branch)
        self._between(lambda: self._fork(job, seq, new))

    def release(self, branch: int) -> None:
        """Hold a branch no longer."""
        if branch in self._held:
            self._planner.pin(self._held.pop(branch), held=False)

    def drop(self, jobs: Collection[int]) -> None:
        """Forget these jobs, where they are not answered yet."""
        self._waiting = deque(task for task in self._waiting if task.job not in jobs)
        self._between(lambda: self._drop(jobs))

    def start(self, requests: Requests) -> None:
        """Decode in a thread of its own from now on; what became of a batch is put on the queue."""
        if self._due is None:
            self._due = queue.SimpleQueue()
            threading.Thread(target=self._decode_on, args=(self._due, requests), daemon=True).start()

    @property
    def decodes_alone(self) -> bool:
        """Whether it has a thread of its own."""
        return self._due is not None

    def work(self, threads: int) -> None:
        """Read the next batch with so many threads: here, or in the thread that it has."""
        operations, batch = self.next()
        self.threads = threads
        if self._due is not None and batch.runs:
            self._due.put((operations, batch))
        else:
            self.finish(self.decode(operations, batch))

    def next(self) -> tuple[list[Operation], Batch]:
        """Fill the queue up to one batch, and take that off it; it is empty where nothing has to be decoded."""
        if len(self._waiting) + len(self._reading) > 1:
            self._planner.narrow([task.laid.tokens for task in self._waiting if task.seq is None])
        while self._waiting and self._planner.waiting < self.context.n_ubatch and self._begin(self._waiting[0]):
            self._waiting.popleft()
        return self._planner.cut()

    def decode(self, operations: list[Operation], batch: Batch) -> Decoded:
        """Decode a batch with the threads that it was given; touches nothing else of the lane."""
        start = time.perf_counter()
        rows: Floats | BaseException
        try:
            self.context.apply(operations)
            rows = self.context.decode(batch, self.threads) if batch.runs else NOTHING
        except BaseException as error:  # noqa: BLE001 (it is raised where the lane is looked after)
            rows = error
        return Decoded(self.number, batch, rows, time.perf_counter() - start)

    def finish(self, decoded: Decoded) -> None:
        """Take a batch in, hand over what is complete, and be free for the next.

        Raises:
            EngineError: or whatever else kept it from being decoded.
        """
        part, self.threads = self.threads / self.backbone.n_threads, 0
        if isinstance(decoded.rows, BaseException):
            raise decoded.rows
        self._planner.commit(decoded.batch, decoded.rows, decoded.seconds * part)
        for done in self._planner.finished():
            self._hand_over(done)
        while self._later:
            self._later.popleft()()
        self.replies.flush()

    def _decode_on(self, due: "queue.SimpleQueue[Due]", requests: Requests) -> None:
        while True:
            requests.put(self.decode(*due.get()))

    def _between(self, change: Callable[[], None]) -> None:
        """Change the tree, now or once the batch that is under way is in it."""
        if self.threads:
            self._later.append(change)
        else:
            change()

    def _fork(self, job: int, seq: int, new: int) -> None:
        made = self._planner.fork(seq)
        if made is None:
            self._fail(job, OutOfMemoryError(f"{N_SEQS} branches are held or read at a time: drop one first"))
            return
        self._held[new] = made
        wire.send(self.replies, wire.Answer(job, 0, len(self._planner.tokens(made)), 0, 0.0))

    def _drop(self, jobs: Collection[int]) -> None:
        if self._answer is not None and self._answer.job in jobs:
            self._end_answer(self._answer)
        self._planner.cancel(jobs)
        for job in jobs:
            self._reading.pop(job, None)

    def _begin(self, task: Task) -> bool:
        """Put a task into the tree; False while it has to wait. One that can never fit is answered."""
        if task.answers is not None and self._answer is not None:
            return False  # one answer is written at a time
        seq = task.seq
        if seq is None:
            pin = task.opens is not None or task.answers is not None
            seq = self._planner.admit(task.job, task.laid.tokens, task.laid.marks, task.want, pin=pin)
        elif not self._planner.extend(seq, task.job, task.laid.tokens, task.laid.marks, task.want):
            seq = None
        if seq is None:
            if not self._planner.active:
                self._fail(task.job, _full(self.context.n_ctx))
                return True
            return False
        if task.opens is not None:
            self._held[task.opens] = seq
        if task.answers is not None:
            self._answer = Answer(task.answers, seq)
        else:
            self._reading[task.job] = task
        return True

    def _hand_over(self, done: Finished) -> None:
        if self._answer is not None and self._answer.job == done.job:
            self._write_on(self._answer)
            return
        rows = self._reading.pop(done.job).laid.rows(done.rows)
        answer = wire.Answer(done.job, len(rows), done.tokens, done.decoded, done.seconds)
        wire.send(self.replies, answer, rows.tobytes(), flush=False)  # a batch answers many short prompts at once

    def _write_on(self, answer: Answer) -> None:
        """Draw a token off the batch that was decoded last, say it, and let it be read, unless the answer ends."""
        token = answer.draw(self.backbone, self.context)
        if token is None:
            self._say_end(answer, whole=True)
            return
        wire.send(self.replies, wire.Piece(answer.job, answer.take(self.backbone.piece(token))))
        at = len(self._planner.tokens(answer.seq))
        tokens: Ints = np.array([token], np.int32)
        fits = at + 1 < self.context.n_ctx
        if not answer.stopped and not answer.full and fits:
            fits = self._planner.extend(answer.seq, answer.job, tokens, [at], NEXT)
            if fits:
                return
        if answer.held and fits:
            self._planner.extend(answer.seq, None, tokens, [], NEXT)  # what was said is held; read with what comes next
        self._say_end(answer, whole=answer.stopped)

    def _say_end(self, answer: Answer, *, whole: bool) -> None:
        self._end_answer(answer)
        wire.send(self.replies, wire.Written(answer.job, whole, answer.tokens))

    def _end_answer(self, answer: Answer) -> None:
        answer.close()
        if not answer.held:
            self._planner.pin(answer.seq, held=False)
        self._answer = None

    def _fail(self, job: int, error: StepcheckError) -> None:
        wire.send(self.replies, wire.Failed(job, error.kind, str(error)))


def _full(cells: int) -> OutOfMemoryError:
    return OutOfMemoryError(f"the branches that are held leave no room among {cells} tokens: drop one, or raise n_ctx")
