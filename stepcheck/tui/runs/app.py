"""The app of `stepcheck runs view`. It only reads: nothing in a run is ever changed from here."""

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from stepcheck.bench.runs.store import Run
from stepcheck.tui import colours
from stepcheck.tui.runs.browsing import entries
from stepcheck.tui.runs.listing import ListingScreen


class RunBrowser(App[None]):
    """Browses one run."""

    TITLE = "stepcheck runs view"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False, priority=True)]

    def __init__(self, run: Run, threshold: float | None = None, *, theme: str = colours.DEFAULT) -> None:
        super().__init__()
        colours.dress(self, theme)
        self._run_read = run
        self._threshold = run.manifest.threshold if threshold is None else threshold

    def on_mount(self) -> None:
        """Show the list."""
        listed = entries(self._run_read.rows(texts=False), self._threshold)
        self.push_screen(ListingScreen(self._run_read, listed, self._threshold))
