"""The screen with all cases: a filter by outcome, a search, the list."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from stepcheck.bench.runs.store import Run
from stepcheck.report.band import Band
from stepcheck.report.clean import clean_line
from stepcheck.tui.keys import RUN, bindings
from stepcheck.tui.parts.foot import FootLine
from stepcheck.tui.parts.help import HelpScreen
from stepcheck.tui.parts.lists import ListScreen
from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.search import SearchLine
from stepcheck.tui.runs import browsing
from stepcheck.tui.runs.browsing import ListedRow
from stepcheck.tui.runs.case import CaseScreen
from stepcheck.tui.runs.rows import CaseList


class ListingScreen(ListScreen[None]):
    """Lists a run's rows; Enter opens one. The search narrows the list as the filter does."""

    LIST = "#cases"
    NOTHING_WRONG = "nothing in this list went wrong"
    ONE_WRONG = "nothing else in this list went wrong"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("r")]
    DEFAULT_CSS = """
    ListingScreen #head { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    ListingScreen #filters { height: auto; padding: 0 1; background: $surface; }
    ListingScreen #heading { height: 1; color: $foreground 60%; }
    ListingScreen CaseList { height: 1fr; }
    """

    def __init__(self, run: Run, listed: Sequence[ListedRow], threshold: float | None) -> None:
        super().__init__()
        self._run, self._listed, self._threshold = run, listed, threshold
        labelled = run.manifest.bench == "processbench"
        self._names = browsing.LABELLED_FILTERS if labelled else browsing.GRADED_FILTERS
        self._columns = browsing.LABELLED_COLUMNS if labelled else browsing.GRADED_COLUMNS
        self._filter = 0
        self._words = ""

    def compose(self) -> ComposeResult:
        """Lay out the figures and the list."""
        yield Static(self._head(), id="head", markup=False)
        yield Static("", id="filters", markup=False)
        yield Static("", id="heading", markup=False)
        yield CaseList(self._columns, id="cases")
        yield SearchLine()
        yield FootLine()

    @property
    def cases(self) -> CaseList:
        """The list, by its own type."""
        return self.query_one(CaseList)

    def on_mount(self) -> None:
        """Fill the list with the cases of the run."""
        self.cases.measure(self._listed)
        self._refresh()

    def on_resize(self) -> None:
        """The heading is as wide as the screen."""
        self.query_one("#heading", Static).update(self.cases.heading(self.size.width))

    def wrong(self, index: int) -> bool:
        """Whether a case ended badly."""
        return self.cases.listed[index].band is Band.bad

    def found(self, words: str, index: int) -> bool:  # noqa: ARG002 (what is listed holds the words)
        """Every row that is left."""
        return True

    def searched(self, words: str) -> None:
        """Show the cases that hold what was typed."""
        self._words = words
        self._refresh()

    def search_on(self, words: str) -> None:  # noqa: ARG002 (they are in force already)
        """Leave the search line, and let the list be as it is."""
        self.cases.focus()

    def action_filter(self, by: int) -> None:
        """Go to the next filter."""
        self._filter = (self._filter + by) % len(self._names)
        self._refresh()

    def action_back(self) -> None:
        """Forget the search, else the filter."""
        if not self.close_search() and self._filter:
            self._filter = 0
            self._refresh()

    def action_open(self) -> None:
        """Open the case under the cursor."""
        if self.cases.listed:
            screen = CaseScreen(self._run, self.cases.listed, self.cases.cursor, self._threshold)
            self.app.push_screen(screen, self._returned)

    def action_help(self) -> None:
        """Show every key of this screen."""
        self.app.push_screen(HelpScreen(RUN))

    def action_leave(self) -> None:
        """Leave the browser; the list is its first screen."""
        self.app.exit()

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def _returned(self, place: int | None) -> None:
        self.cases.cursor = place or 0

    def _refresh(self) -> None:
        self.cases.present(browsing.chosen(self._listed, self._names[self._filter], self._words))
        self.query_one("#filters", Static).update(self._filters())

    def _head(self) -> Text:
        manifest = self._run.manifest
        words = f"{manifest.name}: {manifest.model}"
        words += "" if self._threshold is None else f", threshold {self._threshold:g}"
        partial = self._run.partial
        return Text(clean_line(words + (f" · PARTIAL: {partial}" if partial else "")), "bold")

    def _filters(self) -> Text:
        """All filters with their counts, the chosen one in brackets."""
        text = Text()
        counted = browsing.counts(self._listed, self._names)
        for place, (name, count) in enumerate(zip(self._names, counted, strict=True)):
            chosen = place == self._filter
            text.append(f"[{name} {count:,}]" if chosen else f" {name} {count:,} ", "bold reverse" if chosen else "dim")
        return text.append(f"   {len(self.cases.listed):,} shown")
