"""A model's name → what reads and judges with it: card, reader and head, found, verified, and fitting into the memory.

The one place where a judge by rewards meets files. Refuses files that are not the pinned ones, and a model that would
not fit; nothing is loaded here yet.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from stepcheck.engine.base import EngineOptions, Reader
from stepcheck.hub.disk.store import Model, find, verify
from stepcheck.machine import machine
from stepcheck.prm.card import ModelCard, Readout
from stepcheck.prm.families import family_of, read_head

if TYPE_CHECKING:
    from stepcheck.prm.readout import Floats, Head

UNPACKED = ("f32", "f16", "bf16")
"""Weight types that llama.cpp uses as they lie in the file."""


class Opening(TypedDict, total=False):
    """How a model is opened; see `open_model`."""

    models_dir: Path | None
    options: EngineOptions
    on_loading: Callable[[float], None] | None
    force: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """All that a checker is made of; `notice` is the card's, and what must be said of this machine's part."""

    card: ModelCard
    reader: Reader
    head: "Head"
    notice: str


def open_model(
    name: str | Path,
    *,
    models_dir: Path | None = None,
    options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
    on_loading: Callable[[float], None] | None = None,
    force: bool = False,
) -> Opened:
    """Find a model by its card's name or path and make what reads it ready to load.

    Raises:
        ModelError: no such model, its files are missing or are not those that were pinned.
        OutOfMemoryError: it does not fit into the memory, and `force` is not given.
    """
    model = find(str(name), models_dir)
    verify(model)
    free = machine.memory_available()
    if not force:
        machine.check_memory(model, options, available=free)
    options = machine.settle_lanes(model, options, available=free)
    head = FileHead(model.weights[family_of(model.card.readout).beside].path, model.card.readout)
    notice = " ".join(filter(None, (model.card.notice, _memory(model))))
    return Opened(model.card, _reader(model, options, on_loading), head, notice)


@dataclass(slots=True)
class FileHead:
    """A head that is read when it is first needed: a command starts before it needs numpy."""

    path: Path
    readout: Readout
    _head: "Head | None" = field(default=None, repr=False)

    @property
    def hidden(self) -> int:
        """Width of the rows that this head reads."""
        return self._opened().hidden

    def rewards(self, rows: "Floats") -> "Floats":
        """Read rewards off rows; errors as in `prm.readout.Head`, and those of reading the file."""
        return self._opened().rewards(rows)

    def uncertainty(self, rows: "Floats") -> "Floats":
        """Read how sure the head is of each row; empty where it is one that cannot say."""
        from stepcheck.prm.readout import is_doubting

        head = self._opened()
        return head.uncertainty(rows) if is_doubting(head) else rows[:0, 0]

    def _opened(self) -> "Head":
        if self._head is None:
            self._head = read_head(self.path, self.readout)
        return self._head


def _memory(model: Model) -> str:
    """Say what two models take, before they are loaded."""
    if "reference" not in model.weights:
        return ""
    sizes = (model.weights[role].path.stat().st_size / 1e9 for role in ("backbone", "reference"))
    return "Reads two models, {:.1f} GB and {:.1f} GB of weights, both in memory at a time.".format(*sizes)


def _reader(model: Model, options: EngineOptions, on_loading: Callable[[float], None] | None) -> Reader:
    """Make what reads a model's files."""
    from stepcheck.engine.client import LlamaEngine

    card, backbone = model.card, model.backbone
    if "reference" in model.weights:
        from stepcheck.engine.ratio import RatioEngine

        reference = model.weights["reference"].path
        return RatioEngine(backbone, reference, context=card.context, options=options, on_loading=on_loading)
    return LlamaEngine(
        backbone,
        mark=card.template.mark,
        context=card.context,
        options=options,
        mapped=card.weight_type in UNPACKED,
        adapter=model.weights["adapter"].path if "adapter" in model.weights else None,
        on_loading=on_loading,
    )
