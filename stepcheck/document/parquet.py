"""Parquet, the form in which data sets lie on the hub: a table's rows as JSON objects.

Owns the only import of pyarrow, which the extra `parquet` brings. Refuses to hold a file: rows come some at a time. A
value that JSON does not have becomes text (a date, bytes in base64) or null (NaN).
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import BinaryIO

import msgspec

from stepcheck.errors import InputError

_AT_ONCE = 32
"""Rows in memory as Python's objects; of those of a row group Arrow itself holds some pages."""


def read(stream: BinaryIO, name: str) -> Iterator[bytes | InputError]:
    """The rows of a file, each as a JSON object; an error in the place of one that is none.

    Raises InputError: pyarrow is not installed, the file is no Parquet or broken.
    """
    if find_spec("pyarrow") is None:
        raise InputError(f"{name}: reading Parquet needs pyarrow: pip install 'stepcheck[parquet]'")
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    broken = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)
    number = 0
    try:
        for batch in ParquetFile(stream).iter_batches(batch_size=_AT_ONCE):
            for row in batch.to_pylist():
                number += 1
                yield _encoded(row, f"{name}:{number}")
    except broken as error:
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        where = f" behind row {number}" if number else ""
        raise InputError(f"{name}: is broken, or no Parquet{where}: {reason}") from error


def _encoded(row: dict[str, object], place: str) -> bytes | InputError:
    try:
        return msgspec.json.encode(row)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return InputError(f"{place}: a value that JSON does not have: {error}")
