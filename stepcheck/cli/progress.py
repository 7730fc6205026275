"""The progress of a run: a line that is redrawn on a terminal, a line every few seconds elsewhere. On stderr."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from stepcheck.bench.cases import Row
from stepcheck.cli.outlook import Outlook
from stepcheck.cli.output import say
from stepcheck.cli.transfer import clock
from stepcheck.report.clean import clean_line

REDRAW_S = 0.25
PLAIN_S = 5.0
_ERASE = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class State:
    """One look at a run: `earlier` rows were there before it went on; `done` counts them in."""

    total: int
    earlier: int
    done: int
    errors: int
    seconds: float
    figures: str = ""
    left: float | None = None
    """Seconds, where the lengths of the cases tell it; else their number does."""


def sentence(state: State) -> str:
    """Word a progress line. Pure."""
    new = state.done - state.earlier
    rate = new / state.seconds if state.seconds else 0.0
    parts = [f"{state.done:,}/{state.total:,} cases"]
    if rate:
        left = (state.total - state.done) / rate if state.left is None else state.left
        parts += [f"{rate:.1f}/s", f"{clock(left)} left"]
    if state.figures:
        parts.append(state.figures)
    if state.errors:
        parts.append(f"{state.errors:,} not scored")
    return ", ".join(parts)


class Progress:
    """Shows a run's progress from a thread of its own; `figures` words the running figures."""

    def __init__(self, figures: Callable[[Sequence[Row]], str], outlook: Outlook | None = None) -> None:
        self._figures, self._outlook = figures, outlook or Outlook()
        self._loaded = 1.0
        self._state: State | None = None
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._thread = threading.Thread(target=self._show_often, name="progress", daemon=True)

    def loading(self, share: float) -> None:
        """Note how much of the model is loaded, from 0 to 1; time counts from the end of it."""
        self._loaded = share
        self._started = time.monotonic()
        self._outlook.begin()

    def begin(self, total: int, done: int, errors: int, *, work: int = 0, kept: int = 0) -> None:
        """Note how much there is to do, and what was done before; `work` and `kept` the same in characters."""
        self._state = State(total, done, done, errors, 0.0)
        self._started = time.monotonic()
        self._outlook.expect(work)
        self._outlook.keep(kept)

    def committed(self, rows: Sequence[Row]) -> None:
        """Count rows that are kept."""
        state = self._state
        if state is None:
            return
        errors = state.errors + sum(row.error is not None for row in rows)
        seconds = time.monotonic() - self._started
        done = state.done + len(rows)
        self._outlook.advance(sum(len(row.problem) + sum(map(len, row.steps)) for row in rows))
        self._state = State(state.total, state.earlier, done, errors, seconds, self._figures(rows), self._outlook.left)

    @property
    def done(self) -> int:
        """How many rows are kept by now."""
        return self._state.done if self._state else 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line off the screen."""
        self._stop.set()
        self._thread.join(timeout=1)
        if self._live:
            self._draw("")

    def _show_often(self) -> None:
        while not self._stop.wait(REDRAW_S if self._live else PLAIN_S):
            text = self._text()
            if self._live:
                self._draw(text)
            elif text:
                say(text)

    def _text(self) -> str:
        if self._loaded < 1:
            return f"loading the model: {self._loaded:.0%}"
        return sentence(self._state) if self._state else ""

    def _draw(self, text: str) -> None:
        try:
            sys.stderr.write(_ERASE + clean_line(text)[: shutil.get_terminal_size().columns - 1])
            sys.stderr.flush()
        except (OSError, ValueError):
            self._stop.set()
