"""What a comparison says. Refuses to call "could not tell" wrong: it is an outcome of its own."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """`equal` is None where it could not be told; `how` names the comparison that decided, or the reason."""

    equal: bool | None
    how: str


def all_of(found: Iterable[bool | None]) -> bool | None:
    """Whether all are equal: one that is not decides, else one that could not be told."""
    outcomes = list(found)
    if False in outcomes:
        return False
    return None if None in outcomes else True
