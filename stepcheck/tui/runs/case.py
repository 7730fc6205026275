"""The screen with one case; the neighbours of the list are a key away."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer

from stepcheck.bench.runs.store import Run
from stepcheck.tui.colours import palette
from stepcheck.tui.runs.browsing import ListedRow
from stepcheck.tui.runs.steps import CaseText


class CaseScreen(Screen[int]):
    """Shows entries of a list, beginning at one; returns the place it was left at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "leave", "Back"),
        Binding("n,right", "step(1)", "Next"),
        Binding("p,left", "step(-1)", "Previous"),
    ]
    DEFAULT_CSS = "CaseScreen CaseText { padding: 0 1; height: auto; }"

    def __init__(self, run: Run, listed: Sequence[ListedRow], place: int, threshold: float | None) -> None:
        super().__init__()
        self._run, self._listed, self._place, self._threshold = run, listed, place, threshold

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield VerticalScroll(self._text())
        yield Footer()

    async def action_step(self, by: int) -> None:
        """Show a neighbour; at the ends nothing happens."""
        place = self._place + by
        if not 0 <= place < len(self._listed):
            return
        self._place = place
        scroll = self.query_one(VerticalScroll)
        await scroll.query(CaseText).remove()
        await scroll.mount(self._text())
        scroll.scroll_home(animate=False)

    def _text(self) -> CaseText:
        return CaseText(self._run.row(self._listed[self._place].key), self._threshold, palette(self.app.current_theme))

    def action_leave(self) -> None:
        """Go back to the list."""
        self.dismiss(self._place)
