"""The engine's own process: `python -m stepcheck.engine.worker` reads requests on stdin and answers on stdout.

It exists so that a crash in C, a file that aborts the process or an endless computation costs the parent nothing but an
error message: the parent kills it and starts another. It ends by itself as soon as its parent's end of stdin closes.
"""

import io
import os
import queue
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.llama import N_OUTPUTS, N_SEQS, Backbone
from stepcheck.engine.plan import Ints, Planner
from stepcheck.errors import CountMismatchError, StepcheckError, TooLongError

REMEMBERED_TEXTS = 256
"""Tokenized segments kept: templates recur in every prompt, problems in every candidate."""


class Worker:
    """One loaded model answering prompts until its requests end."""

    def __init__(self, replies: IO[bytes], backbone: Backbone) -> None:
        self._replies = replies
        self._backbone = backbone
        self._planner = Planner(backbone.n_ctx, N_SEQS, backbone.n_ubatch, N_OUTPUTS)
        self._texts: OrderedDict[tuple[str, bool], Ints] = OrderedDict()
        self._waiting: deque[tuple[int, Ints, list[int]]] = deque()

    def serve(self, requests: "queue.SimpleQueue[wire.Request | None]") -> None:
        """Answer until the requests end."""
        while True:
            try:
                request = requests.get(block=not (self._waiting or self._planner.active))
            except queue.Empty:
                self._work()
                continue
            if request is None:
                return
            if isinstance(request, wire.Drop):
                self._waiting.clear()
                self._planner.cancel()
            elif isinstance(request, wire.Asks):
                for ask in request.asks:
                    self._accept(ask)

    def _accept(self, ask: wire.Ask) -> None:
        """Tokenize a prompt and let it wait; a prompt's own error is answered here."""
        try:
            tokens, marks = self._lay_out(ask)
        except StepcheckError as error:
            wire.send(self._replies, wire.Failed(ask.job, error.kind, str(error)))
        else:
            self._waiting.append((ask.job, tokens, marks))

    def _work(self) -> None:
        """Fill the queue up to one batch, decode it, hand over what is complete."""
        if len(self._waiting) > 1:
            self._planner.narrow([tokens for _, tokens, _ in self._waiting])
        while self._waiting and self._planner.waiting < self._backbone.n_ubatch:
            if not self._planner.admit(*self._waiting[0]):
                break
            self._waiting.popleft()
        operations, batch = self._planner.cut()
        self._backbone.apply(operations)
        if batch.runs:
            start = time.perf_counter()
            rows = self._backbone.decode(batch)
            self._planner.commit(batch, rows, time.perf_counter() - start)
        for done in self._planner.finished():
            answer = wire.Answer(done.job, len(done.rows), done.tokens, done.decoded, done.seconds)
            wire.send(self._replies, answer, np.ascontiguousarray(done.rows, np.float32).tobytes())

    def _lay_out(self, ask: wire.Ask) -> tuple[Ints, list[int]]:
        context = self._backbone.context
        least = sum(self._backbone.least_tokens(text) for text, _, _ in ask.segments)
        if least > context:
            raise too_long(f"at least {least}", context, self._backbone.longest)
        pieces, marks, at = [], [], 0
        for text, special, mark in ask.segments:
            piece = self._tokens(text, special=special)
            if mark and self._backbone.has_mark and len(piece) != 1:
                raise CountMismatchError(f"the mark {text!r} became {len(piece)} tokens, not one")
            if mark and not len(piece):
                raise CountMismatchError("a step without any text has no token at which its reward could be read")
            at += len(piece)
            pieces.append(piece)
            if mark:
                marks.append(at - 1)
        if at > context:
            raise too_long(str(at), context, self._backbone.longest)
        return np.concatenate(pieces), marks

    def _tokens(self, text: str, *, special: bool) -> Ints:
        key = (text, special)
        if key not in self._texts:
            self._texts[key] = self._backbone.tokenize(text, special=special)
            if len(self._texts) > REMEMBERED_TEXTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return self._texts[key]


def too_long(tokens: str, context: int, longest: int) -> TooLongError:
    """Say that one prompt does not fit, and what helps: more room only up to `longest`, which the model reads."""
    help_ = f"give --ctx {longest}" if context < longest else f"{longest} are all that this model reads: take another"
    return TooLongError(
        f"problem and solution have {tokens} tokens, the context holds {context}: shorten the text, or {help_}"
    )


Requests = queue.SimpleQueue[wire.Request | None]


def main() -> None:
    """Load the model that the first request names, then serve."""
    run(_serve)


def _serve(load: wire.Load, replies: IO[bytes], requests: Requests) -> None:
    backbone = Backbone(load, lambda done: wire.send(replies, wire.Loading(done)))
    wire.send(
        replies,
        wire.Ready(backbone.hidden, backbone.context, backbone.device, backbone.n_threads, backbone.n_ubatch),
    )
    Worker(replies, backbone).serve(requests)


def run(serve: Callable[[wire.Load, IO[bytes], Requests], None]) -> None:
    """Be an engine's process: `serve` the requests after the first, which names the model; its error is the last reply.

    Ends the process.
    """
    replies = _private_stdout()
    requests: Requests = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    try:
        load = requests.get()
        if isinstance(load, wire.Load):
            serve(load, replies, requests)
    except StepcheckError as error:
        wire.send(replies, wire.Failed(None, error.kind, str(error)))
    except MemoryError:
        wire.send(replies, wire.Failed(None, "out_of_memory", "the engine's process ran out of memory"))
    os._exit(0)  # llama.cpp's destructors have nothing to save, and may not be interrupted


class _Outlet(io.FileIO):
    """The way to the parent. Where nobody listens any more there is nothing left to do: the process ends."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 (any buffer)
        try:
            return super().write(data)
        except OSError:
            os._exit(0)


def _private_stdout() -> IO[bytes]:
    """Keep stdout for replies alone: whatever C code prints goes to stderr."""
    replies = io.BufferedWriter(_Outlet(os.dup(1), "wb"))
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for fd in (0, replies.fileno()):
            msvcrt.setmode(fd, os.O_BINARY)
    return replies


def _listen(stream: IO[bytes], requests: "queue.SimpleQueue[wire.Request | None]") -> None:
    """Put requests on the queue; when the parent is gone, end at once, in the middle of a decode if need be."""
    while (request := wire.receive_request(stream)) is not None:
        requests.put(request)
    os._exit(0)


if __name__ == "__main__":
    main()
