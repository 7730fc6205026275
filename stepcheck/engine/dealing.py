"""Which lane reads a prompt: one that has read its beginning, unless it has far more to read than another.

Decided by the prompts and their order, not by how fast a lane reads: work that is there in time is cut into the same
batches every time, and so has the same rewards to the last bit. Pure: no llama.cpp here.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from stepcheck.engine.batches import Ints
from stepcheck.engine.plan import common

PULL: Final = 16
"""Tokens of more work that one token makes up for which would have to be read again elsewhere. Candidates stay with
their problem (150 tokens: up to eight of 300), and a template (30) unbalances nothing; many candidates of one problem
do spread, for its beginning is soon read in both lanes."""
REMEMBERED: Final = 32
"""Prompts of each lane that a new one is compared with."""


@dataclass(slots=True)
class _Dealt:
    room: int
    load: int = 0
    recent: deque[Ints] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def shared(self, tokens: Ints) -> int:
        """Count the tokens at its beginning that were dealt here before."""
        most = 0
        for other in self.recent:
            most = common(tokens, other, most)
        return most


class Dealer:
    """Deals prompts to lanes. `rooms`: the longest prompt of each, in tokens; the first takes whatever comes."""

    def __init__(self, rooms: Sequence[int]) -> None:
        self._lanes = [_Dealt(room) for room in rooms]

    def deal(self, tokens: Ints, *, grows: bool = False) -> int:
        """Return the lane that reads this prompt; with the same claim, the one that was dealt less.

        One that `grows`, as a branch that is held does, is read in the first, which has the most room.
        """
        if len(self._lanes) == 1:
            return 0
        open_ = [i for i, lane in enumerate(self._lanes) if not i or (len(tokens) <= lane.room and not grows)]
        shared = {i: self._lanes[i].shared(tokens) for i in open_}
        chosen = min(open_, key=lambda i: (self._lanes[i].load - PULL * shared[i], self._lanes[i].load, i))
        self._lanes[chosen].load += len(tokens) - shared[chosen]
        self._lanes[chosen].recent.append(tokens)
        return chosen

    def rest(self) -> None:
        """Forget who was dealt how much: everything is read. What was dealt where is remembered."""
        for lane in self._lanes:
            lane.load = 0

    def without(self, lane: int) -> None:
        """Deal nothing to this lane and those after it any more."""
        del self._lanes[lane:]
