"""Starting an engine's process, which may be begun before anybody knows what it will load.

Its imports take as long as a command's own, so a command that will surely want one begins it first of all. Imports
nothing that costs time, and knows nothing of what is said to the process.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

WORKER: Final = (sys.executable, "-P", "-m", "stepcheck.engine.worker")
"""-P keeps the working directory out of the worker's import path."""
WAITING: Final = {"GOMP_SPINCOUNT": "3000"}
"""How long llama.cpp's threads (GNU OpenMP's) spin while they wait for each other, some 40 µs, before they sleep.

They meet a thousand times in a decode. By default they spin for 4 ms: where other programs want the cores too, a
thread then keeps one from the very thread that it waits for (two cores, load 20: a decode took 1.6 times as long).
What the user has set goes first.
"""

_early: "list[subprocess.Popen[bytes]]" = []


def begin_early() -> None:
    """Start a worker for whoever is the first to want one; `end_early` ends it where nobody did."""
    _early.append(_start(WORKER))


def end_early() -> None:
    """End what was begun and is wanted by nobody."""
    while _early:
        with _early.pop() as process:
            end(process)


def spawned(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Return a process that runs a command: the one that was begun, if there is one, else a new one."""
    return _early.pop() if _early and tuple(command) == WORKER else _start(command)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, wait until it has ended, and close its stdin."""
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 (our own worker)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=sys.platform != "win32",  # Ctrl-C is for the parent, which ends the worker
        env=WAITING | dict(os.environ),
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
