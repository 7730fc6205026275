"""The scorer's thread: stages for a slow model, batches for a fast one, what is urgent before what waits."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from textual.message import Message

from stepcheck.checker import Checker
from stepcheck.errors import LoadError
from stepcheck.judge import Judged, Unscored
from stepcheck.tui.judging.scorer import Begun, ModelFailed, ModelReady, Partial, Scored, Scorer
from tests.fakes import document
from tests.tui.fakes import Broken, Paced, Slow

PATIENCE = 20.0


class Heard:
    """What the scorer posted, and a way to wait for it."""

    def __init__(self, make: Callable[[Callable[[float], None]], object]) -> None:
        self.messages: list[Message] = []
        self._new = threading.Condition()
        self.scorer = Scorer(make, self._post, print)  # type: ignore[arg-type]  # a fake with the checker's surface
        self.scorer.start()

    def _post(self, message: Message) -> None:
        with self._new:
            self.messages.append(message)
            self._new.notify()

    def of(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.messages if isinstance(message, kind)]

    def until(self, holds: Callable[[], bool]) -> None:
        with self._new:
            assert self._new.wait_for(holds, PATIENCE), self.messages

    def keys(self) -> list[int]:
        return [message.key for message in self.messages if isinstance(message, Scored)]


@pytest.fixture
def slow() -> Iterator[Heard]:
    heard = Heard(lambda _: Slow())
    yield heard
    heard.scorer.close()


@pytest.fixture
def fast() -> Iterator[Heard]:
    heard = Heard(lambda _: Paced())
    yield heard
    heard.scorer.close()


def test_a_slow_model_is_read_in_stages(slow: Heard) -> None:
    """The first steps are told while the others are read; the whole comes last, with the cost of all stages."""
    long = document(*(f"{'word ' * 40}{i} {{0.{i}}}" for i in range(1, 9)))
    slow.scorer.judge(3, long)
    slow.until(lambda: slow.keys() == [3])
    assert isinstance(slow.messages[0], ModelReady)
    partial = [len(message.rewards) for message in slow.of(Partial)]  # type: ignore[attr-defined]  # a Partial
    assert partial == sorted(partial)
    assert partial[0] == 1
    (scored,) = slow.of(Scored)
    assert isinstance(scored, Scored)
    assert isinstance(scored.result, Judged)
    assert scored.result.document is long
    assert scored.result.rewards == pytest.approx([i / 10 for i in range(1, 9)])
    assert scored.result.decoded == 100 * (len(partial) + 1)


def test_known_steps_are_not_waited_for(slow: Heard) -> None:
    """After an edit the first stage goes to the first step that is not known."""
    slow.scorer.judge(0, document("a", "b", "c", "d {0.1}", "e"), first=3)
    slow.until(lambda: slow.keys() == [0])
    lengths = [len(message.rewards) for message in slow.of(Partial)]  # type: ignore[attr-defined]  # a Partial
    assert lengths in ([4], [])


def test_what_is_urgent_goes_first(slow: Heard) -> None:
    """A document that is opened interrupts the list, which goes on afterwards; nothing is lost."""
    long = [document(*(f"{'word ' * 40}{i}" for i in range(8)), problem=f"{n}?") for n in range(2)]
    slow.scorer.enqueue(enumerate(long))
    slow.until(lambda: bool(slow.of(Partial)))
    slow.scorer.judge(9, document("a"))
    slow.until(lambda: len(slow.keys()) == 3)
    assert slow.keys() == [9, 0, 1]


def test_an_edit_replaces_the_one_before(slow: Heard) -> None:
    """Of several states of one document only the last is told as judged."""
    for i in range(5):
        slow.scorer.judge(1, document(f"a {i}", "b", "c"))
    slow.until(lambda: bool(slow.keys()))
    time.sleep(0.3)
    assert len(slow.keys()) == 1
    (scored,) = slow.of(Scored)
    assert scored.document.steps[0].text == "a 4"  # type: ignore[attr-defined]  # a Scored


def test_a_fast_model_reads_the_list_in_batches(fast: Heard) -> None:
    """With nobody waiting, documents come in order; those on the screen come first."""
    fast.scorer.judge(100, document("warm"))
    fast.until(lambda: fast.keys() == [100])
    fast.scorer.prefer([7, 8])
    fast.scorer.enqueue((key, document("a", problem=f"{key}?")) for key in range(10))
    fast.until(lambda: len(fast.keys()) == 11)
    assert fast.keys() == [100, 7, 8, 0, 1, 2, 3, 4, 5, 6, 9]


def test_cancel(slow: Heard) -> None:
    """After a cancellation nothing more is told, until something is asked for again."""
    slow.scorer.enqueue((key, document("a", "b", "c", problem=f"{key}?")) for key in range(50))
    slow.until(lambda: bool(slow.of(Begun)))
    slow.scorer.cancel()
    time.sleep(0.5)
    count = len(slow.messages)
    time.sleep(0.5)
    assert len(slow.messages) == count
    slow.scorer.judge(60, document("a"))
    slow.until(lambda: slow.keys().count(60) == 1)


def test_a_document_that_fails(fast: Heard) -> None:
    """Its error comes in its place, and the next one is judged."""
    fast.scorer.judge(0, document("a", problem="too long"))
    fast.until(lambda: fast.keys() == [0])
    fast.scorer.judge(1, document("a"))
    fast.until(lambda: fast.keys() == [0, 1])
    first, _ = fast.of(Scored)
    assert isinstance(first.result, Unscored)  # type: ignore[attr-defined]  # a Scored


def test_a_model_that_cannot_be_opened() -> None:
    """The error is told once, and the thread ends."""

    def make(_: Callable[[float], None]) -> Checker:
        raise LoadError("no such file")

    heard = Heard(make)
    heard.until(lambda: bool(heard.of(ModelFailed)))
    heard.scorer.job.join(5)
    assert not heard.scorer.job.alive


def test_what_nobody_foresaw_is_said() -> None:
    """A defect while the model is opened ends the thread with a sentence, not without a word."""

    def make(_: Callable[[float], None]) -> Checker:
        raise ZeroDivisionError("boom")

    heard = Heard(make)
    heard.until(lambda: bool(heard.of(ModelFailed)))
    (failed,) = heard.of(ModelFailed)
    assert "unexpected ZeroDivisionError at test_scoring.py" in failed.error  # type: ignore[attr-defined]  # a ModelFailed
    heard.scorer.job.join(5)
    assert not heard.scorer.job.alive


@pytest.mark.parametrize("speed", [20.0, 10_000.0])
def test_a_defect_costs_one_document(speed: float) -> None:
    """Alone or in a batch: the document that nobody can judge is named, those around it are judged."""
    judge = Broken()
    judge.speed = speed
    heard = Heard(lambda _: judge)
    heard.scorer.judge(100, document("warm"))
    heard.until(lambda: heard.keys() == [100])
    heard.scorer.enqueue((key, document("boom" if key == 2 else "a", problem=f"{key}?")) for key in range(5))
    heard.until(lambda: len(heard.keys()) == 6)
    results = {message.key: message.result for message in heard.messages if isinstance(message, Scored)}
    assert [key for key, result in results.items() if isinstance(result, Unscored)] == [2]
    assert "unexpected ZeroDivisionError" in str(results[2].error)  # type: ignore[union-attr]  # an Unscored
    heard.scorer.close()
