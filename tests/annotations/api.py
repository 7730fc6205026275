"""The public API as a typed program uses it; `mypy --strict` reads this file with the rest.

Owns no assertions of values: `tests/test_api.py` runs what is here, so that it is true as well as typed.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from stepcheck import (
    Aggregates,
    Checker,
    Cost,
    Document,
    EngineOptions,
    Gives,
    Head,
    Identity,
    Judge,
    Judged,
    ModelCard,
    Patience,
    Prompt,
    Reader,
    Review,
    Rows,
    Step,
    StepcheckError,
    Unread,
    Unscored,
    Verdict,
    Want,
    by_rewards,
    open_checker,
    open_server,
    read,
)


def score(path: str) -> list[tuple[float, str]]:
    """Score a file as the README does."""
    (document,) = read(path)
    assert_type(document, Document | Unread)
    if isinstance(document, Unread):
        raise document.error
    with Checker() as checker:
        review = checker.check(document)
    assert_type(review, Judged)
    assert_type(review.verdict, Verdict)
    assert_type(review.verdict.first_error, int | None)
    assert_type(review.aggregates, Aggregates)
    assert_type(review.model, Identity)
    return [(reward, step.text) for step, reward in zip(document.steps, review.rewards, strict=True)]


def judge_all(judge: Judge, items: Iterable[Document | Unread]) -> list[int | None]:
    """Take what any judge says apart."""
    found: list[int | None] = []
    for result in judge.judge(items):
        assert_type(result, Judged | Unscored)
        if isinstance(result, Unscored):
            assert_type(result.error, StepcheckError)
            continue
        found.append(result.verdict.first_error)
    judge.close()
    return found


def opened(elsewhere: str = "") -> list[Judge]:
    """Open the built-in model by its name in both ways, and a server's; a checker is a judge."""
    judges: list[Judge] = [Checker("nano", threshold=0.4), open_checker(options=EngineOptions(n_threads=1))]
    assert_type(open_checker("nano"), Checker)
    if elsewhere:
        judges.append(assert_type(open_server(elsewhere, model="nano", patience=Patience(tries=1)), Judge))
    return judges


class Lengths:
    """Reads a prompt's marks as how much text stands before them."""

    def read(self, prompts: Iterable[Prompt], want: Want = Want()) -> Iterator[Rows | StepcheckError]:  # noqa: B008 (frozen)
        """Give one number a mark."""
        for prompt in prompts:
            lengths = np.cumsum([len(segment.text) for segment in prompt.segments]).astype(np.float32)
            marks = [lengths[place] for place, segment in enumerate(prompt.segments) if segment.mark]
            yield Rows(np.array(marks, np.float32).reshape(-1, 1), tokens=len(want.kind), decoded=0, seconds=0.0)

    def close(self) -> None:
        """Hold nothing."""


class Short:
    """Rewards what stands early in a prompt."""

    hidden = 1

    def rewards(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give 1 up to 300 characters, then 0."""
        return np.asarray(rows[:, 0] <= 300, np.float32)


def by_hand(card: ModelCard) -> Checker:
    """Make a checker of its parts, without any file."""
    reader: Reader = Lengths()
    head: Head = Short()
    return Checker(card, reader, head, threshold=0.5)


class Fine:
    """A judge of one's own that finds nothing wrong."""

    identity = Identity(name="fine", threshold=0.5)
    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Reward every step with 1."""
        for item in items:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
            else:
                yield by_rewards(item, [1.0] * len(item.steps), self.identity, Cost(tokens=1))

    def close(self) -> None:
        """Hold nothing."""


assert_type(Review, type[Judged])
EXAMPLE = Document("1 + 1?", (Step("2"),))
