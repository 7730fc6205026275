"""Judges that do as a test wants: wait, die, fail."""

import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from stepcheck.document import Document, Unread
from stepcheck.errors import CancelledError, StepcheckError
from stepcheck.judge import Gives, Identity, Judged, Unscored
from tests.fakes import FakeChecker


@dataclass
class Scripted:
    """Judges as the fake does, but a document whose problem is `wait` only once `go` is set.

    `act` may give another result, or raise, for any document. `seen` holds the problems in the order of judging.
    """

    act: Callable[[Document], Unscored | None] = lambda _document: None
    seen: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    identity: Identity = field(default_factory=lambda: FakeChecker().identity)
    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        inner = FakeChecker()
        for item in items:
            if isinstance(item, Document):
                self.seen.append(item.problem)
                self._wait(item)
                result = self.act(item)
                if result is not None:
                    yield result
                    continue
            yield from inner.judge([item])

    def _wait(self, item: Document) -> None:
        if item.problem == "wait":
            self.waiting.set()
            while not self.go.wait(0.01):
                if self.closed.is_set():
                    raise CancelledError("the engine was closed")

    def close(self) -> None:
        self.closed.set()


def failing(error: Callable[[], StepcheckError], times: int) -> Callable[[Document], Unscored | None]:
    """Give an error for documents whose problem is `die`, so many times."""
    left = [times]

    def act(document: Document) -> Unscored | None:
        if document.problem == "die" and left[0]:
            left[0] -= 1
            return Unscored.of(document, error())
        return None

    return act
