"""Watching a solution's file: saved in any editor, the changed steps are judged again here."""

from collections.abc import Callable

from textual.dom import DOMNode
from textual.signal import Signal
from textual.timer import Timer

from stepcheck.document import Document, Unread
from stepcheck.tui.desk import Desk
from stepcheck.tui.files.reading import signature

EVERY_SECONDS = 0.3
Clock = Callable[[float, Callable[[], None]], Timer]


class Watching:
    """Looks at a file's size and times; a broken save is an error that is shown until the next good one.

    `clock(seconds, look)` begins to look every so often; `node` is what the signal lives with.
    """

    def __init__(self, node: DOMNode, desk: Desk, key: int, clock: Clock) -> None:
        self._desk, self._key, self._clock = desk, key, clock
        self.changed: Signal[None] = Signal(node, "what is known of the file is another")
        self.error = ""
        self._timer: Timer | None = None
        self._seen: tuple[int, int, int] | None = None

    @property
    def on(self) -> bool:
        """Whether the file is watched."""
        return self._timer is not None

    @property
    def _source(self) -> str:
        entries = self._desk.session.entries
        return entries[self._key].item.source if self._key < len(entries) else self._desk.path

    def switch(self) -> None:
        """Begin or end to watch."""
        if self._source == "-":
            self._desk.say("standard input cannot be watched")
        elif self._timer is not None:
            self._timer.stop()
            self._timer, self.error = None, ""
        else:
            self._seen = signature(self._source)
            self._timer = self._clock(EVERY_SECONDS, self._look)
        self.changed.publish(None)

    def _look(self) -> None:
        now = signature(self._source)
        if now is None and self._seen is not None:
            self._seen, self.error = None, f"{self._source}: is gone"
            self.changed.publish(None)
        elif now is not None and now != self._seen:
            self._seen = now
            self._desk.read_again(self._key)

    def saved_here(self) -> None:
        """What we have written ourselves is no news."""
        self._seen = signature(self._source)

    def read(self, item: Document | Unread) -> None:
        """Take in what is in the file now, unless there are unsaved changes here."""
        session = self._desk.session
        entry = session.entries[self._key]
        if isinstance(item, Unread):
            self.error = str(item.error)
            session.reread(self._key, item)
        elif entry.unsaved:
            same = isinstance(entry.item, Document) and entry.item.text == item.text
            self.error = (
                "" if same else f"{item.source}: was saved elsewhere; yours here are not saved: Ctrl-S asks what to do"
            )
        else:
            self.error = ""
            session.reread(self._key, item)
        self.changed.publish(None)
