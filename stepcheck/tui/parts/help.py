"""Every key, from the table that makes the bindings."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from stepcheck.tui.keys import APP, KEYS, SCREENS, Key, shown
from stepcheck.tui.parts.facts import Facts

_WHILE_EDITING = (
    ("while editing", "", ""),
    ("Esc Ctrl-S", "done: the change is kept; then undo takes it back, and Ctrl-S writes the file", ""),
)


class HelpScreen(ModalScreen[None]):
    """The keys of an app's screens, as they are set now."""

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

    def __init__(self, screens: str = APP) -> None:
        super().__init__()
        self._screens = screens

    def compose(self) -> ComposeResult:
        """A box that scrolls."""
        with VerticalScroll() as scroll:
            scroll.border_title = "keys"
            yield Facts(14)

    def on_mount(self) -> None:
        """Fill in the keys as they are now."""
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for key in sorted(KEYS, key=lambda key: -len(self._here(key))):
            if where := self._here(key):
                groups.setdefault(self._title(where), []).append(self._row(key))
        rows = [row for title, keys in groups.items() for row in ((title, "", ""), *keys)]
        rows += _WHILE_EDITING if "s" in self._screens else ()
        rows += [("other keys", "", ""), ("", 'in stepcheck.toml: [keys], then an id: next-error = "f8"', "")]
        self.query_one(Facts).present(rows)

    def _here(self, key: Key) -> str:
        return "".join(screen for screen in self._screens if screen in key.where)

    def _title(self, where: str) -> str:
        return "everywhere" if where == self._screens else ", ".join(SCREENS[screen] for screen in where)

    def _row(self, key: Key) -> tuple[str, str, str]:
        keys = shown(self.app._keymap.get(key.id, key.keys))  # noqa: SLF001 (Textual has no reader for it)
        return keys, key.does, key.id
