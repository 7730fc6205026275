"""How long does a user wait for the app? First paint, a key while a model reads, an edit of the last step.

First paint: from the start of the process in a pty until the text stands on the screen, best of several; the CPU time
beside it, since a busy machine adds waiting that is not the app's. Keys: `j` and `k` sent into a pty while a long list
is being judged; from the key to the next bytes on the screen. Edits: the last of twenty steps is changed; the engine's
time for it against its time for all twenty, and by the clock from the change to the verdict in the app.

Aims: first paint 0.6 s (1 s with a 5 MB file), a key 50 ms at the 95th percentile while judging (100 ms with 5 MB), an
edit 0.15 of the whole.
"""

import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

from stepcheck import Checker, Document, Step, config
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.reading import Target

ROOT = Path(__file__).parent.parent
ROUNDS = 7
KEYS = 120
STEPS = 20
HUGE = "P\n\n" + ("So $a$ is 3 and the rest is as it was before. " * 4 + "\n\n") * 26_000


def opened(path: str) -> "tuple[object, float]":
    """Start the app in a pty; the child, and when it was started."""
    import pexpect

    env = dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor")
    started = time.perf_counter()
    command = ["-m", "stepcheck", "tui", path]
    return pexpect.spawn(sys.executable, command, env=env, dimensions=(30, 100), timeout=60, cwd=str(ROOT)), started


def first_paint(path: str, text: str) -> tuple[float, float]:
    """Seconds until a text is on the screen, by the clock and of the CPU."""
    child, started = opened(path)
    child.expect_exact(text)  # type: ignore[attr-defined]  # pexpect is imported late
    seconds = time.perf_counter() - started
    times = psutil.Process(child.pid).cpu_times()  # type: ignore[attr-defined]  # as above
    child.close(force=True)  # type: ignore[attr-defined]  # as above
    return seconds, times.user + times.system


def key_times(path: str, wait: float) -> list[float]:
    """Seconds from a key to the next bytes on the screen, while the app works on a file."""
    import pexpect

    child, _ = opened(path)
    child.expect_exact("\x1b[?1049h")  # type: ignore[attr-defined]  # pexpect is imported late
    time.sleep(wait)
    times = []
    for i in range(KEYS):
        _drain(child)
        started = time.perf_counter()
        os.write(child.child_fd, b"kj"[i % 2 : i % 2 + 1])  # type: ignore[attr-defined]  # as above
        try:
            seen = b""
            while not re.search(rb"\xe2\x96\x8c", seen):  # the cursor's mark is drawn anew
                seen += child.read_nonblocking(65536, timeout=5)  # type: ignore[attr-defined]  # as above
        except pexpect.TIMEOUT:
            continue
        times.append(time.perf_counter() - started)
        time.sleep(0.02)
    child.close(force=True)  # type: ignore[attr-defined]  # as above
    return times


def _drain(child: object) -> None:
    import pexpect

    while True:
        try:
            child.read_nonblocking(65536, timeout=0.01)  # type: ignore[attr-defined]  # as above
        except pexpect.TIMEOUT:
            return


def long_solution() -> Document:
    """Twenty steps of grade-school arithmetic."""
    steps = [f"Then there are {10 * i} + {i + 3} = {11 * i + 3} of them on day {i}." for i in range(1, STEPS + 1)]
    return Document("A club counts its members on twenty days. How many are there?", tuple(map(Step, steps)))


def edit_share() -> tuple[float, float, float]:
    """The engine's seconds for all steps and for an edit of the last; the tokens' share."""
    whole, edited, shares = [], [], []
    for i in range(ROUNDS):
        document = replace(long_solution(), problem=f"{long_solution().problem} Year {2000 + i}.")
        with Checker() as checker:
            checker.check(long_solution())  # warm
            first = checker.check(document)
            last = Step(f"{document.steps[-1].text} So it is {i}.")
            again = checker.check(replace(document, steps=(*document.steps[:-1], last)))
        whole.append(first.seconds)
        edited.append(again.seconds)
        shares.append(again.decoded / first.decoded)
    return min(whole), min(edited), min(shares)


async def edit_in_app() -> float:
    """Seconds by the clock from a change of the last step to its verdict in the app's state."""
    app = StepcheckApp(Target("-"), config.load({}))
    app.session.take([long_solution()], complete=True)
    times = []
    async with app.run_test(size=(100, 30)) as pilot:
        for i in range(ROUNDS):
            while app.session.entries[0].phase.busy:
                await pilot.pause(0.01)
            document = app.session.entries[0].item
            if not isinstance(document, Document):
                raise TypeError("the solution is gone")
            last = Step(f"{long_solution().steps[-1].text} So it is {i}.")
            started = time.perf_counter()
            app.session.change(0, replace(document, steps=(*document.steps[:-1], last)))
            while app.session.entries[0].phase.busy:
                await pilot.pause(0.001)
            times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory() as folder:
        many, huge = Path(folder) / "many.jsonl", Path(folder) / "huge.md"
        rows = ({"id": str(i), "problem": f"{i} Add.", "steps": ["1 + 1 = 2. " * 40] * 3} for i in range(4000))
        many.write_text("".join(json.dumps(row) + "\n" for row in rows))
        huge.write_text(HUGE)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        print("| what | measured | aim |\n|---|---:|---:|", flush=True)
        paints = [first_paint("examples/wrong.md", "Tuesday") for _ in range(ROUNDS)]
        print(
            f"| first paint, best of {ROUNDS} | {min(s for s, _ in paints):.2f} s "
            f"({min(c for _, c in paints):.2f} s of CPU) | 0.6 s |",
            flush=True,
        )
        print(f"| first paint, 5 MB | {min(first_paint(str(huge), 'reading')[0] for _ in range(3)):.2f} s | 1 s |")
        for name, path, wait, aim in (("judging a list", many, 2.0, 50), ("with 5 MB", huge, 6.0, 100)):
            times = sorted(key_times(str(path), wait))
            high = times[int(len(times) * 0.95)]
            middle = statistics.median(times)
            print(f"| key to screen {name}, 95th percentile of {len(times)} | {high * 1000:.0f} ms "
                  f"(median {middle * 1000:.0f}) | {aim} ms |", flush=True)  # fmt: skip
        whole, edited, share = edit_share()
        print(f"| edit of the last of {STEPS} steps, the engine's time | {edited / whole:.2f} of all | 0.15 |")
        print(f"| the same, tokens decoded | {share:.2f} of all | |")
        print(f"| the same in the app, change to verdict | {asyncio.run(edit_in_app()) * 1000:.0f} ms | |")


if __name__ == "__main__":
    main()
