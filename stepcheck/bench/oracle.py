"""A model held against its oracle: the solution in its card whose rewards its authors tell.

Owns what counts as right. Types of 8 bits and more must give the rewards within the card's tolerance; of all types the
verdict on every step must be the authors'. What fewer bits change beyond that is no fault of a conversion.
"""

from dataclasses import dataclass
from typing import Final

from stepcheck.document import Document, Step
from stepcheck.errors import ModelError
from stepcheck.judge import Judge, check
from stepcheck.prm.card import ModelCard, Oracle

CLOSE: Final = ("f32", "f16", "bf16", "q8_0")
"""Types whose rewards are compared, not only their verdicts."""


@dataclass(frozen=True, slots=True)
class Consulted:
    """What a model gave, beside what its oracle says; `close` is whether the rewards themselves must agree."""

    oracle: Oracle
    rewards: tuple[float, ...]
    threshold: float
    close: bool

    @property
    def difference(self) -> float:
        """The largest one of a reward."""
        return max(abs(ours - theirs) for ours, theirs in zip(self.rewards, self.oracle.rewards, strict=True))

    @property
    def turned(self) -> tuple[int, ...]:
        """The steps (from 1) that are right here and wrong there, or the other way round."""
        pairs = zip(self.rewards, self.oracle.rewards, strict=True)
        sides = [(ours < self.threshold) != (theirs < self.threshold) for ours, theirs in pairs]
        return tuple(number for number, other in enumerate(sides, 1) if other)

    @property
    def right(self) -> bool:
        """Whether the model does what its oracle says."""
        return not self.turned and (not self.close or self.difference <= self.oracle.tolerance)


def consult(judge: Judge, card: ModelCard) -> Consulted:
    """Let a model judge its oracle's solution.

    Raises:
        ModelError: the card has no oracle.
        StepcheckError: the solution could not be judged.
    """
    if card.oracle is None:
        raise ModelError(f"{card.name}: its card has no oracle: no solution whose rewards its authors tell")
    judged = check(judge, Document(card.oracle.problem, tuple(map(Step, card.oracle.steps))))
    return Consulted(card.oracle, judged.rewards, card.threshold, card.weight_type in CLOSE)
