"""The screen with all cases: a filter by outcome, a search, a table."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from stepcheck.bench.runs.store import Run
from stepcheck.report.clean import clean_line
from stepcheck.tui.colours import palette
from stepcheck.tui.runs import browsing
from stepcheck.tui.runs.browsing import ListedRow
from stepcheck.tui.runs.case import CaseScreen


class ListingScreen(Screen[None]):
    """Lists a run's rows; Enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,tab", "filter(1)", "Filter", priority=True),
        Binding("F,shift+tab", "filter(-1)", "Filter back", show=False, priority=True),
        Binding("slash", "search", "Search"),
        Binding("escape", "clear", "Clear", show=False),
        Binding("q", "app.quit", "Quit"),
    ]
    DEFAULT_CSS = """
    ListingScreen #head, ListingScreen #filters { height: auto; padding: 0 1; }
    ListingScreen Input { display: none; }
    ListingScreen Input.open { display: block; }
    ListingScreen DataTable { height: 1fr; }
    """

    def __init__(self, run: Run, listed: Sequence[ListedRow], threshold: float | None) -> None:
        super().__init__()
        self._run, self._listed, self._threshold = run, listed, threshold
        labelled = run.manifest.bench == "processbench"
        self._names = browsing.LABELLED_FILTERS if labelled else browsing.GRADED_FILTERS
        self._columns = browsing.LABELLED_COLUMNS if labelled else browsing.GRADED_COLUMNS
        self._filter = 0
        self._shown: list[ListedRow] = []

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Static(self._head(), id="head", markup=False)
        yield Static("", id="filters", markup=False)
        yield Input(placeholder="search in every column")
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table."""
        table: DataTable[Text] = self.query_one(DataTable)
        table.add_columns(*self._columns)
        self._refresh()
        table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters belong to the search field while it is open."""
        del parameters
        typing = isinstance(self.focused, Input)
        return not (typing and action in {"filter", "search"})

    def action_filter(self, by: int) -> None:
        """Go to the next filter."""
        self._filter = (self._filter + by) % len(self._names)
        self._refresh()

    def action_search(self) -> None:
        """Open the search field."""
        field = self.query_one(Input)
        field.add_class("open")
        field.focus()

    def action_clear(self) -> None:
        """Close the search field and forget what was in it."""
        field = self.query_one(Input)
        field.remove_class("open")
        field.value = ""
        self.query_one(DataTable).focus()
        self._refresh()

    @on(Input.Changed)
    def _searched(self) -> None:
        self._refresh()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one(DataTable).focus()

    @on(DataTable.RowSelected)
    def _opened(self, event: DataTable.RowSelected) -> None:
        if not self._shown:
            return
        screen = CaseScreen(self._run, self._shown, event.cursor_row, self._threshold)
        self.app.push_screen(screen, self._returned)

    def _returned(self, place: int | None) -> None:
        self.query_one(DataTable).move_cursor(row=place or 0)

    def _refresh(self) -> None:
        name = self._names[self._filter]
        self._shown = browsing.chosen(self._listed, name, self.query_one(Input).value)
        table: DataTable[Text] = self.query_one(DataTable)
        table.clear()
        table.add_rows(self._cells(entry) for entry in self._shown)
        self.query_one("#filters", Static).update(self._filters())

    def _cells(self, entry: ListedRow) -> list[Text]:
        """The words of a row, the outcome with its glyph and colour."""
        cells = [Text(word) for word in entry.words]
        style = palette(self.app.current_theme).style(entry.band)
        cells[1] = Text(f"{entry.band.glyph if entry.band else '!'} {entry.outcome}", style)
        return cells

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
        return text.append(f"   {len(self._shown):,} shown")
