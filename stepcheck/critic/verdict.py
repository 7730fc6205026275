r"""A critic's words → the step it names, and several critiques → one verdict. Pure.

ProcessBench's protocol (arXiv 2412.06559, section 4; code/run_eval.py): the last \boxed{} holds the index; of k
critiques the index that most of them name counts, the first seen of equals; those without an index do not vote.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stepcheck.patterns import regex

_BOXED: Final = regex(r"\\boxed\{([^{}]*)")
_INDEX: Final = regex(r"-?[0-9]{1,9}")
NONE_WRONG: Final = -1


@dataclass(frozen=True, slots=True)
class Vote:
    """What critiques come to: `index` is the 0-based first wrong step, -1 for none, None if no critique said."""

    index: int | None
    votes: tuple[tuple[int, int], ...]
    """(index, how many named it), most first."""
    unparsable: int
    """Critiques whose verdict could not be read; they do not vote."""

    @property
    def first_error(self) -> int | None:
        """As in a verdict by rewards: None where no step is wrong, or none was named."""
        return None if self.index in (None, NONE_WRONG) else self.index


def parse(words: str, steps: int) -> int | None:
    """Read the verdict off a critique of `steps` steps: an index from -1 on, or None where there is none.

    The last box counts and must hold a bare number, as published. An index beyond the last step names nothing and is
    no verdict.
    """
    boxes = _BOXED.findall(words)
    found = _INDEX.fullmatch(boxes[-1].strip()) if boxes else None
    index = int(found[0]) if found else None
    return index if index is not None and NONE_WRONG <= index < steps else None


def vote(verdicts: Sequence[int | None]) -> Vote:
    """Count the verdicts of critiques of one solution; the first seen of equals wins."""
    counted = Counter(verdict for verdict in verdicts if verdict is not None).most_common()
    return Vote(counted[0][0] if counted else None, tuple(counted), sum(verdict is None for verdict in verdicts))
