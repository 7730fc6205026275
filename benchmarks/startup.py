"""How long does a user wait for a prompt? Whole processes, by the clock and of the CPU, with all that they start.

The commands take turns, so that what else the machine does falls on all of them alike; the median of fifteen, and the
least. Bytecode is there, as it is after an installation: PYTHONDONTWRITEBYTECODE would have every start compile all.

Aims: `--version` 0.05 s, a `check` 0.3 s, a first `score` with the built-in model 0.6 s.
"""

import compileall
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
ROUNDS = 15
CASES = (
    ("--version", 0.05),
    ("--help", None),
    ("split examples/wrong.md", None),
    ("check examples/wrong.md", 0.3),
    ("score examples/wrong.md", 0.6),
)


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Run the command once: seconds by the clock, and of the CPU."""
    before, start = spent(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "stepcheck", *arguments], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start, spent() - before


def spent() -> float:
    """Seconds of the CPU that the processes took which were started here and have ended."""
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


def main() -> None:
    """Print one table."""
    compileall.compile_dir(ROOT / "stepcheck", quiet=1)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in CASES}
    for _ in range(ROUNDS):
        for name, _ in CASES:
            took[name].append(seconds(name.split()))
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(f"| stepcheck … | median of {ROUNDS} | least | of the CPU, median | least | aim |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, aim in CASES:
        figures = [f"{of(column):.2f} s" for column in zip(*took[name], strict=True) for of in (statistics.median, min)]
        print(f"| `{name}` | {' | '.join(figures)} | {'' if aim is None else f'{aim} s'} |")


if __name__ == "__main__":
    main()
