"""What a session knows of each document and of its model. Only the session writes into these."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck.document import Document, Unread
from stepcheck.tui.judging.history import History
from stepcheck.tui.judging.view import Phase, Rewards

if TYPE_CHECKING:
    from stepcheck.evidence import Examined
    from stepcheck.judge import Identity, Judged, Unscored


@dataclass(slots=True)
class OpenDocument:
    """A document and what is known of it."""

    item: Document | Unread
    phase: Phase = Phase.waiting
    result: "Judged | Unscored | None" = None
    rewards: Rewards = ()
    before: Rewards = ()
    history: History | None = None
    evidence: "tuple[Examined, ...]" = ()
    """What is shown to be false in each step; nothing until somebody has looked."""

    @property
    def review(self) -> "Judged | None":
        """The result, if it is a review."""
        from stepcheck.judge import Judged

        return self.result if isinstance(self.result, Judged) else None

    @property
    def failure(self) -> str:
        """Why there is no review, in words."""
        if isinstance(self.item, Unread):
            return str(self.item.error)
        return str(self.result.error) if self.result is not None and self.review is None else ""  # type: ignore[union-attr]  # an Unscored

    @property
    def texts(self) -> list[str]:
        """The texts of the steps, in order."""
        return [step.text for step in self.item.steps] if isinstance(self.item, Document) else []

    @property
    def unsaved(self) -> bool:
        """Whether it differs from its file."""
        return self.history is not None and isinstance(self.item, Document) and self.history.changed(self.item)


@dataclass(slots=True)
class ModelState:
    """How far the model is."""

    phase: Phase = Phase.waiting
    share: float = 0.0
    name: "Identity | None" = None
    device: str = ""
    threshold: float | None = None
    error: str = ""
    speed: float = 0.0
    """Tokens a second, of the last document."""
