"""Pickled weights as torch.save writes them, without torch: a zip container and a pickle made opcode by opcode.

`record` makes a file of any pickle and any entries, so that a test can say what it likes.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests import checkpoints

STORAGE = {"BF16": "BFloat16Storage", "F16": "HalfStorage", "F32": "FloatStorage"}
ORDERED = b"ccollections\nOrderedDict\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def number(value: int) -> bytes:
    """The shortest opcode that pickle's protocol 2 has for a whole number that is not negative."""
    if value < 1 << 8:
        return b"K" + value.to_bytes(1, "little")
    if value < 1 << 16:
        return b"M" + value.to_bytes(2, "little")
    if value < 1 << 31:
        return b"J" + value.to_bytes(4, "little")
    return (
        b"\x8a"
        + (value.bit_length() // 8 + 1).to_bytes(1, "little")
        + value.to_bytes(value.bit_length() // 8 + 1, "little")
    )


def numbers(values: tuple[int, ...]) -> bytes:
    """A tuple of whole numbers."""
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(dtype: str, key: str, count: int, shape: tuple[int, ...], offset: int = 0) -> bytes:
    """A tensor laid out row by row, in the storage `key` of `count` numbers."""
    strides = tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))
    storage = b"((" + text("storage") + f"ctorch\n{STORAGE[dtype]}\n".encode() + text(key) + text("cpu") + number(count)
    hooks = ORDERED + b")R"
    return REBUILD + storage + b"tQ" + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + hooks + b"tR"


def state_dict(entries: Mapping[str, bytes]) -> bytes:
    """The pickle of an ordered dict with these values, with the attribute that torch gives it."""
    body = b"".join(text(name) + value for name, value in entries.items())
    metadata = b"}" + text("_metadata") + ORDERED + b")Rsb"
    return b"\x80\x02" + ORDERED + b")Rq\x00(" + body + b"u" + metadata + b"."


def record(pickle: bytes, storages: Mapping[str, bytes], folder: str = "archive") -> bytes:
    """The container."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        file.writestr(f"{folder}/data.pkl", pickle)
        file.writestr(f"{folder}/byteorder", "little")
        for key, data in storages.items():
            file.writestr(f"{folder}/data/{key}", data)
        file.writestr(f"{folder}/version", "3\n")
    return out.getvalue()


def pack(tensors: Mapping[str, NDArray[np.float32]], dtype: str) -> bytes:
    """A file of tensors, a storage each."""
    entries = {name: tensor(dtype, str(i), array.size, array.shape) for i, (name, array) in enumerate(tensors.items())}
    storages = {str(i): checkpoints.encode(array, dtype) for i, array in enumerate(tensors.values())}
    return record(state_dict(entries), storages)


def repack(folder: Path) -> Path:
    """Replace a folder's safetensors files by pickled ones of the same tensors, its index with them."""
    names = {}
    for path in sorted(folder.glob("model*.safetensors")):
        names[path.name] = path.name.replace("model", "pytorch_model", 1).replace(".safetensors", ".bin")
        header = json.loads(path.read_bytes()[8:][: int.from_bytes(path.read_bytes()[:8], "little")])
        data = path.read_bytes()[8 + int.from_bytes(path.read_bytes()[:8], "little") :]
        entries, storages = {}, {}
        for i, (name, entry) in enumerate(header.items()):
            begin, end = entry["data_offsets"]
            shape = tuple(entry["shape"])
            entries[name] = tensor(entry["dtype"], str(i), int(np.prod(shape)), shape)
            storages[str(i)] = data[begin:end]
        (folder / names[path.name]).write_bytes(record(state_dict(entries), storages))
        path.unlink()
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        listed = json.loads(index.read_text(encoding="utf-8"))
        listed["weight_map"] = {name: names[shard] for name, shard in listed["weight_map"].items()}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(listed), encoding="utf-8")
        index.unlink()
    return folder
