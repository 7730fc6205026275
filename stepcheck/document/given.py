"""The fields of one row, undecoded until a reader asks for them.

Owns how a value is read, how a wrong one is named, and what is no text at all. Refuses to fail over fields that are not
judged: an answer or an id that is no text and no number is left out, with a note.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from stepcheck.errors import InputError
from stepcheck.patterns import regex

_NUMBER = regex(rb"-?\d[\d.eE+-]*")
_LONE_SURROGATE = regex(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_NOTHING = regex(
    r"[\s\0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]*"
)
"""White space, and signs that are not seen: joiners, directions, fillers."""
_NO_WORDS = frozenset({"None", "none", "null", "NULL", "NaN", "nan", "undefined", "<NA>"})
"""What programs write where they have no text."""
_MOST_PIECES = 400_000
"""Lists and objects in a value: each takes 50 bytes of memory or more."""
_PIECE = regex(rb"[\[{]\s*[\]}\[{\"]")
_SMALL = 2**20
"""Bytes in which not that many can be."""
_SHOWN = 20
_LONGEST_NAME = 40

_Value = TypeVar("_Value")


def is_unseen(text: str) -> bool:
    """Whether nothing of a text is seen: it is empty, or white space, joiners, fillers."""
    return _NOTHING.fullmatch(text) is not None


def is_blank(text: str | None) -> bool:
    """Whether a value is no text: nothing of it is seen, or it is the word None as a program writes it."""
    return text is None or text.strip() in _NO_WORDS or is_unseen(text)


class Given(msgspec.Struct, frozen=True):
    """A row: its fields that are not null, the names of those that are, and how messages call the row."""

    fields: Mapping[str, bytes]
    nulls: frozenset[str]
    place: str

    def __contains__(self, key: str) -> bool:
        return key in self.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def has(self, *keys: str) -> bool:
        """Whether all of these are there."""
        return all(key in self.fields for key in keys)

    def first(self, keys: tuple[str, ...]) -> str | None:
        """The first of these keys that is there."""
        return next((key for key in keys if key in self.fields), None)

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of these keys that are there."""
        fields = self.fields
        return [key for key in keys if key in fields]

    def is_text(self, key: str) -> bool:
        """Whether a field is there and is a string."""
        return self.fields.get(key, b"").startswith(b'"')

    def is_list(self, key: str) -> bool:
        """Whether a field is there and is a list."""
        return self.fields.get(key, b"").startswith(b"[")

    def is_object(self, key: str) -> bool:
        """Whether a field is there and is an object."""
        return self.fields.get(key, b"").startswith(b"{")

    def read(self, key: str, kind: type[_Value]) -> _Value:
        """A field as a value of a known type. Raises InputError with the key's path."""
        return decode(self.fields[key], kind, key, self.place)

    def text(self, key: str) -> str:
        """A field that must be text."""
        return self.read(key, str)

    def scalar(self, keys: tuple[str, ...], notes: list[str]) -> str | None:
        """The first of these fields that is a text or a number, as it is written; a note for each that is neither."""
        return scalar(self.fields, keys, notes)

    def inside(self, key: str) -> "Given":
        """The fields of an object, as those of a row."""
        fields = {name: bytes(raw) for name, raw in self.read(key, dict[str, msgspec.Raw]).items()}
        there = {name: raw for name, raw in fields.items() if raw != b"null"}
        return Given(there, frozenset(fields.keys() - there.keys()), self.place)

    def error(self, message: str) -> InputError:
        """An error that names the row."""
        return InputError(f"{self.place}: {message}")

    def names(self) -> str:
        """The keys that are there, as a message lists them."""
        shown = [f"`{_name(key)}`" for key in self.fields][:_SHOWN]
        shown += [f"`{_name(key)}` (null)" for key in sorted(self.nulls)][: _SHOWN - len(shown)]
        more = len(self.fields) + len(self.nulls) - len(shown)
        return (", ".join(shown) or "no key that is filled") + (f" and {more:,} more" if more else "")


def _name(key: str) -> str:
    return key if len(key) <= _LONGEST_NAME else f"{key[:_LONGEST_NAME]}…"


def _scalar(raw: bytes) -> str | None:
    """A text, a number exactly as it is written (`0.50`), a truth value, or the only one of these in a list."""
    try:
        if raw.startswith(b'"'):
            return msgspec.json.decode(raw, type=str)
        if _NUMBER.fullmatch(raw) or raw in (b"true", b"false"):
            return raw.decode()
        if raw.startswith(b"[") and raw.count(b",") <= _MOST_PIECES:
            items = msgspec.json.decode(raw, type=list[msgspec.Raw])
            return _scalar(bytes(items[0])) if len(items) == 1 and not bytes(items[0]).startswith(b"[") else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return None


def _kind(raw: bytes) -> str:
    if raw.startswith(b"["):
        return "an empty list" if not raw[1:-1].strip() else "a list of several"
    return "an object" if raw.startswith(b"{") else "no text that can be read"


def scalar(fields: Mapping[str, bytes], keys: tuple[str, ...], notes: list[str]) -> str | None:
    """As `Given.scalar`, where there is no `Given` yet."""
    for key in keys:
        if key in fields:
            found = _scalar(fields[key])
            if found is not None:
                return found
            notes.append(f"`{_name(key)}` is {_kind(fields[key])}, and was not read")
    return None


def decode(raw: bytes, kind: type[_Value], key: str, place: str) -> _Value:
    """A value of a known type. Raises InputError with the key's path."""
    if kind is not str and len(raw) > _SMALL and next(itertools.islice(_PIECE.finditer(raw), _MOST_PIECES, None), None):
        raise InputError(f"{place}: `{key}` holds more than {_MOST_PIECES:,} values")
    try:
        return _decoder(kind).decode(raw)  # type: ignore[arg-type, no-any-return]  # mypy loses the type in the cache
    except msgspec.ValidationError as error:
        wrong, _, path = str(error).partition(" - at `$")
        raise InputError(f"{place}: `{key}{path.rstrip('`')}`: {wrong[0].lower()}{wrong[1:]}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(located(error, raw, f"{place}: `{key}`", whole=False)) from error


@cache
def _decoder(kind: type[Any]) -> "msgspec.json.Decoder[Any]":
    """What reads a type: making it takes 9 µs for a list of steps, of which a row's are read in 0.2."""
    return msgspec.json.Decoder(kind)


def located(error: Exception, data: bytes, place: str, *, whole: bool) -> str:
    """Say where JSON is broken; `whole` data are a file, whose lines are counted."""
    byte = re.search(r"\(byte (\d+)\)", str(error))
    if whole and byte:
        place = f"{place}:{1 + data[: int(byte[1])].count(10)}"
    if isinstance(error, RecursionError):
        return f"{place}: nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"{place}: not UTF-8; save it as UTF-8"
    if isinstance(error, msgspec.ValidationError):
        return f"{place}: {str(error)[0].lower()}{str(error)[1:]}"
    if _LONE_SURROGATE.search(data):
        return f"{place}: not JSON: half of a \\ud800-\\udfff pair, the other half is missing"
    if "truncated" in str(error):
        return f"{place}: not JSON: it ends in the middle"
    return f"{place}: not JSON: {str(error).removeprefix('JSON is malformed: ')}"
