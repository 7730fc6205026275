"""Being the engine's own process: requests on stdin, replies on stdout, and an end as soon as the parent is gone."""

import io
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from stepcheck.engine import wire
from stepcheck.engine.batches import Decoded
from stepcheck.errors import StepcheckError

Requests = queue.SimpleQueue[wire.Request | Decoded | None]
"""What the process is asked, and what its own threads have done; None ends it."""


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


def _listen(stream: IO[bytes], requests: Requests) -> None:
    """Put requests on the queue; when the parent is gone, end at once, in the middle of a decode if need be."""
    while (request := wire.receive_request(stream)) is not None:
        requests.put(request)
    os._exit(0)
