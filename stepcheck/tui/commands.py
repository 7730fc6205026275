"""The command palette: steps, documents, files beside the open one, models and themes."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import clip
from stepcheck.tui.files.reading import ROWS, TEXTS

Command = tuple[str, str, Callable[[], object]]
_MOST = 500
"""Entries of one kind; more would keep the palette from answering a key at once."""


class StepcheckCommands(Provider):
    """Everything that can be gone to."""

    async def discover(self) -> Hits:
        """What the empty palette shows."""
        for title, help_text, run in self._all():
            yield DiscoveryHit(Content(title), run, text=title, help=help_text)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for title, help_text, run in self._all():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, Content(title), run, text=title, help=help_text)

    def _all(self) -> Iterator[Command]:
        yield from self._steps()
        yield from self._documents()
        yield from self._files()
        yield from self._models()
        yield from self._themes()

    def _steps(self) -> Iterator[Command]:
        from stepcheck.tui.solution.screen import SolutionScreen

        screen = self.screen
        if not isinstance(screen, SolutionScreen):
            return
        for index in range(min(screen.rows.count, _MOST)):
            text = clip(clean_line(screen.steps.text(index)), 60)
            yield f"Step {index + 1}: {text}", "go to the step", partial(setattr, screen.rows, "cursor", index)

    def _documents(self) -> Iterator[Command]:
        from stepcheck.tui.app import StepcheckApp
        from stepcheck.tui.judging.groups import grouped

        app = self.app
        if not isinstance(app, StepcheckApp) or len(app.session.entries) < 2:  # noqa: PLR2004 (a list)
            return
        for group in grouped(app.session.entries)[:_MOST]:
            item = app.session.entries[group.keys[0]].item
            name = clean_line(item.id or f"{item.source}:{item.line}")
            yield f"Solution {name}", "open it", partial(app.open_group, group)

    def _files(self) -> Iterator[Command]:
        from stepcheck.tui.app import StepcheckApp

        app = self.app
        if not isinstance(app, StepcheckApp):
            return
        path = Path(app.target.path if app.target.path != "-" else ".")
        folder = path if path.is_dir() else path.parent
        for file in sorted(folder.iterdir())[:_MOST] if folder.is_dir() else ():
            if file.suffix.lower() in TEXTS | ROWS:
                yield f"File {clean_line(str(file))}", "open it instead", partial(app.open_path, str(file))

    def _models(self) -> Iterator[Command]:
        from stepcheck.hub.disk.store import list_models
        from stepcheck.tui.app import StepcheckApp

        app = self.app
        if not isinstance(app, StepcheckApp):
            return
        for entry in list_models(app.session.config.models_dir):
            if entry.ready:
                yield f"Model {clean_line(entry.name)}", "let it judge", partial(app.use_model, entry.name)

    def _themes(self) -> Iterator[Command]:
        for name in sorted(self.app.available_themes):
            yield f"Theme {name}", "colours", partial(setattr, self.app, "theme", name)
