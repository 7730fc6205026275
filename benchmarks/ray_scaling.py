"""How much faster are two engines than one? `python benchmarks/ray_scaling.py [--rows N] [--engines 1,2] [--part N]`.

Judges the same rows with one engine and with several, on a Ray cluster of this machine, one thread each, and says how
many rows a second each gave: from the first part begun to the last one done, and with the start of the engines. A row
of the data: {"id": "12", "problem": "Ann has 14 …", "solution": "After a gift Ann has 14 + 3 = 17 marbles. …"}. The
load of the machine stands beside the figures, for other work takes its part.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil

from stepcheck.config import keep_ray_to_itself
from stepcheck.ray.run import Job, begin

NAMES = ("Ann", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana")
THINGS = ("marbles", "stamps", "apples", "tickets", "pencils", "shells")


def make_row(number: int, dice: random.Random) -> dict[str, str]:
    """A problem of four steps; in every other row one result is wrong."""
    name, thing = dice.choice(NAMES), dice.choice(THINGS)
    start, more, times, less = (dice.randint(2, 60), dice.randint(2, 40), dice.randint(2, 9), dice.randint(2, 50))
    wrong = dice.randint(0, 7)
    results, lines = start, []
    steps = (("+", more, "gift"), ("*", times, "trade"), ("-", less, "loss"), ("+", 1, "find"))
    for index, (sign, value, what) in enumerate(steps):
        true = {"+": results + value, "-": results - value, "*": results * value}[sign]
        shown = true + (dice.randint(1, 9) if index == wrong else 0)
        lines.append(f"After the {what} {name} has {results} {sign} {value} = {shown} {thing}.")
        results = shown
    problem = (
        f"{name} has {start} {thing}, gets {more} more, trades each for {times}, loses {less} and finds one."
        f" How many {thing} are there?"
    )
    return {"id": str(number), "problem": problem, "solution": "\n\n".join(lines)}


def measure(data: Path, folder: Path, engines: int, rows: int) -> tuple[float, float, int]:
    """Seconds from the first part begun, seconds with the engines' start, and results."""
    job = Job(files=[str(data)], output=folder, engines=engines, rows=rows, judging={"evidence": "off"})
    started = time.monotonic()
    begun = results = 0.0
    with begin(job) as run:
        for _, done in run.work(print):
            begun = begun or time.monotonic() - done.seconds
            results += done.results
    now = time.monotonic()
    return now - begun, now - started, int(results)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=2000)
    options.add_argument("--engines", default="1,2")
    options.add_argument("--part", type=int, default=50)
    options.add_argument("--repeat", type=int, default=1)
    asked = options.parse_args()
    counts = [int(count) for count in asked.engines.split(",")]
    keep_ray_to_itself(anew=True)
    import ray

    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary) / "rows.jsonl"
        dice = random.Random(7)
        data.write_text("".join(json.dumps(make_row(n, dice)) + "\n" for n in range(asked.rows)), encoding="utf-8")
        ray.init(
            address="local",
            num_cpus=max(counts) + 1,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
        best: dict[int, float] = {}
        print(f"{asked.rows:,} rows, nano, one thread an engine, {psutil.cpu_count(logical=False)} cores")
        print("engines  rows/s  rows/s with the start  times one  load before")
        for turn in range(asked.repeat):
            for count in counts:
                load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
                judging, whole, results = measure(data, Path(temporary) / f"{turn}-{count}", count, asked.part)
                if results != asked.rows:
                    sys.exit(f"{results} results for {asked.rows} rows")
                best[count] = max(best.get(count, 0.0), results / judging)
                times = best[count] / best[counts[0]]
                rates = f"{results / judging:6.1f}  {results / whole:21.1f}"
                print(f"{count:7}  {rates}  {times:9.2f}  {load:11.2f}", flush=True)
        ray.shutdown()


if __name__ == "__main__":
    main()
