"""What all screens share: the documents, their results, the threshold, the model and the scorer.

Owns the state; its methods are called in the app's thread only. Refuses widgets: screens ask for a `View` and show it.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stepcheck.document import Document, Unread
from stepcheck.tui.judging.history import History
from stepcheck.tui.judging.view import Phase, Rewards, View, carried, matched

if TYPE_CHECKING:
    from stepcheck.config import Config
    from stepcheck.judge import Identity, Judge, Judged, Unscored
    from stepcheck.tui.job import Post, Said
    from stepcheck.tui.judging.scorer import ModelReady, Scored, Scorer

USUAL_THRESHOLD = 0.5
REMEMBERED = 64
"""Reviews of earlier states of edited documents, so that undo needs no model."""


@dataclass(slots=True)
class OpenDocument:
    """A document and what is known of it."""

    item: Document | Unread
    phase: Phase = Phase.waiting
    result: "Judged | Unscored | None" = None
    rewards: Rewards = ()
    before: Rewards = ()
    history: History | None = None

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
        """The steps."""
        return [step.text for step in self.item.steps] if isinstance(self.item, Document) else []


@dataclass(slots=True)
class ModelState:
    """How far the model is."""

    phase: Phase = Phase.waiting
    share: float = 0.0
    name: "Identity | None" = None
    device: str = ""
    error: str = ""
    speed: float = 0.0
    """Tokens a second, of the last document."""


@dataclass(slots=True)
class Session:
    """One run of the app."""

    config: "Config"
    post: "Post"
    hear: "Callable[[Said], None]"
    """Hears the scorer."""
    model: str = "nano"
    threshold: float | None = None
    entries: list[OpenDocument] = field(default_factory=list)
    complete: bool = False
    """All that was opened is read."""
    state: ModelState = field(default_factory=ModelState)
    scorer: "Scorer | None" = None
    known: "OrderedDict[tuple[str, ...], Judged]" = field(default_factory=OrderedDict)

    @property
    def shown_threshold(self) -> float:
        """The threshold in force."""
        return USUAL_THRESHOLD if self.threshold is None else self.threshold

    def open_model(self) -> None:
        """Start a scorer with the model, and let it judge everything that is not judged."""
        from stepcheck.tui.judging.scorer import Scorer

        if self.scorer is not None:
            self.scorer.close()
        self.state, self.known = ModelState(Phase.loading), OrderedDict()
        self.scorer = Scorer(self._make, self.post, self.hear)
        self.scorer.start()

    def _make(self, on_loading: Callable[[float], None]) -> "Judge":
        """Open the judge; called in the scorer's thread."""
        from stepcheck.checker import Checker

        config = self.config
        return Checker(
            self.model,
            threshold=config.threshold,
            models_dir=config.models_dir,
            options=config.engine,
            on_loading=on_loading,
        )

    def add(self, items: "Sequence[Document | Unread]") -> None:
        """Take documents in and let them be judged."""
        start = len(self.entries)
        for item in items:
            failed = isinstance(item, Unread)
            self.entries.append(OpenDocument(item, Phase.failed if failed else Phase.waiting))
        self.ask(range(start, len(self.entries)))

    def ask(self, keys: Sequence[int]) -> None:
        """Let these be judged when there is time, if they are not yet."""
        wanted = [
            (key, entry.item)
            for key in keys
            if isinstance((entry := self.entries[key]).item, Document) and entry.result is None
        ]
        for key, _ in wanted:
            self.entries[key].phase = Phase.waiting
        if self.scorer is not None:
            self.scorer.enqueue(wanted)

    def judge(self, key: int) -> None:
        """Judge one now, from its first step that is not known."""
        entry = self.entries[key]
        if not isinstance(entry.item, Document):
            return
        entry.result, entry.phase = None, Phase.waiting
        known = next((i for i, reward in enumerate(entry.rewards) if reward is None), len(entry.rewards))
        if self.scorer is not None:
            self.scorer.judge(key, entry.item, min(known, max(len(entry.item.steps) - 1, 0)))

    def change(self, key: int, document: Document, base: "tuple[Sequence[str], Rewards] | None" = None) -> None:
        """Put an edited document in the place of another; only what follows the first change is judged again.

        `base`: the steps and rewards that the new ones are compared with, by default those just before.
        """
        entry = self.entries[key]
        texts = [step.text for step in document.steps]
        old_texts, old_rewards = base or (entry.texts, entry.rewards)
        entry.before = matched(old_texts, old_rewards, texts)
        same_problem = isinstance(entry.item, Document) and entry.item.problem == document.problem
        entry.rewards = carried(entry.texts, entry.rewards if same_problem else (), texts)
        entry.item = document
        review = self.known.get((document.problem, *texts))
        if review is not None:
            entry.result, entry.rewards, entry.phase = replace(review, document=document), review.rewards, Phase.done
        else:
            self.judge(key)

    def moved(self, key: int, source: str) -> None:
        """A document from standard input was saved: that file is where it is from now on.

        A row keeps its place: what was written is its solution alone, without the problem.
        """
        entry = self.entries[key]
        if not isinstance(entry.item, Document) or entry.history is None:
            return
        if entry.item.line is None:
            document = replace(entry.item, source=source)
            entry.history.move(source)
            if entry.review is not None:
                entry.result = replace(entry.review, document=document)
            entry.item = document
            if entry.phase.busy:
                self.judge(key)
        entry.history.saved = entry.item

    def scored(self, message: "Scored") -> bool:
        """Take a result in; False if it is of a document that was changed meanwhile."""
        entry = self.entries[message.key] if message.key < len(self.entries) else None
        if entry is None or entry.item is not message.document:
            return False
        entry.result = message.result
        review = entry.review
        if review is None:
            entry.phase, entry.rewards, entry.before = Phase.failed, (), ()
            return True
        entry.rewards, entry.phase = review.rewards, Phase.done
        if review.decoded and review.seconds:
            self.state.speed = review.decoded / review.seconds
        if entry.history is not None:
            self.known[(message.document.problem, *entry.texts)] = review
            if len(self.known) > REMEMBERED:
                self.known.popitem(last=False)
        return True

    def ready(self, message: "ModelReady") -> None:
        """Note that the model is there; its card's threshold holds if none was chosen."""
        self.state.phase, self.state.name, self.state.device = Phase.done, message.model, message.device
        if self.threshold is None:
            self.threshold = message.threshold

    def stop(self) -> None:
        """Cancel all judging; the model stays."""
        if self.scorer is not None:
            self.scorer.cancel()
        for entry in self.entries:
            if entry.phase.busy:
                entry.phase = Phase.cancelled

    def view(self, key: int) -> View | None:
        """What is to be seen of a document; None if it could not be read."""
        entry = self.entries[key]
        if not isinstance(entry.item, Document):
            return None
        phase, message = entry.phase, entry.failure
        if phase.busy and self.state.phase is Phase.failed:
            phase, message = Phase.failed, self.state.error
        elif phase is Phase.waiting and self.state.phase is Phase.loading:
            phase, message = Phase.loading, f"{self.state.share:.0%}" if self.state.share else ""
        return View(
            entry.item, self.shown_threshold, phase, entry.rewards, entry.before, review=entry.review, message=message
        )
