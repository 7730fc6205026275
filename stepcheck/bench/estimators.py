"""Best-of-N, pure: which of N candidates is chosen, and how often the choice is right.

For N smaller than the number of candidates a figure is the mean over all subsets of that size, so it does not hang on
the order in which candidates were sampled: exact by counting (pass@N, arXiv 2107.03374, section 2.1; best of N, by
ranks), and for votes by going through all subsets, or through `SAMPLED` random ones where there are more than
`MOST_SUBSETS`.
"""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_SUBSETS = 20_000
SAMPLED = 2_000
SEED = 20_250_113


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of one problem, in order.

    `right[i]` tells whether candidate i's answer is right; `groups[i]` is the same number for candidates with the same
    answer, or None for one without any answer, which votes for nothing.
    """

    right: tuple[bool, ...]
    groups: tuple[int | None, ...]

    def __len__(self) -> int:
        return len(self.right)


def sizes(n: int) -> list[int]:
    """Return 1, 2, 4, … up to n, and n itself."""
    return sorted({*(2**power for power in range(n.bit_length()) if 2**power <= n), n})


def pass_at(right: Sequence[bool], k: int) -> float:
    """Return the chance that any of k candidates drawn is right: 1 - C(n-c, k) / C(n, k)."""
    return 1 - math.comb(len(right) - sum(right), k) / math.comb(len(right), k)


def best_at(scores: Sequence[float], right: Sequence[bool], k: int) -> float:
    """Return the chance that the highest score of k candidates drawn belongs to a right one; the first wins a tie.

    The candidate of rank r (0 is best) is the best of C(n-1-r, k-1) of the C(n, k) subsets.
    """
    n = len(scores)
    ranked = sorted(range(n), key=lambda i: (-scores[i], i))
    hits = sum(math.comb(n - 1 - rank, k - 1) for rank, i in enumerate(ranked) if right[i])
    return hits / math.comb(n, k)


def vote_at(candidates: Candidates, k: int, weights: Sequence[float] | None = None) -> float:
    """Return the chance that the answer with most votes among k candidates drawn is right; the first seen wins a tie.

    With `weights` a candidate has that many votes instead of one.
    """
    chosen = list(subsets(len(candidates), k))
    return sum(_vote(candidates, subset, weights) for subset in chosen) / len(chosen)


def subsets(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """Yield all subsets of size k, or random ones where there are too many; each in ascending order."""
    if is_exact(n, k):
        yield from itertools.combinations(range(n), k)
        return
    rng = random.Random(SEED)  # noqa: S311 (resampling, not cryptography)
    for _ in range(SAMPLED):
        yield tuple(sorted(rng.sample(range(n), k)))


def is_exact(n: int, k: int) -> bool:
    """Tell whether votes among k of n candidates are counted over every subset."""
    return math.comb(n, k) <= MOST_SUBSETS


def _vote(candidates: Candidates, subset: tuple[int, ...], weights: Sequence[float] | None) -> bool:
    votes: dict[int, float] = {}
    for i in subset:
        group = candidates.groups[i]
        if group is not None:
            votes[group] = votes.get(group, 0.0) + (1.0 if weights is None else weights[i])
    if not votes:
        return False
    winner = max(votes, key=lambda group: votes[group])  # the first maximum: dicts keep the order of first sight
    return next(candidates.right[i] for i in subset if candidates.groups[i] == winner)
