"""One question to a server, asked again where that may help.

Owns when to ask again (busy, restarting, a connection that broke off), how long to wait and when to give up. After one
question was given up, the next ones are asked once and with less patience until the server answers again: a run of
thousands does not wait for each.
"""

import random
import threading
from dataclasses import dataclass, replace
from typing import Final

from stepcheck.door.address import Address
from stepcheck.door.connection import OK, Door, Limits
from stepcheck.door.pause import pause_of
from stepcheck.door.words import error_words
from stepcheck.errors import CancelledError, ServerError, UnreachableError

BUSY: Final = frozenset({429, 502, 503, 504})
LATE: Final = 504
"""It has worked on it for as long as it may: it is asked once more and not again."""
NO_TOKEN: Final = frozenset({401, 403})
LARGEST: Final = 1 << 24
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a question is asked, and the seconds between: doubled each time from `first` to `most`.

    A server that names a time is given it, up to `asked` seconds. `answer` is how long one may take; `tired` takes its
    place once a question was given up.
    """

    tries: int = 8
    first: float = 0.25
    most: float = 15.0
    asked: float = 60.0
    answer: float = 600.0
    tired: float = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, well or not."""

    status: int
    reason: str
    data: bytes
    after: str = ""
    """When to ask again, as it says."""

    @property
    def well(self) -> bool:
        """Whether it is an answer to the question."""
        return self.status == OK


class Asker:
    """Asks one server; shared by all who ask it at the same time."""

    def __init__(self, address: Address, token: str, patience: Patience) -> None:
        self.address, self._to, self._token, self.patience = address.text, address, token, patience
        self._closed = threading.Event()
        self._tired = False
        self.open_door().close()  # a token that cannot be sent is refused here

    def open_door(self) -> Door:
        """Open a door to the server, for one lane."""
        seconds = self.patience.answer
        limits = Limits(first=seconds, silence=seconds, answer=seconds)
        return Door(self._to, who="the judge", key=self._token, limits=limits, kept=True)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._closed.set()

    def ask(self, door: Door, method: str, path: str, body: bytes | None = None) -> Reply:
        """Ask, and ask again while the server is busy or away.

        Raises:
            UnreachableError: it stays away.
            ServerError: it stays busy, is silent for too long, wants another token, or answers too much.
            CancelledError: the judge was closed.
        """
        tries, number = 1 if self._tired else self.patience.tries, 1
        while True:
            try:
                reply = self._once(door, method, path, body)
                if reply.status not in BUSY:
                    self._tired = False
                    return self._checked(reply)
                wait, error, most = (
                    pause_of(reply.after) or 0.0,
                    self._busy(reply),
                    2 if reply.status == LATE else tries,
                )
            except UnreachableError as away:
                wait, error, most = 0.0, away, tries
            except ServerError:
                self._tired = True
                raise
            if number >= min(tries, most) or wait > self.patience.asked:
                self._tired = True
                raise error
            self._pause(number, wait)
            number += 1

    def refused(self, reply: Reply) -> ServerError:
        """Word an answer that is a refusal."""
        return ServerError(f"{self.address}: {reply.status} {reply.reason}: {error_words(reply.data)}")

    def _once(self, door: Door, method: str, path: str, body: bytes | None) -> Reply:
        most = self.patience.tired if self._tired else self.patience.answer
        with door.asking(method, path, body, most, refuse=False) as response:
            data = door.whole(response, LARGEST)
            return Reply(response.status, response.reason, data, response.headers.get("Retry-After") or "")

    def _checked(self, reply: Reply) -> Reply:
        if reply.status in NO_TOKEN:
            said = "give its token in STEPCHECK_SERVER_TOKEN" if not self._token else "it wants another token"
            raise ServerError(f"{self.address}: {reply.status} {reply.reason}: {error_words(reply.data)}; {said}")
        return reply

    def _busy(self, reply: Reply) -> ServerError:
        error = self.refused(reply)
        return ServerError(f"{error}; it stays busy") if reply.status == 429 else error  # noqa: PLR2004 (its number)

    def _pause(self, number: int, wait: float) -> None:
        """Wait as long as was asked for, or longer each time, so that not all lanes come back at the same moment."""
        doubled = min(self.patience.first * 2 ** (number - 1), self.patience.most)
        if self._closed.wait(max(wait, doubled * random.uniform(0.5, 1.0))):  # noqa: S311 (no secret)
            raise CancelledError("the judge was closed")


def once(asker: Asker, method: str, path: str, body: bytes | None = None) -> Reply:
    """Ask one thing over a door of its own, as at the beginning."""
    door = asker.open_door()
    try:
        return asker.ask(door, method, path, body)
    finally:
        door.leave()


def hurried(patience: Patience) -> Patience:
    """Make less of it, for the first question: whoever mistyped an address should not wait a minute to hear it."""
    return replace(patience, tries=min(patience.tries, 3), answer=min(patience.answer, patience.tired))
