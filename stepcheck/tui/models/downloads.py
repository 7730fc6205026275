"""Downloads on the app's side: one at a time, asked about before the first byte, shown on the models screen."""

from textual.app import App

from stepcheck.report.clean import clean
from stepcheck.tui.job import Said
from stepcheck.tui.models.pulling import PullEnded, Puller, Pulling, PullMoved, PullOffered


class Downloads(App[None]):
    """What the app does with a puller; `StepcheckApp` is the rest of it."""

    puller: Puller | None = None
    pulling: Pulling | None = None

    def say(self, words: str, *, error: bool = False) -> None:
        """Say something in passing."""
        raise NotImplementedError

    def pull(self, card: str) -> None:
        """Ask what fetching a card's model would do; nothing is fetched before that is answered."""
        if self.puller is None:
            self.say(f"{card}: its weights are not on this machine; the line `to get it` says how", error=True)
        elif self.pulling is not None:
            self.say("one download at a time; c stops the one that is under way", error=True)
        else:
            self.pulling = Pulling(self.puller, card, self.post_message, self._hear_pull)
            self.pulling.start()
            self._tell_pull("asking what it takes …")

    def stop_pull(self) -> None:
        """Stop the download."""
        if self.pulling is not None:
            self.pulling.cancel()

    def _tell_pull(self, words: str, share: float | None = None) -> None:
        from stepcheck.tui.models.screen import ModelsScreen

        for screen in self.screen_stack:
            if isinstance(screen, ModelsScreen) and screen.is_mounted:
                screen.show_pull(words, share)

    def _hear_pull(self, message: Said) -> None:
        match message:
            case PullOffered():
                self._pull_offered(message)
            case PullMoved():
                self._tell_pull(message.words, message.share)
            case PullEnded():
                self._pull_ended(message)

    def _pull_offered(self, message: PullOffered) -> None:
        """Ask before the first byte."""
        from stepcheck.tui.parts.ask import AskScreen

        def answered(answer: str | None) -> None:
            if self.pulling is not None:
                self.pulling.answer(take=answer == "y")

        if self.pulling is None:
            return
        self._tell_pull("waiting for your answer …")
        words = clean(f"Pull {message.model}?\n\n{message.words}")
        self.push_screen(AskScreen(words, {"y": "yes, download it"}), answered)

    def _pull_ended(self, message: PullEnded) -> None:
        """Say how it ended; a model that is there now can be chosen."""
        self.pulling = None
        if message.words:
            self.say(message.words, error=not message.there)
        self._tell_pull("")
        if message.there:
            self._point_at(message.model)

    def _point_at(self, model: str) -> None:
        from stepcheck.tui.models.screen import ModelsScreen

        for screen in self.screen_stack:
            if isinstance(screen, ModelsScreen) and screen.is_mounted:
                screen.point_at(model)
