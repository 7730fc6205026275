"""Whoever writes, and how it is let draw its words.

Owns the published ways of sampling. ProcessBench (arXiv 2412.06559, section 4.1 and appendix D; code/run_eval.py of
QwenLM/ProcessBench): greedy, or a majority of 8 at temperature 1 and top-p 0.9, of Qwen2.5-Math at 0.7, 0.8 and top-k
20; at most 8,192 new tokens, of QwQ 32,768. A critic's card may say otherwise.
"""

import dataclasses
from collections.abc import Generator
from typing import Protocol

from stepcheck.engine.base import Ending, Sampling
from stepcheck.prm.card import Writing

GREEDY = Sampling()
VOTING = Sampling(temperature=1.0, top_p=0.9)
VOTING_QWEN_MATH = Sampling(temperature=0.7, top_p=0.8, top_k=20)
NEW_TOKENS_QWQ = 32768


def published_sampling(model: str, votes: int, writing: Writing | None = None) -> Sampling:
    """Choose how the critiques of a model of this name were drawn when its figures were made.

    `writing` is what its card says; without, ProcessBench's script decides by the name.
    """
    name = model.lower()
    if writing is not None:
        drawn = Sampling(writing.temperature, writing.top_p, writing.top_k, writing.new_tokens)
    else:
        drawn = VOTING_QWEN_MATH if "qwen2.5-math" in name else VOTING
        if "qwq" in name:
            drawn = dataclasses.replace(drawn, max_tokens=NEW_TOKENS_QWQ)
    return drawn if votes > 1 else dataclasses.replace(GREEDY, max_tokens=drawn.max_tokens)


class Writer(Protocol):
    """Answers a question in words."""

    def write(self, text: str, sampling: Sampling) -> Generator[str | Ending, None, None]:
        """Yield an answer's words as they come, then how it ended; close the iterator to stop the writing."""
        ...

    def close(self) -> None:
        """Stop at once; may be called from any thread."""
        ...
