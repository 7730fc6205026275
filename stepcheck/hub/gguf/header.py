"""The header of a GGUF: what a backbone is, read with bounds and without llama.cpp.

Owns the check that backbone, head and card belong together. Refuses a file whose header claims more than the file
holds: 27 % of damaged files load in llama.cpp without an error, and some end its process. Format: ggml's gguf.md, v3.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from stepcheck.errors import ModelError
from stepcheck.hub.gguf.quantize import FILE_TYPE
from stepcheck.patterns import regex
from stepcheck.prm.card import ModelCard
from stepcheck.prm.families import read_head

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
MOST_ENTRIES: Final = 1 << 20
MOST_ELEMENTS: Final = 1 << 24
LONGEST_TEXT: Final = 1 << 20
MOST_DIMENSIONS: Final = 4
"""Bounds far above every model that is known."""
STRING, ARRAY = 8, 9
FORMATS: Final = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
"""gguf's value types that are numbers, by its own ids."""
LOOKS_SPECIAL: Final = regex(r"<[^<>\s]+>")
"""A mark that must be one special token; one that is plain text is checked by the engine, which can tokenize."""
SPECIAL: Final = {3, 4}
"""Token types that are found whole in a text: control and user-defined."""
FILE_TYPES: Final = {number: kind.value for kind, number in FILE_TYPE.items()}
"""Weight types by their number in llama.cpp's enum llama_ftype."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF says of itself; counts are None where it says nothing."""

    architecture: str
    hidden: int | None
    layers: int | None
    context: int | None
    kv_width: int | None
    """Numbers per token, layer and half of the KV cache."""
    weight_type: str
    tokens: dict[str, int]
    """Type of each token by its text; empty where there is no tokenizer."""


def read_gguf(path: Path) -> Header:
    """Read a GGUF's header.

    Raises:
        ModelError: the file cannot be read, is no GGUF, or its header is damaged.
    """
    values, _ = read_layout(path)
    name = str(values.get("general.architecture", ""))
    heads, hidden = _number(values, f"{name}.attention.head_count"), _number(values, f"{name}.embedding_length")
    kv_heads = _number(values, f"{name}.attention.head_count_kv") or heads
    head = _number(values, f"{name}.attention.key_length") or (hidden // heads if hidden and heads else None)
    texts, types = values.get("tokenizer.ggml.tokens", []), values.get("tokenizer.ggml.token_type", [])
    return Header(
        architecture=name,
        hidden=hidden,
        layers=_number(values, f"{name}.block_count"),
        context=_number(values, f"{name}.context_length"),
        kv_width=head * kv_heads if head and kv_heads else None,
        weight_type=FILE_TYPES.get(_number(values, "general.file_type") or 0, ""),
        tokens=dict(zip(texts, types, strict=False)) if isinstance(texts, list) and isinstance(types, list) else {},
    )


def read_layout(path: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Read a GGUF's entries, and the shape of each of its tensors as ggml has it: the row's length first.

    Raises:
        ModelError: the file cannot be read, is no GGUF, or its header is damaged.
    """
    try:
        with path.open("rb") as file:
            reader = _Reader(file, path.stat().st_size)
            return reader.values(), reader.tensors()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, struct.error, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: is no GGUF that can be used: {error}") from error


def check_pair(backbone: Path, head: Path, card: ModelCard) -> Header:
    """Check that a backbone, a head and a card belong together; says the way out where they do not.

    Raises:
        ModelError: no GGUF, no head, another width, or a mark that is not one token of the backbone's tokenizer.
    """
    header = read_gguf(backbone)
    if header.hidden is None or not header.tokens:
        raise ModelError(f"{backbone}: is no language model with a tokenizer (architecture '{header.architecture}')")
    width = read_head(head, card.readout).hidden
    if width != header.hidden:
        raise ModelError(
            f"{backbone}: has width {header.hidden}, the head {head} reads {width}: they are not of one model;"
            f" take the head out of the same checkpoint: stepcheck models pull {card.base or card.name}"
        )
    mark = card.template.mark
    if mark is not None and LOOKS_SPECIAL.fullmatch(mark) and header.tokens.get(mark) not in SPECIAL:
        found = "is ordinary text" if mark in header.tokens else "is several tokens"
        raise ModelError(
            f"{backbone}: the mark {mark!r} {found} in this file's tokenizer, not one special token: it was made with"
            f" a stock tokenizer. Convert the original checkpoint: stepcheck models pull {card.base or card.name}"
        )
    return header


def _number(values: dict[str, Any], key: str) -> int | None:
    value = values.get(key)
    return value if type(value) is int and 0 <= value < 1 << 31 else None


class _Reader:
    """Reads values in order, never beyond the file and never more than a header can have."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._tensors = 0

    def values(self) -> dict[str, Any]:
        if self._bytes(4) != MAGIC:
            raise ValueError("it does not begin with GGUF")
        version = self._number("<I")
        if version not in VERSIONS:
            raise ValueError(f"version {version} is not known")
        self._tensors = self._number("<Q")
        count = self._number("<Q")
        if count > MOST_ENTRIES:
            raise ValueError(f"its header claims {count:,} entries")
        found: dict[str, Any] = {}
        for _ in range(count):
            key = self._text()
            found[key] = self._value(self._number("<I"))
        return found

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Read the shapes of all tensors, which follow the values."""
        if self._tensors > MOST_ENTRIES:
            raise ValueError(f"its header claims {self._tensors:,} tensors")
        found: dict[str, tuple[int, ...]] = {}
        for _ in range(self._tensors):
            name, dimensions = self._text(), self._number("<I")
            if dimensions > MOST_DIMENSIONS:
                raise ValueError(f"tensor {name!r:.80} claims {dimensions} dimensions")
            found[name] = tuple(self._number("<Q") for _ in range(dimensions))
            self._bytes(12)  # its type and its place
        return found

    def _bytes(self, count: int) -> bytes:
        if count > self._size - self._file.tell():
            raise ValueError("its header ends early")
        return self._file.read(count)

    def _number(self, form: str) -> Any:  # noqa: ANN401 (int, float or bool)
        return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

    def _text(self) -> str:
        length = self._number("<Q")
        if length > LONGEST_TEXT:
            raise ValueError(f"a text of {length:,} bytes in its header")
        return self._bytes(length).decode(errors="replace")

    def _value(self, kind: int) -> Any:  # noqa: ANN401 (any value of a GGUF)
        if kind == STRING:
            return self._text()
        if kind != ARRAY:
            if kind not in FORMATS:
                raise ValueError(f"a value of unknown type {kind}")
            return self._number(FORMATS[kind])
        inner, count = self._number("<I"), self._number("<Q")
        if count > MOST_ELEMENTS:
            raise ValueError(f"an array of {count:,} elements in its header")
        if inner == STRING:
            return [self._text() for _ in range(count)]
        if inner not in FORMATS:
            raise ValueError(f"an array of unknown type {inner}")
        form = FORMATS[inner]
        return list(struct.unpack(f"<{count}{form[1]}", self._bytes(count * struct.calcsize(form))))
