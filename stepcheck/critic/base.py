"""Whoever writes, and how it is let draw its words.

Owns the published ways of sampling (ProcessBench, arXiv 2412.06559, section 4.2): greedy, or a majority of 8 at
temperature 1 and top-p 0.9; Qwen2.5-Math at 0.7, 0.8 and top-k 20.
"""

from collections.abc import Generator
from typing import Protocol

from stepcheck.engine.base import Ending, Sampling

GREEDY = Sampling()
VOTING = Sampling(temperature=1.0, top_p=0.9)
VOTING_QWEN_MATH = Sampling(temperature=0.7, top_p=0.8, top_k=20)


def published_sampling(model: str, votes: int) -> Sampling:
    """Choose how ProcessBench drew the critiques of a model of this name."""
    if votes == 1:
        return GREEDY
    return VOTING_QWEN_MATH if "qwen2.5-math" in model.lower() else VOTING


class Writer(Protocol):
    """Answers a question in words."""

    def write(self, text: str, sampling: Sampling) -> Generator[str | Ending, None, None]:
        """Yield an answer's words as they come, then how it ended; close the iterator to stop the writing."""
        ...

    def close(self) -> None:
        """Stop at once; may be called from any thread."""
        ...
