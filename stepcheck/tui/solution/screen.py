"""One solution: the problem, the steps with their rewards, the whole of one step, the verdict."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from stepcheck.document import Document, Unread
from stepcheck.errors import InputError
from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import clip
from stepcheck.tui.desk import Desk
from stepcheck.tui.files.saving import Saving
from stepcheck.tui.judging.view import Phase, View
from stepcheck.tui.keys import bindings
from stepcheck.tui.parts.foot import FootLine
from stepcheck.tui.parts.notice import Notice
from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.screen import Command, SessionScreen
from stepcheck.tui.parts.search import SearchLine
from stepcheck.tui.parts.title import TitleBar
from stepcheck.tui.sizes import TALL
from stepcheck.tui.solution.critique.critiques import Critiques
from stepcheck.tui.solution.critique.question import Critique
from stepcheck.tui.solution.edit.change import change
from stepcheck.tui.solution.edit.editing import Editing, NothingToChangeError
from stepcheck.tui.solution.problem import Problem
from stepcheck.tui.solution.side import Side
from stepcheck.tui.solution.steps import StepList
from stepcheck.tui.solution.verdict import VerdictBar
from stepcheck.tui.solution.watching import Watching


class SolutionScreen(SessionScreen):
    """Shows the document `key` of the session; `critiques` are the app's."""

    LIST = "#steps"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("s")]
    DEFAULT_CSS = """
    SolutionScreen #body { height: 1fr; }
    SolutionScreen #steps { height: 1fr; width: 1fr; }
    SolutionScreen.-wide #body { layout: horizontal; }
    SolutionScreen.-wide #steps { width: 3fr; }
    SolutionScreen.-wide Side { width: 2fr; height: 1fr; border-left: vkey $panel; }
    SolutionScreen.-wide Side.-critique Detail { height: 1fr; }
    SolutionScreen.-narrow Side { height: 40%; min-height: 5; border-top: solid $panel; }
    SolutionScreen.-short.-narrow Side { height: 5; }
    SolutionScreen.-narrow Side.-critique { height: 50%; }
    SolutionScreen.-narrow Side.-critique Detail { display: none; }
    SolutionScreen.-narrow Side.-editing { height: 50%; }
    """

    def __init__(self, desk: Desk, key: int, critiques: Critiques) -> None:
        super().__init__(desk)
        self.key = key
        self.critiques = critiques
        self.saving = Saving(desk)
        self.watching = Watching(self, desk, key, self.set_interval)
        self.editing = Editing(desk.session, key, lambda old, steps, texts: change(old, steps, texts, desk.reread))
        self._source_shown = False
        self._pointed = False

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield TitleBar()
        yield Problem()
        yield VerdictBar()
        with Container(id="body"):
            yield StepList(id="steps")
            yield Side(self.desk, self.editing, id="side")
        yield Notice()
        yield SearchLine()
        yield FootLine()

    @property
    def attended(self) -> Sequence[int]:
        """This document, which is judged first."""
        return (self.key,)

    @property
    def steps(self) -> StepList:
        """The list of the solution's steps."""
        return self.query_one("#steps", StepList)

    @property
    def side(self) -> Side:
        """What stands beside them."""
        return self.query_one(Side)

    @property
    def document(self) -> Document | None:
        """What is shown; None while it is not read, or if it could not be."""
        return self.session.document(self.key)

    @property
    def view(self) -> View | None:
        """What is to be seen."""
        view = self.session.view(self.key)
        return replace(view, source_shown=self._source_shown) if view is not None else None

    @property
    def critique(self) -> Critique | None:
        """What a critic has said of this document, if that is to be shown."""
        critique = self.critiques.current
        return critique if critique is not None and critique.key == self.key else None

    def on_mount(self) -> None:
        """Show what is known already, and hear the controllers."""
        if self.size.height < TALL:
            self.query_one(Problem).most = 2
        self.hear(self.critiques.changed, lambda _: self._refresh_critique())
        self.hear(self.watching.changed, lambda _: self._refresh_lines())
        self.hear(self.session.saved, lambda _: self.watching.saved_here())
        self.hear(self.desk.file_read, self._file_read)
        self.refresh_all()
        self._go_to_first_error()

    def _file_read(self, news: tuple[int, Document | Unread]) -> None:
        key, item = news
        if key == self.key:
            self.watching.read(item)

    def refresh_all(self) -> None:
        """Show everything anew: a pure function of the session's state."""
        view = self.view
        if view is not None:
            self.steps.present(view)
            self.query_one(Problem).present(view.document.problem, source_shown=view.source_shown)
            self._refresh_cursor(view)
        self._refresh_lines()
        self._refresh_critique()

    def _refresh_cursor(self, view: View) -> None:
        index = min(self.steps.cursor, max(len(view.document.steps) - 1, 0))
        self.query_one(VerdictBar).present(view, index)
        self.side.present(view, index)

    def _refresh_lines(self) -> None:
        """The top line, and the one at the foot: what went wrong, else what must be said."""
        known = self.key < len(self.session.entries)
        unsaved = known and self.session.entries[self.key].unsaved
        marks = ["● changed"] * unsaved + ["◉ watching"] * self.watching.on
        name = self.place_of(self.key) if known else self.desk.path
        self.query_one(TitleBar).present(name, " · ".join(marks), self.session.state, self.session.shown_threshold)
        words, error = self._said()
        self.notice(words, error=error)

    def _said(self) -> tuple[str, bool]:
        if self.watching.error:
            return f"✗ {self.watching.error} (still watching)", True
        if self.key >= len(self.session.entries):
            return ("" if self.session.complete else "reading …"), False
        item = self.session.entries[self.key].item
        if isinstance(item, Unread):
            return f"✗ {item.error}", True
        if self.editing.error:
            return f"✗ {self.editing.error}", True
        notes = " · ".join(item.notes)
        notice = self.note_of_model()
        return f"{notes} · {notice}" if notes and notice else notes or notice, False

    def _refresh_critique(self) -> None:
        critique, document = self.critique, self.document
        changed = (
            critique is not None
            and document is not None
            and (document.problem, document.steps) != (critique.document.problem, critique.document.steps)
        )
        self.side.present_critique(critique, changed=changed, source_shown=self._source_shown)

    def document_changed(self, key: int) -> None:
        """Colour the steps as rewards arrive."""
        if key == self.key:
            self.refresh_all()
            self._go_to_first_error()

    def _go_to_first_error(self) -> None:
        """Once, with the first verdict, unless the cursor was moved before."""
        view = self.view
        if self._pointed or view is None or view.first_error is None:
            return
        self._pointed = True
        if self.steps.cursor == 0 and self.editing.step is None:
            self.steps.cursor = view.first_error

    def documents_added(self) -> None:
        """The document is read."""
        self.refresh_all()

    def model_changed(self) -> None:
        """Show state and threshold."""
        self.refresh_all()
        self._go_to_first_error()

    @on(RowList.Moved)
    def _moved(self) -> None:
        view = self.view
        if view is not None:
            self._refresh_cursor(view)

    @on(VerdictBar.Picked)
    def _picked(self, event: VerdictBar.Picked) -> None:
        self.steps.cursor = event.index

    def wrong(self, index: int) -> bool:
        """Whether a step is under the threshold."""
        view = self.view
        reward = view.reward(index) if view is not None else None
        return reward is not None and reward < self.session.shown_threshold

    def found(self, words: str, index: int) -> bool:
        """Whether a step holds the words, as it is shown or as it was written."""
        document = self.document
        written = document.steps[index].text.lower() if document is not None else ""
        return words in written or words in self.steps.text(index).lower()

    def searched(self, words: str) -> None:
        """Mark what is searched for."""
        self.steps.highlight(words)

    def commands(self, most: int) -> list[Command]:
        """The steps, to be gone to."""
        return [
            (f"Step {index + 1}: {clip(clean_line(self.steps.text(index)), 60)}", "go to the step", self._goer(index))
            for index in range(min(self.steps.count, most))
        ]

    def _goer(self, index: int) -> Callable[[], None]:
        return lambda: setattr(self.steps, "cursor", index)

    def action_source(self) -> None:
        """LaTeX as Unicode, or as it was written."""
        self._source_shown = not self._source_shown
        self.refresh_all()

    def action_problem(self) -> None:
        """Fold or show the problem."""
        problem = self.query_one(Problem)
        problem.folded = not problem.folded

    def action_again(self) -> None:
        """Judge again, from the first step that is not judged."""
        if self.session.state.phase is Phase.failed:
            self.session.open_model()
        elif self.key < len(self.session.entries):
            self.session.judge_again(self.key)
            self.refresh_all()

    def action_export(self) -> None:
        """Write what is seen to a file."""
        view = self.view
        review = view.shown_review() if view is not None else None
        if review is None:
            self.say("there is nothing to export yet")
        else:
            self.saving.export([review], source_shown=self._source_shown)

    def action_watch(self) -> None:
        """Begin or end to watch the file."""
        self.watching.switch()

    def action_critic(self) -> None:
        """Ask a critic about the step under the cursor."""
        document, index = self.document, self.steps.cursor
        if document is None or index >= len(document.steps):
            self.say("there is no step to ask about")
        elif self.editing.step is None:
            self.critiques.ask(self.key, document, index)

    def action_evidence(self, way: int) -> None:
        """Go to the next step in which something is shown to be false, round the end."""
        view, count = self.view, self.steps.count
        steps = [(self.steps.cursor + way * far) % count for far in range(1, count + 1)] if count else []
        found = next((index for index in steps if view is not None and view.findings(index)), None)
        if found is None:
            self.say("nothing is shown to be false here")
        else:
            self.steps.cursor = found

    def action_side(self, way: int) -> None:
        """Scroll the pane beside the steps."""
        self.side.scroll_pane(way)

    def action_back(self) -> None:
        """Leave the search, else stop the critic, else close its words, else as everywhere."""
        critique = self.critique
        if self.close_search():
            return
        if critique is None:
            super().action_back()
        elif critique.running:
            self.critiques.stop()
        else:
            self.critiques.close()

    async def action_edit(self) -> None:
        """Edit the step in place."""
        index = self.steps.cursor
        if index < self.steps.count:
            await self.side.edit(index, index + 1, f"Step {index + 1}")

    async def action_insert(self, below: int) -> None:
        """Write a step above the cursor, or below it."""
        place = self.steps.cursor + below if self.steps.count else 0
        await self.side.edit(place, place, f"New step {place + 1}")

    @on(Side.Drafted)
    def _drafted(self, event: Side.Drafted) -> None:
        self._show_change(event.index)

    @on(Side.Edited)
    def _edited(self, event: Side.Edited) -> None:
        self._show_change(event.index)
        self.steps.focus()

    def _show_change(self, cursor: int) -> None:
        self.refresh_all()
        self.steps.cursor = min(cursor, max(self.steps.count - 1, 0))

    def action_change(self, how: str) -> None:
        """Make a change that needs no typing: delete, join, split, undo, redo."""
        editing = self.editing
        changes = {
            "delete": editing.delete,
            "join": editing.join,
            "split": editing.split,
            "undo": editing.undo,
            "redo": editing.redo,
        }
        try:
            cursor = changes[how](self.steps.cursor)
        except InputError as error:
            self.desk.say(str(error), error=not isinstance(error, NothingToChangeError))
            return
        self._show_change(cursor)

    def action_save(self) -> None:
        """Write the document into its file."""
        if self.key in self.session.unsaved:
            self.saving.save(self.key, then=self.refresh_all)
        else:
            self.say("nothing has changed")

    def action_edit_file(self) -> None:
        """Open the file in the user's editor, and read it again afterwards."""
        document = self.document
        source = document.source if document is not None else self.desk.path
        if source == "-":
            self.say("standard input has no file: Ctrl-S saves it to one")
        elif self.key in self.session.unsaved:
            self.desk.say("save first (Ctrl-S): the editor opens the file", error=True)
        else:
            self.desk.edit_file(source)
            self.desk.read_again(self.key)
