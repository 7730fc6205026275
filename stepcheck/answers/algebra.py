"""Whether two expressions are equal as mathematics, asked in a process that is killed when it takes too long.

Owns that process: it is started with the first question, lives from question to question, and is gone after `close` or
with this process. An answer that is a bomb costs `SECONDS` and the process; a new one is started at once. All questions
of one comparison share these seconds: see `within`.
"""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from stepcheck.answers.tree import Tree

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
    """Answers from any thread, one question at a time; None is the answer to what cannot be told or takes too long."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._child: _Child | None = None
        self._asking = threading.RLock()
        self._left: float | None = None

    @contextlib.contextmanager
    def within(self, seconds: float = SECONDS) -> Iterator[None]:
        """All questions asked in here have so many seconds together; those that come too late are not asked."""
        with self._asking:
            outer, self._left = self._left, seconds if self._left is None else self._left
            try:
                yield
            finally:
                self._left = outer

    def same(self, left: Tree, right: Tree) -> bool | None:
        """Tell whether two trees have one value, at every point where both have one."""
        return self._ask(["same", _plain(left), _plain(right)])

    def proportional(self, left: Tree, right: Tree, *, positive: bool) -> bool | None:
        """Tell whether one tree is the other times a number that is not 0, or over 0."""
        return self._ask(["factor", _plain(left), _plain(right), positive])

    def equal(self, gold: str, given: str) -> bool | None:
        """Tell whether two texts in LaTeX are equal by math-verify, whose word is checked."""
        if max(len(gold), len(given)) > MOST_CHARACTERS:
            return None
        return self._ask(["verify", gold, given])

    def _ask(self, question: list[Any]) -> bool | None:
        with self._asking:
            left = SECONDS if self._left is None else self._left
            if left <= 0:
                return None
            if self._child is None:
                self._child = _Child(self._command)
            answer, used = self._child.ask(question, left)
            if self._left is not None:
                self._left -= used
            if not self._child.alive:
                self._child = _Child(self._command)  # loads while others work
                self._left = None if self._left is None else 0.0
            return answer

    def close(self) -> None:
        """End the process that reckons, if one was started."""
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
        self._ready = self._loaded = False
        self.alive = True

    def ask(self, question: list[Any], seconds: float) -> tuple[bool | None, float]:
        """Return the answer, and how long it took once the process was there and had loaded what it needs."""
        if not self._ready and self._wait(START_SECONDS) is None:
            return None, 0.0
        self._ready = True
        if question[0] == "verify" and not self._loaded:
            self._loaded = self._put(["load"]) and self._wait(START_SECONDS) is not None
            if not self._loaded:
                return None, 0.0
        start = time.monotonic()
        line = self._wait(seconds) if self._put(question) else None
        used = time.monotonic() - start
        return None if line is None else {b"true": True, b"false": False}.get(line.strip()), used

    def _put(self, question: list[Any]) -> bool:
        try:
            assert self._popen.stdin is not None  # noqa: S101 (it was asked for)
            self._popen.stdin.write(json.dumps(question).encode() + b"\n")
            self._popen.stdin.flush()
        except OSError:
            self.end()
            return False
        return True

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


def _plain(tree: Tree) -> list[Any]:
    """Return a tree as JSON has it: lists, and fractions as text."""
    return [
        _plain(part) if isinstance(part, tuple) else str(part) if isinstance(part, Fraction) else part for part in tree
    ]
