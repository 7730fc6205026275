"""Many solutions: a list whose verdicts fill in as they are judged, those on the screen first."""

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from stepcheck.document import Document
from stepcheck.tui.desk import Desk
from stepcheck.tui.documents.rows import DocumentList
from stepcheck.tui.judging.groups import Group, first_error, grouped, score
from stepcheck.tui.judging.state import OpenDocument
from stepcheck.tui.judging.view import Phase
from stepcheck.tui.keys import bindings
from stepcheck.tui.parts.foot import FootLine
from stepcheck.tui.parts.notice import Notice
from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.screen import SessionScreen
from stepcheck.tui.parts.search import SearchLine
from stepcheck.tui.parts.title import TitleBar

if TYPE_CHECKING:
    from collections.abc import Callable

_BEAT_SECONDS = 0.15
"""The list is shown anew at most so often, however fast verdicts come."""


class DocumentsScreen(SessionScreen):
    """Shows all documents of the session."""

    LIST = "#documents"
    NOTHING_WRONG = "no solution has a step under the threshold"
    ONE_WRONG = "this is the only solution with a wrong step"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("d")]
    DEFAULT_CSS = """
    DocumentsScreen DocumentList { height: 1fr; }
    DocumentsScreen #counts { height: 1; padding: 0 1; background: $surface; text-style: bold; }
    """
    ORDERS: ClassVar[tuple[str, ...]] = ("order of the file", "verdict", "lowest reward", "name")

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._order = 0
        self._reversed = False
        self._groups: list[Group] = []
        self._stale = self._regroup = False

    def compose(self) -> ComposeResult:
        """The counts and the list."""
        yield TitleBar()
        yield Static(id="counts")
        yield DocumentList(id="documents")
        yield Notice()
        yield SearchLine()
        yield FootLine()

    def on_mount(self) -> None:
        """Show what is there, and from then on what comes."""
        self._regroup = self._stale = True
        self._beat()
        self.set_interval(_BEAT_SECONDS, self._beat)

    def document_changed(self, key: int) -> None:  # noqa: ARG002 (the base's)
        """A verdict came in."""
        self._stale = True

    def model_changed(self) -> None:
        """Every verdict may be another."""
        self._stale = True

    def documents_added(self) -> None:
        """There are more rows."""
        self._regroup = self._stale = True

    def _beat(self) -> None:
        if not self._stale:
            return
        self._stale = False
        listed = self.query_one(DocumentList)
        if self._regroup:
            self._regroup = False
            self._groups = grouped(self.session.entries)
            self._show()
        else:
            listed.refresh_rows()
        if listed.groups:
            self.session.prefer([key for index in listed.visible_rows for key in listed.groups[index].keys])
        self._refresh_counts()

    def _show(self) -> None:
        groups = sorted(self._groups, key=self._key()) if self._order else list(self._groups)
        self.query_one(DocumentList).present(self.session, groups[::-1] if self._reversed else groups)

    def _key(self) -> "Callable[[Group], tuple[float | str, ...]]":
        entries, threshold = self.session.entries, self.session.shown_threshold

        def lowest(group: Group) -> float:
            values = [value for key in group.keys if (value := score(entries[key], "min")) is not None]
            return min(values, default=2.0)

        def verdict(group: Group) -> tuple[float | str, ...]:
            entry = entries[group.keys[0]]
            rank = 2.0 if entry.review is None else 0.0 if first_error(entry, threshold) is not None else 1.0
            return rank, lowest(group)

        def name(group: Group) -> tuple[float | str, ...]:
            item = entries[group.keys[0]].item
            return (item.id or "", item.source, float(item.line or 0))

        return {1: verdict, 2: lambda group: (lowest(group),), 3: name}[self._order]

    def _refresh_counts(self) -> None:
        entries, threshold = self.session.entries, self.session.shown_threshold
        judged = [entry for entry in entries if entry.review is not None]
        wrong = sum(first_error(entry, threshold) is not None for entry in judged)
        failed = sum(entry.phase is Phase.failed for entry in entries)
        parts = [f"{len(judged):,} of {len(entries):,} solutions judged", f"{wrong:,} with a wrong step"]
        parts += [f"{failed:,} not scored"] if failed else []
        left_out = self.session.left_out
        parts += [f"{left_out:,} {'file' if left_out == 1 else 'files'} of results left out"] if left_out else []
        parts += [] if self.session.complete else ["reading …"]
        parts += [f"by {self.ORDERS[self._order]}{', reversed' if self._reversed else ''}"] if self._order else []
        self.query_one("#counts", Static).update(Content(" · ".join(parts)))
        name = "this folder" if self.desk.path == "." else self.desk.path
        state = self.session.state
        self.query_one(TitleBar).present(name, "", state, threshold)
        self.notice(state.error or self.note_of_model(), error=bool(state.error))

    def wrong(self, index: int) -> bool:
        """Whether a row has a step under the threshold."""
        listed = self.query_one(DocumentList)
        keys = listed.groups[index].keys
        return any(first_error(self.session.entries[key], self.session.shown_threshold) is not None for key in keys)

    def found(self, words: str, index: int) -> bool:
        """Whether a row's name, problem or steps hold the words."""
        keys = self.query_one(DocumentList).groups[index].keys
        return any(words in text for key in keys for text in _texts(self.session.entries[key]))

    def action_sort(self) -> None:
        """Sort by the next order."""
        self._order = (self._order + 1) % len(self.ORDERS)
        self._show()
        self._refresh_counts()

    def action_reverse(self) -> None:
        """The other way round."""
        self._reversed = not self._reversed
        self._show()
        self._refresh_counts()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        listed = self.query_one(DocumentList)
        if listed.count:
            self.desk.open_group(listed.groups[listed.cursor])

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_again(self) -> None:
        """Judge what is not judged."""
        if self.session.state.phase is Phase.failed:
            self.session.open_model()
        else:
            self.session.go_on()
        self._stale = True


def _texts(entry: OpenDocument) -> list[str]:
    item = entry.item
    texts = [item.id or "", item.source]
    if isinstance(item, Document):
        texts += [item.problem, *(step.text for step in item.steps)]
    return [text.lower() for text in texts]
