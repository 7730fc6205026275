"""The seam to the models on this machine: what a screen needs to know of each, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

from stepcheck.hub.checkpoint.heads import conversion_of
from stepcheck.hub.disk.store import Listed, list_models
from stepcheck.prm.card import ModelCard

_OVERHEAD = 1.2
"""A loaded model with its KV cache and buffers needs about a fifth more than its file (0.5B in q4_0: 620 MB of 530)."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model's card and its files' state."""

    name: str
    title: str
    state: str
    ready: bool
    fits: bool
    facts: tuple[tuple[str, str], ...]


def inventory(models_dir: Path | None, available: int) -> list[ModelRow]:
    """Every card, the user's own first; `available` is the memory that is free, in bytes."""
    return [_row(entry, available) for entry in list_models(models_dir)]


def available_memory() -> int:
    """Bytes that a model may take."""
    import psutil

    return int(psutil.virtual_memory().available)


def _row(entry: Listed, available: int) -> ModelRow:
    card = entry.card
    if card is None:
        return ModelRow(entry.name, str(entry.error), "unreadable card", ready=False, fits=False, facts=())
    size = _size(entry) if entry.ready else 0
    fits = size * _OVERHEAD <= available
    state = f"{card.weight_type or '?'}, {_bytes(size)}" if entry.ready else "not here"
    facts = [
        ("name", card.name),
        ("title", card.title),
        ("licence", card.licence),
        ("architecture", card.architecture),
        ("context", f"{card.context:,} tokens"),
        ("threshold", f"{card.threshold:g} ({card.threshold_source})"),
        ("card", str(entry.path)),
    ]
    if card.origin is not None:
        facts.append(("from", card.origin.repository))
    if entry.ready:
        need = f"{_bytes(int(size * _OVERHEAD))} of {_bytes(available)} free"
        facts.append(("memory", f"{'fits' if fits else 'does not fit'}: about {need}"))
    else:
        facts.append(("to get it", _how(card)))
    if card.notice:
        facts.append(("note", card.notice))
    return ModelRow(card.name, card.title, state, entry.ready, fits, tuple(facts))


def _how(card: ModelCard) -> str:
    if card.origin is None or conversion_of(card.readout).elsewhere:
        return f"stepcheck models convert FOLDER --card {card.name} --to q4_k_m"
    return f"Enter, or: stepcheck models pull {card.name}"


def _size(entry: Listed) -> int:
    files = entry.card.files if entry.card is not None else None
    if files is None:
        return 0
    return sum((entry.path.parent / name).stat().st_size for name in files.pinned)


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"  # noqa: PLR2004 (a gigabyte)
