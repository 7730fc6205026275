"""A judge as PyTorch has it: rewards in float32, and folders for transformers; and how far two readings are apart.

Owns what is made ready before anything is timed. Refuses to time: `side.py` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepcheck.document import Document
from stepcheck.hub.disk.store import Model
from stepcheck.prm import verdict

if TYPE_CHECKING:
    from models.training.judge import Laid

OURS = "stepcheck"


def with_torch() -> bool:
    """Tell whether there is anything to compare with."""
    return all(find_spec(name) is not None for name in ("torch", "transformers"))


class Torch:
    """A judge in PyTorch in float32, and as folders for transformers in bfloat16."""

    def __init__(self, model: Model, folder: Path) -> None:
        from models.training.reading import read_judge

        self._model, self._folder = model, folder
        self._backbone, self._judge = read_judge(model)

    def lay_out(self, document: Document) -> "Laid":
        """Cut a document into the judge's tokens."""
        from models.training.judge import lay_out

        steps = tuple(step.text for step in document.steps)
        return lay_out(self._backbone, self._model.card.template, document.problem, steps)

    def rewards(self, document: Document) -> list[float]:
        """Judge a document in float32."""
        return self._judge.read(self.lay_out(document))

    @cached_property
    def sides(self) -> dict[str, tuple[str, ...]]:
        """What to start to read with our engine, and with transformers in either way."""
        import torch
        from transformers.utils import logging

        from models.training.reading import save

        logging.disable_progress_bar()

        head = ("--head", str(self._model.weights["head"].path))
        beside, merged = self._folder / "beside", self._folder / "merged"
        save(self._judge.body, beside, torch.bfloat16, merged=False)
        save(self._judge.body, merged, torch.bfloat16, merged=True)
        return {
            OURS: ("engine", str(self._model.card_path)),
            "LoRA beside": ("torch", str(beside), *head, "--adapter", str(self._model.weights["adapter"].path)),
            "LoRA merged": ("torch", str(merged), *head),
        }


@dataclass(frozen=True, slots=True)
class Apart:
    """How far two readings of the same solutions are apart: by step, and whether they name the same first error."""

    steps: NDArray[np.float64]
    same: tuple[bool, ...]


def compare(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], threshold: float) -> Apart:
    """Compare rewards, a row a solution."""
    pairs = list(zip(ours, theirs, strict=True))
    firsts = [[verdict.judge(row, threshold).first_error for row in pair] for pair in pairs]
    steps = [abs(a - b) for left, right in pairs for a, b in zip(left, right, strict=True)]
    return Apart(np.array(steps), tuple(left == right for left, right in firsts))
