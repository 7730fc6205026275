"""What is open and judged: the documents, what is known of each, the threshold and the model.

Owns this state: it changes through the session's methods and by what its scorer says, in the app's thread, and every
change is published. Refuses widgets: a screen subscribes, asks for a `View` and shows it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.signal import Signal

from stepcheck.document import Document, Unread
from stepcheck.tui.judging.examining import Examining, Found
from stepcheck.tui.judging.history import History
from stepcheck.tui.judging.state import ModelState, OpenDocument
from stepcheck.tui.judging.view import USUAL_THRESHOLD, Phase, Rewards, View, carried, kept, matched

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from stepcheck.judge import Judged
    from stepcheck.tui.job import Said
    from stepcheck.tui.judging.opening import OpenJudge
    from stepcheck.tui.judging.scorer import Begun, ModelReady, Partial, Scored, Scorer

REMEMBERED = 64
"""Reviews of earlier states of edited documents, so that undo needs no model."""


class Session:
    """One run of the app; `node` is whom threads post to, and what the signals live and die with."""

    def __init__(self, node: "DOMNode", open_judge: "OpenJudge", model: str, threshold: float | None = None) -> None:
        self.model, self.threshold = model, threshold
        self.entries: list[OpenDocument] = []
        self.complete = False
        """All that was opened is read."""
        self.left_out = 0
        """Files of a folder that hold results, and are not read."""
        self.state = ModelState()
        self.hidden_notes: set[str] = set()
        """What was read and put away."""
        self.changed: Signal[int] = Signal(node, "a document, or what is known of it, is another")
        self.model_changed: Signal[ModelState] = Signal(node, "the model, its state or the threshold is another")
        self.added: Signal[int] = Signal(node, "there are more documents")
        self.saved: Signal[int] = Signal(node, "a document was written into its file")
        self._node, self._open_judge = node, open_judge
        self._examining = Examining(node.post_message, self._found)
        self._scorer: Scorer | None = None
        self._attended: Sequence[int] = ()
        self._reviews: OrderedDict[tuple[str, ...], Judged] = OrderedDict()

    @property
    def shown_threshold(self) -> float:
        """The threshold in force."""
        return USUAL_THRESHOLD if self.threshold is None else self.threshold

    @property
    def busy(self) -> bool:
        """Whether anything is being judged or waits for it."""
        return any(entry.phase.busy for entry in self.entries)

    @property
    def unsaved(self) -> list[int]:
        """The documents that differ from their files."""
        return [key for key, entry in enumerate(self.entries) if entry.unsaved]

    def document(self, key: int) -> Document | None:
        """A document; None while it is not read, or if it could not be."""
        item = self.entries[key].item if key < len(self.entries) else None
        return item if isinstance(item, Document) else None

    def view(self, key: int) -> View | None:
        """What is to be seen of a document; None while it is not read, or if it could not be."""
        document = self.document(key)
        if document is None:
            return None
        entry = self.entries[key]
        phase, message = entry.phase, entry.failure
        if phase.busy and self.state.phase is Phase.failed:
            phase, message = Phase.failed, self.state.error
        elif phase is Phase.waiting and self.state.phase is Phase.loading:
            phase, message = Phase.loading, f"{self.state.share:.0%}" if self.state.share else ""
        review = entry.review
        named = review.verdict.first_error if review is not None and not review.rewards else None
        return View(
            document,
            self.shown_threshold,
            phase,
            entry.rewards,
            entry.before,
            review=review,
            named=named,
            message=message,
            evidence=entry.evidence,
        )

    def take(self, items: "Sequence[Document | Unread]", *, complete: bool = False, left_out: int = 0) -> None:
        """Take documents in and let them be judged."""
        start = len(self.entries)
        self.left_out += left_out
        self.complete = self.complete or complete
        for item in items:
            failed = isinstance(item, Unread)
            self.entries.append(OpenDocument(item, Phase.failed if failed else Phase.waiting))
        self._ask(range(start, len(self.entries)))
        for key in self._attended:
            if key >= start:
                self._examine(key)
        self.added.publish(len(items))

    def clear(self) -> None:
        """Forget all documents: others are opened in their place. The model stays."""
        self.stop()
        self._examining.forget()
        self.entries.clear()
        self.complete, self.left_out = False, 0

    def open_model(self) -> None:
        """Load the model, and let it judge everything that is not judged."""
        from stepcheck.tui.judging.scorer import Scorer

        if self._scorer is not None:
            self._scorer.close()
        model, open_judge = self.model, self._open_judge
        self.state = ModelState(Phase.loading)
        self._reviews.clear()
        self._scorer = Scorer(lambda on_loading: open_judge(model, on_loading), self._node.post_message, self._hear)
        self._scorer.start()
        self.go_on()
        self.attend(self._attended)

    def use(self, model: str) -> None:
        """Let another model judge everything anew, by its own threshold."""
        self.model, self.threshold = model, None
        for entry in self.entries:
            entry.result, entry.rewards, entry.before = None, (), ()
        self.open_model()

    def go_on(self) -> None:
        """Judge what is not judged, first of all what somebody looks at."""
        self._ask(range(len(self.entries)))
        for key in self._attended:
            if key < len(self.entries) and self.entries[key].result is None:
                self._judge(key)
        self.model_changed.publish(self.state)

    def attend(self, keys: Sequence[int]) -> None:
        """Note what somebody looks at: a new model judges it before all others, and the evidence is looked for."""
        self._attended = tuple(keys)
        for key in self._attended:
            self._examine(key)

    def prefer(self, keys: Sequence[int]) -> None:
        """Take these first of those that wait: they are on the screen."""
        if self._scorer is not None:
            self._scorer.prefer(keys)

    def stop(self) -> None:
        """Cancel all judging; the model stays."""
        if self._scorer is not None:
            self._scorer.cancel()
        for entry in self.entries:
            if entry.phase.busy:
                entry.phase = Phase.cancelled
        self.model_changed.publish(self.state)

    def close(self) -> None:
        """End the model's process, in the middle of a decode if need be."""
        if self._scorer is not None:
            self._scorer.close()

    def move_threshold(self, by: float | None) -> None:
        """Move the threshold, or take the model's; verdicts follow without judging anew."""
        if by is None:
            self.threshold = self.state.threshold
        else:
            self.threshold = min(max(round(self.shown_threshold + by, 4), 0.0), 1.0)
        self.model_changed.publish(self.state)

    def hide_note(self, words: str) -> None:
        """Put a note away, on every screen."""
        self.hidden_notes.add(words)
        self.model_changed.publish(self.state)

    def judge(self, key: int) -> None:
        """Judge one now, from its first step that is not known."""
        self._judge(key)
        self.changed.publish(key)

    def judge_again(self, key: int) -> None:
        """Judge one anew from its beginning; one that was stopped on the way goes on."""
        entry = self.entries[key]
        if entry.result is not None:
            entry.rewards = ()
        self.judge(key)

    def begin_change(self, key: int) -> History | None:
        """The history of a document, made with its first change; None where there is nothing to change."""
        document = self.document(key)
        if document is None:
            return None
        entry = self.entries[key]
        if entry.history is None:
            entry.history = History(document)
            if (review := entry.review) is not None:
                self._reviews[(document.problem, *entry.texts)] = review
        return entry.history

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
        entry.evidence = kept(entry.texts, entry.evidence, texts)
        entry.item = document
        self._examine(key)
        review = self._reviews.get((document.problem, *texts))
        if review is not None:
            entry.result, entry.rewards, entry.phase = replace(review, document=document), review.rewards, Phase.done
        else:
            self._judge(key)
        self.changed.publish(key)

    def reread(self, key: int, item: "Document | Unread") -> None:
        """Take in what is in the file now. What cannot be read leaves what is shown as it is."""
        entry = self.entries[key]
        old = entry.item
        if isinstance(item, Unread):
            if isinstance(old, Unread):
                entry.item = item
                self.changed.publish(key)
            return
        if entry.history is None:
            entry.history = History(item)
        entry.history.saved = item
        if isinstance(old, Document) and (old.problem, old.steps) == (item.problem, item.steps):
            entry.item = item if entry.review is None else old
            self.changed.publish(key)
            return
        if isinstance(old, Document):
            entry.history.remember(old)
        self.change(key, item)

    def wrote(self, key: int, document: Document) -> None:
        """Note that this is what is in the document's file now."""
        history = self.entries[key].history
        if history is not None:
            history.saved = document
        self.saved.publish(key)

    def moved(self, key: int, source: str) -> None:
        """A document was saved under another name: that file is where it is from now on.

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
                self._judge(key)
        self.wrote(key, entry.item)

    def _ask(self, keys: Sequence[int]) -> None:
        """Let these be judged when there is time, if they are not yet."""
        wanted = [
            (key, entry.item)
            for key in keys
            if isinstance((entry := self.entries[key]).item, Document) and entry.result is None
        ]
        for key, _ in wanted:
            self.entries[key].phase = Phase.waiting
        if self._scorer is not None:
            self._scorer.enqueue(wanted)

    def _judge(self, key: int) -> None:
        entry = self.entries[key]
        if not isinstance(entry.item, Document):
            return
        entry.result, entry.phase = None, Phase.waiting
        known = next((i for i, reward in enumerate(entry.rewards) if reward is None), len(entry.rewards))
        if self._scorer is not None:
            self._scorer.judge(key, entry.item, min(known, max(len(entry.item.steps) - 1, 0)))

    def _hear(self, message: "Said") -> None:
        """Take in what the scorer says."""
        from stepcheck.tui.judging import scorer

        match message:
            case scorer.ModelLoading():
                self.state.share = message.share
                self.model_changed.publish(self.state)
            case scorer.ModelReady():
                self._ready(message)
            case scorer.ModelFailed():
                self.state.phase, self.state.error = Phase.failed, message.error
                self.model_changed.publish(self.state)
            case scorer.Begun() | scorer.Partial():
                self._moved_on(message)
            case scorer.Scored():
                self._scored(message)

    def _ready(self, message: "ModelReady") -> None:
        """Note that the model is there; its card's threshold holds if none was chosen."""
        state = self.state
        state.phase, state.name, state.device = Phase.done, message.model, message.device
        state.threshold = message.threshold
        if self.threshold is None:
            self.threshold = message.threshold
        self.model_changed.publish(state)

    def _moved_on(self, message: "Begun | Partial") -> None:
        entry = self._entry(message)
        if entry is None or not entry.phase.busy:
            return
        entry.phase = Phase.scoring
        rewards = getattr(message, "rewards", None)
        if rewards is not None:
            entry.rewards = (*rewards, *(None for _ in range(len(message.document.steps) - len(rewards))))
        self.changed.publish(message.key)

    def _scored(self, message: "Scored") -> None:
        entry = self._entry(message)
        if entry is None:
            return
        entry.result = message.result
        review = entry.review
        if review is None:
            entry.phase, entry.rewards, entry.before = Phase.failed, (), ()
        else:
            entry.rewards, entry.phase = review.rewards, Phase.done
            if review.decoded and review.seconds:
                self.state.speed = review.decoded / review.seconds
            if entry.history is not None:
                self._remember((message.document.problem, *entry.texts), review)
        self.changed.publish(message.key)

    def _remember(self, texts: tuple[str, ...], review: "Judged") -> None:
        self._reviews[texts] = review
        if len(self._reviews) > REMEMBERED:
            self._reviews.popitem(last=False)

    def _examine(self, key: int) -> None:
        """Look for evidence in a document, if nobody has; not before the model is opened, which is the first paint."""
        document = self.document(key) if self._scorer is not None else None
        if document is not None and len(self.entries[key].evidence) != len(document.steps):
            self._examining.ask(key, document)

    def _found(self, message: Found) -> None:
        entry = self.entries[message.key] if message.key < len(self.entries) else None
        if entry is not None and entry.item is message.document:
            entry.evidence = message.evidence
            self.changed.publish(message.key)

    def _entry(self, message: "Begun | Partial | Scored") -> OpenDocument | None:
        """What a message is about; None if it was changed meanwhile."""
        entry = self.entries[message.key] if message.key < len(self.entries) else None
        return entry if entry is not None and entry.item is message.document else None
