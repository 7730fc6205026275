"""Best-of-N: the candidates of one problem, their aggregates and answers, and the steps of some side by side."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from stepcheck.document import Document
from stepcheck.prm.verdict import AGGREGATES
from stepcheck.report.clean import clean_line
from stepcheck.tui.candidates.answers import Answers, AnswersFailed, AnswersRead, read_answers_in_thread
from stepcheck.tui.candidates.rows import COLUMNS, CandidateList, heading, shown_answer
from stepcheck.tui.desk import Desk
from stepcheck.tui.files.saving import Saving
from stepcheck.tui.job import Job, Said
from stepcheck.tui.judging.groups import Group, best, score
from stepcheck.tui.keys import bindings
from stepcheck.tui.parts.foot import FootLine
from stepcheck.tui.parts.notice import Notice
from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.screen import SessionScreen
from stepcheck.tui.parts.search import SearchLine
from stepcheck.tui.parts.title import TitleBar
from stepcheck.tui.solution.problem import Problem
from stepcheck.tui.solution.steps import StepList

COLUMN_CELLS = 46
"""A solution beside another needs this much."""
MOST_BESIDE = 4


class CandidatesScreen(SessionScreen):
    """Shows the documents of a group."""

    LIST = "#candidates"
    NOTHING_WRONG = "no candidate has a step under the threshold"
    ONE_WRONG = "this is the only candidate with a wrong step"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("c")]
    DEFAULT_CSS = """
    CandidatesScreen #table { height: auto; max-height: 45%; }
    CandidatesScreen #heading { height: 1; padding: 0; color: $foreground 60%; background: $surface; }
    CandidatesScreen CandidateList { height: 1fr; }
    CandidatesScreen #counts { height: auto; max-height: 2; padding: 0 1; background: $surface; text-style: bold; }
    CandidatesScreen #beside { height: 1fr; border-top: solid $panel; }
    CandidatesScreen #beside > Vertical { width: 1fr; border-left: vkey $panel; }
    CandidatesScreen #beside > Vertical.-first { border-left: none; }
    CandidatesScreen #beside Static { height: 1; padding: 0 1; text-style: bold; }
    CandidatesScreen #beside StepList { height: 1fr; }
    """

    def __init__(self, desk: Desk, group: Group) -> None:
        super().__init__(desk)
        self.group = group
        self._saving = Saving(desk)
        self._column = 1
        self._reversed = False
        self._read: tuple[Document | None, ...] = ()
        self._answers: Answers | None = None
        self._reader: Job | None = None

    def compose(self) -> ComposeResult:
        """The problem, the table, and solutions side by side."""
        yield TitleBar()
        yield Problem()
        yield Static(id="counts")
        with Vertical(id="table"):
            yield Static(id="heading")
            yield CandidateList(id="candidates")
        with Horizontal(id="beside"):
            for place in range(MOST_BESIDE):
                with Vertical(classes="-first" if place == 0 else ""):
                    yield Static()
                    yield StepList()
        yield Notice()
        yield SearchLine()
        yield FootLine()

    @property
    def attended(self) -> Sequence[int]:
        """The candidates of this problem, which are judged first."""
        return self.group.keys

    def on_mount(self) -> None:
        """Have these candidates judged before all others."""
        for key in self.group.keys:
            if self.session.entries[key].result is None:
                self.session.judge(key)
        self._show()

    def document_changed(self, key: int) -> None:
        """A candidate is judged."""
        if key in self.group.keys:
            self._show()

    def model_changed(self) -> None:
        """The threshold or the model is another."""
        self._show()

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 (Textual's)
        """More or fewer solutions fit beside each other."""
        self.call_after_refresh(self._show_beside)

    def _sorted(self) -> list[int]:
        entries, column = self.session.entries, COLUMNS[self._column]
        keys = list(self.group.keys)
        if column in AGGREGATES:
            scores = {key: score(entries[key], column) or 0.0 for key in keys}
            keys.sort(key=lambda key: -scores[key])
        elif column == "answer":
            keys.sort(key=self._answer)
        return keys[::-1] if self._reversed else keys

    def _answer(self, key: int) -> str:
        return (self._by_key or {}).get(key) or "\uffff"

    @property
    def _by_key(self) -> dict[int, str | None] | None:
        """The final answers; None while they are being read."""
        return None if self._answers is None else dict(zip(self.group.keys, self._answers.given, strict=True))

    def _read_answers(self) -> None:
        """Read the answers of what is there now, unless that is done or under way."""
        items = [self.session.entries[key].item for key in self.group.keys]
        documents = tuple(item if isinstance(item, Document) else None for item in items)
        if len(documents) != len(self._read) or any(a is not b for a, b in zip(documents, self._read, strict=True)):
            self._read, self._answers = documents, None
            if self._reader is not None:
                self._reader.drop()
            self._reader = read_answers_in_thread(documents, self.post_message, self._hear_answers)

    def _hear_answers(self, message: Said) -> None:
        match message:
            case AnswersRead():
                self._answers = message.answers
                self._show()
            case AnswersFailed():
                self.desk.say(message.error, error=True)

    def _show(self) -> None:
        self._read_answers()
        table = self.query_one(CandidateList)
        held = table.keys[table.cursor] if table.keys else None
        keys = self._sorted()
        table.present(self.session, keys, COLUMNS[self._column], self._by_key)
        if held in keys and held is not None:
            table.cursor = keys.index(held)
        table.styles.height = len(keys)
        self.query_one("#heading", Static).update(Content(heading(COLUMNS[self._column], self.size.width)))
        item = self.session.entries[keys[0]].item
        if isinstance(item, Document):
            self.query_one(Problem).most = 3
            self.query_one(Problem).present(item.problem, source_shown=False)
        self.query_one("#counts", Static).update(Content(self._words()))
        name = self.place_of(self.group.keys[0]).replace("[0]", "")
        self.query_one(TitleBar).present(name, "Best-of-N", self.session.state, self.session.shown_threshold)
        state = self.session.state
        self.notice(state.error or self.note_of_model(), error=bool(state.error))
        self._show_beside()

    def _words(self) -> str:
        entries = [(key, self.session.entries[key]) for key in self.group.keys]
        documents = [entry.item for _, entry in entries if isinstance(entry.item, Document)]
        done = sum(entry.review is not None for _, entry in entries)
        parts = [f"{done} of {len(entries)} candidates judged"]
        column = COLUMNS[self._column] if COLUMNS[self._column] in AGGREGATES else "product"
        chosen = best(entries, column)
        if chosen is not None and done == len(entries):
            value = score(self.session.entries[chosen], column)
            parts.append(f"best by {column}: {self._number(chosen)} ({value:.3f})")
        found = self._answers.majority if self._answers is not None else None
        if found is not None:
            parts.append(f"majority answer {shown_answer(found[0])} ({found[1]} of {found[2]})")
        if documents and documents[0].answer is not None:
            parts.append(f"answer given {clean_line(documents[0].answer)}")
        return " · ".join(parts)

    def _number(self, key: int) -> int:
        return (self.session.entries[key].item.candidate or 0) + 1

    def _show_beside(self) -> None:
        """The candidate under the cursor, and those after it in the table, as many as there is room for."""
        table = self.query_one(CandidateList)
        fits = min(max(self.size.width // COLUMN_CELLS, 1), MOST_BESIDE, len(table.keys))
        start = min(table.cursor, max(len(table.keys) - fits, 0))
        for place, column in enumerate(self.query("#beside > Vertical").results(Vertical)):
            column.display = place < fits
            if place >= fits:
                continue
            key = table.keys[start + place]
            view = self.session.view(key)
            mark = "▸ " if start + place == table.cursor else "  "
            column.query_one(Static).update(Content(f"{mark}candidate {self._number(key)}"))
            if view is not None:
                steps = column.query_one(StepList)
                steps.passive, steps.can_focus = True, False
                steps.present(view)

    @on(RowList.Moved, "#candidates")
    def _moved(self) -> None:
        self._show_beside()

    @on(RowList.Chosen, "#candidates")
    def _chosen(self) -> None:
        self.action_open()

    def wrong(self, index: int) -> bool:
        """Whether a candidate has a step under the threshold."""
        view = self.session.view(self.query_one(CandidateList).keys[index])
        return view is not None and view.first_error is not None

    def found(self, words: str, index: int) -> bool:
        """Whether a candidate's steps hold the words."""
        item = self.session.entries[self.query_one(CandidateList).keys[index]].item
        return isinstance(item, Document) and any(words in step.text.lower() for step in item.steps)

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._column = (self._column + 1) % len(COLUMNS)
        self._show()

    def action_reverse(self) -> None:
        """The other way round."""
        self._reversed = not self._reversed
        self._show()

    def action_open(self) -> None:
        """Open the steps of the candidate under the cursor."""
        table = self.query_one(CandidateList)
        if table.count:
            self.desk.open_group(Group((table.keys[table.cursor],)))

    def action_again(self) -> None:
        """Judge all candidates of this problem again."""
        for key in self.group.keys:
            self.session.judge_again(key)
        self._show()

    def action_export(self) -> None:
        """Write all candidates to a file."""
        views = [self.session.view(key) for key in self.query_one(CandidateList).keys]
        reviews = [review for view in views if view is not None and (review := view.shown_review()) is not None]
        if reviews:
            self._saving.export(reviews, source_shown=False)
        else:
            self.say("there is nothing to export yet")
