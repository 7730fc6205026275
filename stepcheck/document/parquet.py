"""Parquet, the form in which data sets lie on the hub: a table's rows as JSON objects.

Owns the reading of Parquet with pyarrow, which the extra `parquet` brings. Refuses to hold a file: rows come some at a
time. A value that JSON does not have becomes text (a date, bytes in base64) or null (NaN).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, BinaryIO

import msgspec

from stepcheck.errors import InputError

_AT_ONCE = 32
"""Rows in memory as Python's objects; of those of a row group Arrow itself holds some pages."""
_UNREAD_AT_ONCE = 1024
"""Rows of a batch that is not made into objects."""


def read(stream: BinaryIO, name: str, first: int = 1, count: int | None = None) -> Iterator[bytes | InputError]:
    """The rows of a file from number `first` on, each as a JSON object; an error in the place of one that is none.

    Raises InputError: pyarrow is not installed, the file is no Parquet or broken.
    """
    number = first - 1
    end = None if count is None else number + count
    with _opened(stream, name, lambda: number) as file:
        groups, skipped = _from_group(file, number)
        for batch in file.iter_batches(batch_size=_AT_ONCE, row_groups=groups):
            left = batch.slice(max(0, number - skipped), None if end is None else max(0, end - number))
            skipped += batch.num_rows
            for row in left.to_pylist():
                number += 1
                yield encoded(row, f"{name}:{number}")
            if end is not None and number >= end:
                return


def rows_of(stream: BinaryIO, name: str) -> Iterator[Callable[[], bytes]]:
    """The rows of a file, unread: what is called makes one into JSON. Raises InputError as `read`."""
    number = 0
    with _opened(stream, name, lambda: number) as file:
        for batch in file.iter_batches(batch_size=_UNREAD_AT_ONCE):
            for index in range(batch.num_rows):
                number += 1
                yield partial(_one, batch, index, name)


def _one(batch: Any, index: int, name: str) -> bytes:  # noqa: ANN401 (pyarrow is untyped)
    found = encoded(batch.slice(index, 1).to_pylist()[0], name)
    return b"" if isinstance(found, InputError) else found


def _from_group(file: Any, skip: int) -> tuple[list[int], int]:  # noqa: ANN401 (pyarrow is untyped)
    """Choose the row groups behind the first `skip` rows; how many rows lie before these groups."""
    before = 0
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if before + size > skip:
            return list(range(group, file.num_row_groups)), before
        before += size
    return [], before


@contextmanager
def _opened(stream: BinaryIO, name: str, number: Callable[[], int]) -> Iterator[Any]:
    """Open a file, and translate what goes wrong while it is read; `number` tells how far that came."""
    if find_spec("pyarrow") is None:
        raise InputError(f"{name}: reading Parquet needs pyarrow: pip install 'stepcheck[parquet]'")
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        yield ParquetFile(stream)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        where = f" behind row {number()}" if number() else ""
        raise InputError(f"{name}: is broken, or no Parquet{where}: {reason}") from error


def encoded(row: dict[str, object], place: str) -> bytes | InputError:
    """Make a row of a table into a JSON object, or say why it cannot be one."""
    try:
        return msgspec.json.encode(row, enc_hook=_plain)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return InputError(f"{place}: a value that JSON does not have: {error}")


def _plain(value: Any) -> Any:  # noqa: ANN401 (an array or a number of numpy)
    """Take an array apart: columns of a table may hold them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__}")
