"""Pickled weights (`pytorch_model.bin`) as data: which tensors a file holds and where, without running anything.

Owns what may stand in the pickle of a state dict and in its container: `torch.save` since 1.6 writes a zip container
with the pickle as `data.pkl` and every storage as `data/KEY`, so a tensor is a place in the file, as in safetensors.
Refuses storages that overlap, that are not as long as the pickle says, and tensors that are not laid out row by row.
"""

import math
import struct
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Final

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.container import Member, Read, locate, read_directory
from stepcheck.hub.checkpoint.opcodes import View, read_views
from stepcheck.hub.checkpoint.tensors import ELEMENT, Tensor

LONGEST: Final = 1 << 22
"""Bytes of a pickle; that of a model with 80 layers has 200 KB."""


def parse_pickled(path: Path, size: int, read: Read, *, located: Collection[str] | None = None) -> dict[str, Tensor]:
    """Return the tensors of the file `path`, which has `size` bytes that `read` gives.

    The place of a storage's bytes is told by its own header, a reading each. Where `located` names the tensors whose
    place is wanted, the offset of the others counts from their storage's header instead: good for shapes and for
    telling them apart.

    Raises:
        CheckpointError: the file is no such container, or its pickle holds anything but tensors by name.
    """
    try:
        entries = read_directory(size, read)
        prefix, pickle = _find_pickle(entries)
        _check_order(entries.get(f"{prefix}byteorder"), size, read)
        views = read_views(read(locate(pickle, size, read), pickle.size))
        stored = _storages(entries, prefix, views)
        wanted = {view.key for name, view in views.items() if located is None or name in located}
        begins = {key: locate(entry, size, read) if key in wanted else entry.header for key, entry in stored.items()}
        return {name: _tensor(path, name, view, begins[view.key]) for name, view in views.items()}
    except (ValueError, struct.error) as error:
        raise CheckpointError(f"{path}: cannot be read as pickled weights: {error}") from error


def _find_pickle(entries: dict[str, Member]) -> tuple[str, Member]:
    """Return the folder inside the container, and the pickle in it."""
    found = [entry for name, entry in entries.items() if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(found) != 1:
        raise ValueError(f"it has {len(found) or 'no'} data.pkl, not one")
    if found[0].size > LONGEST:
        raise ValueError(f"its pickle has {found[0].size:,} bytes; that of a model has far fewer than {LONGEST:,}")
    return found[0].name.removesuffix("data.pkl"), found[0]


def _check_order(order: Member | None, size: int, read: Read) -> None:
    """Refuse weights that were saved on a machine whose bytes go the other way."""
    if order is not None and read(locate(order, size, read), min(order.size, 16)) != b"little":
        raise ValueError("its numbers are not little-endian")


def _storages(entries: dict[str, Member], prefix: str, views: dict[str, View]) -> dict[str, Member]:
    """Find the entry of every storage that a tensor lies in; each has the bytes that the pickle says, and its own."""
    found: dict[str, Member] = {}
    for view in views.values():
        entry = entries.get(f"{prefix}data/{view.key}")
        if entry is None:
            raise ValueError(f"its pickle names a storage {view.key[:80]!r}, which it does not have")
        if entry.size != view.count * ELEMENT[view.dtype].itemsize:
            raise ValueError(f"storage {view.key[:80]!r} has {entry.size:,} bytes for {view.count:,} of {view.dtype}")
        found[view.key] = entry
    ordered = sorted(found.values(), key=lambda entry: entry.header)
    for one, two in pairwise(ordered):
        if one.header + one.size > two.header:
            raise ValueError(f"its entries {one.name[:80]!r} and {two.name[:80]!r} overlap")
    return found


def _tensor(path: Path, name: str, view: View, begin: int) -> Tensor:
    """Turn a view of a storage that begins at `begin` into a place."""
    count, stride = math.prod(view.shape), 1
    for extent, found in zip(reversed(view.shape), reversed(view.strides), strict=True):
        if extent > 1 and found != stride:
            raise ValueError(f"tensor {name[:80]!r} is not laid out row by row")
        stride *= extent
    if view.offset + count > view.count:
        raise ValueError(f"tensor {name[:80]!r} lies beyond its storage")
    item = ELEMENT[view.dtype].itemsize
    return Tensor(name, view.dtype, view.shape, path, begin + view.offset * item, count * item)
