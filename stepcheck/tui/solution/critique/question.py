"""Why a step is wrong, in a critic's words: what is known of one question, and the thread that asks it.

Owns asking and stopping. Touches no widget and opens no critic itself: the command line hands in how.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from stepcheck.errors import CancelledError, StepcheckError
from stepcheck.report.wrapping import TOO_MUCH
from stepcheck.tui.job import Job, Post, Said

if TYPE_CHECKING:
    from stepcheck.critic.critic import Critic
    from stepcheck.document import Document

OpenCritic = Callable[[Callable[[float], None]], "Critic"]
"""Opens the critic that was named; hears the share of it that is loaded. Raises StepcheckError."""


@dataclass(eq=False)
class CriticLoading(Said):
    """How much of the critic is loaded, 0 to 1."""

    share: float


@dataclass(eq=False)
class CriticSaid(Said):
    """All that a critic has said so far; a later one takes the place of those that still wait."""

    model: str
    words: str

    def can_replace(self, message: Message) -> bool:
        """Skip to the last of many."""
        return isinstance(message, CriticSaid) and message.job is self.job


@dataclass(eq=False)
class CriticEnded(Said):
    """A critic has said all, or `error` says why not."""

    error: str


@dataclass(slots=True)
class Critique:
    """What a critic said of a step, so far."""

    key: int
    document: "Document"
    index: int
    model: str = ""
    words: str = ""
    share: float | None = None
    """How much of the critic is loaded; None before and after."""
    running: bool = True
    ending: str = ""
    """How it ended, where that must be said: stopped, or an error."""
    failed: bool = False


class Question:
    """One question in a thread of its own. Its critic stays open where all went well, for the next question."""

    def __init__(
        self, opener: OpenCritic, document: "Document", index: int, post: Post, hear: Callable[[Said], None]
    ) -> None:
        self.critic: Critic | None = None
        self._opener, self._document, self._index = opener, document, index
        self.job = Job(self._ask, post, hear, CriticEnded, "critic")

    def start(self, critic: "Critic | None") -> None:
        """Ask an open critic, or open one."""
        self.critic = critic
        self.job.start()

    def drop(self) -> None:
        """Stop at once, also in the midst of a wait for a word; the critic is closed by that."""
        self.job.drop()
        if self.critic is not None:
            self.critic.close()

    def _ask(self, job: Job) -> None:
        try:
            self._listen(self._open(job), job)
        except CancelledError:
            job.say(CriticEnded(""))
        else:
            job.say(CriticEnded(""))

    def _open(self, job: Job) -> "Critic":
        if self.critic is None:
            self.critic = self._opener(lambda share: job.say(CriticLoading(share)))
        if job.cancelled:  # while it was opened
            self.critic.close()
            raise CancelledError("stopped")
        return self.critic

    def _listen(self, critic: "Critic", job: Job) -> None:
        words = ""
        with closing(critic.explain(self._document, self._index)) as pieces:
            for piece in pieces:
                if job.cancelled:
                    return
                words += piece
                job.say(CriticSaid(critic.identity.name, words))
                if len(words) > TOO_MUCH:
                    raise StepcheckError(f"the critic said more than {TOO_MUCH:,} characters; it was not heard out")
