"""The other forms that repositories keep a tokenizer in, made of a tokenizer.json."""

import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
Piece = tuple[str, float, int]


def varint(value: int) -> bytes:
    """Protobuf's way of writing a number."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | float) -> bytes:
    """One field of a message: bytes, a float or a whole number."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def message(fields: dict[int, Any]) -> bytes:
    """A message of such fields; texts are bytes."""
    return b"".join(field(number, value) for number, value in fields.items())


TRAINER: dict[int, Any] = {3: 2, 35: 1}
NORMALIZER: dict[int, Any] = {1: b"identity", 3: 1, 4: 0, 5: 1}
"""BPE with byte fallback, texts taken as they are: how Llama 2 and Mistral were trained."""


def model(pieces: Iterable[Piece], trainer: dict[int, Any] = TRAINER, normalizer: dict[int, Any] = NORMALIZER) -> bytes:
    """A tokenizer.model of these pieces."""
    body = b"".join(field(1, message({1: text.encode(), 2: score, 3: kind})) for text, score, kind in pieces)
    return body + field(2, message(trainer)) + field(3, message(normalizer))


def pieces_of(tokenizer: dict[str, Any]) -> list[Piece]:
    """The pieces of a SentencePiece vocabulary that a tokenizer.json holds, scored by the rank of their merges."""
    ranks: dict[str, float] = {}
    for left, right in tokenizer["model"]["merges"]:
        ranks.setdefault(left + right, -float(len(ranks) + 1))
    kinds = {entry["content"]: CONTROL for entry in tokenizer["added_tokens"]}
    kinds |= {tokenizer["model"]["unk_token"]: UNKNOWN, **{f"<0x{byte:02X}>": BYTE for byte in range(256)}}
    return [(text, ranks.get(text, 0.0), kinds.get(text, NORMAL)) for text in tokenizer["model"]["vocab"]]


def as_pieces(folder: Path) -> Path:
    """Leave a folder only its SentencePiece file, as Math-Shepherd's repository has it."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.model").write_bytes(model(pieces_of(tokenizer)))
    (folder / "tokenizer.json").unlink()
    return folder


def as_parts(folder: Path, **config: Any) -> Path:
    """Leave a folder vocabulary, merges and added tokens in files of their own, as EurusPRM-Stage1's has them."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "vocab.json").write_text(json.dumps(tokenizer["model"]["vocab"]), encoding="utf-8")
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    added = {entry["content"]: entry["id"] for entry in tokenizer["added_tokens"]}
    (folder / "added_tokens.json").write_text(json.dumps(added), encoding="utf-8")
    special = {"additional_special_tokens": [text for text in added if text != "<extra_0>"], "eos_token": "<|im_end|>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    settings = {"tokenizer_class": "Qwen2Tokenizer"} | config
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "tokenizer.json").unlink()
    return folder
