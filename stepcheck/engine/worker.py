"""The engine's own process: `python -m stepcheck.engine.worker` reads requests on stdin and answers on stdout.

It exists so that a crash in C, a file that aborts the process or an endless computation costs the parent nothing but an
error message: the parent kills it and starts another. It ends by itself as soon as its parent's end of stdin closes.

One loop for all that a model is asked: prompts, what is added to branches that are held, and an answer that is written,
token by token, between them. All of it goes through one tree.
"""

import queue
import time
from collections import deque
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.author import Answer, Chat
from stepcheck.engine.batches import Finished, Ints
from stepcheck.engine.layout import Joined, Laid, Layout
from stepcheck.engine.llama import N_SEQS, Backbone
from stepcheck.engine.plan import NEXT, Planner
from stepcheck.engine.serving import Requests, run
from stepcheck.errors import EngineError, OutOfMemoryError, StepcheckError, TooLongError
from stepcheck.prm.prompt import HIDDEN, Want

NOTHING = np.empty(0, np.int32)


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


@dataclass(slots=True)
class Worker:
    """One loaded model answering until its requests end."""

    replies: IO[bytes]
    backbone: Backbone
    chat: Chat | None = None
    """Of a model that is to answer questions."""
    _planner: Planner = field(init=False)
    _layout: Layout = field(init=False)
    _waiting: deque[Task] = field(default_factory=deque)
    _reading: dict[int, Task] = field(default_factory=dict)
    _held: dict[int, int] = field(default_factory=dict)
    """Sequence by branch."""
    _answer: Answer | None = None

    def __post_init__(self) -> None:
        """Make the tree."""
        model = self.backbone
        self._planner = Planner(model.n_ctx, N_SEQS, model.n_ubatch, model.n_outputs, model.n_enough)
        self._layout = Layout(model)

    def serve(self, requests: Requests) -> None:
        """Answer until the requests end."""
        while True:
            try:
                request = requests.get(block=not (self._waiting or self._planner.active))
            except queue.Empty:
                self._work()
                continue
            if request is None:
                return
            self._take(request)

    def _take(self, request: wire.Request) -> None:
        """Take a request in; what is wrong with one alone is answered here."""
        match request:
            case wire.Asks(asks):
                for ask in asks:
                    self._accept(ask)
            case wire.Drop(jobs):
                self._drop(set(jobs))
            case wire.Release(branch):
                if branch in self._held:
                    self._planner.pin(self._held.pop(branch), held=False)
            case wire.Open() | wire.Extend() | wire.Fork() | wire.Write():
                self._accept(request)
            case wire.Load():
                pass  # a process loads one model

    def _accept(self, request: wire.Ask | wire.Open | wire.Extend | wire.Fork | wire.Write) -> None:
        try:
            task = self._task(request)
        except StepcheckError as error:
            self._fail(request.job, error)
        else:
            if task is not None:
                self._waiting.append(task)

    def _task(self, request: wire.Ask | wire.Open | wire.Extend | wire.Fork | wire.Write) -> Task | None:
        """Tokenize what is to be read; None where there is nothing to read."""
        lay_out = self._layout.lay_out
        match request:
            case wire.Ask(job, [(mark, _, _)], want=want, tokens=tokens) if tokens:
                self.backbone.check(want)
                return Task(job, self._layout.given(tokens, mark), want)
            case wire.Ask(job, segments, begins, ends, behind, lead, want):
                self.backbone.check(want)
                return Task(job, lay_out(segments, want, Joined(begins, ends, behind, lead)), want)
            case wire.Open(job, branch, segments):
                return Task(job, lay_out(segments, HIDDEN), opens=branch)
            case wire.Extend(job, branch, segments, want):
                if any(mark for _, _, mark in segments):
                    self.backbone.check(want)
                seq = self._sequence(branch)
                held = len(self._planner.tokens(seq))
                return Task(job, lay_out(segments, want, held=held), want, seq=seq)
            case wire.Fork(job, branch, new):
                self._fork(job, self._sequence(branch), new)
                return None
            case wire.Write():
                return self._ask_author(request)

    def _fork(self, job: int, seq: int, new: int) -> None:
        made = self._planner.fork(seq)
        if made is None:
            raise OutOfMemoryError(f"{N_SEQS} branches are held or read at a time: drop one first")
        self._held[new] = made
        tokens = len(self._planner.tokens(made))
        wire.send(self.replies, wire.Answer(job, 0, tokens, 0, 0.0))

    def _ask_author(self, request: wire.Write) -> Task:
        """Let a question be read, or a branch's last token again, whose logits begin an answer."""
        if request.branch is not None:
            seq = self._sequence(request.branch)
            last = len(self._planner.tokens(seq)) - 1
            return Task(request.job, Laid(NOTHING, (last,)), NEXT, seq=seq, answers=request)
        if self.chat is None:
            raise EngineError("this model was not loaded to answer questions")
        prompt, room = self.chat.prompt(request.text), self.backbone.n_ctx
        if len(prompt) >= room:
            raise TooLongError(
                f"problem and solution have {len(prompt)} tokens with the question, the critic's context holds {room}:"
                " raise --ctx, or use a model with a longer context"
            )
        return Task(request.job, Laid(prompt, (len(prompt) - 1,)), NEXT, answers=request)

    def _sequence(self, branch: int) -> int:
        if branch not in self._held:
            raise EngineError("this branch is not held: it was dropped, or never opened")
        return self._held[branch]

    def _drop(self, jobs: set[int]) -> None:
        self._waiting = deque(task for task in self._waiting if task.job not in jobs)
        if self._answer is not None and self._answer.job in jobs:
            self._end_answer(self._answer)
        self._planner.cancel(jobs)
        for job in jobs:
            self._reading.pop(job, None)

    def _work(self) -> None:
        """Fill the queue up to one batch, decode it, hand over what is complete."""
        if len(self._waiting) + len(self._reading) > 1:
            self._planner.narrow([task.laid.tokens for task in self._waiting if task.seq is None])
        while self._waiting and self._planner.waiting < self.backbone.n_ubatch and self._begin(self._waiting[0]):
            self._waiting.popleft()
        operations, batch = self._planner.cut()
        self.backbone.apply(operations)
        if batch.runs:
            start = time.perf_counter()
            rows = self.backbone.decode(batch)
            self._planner.commit(batch, rows, time.perf_counter() - start)
        for done in self._planner.finished():
            self._hand_over(done)
        self.replies.flush()

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
                self._fail(task.job, _full(self.backbone.n_ctx))
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
        token = answer.draw(self.backbone)
        if token is None:
            self._say_end(answer, whole=True)
            return
        wire.send(self.replies, wire.Piece(answer.job, answer.take(self.backbone.piece(token))))
        at = len(self._planner.tokens(answer.seq))
        tokens: Ints = np.array([token], np.int32)
        fits = at + 1 < self.backbone.n_ctx
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


def main() -> None:
    """Load the model that the first request names, then serve."""
    run(_serve)


def _serve(load: wire.Load, replies: IO[bytes], requests: Requests) -> None:
    backbone = Backbone(load, lambda done: wire.send(replies, wire.Loading(done)))
    chat = Chat(backbone, load.path) if load.use == "write" else None
    hidden = backbone.hidden if load.use == "read" else 1
    context = backbone.n_ctx if load.use == "write" else backbone.context
    wire.send(replies, wire.Ready(hidden, context, backbone.device, backbone.n_threads, backbone.n_ubatch))
    Worker(replies, backbone, chat).serve(requests)


if __name__ == "__main__":
    main()
