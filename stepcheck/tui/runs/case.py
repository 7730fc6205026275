"""The screen with one case, shown as the app shows a solution; the neighbours of the list are a key away."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from stepcheck.bench.runs.store import Run
from stepcheck.tui.judging.view import View
from stepcheck.tui.keys import RUN, bindings
from stepcheck.tui.parts.foot import FootLine
from stepcheck.tui.parts.help import HelpScreen
from stepcheck.tui.parts.lists import ListScreen
from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.search import SearchLine
from stepcheck.tui.runs.about import about, title, view_of
from stepcheck.tui.runs.browsing import ListedRow
from stepcheck.tui.solution.detail import Detail
from stepcheck.tui.solution.problem import Problem
from stepcheck.tui.solution.steps import StepList
from stepcheck.tui.solution.verdict import VerdictBar

if TYPE_CHECKING:
    from stepcheck.bench.cases import Row


class CaseScreen(ListScreen[int]):
    """Shows cases of a list, beginning at one; returns the place it was left at."""

    LIST = "#steps"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("v")]
    DEFAULT_CSS = """
    CaseScreen #head { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    CaseScreen #about { height: auto; max-height: 4; padding: 0 1; background: $surface; }
    CaseScreen #body { height: 1fr; }
    CaseScreen #steps { height: 1fr; width: 1fr; }
    CaseScreen.-wide #body { layout: horizontal; }
    CaseScreen.-wide #steps { width: 3fr; }
    CaseScreen.-wide Detail { width: 2fr; height: 1fr; border-left: vkey $panel; }
    CaseScreen.-narrow Detail { height: 30%; min-height: 5; border-top: solid $panel; }
    """

    def __init__(self, run: Run, listed: Sequence[ListedRow], place: int, threshold: float | None) -> None:
        super().__init__()
        self._run, self._listed, self._place, self._threshold = run, listed, place, threshold
        self._source_shown = False
        self.row: Row = run.row(listed[place].key)
        """The case that is shown."""

    def compose(self) -> ComposeResult:
        """Lay out what is known of a case."""
        yield Static(id="head")
        yield Problem()
        yield VerdictBar()
        yield Static(id="about")
        with Container(id="body"):
            yield StepList(id="steps")
            yield Detail()
        yield SearchLine()
        yield FootLine()

    @property
    def steps(self) -> StepList:
        """The list of the case's steps."""
        return self.query_one("#steps", StepList)

    @property
    def view(self) -> View:
        """What is to be seen."""
        return replace(view_of(self.row, self._threshold), source_shown=self._source_shown)

    def on_mount(self) -> None:
        """Show the case that was chosen."""
        self._refresh()
        self.steps.cursor = self.view.first_error or 0

    def _refresh(self) -> None:
        view = self.view
        count = f"  {self._place + 1} of {len(self._listed)}"
        self.query_one("#head", Static).update(Content(title(self.row) + count))
        self.query_one(Problem).present(view.document.problem, source_shown=view.source_shown)
        words = about(self.row, self._threshold)
        line = self.query_one("#about", Static)
        line.display = bool(words)
        line.update(Content(" · ".join(words)))
        self.steps.present(view)
        self._refresh_cursor()

    def _refresh_cursor(self) -> None:
        view, index = self.view, self.steps.cursor
        self.query_one(VerdictBar).present(view, index)
        self.query_one(Detail).present(view, index)

    @on(RowList.Moved)
    def _moved(self) -> None:
        self._refresh_cursor()

    @on(VerdictBar.Picked)
    def _picked(self, event: VerdictBar.Picked) -> None:
        self.steps.cursor = event.index

    def found(self, words: str, index: int) -> bool:
        """Whether a step holds the words, as it is shown or as it was written."""
        return words in self.row.steps[index].lower() or words in self.steps.text(index).lower()

    def searched(self, words: str) -> None:
        """Mark what is searched for."""
        self.steps.highlight(words)

    def action_step(self, by: int) -> None:
        """Show the case before or after this one."""
        place = self._place + by
        if not 0 <= place < len(self._listed):
            self.say("this is the last case of the list" if by > 0 else "this is the first case of the list")
            return
        self._place, self.row = place, self._run.row(self._listed[place].key)
        self.steps.cursor = 0
        self._refresh()
        self.steps.cursor = self.view.first_error or 0

    def action_source(self) -> None:
        """LaTeX as Unicode, or as it was written."""
        self._source_shown = not self._source_shown
        self._refresh()

    def action_back(self) -> None:
        """Leave the search, else go back to the list."""
        if not self.close_search():
            self.dismiss(self._place)

    def action_help(self) -> None:
        """Show every key of this screen."""
        self.app.push_screen(HelpScreen(RUN))

    def action_leave(self) -> None:
        """Leave the browser from here too."""
        self.app.exit()
