"""The terminal: whether there is one, and how it stays reachable while standard input is a solution."""

import os
import sys
from typing import BinaryIO

from stepcheck.errors import UsageError

_ADVICE = "; for a pipe, a script or a screen reader: stepcheck score FILE --format plain"


def take(path: str, *, dumb: bool) -> BinaryIO | None:
    """Make sure that keys can be read and a screen be drawn; for `-` return standard input, and put the terminal there.

    Raises UsageError: there is no terminal.
    """
    stream = _detach_input() if path == "-" else None
    for name, file in (("keys", sys.__stdin__), ("a screen", sys.__stderr__)):
        if file is None or not file.isatty():
            raise UsageError(f"the app needs a terminal, and there is none for {name}{_ADVICE}")
    if dumb:
        raise UsageError(f"this terminal cannot move its cursor (TERM=dumb){_ADVICE}")
    return stream


def _detach_input() -> BinaryIO:
    """Take standard input away for the solution and open the terminal in its place."""
    if sys.__stdin__ is None:
        raise UsageError("standard input is closed: name a file")
    if sys.__stdin__.isatty():
        raise UsageError("standard input is the terminal itself: pipe a solution into it, or name a file")
    stream = os.fdopen(os.dup(sys.__stdin__.fileno()), "rb")
    try:
        terminal = os.open("CONIN$" if sys.platform == "win32" else "/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError(f"the app needs a terminal, and there is none for keys{_ADVICE}") from error
    os.dup2(terminal, sys.__stdin__.fileno())
    os.close(terminal)
    return stream
