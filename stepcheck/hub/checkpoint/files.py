"""A Hugging Face checkpoint folder: config.json and safetensors shards, read with seeks and without torch.

Owns what a folder must hold to be a backbone with a reward head, and every check on its files. Refuses pickled
weights, unknown architectures and shards whose sizes do not add up. Format: the safetensors README (8 bytes header
length, JSON header, data; offsets are relative to the end of the header).
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError

HEAD: Final = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")
LINEAR_HEADS: Final = (("v_head.summary.weight", "v_head.summary.bias"), ("score.weight", "score.bias"))
"""Value heads (Skywork, trl's value models) and the heads of token classification; a bias may be absent."""
UNUSED: Final = ("lm_head.weight", "rotary_emb.inv_freq")
"""Tensors that may be there and are left out: no reward depends on them."""
HEADER_LIMIT: Final = 100_000_000
"""Longest safetensors header that is read, in bytes; the reference library's limit."""
SLAB: Final = 1 << 22
"""Weights in memory at a time: 16 MB as float32."""
ELEMENT: Final[dict[str, np.dtype[Any]]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies: `offset` and `nbytes` count bytes in `file`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int
    nbytes: int

    def rows(self, most: int) -> Iterator[NDArray[np.float32]]:
        """Yield the tensor as float32 matrices of at most about `most` elements, in order; a vector is one row.

        Raises:
            CheckpointError: the file ends early or a value is NaN or infinite.
        """
        columns = self.shape[-1]
        count = self.nbytes // ELEMENT[self.dtype].itemsize // columns
        step = max(1, most // columns)
        with _open(self.file) as stream:
            stream.seek(self.offset)
            for start in range(0, count, step):
                size = min(step, count - start) * columns * ELEMENT[self.dtype].itemsize
                values = _floats(stream.read(size), self.dtype)
                if values.nbytes // 4 * ELEMENT[self.dtype].itemsize != size:
                    raise CheckpointError(f"{self.file}: tensor {self.name}: the file ends early; download it again")
                if not np.isfinite(values).all():
                    raise CheckpointError(f"{self.file}: tensor {self.name}: holds NaN or infinite weights")
                yield values.reshape(-1, columns)


def _floats(data: bytes, dtype: str) -> NDArray[np.float32]:
    """Decode to float32, exactly; bfloat16 is the upper half of a float32."""
    size = ELEMENT[dtype].itemsize
    values = np.frombuffer(data[: len(data) // size * size], ELEMENT[dtype])
    if dtype == "BF16":
        return np.left_shift(values.astype(np.uint32), 16).view(np.float32)
    return values.astype(np.float32, copy=False)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: missing, unreadable, not JSON, or not an object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not a JSON file: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: expected an object, found {type(data).__name__}")
    return data


def find_tensors(folder: Path) -> dict[str, Tensor]:
    """Find every tensor of the folder's safetensors files; reads headers only.

    Raises:
        CheckpointError: no weights, a missing or broken shard, or an index that disagrees with its shards.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return _indexed(folder, index)
    single = folder / "model.safetensors"
    if not single.is_file():
        others = sorted(path.name for path in folder.glob("*.safetensors")) + sorted(
            path.name for path in folder.glob("*.bin")
        )
        found = f"found only {', '.join(others[:4])}" if others else "found no weights"
        raise CheckpointError(
            f"{folder}: needs model.safetensors or model.safetensors.index.json; {found}"
            " (pickled .bin weights are never read)"
        )
    return read_header(single)


def _indexed(folder: Path, index: Path) -> dict[str, Tensor]:
    places = read_index(index)
    for shard in sorted(set(places.values())):
        if not (folder / shard).is_file():
            raise CheckpointError(f"{index}: names the shard {shard}, which is not there; download it again")
    return assemble(index, places, {shard: read_header(folder / shard) for shard in sorted(set(places.values()))})


def read_index(index: Path) -> dict[str, str]:
    """Read which shard holds which tensor: tensor name → file name.

    Raises:
        CheckpointError: it is no index, or a shard's name leads out of the folder.
    """
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise CheckpointError(f"{index}: key 'weight_map': expected an object that names a shard per tensor")
    for shard in {str(value) for value in places.values()}:
        if Path(shard).name != shard or "\\" in shard or ":" in shard:
            raise CheckpointError(f"{index}: {shard!r} is not the name of a file in this folder")
    return {name: str(shard) for name, shard in places.items()}


def assemble(index: Path, places: dict[str, str], shards: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """Find each tensor of an index in the shard where it is said to be."""
    for name, shard in places.items():
        if name not in shards[shard]:
            raise CheckpointError(f"{index}: tensor {name} is not in {shard}, where the index places it")
    return {name: shards[shard][name] for name, shard in places.items()}


def read_header(path: Path) -> dict[str, Tensor]:
    """Read one safetensors header and check that its tensors fill the file exactly.

    Raises:
        CheckpointError: the header is no header, or its sizes do not add up to the file's.
    """
    size = path.stat().st_size
    with _open(path) as stream:
        length = header_length(path, stream.read(8), size)
        return parse_header(path, stream.read(length), size)


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


def take(tensors: dict[str, Tensor], name: str, shape: tuple[int, ...], folder: Path) -> Tensor:
    """Return a tensor after checking that it is there, in this shape, in a type that can be read."""
    if name not in tensors:
        raise CheckpointError(f"{folder}: tensor {name} is missing")
    tensor = tensors[name]
    if tensor.shape != shape:
        raise CheckpointError(f"{tensor.file}: tensor {name} has shape {list(tensor.shape)}, expected {list(shape)}")
    if tensor.dtype not in ELEMENT:
        raise CheckpointError(
            f"{tensor.file}: tensor {name} has type {tensor.dtype}; only {', '.join(ELEMENT)} are read"
        )
    return tensor


def _open(path: Path) -> Any:  # noqa: ANN401 (a binary file)
    try:
        return path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
