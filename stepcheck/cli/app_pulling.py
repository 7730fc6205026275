"""Pulling for the app: the same offer, words and checks as `stepcheck models pull`, heard by a screen.

Owns one download at a time. Touches no widget: the app hands in whom to tell, and the calls wait in the app's thread.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from stepcheck import config
from stepcheck.cli.pulling import check_disk, choose, preview_here
from stepcheck.cli.transfer import Tally, amount
from stepcheck.errors import ModelError, UsageError
from stepcheck.tui.models.pulling import Offered

if TYPE_CHECKING:
    from stepcheck.hub.net.remote import Hub
    from stepcheck.hub.net.watch import Progress, Watch
    from stepcheck.hub.pull.offer import Offer

INTERVAL_S: Final = 0.1
"""Bytes are told of no more often: a person sees no more, and each telling is a message."""


class HubPuller:
    """Fetches models from the hub into the folder that the settings name."""

    def __init__(self, settings: config.Config) -> None:
        self._settings = settings
        self._pending: tuple[Hub, Offer] | None = None
        self._watch: Watch | None = None

    def offer(self, card: str, said: Callable[[str], None]) -> Offered:
        """Say what pulling this card's model would do, in words as the command's; `said` hears of waits and retries.

        Raises:
            StepcheckError: it cannot be pulled, or is here already; the message says why.
        """
        from stepcheck.hub.disk.naming import default_name
        from stepcheck.hub.disk.store import user_dir
        from stepcheck.hub.net.remote import Hub
        from stepcheck.hub.net.watch import Watch
        from stepcheck.hub.pull.offer import make_offer
        from stepcheck.hub.pull.pull import already_here

        watch = self._watch = Watch(on_note=said, on_step=said)
        self._pending = None
        folder = self._settings.models_dir or user_dir()
        source, weight_type = choose(card, None, self._settings.models_dir)
        name = default_name(source.name, weight_type.value)
        if already_here(folder, name, source) is not None:
            raise ModelError(f"{name} is here already, and right: choose it in this list")
        hub = Hub(offline=self._settings.offline)
        made = make_offer(hub, source, weight_type, folder, watch=watch)
        check_disk(made, force=False)
        self._pending = hub, made
        return Offered(made.name, preview_here(made))

    def pull(self, offered: Offered, moved: Callable[[float, str], None]) -> None:
        """Do what was offered last; a cancellation that came since then holds.

        Raises:
            StepcheckError: it cannot be done, or was stopped; what came so far is kept.
        """
        from stepcheck.hub.pull.pull import pull

        watch, pending = self._watch, self._pending
        if watch is None or pending is None or pending[1].name != offered.name:
            raise UsageError(f"{offered.name}: was not offered")
        hub, offer = pending
        heard = _Heard(Tally(offer.download, offer.present), moved)
        watch.progress, watch.step, watch.note = heard.progress, heard.step, heard.note
        watch.check()
        pull(hub, offer, watch=watch)

    def cancel(self) -> None:
        """Stop what is under way; what came so far is kept for a next run."""
        if self._watch is not None:
            self._watch.cancel()


class _Heard:
    """What a watch hears → a share and a few words, now and then."""

    def __init__(self, tally: Tally, moved: Callable[[float, str], None]) -> None:
        self._tally, self._moved = tally, moved
        self._told = 0.0

    def progress(self, heard: "Progress") -> None:
        self._tally.count(heard)
        at = time.monotonic()
        if at - self._told >= INTERVAL_S:
            self._tell(at)

    def step(self, words: str) -> None:
        self._tally.what = words
        self._tell(time.monotonic())

    def note(self, sentence: str) -> None:
        self._moved(self._share, sentence)

    @property
    def _share(self) -> float:
        return min(self._tally.done / max(self._tally.total, 1), 1.0)

    def _tell(self, at: float) -> None:
        tally = self._tally
        self._told = at
        self._moved(self._share, amount(tally.done, tally.total, tally.rate(at), tally.what))
