"""Background work: one thread, an edge at which every error is caught and said, and messages that know whose they are.

Owns the life of one piece of work. Refuses widgets: what a job says is heard in the app's thread by whoever started it,
and by nobody once it was dropped; so what an old reader, model or question still says never mixes with the new one's.
"""

import threading
from collections.abc import Callable

from textual.message import Message

from stepcheck.errors import StepcheckError, unforeseen

Post = Callable[[Message], object]


def defect(error: Exception) -> str:
    """Word an error that is not the user's."""
    return f"{unforeseen(error)}; this is a defect in stepcheck: please report it"


class Said(Message):
    """Something that a job says; the app hands it to whoever started the job."""

    job: "Job"


class Job:
    """Runs `work` in a thread of its own; `hear` is called in the app's thread with what it says.

    An error that leaves `work` is said too: `failed` makes a message of its words.
    """

    def __init__(
        self,
        work: "Callable[[Job], None]",
        post: Post,
        hear: Callable[[Said], None],
        failed: Callable[[str], Said],
        name: str,
    ) -> None:
        self._work, self._post, self._hear, self._failed = work, post, hear, failed
        self._cancelled = threading.Event()
        self._dropped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def cancelled(self) -> bool:
        """Whether it is to stop."""
        return self._cancelled.is_set()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def start(self) -> "Job":
        """Begin; returns the job."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask it to stop; how it ends is still heard."""
        self._cancelled.set()

    def drop(self) -> None:
        """Ask it to stop, and hear nothing more of it, also of what it has said and nobody has heard yet."""
        self._dropped = True
        self._cancelled.set()

    def say(self, message: Said) -> None:
        """Say something, from the job's thread."""
        if not self._dropped:
            message.job = self
            self._post(message)

    def deliver(self, message: Said) -> None:
        """Let a message be heard, in the app's thread."""
        if not self._dropped:
            self._hear(message)

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work(self)
        except StepcheckError as error:
            self.say(self._failed(str(error)))
        except Exception as error:  # noqa: BLE001 (a thread's edge: the screen would wait for ever)
            self.say(self._failed(defect(error)))
