"""Hand-written stand-ins: a checker whose rewards are written in the text, so that what a test expects can be read off.

A step that ends in `{0.25}` gets the reward 0.25, any other 0.99; a document whose problem says `too long` is refused,
one that says `slow` takes a minute.
Verdicts and aggregates are the real ones.
"""

import re
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

from stepcheck.closing import Closing
from stepcheck.document import Document, Step, Unread
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import TooLongError
from stepcheck.judge import Cost, Gives, Identity, Judged, Unscored, by_rewards
from stepcheck.prm.card import ModelCard, Readout, Template

NOTICE = "This fake is a demonstration."
SHA256 = "0" * 64
_REWARD = re.compile(r"\{([0-9.]+)\}\s*$")


def document(*steps: str, problem: str = "What is 1 + 1?", **more: Any) -> Document:
    """Make a document with ready-made steps."""
    return Document(problem, tuple(Step(step) for step in steps), **more)


def review(*steps: str, threshold: float = 0.5, **more: Any) -> Judged:
    """Judge a document as the fake does."""
    return FakeChecker(threshold=threshold).check(document(*steps, **more))


class FakeChecker(Closing):
    """A judge that is opened as `stepcheck.checker.Checker` is."""

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
        self.name, self.threshold = str(model), 0.5 if threshold is None else threshold
        self.models_dir, self.options, self.on_loading = models_dir, options, on_loading
        self.started = self.closed = False
        FakeChecker.opened.append(self)

    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    @property
    def identity(self) -> Identity:
        """Who judges."""
        return Identity(name=self.name, sha256=SHA256, notice=NOTICE, threshold=self.threshold, card=self.card)

    @property
    def card(self) -> ModelCard:
        """A card that names no files."""
        template = Template(before_problem="", after_problem="", mark="<extra_0>")
        return ModelCard(
            name=self.name,
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

    def check(self, document: Document) -> Judged:
        """Judge by the numbers written in the steps."""
        if "too long" in document.problem:
            raise TooLongError("5000 tokens, but the model's context is 4096: shorten it")
        if "slow" in document.problem:
            time.sleep(60)
        found = [_REWARD.search(step.text) for step in document.steps]
        rewards = tuple(float(match[1]) if match else 0.99 for match in found)
        return by_rewards(document, rewards, self.identity, Cost(10 * len(rewards), 0, 0.25))

    def ready(self) -> str:
        """Say where it runs."""
        return "CPU"

    def judge(self, documents: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge lazily, in order; what was not read stays in its place."""
        for item in documents:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
                continue
            try:
                yield self.check(item)
            except TooLongError as error:
                yield Unscored.of(item, error)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
