"""A verdict without rewards → words and JSON, beside those of rewards: the same places, no reward.

Owns what is said where a judge names one step only: the steps before it passed, those after it were not judged.
"""

from collections.abc import Iterator
from typing import Any

from stepcheck.critic.verdict import Vote, vote
from stepcheck.judge import Critique, Judged
from stepcheck.report import evidence


def words_for_steps(judged: Judged) -> Iterator[str]:
    """Yield a word for every step: `ok`, `first-error`, or `unjudged` after it and where there is no verdict.

    The evidence alone never says that a step is right.
    """
    first = judged.verdict.first_error
    alone = judged.verdict.shown and not judged.critiques
    for number in range(len(judged.document.steps)):
        unsaid = first is not None and (number > first or (alone and number < first))
        if not judged.verdict.decided or unsaid:
            yield "unjudged"
        else:
            yield "first-error" if number == first else "ok"


def deciding(judged: Judged) -> Critique | None:
    """Return the first critique that says what the vote says; None where there are no words."""
    index = _vote(judged).index
    return next((critique for critique in judged.critiques if critique.index == index), None)


def fields(judged: Judged) -> dict[str, Any]:
    """Describe what differs from the record of rewards; see `records`."""
    steps = [
        {"index": index, "text": step.text, "start": step.start, "end": step.end, "reward": None}
        | evidence.fields(judged, index)
        for index, step in enumerate(judged.document.steps)
    ]
    found: dict[str, Any] = {"steps": steps, "first_error": judged.verdict.first_error}
    found |= {"threshold": None, "aggregates": None}
    return found | {"critic": _critic(judged)} if judged.critiques else found


def _critic(judged: Judged) -> dict[str, Any]:
    found = _vote(judged)
    return {
        "index": found.index,
        "votes": {str(index): count for index, count in found.votes},
        "unparsable": found.unparsable,
        "critiques": [
            {"index": each.index, "whole": each.whole, "refused": each.refused, "box": each.box, "words": each.words}
            for each in judged.critiques
        ],
    }


def verdict_words(judged: Judged) -> str:
    """Say the verdict in a sentence, with the votes where there were several."""
    if judged.verdict.shown or (judged.evidence and not judged.critiques):
        return evidence.verdict_words(judged)
    found, count, first = _vote(judged), len(judged.critiques), judged.verdict.first_error
    who = "The critic" if judged.critiques else "The judge"
    if not judged.verdict.decided:
        return f"{who} gave no verdict{_why_none(judged)}."
    said = "finds no wrong step" if first is None else f"names step {first + 1} as the first error"
    votes = f" ({found.votes[0][1]} of {count} critiques)" if count > 1 and found.votes else ""
    without = f"; {found.unparsable} without a verdict" if found.unparsable else ""
    return f"{who} {said}{votes}{without}."


def _vote(judged: Judged) -> Vote:
    return vote([critique.index for critique in judged.critiques])


def _why_none(judged: Judged) -> str:
    if not judged.critiques:
        return ""
    first = judged.critiques[0]
    if first.refused:
        return ": it refused"
    return ": no \\boxed{index} of a step in its words" if first.whole else ": its words ran out of room"
