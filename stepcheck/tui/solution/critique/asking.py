"""Asking a critic on the solution's screen: why is this step wrong? The words come beside the step."""

from stepcheck.document import Document
from stepcheck.tui.parts.screen import SessionScreen
from stepcheck.tui.solution.critique.pane import CritiquePane
from stepcheck.tui.solution.critique.question import Critique


class Critiquing(SessionScreen):
    """The key that asks, and the pane that listens."""

    key: int
    source_shown: bool

    @property
    def _critique(self) -> Critique | None:
        """The critique of this document, if one is on the screen."""
        critique = self.owner.critique
        return critique if critique is not None and critique.key == self.key else None

    def action_critic(self) -> None:
        """Ask about the step under the cursor."""
        entries = self.session.entries
        item = entries[self.key].item if self.key < len(entries) else None
        if not isinstance(item, Document) or self.rows.cursor >= len(item.steps):
            self.owner.say("there is no step to ask about")
        elif not self.has_class("-editing"):
            self.owner.ask_critic(self.key, item, self.rows.cursor)

    def refresh_critique(self) -> None:
        """Show what is said so far."""
        critique = self._critique
        self.set_class(critique is not None, "-critique")
        if critique is not None:
            item = self.session.entries[self.key].item
            now = (item.problem, item.steps) if isinstance(item, Document) else None
            changed = now != (critique.document.problem, critique.document.steps)
            self.query_one(CritiquePane).present(critique, changed=changed, source_shown=self.source_shown)

    def action_back(self) -> None:
        """Leave the search, else stop the critic, else close its words, else as everywhere."""
        critique = self._critique
        if self.close_search():
            return
        if critique is None:
            super().action_back()
        elif critique.running:
            self.owner.stop_critic()
        else:
            self.owner.close_critique()
