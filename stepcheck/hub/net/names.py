"""Which files of a foreign repository may be fetched, and under which names they may lie here.

Owns the two questions every name from outside must pass: does it stay in its folder on every system, and is it data.
Refuses everything that runs or unpacks: code, archives, and pickles but for a checkpoint's weights, of
which only data are ever read (`checkpoint/opcodes.py`).
"""

import re
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from stepcheck.errors import HubError
from stepcheck.patterns import regex

Kind = Literal["model", "dataset"]
SUFFIXES: Final[dict[Kind, tuple[str, ...]]] = {
    "model": (".safetensors", ".gguf", ".json", ".toml"),
    "dataset": (".json", ".jsonl"),
}
"""What is fetched; beside it only tokenizer files without such an ending."""
TOKENIZER: Final = ("merges.txt", "tokenizer.model")
PICKLED: Final = regex(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
"""Pickled weights, by the only names that they are fetched under."""
_RESERVED: Final = regex(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN: Final = regex(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]')
_LONGEST: Final = 200
"""Bytes of one part of a name: file systems hold 255, and a download adds its own ending."""


def check_name(name: str, kind: Kind) -> PurePosixPath:
    """Return a repository's file name as a relative path.

    Raises:
        HubError: it leads out of its folder on some system, or is not a kind of file that is ever fetched.
    """
    parts = name.split("/")
    if not all(_plain(part) for part in parts):
        raise HubError(f"{name[:200]!r}: such a file name is not fetched: it could lead out of its folder")
    weights = kind == "model" and PICKLED.fullmatch(parts[-1])
    if parts[-1] not in TOKENIZER and not parts[-1].endswith(SUFFIXES[kind]) and not weights:
        raise HubError(
            f"{name!r}: is not fetched; only {', '.join(SUFFIXES[kind])}, pytorch_model.bin and tokenizer files are,"
            " never code or other pickles"
        )
    return PurePosixPath(name)


def _plain(part: str) -> bool:
    """Whether a part of a path is an ordinary name on every system."""
    return (
        bool(part)
        and not part.startswith(".")
        and not part.endswith((".", " "))
        and not _FORBIDDEN.search(part)
        and not _RESERVED.fullmatch(part)
        and len(part.encode(errors="replace")) <= _LONGEST
    )


def inside(folder: Path, name: str, kind: Kind) -> Path:
    """Return where a repository's file lies in `folder`, links included.

    Raises:
        HubError: its name is hostile, or a link in the folder leads out of it.
    """
    path = folder / check_name(name, kind)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise HubError(f"{path}: is a link that leads out of {folder}")
    return path
