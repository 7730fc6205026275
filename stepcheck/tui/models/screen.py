"""The models on this machine: their cards, what fits, and which one judges."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from stepcheck.report.clean import clean_line
from stepcheck.tui.desk import Desk
from stepcheck.tui.models.downloads import Downloads
from stepcheck.tui.models.inventory import available_memory, inventory
from stepcheck.tui.models.rows import ModelList
from stepcheck.tui.parts.facts import Facts
from stepcheck.tui.parts.rows import RowList

_BAR_CELLS = 24


class ModelsScreen(ModalScreen[None]):
    """Enter lets the model under the cursor judge."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,m", "dismiss(None)", "back", show=False),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("enter", "use", "use or pull", show=False),
        Binding("ctrl+d", "scroll_card(1)", "scroll the card down", show=False),
        Binding("ctrl+u", "scroll_card(-1)", "scroll the card up", show=False),
        Binding("c", "stop_pull", "stop the download", show=False),
    ]
    DEFAULT_CSS = """
    ModelsScreen { align: center middle; background: $background 60%; }
    ModelsScreen > Vertical {
        width: 110; max-width: 96%; height: 80%; padding: 0 1; background: $background; border: round $primary;
        border-title-style: bold;
    }
    ModelsScreen ModelList { height: 1fr; }
    ModelsScreen #pull { display: none; height: auto; max-height: 3; padding: 0 1; background: $surface; }
    ModelsScreen #pull.-error { color: $error; text-style: bold; }
    ModelsScreen VerticalScroll { height: 12; max-height: 55%; border-top: solid $panel; padding: 0 1; }
    """

    def __init__(self, desk: Desk, downloads: Downloads, models_dir: Path | None) -> None:
        super().__init__()
        self._desk, self._downloads, self._models_dir = desk, downloads, models_dir

    def compose(self) -> ComposeResult:
        """The list and the card."""
        with Vertical() as box:
            box.border_title = "models"
            box.border_subtitle = "Enter uses or pulls it · Ctrl-D Ctrl-U scroll its card · Esc back"
            yield ModelList(id="models")
            yield Static(id="pull")
            with VerticalScroll(can_focus=False):
                yield Facts(14, id="card")

    def on_mount(self) -> None:
        """List what is there, with the cursor on the model in use."""
        self._list()
        self.point_at(self.query_one(ModelList).used)
        self.query_one(ModelList).focus()
        self._downloads.watched = True
        self._downloads.changed.subscribe(self, lambda _: self._show_pull())
        self._downloads.came.subscribe(self, self.point_at)
        self._show_pull()

    def action_stop_pull(self) -> None:
        """Stop the download; what came so far is kept."""
        self._downloads.stop()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._downloads.watched = False

    def _show_pull(self) -> None:
        """Show how far a download is, or why it failed; when it is over, there may be another model."""
        progress = self._downloads.progress
        line = self.query_one("#pull", Static)
        line.display = progress is not None
        line.set_class(progress is not None and progress.failed, "-error")
        if progress is None:
            self._list()
        elif progress.failed:
            line.update(Content(f"✗ {clean_line(progress.words)}"))
        else:
            share = progress.share
            full = round((share or 0.0) * _BAR_CELLS)
            bar = "" if share is None else "█" * full + "·" * (_BAR_CELLS - full) + f" {share:.0%}  "
            line.update(Content(f"{bar}{clean_line(progress.words)}   c stops it"))

    def point_at(self, name: str) -> None:
        """Put the cursor on a model, so that Enter uses it."""
        listed = self.query_one(ModelList)
        names = [model.name for model in listed.models]
        if name in names:
            listed.cursor = names.index(name)

    def _list(self) -> None:
        models = inventory(self._models_dir, available_memory())
        listed = self.query_one(ModelList)
        state = self._desk.session.state
        listed.present(models, state.name.name if state.name is not None else "")
        self._show_card()

    def action_scroll_card(self, way: int) -> None:
        """Scroll the card, by a little less than its height."""
        card = self.query_one(VerticalScroll)
        card.scroll_relative(y=way * max(card.size.height - 1, 1), animate=False, immediate=True)

    def action_move(self, by: int) -> None:
        """Move the cursor over the models."""
        self.query_one(ModelList).move(by)

    @on(RowList.Moved)
    def _show_card(self) -> None:
        listed = self.query_one(ModelList)
        facts = listed.models[listed.cursor].facts if listed.models else ()
        self.query_one(Facts).present([(label, value, "") for label, value in facts])

    @on(RowList.Chosen)
    def action_use(self) -> None:
        """Let this model judge."""
        listed = self.query_one(ModelList)
        model = listed.models[listed.cursor] if listed.models else None
        if model is None:
            return
        if not model.ready:
            self._downloads.pull(model.name)
            return
        self.dismiss(None)
        self._desk.session.use(model.name)
