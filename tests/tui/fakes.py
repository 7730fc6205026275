"""What judges in tests of the app that are not about a model: rewards are written in the text, speed is known."""

import contextlib
import operator
import re
import threading
import time
import zlib
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Any

from stepcheck.checker import Checker
from stepcheck.document import Document, Unread
from stepcheck.errors import TooLongError
from stepcheck.judge import Cost, Identity, Judged, Unscored, by_rewards
from stepcheck.prm.verdict import Verdict
from stepcheck.tui.judging.opening import OnLoading, OpenJudge
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


class Kept:
    """A real judge that outlives the apps that close it; one asks it at a time."""

    def __init__(self, judge: Checker) -> None:
        self._judge, self._lock = judge, threading.Lock()
        self.identity, self.gives = judge.identity, judge.gives

    def start(self) -> None:
        self._judge.start()

    def ready(self) -> str:
        return self._judge.ready()

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        with self._lock, contextlib.closing(self._judge.judge(items)) as results:
            yield from results

    def close(self) -> None:
        """Stay."""


class Choosy(Paced):
    """Refuses what has many steps."""

    def check(self, document: Document) -> Judged:
        if len(document.steps) > 1000:
            raise TooLongError("100000 tokens, but the model's context is 4096: shorten it")
        return super().check(document)


_EQUATION = re.compile(r"(?<![\d.])(\d+) *(\+|-|\\times|×|\*|/) *(\d+) *= *\\?\$?(\d+)(?![\d.])")
_OPERATIONS = {"+": operator.add, "-": operator.sub, "/": operator.truediv}


class Counting(Paced):
    """Believes what is calculated rightly: a step with a false equation of two numbers gets 0.02, others over 0.9."""

    def check(self, document: Document) -> Judged:
        time.sleep(self.pace * len(document.steps))
        rewards = tuple(_reward(step.text) for step in document.steps)
        return by_rewards(document, rewards, self.identity, Cost(10 * len(rewards), 100, 0.01))


class Unhurried(Counting):
    """Takes some milliseconds for each step: a long list is not judged in a moment."""

    pace = 0.003


class Naming(Counting):
    """Names the first false equation, in words, and gives no rewards."""

    gives = frozenset({"verdict", "words"})

    def check(self, document: Document) -> Judged:
        wrong = (i for i, step in enumerate(document.steps) if _reward(step.text) < self.threshold)
        identity = Identity(name="words")
        return Judged(document=document, model=identity, verdict=Verdict(next(wrong, None), None))


def _reward(text: str) -> float:
    """The text decides the last digits, so that no two are equal by chance."""
    spread = zlib.crc32(text.encode()) % 70 / 1000
    return 0.98 - spread if all(map(_true, _EQUATION.findall(text))) else 0.02 + spread / 10


def _true(equation: tuple[str, str, str, str]) -> bool:
    left, sign, right, result = equation
    return bool(_OPERATIONS.get(sign, operator.mul)(int(left), int(right)) == int(result))


def fake(kind: type[FakeChecker] = Counting) -> OpenJudge:
    """What opens a fake."""

    def opened(model: str, on_loading: OnLoading) -> Any:
        judge = kind(model, on_loading=on_loading)
        FakeChecker.opened.clear()
        return judge

    return opened


CALCULATING = fake()


def refusing(error: Exception) -> OpenJudge:
    """What opens a judge, and cannot."""

    def opened(model: str, on_loading: OnLoading) -> Any:
        del model, on_loading
        raise error

    return opened
