"""Downloads: one at a time, asked about before the first byte, shown on the models screen."""

from dataclasses import dataclass

from textual.dom import DOMNode
from textual.signal import Signal

from stepcheck.report.clean import clean
from stepcheck.tui.desk import Desk
from stepcheck.tui.job import Said
from stepcheck.tui.models.pulling import PullEnded, Puller, Pulling, PullMoved, PullOffered
from stepcheck.tui.parts.ask import AskScreen


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: a few words, and the share that is done where that is known."""

    words: str
    share: float | None = None
    failed: bool = False
    """It has ended, without a model."""


class Downloads:
    """Lets a puller fetch models; without one it says how to get a model. `node` is whom threads post to."""

    def __init__(self, node: DOMNode, desk: Desk, puller: Puller | None) -> None:
        self._node, self._desk, self._puller = node, desk, puller
        self._pulling: Pulling | None = None
        self.progress: Progress | None = None
        """Of the download that is under way, or why the last one failed."""
        self.watched = False
        """Whether somebody looks at `progress`."""
        self.changed: Signal[None] = Signal(node, "a download moved or ended")
        self.came: Signal[str] = Signal(node, "a model is here now")

    @property
    def under_way(self) -> bool:
        """Whether a download is being made."""
        return self._pulling is not None

    def pull(self, card: str) -> None:
        """Ask what fetching a card's model would do; nothing is fetched before that is answered."""
        if self._puller is None:
            self._desk.say(f"{card}: its weights are not on this machine; the line `to get it` says how", error=True)
        elif self._pulling is not None:
            self._desk.say("one download at a time; c stops the one that is under way", error=True)
        else:
            self._pulling = Pulling(self._puller, card, self._node.post_message, self._hear)
            self._pulling.start()
            self._show(Progress("asking what it takes …"))

    def stop(self) -> None:
        """Stop the download; what came so far is kept."""
        if self._pulling is not None:
            self._pulling.cancel()

    def _show(self, progress: Progress | None) -> None:
        self.progress = progress
        self.changed.publish(None)

    def _hear(self, message: Said) -> None:
        match message:
            case PullOffered():
                self._offered(message)
            case PullMoved():
                self._show(Progress(message.words, message.share))
            case PullEnded():
                self._ended(message)

    def _offered(self, message: PullOffered) -> None:
        """Ask before the first byte."""
        pulling = self._pulling
        if pulling is not None:
            self._show(Progress("waiting for your answer …"))
            words = clean(f"Pull {message.model}?\n\n{message.words}")
            question = AskScreen(words, {"y": "yes, download it"})
            self._desk.ask(question, lambda answer: pulling.answer(take=answer == "y"))

    def _ended(self, message: PullEnded) -> None:
        """Say how it ended; a model that is there now can be chosen."""
        self._pulling = None
        failed = bool(message.words) and not message.there
        if message.words and not (failed and self.watched):
            self._desk.say(message.words, error=failed)
        self._show(Progress(message.words, failed=True) if failed else None)
        if message.there:
            self.came.publish(message.model)
