"""The app of `stepcheck runs view`. It only reads: nothing in a run is ever changed from here."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from stepcheck.bench.runs.store import Run
from stepcheck.tui import colours
from stepcheck.tui.keys import keymap
from stepcheck.tui.runs.browsing import listed
from stepcheck.tui.runs.listing import ListingScreen
from stepcheck.tui.sizes import WIDE

if TYPE_CHECKING:
    from stepcheck.config import Config


class RunBrowser(App[None]):
    """The app that browses one run."""

    TITLE = "stepcheck runs view"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False, priority=True)]

    def __init__(
        self,
        run: Run,
        threshold: float | None = None,
        *,
        settings: "Config | None" = None,
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        if settings is None:
            colours.dress(self, colours.DEFAULT)
        else:
            colours.dress(self, settings.theme, settings.origin("theme"))
            self.set_keymap(keymap(settings.keys, settings.origin("keys")))
        self._run_read = run
        self._threshold = run.manifest.threshold if threshold is None else threshold

    def on_mount(self) -> None:
        """Begin with the list of cases."""
        rows = listed(self._run_read.rows(texts=False), self._threshold)
        self.push_screen(ListingScreen(self._run_read, rows, self._threshold))
