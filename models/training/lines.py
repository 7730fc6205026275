"""Files of JSON lines: an object a line, and where it stands.

A line ends at its newline and nowhere else: texts hold the other signs that Unicode breaks lines at. Refuses a file
that cannot be read, and a line that is no object, by file and line.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stepcheck.errors import InputError


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the object of every line that is not blank, of `.jsonl` or `.jsonl.gz`.

    Raises:
        InputError: the file cannot be read, or a line is no object; names file and line.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", _object(line, f"{path}:{number}")
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{place}: expected an object, found {type(data).__name__}")
    return data
