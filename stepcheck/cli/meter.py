"""The progress line: how far, how fast, how long still. On stderr, and only on a terminal.

Elsewhere it is silent, but for work of which one piece takes minutes: that says on a line, now and then, that it goes
on.
Refuses to share a line with results: `paused` takes it off the screen while something else is written.
"""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

from stepcheck.cli.outlook import Outlook
from stepcheck.cli.transfer import clock

PATIENCE_S = 1.0
"""Work that is done sooner shows no progress."""
INTERVAL_S = 0.2
TALK_S = 10.0
"""Between two lines where nobody sees a line move."""
_BAR_CELLS = 20
_ERASE = "\r\x1b[K"
_NO_LINE = contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the work: `work` and `all_work` in characters of text, the best guess of time before it is read."""

    done: int
    total: int | None
    work: int
    all_work: int
    tokens: int
    seconds: float
    left: float | None = None
    """Seconds, where that can be told."""


def line(reading: Reading, *, utf8: bool) -> str:
    """Word a progress line; without a total there is neither bar nor time left. Pure."""
    full, rest = ("█", "·") if utf8 else ("#", ".")
    rate = f"{reading.tokens / reading.seconds:,.0f} tokens/s" if reading.tokens and reading.seconds else "…" * utf8
    count = f"{reading.done:,}/{reading.total:,}" if reading.total else f"{reading.done:,} scored"
    if not reading.all_work:
        return f"{count}, {clock(reading.seconds)}, {rate}".rstrip(", ")
    cells = int(min(reading.work / reading.all_work, 1.0) * _BAR_CELLS)
    left = "" if reading.left is None else f", {clock(reading.left)} left"
    bar = full * cells + rest * (_BAR_CELLS - cells)
    return f"{bar} {count}, {clock(reading.seconds)}{left}, {rate}".rstrip(", ")


class Meter:
    """Redraws the progress line a few times a second from a thread of its own; silent where stderr is no terminal."""

    def __init__(self, stream: TextIO | None = None, *, silent: bool = False, talks: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._moves = self._stream is not None and self._stream.isatty()
        self._silent = silent or self._stream is None or not (self._moves or talks)
        self._loaded: float | None = None
        self._total: int | None = None
        self._outlook = Outlook()
        self._done = self._tokens = 0
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._shown = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start drawing, if anybody watches."""
        if not self._silent:
            work = self._draw_often if self._moves else self._talk
            self._thread = threading.Thread(target=work, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line off the screen."""
        self._stop.set()
        with self.paused():
            self._thread = None

    def loading(self, share: float) -> None:
        """Note how much of the model is loaded, from 0 to 1."""
        self._loaded = share
        self._outlook.begin()

    def expect(self, total: int | None, all_work: int, *, size: int | None = None) -> None:
        """Note how much there is to do, or the bytes of what is read as it is done; count the time from here."""
        self._total, self._outlook.size = total, size
        self._outlook.expect(all_work)
        self._started = time.monotonic()

    def took(self, size: int) -> None:
        """Note that so many bytes were read."""
        self._outlook.took(size)

    def draw(self, work: int) -> None:
        """Note the `work` in a document that was read."""
        self._outlook.draw(work)

    def keep(self, work: int) -> None:
        """Count one document of `work` characters that an earlier session did."""
        self._done += 1
        self._outlook.keep(work)

    def advance(self, work: int, tokens: int, count: int = 1) -> None:
        """Count one document or more, of `work` characters together, read as `tokens` tokens."""
        self._done += count
        self._tokens += tokens
        self._outlook.advance(work)

    def paused(self) -> contextlib.AbstractContextManager[None]:
        """Keep the line away while results are written; where there is none, nothing is to be kept away."""
        return _NO_LINE if self._silent else self._hidden()

    @contextlib.contextmanager
    def _hidden(self) -> Iterator[None]:
        with self._lock:
            if self._shown:
                self._put(_ERASE)
                self._shown = False
            yield

    def _draw_often(self) -> None:
        if self._stop.wait(PATIENCE_S):
            return
        while True:
            with self._lock:
                if self._stop.is_set():
                    return
                self._draw()
            if self._stop.wait(INTERVAL_S):
                return

    def _talk(self) -> None:
        while not self._stop.wait(TALK_S):
            with self._lock:
                self._put(f"{self._text()}\n")

    def _draw(self) -> None:
        self._put(_ERASE + self._text()[: shutil.get_terminal_size().columns - 1])
        self._shown = True

    def _text(self) -> str:
        if self._loaded is not None and self._loaded < 1:
            return f"loading the model: {self._loaded:.0%}"
        seconds = time.monotonic() - self._started
        look = self._outlook
        reading = Reading(self._done, self._total, look.done, look.all, self._tokens, seconds, look.left)
        return line(reading, utf8="utf" in (self._stream.encoding or "").lower())

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
