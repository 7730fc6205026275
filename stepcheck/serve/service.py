"""What all routes share: the judge and its line, the limits, the counts; and the way from rows to results.

Owns waiting for results in the event loop, while the judge's thread makes them. A client that leaves gives up its
place; a row that takes too long is answered with that.
"""

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from stepcheck.checker import unscored
from stepcheck.errors import DeadlineError
from stepcheck.serve.exchange import NDJSON, Exchange, Held, LeftError, busy
from stepcheck.serve.gate import Gate
from stepcheck.serve.limits import Limits
from stepcheck.serve.line import Line, Place, Row
from stepcheck.serve.metrics import Metrics
from stepcheck.serve.refusals import Refusal
from stepcheck.serve.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stepcheck.checker import AtMarks, Marked
    from stepcheck.document import Document, Unread
    from stepcheck.judge import Judged, Unscored

    Item = Document | Unread | Marked
    Result = Judged | Unscored | AtMarks

AT_ONCE = 64 * 1024
"""Bytes of a row that are read in the event loop; more are read in a thread, for others have to be answered, too."""
READERS = 2
LONGEST_WAIT = 60.0
"""Seconds that `Retry-After` says at most."""

Value = TypeVar("Value")


@dataclass(slots=True)
class Service:
    """What the routes share."""

    work: Work
    gate: Gate
    limits: Limits = field(default_factory=Limits)
    metrics: Metrics = field(default_factory=Metrics)
    held: Held = field(init=False)
    _readers: ThreadPoolExecutor = field(init=False)
    _pace: float = 0.0
    """Seconds from one result to the next, of late."""
    _last: float = 0.0

    def __post_init__(self) -> None:
        """Make room for bodies."""
        self.held = Held(self.limits.held)
        self._readers = ThreadPoolExecutor(READERS, "reader")

    @property
    def line(self) -> Line:
        """Where rows wait for the judge."""
        return self.work.line

    def check_ready(self) -> None:
        """Refuse what would never be answered.

        Raises:
            Refusal: 503, the server is ending, or its model could not be loaded.
        """
        if self.work.failed is not None:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"the model cannot be loaded: {self.work.failed}")
        if self.work.state == "ending":
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, "the server is ending", {"Connection": "close", "Retry-After": "5"}
            )

    def full(self) -> Refusal:
        """Refuse for now, for so many rows wait already."""
        waiting = self.line.waiting
        return busy(f"{waiting:,} rows wait for the judge already", min(LONGEST_WAIT, waiting * self._pace))

    def too_many(self) -> Refusal:
        """Refuse a request with more rows than may ever wait."""
        most = f"more than {self.line.room:,} in one request: send them as {NDJSON}, a few at a time, or raise --queue"
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most)

    async def read(self, size: int, do: "Callable[[], Value]") -> Value:
        """Do what reading `size` bytes takes, without holding up anybody else."""
        if size <= AT_ONCE:
            return do()
        return await asyncio.get_running_loop().run_in_executor(self._readers, do)

    def row(self, item: "Item", promised: "asyncio.Future[Result]") -> Row:
        """Make a row whose result is promised."""
        loop = asyncio.get_running_loop()

        def arrived(result: "Result") -> None:
            now = time.monotonic()
            if self.line.waiting:
                self._pace += (min(now - self._last, 1.0) - self._pace) / 16
            self._last = now
            self.metrics.count_row(result)
            if not promised.done():
                promised.set_result(result)

        def deliver(result: "Result") -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(arrived, result)

        return Row(item, deliver)

    async def judged(self, exchange: Exchange, items: "Iterable[Item]") -> "list[Result]":
        """Have rows judged and return their results, in order.

        Raises:
            Refusal: 413 too many, 429 no room for them now, 503 the server is ending, 504 it took too long.
            LeftError: the client left before they were done.
        """
        self.check_ready()
        loop, place = asyncio.get_running_loop(), Place()
        rows = [(item, loop.create_future()) for item in items]
        if len(rows) > self.line.room:
            raise self.too_many()
        if not self.line.put(place, [self.row(item, promised) for item, promised in rows]):
            self.check_ready()
            raise self.full()
        gone: asyncio.Future[Any] = asyncio.ensure_future(exchange.left())
        done: asyncio.Future[Any] = asyncio.gather(*(promised for _, promised in rows))
        try:
            await asyncio.wait({gone, done}, timeout=self.limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                return list(done.result())
            if gone.done():
                raise LeftError
            raise Refusal(HTTPStatus.GATEWAY_TIMEOUT, late(self.limits.seconds))
        finally:
            self.line.leave(place)
            for waiting in (gone, done):
                waiting.cancel()

    async def in_time(self, item: "Item", promised: "asyncio.Future[Result]", left: "asyncio.Future[Any]") -> "Result":
        """Wait for one row of a stream; one that takes too long is an error in its place.

        Raises:
            LeftError: the client left.
        """
        await asyncio.wait({promised, left}, timeout=self.limits.seconds, return_when=asyncio.FIRST_COMPLETED)
        if promised.done():
            return promised.result()
        if left.done():
            raise LeftError
        return unscored(item, DeadlineError(late(self.limits.seconds)))

    def close(self) -> None:
        """End the threads that read."""
        self._readers.shutdown(wait=False, cancel_futures=True)


def late(seconds: float) -> str:
    """Say that it took too long."""
    return f"no result within {seconds:g} s: the judge is busy; send fewer rows at a time, or start it with --timeout"
