"""Rows that wait for the judge, and whose turn it is.

Every request stands in the line once, however many rows it has: the first gives a row, then goes to the end. So one
with ten thousand rows holds up one with a single row by a turn. Rows of one problem go together, for what they share is
read once. Owns the order and the room; knows nothing of judges or of HTTP. Safe from any thread.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepcheck.checker import AtMarks, Marked
    from stepcheck.document import Document, Unread
    from stepcheck.judge import Judged, Unscored

TURN = 8
"""Rows of one problem that go together at most."""


@dataclass(slots=True, eq=False)
class Row:
    """What one request wants to have judged; `deliver` hears the result, from the judge's thread."""

    item: "Document | Unread | Marked"
    deliver: "Callable[[Judged | Unscored | AtMarks], None]"
    deaths: int = 0
    """How often the model's process ended over it."""

    @property
    def problem(self) -> str | None:
        """What rows that go together have in common."""
        return getattr(self.item, "problem", None)


@dataclass(slots=True, eq=False)
class Place:
    """One request's place in the line."""

    rows: deque[Row] = field(default_factory=deque)
    left: bool = False
    """Nobody waits for its rows any more."""


class Line:
    """Places in the order of their turns."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._places: deque[Place] = deque()
        self._again: deque[tuple[Place, Row]] = deque()
        self._turn: tuple[Place, int] | None = None
        """Whose turn goes on, and how many rows of it were taken."""
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many rows wait in all."""
        return self._waiting

    def put(self, place: Place, rows: Iterable[Row]) -> bool:
        """Let rows wait, all or none of them; False where there is no room."""
        rows = tuple(rows)
        with self._changed:
            if self._closed or self._waiting + len(rows) > self.room:
                return False
            if not place.rows and rows:
                self._places.append(place)
            place.rows.extend(rows)
            self._waiting += len(rows)
            self._changed.notify()
        return True

    def put_back(self, place: Place, row: Row) -> None:
        """Let a row that was taken go first of all."""
        with self._changed:
            self._again.append((place, row))
            self._waiting += 1
            self._changed.notify()

    def take(self) -> tuple[Place, Row] | None:
        """Take the row whose turn it is; None where none waits."""
        with self._changed:
            while self._again:
                place, row = self._again.popleft()
                self._waiting -= 1
                if not place.left:
                    return place, row
            if not self._places:
                self._turn = None
                return None
            place = self._places[0]
            row = place.rows.popleft()
            self._waiting -= 1
            self._pass_on(place, row)
            return place, row

    def leave(self, place: Place) -> None:
        """Give up a request's place: those of its rows that wait are dropped."""
        with self._changed:
            place.left = True
            self._waiting -= len(place.rows)
            if place.rows:
                self._places.remove(place)
            place.rows.clear()

    def wait(self) -> bool:
        """Wait until a row does; False once the line is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return not self._closed

    def close(self) -> None:
        """Take no more rows, and let nobody wait for any."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pass_on(self, place: Place, row: Row) -> None:
        """End a turn, unless the next row is of the same problem and the turn not too long."""
        before = self._turn[1] if self._turn is not None and self._turn[0] is place else 0
        self._turn = (place, before + 1)
        same = place.rows and row.problem is not None and place.rows[0].problem == row.problem
        if same and before + 1 < TURN:
            return
        self._turn = None
        self._places.popleft()
        if place.rows:
            self._places.append(place)
