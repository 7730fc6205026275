"""Several questions at a time, each over a connection of its own, and the answers in order.

Owns threads and how far is read ahead. The threads are daemons: whoever waits for an answer may leave at once, and what
is then under way is hung up. Refuses to go on once it is closed.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from stepcheck.door.connection import Door
from stepcheck.errors import CancelledError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
LANES: Final = 16
"""Questions in flight: a server fills its batches with them."""
AHEAD: Final = 2
"""Times as many may be drawn: one slow answer at the front does not leave the other lanes idle."""
LOOK: Final = 0.5
"""Seconds between two looks for Ctrl-C, which Windows does not hear in an endless wait."""


@dataclass(eq=False, slots=True)
class _Task(Generic[Item, Answer]):
    item: Item
    done: threading.Event = field(default_factory=threading.Event)
    answers: list[Answer] = field(default_factory=list)
    error: Exception | None = None

    def do(self, work: Callable[[Door, Item], Answer], door: Door) -> None:
        try:
            self.answers.append(work(door, self.item))
        except Exception as error:  # noqa: BLE001 (a thread's edge: whoever waits for the answer raises it)
            self.error = error
        self.done.set()

    def take(self) -> Answer:
        """Wait for the answer; raises what the work raised."""
        while not self.done.wait(LOOK):
            pass
        if self.error is not None:
            raise self.error
        return self.answers[0]


class Lanes:
    """Asks over doors that `open_door` opens, `lanes` of them at most."""

    def __init__(self, open_door: Callable[[], Door], lanes: int = LANES) -> None:
        self._open_door, self._most = open_door, lanes
        self._lock = threading.Lock()
        self._doors: set[Door] = set()
        self._closed = False

    def in_order(self, items: Iterable[Item], work: Callable[[Door, Item], Answer]) -> Generator[Answer, None, None]:
        """Yield what `work` makes of each item, in order; draws a few ahead. Close it to hang up what is under way.

        Raises:
            CancelledError: it was closed meanwhile.
            Exception: what `work` raised.
        """
        waiting: deque[_Task[Item, Answer]] = deque()
        queue: SimpleQueue[_Task[Item, Answer] | None] = SimpleQueue()
        doors: list[Door] = []
        try:
            for item in items:
                if len(doors) < self._most:
                    doors.append(self._begin(queue, work))
                waiting.append(_Task(item))
                queue.put(waiting[-1])
                while waiting and (waiting[0].done.is_set() or len(waiting) >= AHEAD * self._most):
                    yield waiting.popleft().take()
            while waiting:
                yield waiting.popleft().take()
        finally:
            if waiting:
                self._hang_up(doors)
            for _ in doors:
                queue.put(None)

    def close(self) -> None:
        """Hang up everything; may be called from any thread."""
        with self._lock:
            self._closed = True
            doors = list(self._doors)
        self._hang_up(doors)

    def _begin(self, queue: "SimpleQueue[_Task[Item, Answer] | None]", work: Callable[[Door, Item], Answer]) -> Door:
        door = self._open_door()
        with self._lock:
            if self._closed:
                raise CancelledError("the judge was closed")
            self._doors.add(door)

        def run() -> None:
            while (task := queue.get()) is not None:
                task.do(work, door)
            with self._lock:
                self._doors.discard(door)
            door.leave()

        threading.Thread(target=run, name="lane", daemon=True).start()
        return door

    @staticmethod
    def _hang_up(doors: Iterable[Door]) -> None:
        for door in doors:
            door.close()
