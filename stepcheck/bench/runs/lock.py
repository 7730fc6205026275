"""One writer at a time: a lock that the operating system holds, and takes back when its holder dies.

The lock is not the file but the system's lock on it, so a file that a killed process left behind locks nothing, and no
age or process number has to be guessed at. What stands in the file only tells people who holds it.
"""

import contextlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import IO

from stepcheck.errors import RunBusyError, RunError

FAR = 1 << 30
"""Windows locks bytes against reading too; this one is far behind the text, which stays readable."""


class Lock:
    """Held from `take` to `release`, or to the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Take the lock, or say who has it.

        Raises:
            RunBusyError: another process, or another part of this one, holds it.
            RunError: the file system cannot lock.
        """
        try:
            file = self._path.open("r+b" if self._path.exists() else "a+b")
        except OSError as error:
            raise RunError(f"{self._path}: cannot be opened: {error.strerror}") from error
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            file.close()
            raise RunBusyError(
                f"{self._path.parent}: is being written by {self.holder()}; wait until it is done, or stop it"
            ) from error
        except OSError as error:
            file.close()
            raise RunError(f"{self._path}: cannot be locked: {error.strerror}; keep runs on a local disk") from error
        self._file = file
        self._sign(file)

    def release(self) -> None:
        """Give it back; the file stays, and locks nothing."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                _unlock(file)
            file.close()

    def holder(self) -> str:
        """Say who signed the file last."""
        try:
            said = json.loads(self._path.read_bytes())
            return f"process {int(said['pid'])} on {str(said['host'])[:80]} since {str(said['since'])[:30]}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def _sign(self, file: IO[bytes]) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        with contextlib.suppress(OSError):  # a full disk is no reason: the text is for people
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since}).encode())
            file.flush()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _unlock(file: IO[bytes]) -> None:
        file.seek(FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
