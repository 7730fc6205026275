"""A Hugging Face checkpoint folder: its JSON files, and its weights in one file or several.

Owns what a folder must hold, and the check that an index and its shards agree. Of two kinds of weights safetensors are
taken, for nothing in them needs to be refused.
"""

import json
from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.shard import read_shard
from stepcheck.hub.checkpoint.tensors import Tensor

INDEXES: Final = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLES: Final = ("model.safetensors", "pytorch_model.bin")
"""Names of weights in several files and in one, the better kind first."""


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


def read_json_if_there(path: Path) -> dict[str, Any]:
    """Read a JSON object as `read_json` does; an empty one where there is no such file."""
    return read_json(path) if path.is_file() else {}


def find_tensors(folder: Path) -> dict[str, Tensor]:
    """Find every tensor of the folder's weights; reads headers only.

    Raises:
        CheckpointError: no weights, a missing or broken shard, or an index that disagrees with its shards.
    """
    for index, single in zip(INDEXES, SINGLES, strict=True):
        if (folder / index).is_file():
            return _indexed(folder, folder / index)
        if (folder / single).is_file():
            return read_shard(folder / single)
    others = sorted(path.name for pattern in ("*.safetensors", "*.bin") for path in folder.glob(pattern))
    found = f"found only {', '.join(others[:4])}" if others else "found no weights"
    raise CheckpointError(f"{folder}: needs {', '.join((*SINGLES, *INDEXES))}; {found}")


def _indexed(folder: Path, index: Path) -> dict[str, Tensor]:
    places = read_index(index)
    for shard in sorted(set(places.values())):
        if not (folder / shard).is_file():
            raise CheckpointError(f"{index}: names the shard {shard}, which is not there; download it again")
    return assemble(index, places, {shard: read_shard(folder / shard) for shard in sorted(set(places.values()))})


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
