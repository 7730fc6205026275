"""Watching a solution's file: saved in any editor, the changed steps are judged again here."""

from textual.timer import Timer

from stepcheck.document import Document, Unread
from stepcheck.tui.files.reading import signature
from stepcheck.tui.judging.history import History
from stepcheck.tui.parts.screen import SessionScreen

EVERY_SECONDS = 0.3


class Watching(SessionScreen):
    """Looks at the file's size and times; a broken save is an error that is shown until the next good one."""

    key: int
    watch_error = ""
    _look_timer: Timer | None = None
    _seen: tuple[int, int, int] | None = None

    @property
    def watch_mark(self) -> str:
        """What the title says of it."""
        return "◉ watching" if self._look_timer is not None else ""

    @property
    def unsaved(self) -> bool:
        """Whether the document differs from its file."""
        raise NotImplementedError

    def refresh_all(self) -> None:
        """Show everything anew."""
        raise NotImplementedError

    @property
    def _source(self) -> str:
        entries = self.session.entries
        return entries[self.key].item.source if self.key < len(entries) else self.owner.target.path

    def action_watch(self) -> None:
        """Begin or end to watch."""
        if self._source == "-":
            self.owner.say("standard input cannot be watched")
        elif self._look_timer is not None:
            self._look_timer.stop()
            self._look_timer, self.watch_error = None, ""
        else:
            self._seen = signature(self._source)
            self._look_timer = self.set_interval(EVERY_SECONDS, self._look)
        self.refresh_all()

    def _look(self) -> None:
        now = signature(self._source)
        if now is None and self._seen is not None:
            self._seen, self.watch_error = None, f"{self._source}: is gone"
            self.refresh_all()
        elif now is not None and now != self._seen:
            self._seen = now
            self.owner.read_again(self.key)

    def saved_here(self) -> None:
        """What we have written ourselves is no news."""
        self._seen = signature(self._source)

    def file_changed(self, item: Document | Unread) -> None:
        """Take in what is in the file now, unless there are unsaved changes here."""
        entry = self.session.entries[self.key]
        if isinstance(item, Unread):
            self.watch_error = str(item.error)
            if isinstance(entry.item, Unread):
                entry.item = item
        elif self.unsaved:
            same = isinstance(entry.item, Document) and entry.item.text == item.text
            self.watch_error = "" if same else f"{item.source}: was saved elsewhere; your changes here are not saved"
        else:
            self.watch_error = ""
            self._take(item)
        self.refresh_all()

    def _take(self, item: Document) -> None:
        entry = self.session.entries[self.key]
        old = entry.item
        if entry.history is None:
            entry.history = History(item)
        entry.history.saved = item
        if isinstance(old, Document) and (old.problem, old.steps) == (item.problem, item.steps):
            entry.item = item if entry.review is None else old
            return
        if isinstance(old, Document):
            entry.history.remember(old)
        self.session.change(self.key, item)
