"""The foot line: what the most important keys do, in whole words, as many as there is room for."""

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.keys import Keys
from textual.widget import Widget
from textual.widgets import Input, TextArea

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import Binding

_NAMED = frozenset(key.value for key in Keys)
"""Keys that type nothing by themselves."""


class FootLine(Widget):
    """Shows the keys of what has the focus, then the screen's in their order; while one types, none that only types.

    A click on one is as good as the key.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"foot--key"}
    DEFAULT_CSS = """
    FootLine { dock: bottom; height: 1; background: $panel; color: $footer-description-foreground; }
    FootLine .foot--key { color: $footer-key-foreground; text-style: bold; }
    """

    def on_mount(self) -> None:
        """Follow the focus, whose keys are shown."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def _shown(self) -> "Iterator[tuple[Binding, str, str]]":
        """Bindings with their keys and labels, as they stand on the line."""
        room = self.size.width
        for binding in self._useful():
            key, label = f" {self.app.get_key_display(binding)} ", f"{binding.description} "
            room -= cell_len(key) + cell_len(label)
            if room < 0:
                return
            yield binding, key, label

    def _useful(self) -> "Iterator[Binding]":
        """One binding for each action that is to be shown."""
        focused = self.screen.focused
        typing = isinstance(focused, Input | TextArea)
        actions = set()
        active = [found for found in self.screen.active_bindings.values() if found.binding.show and found.enabled]
        for found in sorted(active, key=lambda found: found.node is not focused):
            binding = found.binding
            if binding.action not in actions and not (typing and _types(binding.key)):
                actions.add(binding.action)
                yield binding

    def render(self) -> Text:
        """Draw the labels that have room."""
        style = self.get_component_rich_style("foot--key", partial=True)
        return Text.assemble(*(part for _, key, label in self._shown() for part in ((key, style), label)), no_wrap=True)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        end = 0
        for binding, key, label in self._shown():
            end += cell_len(key) + cell_len(label)
            if event.x < end:
                self.app.simulate_key(binding.key)
                return


def _types(key: str) -> bool:
    """Whether a key only types a character where one types."""
    return key not in _NAMED and "+" not in key
