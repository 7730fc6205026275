"""A worker process and its pipes. Owns starting, hearing and ending it; knows nothing of what is said."""

import contextlib
import queue
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import IO

from stepcheck.engine import wire
from stepcheck.engine.spawn import end, spawned

POLL_SECONDS = 0.25
"""How long one wait for a reply may last, so that Ctrl-C is heard on every system."""


class WorkerProcess:
    """A running worker; a thread each drains its replies and its stderr."""

    def __init__(self, command: Sequence[str]) -> None:
        self._popen = spawned(command)
        self._replies: queue.SimpleQueue[tuple[wire.Reply, bytes] | None] = queue.SimpleQueue()
        self._stderr: deque[bytes] = deque(maxlen=6)
        self._threads = [
            threading.Thread(target=_drain_replies, args=(self._popen.stdout, self._replies), daemon=True),
            threading.Thread(target=_drain_lines, args=(self._popen.stderr, self._stderr), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._end = weakref.finalize(self, end, self._popen)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._popen.pid

    def send(self, request: wire.Request) -> None:
        """Write a request; a worker that is gone is noticed when it is heard."""
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                wire.send(self._popen.stdin, request)

    def receive(self, seconds: float | None) -> tuple[wire.Reply, bytes] | None:
        """Wait for a reply; None when the worker has ended, or said nothing for `seconds`."""
        waited = 0.0
        while seconds is None or waited < seconds:
            try:
                return self._replies.get(timeout=POLL_SECONDS)
            except queue.Empty:
                waited += POLL_SECONDS
        self.kill()
        self._stderr.append(f"given up after {seconds:.0f} s without progress".encode())
        return None

    def kill(self) -> None:
        """End the process, and wait until it has."""
        self._end()

    def last_words(self) -> str:
        """Say how it ended: the exit status and the last lines on stderr."""
        status = self._popen.wait()
        for thread in self._threads:
            thread.join(timeout=1)
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        said = " | ".join(line.decode(errors="replace").strip() for line in self._stderr if line.strip())
        return f"{how}: {said}" if said else how


def _drain_replies(stream: IO[bytes], replies: "queue.SimpleQueue[tuple[wire.Reply, bytes] | None]") -> None:
    with stream:
        heard = wire.receive_reply(stream)
        while heard is not None:
            replies.put(heard)
            heard = wire.receive_reply(stream)
    replies.put(None)


def _drain_lines(stream: IO[bytes], lines: deque[bytes]) -> None:
    with stream:
        lines.extend(stream)
