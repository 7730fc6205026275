"""Who watches a download: hears how far it is, and may stop it from any thread.

Owns cancelling. Knows no network and no terminal: a command draws a line from it, the app a bar.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepcheck.errors import CancelledError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one file is, in bytes: `done` of `total`, `fresh` of them received by this run."""

    path: str
    done: int
    total: int
    fresh: int


def _ignore(_heard: object) -> None:
    """Hear nothing."""


class Watch:
    """Follows downloads.

    `on_progress` hears of bytes, `on_note` sentences about retries and waits, `on_step` what is done now in a few words
    ("" when it is fetching). All are called in the fetching thread.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] = _ignore,
        on_note: Callable[[str], None] = _ignore,
        on_step: Callable[[str], None] = _ignore,
    ) -> None:
        self.progress, self.note, self.step = on_progress, on_note, on_step
        self._cancelled = threading.Event()
        self._hang_up: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Stop what is under way, also in the middle of a wait for a byte; what came so far is kept for a next run."""
        self._cancelled.set()
        hang_up = self._hang_up
        if hang_up is not None:
            hang_up()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Go on only if nobody asked to stop.

        Raises:
            CancelledError: somebody did.
        """
        if self.cancelled:
            raise CancelledError("the download was stopped; the next one goes on from here")

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond a cancellation.

        Raises:
            CancelledError: there was one.
        """
        # in short waits, so that Ctrl-C is heard on every system
        remaining = seconds
        while remaining > 0 and not self._cancelled.wait(min(remaining, 0.25)):
            remaining -= 0.25
        self.check()

    @contextlib.contextmanager
    def interrupting(self, hang_up: Callable[[], None]) -> Iterator[None]:
        """Let a cancellation call `hang_up` meanwhile; whatever breaks by that is a cancellation, not an error."""
        self._hang_up = hang_up
        try:
            self.check()
            yield
        except Exception:
            self.check()
            raise
        finally:
            self._hang_up = None
