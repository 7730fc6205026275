"""Writing a small file for good."""

import hashlib
import os
from pathlib import Path


def write_durably(path: Path, data: bytes) -> str:
    """Write a file, see it on the disk, and return its sha256."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()
