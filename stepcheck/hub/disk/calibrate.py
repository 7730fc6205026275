"""A tuned threshold goes into a model's card, with its source, and nowhere else.

Refuses the cards that are shipped: a threshold is the user's own finding, and stands in the user's own card.
"""

import os
import tempfile
from pathlib import Path

import msgspec

from stepcheck.errors import ModelError, UsageError
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.prm.card import ModelCard, read_card, render_card


def keep_threshold(card_path: Path, threshold: float, source: str) -> ModelCard:
    """Write a threshold and where it comes from (`tuned on gsm8k, F1 82.4`) into a card; the file changes at once.

    Raises:
        UsageError: the threshold is not between 0 and 1.
        ModelError: the card is one that is shipped, or cannot be written.
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"threshold {threshold} is not between 0 and 1")
    if card_path.resolve().is_relative_to(builtin_dir().resolve()):
        raise ModelError(
            f"{card_path}: is shipped with stepcheck and stays as it is; give the threshold with --threshold, or keep"
            " it in stepcheck.toml"
        )
    card = msgspec.structs.replace(read_card(card_path), threshold=threshold, threshold_source=source)
    part = None
    try:
        handle, part = tempfile.mkstemp(dir=card_path.parent, prefix=".card-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render_card(card))
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(card_path)
    except OSError as error:
        if part is not None:
            Path(part).unlink(missing_ok=True)
        raise ModelError(f"{card_path}: cannot be written: {error.strerror}") from error
    return card
