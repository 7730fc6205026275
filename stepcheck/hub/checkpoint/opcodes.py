"""The pickle of a state dict, read as data: the few opcodes of protocol 2 that one is made of, and nothing else.

Owns the list of opcodes and of names. A name is compared, never looked up: nothing is imported, called or made but
texts, numbers, tuples and dicts. Refuses every other opcode and every other name, by name. Format: the opcodes as
CPython's `pickletools` documents them; what `torch.save` writes with them, as the public checkpoints show it.
"""

import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

DICT: Final = "collections.OrderedDict"
TENSOR: Final = "torch._utils._rebuild_tensor_v2"
STORAGES: Final = MappingProxyType(
    {"torch.BFloat16Storage": "BF16", "torch.HalfStorage": "F16", "torch.FloatStorage": "F32"}
)
"""The kinds of numbers that are read, by the name that stands for each; a checkpoint has one of them."""
DEEPEST: Final = 1 << 8
MOST: Final = 1 << 18
"""Bounds on nested marks, and on what waits on the stack or is remembered."""
_REFUSED: Final = """
30 POP, 31 POP_MARK, 32 DUP, 42 BINBYTES, 43 SHORT_BINBYTES, 46 FLOAT, 47 BINFLOAT, 49 INT, 4c LONG, 50 PERSID,
53 STRING, 54 BINSTRING, 55 SHORT_BINSTRING, 56 UNICODE, 5d EMPTY_LIST, 61 APPEND, 64 DICT, 65 APPENDS, 67 GET,
69 INST, 6c LIST, 6f OBJ, 70 PUT, 80 PROTO, 81 NEWOBJ, 82 EXT1, 83 EXT2, 84 EXT4, 8b LONG4, 8c SHORT_BINUNICODE,
8d BINUNICODE8, 8e BINBYTES8, 8f EMPTY_SET, 90 ADDITEMS, 91 FROZENSET, 92 NEWOBJ_EX, 93 STACK_GLOBAL, 94 MEMOIZE,
95 FRAME, 96 BYTEARRAY8, 97 NEXT_BUFFER, 98 READONLY_BUFFER
"""
"""Opcodes that are refused, by code and name, for the message."""
LARGEST: Final = 1 << 48
"""No count, extent or offset is above it."""


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as the pickle tells of it, in a storage `key` of `count` numbers; offset and strides count numbers."""

    dtype: str
    key: str
    count: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    """A global that the pickle names."""

    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    dtype: str
    key: str
    count: int


def read_views(data: bytes) -> dict[str, View]:
    """Return the tensors that a pickle names.

    Raises:
        ValueError: it holds an opcode or a name that is not on the lists, or is not a dict of tensors by name.
    """
    result = _Machine(data).run()
    if not isinstance(result, dict):
        raise ValueError(f"its pickle holds {_kind(result)}, not tensors by name")  # noqa: TRY004 (the file is at fault)
    views: dict[str, View] = {}
    for name, value in result.items():
        if not isinstance(value, View):
            raise ValueError(f"its pickle holds {_kind(value)} under {name[:80]!r}, where a tensor should be")  # noqa: TRY004 (the file is at fault)
        views[name] = value
    return views


class _Machine:
    """Runs a pickle's opcodes over values that cannot do anything."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._kept: dict[int, object] = {}
        self._opcodes: dict[int, Callable[[], None]] = {
            ord("("): self._mark,
            ord("}"): lambda: self._push({}),
            ord(")"): lambda: self._push(()),
            ord("N"): lambda: self._push(None),
            0x88: lambda: self._push(True),
            0x89: lambda: self._push(False),
            ord("K"): lambda: self._push(self._number("<B")),
            ord("M"): lambda: self._push(self._number("<H")),
            ord("J"): lambda: self._push(self._number("<i")),
            0x8A: self._long,
            ord("X"): self._text,
            ord("t"): lambda: self._push(tuple(self._marked())),
            0x85: lambda: self._tuple(1),
            0x86: lambda: self._tuple(2),
            0x87: lambda: self._tuple(3),
            ord("q"): lambda: self._keep(self._number("<B")),
            ord("r"): lambda: self._keep(self._number("<I")),
            ord("h"): lambda: self._recall(self._number("<B")),
            ord("j"): lambda: self._recall(self._number("<I")),
            ord("c"): self._global,
            ord("Q"): self._storage,
            ord("R"): self._reduce,
            ord("b"): self._build,
            ord("s"): lambda: self._set(self._popped(2)),
            ord("u"): lambda: self._set(self._marked()),
        }

    def run(self) -> object:
        """Run to the end and return what was made."""
        if self._data[:2] != b"\x80\x02":
            raise ValueError("its pickle is not of protocol 2")
        self._at = 2
        while (code := self._number("<B")) != ord("."):
            action = self._opcodes.get(code)
            if action is None:
                raise ValueError(
                    f"its pickle has the opcode {_opcode(code)} at byte {self._at - 1}, which is never run"
                )
            action()
            if len(self._stack) > MOST or len(self._kept) > MOST:
                raise ValueError("its pickle is larger than that of any model")
        if len(self._stack) != 1 or self._marks:
            raise ValueError("its pickle ends with something left over")
        return self._stack[0]

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise ValueError("its pickle ends early")
        self._at += count
        return self._data[self._at - count : self._at]

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at, self._at + 1000)
        if end < 0:
            raise ValueError("its pickle names something without an end")
        return self._bytes(end + 1 - self._at)[:-1].decode("utf-8", errors="replace")

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _popped(self, count: int) -> list[object]:
        """Take values off the stack, none of them from below the last mark."""
        if len(self._stack) - count < (self._marks[-1] if self._marks else 0):
            raise ValueError("its pickle takes more than there is")
        values = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return values

    def _mark(self) -> None:
        if len(self._marks) == DEEPEST:
            raise ValueError("its pickle is nested more deeply than that of any model")
        self._marks.append(len(self._stack))

    def _marked(self) -> list[object]:
        if not self._marks:
            raise ValueError("its pickle takes more than there is")
        values = self._stack[self._marks[-1] :]
        del self._stack[self._marks.pop() :]
        return values

    def _tuple(self, count: int) -> None:
        self._push(tuple(self._popped(count)))

    def _long(self) -> None:
        size = self._number("<B")
        if size > 8:  # noqa: PLR2004 (bytes of the largest number that is needed)
            raise ValueError("its pickle holds a number beyond all sizes")
        self._push(int.from_bytes(self._bytes(size), "little", signed=True))

    def _text(self) -> None:
        try:
            self._push(self._bytes(self._number("<I")).decode())
        except UnicodeDecodeError as error:
            raise ValueError("its pickle holds a text that is not UTF-8") from error

    def _keep(self, place: int) -> None:
        (value,) = self._popped(1)
        self._kept[place] = value
        self._push(value)

    def _recall(self, place: int) -> None:
        if place not in self._kept:
            raise ValueError("its pickle recalls what it never kept")
        self._push(self._kept[place])

    def _global(self) -> None:
        """Take a name; only those on the list may stand in the file at all."""
        name = f"{self._line()}.{self._line()}"
        if name not in (DICT, TENSOR, *STORAGES):
            known = ", ".join((DICT, TENSOR, *STORAGES))
            raise ValueError(f"its pickle names {name[:200]!r}, which is not data; only {known} may stand there")
        self._push(_Name(name))

    def _storage(self) -> None:
        """A persistent id: ('storage', kind of numbers, key, device, count)."""
        (value,) = self._popped(1)
        match value:
            case ("storage", _Name(name), str(key), str(), int(count)) if name in STORAGES and _is_count(count):
                self._push(_Storage(STORAGES[name], key, count))
            case _:
                raise ValueError("its pickle refers to something outside that is no storage of numbers")

    def _reduce(self) -> None:
        """Where a pickle would call something: an empty dict or a tensor is noted."""
        what, arguments = self._popped(2)
        match what, arguments:
            case _Name(name), () if name == DICT:
                self._push({})
            case _Name(name), (_Storage() as storage, int(offset), tuple(shape), tuple(strides), *_) if name == TENSOR:
                self._push(_view(storage, offset, shape, strides))
            case _:
                said = what.name if isinstance(what, _Name) else _kind(what)
                raise ValueError(f"its pickle would call {said} with what makes neither a dict nor a tensor")

    def _build(self) -> None:
        """A dict's attributes (`_metadata`: versions of modules): of no use, dropped."""
        what, attributes = self._popped(2)
        if not isinstance(what, dict) or not isinstance(attributes, dict):
            raise ValueError(f"its pickle would set attributes of {_kind(what)}")  # noqa: TRY004 (the file is at fault)
        self._push(what)

    def _set(self, pairs: list[object]) -> None:
        (target,) = self._popped(1)
        if not isinstance(target, dict) or len(pairs) % 2:
            raise ValueError(f"its pickle would put entries into {_kind(target)}")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(key) is not str:
                raise ValueError(f"its pickle names an entry by {_kind(key)}, not by a text")
            if key in target:
                raise ValueError(f"its pickle has two entries {key[:80]!r}")
            target[key] = value
        self._push(target)


def _view(storage: _Storage, offset: int, shape: tuple[object, ...], strides: tuple[object, ...]) -> View:
    """Check a tensor's numbers."""
    extents, steps = [n for n in shape if type(n) is int], [n for n in strides if type(n) is int]
    whole = len(extents) == len(shape) == len(steps) == len(strides)
    if not whole or not all(map(_is_count, (offset, *extents, *steps))):
        raise ValueError("its pickle gives a tensor sizes that are none")
    return View(storage.dtype, storage.key, storage.count, offset, tuple(extents), tuple(steps))


def _is_count(number: int) -> bool:
    return type(number) is int and 0 <= number <= LARGEST


def _kind(value: object) -> str:
    """Say what a value is, without showing it: it may be endless."""
    return f"the name {value.name}" if isinstance(value, _Name) else f"a {type(value).__name__.lstrip('_').lower()}"


def _opcode(code: int) -> str:
    """Name an opcode as CPython's own documentation of them does."""
    names = dict(line.split() for line in _REFUSED.replace("\n", " ").split(",") if line)
    return f"{names.get(f'{code:02x}', 'unknown')} (0x{code:02x})"
