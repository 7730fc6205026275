"""Documents that answer one problem, and how they compare. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck.prm.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stepcheck.tui.judging.state import OpenDocument


@dataclass(frozen=True, slots=True)
class Group:
    """The keys of one document, or of all candidates of one row."""

    keys: tuple[int, ...]


def grouped(entries: "Sequence[OpenDocument]", start: int = 0) -> list[Group]:
    """The documents from `start` on; candidates of one row, which follow each other, are one group."""
    groups: list[Group] = []
    before = None
    for key in range(start, len(entries)):
        item = entries[key].item
        row = None if item.candidate is None else (item.source, item.line)
        if row is not None and row == before:
            groups[-1] = Group((*groups[-1].keys, key))
        else:
            groups.append(Group((key,)))
        before = row
    return groups


def score(entry: "OpenDocument", name: str) -> float | None:
    """An aggregate of a judged document; None where there are no rewards."""
    review = entry.review
    return float(getattr(review.aggregates, name)) if review is not None and review.rewards else None


def best(entries: "Iterable[tuple[int, OpenDocument]]", name: str = "product") -> int | None:
    """The key of the candidate with the highest aggregate; the first of equals."""
    scored = [(key, value) for key, entry in entries if (value := score(entry, name)) is not None]
    return max(scored, key=lambda pair: pair[1])[0] if scored else None


def first_error(entry: "OpenDocument", threshold: float) -> int | None:
    """The first step under the threshold, as far as it is known; the one that is named where there are no rewards."""
    if entry.review is not None and not entry.review.rewards:
        return entry.review.verdict.first_error
    known = [reward for reward in entry.rewards if reward is not None]
    return judge(known, threshold).first_error
