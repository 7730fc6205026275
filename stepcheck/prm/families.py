"""Families of reward models: what is read at a mark, which file it takes beside the backbone, and which head reads it.

Owns the table. A new family is one row here, and one in `hub/checkpoint/heads.py` where its checkpoint is converted;
nothing else asks which family a model is of. Heads are opened, and numpy with them, when they are needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stepcheck.errors import ModelError
from stepcheck.prm.card import Kind, ModelCard, Readout
from stepcheck.prm.prompt import HIDDEN, LIKELIHOOD, Want
from stepcheck.prm.weights import Role

if TYPE_CHECKING:
    from stepcheck.prm.readout import Head


@dataclass(frozen=True, slots=True)
class Family:
    """How the models of a family are read.

    `want` is None where a model is not read but writes. `beside` is the role of the card's second file. `head` opens
    what turns rows into rewards; its path is that file's.
    """

    want: Want | None
    beside: Role
    head: "Callable[[Path, Readout], Head]"


def _mlp(path: Path, readout: Readout) -> "Head":
    from stepcheck.prm.readout import read_mlp

    return read_mlp(path, readout)


def _linear(path: Path, readout: Readout) -> "Head":
    from stepcheck.prm.readout import read_linear

    return read_linear(path, readout)


def _ensemble(path: Path, readout: Readout) -> "Head":
    from stepcheck.prm.readout import read_ensemble

    return read_ensemble(path, readout)


def _ratio(path: Path, readout: Readout) -> "Head":
    from stepcheck.prm.readout import log_ratio

    return log_ratio(path, readout)


def _no_head(path: Path, _readout: Readout) -> "Head":
    raise ModelError(f"{path}: a critic judges in words and has no head")


_MLP: Final = Family(HIDDEN, "head", _mlp)
_LINEAR: Final = Family(HIDDEN, "head", _linear)
FAMILIES: Final[Mapping[Kind, Family]] = {
    "mlp": _MLP,
    "outcome": _MLP,
    "linear": _LINEAR,
    "ensemble": Family(HIDDEN, "head", _ensemble),
    "token_pair": _LINEAR,
    "log_ratio": Family(LIKELIHOOD, "reference", _ratio),
    "critic": Family(None, "head", _no_head),
}


def family_of(readout: Readout) -> Family:
    """Return the family of a readout."""
    return FAMILIES[readout.kind]


def runs(card: ModelCard) -> bool:
    """Tell whether this version converts, pulls and scores such a model; other cards are there for their figures."""
    return family_of(card.readout).want is not None


def read_head(path: Path, readout: Readout) -> "Head":
    """Open the head that a card's readout names.

    Raises:
        ModelError: the file is missing or broken, a tensor is missing or has the wrong shape, or the card's readout has
            no head; names file and tensor. A log ratio's file is a model, and not read here.
    """
    return family_of(readout).head(path, readout)
