"""What the screens over a session have in common: they hear its changes, and the keys for model and threshold."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from textual.signal import Signal

from stepcheck.report.place import place
from stepcheck.tui.desk import Desk
from stepcheck.tui.judging.session import Session
from stepcheck.tui.parts.lists import ListScreen
from stepcheck.tui.parts.notice import Notice

THRESHOLD_STEP = 0.01
Command = tuple[str, str, Callable[[], object]]
"""For the command palette: a title, what it does, and the doing."""
Data = TypeVar("Data")


class SessionScreen(ListScreen[None]):
    """A screen that shows what a session holds."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._note = ""

    @property
    def session(self) -> Session:
        """The documents that are open and what was judged of them."""
        return self.desk.session

    @property
    def attended(self) -> Sequence[int]:
        """The documents that are looked at here."""
        return ()

    def on_mount(self) -> None:
        """Hear from now on what changes."""
        self.hear(self.session.changed, self.document_changed)
        self.hear(self.session.model_changed, lambda _: self.model_changed())
        self.hear(self.session.added, lambda _: self.documents_added())

    def hear(self, signal: Signal[Data], heard: Callable[[Data], None]) -> None:
        """Listen to a signal as long as the widgets are there: when the app ends they go one by one."""

        def hear(data: Data) -> None:
            if self.is_attached and self in self.app.screen_stack:
                heard(data)

        signal.subscribe(self, hear)

    def on_screen_resume(self) -> None:
        """Say what is looked at."""
        self.session.attend(self.attended)

    def document_changed(self, key: int) -> None:
        """A document, or what is known of it, is another."""

    def model_changed(self) -> None:
        """The model, its state or the threshold is another."""

    def documents_added(self) -> None:
        """More documents were read."""

    def commands(self, most: int) -> "Sequence[Command]":  # noqa: ARG002 (for subclasses)
        """What the command palette finds here and nowhere else; of each kind so many at most."""
        return ()

    def say(self, words: str) -> None:
        """Say something in passing."""
        self.desk.say(words)

    def notice(self, words: str, *, error: bool = False) -> None:
        """What must be said of the model or of the document, under everything else, unless it was put away."""
        hidden = not error and words in self.session.hidden_notes
        self.query_one(Notice).present("" if hidden else words, error=error)
        self._note = "" if error else words

    def note_of_model(self) -> str:
        """What must be said of the model; of the demonstration first of all how to have a better judge."""
        from stepcheck.hub.disk.better import better_judge

        name = self.session.state.name
        if name is None:
            return ""
        better = better_judge(name.name, self.desk.models_dir)
        return f"A demonstration; better: {better} · {name.notice}" if better else name.notice

    def place_of(self, key: int) -> str:
        """How a document is called."""
        item = self.session.entries[key].item
        name = f"  {item.id}" if item.id else ""
        return place(item) + name  # type: ignore[arg-type]  # an Unread has the same fields

    def action_threshold(self, way: int) -> None:
        """Move the threshold, or take the model's again; nothing is judged anew."""
        self.session.move_threshold(way * THRESHOLD_STEP if way else None)

    def action_hide_note(self) -> None:
        """Put the note away."""
        self.session.hide_note(self._note)

    def action_help(self) -> None:
        """Show every key of this screen."""
        self.desk.show_help()

    def action_models(self) -> None:
        """Show which models are here and which are not."""
        self.desk.show_models()

    def action_palette(self) -> None:
        """Open the command palette."""
        self.app.action_command_palette()

    def action_back(self) -> None:
        """Leave the search, else stop what is under way, else go back."""
        if self.close_search():
            return
        if self.session.busy:
            self.session.stop()
        elif len(self.app.screen_stack) > 2:  # noqa: PLR2004 (the default screen lies under the first)
            self.app.pop_screen()

    def action_leave(self) -> None:
        """Go back, or leave the app from its first screen."""
        self.desk.leave()
