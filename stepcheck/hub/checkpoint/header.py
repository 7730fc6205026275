"""The header of a safetensors file: which tensors it holds and where.

Format: the safetensors README (8 bytes header length, JSON header, data; offsets are relative to the end of the
header). Refuses a file whose sizes do not add up.
"""

import json
import struct
from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.tensors import ELEMENT, Tensor

HEADER_LIMIT: Final = 100_000_000
"""Longest safetensors header that is read, in bytes; the reference library's limit."""


def header_length(path: Path, first: bytes, size: int) -> int:
    """Return the length of a safetensors header from the file's first 8 bytes; `size` is the whole file's.

    Raises:
        CheckpointError: there is no whole header.
    """
    length = struct.unpack("<Q", first)[0] if len(first) == 8 else HEADER_LIMIT + 1  # noqa: PLR2004 (u64)
    if length > HEADER_LIMIT or length + 8 > size:
        raise CheckpointError(f"{path}: broken or truncated: it has no whole safetensors header")
    return int(length)


def parse_header(path: Path, raw: bytes, size: int) -> dict[str, Tensor]:
    """Turn a safetensors header into places in the file `path`, which has, or will have, `size` bytes.

    Raises:
        CheckpointError: it is malformed, or its sizes do not add up to the file's.
    """
    end = 8 + len(raw)
    try:
        header = json.loads(raw)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        tensors = [_tensor(path, name, entry, end) for name, entry in entries.items()]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: broken: its safetensors header is malformed: {error}") from error
    for tensor in sorted(tensors, key=lambda tensor: (tensor.offset, tensor.nbytes)):
        if tensor.offset != end:
            raise CheckpointError(f"{path}: broken: tensor {tensor.name} does not start where the one before ends")
        end += tensor.nbytes
    if end != size:
        raise CheckpointError(
            f"{path}: broken or truncated: {size:,} bytes, its header tells of {end:,}; download it again"
        )
    return {tensor.name: tensor for tensor in tensors}


def _tensor(path: Path, name: str, entry: dict[str, Any], base: int) -> Tensor:
    """Turn a header entry into a place; TypeError and KeyError mean a malformed entry."""
    begin, end = entry["data_offsets"]
    dtype, shape = str(entry["dtype"]), tuple(entry["shape"])
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)) or end < begin:
        raise ValueError(f"tensor {name}: sizes must be whole numbers that are not negative")
    if dtype in ELEMENT:
        expected = ELEMENT[dtype].itemsize
        for extent in shape:
            expected *= extent
        if end - begin != expected:
            raise ValueError(f"tensor {name}: {dtype} {list(shape)} takes {expected} bytes, not {end - begin}")
    return Tensor(name=name, dtype=dtype, shape=shape, file=path, offset=base + begin, nbytes=end - begin)
