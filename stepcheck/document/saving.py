"""A changed document → its file again, every other byte as it was.

Owns how a solution is put back: a text file's text, or one string (one array of strings) of a JSON row. Refuses to
overwrite what somebody else has changed meanwhile.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stepcheck.document.values import Document
from stepcheck.errors import InputError
from stepcheck.steps.clutter import edge_marks

_BOM = b"\xef\xbb\xbf"
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()
_ADVICE = "nothing was saved: export what you changed, or edit the data where they were made"
PACKED = frozenset({".gz", ".parquet"})
"""Suffixes of files in which no value can be replaced by itself."""
Slice = tuple[int, int]


class ChangedElsewhereError(InputError):
    """The file no longer holds what was read from it."""


def save(before: Document, after: Document) -> None:
    """Put `after` in the place of `before`, as it was read, in the file that it came from.

    Raises InputError: the file cannot be read or written, or no longer holds `before`.
    """
    path = Path(before.source)
    if before.line is not None and path.suffix.lower() in PACKED:
        raise InputError(f"{path}: is packed; {_ADVICE}")
    try:
        data = path.read_bytes()
        write(path, patch(data, before, after))
    except OSError as error:
        raise InputError(f"{path}: cannot be saved: {error.strerror or error}") from error


def overwrite(document: Document) -> None:
    """Put a text file's document into its file, whatever is there now; a byte order mark stays. Raises OSError."""
    path = Path(document.source)
    bom = _BOM if path.is_file() and path.read_bytes().startswith(_BOM) else b""
    write(path, bom + (document.text or "").encode("utf-8"))


def write(path: Path, data: bytes) -> None:
    """Replace a file as a whole or not at all; a link stays a link, rights stay as they are. Raises OSError."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            part.chmod(path.stat().st_mode & 0o7777)
        elif os.name == "posix":
            mask = os.umask(0)
            os.umask(mask)
            part.chmod(0o666 & ~mask)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def patch(data: bytes, before: Document, after: Document) -> bytes:
    """The file's bytes with one solution changed. Raises InputError: the file no longer holds `before`."""
    bom = _BOM if data.startswith(_BOM) else b""
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _changed(before) from error
    if before.line is None:
        if text != before.text or after.text is None:
            raise _changed(before)
        return bom + after.text.encode("utf-8")
    if before.path is None:
        raise InputError(f"{before.source}: this solution is put together from several values of its row; {_ADVICE}")
    for start in _objects(text, before.line):
        found = _place(text, start, before)
        if found is not None:
            return bom + _replaced(text, found, before, after).encode("utf-8")
    raise _changed(before)


def _changed(document: Document) -> ChangedElsewhereError:
    return ChangedElsewhereError(
        f"{document.source}: was changed by somebody else since it was read; nothing was saved"
    )


def _objects(text: str, line: int) -> Iterator[int]:
    """Where objects begin on a line, counted from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if start == 0:
            return
    end = text.find("\n", start)
    at = text.find("{", start, end if end >= 0 else len(text))
    while at >= 0:
        yield at
        following = _skip(text, at)
        at = text.find("{", following, end if end >= 0 else len(text)) if following is not None else -1


def _skip(text: str, at: int) -> int | None:
    """The end of the JSON value that begins at `at`."""
    try:
        return _DECODER.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _members(text: str, at: int) -> Iterator[tuple[str, Slice]]:
    """The keys of the object at `at`, each with its value's slice."""
    at = _blank(text, at + 1)
    while text[at : at + 1] == '"':
        key, at = _DECODER.raw_decode(text, at)
        start = _blank(text, _blank(text, at) + 1)
        end = _DECODER.raw_decode(text, start)[1]
        yield key, (start, end)
        at = _blank(text, _blank(text, end) + 1)


def _elements(text: str, at: int) -> Iterator[Slice]:
    """The slices of an array's elements."""
    at = _blank(text, at + 1)
    while at < len(text) and text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        yield at, end
        at = _blank(text, end)
        at = _blank(text, at + 1) if text[at : at + 1] == "," else at


def _place(text: str, start: int, before: Document) -> Slice | None:
    """The slice of the string or the array that is `before`'s solution, if the object at `start` holds it."""
    try:
        span = _followed(text, start, before.path or ())
        value = json.loads(text[span[0] : span[1]])
    except (ValueError, IndexError, KeyError, RecursionError):
        return None
    if before.text is not None:
        return span if value == before.text else None
    held = [_unmarked(step) for step in value] if isinstance(value, list) else None
    return span if held == [step.text for step in before.steps] else None


def _unmarked(step: object) -> object:
    """A ready-made step as it was read: without the marks at its ends."""
    if not isinstance(step, str):
        return step
    start, end, _ = edge_marks(step)
    return step[start:end]


def _followed(text: str, start: int, path: tuple[str | int, ...]) -> Slice:
    """The slice of the value to which a path leads from the object at `start`."""
    span = (start, start)
    for key in path:
        at = span[0]
        span = dict(_members(text, at))[key] if isinstance(key, str) else list(_elements(text, at))[key]
    return span


def _replaced(text: str, span: Slice, before: Document, after: Document) -> str:
    start, end = span
    if after.text is not None:
        return text[:start] + _encoded(after.text, text[start:end]) + text[end:]
    spans = list(_elements(text, start))
    steps = [step.text for step in after.steps]
    same = {step.text: text[a:b] for step, (a, b) in zip(before.steps, spans, strict=True)}
    whole = text[start:end]
    pieces = [same.get(step) or _encoded(step, whole) for step in steps]
    between = text[spans[0][1] : spans[1][0]] if len(spans) > 1 else ", "
    return text[: spans[0][0]] + between.join(pieces) + text[spans[-1][1] :]


def _encoded(value: str, like: str) -> str:
    """JSON in the manner of its place: escaped to ASCII where that was, which also carries a lone surrogate."""
    ascii_only = like.isascii() and "\\u" in like
    with contextlib.suppress(UnicodeEncodeError):
        value.encode("utf-8")
        return json.dumps(value, ensure_ascii=ascii_only)
    return json.dumps(value)
