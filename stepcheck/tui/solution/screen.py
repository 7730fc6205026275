"""One solution: the problem, the steps with their rewards, the whole of one step, the verdict."""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Footer, Input, Static

from stepcheck.document import Document, Unread
from stepcheck.report.clean import clean_line
from stepcheck.tui.judging.view import View
from stepcheck.tui.keys import bindings
from stepcheck.tui.parts.rows import RowList
from stepcheck.tui.parts.title import TitleBar
from stepcheck.tui.solution.critique.asking import Critiquing
from stepcheck.tui.solution.critique.pane import CritiquePane
from stepcheck.tui.solution.detail import Detail
from stepcheck.tui.solution.edit.editing import Editing
from stepcheck.tui.solution.problem import Problem
from stepcheck.tui.solution.steps import StepList
from stepcheck.tui.solution.verdict import VerdictBar
from stepcheck.tui.solution.watching import Watching


class SolutionScreen(Critiquing, Editing, Watching):
    """Shows the document `key` of the session."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("s")]
    DEFAULT_CSS = """
    SolutionScreen #body { height: 1fr; }
    SolutionScreen #steps { height: 1fr; width: 1fr; }
    SolutionScreen.-wide #body { layout: horizontal; }
    SolutionScreen.-wide #steps { width: 3fr; }
    SolutionScreen.-wide #side { width: 2fr; height: 1fr; border-left: vkey $panel; }
    SolutionScreen.-narrow #side { height: 40%; min-height: 5; border-top: solid $panel; }
    SolutionScreen.-short.-narrow #side { height: 5; }
    SolutionScreen.-editing.-narrow #side { height: 50%; }
    SolutionScreen #editing { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    SolutionScreen.-editing #side Detail { display: none; }
    SolutionScreen #side CritiquePane { display: none; }
    SolutionScreen.-critique #side CritiquePane { display: block; height: 1fr; }
    SolutionScreen.-critique.-wide #side Detail { height: 1fr; }
    SolutionScreen.-critique.-narrow #side { height: 50%; }
    SolutionScreen.-critique.-narrow #side Detail { display: none; }
    SolutionScreen.-editing #side CritiquePane { display: none; }
    """

    def __init__(self, key: int) -> None:
        super().__init__()
        self.key = key
        self.source_shown = False
        self._pointed = False

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield TitleBar()
        yield Problem()
        yield VerdictBar()
        with Container(id="body"):
            yield StepList(id="steps")
            with Container(id="side"):
                yield Detail()
                yield CritiquePane()
        yield Static(id="notice")
        yield Input(placeholder="search; Enter and ↓ for the next, Esc to leave", id="search", compact=True)
        yield Footer(show_command_palette=False)

    @property
    def rows(self) -> RowList:
        """The steps."""
        return self.query_one(StepList)

    @property
    def steps(self) -> StepList:
        """The steps, by their own type."""
        return self.query_one(StepList)

    @property
    def view(self) -> View | None:
        """What is to be seen."""
        view = self.session.view(self.key) if self.key < len(self.session.entries) else None
        return replace(view, source_shown=self.source_shown) if view is not None else None

    def on_mount(self) -> None:
        """Show what is known already."""
        if self.size.height < 24:  # noqa: PLR2004 (as the usual terminal has)
            self.query_one(Problem).most = 2
        self.refresh_all()
        self._go_to_first_error()

    def refresh_all(self) -> None:
        """Show everything anew: a pure function of the session's state."""
        view = self.view
        if view is not None:
            self.steps.present(view)
            self.query_one(Problem).present(view.document.problem, source_shown=self.source_shown)
            self._refresh_cursor(view)
            self.refresh_editor(view)
        self._refresh_title()
        self._refresh_notice()
        self.refresh_critique()

    def _refresh_cursor(self, view: View) -> None:
        index = min(self.steps.cursor, max(len(view.document.steps) - 1, 0))
        self.query_one(VerdictBar).present(view, index)
        self.query_one(Detail).present(view, index)

    def _refresh_title(self) -> None:
        known = self.key < len(self.session.entries)
        marks = [word for word in (self.changed_mark if known else "", self.watch_mark) if word]
        name = self.place_of(self.key) if known else self.owner.target.path
        self.query_one(TitleBar).present(name, " · ".join(marks), self.session.state, self.session.shown_threshold)

    def _refresh_notice(self) -> None:
        """What went wrong, else what must be said of the model, else what was decided for the user."""
        line = self.query_one("#notice", Static)
        text, error = self._said()
        line.set_class(error, "-error")
        line.display = bool(text)
        line.update(Content(clean_line(text)))

    def _said(self) -> tuple[str, bool]:
        if self.watch_error:
            return f"✗ {self.watch_error} (still watching)", True
        if self.key >= len(self.session.entries):
            return ("" if self.session.complete else "reading …"), False
        item = self.session.entries[self.key].item
        if isinstance(item, Unread):
            return f"✗ {item.error}", True
        if self.edit_error:
            return f"✗ {self.edit_error}", True
        notes = " · ".join(item.notes)
        notice = self.session.state.name.notice if self.session.state.name is not None else ""
        return f"{notes} · {notice}" if notes and notice else notes or notice, False

    def entry_changed(self, key: int) -> None:
        """Colour the steps as rewards arrive."""
        if key == self.key and self.is_mounted:
            self.refresh_all()
            self._go_to_first_error()

    def _go_to_first_error(self) -> None:
        """Once, with the first verdict, unless the cursor was moved before."""
        view = self.view
        if self._pointed or view is None or view.first_error is None:
            return
        self._pointed = True
        if self.steps.cursor == 0 and not self.has_class("-editing"):
            self.steps.cursor = view.first_error

    def entries_added(self) -> None:
        """The document is read."""
        self.refresh_all()

    def model_changed(self) -> None:
        """Show state and threshold."""
        self.refresh_all()

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
        item = self.session.entries[self.key].item
        written = item.steps[index].text.lower() if isinstance(item, Document) else ""
        return words in written or words in self.steps.text(index).lower()

    def searched(self, words: str) -> None:
        """Mark what is searched for."""
        self.steps.highlight(words)

    def action_source(self) -> None:
        """LaTeX as Unicode, or as it was written."""
        self.source_shown = not self.source_shown
        self.refresh_all()

    def action_problem(self) -> None:
        """Fold or show the problem."""
        problem = self.query_one(Problem)
        problem.folded = not problem.folded

    def action_again(self) -> None:
        """Judge again, from the first step that is not judged."""
        if self.session.state.phase.name == "failed":
            self.owner.open_model()
        elif self.key < len(self.session.entries):
            entry = self.session.entries[self.key]
            if entry.result is not None:
                entry.rewards = ()
            self.session.judge(self.key)
            self.refresh_all()

    def action_export(self) -> None:
        """Write what is seen to a file."""
        entry = self.session.entries[self.key] if self.key < len(self.session.entries) else None
        view = self.view
        review = view.shown_review() if view is not None else None
        if entry is None or review is None:
            self.owner.say("there is nothing to export yet")
            return
        self.owner.ask_export([review], source_shown=self.source_shown)
