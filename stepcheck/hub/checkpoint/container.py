"""The zip container of pickled weights: which entries it has and where their bytes lie. Nothing is ever unpacked.

Owns the parts of the format that `torch.save` writes (PKWARE's APPNOTE 6.3: end record, its 64-bit form, central
directory, local headers). Refuses compression, encryption, several disks, a name that occurs twice, and whatever lies
beyond the file or over something else: a reader that is lenient here and another that is not would see two files.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Read = Callable[[int, int], bytes]
"""Reads so many bytes from an offset on; may give fewer."""
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_END_SIZE, _LOCATOR_SIZE, _END64_SIZE, _ENTRY_SIZE, _LOCAL_SIZE = 22, 20, 56, 46, 30
TAIL: Final = _END_SIZE + 0xFFFF
"""How far before its end a file's end record can begin: its comment has at most 64 KiB."""
MOST_BYTES: Final = 1 << 24
MOST_ENTRIES: Final = 1 << 16
"""Bounds on the directory; a model of 80 layers has 965 entries in 100 KB."""
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED: Final = 1 | 1 << 6 | 1 << 13
_ZIP64: Final = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A stored file: `header` is where its local header begins, `size` its bytes."""

    name: str
    header: int
    size: int


def read_directory(size: int, read: Read) -> dict[str, Member]:
    """Return the entries of a container of `size` bytes, by name.

    Raises:
        ValueError: it is no such container.
    """
    begin, length, count = _end_record(size, read)
    if count > MOST_ENTRIES or length > MOST_BYTES:
        raise ValueError(f"its directory claims {count:,} entries in {length:,} bytes")
    if begin + length > size:
        raise ValueError("its directory lies beyond its end")
    data, at, entries = read(begin, length), 0, {}
    for _ in range(count):
        entry, at = _entry(data, at, begin)
        if entry.name in entries:
            raise ValueError(f"it has two entries {entry.name[:80]!r}")
        entries[entry.name] = entry
    if at != length:
        raise ValueError("its directory has not the length that it claims")
    return entries


def locate(entry: Member, end: int, read: Read) -> int:
    """Return the offset of an entry's bytes, which its local header tells; they end before `end`.

    Raises:
        ValueError: the local header is another entry's, or the bytes lie beyond the end.
    """
    raw = read(entry.header, _LOCAL_SIZE)
    if len(raw) < _LOCAL_SIZE or raw[:4] != _LOCAL:
        raise ValueError(f"entry {entry.name[:80]!r} is not where the directory says")
    flags, method = struct.unpack_from("<HH", raw, 6)
    name_length, extra_length = struct.unpack_from("<HH", raw, 26)
    _check_stored(entry.name, flags, method)
    name = read(entry.header + _LOCAL_SIZE, name_length)
    if name.decode("utf-8", errors="replace") != entry.name:
        raise ValueError(f"entry {entry.name[:80]!r} is not where the directory says")
    begin: int = entry.header + _LOCAL_SIZE + name_length + extra_length
    if begin + entry.size > end:
        raise ValueError(f"entry {entry.name[:80]!r} lies beyond the end")
    return begin


def _end_record(size: int, read: Read) -> tuple[int, int, int]:
    """Find the end record: where the directory begins, its bytes, and how many entries it has."""
    start = max(0, size - TAIL)
    tail = read(start, size - start)
    at = tail.rfind(_END)
    while at >= 0:
        # a comment may hold the signature: the record is the one that ends with the file
        if at + _END_SIZE <= len(tail) and at + _END_SIZE + _number(tail, at + 20, "<H") == len(tail):
            break
        at = tail.rfind(_END, 0, at)
    if at < 0:
        raise ValueError("it is no zip container (pickled weights in the form before torch 1.6 are not read)")
    disks, count = struct.unpack_from("<HHHH", tail, at + 4), _number(tail, at + 10, "<H")
    length, begin = struct.unpack_from("<II", tail, at + 12)
    if _FULL16 in (disks[0], disks[1], count) or _FULL32 in (length, begin) or tail[at - 20 : at - 16] == _LOCATOR:
        return _end_record64(start + at, read)
    if disks[0] or disks[1] or disks[2] != count or begin + length > start + at:
        raise ValueError("its end record does not add up")
    return int(begin), int(length), count


def _end_record64(end: int, read: Read) -> tuple[int, int, int]:
    locator = read(max(0, end - _LOCATOR_SIZE), _LOCATOR_SIZE)
    if len(locator) != _LOCATOR_SIZE or locator[:4] != _LOCATOR:
        raise ValueError("its end record does not add up")
    raw = read(_number(locator, 8, "<Q"), _END64_SIZE)
    if len(raw) != _END64_SIZE or raw[:4] != _END64:
        raise ValueError("its 64-bit end record is not where the locator says")
    disk, disk_of_directory, here, count, length, begin = struct.unpack_from("<IIQQQQ", raw, 16)
    if disk or disk_of_directory or here != count or begin + length > end:
        raise ValueError("its 64-bit end record does not add up")
    return begin, length, count


def _entry(data: bytes, at: int, end: int) -> tuple[Member, int]:
    """Read one entry of the directory at `at`; return it and where the next begins. `end` is where data ends."""
    if len(data) - at < _ENTRY_SIZE or data[at : at + 4] != _ENTRY:
        raise ValueError("its directory is damaged")
    flags, method = struct.unpack_from("<HH", data, at + 8)
    packed, size, name_length, extra_length, comment_length = struct.unpack_from("<IIHHH", data, at + 20)
    header = _number(data, at + 42, "<I")
    after = at + _ENTRY_SIZE + name_length + extra_length + comment_length
    if after > len(data):
        raise ValueError("its directory is damaged")
    name = data[at + _ENTRY_SIZE : at + _ENTRY_SIZE + name_length].decode("utf-8", errors="replace")
    extra = data[at + _ENTRY_SIZE + name_length : at + _ENTRY_SIZE + name_length + extra_length]
    size, packed, header = _widened(extra, size, packed, header)
    _check_stored(name, flags, method)
    if packed != size:
        raise ValueError(f"entry {name[:80]!r} is stored in {packed:,} bytes, but has {size:,}")
    if header + _LOCAL_SIZE + size > end:
        raise ValueError(f"entry {name[:80]!r} lies beyond the end")
    return Member(name, header, size), after


def _widened(extra: bytes, *numbers: int) -> list[int]:
    """Replace each number that did not fit into 32 bits by the next one of the 64-bit extra field."""
    at, wide = 0, b""
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64:
            wide = extra[at + 4 : at + 4 + length]
            break
        at += 4 + length
    result, used = [], 0
    for number in numbers:
        if number == _FULL32:
            if used + 8 > len(wide):
                raise ValueError("its directory is damaged")
            result.append(_number(wide, used, "<Q"))
            used += 8
        else:
            result.append(number)
    return result


def _check_stored(name: str, flags: int, method: int) -> None:
    if flags & _ENCRYPTED:
        raise ValueError(f"entry {name[:80]!r} is encrypted")
    if method:
        raise ValueError(f"entry {name[:80]!r} is compressed; torch stores weights as they are")


def _number(data: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from(form, data, at)[0])
