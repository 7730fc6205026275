"""What the screens over a session have in common: moving about, the threshold, search, and what the model says."""

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from stepcheck.report.place import place
from stepcheck.tui.judging.session import Session
from stepcheck.tui.parts.rows import RowList

if TYPE_CHECKING:
    from stepcheck.tui.app import StepcheckApp

THRESHOLD_STEP = 0.01


class SessionScreen(Screen[None]):
    """A screen with one list of rows at its heart."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = "RowList"
    DEFAULT_CSS = """
    SessionScreen Footer { background: $panel; }
    SessionScreen #search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    SessionScreen #search.-open { display: block; }
    SessionScreen #notice { height: auto; max-height: 2; padding: 0 1; color: $foreground 60%; }
    SessionScreen.-short #notice { max-height: 1; }
    SessionScreen.-short #notice.-error { max-height: 2; }
    SessionScreen #notice.-error { color: $error; text-style: bold; }
    """

    @property
    def owner(self) -> "StepcheckApp":
        """The app, by its own type."""
        from stepcheck.tui.app import StepcheckApp

        if not isinstance(self.app, StepcheckApp):
            raise TypeError("these screens belong to StepcheckApp")
        return self.app

    @property
    def session(self) -> Session:
        """What is open."""
        return self.owner.session

    @property
    def rows(self) -> RowList:
        """The list that the movement keys move."""
        raise NotImplementedError

    def entry_changed(self, key: int) -> None:
        """A document's result, or the document itself, is another."""

    def model_changed(self) -> None:
        """The model, its state or the threshold is another."""

    def entries_added(self) -> None:
        """More documents were read."""

    def found(self, words: str, index: int) -> bool:  # noqa: ARG002 (for subclasses)
        """Whether a row holds what is searched for, in lower case."""
        return False

    def wrong(self, index: int) -> bool:  # noqa: ARG002 (for subclasses)
        """Whether a row is judged wrong."""
        return False

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.rows.move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.rows.page(by)

    def action_edge(self, side: int) -> None:
        """To the first or the last row."""
        self.rows.move(side * self.rows.count)

    def action_error(self, way: int) -> None:
        """To the next or the previous error, around the end."""
        self._seek(way, self.wrong, "no step is under the threshold")

    def _seek(self, way: int, holds: "object", otherwise: str) -> None:
        count, start = self.rows.count, self.rows.cursor
        around = ((start + way * step) % count for step in range(1, count + 1)) if count else iter(())
        place_found = next((index for index in around if callable(holds) and holds(index)), None)
        if place_found is None:
            self.owner.say(otherwise)
        else:
            self.rows.cursor = place_found

    def action_threshold(self, way: int) -> None:
        """Move the threshold, or take the model's again; nothing is judged anew."""
        self.owner.move_threshold(way * THRESHOLD_STEP if way else None)

    def action_search(self) -> None:
        """Open the search line."""
        line = self.query_one("#search", Input)
        line.add_class("-open")
        line.value = ""
        line.focus()

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        self.searched(event.value)
        words = event.value.lower()
        if words and not self.found(words, self.rows.cursor):
            self._seek(1, lambda index: self.found(words, index), f"nothing holds “{event.value}”")

    @on(Input.Submitted, "#search")
    def _next(self, event: Input.Submitted) -> None:
        words = event.value.lower()
        if words:
            self._seek(1, lambda index: self.found(words, index), f"nothing holds “{event.value}”")

    def searched(self, words: str) -> None:
        """Mark what is searched for."""

    def close_search(self) -> bool:
        """Close the search line; False if it was not open."""
        line = self.query_one("#search", Input)
        if not line.has_class("-open"):
            return False
        line.remove_class("-open")
        self.searched("")
        self.rows.focus()
        return True

    def on_key(self, event: events.Key) -> None:
        """In the search line the arrows go through what was found."""
        line = self.query_one("#search", Input)
        if not line.has_focus or event.key not in ("down", "up"):
            return
        event.stop()
        words = line.value.lower()
        self._seek(1 if event.key == "down" else -1, lambda index: self.found(words, index), "nothing else")

    def action_help(self) -> None:
        """Show every key."""
        from stepcheck.tui.parts.help import HelpScreen

        self.owner.push_screen(HelpScreen())

    def action_models(self) -> None:
        """Show the models."""
        from stepcheck.tui.models.screen import ModelsScreen

        self.owner.push_screen(ModelsScreen())

    def action_palette(self) -> None:
        """Open the command palette."""
        self.owner.action_command_palette()

    def action_back(self) -> None:
        """Leave the search, else stop what is under way, else go back."""
        if self.close_search():
            return
        if any(entry.phase.busy for entry in self.session.entries):
            self.owner.stop()
        elif len(self.owner.screen_stack) > 2:  # noqa: PLR2004 (the default screen lies under the first)
            self.owner.pop_screen()

    def action_leave(self) -> None:
        """Quit."""
        self.owner.leave()

    def place_of(self, key: int) -> str:
        """How a document is called."""
        item = self.session.entries[key].item
        name = f"  {item.id}" if item.id else ""
        return place(item) + name  # type: ignore[arg-type]  # an Unread has the same fields
