"""A screen with one list of rows at its heart: moving about, and search."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual import events, on
from textual.screen import Screen
from textual.widgets import Input

from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.search import SearchLine

Result = TypeVar("Result")


class ListScreen(Screen[Result]):
    """Moves the cursor of its list, named by `LIST`, and finds rows; a `SearchLine` is among its widgets."""

    AUTO_FOCUS = "RowList"
    LIST: ClassVar[str]
    """The selector of the list that the keys move."""
    NOTHING_WRONG: ClassVar[str] = "no step is under the threshold"
    ONE_WRONG: ClassVar[str] = "this is the only step under the threshold"

    @property
    def rows(self) -> RowList:
        """The list that the movement keys move."""
        return self.query_one(self.LIST, RowList)  # type: ignore[type-abstract]  # whichever kind it is

    def say(self, words: str) -> None:
        """Say something in passing."""
        self.notify(words, timeout=4, markup=False)

    def found(self, words: str, index: int) -> bool:  # noqa: ARG002 (for subclasses)
        """Whether a row holds what is searched for, in lower case."""
        return False

    def wrong(self, index: int) -> bool:  # noqa: ARG002 (for subclasses)
        """Whether a row is judged wrong."""
        return False

    def searched(self, words: str) -> None:
        """Mark what is searched for."""

    def action_move(self, by: int) -> None:
        """Move the cursor over the rows."""
        self.rows.move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.rows.page(by)

    def action_edge(self, side: int) -> None:
        """To the first or the last row."""
        self.rows.move(side * self.rows.count)

    def action_error(self, way: int) -> None:
        """To the next or the previous error, around the end."""
        self._seek(way, self.wrong, self.NOTHING_WRONG, self.ONE_WRONG)

    def action_search(self) -> None:
        """Open the search line."""
        self.query_one(SearchLine).open()

    def close_search(self) -> bool:
        """Close the search line; False if it was not open."""
        line = self.query_one(SearchLine)
        if not line.is_open:
            return False
        line.close()
        self.searched("")
        self.rows.focus()
        return True

    def on_key(self, event: events.Key) -> None:
        """In the search line the arrows go through what was found."""
        line = self.query_one(SearchLine)
        if line.has_focus and event.key in ("down", "up"):
            event.stop()
            self._find(line.value, 1 if event.key == "down" else -1)

    @on(Input.Changed, "SearchLine")
    def _typed(self, event: Input.Changed) -> None:
        self.searched(event.value)
        words = event.value.lower()
        if words and not (self.rows.count and self.found(words, self.rows.cursor)):
            self._find(words, 1)

    @on(Input.Submitted, "SearchLine")
    def _next(self, event: Input.Submitted) -> None:
        self.search_on(event.value)

    def search_on(self, words: str) -> None:
        """Enter in the search line: to the next that holds the words."""
        if words:
            self._find(words, 1)

    def _find(self, words: str, way: int) -> None:
        lowered = words.lower()
        nothing, only = f"nothing holds “{words}”", f"nothing else holds “{words}”"
        self._seek(way, lambda index: self.found(lowered, index), nothing, only)

    def _seek(self, way: int, holds: Callable[[int], bool], otherwise: str, only: str) -> None:
        count, start = self.rows.count, self.rows.cursor
        around = ((start + way * step) % count for step in range(1, count + 1)) if count else iter(())
        place = next((index for index in around if holds(index)), None)
        if place is None:
            self.say(otherwise)
        elif place == start:
            self.say(only)
        else:
            self.rows.cursor = place
