"""The place beside the steps, or under them. Owns which pane is shown there.

That is the editor while a step is edited, else a critic's words while there are any (with the step above them where
there is room for both), else the whole of the step.
"""

from dataclasses import dataclass

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widgets import Static

from stepcheck.report.clean import clean_line
from stepcheck.tui.colours import palette
from stepcheck.tui.desk import Desk
from stepcheck.tui.judging.view import View, shown
from stepcheck.tui.parts.ask import AskScreen
from stepcheck.tui.solution.critique.pane import CritiquePane
from stepcheck.tui.solution.critique.question import Critique
from stepcheck.tui.solution.detail import Detail
from stepcheck.tui.solution.edit.editing import Editing
from stepcheck.tui.solution.edit.editor import StepEditor


class Side(Container):
    """Shows one step of a `View`, what a critic says of it, or the editor."""

    DEFAULT_CSS = """
    Side #editing { display: none; height: 1; padding: 0 1; background: $panel; text-style: bold; }
    Side StepEditor { display: none; }
    Side.-editing #editing { display: block; }
    Side.-editing StepEditor { display: block; }
    Side CritiquePane { display: none; }
    Side.-critique CritiquePane { display: block; height: 1fr; }
    Side.-editing Detail { display: none; }
    Side.-editing CritiquePane { display: none; }
    """

    @dataclass(eq=False)
    class Drafted(Message):
        """What is typed at a step is judged, or cannot be."""

        index: int

    @dataclass(eq=False)
    class Edited(Message):
        """The editing of a step has ended."""

        index: int

    def __init__(self, desk: Desk, editing: Editing, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._desk, self._editing = desk, editing
        self._asked = False

    def compose(self) -> ComposeResult:
        """The panes; the editor comes with the first edit."""
        yield Detail()
        yield CritiquePane()

    def present(self, view: View, index: int) -> None:
        """Show what is known of one step."""
        self.query_one(Detail).present(view, index)
        self._entitle(view)

    def present_critique(self, critique: Critique | None, *, changed: bool, source_shown: bool) -> None:
        """Show what a critic has said so far; None takes it off the screen."""
        self.set_class(critique is not None, "-critique")
        if critique is not None:
            self.query_one(CritiquePane).present(critique, changed=changed, source_shown=source_shown)

    def scroll_pane(self, way: int) -> None:
        """Scroll what is shown, by a little less than its height."""
        pane = self.query_one(CritiquePane if self.has_class("-critique") else Detail)
        pane.scroll_relative(y=way * max(pane.size.height - 1, 1), animate=False, immediate=True)

    @property
    def text(self) -> str:
        """What is typed in the editor."""
        return self.query_one(StepEditor).text

    async def edit(self, first: int, last: int, title: str) -> None:
        """Let the steps from `first` to before `last` be edited, unless others are."""
        text = self._editing.begin(first, last)
        if text is None:
            return
        if not self.query(StepEditor):  # made once, and hidden between: an editor is drawn also while it is removed
            await self.mount(Static(id="editing"), StepEditor())
        self._desk.unfinished.append(self._finish)
        self.add_class("-editing")
        self.query_one("#editing", Static).update(Text(f"✎ {title}"))
        self.query_one(StepEditor).begin(text)

    def _finish(self) -> bool:
        """End an editing that is under way, and keep it; False if it cannot be kept, which is asked about."""
        self._end_draft()
        return self._editing.step is None

    @on(StepEditor.Paused)
    def _judge_draft(self) -> None:
        index = self._editing.step
        if index is not None:
            self._editing.try_out(self.text)
            self.post_message(self.Drafted(index))

    @on(StepEditor.Ended)
    def _end_draft(self) -> None:
        """Keep what was typed, as a change that undo takes back; ask where it cannot be kept."""
        index = self._editing.step
        if index is None:
            return
        if self._editing.keep(self.text):
            self._close_editor(index)
            return
        if self._asked:
            return
        self._asked = True
        self.post_message(self.Drafted(index))
        words = f"This cannot be kept: {clean_line(self._editing.error)}."
        self._desk.ask(AskScreen(words, {"d": "drop what was typed"}), self._drop_draft)

    def _drop_draft(self, answer: str | None) -> None:
        self._asked = False
        index = self._editing.step
        if answer == "d" and index is not None:
            self._editing.drop()
            self._close_editor(index)

    def _close_editor(self, index: int) -> None:
        self._desk.unfinished.remove(self._finish)
        self.remove_class("-editing")
        self.post_message(self.Edited(index))

    def _entitle(self, view: View) -> None:
        """Say over the editor what the step's reward is now, what it was, and what is false in what is typed."""
        index = self._editing.step
        if index is not None:
            reward, was = view.reward(index), view.was(index)
            moved = f"{was:.3f} → " if was is not None else ""
            words = f"✎ Step {index + 1}   {moved}{'…' if reward is None else f'{reward:.3f}'}"
            words += "".join(f"   {said.text}" for said in shown(view, index)[:1])
            style = palette(self.app.current_theme).style(view.band(index), bold=True)
            self.query_one("#editing", Static).update(Text(words, style=style))
