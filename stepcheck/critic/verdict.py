r"""A critic's words → the step it names, and several critiques → one verdict. Pure.

Two readings, side by side. Ours, for a person's solution: the last \boxed{} holds the index; of k critiques the index
that most of them name counts, the first seen of equals; those without an index of a step do not vote. ProcessBench's,
for figures that are to stand beside published ones (arXiv 2412.06559, section 4; code/run_eval.py of
QwenLM/ProcessBench): the votes are what stands in the boxes, as it was written, and only what most of them say is read
as a number.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stepcheck.patterns import regex

_BOXED: Final = regex(r"\\boxed\{([^{}]*)")
_CLOSED: Final = regex(r"\\boxed\{([^}]*)\}")
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


def boxed(words: str) -> str | None:
    """Return what stands in the last box of a critique; None where no box was opened and closed."""
    boxes = _CLOSED.findall(words)
    return boxes[-1].strip() if boxes else None


def published_vote(boxes: Sequence[str | None]) -> int | None:
    """Read the prediction off critiques' boxes as ProcessBench's script does; None where it comes to no number.

    The most frequent text counts, the first seen of equals; those without a box do not vote. Any number is a
    prediction: that of a step which is not there is a wrong one.
    """
    counted = Counter(box for box in boxes if box is not None).most_common(1)
    try:
        return int(counted[0][0]) if counted else None
    except ValueError:
        return None


def vote(verdicts: Sequence[int | None]) -> Vote:
    """Count the verdicts of critiques of one solution; the first seen of equals wins."""
    counted = Counter(verdict for verdict in verdicts if verdict is not None).most_common()
    return Vote(counted[0][0] if counted else None, tuple(counted), sum(verdict is None for verdict in verdicts))
