"""What judges in tests of the app that are not about a model: rewards are written in the text, speed is known."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from stepcheck.document import Document
from stepcheck.judge import Cost, Judged
from tests.fakes import FakeChecker


class Paced(FakeChecker):
    """A fake whose speed is known: `pace` seconds a step, said to be `speed` tokens a second."""

    pace, speed = 0.0, 10_000.0

    def check(self, document: Document) -> Judged:
        time.sleep(self.pace * len(document.steps))
        review = super().check(document)
        return replace(review, cost=Cost(review.tokens, 100, 100 / self.speed))


class Slow(Paced):
    """Reads twenty tokens a second."""

    pace, speed = 0.05, 20.0


class Gated(Paced):
    """Loads when its gate is opened."""

    gate: threading.Event

    def start(self) -> None:
        self.gate.wait(20)
        super().start()


class Broken(Paced):
    """Has a defect of its own: a step that says `boom` raises what nobody foresaw."""

    def check(self, document: Document) -> Judged:
        if any("boom" in step.text for step in document.steps):
            raise ZeroDivisionError("boom")
        return super().check(document)


def refusing(error: Exception) -> Callable[..., FakeChecker]:
    """What opens a judge, and cannot."""

    def opened(*_: object, **__: object) -> FakeChecker:
        raise error

    return opened
