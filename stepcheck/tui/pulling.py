"""The seam to downloads: what the app needs of whoever fetches models, and the thread that a download runs in.

Owns nothing of the network: a `Puller` is handed in by the command line. Without one the app says how to get a model.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from stepcheck.errors import CancelledError, StepcheckError
from stepcheck.tui.messages import PullEnded, PullMoved, PullOffered

if TYPE_CHECKING:
    from textual.message import Message


@dataclass(frozen=True, slots=True)
class Offered:
    """What a download would do: the model's name when it is there, and words on bytes, disk and licence."""

    name: str
    words: str


class Puller(Protocol):
    """Fetches one model at a time. Both calls wait; `cancel` may come from any thread."""

    def offer(self, card: str) -> Offered:
        """Say what pulling this card's model would do. Raises StepcheckError."""
        ...

    def pull(self, offered: Offered, moved: Callable[[float, str], None]) -> None:
        """Do it; `moved` hears the share that is done and a few words. Raises StepcheckError."""
        ...

    def cancel(self) -> None:
        """Stop what is under way; what came so far is kept for a next run."""
        ...


class Pulling:
    """One download in a thread of its own: first the offer, then, if it is taken, the bytes."""

    def __init__(self, puller: Puller, card: str, post: "Callable[[Message], object]") -> None:
        self._puller, self._card, self._post = puller, card, post
        self._taken: bool | None = None
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._run, name="puller", daemon=True)

    def start(self) -> None:
        """Ask for the offer."""
        self._thread.start()

    def answer(self, *, take: bool) -> None:
        """Take the offer, or leave it."""
        self._taken = take
        self._answered.set()

    def cancel(self) -> None:
        """Stop."""
        self.answer(take=False)
        self._puller.cancel()

    def _run(self) -> None:
        try:
            offered = self._puller.offer(self._card)
            if not self._answered.is_set():  # nobody stopped it meanwhile
                self._post(PullOffered(offered.name, offered.words))
            self._answered.wait()
            if not self._taken:
                self._post(PullEnded(offered.name, "", there=False))
                return
            self._puller.pull(offered, self._moved(offered.name))
        except CancelledError:
            self._post(PullEnded(self._card, "stopped; the next pull goes on from there", there=False))
        except StepcheckError as error:
            self._post(PullEnded(self._card, str(error), there=False))
        except Exception as error:  # noqa: BLE001 (a thread's edge: the screen would wait for ever)
            self._post(PullEnded(self._card, f"{self._card}: {type(error).__name__}: {error}", there=False))
        else:
            self._post(PullEnded(offered.name, f"{offered.name} is here, verified", there=True))

    def _moved(self, name: str) -> Callable[[float, str], None]:
        def moved(share: float, words: str) -> None:
            self._post(PullMoved(name, share, words))

        return moved
