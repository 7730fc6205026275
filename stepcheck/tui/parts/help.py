"""Every key, from the table that makes the bindings."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from stepcheck.tui.keys import KEYS, Key, shown
from stepcheck.tui.parts.facts import Facts

_GROUPS = (("everywhere", "sdc"), ("a solution", "s"), ("a list of solutions", "dc"), ("a solution, Best-of-N", "sc"))


class HelpScreen(ModalScreen[None]):
    """The keys, as they are set now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss(None)", "back", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 88; max-width: 98%; height: auto; max-height: 96%; padding: 0 1; background: $background;
        border: round $primary; border-title-style: bold; scrollbar-size-vertical: 1;
    }
    """

    def compose(self) -> ComposeResult:
        """A box that scrolls."""
        with VerticalScroll() as scroll:
            scroll.border_title = "keys"
            yield Facts(14)

    def on_mount(self) -> None:
        """Fill in the keys as they are now."""
        rows = [row for title, where in _GROUPS for row in self._group(title, where)]
        rows += [("while editing", "", ""), ("Ctrl-S", "keep the change", ""), ("Esc", "drop the change", "")]
        rows += [("other keys", "", ""), ("", 'in stepcheck.toml: [keys], then an id: next-error = "f8"', "")]
        self.query_one(Facts).present(rows)

    def _group(self, title: str, where: str) -> list[tuple[str, str, str]]:
        rows = [self._row(key) for key in KEYS if key.where == where]
        return [(title, "", ""), *rows] if rows else []

    def _row(self, key: Key) -> tuple[str, str, str]:
        keys = shown(self.app._keymap.get(key.id, key.keys))  # noqa: SLF001 (Textual has no reader for it)
        return keys, key.does, key.id
