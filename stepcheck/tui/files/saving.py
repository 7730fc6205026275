"""Questions that the app asks: where to save and to export to, and what to do with unsaved changes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from stepcheck.document import Document
from stepcheck.errors import InputError
from stepcheck.report.clean import clean_line
from stepcheck.tui.judging.session import Session

if TYPE_CHECKING:
    from stepcheck.judge import Judged


class Dialogs(App[None]):
    """What the app says and asks; `StepcheckApp` is the rest of it."""

    session: Session

    def end(self, code: int = 0) -> None:
        """End now."""
        raise NotImplementedError

    def saved(self) -> None:
        """A file was written by us."""
        raise NotImplementedError

    def say(self, words: str, *, error: bool = False) -> None:
        """Say something in passing; never markup."""
        self.notify(clean_line(words), severity="error" if error else "information", timeout=4, markup=False)

    def save(self, key: int, then: Callable[[], None]) -> None:
        """Save a changed document into its file; what came from standard input gets a name first."""
        from stepcheck.document.saving import save

        entry = self.session.entries[key]
        document, history = entry.item, entry.history
        if not isinstance(document, Document) or history is None:
            return
        if document.source == "-":
            self._save_as(key, document, then)
            return
        try:
            save(history.saved, document)
        except InputError as error:
            self.say(str(error), error=True)
            return
        history.saved = document
        self.saved()
        self.say(f"saved {document.source}")
        then()

    def _save_as(self, key: int, document: Document, then: Callable[[], None]) -> None:
        from stepcheck.document.saving import write
        from stepcheck.tui.parts.ask import AskScreen

        def named(name: str | None) -> None:
            if not name or document.text is None:
                return
            if Path(name).exists():
                self.say(f"{name}: is there already; nothing was written", error=True)
                return
            try:
                write(Path(name), document.text.encode("utf-8"))
            except OSError as error:
                self.say(f"{name}: cannot be written: {error.strerror or error}", error=True)
                return
            self.session.moved(key, name)
            self.saved()
            self.say(f"saved {name}")
            then()

        self.push_screen(AskScreen("Save what came from standard input as:", {}, "solution.md"), named)

    def ask_export(self, results: "Sequence[Judged]", *, source_shown: bool) -> None:
        """Ask for a name and write what is seen; its suffix says the format."""
        from stepcheck.tui.files.export import FORMATS, export
        from stepcheck.tui.parts.ask import AskScreen

        source = results[0].document.source
        stem = "solution" if source == "-" else Path(source).stem

        def write(name: str) -> None:
            try:
                export(Path(name), results, source_shown=source_shown)
            except InputError as error:
                self.say(str(error), error=True)
            else:
                self.say(f"wrote {name}")

        def named(name: str | None) -> None:
            if not name:
                return
            if Path(name).exists():
                sure = AskScreen(f"{clean_line(name)} is there already.", {"o": "overwrite it"})
                self.push_screen(sure, lambda answer: write(name) if answer == "o" else None)
            else:
                write(name)

        def chosen(key: str | None) -> None:
            if key is not None:
                self.push_screen(AskScreen("Write to:", {}, f"{stem}-judged{FORMATS[key]}"), named)

        labels = {"m": "Markdown", "h": "HTML", "s": "SVG", "j": "JSON"}
        self.push_screen(AskScreen("Export what is seen as:", labels), chosen)

    def leave(self) -> None:
        """Quit; unsaved changes are asked about."""
        changed = self._changed()
        if not changed:
            self.end()
            return
        from stepcheck.tui.parts.ask import AskScreen

        def answered(answer: str | None) -> None:
            if answer == "d":
                self.end()
            elif answer == "s":
                self.save(changed[0], then=self.leave)

        names = ", ".join(sorted({clean_line(self.session.entries[key].item.source) for key in changed}))
        choices = {"s": "save and quit", "d": "drop the changes and quit"}
        self.push_screen(AskScreen(f"{names} has unsaved changes.", choices), answered)

    def _changed(self) -> list[int]:
        """The documents that differ from their files."""
        return [
            key
            for key, entry in enumerate(self.session.entries)
            if entry.history is not None and isinstance(entry.item, Document) and entry.history.changed(entry.item)
        ]
