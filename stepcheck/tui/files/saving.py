"""Saving and exporting: where to, whether to overwrite, and what to say of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepcheck.document import Document, Unread
from stepcheck.errors import InputError, StepcheckError
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
        from stepcheck.document.saving import ChangedElsewhereError, save

        session = self._desk.session
        document, history = session.document(key), session.entries[key].history
        if document is None or history is None:
            return
        if document.source == "-":
            self._save_as(key, document, then, "Save what came from standard input as:")
            return
        try:
            save(history.saved, document)
        except ChangedElsewhereError:
            self._ask_what_holds(key, document, then)
        except InputError as error:
            self._ask_for_another(key, document, then, str(error))
        else:
            self._saved(key, document, then)

    def _saved(self, key: int, document: Document, then: Callable[[], None]) -> None:
        self._desk.session.wrote(key, document)
        self._desk.say(f"saved {document.source}")
        then()

    def _ask_what_holds(self, key: int, document: Document, then: Callable[[], None]) -> None:
        """The file was changed elsewhere: one of the two, both, or a look at them."""

        def answered(answer: str | None) -> None:
            match answer:
                case "o":
                    self._overwrite(key, document, then)
                case "a":
                    self._save_as(key, document, then, "Save what is here as:")
                case "d":
                    self._show_difference(key, document, lambda: self._ask_what_holds(key, document, then))
                case "r":
                    self._take_the_file(key, then)

        choices = {
            "o": "overwrite the file with what is here",
            "a": "save what is here as another file",
            "d": "see the difference",
            "r": "read the file again; undo brings back what is here",
        }
        question = f"{clean_line(document.source)} was changed elsewhere since it was read. Nothing is saved yet."
        self._desk.ask(AskScreen(question, choices), answered)

    def _ask_for_another(self, key: int, document: Document, then: Callable[[], None], why: str) -> None:
        """The file cannot be written: another one, or none."""
        if document.text is None:
            self._desk.say(why, error=True)
            return

        def answered(answer: str | None) -> None:
            if answer == "a":
                self._save_as(key, document, then, "Save what is here as:")

        self._desk.ask(AskScreen(f"{clean_line(why)}.", {"a": "save what is here as another file"}), answered)

    def _overwrite(self, key: int, document: Document, then: Callable[[], None]) -> None:
        """Of a file of rows only this solution is overwritten: the others are as they are there."""
        from stepcheck.document.saving import overwrite, save

        try:
            if document.line is None:
                overwrite(document)
            else:
                there = self._desk.read_now(key)
                if isinstance(there, Unread):
                    raise there.error
                save(there, document)
        except (InputError, OSError) as error:
            self._desk.say(f"{document.source}: nothing was saved: {error}", error=True)
        else:
            self._saved(key, document, then)

    def _show_difference(self, key: int, document: Document, then: Callable[[], None]) -> None:
        from stepcheck.tui.files.difference import DifferenceScreen, difference

        there = self._desk.read_now(key)
        lines = [f"  {there.error}"] if isinstance(there, Unread) else difference(there, document)
        self._desk.ask(DifferenceScreen(clean_line(document.source), lines), lambda _: then())

    def _take_the_file(self, key: int, then: Callable[[], None]) -> None:
        there = self._desk.read_now(key)
        if isinstance(there, Unread):
            self._desk.say(str(there.error), error=True)
            return
        self._desk.session.reread(key, there)
        self._desk.session.wrote(key, there)
        self._desk.say(f"read {there.source} again; undo brings back what was here")
        then()

    def _save_as(self, key: int, document: Document, then: Callable[[], None], question: str) -> None:
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

        self._desk.ask(AskScreen(question, {}, _name_for(document)), named)

    def export(self, results: "Sequence[Judged]", *, source_shown: bool) -> None:
        """Ask for a name and write what is seen; its suffix says the format."""
        from stepcheck.tui.files.export import FORMATS, export

        source = results[0].document.source
        stem = "solution" if source == "-" else Path(source).stem

        def write(name: str) -> None:
            try:
                export(Path(name), results, source_shown=source_shown)
            except StepcheckError as error:  # also a judge without rewards, where a format needs them
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


def _name_for(document: Document) -> str:
    """A name that is free, near the one that there is."""
    if document.source == "-":
        return "solution.md"
    path = Path(document.source)
    suffix = path.suffix if document.line is None else ".md"
    names = (f"{path.stem}-{number}{suffix}" for number in range(2, 100))
    return next((str(path.with_name(name)) for name in names if not path.with_name(name).exists()), "solution.md")
