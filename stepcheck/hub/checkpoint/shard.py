"""A file of a checkpoint's weights, safetensors or pickled: which tensors it holds and where.

Owns telling the two apart, by the file's name, and reading either by ranges, so that a file on the hub is asked for its
head and its tail only.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from stepcheck.hub.checkpoint.container import Read
from stepcheck.hub.checkpoint.header import header_length, parse_header
from stepcheck.hub.checkpoint.pickled import parse_pickled
from stepcheck.hub.checkpoint.tensors import Tensor, open_weights

PICKLED: Final = ".bin"


def read_shard(path: Path, *, located: Collection[str] | None = None) -> dict[str, Tensor]:
    """Find the tensors of a file; `located` as in `parse_shard`.

    Raises:
        CheckpointError: it cannot be read, its sizes do not add up, or it holds anything but tensors.
    """
    with open_weights(path) as stream:

        def read(offset: int, size: int) -> bytes:
            stream.seek(offset)
            return bytes(stream.read(size))

        return parse_shard(path, path.stat().st_size, read, located=located)


def parse_shard(path: Path, size: int, read: Read, *, located: Collection[str] | None = None) -> dict[str, Tensor]:
    """Find the tensors of the file `path`, which has, or will have, `size` bytes that `read` gives.

    `located` may name the only tensors whose offsets must be right; see `parse_pickled`.

    Raises:
        CheckpointError: as `read_shard`.
    """
    if path.name.endswith(PICKLED):
        return parse_pickled(path, size, read, located=located)
    length = header_length(path, read(0, 8), size)
    return parse_header(path, read(8, length), size)
