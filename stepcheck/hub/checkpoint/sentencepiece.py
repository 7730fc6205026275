"""SentencePiece vocabularies (Llama 2, Mistral) as tokenizer.json holds them, and what llama.cpp needs of them.

Owns the way from ranked merges back to piece scores. SentencePiece, and llama.cpp after it, joins the neighbours whose
*piece* has the best score; tokenizer.json lists the *pairs* by rank, all pairs of a piece together. Refuses a list that
is not of that form: with it the two would cut texts differently.
"""

from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError
from stepcheck.patterns import regex

SPACE: Final = "▁"
"""Stands for a space in the pieces."""
BYTE: Final = regex(r"<0x[0-9A-F]{2}>")
"""A piece that stands for one byte of a character that has no piece."""


def is_sentencepiece(data: dict[str, Any]) -> bool:
    """Whether a tokenizer.json is of this kind: BPE that falls back to bytes."""
    model = data.get("model")
    return isinstance(model, dict) and bool(model.get("byte_fallback"))


def check_rules(path: Path, data: dict[str, Any]) -> None:
    """Refuse what llama.cpp would not do: it turns spaces into `▁` and cuts nothing beforehand.

    Raises:
        CheckpointError: another normalizer or pre-tokenizer, or a vocabulary without all the bytes.
    """
    normalizer, cutter = data.get("normalizer"), data.get("pre_tokenizer")
    parts = normalizer.get("normalizers", [normalizer]) if isinstance(normalizer, dict) else []
    for part in parts if isinstance(parts, list) else [parts]:
        prepends = isinstance(part, dict) and part.get("type") == "Prepend" and part.get("prepend") == SPACE
        if not prepends and not _replaces_spaces(part):
            raise CheckpointError(f"{path}: key 'normalizer': cannot be repeated in llama.cpp: {str(part)[:200]}")
    whole = isinstance(cutter, dict) and cutter.get("type") == "Metaspace" and cutter.get("split") is False
    if cutter is not None and not whole:
        raise CheckpointError(f"{path}: key 'pre_tokenizer': cannot be repeated in llama.cpp: {str(cutter)[:200]}")
    if not parts and not whole:
        raise CheckpointError(f"{path}: nothing turns spaces into {SPACE!r}: this is no SentencePiece vocabulary")
    check_bytes(path, data["model"]["vocab"])


def check_bytes(path: Path, vocab: dict[str, int]) -> None:
    """Refuse a vocabulary that falls back to bytes and does not have all of them."""
    missing = [f"<0x{byte:02X}>" for byte in range(256) if f"<0x{byte:02X}>" not in vocab]
    if missing:
        raise CheckpointError(f"{path}: byte fallback without the piece {missing[0]}")


def _replaces_spaces(part: object) -> bool:
    if not isinstance(part, dict) or part.get("type") != "Replace":
        return False
    return part.get("pattern") == {"String": " "} and part.get("content") == SPACE


def piece_scores(path: Path, vocab: dict[str, int], merges: list[tuple[str, str]], tokens: list[str]) -> list[float]:
    """Return the score of every token: minus the rank of the piece among all that merges make, 0 for those none makes.

    Raises:
        CheckpointError: the pairs of a piece do not stand together, or one of them is not in the list.
    """
    ranks: dict[str, int] = {}
    last = ""
    for left, right in merges:
        piece = left + right
        if piece != last and piece in ranks:
            raise CheckpointError(f"{path}: key 'model.merges': the pairs that make {piece!r} do not stand together")
        ranks.setdefault(piece, len(ranks) + 1)
        last = piece
    pairs = set(merges)
    for piece in vocab:
        if BYTE.fullmatch(piece):
            continue
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in vocab and right in vocab and (left, right) not in pairs and piece in ranks:
                raise CheckpointError(
                    f"{path}: key 'model.merges': {left!r} and {right!r} make {piece!r}, but are not listed;"
                    " llama.cpp would join them"
                )
    return [-float(ranks.get(token, 0)) for token in tokens]
