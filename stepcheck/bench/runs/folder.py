"""Where runs are, how they are called, and taking one away.

Refuses names that could lead out of the folder, or that some system cannot keep.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from stepcheck.bench.runs.lock import Lock
from stepcheck.errors import RunError, UsageError
from stepcheck.patterns import regex

DATABASE = "run.sqlite"
LOCK = "lock"
OURS = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", LOCK)
_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DEVICES = regex(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def runs_dir(given: Path | None = None) -> Path:
    """Return the folder of all runs; it need not exist."""
    from platformdirs import user_data_path

    return given or user_data_path("stepcheck", appauthor=False) / "runs"


def run_folder(name: str, given: Path | None = None) -> Path:
    """Return the folder of a run; it need not exist.

    Raises:
        UsageError: no run can have this name.
    """
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name) or name.endswith("."):
        raise UsageError(
            f"{name!r} cannot be a run's name: letters, digits, '.', '_' and '-', 100 at most, a letter or digit first"
        )
    folder = runs_dir(given) / name
    if folder.is_symlink():
        raise RunError(f"{folder}: is a link; a run is a folder of its own")
    return folder


def existing_run(name: str, given: Path | None = None) -> Path:
    """Return the folder of a run that is there; a path to one is taken too.

    Raises:
        RunError: there is none; names the nearest.
    """
    path = Path(name)
    if (path.parent != Path() or name in {".", ".."}) and (path / DATABASE).is_file():
        return path
    folder = run_folder(name, given)
    if (folder / DATABASE).is_file():
        return folder
    import difflib

    known = [found.name for found in list_runs(given)]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f" in {runs_dir(given)}"
    raise RunError(f"no run is called {name!r}{hint}. See: stepcheck runs list")


def list_runs(given: Path | None = None) -> Iterator[Path]:
    """Yield the folder of every run, by name."""
    folder = runs_dir(given)
    if folder.is_dir():
        yield from (path.parent for path in sorted(folder.glob(f"*/{DATABASE}")))


def remove(folder: Path) -> None:
    """Delete a run: its own files and the folder, nothing else.

    Raises:
        RunBusyError: it is being written.
        RunError: something else is in the folder, which is left with it.
    """
    lock = Lock(folder / LOCK)
    lock.take()
    try:
        foreign = sorted(path.name for path in folder.iterdir() if path.name not in OURS)
        for name in OURS[:-1]:
            (folder / name).unlink(missing_ok=True)
    finally:
        lock.release()
    (folder / LOCK).unlink(missing_ok=True)
    if foreign:
        raise RunError(f"{folder}: the run is deleted, but not {foreign[0]!r}, which is not of the run")
    folder.rmdir()
