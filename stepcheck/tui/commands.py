"""The command palette: steps, documents, files beside the open one, models and themes."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from stepcheck.report.clean import clean_line
from stepcheck.tui.desk import Desk
from stepcheck.tui.files.reading import is_read
from stepcheck.tui.judging.groups import grouped
from stepcheck.tui.parts.screen import SessionScreen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepcheck.tui.parts.screen import Command

_MOST = 500
"""Commands of one kind; more would keep the palette from answering a key at once."""


class StepcheckCommands(Provider):
    """Everything that can be gone to."""

    async def discover(self) -> Hits:
        """What the empty palette shows."""
        for title, help_text, run in self._all():
            yield DiscoveryHit(Content(title), run, text=title, help=help_text)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match what was typed, the best first."""
        matcher = self.matcher(query)
        for title, help_text, run in self._all():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, Content(title), run, text=title, help=help_text)

    def _all(self) -> "Iterator[Command]":
        screen = self.screen
        if isinstance(screen, SessionScreen):
            yield from screen.commands(_MOST)
            yield from _documents(screen.desk)
            yield from _files(screen.desk)
            yield from _models(screen.desk)
        for name in sorted(self.app.available_themes):
            yield f"Theme {name}", "colours", partial(setattr, self.app, "theme", name)


def _documents(desk: Desk) -> "Iterator[Command]":
    entries = desk.session.entries
    if len(entries) < 2:  # noqa: PLR2004 (a list)
        return
    for group in grouped(entries)[:_MOST]:
        item = entries[group.keys[0]].item
        name = clean_line(item.id or f"{item.source}:{item.line}")
        yield f"Solution {name}", "open it", partial(desk.open_group, group)


def _files(desk: Desk) -> "Iterator[Command]":
    path = Path(desk.path if desk.path != "-" else ".")
    folder = path if path.is_dir() else path.parent
    for file in sorted(folder.iterdir())[:_MOST] if folder.is_dir() else ():
        if is_read(file):
            yield f"File {clean_line(str(file))}", "open it instead", partial(desk.open_path, str(file))


def _models(desk: Desk) -> "Iterator[Command]":
    from stepcheck.hub.disk.store import list_models

    for entry in list_models(desk.models_dir):
        if entry.ready:
            yield f"Model {clean_line(entry.name)}", "let it judge", partial(desk.session.use, entry.name)
