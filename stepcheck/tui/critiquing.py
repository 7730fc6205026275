"""Why a step is wrong, in a critic's words: what is known of one question, and the thread that asks it.

Owns asking and stopping. Touches no widget and opens no critic itself: the command line hands in how.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck.errors import CancelledError, StepcheckError
from stepcheck.report.wrapping import TOO_MUCH
from stepcheck.tui.messages import CriticEnded, CriticLoading, CriticSaid

if TYPE_CHECKING:
    from textual.message import Message

    from stepcheck.critic.critic import Critic
    from stepcheck.document import Document

OpenCritic = Callable[[Callable[[float], None]], "Critic"]
"""Opens the critic that was named; hears the share of it that is loaded. Raises StepcheckError."""


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


class Asking:
    """One question in a thread of its own. Its critic stays open where all went well, for the next question."""

    def __init__(
        self, opener: OpenCritic, document: "Document", index: int, post: "Callable[[Message], object]"
    ) -> None:
        self.critic: Critic | None = None
        self._opener, self._document, self._index, self._post = opener, document, index, post
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="critic", daemon=True)

    def start(self, critic: "Critic | None") -> None:
        """Ask an open critic, or open one."""
        self.critic = critic
        self._thread.start()

    def cancel(self) -> None:
        """Stop at once, also in the midst of a wait for a word; the critic is closed by that."""
        self._cancelled.set()
        if self.critic is not None:
            self.critic.close()

    def _run(self) -> None:
        try:
            self._listen(self._open())
        except CancelledError:
            self._post(CriticEnded(self, ""))
        except StepcheckError as error:
            self._post(CriticEnded(self, str(error)))
        except Exception as error:  # noqa: BLE001 (a thread's edge: the screen would wait for ever)
            self._post(CriticEnded(self, f"{type(error).__name__}: {error}"))
        else:
            self._post(CriticEnded(self, ""))

    def _open(self) -> "Critic":
        if self.critic is None:
            self.critic = self._opener(self._loading)
        if self._cancelled.is_set():  # while it was opened
            self.critic.close()
            raise CancelledError("stopped")
        return self.critic

    def _loading(self, share: float) -> None:
        self._post(CriticLoading(self, share))

    def _listen(self, critic: "Critic") -> None:
        words = ""
        with closing(critic.explain(self._document, self._index)) as pieces:
            for piece in pieces:
                if self._cancelled.is_set():
                    return
                words += piece
                self._post(CriticSaid(self, critic.model.name, words))
                if len(words) > TOO_MUCH:
                    raise StepcheckError(f"the critic said more than {TOO_MUCH:,} characters; it was not heard out")
