"""A critic's judgement → words and JSON, beside those of rewards: the same places, no reward.

Owns what is said where a critic names one step only: the steps before it passed, those after it were not judged.
"""

from collections.abc import Iterator
from typing import Any

from stepcheck.critic.base import Critique, Judgement


def words_for_steps(judgement: Judgement) -> Iterator[str]:
    """Yield a word for every step: `ok`, `first-error`, or `unjudged` after it and where there is no verdict."""
    index, first = judgement.vote.index, judgement.vote.first_error
    for number in range(len(judgement.document.steps)):
        if index is None or (first is not None and number > first):
            yield "unjudged"
        else:
            yield "first-error" if number == first else "ok"


def deciding(judgement: Judgement) -> Critique:
    """Return the first critique that says what the vote says."""
    return next(critique for critique in judgement.critiques if critique.index == judgement.vote.index)


def fields(judgement: Judgement) -> dict[str, Any]:
    """Describe what differs from a review's record; see `records`."""
    steps = [
        {"index": index, "text": step.text, "start": step.start, "end": step.end, "reward": None}
        for index, step in enumerate(judgement.document.steps)
    ]
    critic = {
        "index": judgement.vote.index,
        "votes": {str(index): count for index, count in judgement.vote.votes},
        "unparsable": judgement.vote.unparsable,
        "critiques": [
            {"index": each.index, "whole": each.whole, "refused": each.refused, "words": each.words}
            for each in judgement.critiques
        ],
    }
    verdict = {"first_error": judgement.vote.first_error, "threshold": None, "aggregates": None}
    return {"steps": steps} | verdict | {"critic": critic}


def verdict_words(judgement: Judgement) -> str:
    """Say the verdict in a sentence, with the votes where there were several."""
    vote, count = judgement.vote, len(judgement.critiques)
    if vote.index is None:
        return f"The critic gave no verdict: {_why_none(judgement)}."
    said = (
        "finds no wrong step" if vote.first_error is None else f"names step {vote.first_error + 1} as the first error"
    )
    votes = f" ({vote.votes[0][1]} of {count} critiques)" if count > 1 else ""
    without = f"; {vote.unparsable} without a verdict" if vote.unparsable else ""
    return f"The critic {said}{votes}{without}."


def _why_none(judgement: Judgement) -> str:
    first = judgement.critiques[0]
    if first.refused:
        return "it refused"
    return "no \\boxed{index} of a step in its words" if first.whole else "its words ran out of room"
