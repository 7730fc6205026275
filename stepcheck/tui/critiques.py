"""Critiques on the app's side: one question at a time, its words shown beside the step, stopped by Escape."""

import threading

from textual.app import App

from stepcheck.document import Document
from stepcheck.tui.critiquing import Asking, Critique, OpenCritic
from stepcheck.tui.messages import CriticEnded, CriticLoading, CriticSaid

NO_CRITIC = "no critic is named: start with --critic FILE.gguf, or --critic ADDRESS of a server"


class Critiques(App[None]):
    """What the app does with a critic; `StepcheckApp` is the rest of it."""

    open_critic: OpenCritic | None = None
    critique: Critique | None = None
    _asking: Asking | None = None

    def say(self, words: str, *, error: bool = False) -> None:
        """Say something in passing."""
        raise NotImplementedError

    def ask_critic(self, key: int, document: Document, index: int) -> None:
        """Ask why a step is wrong; a question that is under way is dropped."""
        if self.open_critic is None:
            self.say(NO_CRITIC, error=True)
            return
        self.stop_critic()
        before = self._asking.critic if self._asking is not None else None
        self.critique = Critique(key, document, index)
        self._asking = Asking(self.open_critic, document, index, self.post_message)
        self._asking.start(before)
        self._tell_critique()

    def stop_critic(self) -> None:
        """Stop what is under way; what was said stays."""
        critique, asking = self.critique, self._asking
        if critique is not None and asking is not None and critique.running:
            critique.running, critique.ending = False, "stopped"
            self._asking = None
            asking.cancel()
            self._tell_critique()

    def close_critique(self) -> None:
        """Take the words off the screen."""
        self.stop_critic()
        self.critique = None
        self._tell_critique()

    def end_critic(self) -> None:
        """Close the critic, when the app ends."""
        asking, self._asking = self._asking, None
        if asking is not None:
            threading.Thread(target=asking.cancel, daemon=True).start()

    def _of(self, asking: object) -> Critique | None:
        """What is shown, if a message is about it; words of a question that was dropped are not."""
        return self.critique if asking is self._asking and self._asking is not None else None

    def on_critic_loading(self, message: CriticLoading) -> None:
        """Show how much of it is loaded."""
        critique = self._of(message.asking)
        if critique is not None:
            critique.share = message.share
            self._tell_critique()

    def on_critic_said(self, message: CriticSaid) -> None:
        """Show its words so far."""
        critique = self._of(message.asking)
        if critique is not None:
            critique.model, critique.words, critique.share = message.model, message.words, None
            self._tell_critique()

    def on_critic_ended(self, message: CriticEnded) -> None:
        """Say how it ended; after an error the next question opens the critic anew."""
        critique = self._of(message.asking)
        if critique is None:
            return
        critique.running, critique.share = False, None
        critique.ending, critique.failed = message.error, bool(message.error)
        if message.error and self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._tell_critique()

    def _tell_critique(self) -> None:
        from stepcheck.tui.screens.solution import SolutionScreen

        for screen in self.screen_stack:
            if isinstance(screen, SolutionScreen) and screen.is_mounted:
                screen.refresh_critique()
