"""How long does a user wait for a prompt? Wall time of whole processes, best of five.

Aims: `--version` 0.2 s, a `check` 0.3 s, a first `score` with the built-in model 1.5 s.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 5
CASES = (
    ("stepcheck --version", ["--version"], 0.2),
    ("stepcheck --help", ["--help"], None),
    ("stepcheck split examples/wrong.md", ["split", "examples/wrong.md"], None),
    ("stepcheck check examples/wrong.md", ["check", "examples/wrong.md"], 0.3),
    ("stepcheck score examples/wrong.md", ["score", "examples/wrong.md"], 1.5),
)


def seconds(arguments: list[str]) -> float:
    """Time one run of the command."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "stepcheck", *arguments], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print one table."""
    print(f"| command | best of {ROUNDS} | aim |\n|---|---:|---:|")
    for name, arguments, aim in CASES:
        best = min(seconds(arguments) for _ in range(ROUNDS))
        print(f"| `{name}` | {best:.2f} s | {'' if aim is None else f'{aim} s'} |", flush=True)


if __name__ == "__main__":
    main()
