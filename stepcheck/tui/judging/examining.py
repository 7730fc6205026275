"""The evidence of what is looked at, found in the background.

One document at a time, and of each the last that was asked for: while one types, what was typed before is not examined
any more. It touches no widget: its job says what was found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck.tui.job import Job, Post, Said

if TYPE_CHECKING:
    from stepcheck.document import Document
    from stepcheck.evidence import Examined


@dataclass(eq=False)
class Found(Said):
    """What was found in the steps of a document; nothing where it could not be examined."""

    key: int
    document: "Document | None"
    evidence: "tuple[Examined, ...]"


class Examining:
    """Examines documents one after the other; `hear` is called in the app's thread with what was found."""

    def __init__(self, post: Post, hear: Callable[[Found], None]) -> None:
        self._post, self._hear = post, hear
        self._waiting: dict[int, Document] = {}
        self._job: Job | None = None

    def ask(self, key: int, document: "Document") -> None:
        """Examine a document when it is its turn, in the place of an earlier one of this key."""
        self._waiting[key] = document
        self._go_on()

    def forget(self) -> None:
        """Drop what is under way and what waits: the keys mean other documents now."""
        self._waiting.clear()
        if self._job is not None:
            self._job.drop()
            self._job = None

    def _go_on(self) -> None:
        if self._job is not None or not self._waiting:
            return
        key = next(iter(self._waiting))
        document = self._waiting.pop(key)

        def work(job: Job) -> None:
            from stepcheck.witness import read

            job.say(Found(key, document, read(document)))

        self._job = Job(work, self._post, self._heard, lambda _: Found(key, None, ()), "evidence").start()

    def _heard(self, message: Said) -> None:
        self._job = None
        if isinstance(message, Found):
            self._hear(message)
        self._go_on()
