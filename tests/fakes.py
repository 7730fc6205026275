"""Hand-written stand-ins: a checker whose rewards are written in the text, so that what a test expects can be read off.

A step that ends in `{0.25}` gets the reward 0.25, any other 0.99; a document whose problem says `too long` is refused,
one that says `slow` takes a minute.
The verdict and the aggregates are the real ones.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stepcheck.checker import ModelName, Review, Unscored
from stepcheck.document import Document, Step, Unread
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import TooLongError
from stepcheck.prm.card import ModelCard, Readout, Template
from stepcheck.prm.verdict import aggregate, judge

NOTICE = "This fake is a demonstration."
SHA256 = "0" * 64
_REWARD = re.compile(r"\{([0-9.]+)\}\s*$")


def document(*steps: str, problem: str = "What is 1 + 1?", **more: Any) -> Document:
    """Make a document with ready-made steps."""
    return Document(problem, tuple(Step(step) for step in steps), **more)


def review(*steps: str, threshold: float = 0.5, **more: Any) -> Review:
    """Judge a document as the fake does."""
    return FakeChecker(threshold=threshold).check(document(*steps, **more))


class FakeChecker:
    """Has the surface of `stepcheck.checker.Checker`."""

    opened: list["FakeChecker"] = []  # noqa: RUF012 (a test reads what was made, and how)

    def __init__(
        self,
        model: str | Path = "nano",
        *,
        threshold: float | None = None,
        models_dir: Path | None = None,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        on_loading: Callable[[float], None] | None = None,
        force: bool = False,
    ) -> None:
        self.force = force
        self.model = ModelName(str(model), SHA256, NOTICE)
        self.threshold = 0.5 if threshold is None else threshold
        self.models_dir, self.options, self.on_loading = models_dir, options, on_loading
        self.started = self.closed = False
        FakeChecker.opened.append(self)

    @property
    def card(self) -> ModelCard:
        """A card that names no files."""
        template = Template(before_problem="", after_problem="", mark="<extra_0>")
        return ModelCard(
            name=self.model.name,
            title="A fake",
            licence="Apache-2.0",
            architecture="Fake",
            context=4096,
            threshold=self.threshold,
            notice=NOTICE,
            template=template,
            readout=Readout(kind="mlp"),
        )

    def start(self) -> None:
        """Report a model that loads at once."""
        self.started = True
        if self.on_loading is not None:
            self.on_loading(1.0)

    def check(self, document: Document) -> Review:
        """Judge by the numbers written in the steps."""
        if "too long" in document.problem:
            raise TooLongError("5000 tokens, but the model's context is 4096: shorten it")
        if "slow" in document.problem:
            time.sleep(60)
        found = [_REWARD.search(step.text) for step in document.steps]
        rewards = tuple(float(match[1]) if match else 0.99 for match in found)
        verdict = judge(rewards, self.threshold)
        return Review(document, rewards, verdict, aggregate(rewards), self.model, 10 * len(rewards), 0.25)

    def check_many(self, documents: Iterable[Document | Unread]) -> Iterator[Review | Unscored]:
        """Judge lazily, in order; what was not read stays in its place."""
        for item in documents:
            if isinstance(item, Unread):
                yield Unscored(item.source, item.error, item.line, item.id)
                continue
            try:
                yield self.check(item)
            except TooLongError as error:
                yield Unscored(item.source, error, item.line, item.id, item.candidate)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
