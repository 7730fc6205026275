"""A card in the list of models, as a row for people and as an object for programs."""

from typing import TYPE_CHECKING, Any

from stepcheck.cli.transfer import size
from stepcheck.report.clean import clean_line

if TYPE_CHECKING:
    from stepcheck.hub.disk.store import Listed
    from stepcheck.prm.card import ModelCard


def row_of(entry: "Listed") -> tuple[str, str, str]:
    """Give name, what is here of it, and title."""
    if entry.card is None:
        return entry.name, "unreadable card", clean_line(str(entry.error))
    state = f"{entry.card.weight_type or '?'}, {size(_bytes(entry))}" if entry.ready else _missing(entry.card)
    return entry.name, state, clean_line(entry.card.title)


def _missing(card: "ModelCard") -> str:
    """Say what a card without usable files lacks."""
    from stepcheck.prm.families import runs

    if card.files is not None:
        return "files missing"
    return "to be pulled" if card.origin and runs(card) else "figures only"


def _bytes(entry: "Listed") -> int:
    """Bytes of a model's backbone."""
    files = entry.card.files if entry.card else None
    return (entry.path.parent / files.backbone).stat().st_size if files else 0


def entry_of(entry: "Listed") -> dict[str, Any]:
    """Describe a card for programs."""
    card = entry.card
    if card is None:
        return {"name": entry.name, "card": str(entry.path), "ready": False, "error": str(entry.error)}
    return {
        "name": card.name,
        "title": card.title,
        "card": str(entry.path),
        "built_in": entry.built_in,
        "ready": entry.ready,
        "base": card.base or None,
        "type": card.weight_type or None,
        "bytes": _bytes(entry) if entry.ready else None,
        "licence": card.licence,
        "readout": card.readout.kind,
        "repository": card.origin.repository if card.origin else None,
        "revision": card.origin.revision or None if card.origin else None,
    }
