"""What fewer bits cost: the rewards of a model's types beside those of its 16 bits, on the same documents.

Owns the comparison, which is between two runs of one model and says nothing of who is right. A document that one of the
two could not judge is counted apart.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.document import Document
from stepcheck.errors import ModelError
from stepcheck.judge import Judge, Judged


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How far a type's rewards are from those of 16 bits.

    `mean`, `most` (95 % of the steps are under it) and `largest` are absolute differences of rewards; `flipped` counts
    steps with the other verdict, `moved` documents whose first error is another, `unjudged` those left out.
    """

    weight_type: str
    documents: int
    steps: int
    mean: float
    most: float
    largest: float
    flipped: int
    moved: int
    unjudged: int


def judge_all(judge: Judge, documents: Iterable[Document]) -> list[Judged | None]:
    """Judge documents; None stands where one could not be."""
    return [result if isinstance(result, Judged) else None for result in judge.judge(documents)]


def compare(exact: Sequence[Judged | None], other: Sequence[Judged | None], weight_type: str) -> Fidelity:
    """Compare two runs over the same documents.

    Raises:
        ModelError: there is no document that both judged.
    """
    pairs = [(one, two) for one, two in zip(exact, other, strict=True) if one is not None and two is not None]
    if not pairs:
        raise ModelError(f"{weight_type}: no document was judged by both, so there is nothing to compare")
    gaps, flipped, moved = [], 0, 0
    for one, two in pairs:
        for ours, theirs in zip(one.rewards, two.rewards, strict=True):
            gaps.append(abs(ours - theirs))
            flipped += (ours < one.threshold) != (theirs < one.threshold)
        moved += one.verdict.first_error != two.verdict.first_error
    gaps.sort()
    return Fidelity(
        weight_type=weight_type,
        documents=len(pairs),
        steps=len(gaps),
        mean=math.fsum(gaps) / len(gaps),
        most=gaps[math.ceil(0.95 * len(gaps)) - 1],
        largest=gaps[-1],
        flipped=flipped,
        moved=moved,
        unjudged=len(exact) - len(pairs),
    )
