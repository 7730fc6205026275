"""A critic in a checker's place: for benches, which compare judges of both kinds by the same figures.

A critic gives no rewards. Where a figure needs some, every step before the one it names counts 1, it and those after it
0, so any threshold above 0 gives back its verdict, and nothing else may be read off them. A critique without a
verdict is an error of its own kind, counted apart.
"""

import re
from collections.abc import Generator, Iterable
from contextlib import closing
from types import TracebackType
from typing import Final, Self

from stepcheck.checker import Review, Unscored
from stepcheck.critic.base import Judgement
from stepcheck.critic.critic import Critic
from stepcheck.document import Document, Unread
from stepcheck.errors import NoVerdictError
from stepcheck.prm.card import ModelCard, Readout, Template
from stepcheck.prm.verdict import aggregate, judge

THRESHOLD: Final = 0.5


class CriticChecker:
    """Has the surface of `stepcheck.checker.Checker` that a bench needs."""

    def __init__(self, critic: Critic) -> None:
        self._critic = critic
        self.model = critic.model
        self.threshold = THRESHOLD

    @property
    def card(self) -> ModelCard:
        """What binds a run: the model, how it is asked, how many critiques vote."""
        sampling = self._critic.sampling
        asked = f"{self._critic.votes} votes, temperature {sampling.temperature:g}, top-p {sampling.top_p:g}"
        asked += f", top-k {sampling.top_k}, {sampling.max_tokens} tokens, seed {sampling.seed}"
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.model.name).strip("._-") or "critic"
        return ModelCard(
            name=name,
            title=f"{self.model.name} {self.model.sha256} as a critic: {asked}".replace("  ", " "),
            licence="that of the model",
            architecture="",
            context=1,
            threshold=THRESHOLD,
            threshold_source="none: a critic names the first wrong step",
            template=Template(before_problem="", after_problem="", read_at="end"),
            readout=Readout(kind="critic", activation="none"),
        )

    def start(self) -> None:
        """Begin to load without waiting, where there is something to load."""
        self._critic.start()

    def check_many(self, documents: Iterable[Document | Unread]) -> Generator[Review | Unscored, None, None]:
        """Judge documents as they come, in order; errors as in `Critic.check_many`."""
        with closing(self._critic.check_many(documents)) as results:
            for result in results:
                yield to_review(result) if isinstance(result, Judgement) else result

    def close(self) -> None:
        """Stop the critic at once."""
        self._critic.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def to_review(judgement: Judgement) -> Review | Unscored:
    """Write a verdict as rewards of 1 and 0; without one, an error in its place."""
    document, first = judgement.document, judgement.vote.first_error
    if judgement.vote.index is None:
        error = NoVerdictError("the critic named no step: no \\boxed{index} that counts in its words")
        return Unscored(document.source, error, document.line, document.id, document.candidate)
    wrong = len(document.steps) if first is None else first
    rewards = tuple(float(index < wrong) for index in range(len(document.steps)))
    return Review(
        document,
        rewards,
        judge(rewards, THRESHOLD),
        aggregate(rewards),
        judgement.model,
        judgement.tokens,
        judgement.seconds,
    )
