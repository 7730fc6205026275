"""The place beside the steps, or under them. Owns which pane is shown there.

That is the editor while a step is edited, else a critic's words while there are any (with the step above them where
there is room for both), else the whole of the step.
"""

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from stepcheck.tui.judging.view import View
from stepcheck.tui.solution.critique.pane import CritiquePane
from stepcheck.tui.solution.critique.question import Critique
from stepcheck.tui.solution.detail import Detail
from stepcheck.tui.solution.edit.editor import StepEditor


class Side(Container):
    """Shows one step of a `View`, what a critic says of it, or the editor."""

    DEFAULT_CSS = """
    Side #editing { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    Side CritiquePane { display: none; }
    Side.-critique CritiquePane { display: block; height: 1fr; }
    Side.-editing Detail { display: none; }
    Side.-editing CritiquePane { display: none; }
    """

    def compose(self) -> ComposeResult:
        """The panes; the editor comes when it is needed."""
        yield Detail()
        yield CritiquePane()

    def present(self, view: View, index: int) -> None:
        """Show a step."""
        self.query_one(Detail).present(view, index)

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

    def open_editor(self, title: str, text: str) -> None:
        """Let a text be edited."""
        self.add_class("-editing")
        editor = StepEditor(text)
        self.mount(Static(Text(f"✎ {title}"), id="editing"), editor)
        editor.focus()

    def entitle(self, words: str, style: Style) -> None:
        """Say over the editor how what is typed is judged."""
        self.query_one("#editing", Static).update(Text(f"✎ {words}", style=style))

    def close_editor(self) -> None:
        """Take the editor away."""
        self.query("StepEditor, #editing").remove()
        self.remove_class("-editing")
