"""Pickled weights are read as data: what torch saved comes back exactly, and nothing that a file says is ever done."""

import json
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import find_tensors
from stepcheck.hub.checkpoint.shape import read_shape
from stepcheck.hub.checkpoint.shard import read_shard
from stepcheck.hub.checkpoint.tensors import Tensor
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from tests import checkpoints, pickles
from tests.checkpoints import Spec

SMALL = Spec(layers=1, hidden=16, heads=2, kv_heads=1, feed_forward=32)
HOOKS = b"\x89" + pickles.ORDERED + b")R"


def numbers(tensor: Tensor) -> Any:
    """A tensor's numbers, in its shape."""
    return np.concatenate(list(tensor.rows(1000))).reshape(tensor.shape)


def written(path: Path, pickle: bytes, **storages: bytes) -> Path:
    path.write_bytes(pickles.record(pickle, storages))
    return path


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_what_torch_saved_comes_back_exactly(dtype: str, tmp_path: Path) -> None:
    """A module's state: matrices, vectors, two names for one storage, a part of a larger storage, and its metadata."""
    torch = pytest.importorskip("torch")
    kind = getattr(torch, dtype)
    state = torch.nn.Sequential(torch.nn.Linear(50, 70), torch.nn.LayerNorm(70)).to(kind).state_dict()
    state["tied"] = state["0.weight"]
    state["part"] = torch.randn(40).to(kind)[3:33].view(5, 6)
    path = tmp_path / "pytorch_model.bin"
    torch.save(state, path)
    found = read_shard(path)
    assert found.keys() == state.keys()
    for name, expected in state.items():
        assert np.array_equal(numbers(found[name]), expected.float().numpy()), name
    assert found["tied"].offset == found["0.weight"].offset


def test_our_files_are_what_torch_reads(tmp_path: Path) -> None:
    """The tests' own files, made without torch, are files that torch loads, to the same numbers."""
    torch = pytest.importorskip("torch")
    tensors = checkpoints.weights(SMALL, 50)
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(pickles.pack(tensors, "BF16"))
    loaded = torch.load(path, weights_only=True)
    assert loaded.keys() == tensors.keys()
    for name, expected in tensors.items():
        assert np.array_equal(loaded[name].float().numpy(), expected)
        assert np.array_equal(numbers(read_shard(path)[name]), expected)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_pickled_checkpoint_converts_to_the_same_bytes(shards: int, tmp_path: Path) -> None:
    """One file or three with an index: backbone and head are byte for byte those of the same weights in safetensors."""
    spec = Spec(layers=2, shards=shards)
    plain = convert(checkpoints.write(tmp_path / "a", spec), tmp_path, weight_type=WeightType.Q8_0, name="m")
    folder = pickles.repack(checkpoints.write(tmp_path / "b", spec))
    made = convert(folder, tmp_path / "out", weight_type=WeightType.Q8_0, name="m")
    for ending in (".gguf", ".head.safetensors"):
        assert made.with_suffix("").with_suffix(ending).read_bytes() == (
            plain.with_suffix("").with_suffix(ending).read_bytes()
        )
    assert not list(folder.glob("*.safetensors"))


def test_safetensors_go_first(tmp_path: Path) -> None:
    """Where both are there, the pickled file is not even opened."""
    folder = checkpoints.write(tmp_path / "c", SMALL)
    (folder / "pytorch_model.bin").write_bytes(b"no container")
    assert "score.0.weight" in find_tensors(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin: cannot be read as pickled weights"):
        find_tensors(folder)
    assert read_shape(folder).hidden == 16


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("nt", "a")])
def test_a_pickle_that_would_run_something_is_refused_by_name(module: str, name: str, tmp_path: Path) -> None:
    """What it would call is named, and is not called."""
    mark = tmp_path / "executed"
    call = f"c{module}\n{name}\n".encode() + b"(" + pickles.text(f"touch {mark}") + b"tR"
    path = written(tmp_path / "pytorch_model.bin", pickles.state_dict({"a": call}))
    with pytest.raises(CheckpointError, match=f"its pickle names '{module}.{name}', which is not data") as caught:
        read_shard(path)
    assert str(path) in str(caught.value)
    assert not mark.exists()


def test_a_call_that_torch_saved_is_refused_by_name(tmp_path: Path) -> None:
    """An object whose pickle calls os.system, saved by torch itself: the name is said, the call not made."""
    torch = pytest.importorskip("torch")
    import os

    mark = tmp_path / "executed"

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {mark}",)

    torch.save({"a": Hostile()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=rf"names '{os.system.__module__}\.system', which is not data"):
        read_shard(tmp_path / "pytorch_model.bin")
    assert not mark.exists()


def in_dict(value: bytes) -> bytes:
    return pickles.state_dict({"a": value})


def view(shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, count: int = 6) -> bytes:
    """A tensor with any strides in a storage of float32."""
    storage = b"((" + pickles.text("storage") + b"ctorch\nFloatStorage\n" + pickles.text("0") + pickles.text("cpu")
    places = pickles.number(offset) + pickles.numbers(shape) + pickles.numbers(strides)
    return in_dict(pickles.REBUILD + storage + pickles.number(count) + b"tQ" + places + HOOKS + b"tR")


PICKLES: dict[str, tuple[bytes, str]] = {
    "opcode": (b"\x80\x02cos\nsystem\n", "names 'os.system'"),
    "object": (b"\x80\x02(ios\nsystem\n.", "opcode INST (0x69) at byte 3"),
    "new object": (b"\x80\x02" + pickles.ORDERED + b")\x81.", "opcode NEWOBJ (0x81)"),
    "newer global": (b"\x80\x02" + pickles.text("os") + pickles.text("system") + b"\x93.", "opcode STACK_GLOBAL"),
    "extension": (b"\x80\x02\x82\x01.", "opcode EXT1 (0x82)"),
    "unknown": (b"\x80\x02\xff.", "opcode unknown (0xff)"),
    "list": (in_dict(b"]"), "opcode EMPTY_LIST"),
    "protocol": (b"\x80\x04}.", "not of protocol 2"),
    "nothing": (b"", "not of protocol 2"),
    "number": (in_dict(b"K\x01"), "holds a int under 'a', where a tensor should be"),
    "dict": (in_dict(b"}"), "holds a dict under 'a'"),
    "name": (in_dict(pickles.ORDERED), "holds the name collections.OrderedDict under 'a'"),
    "no dict": (b"\x80\x02N.", "holds a nonetype, not tensors by name"),
    "key": (b"\x80\x02}K\x01Ns.", "names an entry by a int"),
    "twice": (b"\x80\x02}" + 2 * (pickles.text("a") + b"Ns") + b".", "two entries 'a'"),
    "odd": (b"\x80\x02}(Nu.", "put entries into a dict"),
    "into a text": (b"\x80\x02" + pickles.text("a") + b"(NNu.", "put entries into a str"),
    "attributes": (b"\x80\x02N}b.", "set attributes of a nonetype"),
    "call of a storage": (in_dict(b"ctorch\nFloatStorage\n)R"), "would call torch.FloatStorage"),
    "call of a dict": (in_dict(b"})R"), "would call a dict"),
    "dict of something": (in_dict(pickles.ORDERED + b"N\x85R"), "would call collections.OrderedDict"),
    "outside": (in_dict(pickles.text("file:///etc/passwd") + b"Q"), "no storage of numbers"),
    "storage of dicts": (
        in_dict(b"(" + pickles.text("storage") + pickles.ORDERED + 2 * pickles.text("a") + b"K\x01tQ"),
        "no storage of numbers",
    ),
    "double": (in_dict(b"ctorch\nDoubleStorage\n"), "names 'torch.DoubleStorage'"),
    "parameter": (in_dict(b"ctorch._utils\n_rebuild_parameter\n"), "names 'torch._utils._rebuild_parameter'"),
    "early": (b"\x80\x02X\xff\xff\xff\x7fa.", "ends early"),
    "no end": (b"\x80\x02}", "ends early"),
    "left over": (b"\x80\x02}}.", "something left over"),
    "empty stack": (b"\x80\x02R.", "takes more than there is"),
    "below the mark": (b"\x80\x02N(\x85.", "takes more than there is"),
    "no mark": (b"\x80\x02t.", "takes more than there is"),
    "recall": (b"\x80\x02h\x05.", "recalls what it never kept"),
    "deep": (b"\x80\x02" + 1000 * b"(" + b".", "nested more deeply"),
    "wide": (b"\x80\x02" + 300_000 * b"N" + b".", "larger than that of any model"),
    "long": (in_dict(b"\x8a\xff" + 255 * b"\x7f"), "beyond all sizes"),
    "text": (in_dict(b"X\x01\x00\x00\x00\xff"), "not UTF-8"),
    "no name": (b"\x80\x02cos", "names something without an end"),
    "transposed": (view((2, 3), (1, 2)), "tensor 'a' is not laid out row by row"),
    "one number for all": (view((2, 3), (0, 0)), "tensor 'a' is not laid out row by row"),
    "beyond": (view((2, 3), (3, 1), offset=1), "tensor 'a' lies beyond its storage"),
    "wide stride": (view((1, 7), (9, 1)), "tensor 'a' lies beyond its storage"),
    "giant": (view((1 << 40, 1 << 40), (1 << 40, 1)), "tensor 'a' lies beyond its storage"),
    "above all": (view((1 << 60,), (1,)), "sizes that are none"),
    "strides": (view((2, 3), (1,)), "sizes that are none"),
    "bytes": (view((7,), (1,), count=7), "storage '0' has 24 bytes for 7 of F32"),
}


@pytest.mark.parametrize("case", PICKLES)
def test_what_is_no_state_dict_is_refused_by_name(case: str, tmp_path: Path) -> None:
    """Every opcode, name, nesting and size that a state dict has not: the file and what is wrong are said."""
    pickle, words = PICKLES[case]
    path = written(tmp_path / "pytorch_model.bin", pickle, **{"0": bytes(24)})
    with pytest.raises(CheckpointError) as caught:
        read_shard(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


GOOD = pickles.record(in_dict(pickles.tensor("F32", "0", 6, (2, 3))), {"0": bytes(24)})
DIRECTORY = GOOD.index(b"PK\x01\x02")
END = GOOD.index(b"PK\x05\x06")


def changed(place: int, data: bytes) -> bytes:
    return GOOD[:place] + data + GOOD[place + len(data) :]


def compressed() -> bytes:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(1 << 26))
    return out.getvalue()


CONTAINERS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "no zip container"),
    "cut": (lambda: GOOD[:-1], "no zip container"),
    "legacy": (lambda: b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "before torch 1.6"),
    "bomb": (compressed, "is compressed"),
    "encrypted": (lambda: changed(DIRECTORY + 8, b"\x01\x00"), "is encrypted"),
    "two sizes": (lambda: changed(DIRECTORY + 24, b"\x01\x00"), "is stored in"),
    "wide size": (lambda: changed(DIRECTORY + 20, b"\xff\xff\xff\xff"), "directory is damaged"),
    "beyond": (lambda: changed(DIRECTORY + 42, b"\xff\xff\xff\x7f"), "lies beyond the end"),
    "elsewhere": (lambda: changed(DIRECTORY + 42, b"\x05"), "is not where the directory says"),
    "count": (lambda: changed(END + 8, struct.pack("<HH", 99, 99)), "directory is damaged"),
    "giant count": (lambda: changed(END + 8, b"\xff\xff\xff\xff"), "does not add up"),
    "disks": (lambda: changed(END + 4, b"\x01\x00"), "does not add up"),
    "length": (lambda: changed(END + 12, b"\xff\xff\xff\x7f"), "does not add up"),
    "other name": (lambda: GOOD.replace(b"archive/data.pkl", b"archive/data.txt"), "has no data.pkl"),
    "no storage": (lambda: GOOD.replace(b"archive/data/0", b"archive/data/1"), "names a storage '0'"),
    "big end": (lambda: GOOD.replace(b"little", b"big   "), "not little-endian"),
    "twice": (lambda: GOOD.replace(b"archive/version", b"archive/data.pkl"[:15]), "archive/data.pk"),
    "two names": (lambda: GOOD.replace(b"archive/byteorder", b"archive/data/0\0\0\0"), ""),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_a_container_that_is_none_is_refused(case: str, tmp_path: Path) -> None:
    """Cut, compressed, encrypted, of sizes that do not add up: said, and nothing is unpacked."""
    make, words = CONTAINERS[case]
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(make())
    if case in ("twice", "two names"):  # entries of no use are not looked at
        assert read_shard(path).keys() == {"a"}
        return
    with pytest.raises(CheckpointError) as caught:
        read_shard(path)
    assert words in str(caught.value)


def test_storages_that_overlap_are_refused(tmp_path: Path) -> None:
    """Two storages over the same bytes, told apart by the directory only: refused, though each alone would be right."""
    data = pickles.record(
        pickles.state_dict({name: pickles.tensor("F32", key, 6, (6,)) for name, key in (("a", "0"), ("b", "1"))}),
        {"0": bytes(24), "1": bytes(24)},
    )
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(data)
    assert read_shard(path).keys() == {"a", "b"}
    first = data.index(b"archive/data/0") - 30
    entry = data.rindex(b"archive/data/1") - 46
    path.write_bytes(data[: entry + 42] + struct.pack("<I", first + 8) + data[entry + 46 :])
    with pytest.raises(CheckpointError, match=r"overlap|not where the directory says"):
        read_shard(path)


MUTATE = """
import json, random, sys, time
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from tests.memory import peak
from tests.test_pickled import mutated
from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.shard import read_shard

seen = []
def hook(event, arguments):
    if event.split(".")[0] in {"os", "subprocess", "exec", "compile", "pickle", "ctypes", "socket"} and armed:
        seen.append(event)
    if event == "import" and armed:
        seen.append(f"import {arguments[0]}")
armed = False
sys.addaudithook(hook)
path, count, results = Path(sys.argv[1]), int(sys.argv[2]), {}
slowest = 0.0
for seed in range(count):
    path.write_bytes(mutated(seed))
    began = time.perf_counter()
    armed = True
    try:
        for tensor in read_shard(path).values():
            for _ in tensor.rows(1 << 20):
                pass
        result = "read"
    except CheckpointError:
        result = "refused"
    except Exception as error:
        result = f"{type(error).__name__} in {seed}"
    armed = False
    slowest = max(slowest, time.perf_counter() - began)
    results[result] = results.get(result, 0) + 1
print(json.dumps([results, sorted(set(seen)), slowest, peak()]))
"""
WEIGHTS = checkpoints.weights(SMALL, 50)
SEEDS: list[tuple[bytes, dict[str, bytes]]] = [
    (
        pickles.state_dict(
            {name: pickles.tensor("BF16", str(i), w.size, w.shape) for i, (name, w) in enumerate(WEIGHTS.items())}
        ),
        {str(i): checkpoints.encode(array, "BF16") for i, array in enumerate(WEIGHTS.values())},
    ),
    (in_dict(pickles.tensor("F32", "0", 6, (2, 3))), {"0": bytes(24)}),
    (in_dict(b"cos\nsystem\n(" + pickles.text("touch executed") + b"tR"), {"0": bytes(24)}),
    (in_dict(pickles.tensor("F32", "1", 6, (2, 3))), {"0": GOOD, "1": bytes(24)}),
]
SPLICES = (
    *(b"(", b"}", b")", b"]", b"N", b"t", b"u", b"s", b"b", b"R", b"Q", b"0", b"2", b"1", b"."),
    *(b"\x81", b"\x93", b"\x82\x01", b"cos\nsystem\n", b"cbuiltins\neval\n", b"\x8a\x08" + 8 * b"\x7f"),
    *(b"X\xff\xff\xff\xff", b"r\xff\xff\xff\xff", b"J\xff\xff\xff\xff", 4000 * b"(", 4000 * b"}q\x00"),
    *(b"PK\x05\x06" + 18 * b"\xff", b"PK\x06\x06", b"PK\x06\x07" + bytes(16), GOOD),
)


def mutated(seed: int) -> bytes:
    """A pickle or its whole container damaged at one to six places: bits, opcodes, names, offsets, sizes, parts."""
    rng = random.Random(seed)
    pickle, storages = SEEDS[seed % len(SEEDS)]
    if seed % 8 < 4:
        return pickles.record(damaged(pickle, rng), storages)
    return damaged(pickles.record(pickle, storages), rng)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Damage where a reader looks first: the beginning, the directory at the end of a container, anywhere."""
    out = bytearray(data)
    starts = [place for place in (data.find(b"PK\x01\x02"), data.find(b"PK\x05\x06"), 0) if place >= 0]
    for _ in range(rng.randint(1, 6)):
        place = rng.choice([rng.randrange(len(out)), rng.choice(starts) + rng.randrange(120)])
        place = min(place, len(out) - 1)
        match rng.randrange(5):
            case 0:
                out[place] ^= 1 << rng.randrange(8)
            case 1:
                out[place : place + 4] = struct.pack("<I", rng.choice([0, 1, 255, 0x7FFFFFFF, 0xFFFFFFFF]))
            case 2:
                out[place:place] = rng.choice(SPLICES)
            case 3:
                del out[place : place + rng.randrange(1, min(200, len(out)))]
            case _:
                out[place : place + 8] = struct.pack("<Q", rng.getrandbits(rng.randrange(1, 64)))
    return bytes(out)


def look_at(count: int, folder: Path) -> tuple[dict[str, int], list[str], float, int]:
    """Read so many damaged files in one process; return what came of them, the events seen, seconds and bytes."""
    pytest.importorskip("resource", reason="peak memory is read through POSIX")
    command = [
        sys.executable,
        "-c",
        MUTATE,
        str(folder / "pytorch_model.bin"),
        str(count),
        str(Path(__file__).parents[1]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    results, seen, slowest, most = json.loads(done.stdout)
    print(f"{count} damaged files: {results}, slowest {slowest:.3f} s, peak {most / 1e6:.0f} MB")
    assert not (folder / "executed").exists()
    return results, seen, slowest, most


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.soak)])
def test_damaged_files_do_nothing(count: int, tmp_path: Path) -> None:
    """Opcodes, names, offsets and sizes changed: read or refused, nothing run or imported, within 5 s and 500 MB."""
    results, seen, slowest, most = look_at(count, tmp_path)
    assert results.keys() <= {"read", "refused"}
    assert results["refused"] > count // 2
    assert seen == []
    assert slowest <= 5
    assert most <= 500e6


LARGEST = {
    "marks": b"\x80\x02" + 4_000_000 * b"(",
    "texts": b"\x80\x02}(" + 500_000 * (pickles.text("ab") + b"N") + b"u.",
    "memory": b"\x80\x02" + b"".join(b"}r" + struct.pack("<I", i) + b"(}t" for i in range(400_000)) + b".",
    "doubling": b"\x80\x02N" + 1_000_000 * b"q\x00h\x00\x86" + b".",
    "dicts": b"\x80\x02" + 250_000 * b"}" + 500_000 * b"q\x00" + b".",
}


@pytest.mark.parametrize("case", LARGEST)
def test_the_largest_pickle_stays_within_bounds(case: str, tmp_path: Path) -> None:
    """Pickles of millions of opcodes, as large as are read at all, end within 5 s and 500 MB."""
    pytest.importorskip("resource", reason="peak memory is read through POSIX")
    path = written(tmp_path / "pytorch_model.bin", LARGEST[case])
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\nfrom tests.memory import peak\n"
        "from stepcheck.errors import CheckpointError\nfrom stepcheck.hub.checkpoint.shard import read_shard\n"
        "began = time.perf_counter()\n"
        "try:\n    read_shard(Path(sys.argv[1]))\nexcept CheckpointError as error:\n"
        "    print(time.perf_counter() - began, peak(), error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, most, *words = done.stdout.split(maxsplit=2)
    print(f"{case}: {float(seconds):.2f} s, {int(most) / 1e6:.0f} MB: {words[0][-80:]}")
    assert float(seconds) <= 5
    assert int(most) <= 500e6
