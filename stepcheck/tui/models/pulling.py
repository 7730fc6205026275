"""The seam to downloads: what the app needs of whoever fetches models, and the thread that a download runs in.

Owns nothing of the network: a `Puller` is handed in by the command line. Without one the app says how to get a model.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stepcheck.errors import CancelledError
from stepcheck.tui.job import Job, Post, Said


@dataclass(eq=False)
class PullOffered(Said):
    """What a download would do."""

    model: str
    words: str


@dataclass(eq=False)
class PullMoved(Said):
    """How far a download is: a share from 0 to 1, and a few words."""

    model: str
    share: float | None
    words: str


@dataclass(eq=False)
class PullEnded(Said):
    """A download is over; `words` say how, `there` whether the model can be used."""

    model: str
    words: str
    there: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """What a download would do: the model's name when it is there, and words on bytes, disk and licence."""

    name: str
    words: str


class Puller(Protocol):
    """Fetches one model at a time. Both calls wait; `cancel` may come from any thread."""

    def offer(self, card: str, said: Callable[[str], None]) -> Offered:
        """Say what pulling this card's model would do; `said` hears of waits and retries. Raises StepcheckError."""
        ...

    def pull(self, offered: Offered, moved: Callable[[float, str], None]) -> None:
        """Do it; `moved` hears the share that is done and a few words. Raises StepcheckError."""
        ...

    def cancel(self) -> None:
        """Stop what is under way; what came so far is kept for a next run."""
        ...


class Pulling:
    """One download in a thread of its own: first the offer, then, if it is taken, the bytes."""

    def __init__(self, puller: Puller, card: str, post: Post, hear: Callable[[Said], None]) -> None:
        self._puller, self._card = puller, card
        self._taken: bool | None = None
        self._answered = threading.Event()
        self._job = Job(self._pull, post, hear, self._failed, "puller")

    def start(self) -> None:
        """Ask for the offer."""
        self._job.start()

    def answer(self, *, take: bool) -> None:
        """Take the offer, or leave it."""
        self._taken = take
        self._answered.set()

    def cancel(self) -> None:
        """Stop; how it ended is still said."""
        self._job.cancel()
        self.answer(take=False)
        self._puller.cancel()

    def _failed(self, words: str) -> PullEnded:
        return PullEnded(self._card, words, there=False)

    def _pull(self, job: Job) -> None:
        try:
            offered = self._puller.offer(self._card, lambda words: job.say(PullMoved(self._card, None, words)))
            if not self._answered.is_set():  # nobody stopped it meanwhile
                job.say(PullOffered(offered.name, offered.words))
            self._answered.wait()
            if not self._taken:
                job.say(PullEnded(offered.name, "", there=False))
                return
            self._puller.pull(offered, lambda share, words: job.say(PullMoved(offered.name, share, words)))
        except CancelledError:
            job.say(self._failed("stopped; the next pull goes on from there"))
        else:
            job.say(PullEnded(offered.name, f"{offered.name} is here, verified", there=True))
