"""Saving and exporting: where to, whether to overwrite, and what to say of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepcheck.document import Document
from stepcheck.errors import InputError
from stepcheck.report.clean import clean_line
from stepcheck.tui.desk import Desk
from stepcheck.tui.parts.ask import AskScreen

if TYPE_CHECKING:
    from stepcheck.judge import Judged


class Saving:
    """Writes documents and results, and asks what must be asked before."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def save(self, key: int, then: Callable[[], None]) -> None:
        """Save a changed document into its file; what came from standard input gets a name first."""
        from stepcheck.document.saving import save

        session = self._desk.session
        document, history = session.document(key), session.entries[key].history
        if document is None or history is None:
            return
        if document.source == "-":
            self._save_as(key, document, then)
            return
        try:
            save(history.saved, document)
        except InputError as error:
            self._desk.say(str(error), error=True)
            return
        session.wrote(key, document)
        self._desk.say(f"saved {document.source}")
        then()

    def _save_as(self, key: int, document: Document, then: Callable[[], None]) -> None:
        from stepcheck.document.saving import write

        def named(name: str | None) -> None:
            if not name or document.text is None:
                return
            if Path(name).exists():
                self._desk.say(f"{name}: is there already; nothing was written", error=True)
                return
            try:
                write(Path(name), document.text.encode("utf-8"))
            except OSError as error:
                self._desk.say(f"{name}: cannot be written: {error.strerror or error}", error=True)
                return
            self._desk.session.moved(key, name)
            self._desk.say(f"saved {name}")
            then()

        self._desk.ask(AskScreen("Save what came from standard input as:", {}, "solution.md"), named)

    def export(self, results: "Sequence[Judged]", *, source_shown: bool) -> None:
        """Ask for a name and write what is seen; its suffix says the format."""
        from stepcheck.tui.files.export import FORMATS, export

        source = results[0].document.source
        stem = "solution" if source == "-" else Path(source).stem

        def write(name: str) -> None:
            try:
                export(Path(name), results, source_shown=source_shown)
            except InputError as error:
                self._desk.say(str(error), error=True)
            else:
                self._desk.say(f"wrote {name}")

        def named(name: str | None) -> None:
            if not name:
                return
            if Path(name).exists():
                sure = AskScreen(f"{clean_line(name)} is there already.", {"o": "overwrite it"})
                self._desk.ask(sure, lambda answer: write(name) if answer == "o" else None)
            else:
                write(name)

        def chosen(key: str | None) -> None:
            if key is not None:
                self._desk.ask(AskScreen("Write to:", {}, f"{stem}-judged{FORMATS[key]}"), named)

        labels = {"m": "Markdown", "h": "HTML", "s": "SVG", "j": "JSON"}
        self._desk.ask(AskScreen("Export what is seen as:", labels), chosen)
