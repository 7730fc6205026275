"""Whether two expressions are equal as mathematics: math-verify, in a process that is killed when it takes too long.

Owns that process: it is started with the first question, lives from question to question, and is gone after `close` or
with this process. An answer that is a bomb costs `SECONDS` and the process; a new one is started at once.
"""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

SECONDS = 1.5
"""For one question; with the killing it stays under 2 s where there is a core to spare. An honest one takes 5 ms."""
STARVED_SECONDS = 5.0
"""At most, where other programs leave the process less than half a core: what is equal must not hang on the load."""
POLL_SECONDS = 0.05
START_SECONDS = 30.0
"""For loading SymPy, half a second on an idle machine."""
MOST_MEMORY = 1 << 30
"""Bytes of resident memory at which the process is killed."""
MOST_CHARACTERS = 300
COMMAND = (sys.executable, "-P", "-m", "stepcheck.answers.prover")


class Algebra:
    """Answers `equal` from any thread, one question at a time."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._child: _Child | None = None
        self._asking = threading.Lock()

    def equal(self, gold: str, given: str) -> bool | None:
        """Tell whether two expressions are equal; None if that cannot be told: unreadable, too long, too hard."""
        if max(len(gold), len(given)) > MOST_CHARACTERS:
            return None
        with self._asking:
            if self._child is None:
                self._child = _Child(self._command)
            answer = self._child.ask(gold, given)
            if not self._child.alive:
                self._child = _Child(self._command)  # loads while others work
            return answer

    def close(self) -> None:
        """End the process."""
        with self._asking:
            child, self._child = self._child, None
            if child is not None:
                child.end()


class _Child:
    """One process: questions in as lines of JSON, answers out."""

    def __init__(self, command: Sequence[str]) -> None:
        import psutil

        self._popen = subprocess.Popen(  # noqa: S603 (our own module)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._process = psutil.Process(self._popen.pid)
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, name="algebra", daemon=True)
        self._thread.start()
        self._ready = False
        self.alive = True

    def ask(self, gold: str, given: str) -> bool | None:
        if not self._ready and self._wait(START_SECONDS) is None:
            return None
        self._ready = True
        question = json.dumps([gold, given]).encode() + b"\n"
        try:
            assert self._popen.stdin is not None  # noqa: S101 (it was asked for)
            self._popen.stdin.write(question)
            self._popen.stdin.flush()
        except OSError:
            self.end()
            return None
        answer = self._wait(SECONDS)
        return None if answer is None else {b"true": True, b"false": False}.get(answer.strip())

    def _wait(self, seconds: float) -> bytes | None:
        """Wait for a line; at the end of the time, of the memory or of the process, end it and return None."""
        start, before = time.monotonic(), self._used()[0]
        while True:
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=POLL_SECONDS)
                if line:
                    return line
                break
            elapsed = time.monotonic() - start
            computed, memory = self._used()
            starved = computed - before < elapsed / 2 and elapsed < STARVED_SECONDS
            if memory > MOST_MEMORY or (elapsed > seconds and not starved):
                break
        self.end()
        return None

    def _used(self) -> tuple[float, int]:
        """Return the processor seconds and the bytes of memory that the process has used; zeros if it is gone."""
        import psutil

        try:
            times, memory = self._process.cpu_times(), self._process.memory_info()
        except psutil.Error:
            return 0.0, 0
        return times.user + times.system, memory.rss

    def _listen(self) -> None:
        assert self._popen.stdout is not None  # noqa: S101 (it was asked for)
        with self._popen.stdout as stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(b"")

    def end(self) -> None:
        self.alive = False
        self._popen.kill()
        self._popen.wait()
        self._thread.join(timeout=1)
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()
