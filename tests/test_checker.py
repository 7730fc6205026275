"""Where the stages meet: order, places of errors, thresholds."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepcheck import Checker, Document, Step, Unread
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import InputError, ModelNotFoundError, TooLongError, UsageError
from stepcheck.judge import Judged, Unscored
from tests import checkpoints

ONE_THREAD = EngineOptions(n_threads=1)


@pytest.fixture(scope="module")
def checker(random_model: Path) -> Iterator[Checker]:
    with Checker(random_model, options=ONE_THREAD) as checker:
        yield checker


def document(name: str) -> Document:
    problem, steps = checkpoints.TEXTS[0]
    return Document(problem, tuple(map(Step, steps)), id=name)


def test_every_document_is_answered_in_its_place(checker: Checker) -> None:
    """Unreadable first, in the middle and last, one too long, one without steps: as many results, in order."""
    unread = [Unread("a.jsonl", InputError(f"a.jsonl:{i}: no"), i, f"u{i}") for i in range(3)]
    long = Document("p", (Step("1 " * 9000),), id="long")
    empty = Document("p", (), id="empty")
    given: list[Document | Unread] = [unread[0], document("d0"), unread[1], long, empty, document("d1"), unread[2]]
    results = list(checker.check_many(given))
    names = [r.document.id if isinstance(r, Judged) else r.id for r in results]
    assert names == ["u0", "d0", "u1", "long", "empty", "d1", "u2"]
    kinds = [r.error.kind if isinstance(r, Unscored) else "ok" for r in results]
    assert kinds == ["input", "ok", "input", "too_long", "input", "ok", "input"]


def test_nothing_gives_nothing(checker: Checker) -> None:
    """No documents, no results; only unreadable ones need no model."""
    assert list(checker.check_many([])) == []
    (result,) = checker.check_many([Unread("x.md", InputError("x.md: no"))])
    assert isinstance(result, Unscored)


def test_an_endless_source_is_drawn_from_as_needed(checker: Checker) -> None:
    """Five results taken from an endless stream: only a window of documents was drawn."""
    drawn = itertools.count()
    stream = checker.check_many(document(str(next(drawn))) for _ in itertools.count())
    first = [next(stream) for _ in range(5)]
    stream.close()
    assert all(isinstance(result, Judged) for result in first)
    assert next(drawn) <= 64


def test_check_raises_what_check_many_places(checker: Checker) -> None:
    """One document: its error is raised."""
    with pytest.raises(TooLongError):
        checker.check(Document("p", (Step("1 " * 9000),)))


def test_a_review_holds_what_the_rewards_say(random_model: Path) -> None:
    """Rewards, verdict and aggregates agree; a threshold of 1 makes the first step wrong, one of 0 none."""
    for threshold, first_error in ((1.0, 0), (0.0, None)):
        with Checker(random_model, threshold=threshold, options=ONE_THREAD) as strict:
            review = strict.check(document("d"))
        assert review.verdict.first_error == first_error
        assert review.aggregates.last == review.rewards[-1]
        assert review.aggregates.min == min(review.rewards)
        assert all(0 <= reward <= 1 for reward in review.rewards)
        assert review.tokens > 10
        assert len(review.model.sha256) == 64


def test_a_threshold_outside_the_unit_interval_is_refused(random_model: Path) -> None:
    """1.5 is a typo, not a threshold."""
    with pytest.raises(UsageError, match=r"1\.5 is not between 0 and 1"):
        Checker(random_model, threshold=1.5)


def test_an_unknown_model_is_refused_at_once() -> None:
    """Before any document is read."""
    with pytest.raises(ModelNotFoundError):
        Checker("no-such-model")


def test_starting_does_not_wait(random_model: Path) -> None:
    """`start` returns before the model is loaded, so files are read meanwhile; `ready` waits for it."""
    heard: list[float] = []
    with Checker(random_model, options=ONE_THREAD, on_loading=heard.append) as checker:
        checker.start()
        assert not heard
        assert checker.ready() == "CPU"
        assert heard[-1] == 1.0
