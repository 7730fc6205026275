"""Critiques: one question at a time, its words shown beside the step, stopped by Escape.

Owns the question that is under way and what was said; publishes that it changed.
"""

import threading
from collections.abc import Callable

from textual.dom import DOMNode
from textual.signal import Signal

from stepcheck.document import Document
from stepcheck.tui.job import Said
from stepcheck.tui.solution.critique.question import (
    CriticEnded,
    CriticLoading,
    CriticSaid,
    Critique,
    OpenCritic,
    Question,
)

NO_CRITIC = "no critic is named: start with --critic FILE.gguf, or --critic ADDRESS of a server"


class Critiques:
    """Asks the critic that `open_critic` opens; `refuse` hears why nothing is asked. `node` is whom threads post to."""

    def __init__(self, node: DOMNode, refuse: Callable[[str], None], open_critic: OpenCritic | None) -> None:
        self._node, self._refuse, self._open_critic = node, refuse, open_critic
        self.changed: Signal[None] = Signal(node, "there are other words of a critic")
        self.current: Critique | None = None
        """What was said last, until it is closed."""
        self._question: Question | None = None

    def ask(self, key: int, document: Document, index: int) -> None:
        """Ask why a step is wrong; a question that is under way is dropped."""
        if self._open_critic is None:
            self._refuse(NO_CRITIC)
            return
        self.stop()
        before = self._question.critic if self._question is not None else None
        self.current = Critique(key, document, index)
        self._question = Question(self._open_critic, document, index, self._node.post_message, self._hear)
        self._question.start(before)
        self.changed.publish(None)

    def stop(self) -> None:
        """Stop what is under way; what was said stays."""
        critique, question = self.current, self._question
        if critique is not None and question is not None and critique.running:
            critique.running, critique.ending = False, "stopped"
            self._question = None
            question.drop()
            self.changed.publish(None)

    def close(self) -> None:
        """Take the words off the screen."""
        self.stop()
        self.current = None
        self.changed.publish(None)

    def end(self) -> None:
        """Close the critic, when the app ends."""
        question, self._question = self._question, None
        if question is not None:
            threading.Thread(target=question.drop, daemon=True).start()

    def _hear(self, message: Said) -> None:
        critique = self.current
        if critique is None:
            return
        match message:
            case CriticLoading():
                critique.share = message.share
            case CriticSaid():
                critique.model, critique.words, critique.share = message.model, message.words, None
            case CriticEnded():
                critique.running, critique.share = False, None
                critique.ending, critique.failed = message.error, bool(message.error)
                if message.error and self._question is not None:  # the next one opens the critic anew
                    self._question.drop()
                    self._question = None
        self.changed.publish(None)
