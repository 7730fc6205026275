"""Critiques on the app's side: one question at a time, its words shown beside the step, stopped by Escape."""

import threading

from textual.app import App

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


class Critiques(App[None]):
    """What the app does with a critic; `StepcheckApp` is the rest of it."""

    open_critic: OpenCritic | None = None
    critique: Critique | None = None
    _question: Question | None = None

    def say(self, words: str, *, error: bool = False) -> None:
        """Say something in passing."""
        raise NotImplementedError

    def ask_critic(self, key: int, document: Document, index: int) -> None:
        """Ask why a step is wrong; a question that is under way is dropped."""
        if self.open_critic is None:
            self.say(NO_CRITIC, error=True)
            return
        self.stop_critic()
        before = self._question.critic if self._question is not None else None
        self.critique = Critique(key, document, index)
        self._question = Question(self.open_critic, document, index, self.post_message, self._hear_critic)
        self._question.start(before)
        self._tell_critique()

    def stop_critic(self) -> None:
        """Stop what is under way; what was said stays."""
        critique, question = self.critique, self._question
        if critique is not None and question is not None and critique.running:
            critique.running, critique.ending = False, "stopped"
            self._question = None
            question.drop()
            self._tell_critique()

    def close_critique(self) -> None:
        """Take the words off the screen."""
        self.stop_critic()
        self.critique = None
        self._tell_critique()

    def end_critic(self) -> None:
        """Close the critic, when the app ends."""
        question, self._question = self._question, None
        if question is not None:
            threading.Thread(target=question.drop, daemon=True).start()

    def _hear_critic(self, message: Said) -> None:
        critique = self.critique
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
        self._tell_critique()

    def _tell_critique(self) -> None:
        from stepcheck.tui.solution.screen import SolutionScreen

        for screen in self.screen_stack:
            if isinstance(screen, SolutionScreen) and screen.is_mounted:
                screen.refresh_critique()
