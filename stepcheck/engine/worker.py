"""The engine's own process: `python -m stepcheck.engine.worker` reads requests on stdin and answers on stdout.

It exists so that a crash in C, a file that aborts the process or an endless computation costs the parent nothing but an
error message: the parent kills it and starts another. It ends by itself as soon as its parent's end of stdin closes.

One loop for all that a model is asked: prompts, what is added to branches that are held, and an answer that is written,
token by token, between them. It alone touches the lanes' trees. Where there are two lanes, each decodes in a thread of
its own the batches that are cut here, and says so through the queue that requests come by.
"""

import queue
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.author import Chat
from stepcheck.engine.batches import Decoded
from stepcheck.engine.dealing import Dealer
from stepcheck.engine.lane import Lane, Task
from stepcheck.engine.layout import Joined, Laid, Layout
from stepcheck.engine.llama import Backbone
from stepcheck.engine.plan import NEXT
from stepcheck.engine.serving import Requests, run
from stepcheck.errors import EngineError, OutOfMemoryError, StepcheckError, TooLongError
from stepcheck.prm.prompt import HIDDEN

NOTHING = np.empty(0, np.int32)
Reading = wire.Ask | wire.Open | wire.Extend | wire.Fork | wire.Write


@dataclass(slots=True)
class Worker:
    """One loaded model answering until its requests end."""

    requests: Requests
    replies: IO[bytes]
    backbone: Backbone
    chat: Chat | None = None
    """Of a model that is to answer questions."""
    lanes: list[Lane] = field(init=False)
    _layout: Layout = field(init=False)
    _dealer: Dealer = field(init=False)

    def __post_init__(self) -> None:
        """Make the first lane."""
        self._layout = Layout(self.backbone)
        self._dealer = Dealer(self.backbone.rooms)
        self.lanes = [Lane(0, self.replies, self.backbone, self.backbone.first)]

    def serve(self) -> None:
        """Answer until the requests end."""
        while True:
            lane, threads = self._next_lane()
            try:
                request = self.requests.get(block=lane is None)
            except queue.Empty:
                if lane is not None:
                    lane.work(threads)
                continue
            match request:
                case None:
                    return
                case Decoded():
                    self.lanes[request.lane].finish(request)
                case _:
                    self.take(request)

    def take(self, request: wire.Request) -> None:
        """Take a request in; what is wrong with one alone is answered here."""
        match request:
            case wire.Asks(asks):
                for ask in asks:
                    self._accept(ask)
            case wire.Drop(jobs):
                for lane in self.lanes:
                    lane.drop(set(jobs))
            case wire.Release(branch):
                self._first.release(branch)
            case wire.Open() | wire.Extend() | wire.Fork() | wire.Write():
                self._accept(request)
            case wire.Load():
                pass  # a process loads one model

    def _accept(self, request: Reading) -> None:
        try:
            match request:
                case wire.Fork(job, branch, new):
                    self._first.fork(job, branch, new)
                case wire.Extend() | wire.Write(branch=int()):
                    self._first.add(self._more(request))
                case _:
                    task = self._whole(request)
                    self._lane_for(task).add(task)
        except StepcheckError as error:
            wire.send(self.replies, wire.Failed(request.job, error.kind, str(error)))

    def _whole(self, request: wire.Ask | wire.Open | wire.Write) -> Task:
        """Tokenize what is read from its beginning."""
        match request:
            case wire.Ask(job, [(mark, _, _)], want=want, tokens=tokens) if tokens:
                self.backbone.check(want)
                return Task(job, self._layout.given(tokens, mark), want)
            case wire.Ask(job, segments, begins, ends, behind, lead, want):
                self.backbone.check(want)
                return Task(job, self._layout.lay_out(segments, want, Joined(begins, ends, behind, lead)), want)
            case wire.Open(job, branch, segments):
                return Task(job, self._layout.lay_out(segments, HIDDEN), opens=branch)
            case wire.Write():
                return self._question(request)

    def _question(self, request: wire.Write) -> Task:
        """Lay out a question, whose last token's logits begin an answer."""
        if self.chat is None:
            raise EngineError("this model was not loaded to answer questions")
        prompt, room = self.chat.prompt(request.text), self.backbone.first.n_ctx
        if len(prompt) >= room:
            raise TooLongError(
                f"problem and solution have {len(prompt)} tokens with the question, the critic's context holds {room}:"
                " raise --ctx, or use a model with a longer context"
            )
        return Task(request.job, Laid(prompt, (len(prompt) - 1,)), NEXT, answers=request)

    def _more(self, request: wire.Extend | wire.Write) -> Task:
        """Tokenize what is added to a branch; before an answer its last token is read again, whose logits begin it."""
        seq, held = self._first.find(request.branch)
        match request:
            case wire.Extend(job, _, segments, want):
                if any(mark for _, _, mark in segments):
                    self.backbone.check(want)
                return Task(job, self._layout.lay_out(segments, want, held=held), want, seq=seq)
            case wire.Write(job=job):
                return Task(job, Laid(NOTHING, (held - 1,)), NEXT, seq=seq, answers=request)

    @property
    def _first(self) -> Lane:
        """The lane with the most room, where branches are held: they grow."""
        return self.lanes[0]

    def _lane_for(self, task: Task) -> Lane:
        """Deal a prompt to a lane, which is made if it is the first that it gets."""
        if not any(lane.wants for lane in self.lanes):
            self._dealer.rest()
        number = self._dealer.deal(task.laid.tokens, grows=task.opens is not None)
        if number == len(self.lanes):
            try:
                context = self.backbone.further()
            except OutOfMemoryError:  # then there is one lane less
                self._dealer.without(number)
                return self._first
            self.lanes.append(Lane(number, self.replies, self.backbone, context))
            for lane in self.lanes:
                lane.start(self.requests)
        return self.lanes[number]

    def _next_lane(self) -> tuple[Lane | None, int]:
        """Find a lane that can decode now, and with how many threads: all, or its part where others have work too."""
        total, wanting = self.backbone.n_threads, [lane for lane in self.lanes if lane.wants]
        free = total - sum([lane.threads for lane in self.lanes])
        for i, lane in enumerate(wanting):
            part = (total + i) // len(wanting)
            if not lane.threads and part <= free:
                return lane, part
        return None, 0


def main() -> None:
    """Load the model that the first request names, then serve."""
    run(_serve)


def _serve(load: wire.Load, replies: IO[bytes], requests: Requests) -> None:
    backbone = Backbone(load, lambda done: wire.send(replies, wire.Loading(done)))
    chat = Chat(backbone, load.path) if load.use == "write" else None
    hidden = backbone.hidden if load.use == "read" else 1
    context = backbone.first.n_ctx if load.use == "write" else backbone.context
    wire.send(replies, wire.Ready(hidden, context, backbone.device, backbone.n_threads, backbone.first.n_ubatch))
    Worker(requests, replies, backbone, chat).serve()


if __name__ == "__main__":
    main()
