"""What a pull would take, from the card alone: for when the hub cannot be asked, or need not be.

Owns the arithmetic. Refuses to guess where the card has no table: then nothing is known without the hub.
"""

from dataclasses import dataclass

from stepcheck.errors import ModelError
from stepcheck.hub.checkpoint.heads import conversion_of
from stepcheck.hub.disk.store import shipped
from stepcheck.hub.pull.offer import HEADER_BYTES, head_size
from stepcheck.prm.card import ModelCard


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of a pull in one weight type: what is downloaded, and what is kept."""

    weight_type: str
    download: int
    result: int
    what: str = "the original weights"
    """What is downloaded."""


def estimates(card: ModelCard) -> list[Estimate]:
    """Return one for every type of the card's table; none where the card has no table or no repository.

    Of a ready backbone there is the one that the card names, with head and adapter as they are shipped. The original
    weights are downloaded whatever the type: 16 bits each, the language model's head with them; a log ratio's reference
    is as large as the model.
    """
    ready = _ready(card)
    if ready is not None:
        return [ready]
    whole, shape = card.memory.get("bf16"), card.shape
    if card.origin is None or whole is None or shape is None:
        return []
    left_out = 0 if shape.tied or card.readout.kind in ("log_ratio", "critic") else 2 * shape.vocab * shape.hidden
    download = whole * 1_000_000 + left_out + head_size(card) // 2
    models = 2 if conversion_of(card.readout).paired else 1
    return [
        Estimate(kind, models * download, models * (megabytes * 1_000_000 + HEADER_BYTES) + head_size(card))
        for kind, megabytes in card.memory.items()
    ]


def _ready(card: ModelCard) -> Estimate | None:
    """Return what a card says of its ready files; None where it names none, or says no size."""
    origin = card.origin
    if origin is None or origin.backbone is None or not origin.backbone.size:
        return None
    parts = [origin.backbone, *(part for part in (origin.head, origin.adapter) if part)]
    try:
        there = shipped(card)
    except ModelError:
        return None
    whole = sum(part.size for part in parts) + sum(path.stat().st_size for path in there.values())
    download = sum(part.size for part in parts if part.repository)
    return Estimate(card.weight_type or "as it is", download, whole, origin.backbone.file)
