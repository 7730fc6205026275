"""How long still? Work done and to do → the seconds that are left. Pure, but for the clock that it is given.

Work is counted in characters of problems and steps, the best guess of time before a text is tokenized. What an earlier
session did, and the loading of the model, say nothing of the rate. How much work is in a file that is read as it is
judged is told by its size: so many characters so far came of so many bytes (too few where it is sorted by length, for
the keys of short rows weigh more). Refuses to guess where neither is known.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Outlook:
    """Counts work as it is drawn, kept and done; `size` is the bytes of all that is read as it is judged."""

    now: Callable[[], float] = time.monotonic
    size: int | None = None
    done: int = 0
    """What is done, with what an earlier session did."""
    _all: int = 0
    _kept: int = 0
    _bytes: int = 0
    _drawn: int = 0
    _since: float = 0.0

    def expect(self, work: int) -> None:
        """Note how much work there is in all, 0 where that is not known before it is read; time counts from here."""
        self._all = work
        self.begin()

    def begin(self) -> None:
        """Let the rate count from now: the model is loaded, or what was kept is passed."""
        self._since = self.now()

    def took(self, size: int) -> None:
        """Note that so many bytes were read."""
        self._bytes += size

    def draw(self, work: int) -> None:
        """Note work that was found in what was read."""
        self._drawn += work

    def keep(self, work: int) -> None:
        """Count work that an earlier session did."""
        self._kept += work
        self.done += work
        self.begin()

    def advance(self, work: int) -> None:
        """Count work that was done."""
        self.done += work

    @property
    def all(self) -> int:
        """How much work there is, as far as that can be told; 0 where it cannot."""
        if self._all or not self.size or not self._bytes:
            return self._all
        return max(self.done, round(self._drawn * max(self.size / self._bytes, 1.0)))

    @property
    def left(self) -> float | None:
        """The seconds that are left; None where nobody can say."""
        new = self.done - self._kept
        if not self.all or not new:
            return None
        return (self.now() - self._since) * max(self.all - self.done, 0) / new
