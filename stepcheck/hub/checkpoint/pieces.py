"""tokenizer.model: a SentencePiece vocabulary as SentencePiece itself writes it, read without its library.

Owns the few fields of its protobuf that a vocabulary is (sentencepiece_model.proto: pieces, trainer, normalizer), and
which of its settings llama.cpp repeats. Refuses every other by name: unigram models, texts that are normalized or cut
of spaces first, pieces that only stand in for others.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError

LARGEST: Final = 1 << 26
"""Bytes of such a file; that of a vocabulary of 256,000 pieces has 4 MB."""
UNKNOWN, CONTROL, USER_DEFINED, UNUSED = 2, 3, 4, 5
"""Types of pieces that are special, by the numbers of SentencePiece and llama.cpp alike."""
_BPE: Final = 2
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of the vocabulary; `kind` is llama.cpp's token type as well."""

    text: str
    score: float
    kind: int


def read_pieces(path: Path) -> list[Piece]:
    """Read a vocabulary, by id.

    Raises:
        CheckpointError: the file is no SentencePiece model, or one that llama.cpp would not repeat.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise CheckpointError(f"{path}: has {path.stat().st_size:,} bytes: it is no SentencePiece vocabulary")
        fields = list(_fields(path.read_bytes()))
        pieces = [_piece(value) for number, value in fields if number == _PIECES and isinstance(value, bytes)]
        trainer = _last(fields, _TRAINER)
        normalizer = _last(fields, _NORMALIZER)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, struct.error, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: no SentencePiece model, or a damaged one: {error}") from error
    if not pieces:
        raise CheckpointError(f"{path}: no SentencePiece model: it has no pieces")
    _check(path, pieces, trainer, normalizer)
    return pieces


def _check(path: Path, pieces: list[Piece], trainer: dict[int, Any], normalizer: dict[int, Any]) -> None:
    """Refuse settings under which llama.cpp would cut texts differently. Numbers are the proto's, defaults too."""
    rules = (
        (trainer.get(3, 1) == _BPE, "model_type is not BPE"),
        (bool(trainer.get(35, 0)), "byte_fallback is off"),
        (not trainer.get(24, 0), "treat_whitespace_as_suffix is on"),
        (not normalizer.get(2, b""), f"texts are normalized ({_name(normalizer)}: precompiled_charsmap)"),
        (not normalizer.get(4, 1), "remove_extra_whitespaces is on"),
        (bool(normalizer.get(5, 1)), "escape_whitespaces is off"),
        (not any(piece.kind == UNUSED for piece in pieces), "it has unused pieces"),
    )
    for kept, reason in rules:
        if not kept:
            raise CheckpointError(f"{path}: {reason}, which cannot be repeated in llama.cpp")


def _name(normalizer: dict[int, Any]) -> str:
    name = normalizer.get(1, b"")
    return name.decode(errors="replace")[:40] if isinstance(name, bytes) else "?"


def _piece(data: bytes) -> Piece:
    fields = dict(_fields(data))
    text, score, kind = fields.get(_TEXT, b""), fields.get(_SCORE, 0.0), fields.get(_TYPE, 1)
    if not isinstance(text, bytes) or not text or not isinstance(score, float) or not isinstance(kind, int):
        raise ValueError("a piece is not text, score and type")
    if score != score or not 1 <= kind <= 6:  # noqa: PLR0124, PLR2004 (NaN; SentencePiece has six types)
        raise ValueError(f"a piece has the score {score} and the type {kind}")
    return Piece(text.decode(), score, kind)


def _last(fields: list[tuple[int, Any]], wanted: int) -> dict[int, Any]:
    """Return the fields of a message inside; the last one counts, as protobuf says."""
    found = [value for number, value in fields if number == wanted and isinstance(value, bytes)]
    return dict(_fields(found[-1])) if found else {}


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield a message's fields: number, and an int, float or bytes by its wire type."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif wire == _BYTES:
            size, at = _varint(data, at)
            if size > len(data) - at:
                raise ValueError("it ends early")
            yield number, data[at : at + size]
            at += size
        elif wire in (_FOUR, _EIGHT):
            form = "<f" if wire == _FOUR else "<d"
            yield number, struct.unpack_from(form, data, at)[0]
            at += struct.calcsize(form)
        else:
            raise ValueError(f"a field of wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise ValueError("it ends early")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
    raise ValueError("a number without an end")
