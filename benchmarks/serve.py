"""Does the server lose a request, and what does it cost? 64 clients at once, a worker that is killed, one client alone.

`python benchmarks/serve.py [load] [kills] [alone]`, each with its own server of nano on loopback; all by default, ten
minutes on two quiet cores. `--requests` and `--deaths` make it smaller; hostile clients are in `hostile.py`. Rows are
sums of our own making, one to eight a request. "Wrong" is a reward that differs by more than 0.06 from the one that
`score` prints for the same row, or another verdict where no reward is that near to the threshold; the noise of `score`
itself, with batches of 64 tokens instead of 512, stands beside it (with weights of 8 bits it moves an unsure step's).
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from stepcheck import Checker, Document, EngineOptions, Step

CLIENTS = 64
TOLERANCE = 0.06
ALIVE = 1.0
"""Seconds after which a worker is killed: it has loaded the model, and is in the midst of rows."""
SAME = ("--model", "nano", "--threads", "1", "--evidence", "off")
Row = dict[str, Any]


def rows(count: int, seed: int = 0) -> list[Row]:
    """Make problems of one to four sums, a wrong one among them now and then; some share their problem."""
    chance, made = random.Random(seed), list[Row]()
    while len(made) < count:
        numbers = [chance.randint(2, 60) for _ in range(chance.randint(2, 5))]
        names = chance.sample(["Ann", "Bob", "Cem", "Dia", "Eli", "Fay", "Gus", "Hoa", "Ida"], len(numbers))
        parts = ", ".join(f"{name} has {number} coins" for name, number in zip(names, numbers, strict=True))
        problem = f"{parts}. How many coins do they have together?"
        for _ in range(chance.choice((1, 1, 1, 4))):
            total, steps = numbers[0], list[str]()
            for number in numbers[1:]:
                said = total + number + chance.choice((0, 0, 0, 0, 0, 0, 1, -10))
                steps.append(f"{total} + {number} = {said}, so now there are {said} coins.")
                total = said
            made.append({"id": str(len(made)), "problem": problem, "steps": [*steps, f"The answer is {total}."]})
    return made[:count]


def cut(made: Sequence[Row], requests: int, seed: int = 1) -> list[list[Row]]:
    """Deal rows out to requests of mixed sizes: most have one, some two or eight."""
    chance, dealt, at = random.Random(seed), list[list[Row]](), 0
    for _ in range(requests):
        size = chance.choice((1, 1, 1, 1, 1, 1, 1, 1, 2, 8))
        dealt.append(list(made[at : at + size]))
        at += size
    return dealt


@contextmanager
def served(*options: str) -> Iterator[tuple[int, psutil.Process]]:
    """Serve nano on a free port; the port and the process."""
    command = [sys.executable, "-m", "stepcheck", "serve", "--port", "0", *SAME, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        said = process.stderr or ()
        line = next(line for line in said if " judges at " in line)
        threading.Thread(target=lambda: list(said), daemon=True).start()
        try:
            yield int(line.rsplit(":", 1)[1]), psutil.Process(process.pid)
        finally:
            process.terminate()
            if process.wait(60):
                raise ChildProcessError(f"the server ended with {process.returncode}")


class Connection:
    """A connection that is kept, and opened anew where the server closed it."""

    def __init__(self, port: int) -> None:
        self.port, self.reader, self.writer = port, None, None

    reader: asyncio.StreamReader | None
    writer: asyncio.StreamWriter | None

    async def ask(
        self, path: str, body: bytes, kind: str = "application/json", *, method: str = "POST"
    ) -> tuple[int, bytes]:
        """Send a request and return the response's status and body."""
        for _ in range(3):
            try:
                return await self._ask(path, body, kind, method)
            except (OSError, asyncio.IncompleteReadError):
                self.close()
        raise ConnectionError("no answer on three connections")

    async def _ask(self, path: str, body: bytes, kind: str, method: str) -> tuple[int, bytes]:
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(answer.split(" ", 2)[1])
        if "transfer-encoding: chunked" in answer:
            data = b"".join([chunk async for chunk in self._chunks(self.reader)])
        else:
            data = await self.reader.readexactly(int(answer.partition("content-length: ")[2].split("\r")[0]))
        if "connection: close" in answer:
            self.close()
        return status, data

    async def _chunks(self, reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 (an asynchronous generator)
        while size := int((await reader.readline()).strip() or b"0", 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readline()

    def close(self) -> None:
        """Let go of it."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


@dataclass
class Tally:
    """What came back."""

    seconds: list[float] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    again: int = 0
    took: float = 0.0


async def load(port: int, requests: Sequence[Sequence[Row]], clients: int = CLIENTS) -> Tally:
    """Let clients ask all of it, each its next request as soon as it has an answer; one in eight is a stream."""
    tally, left, began = Tally(), iter(list(enumerate(requests))), time.monotonic()

    async def client() -> None:
        connection = Connection(port)
        for number, asked in left:
            lines = number % 8 == 0
            body = "\n".join(map(json.dumps, asked)) if lines else json.dumps(asked[0] if len(asked) == 1 else asked)
            start = time.monotonic()
            kind = "application/x-ndjson" if lines else "application/json"
            status, data = await connection.ask("/v1/score", body.encode(), kind)
            while status == 429:
                tally.again += 1
                await asyncio.sleep(0.5)
                status, data = await connection.ask("/v1/score", body.encode(), kind)
            tally.seconds.append(time.monotonic() - start)
            tally.statuses[status] += 1
            found = [json.loads(line) for line in data.splitlines()] if lines else json.loads(data)
            for result in found if isinstance(found, list) else [found]:
                tally.results[result["id"]] = result
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.took = time.monotonic() - began
    return tally


def scored(made: Sequence[Row], *options: str) -> tuple[dict[str, Any], float, float]:
    """Let `stepcheck score` read the same rows from a file; its records by id, and seconds without its start.

    The second figure are seconds of CPU, of it and its worker together.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        command = [sys.executable, "-m", "stepcheck", "score", str(file), *SAME, *options, "--format", "jsonl"]
        times, cpu, out = list[float](), list[float](), ""
        for part in (made[:1], made):
            file.write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
            began, used = time.monotonic(), os.times()
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            times.append(time.monotonic() - began)
            cpu.append(sum(os.times()[2:4]) - sum(used[2:4]))
    found = {record["id"]: record for record in map(json.loads, out.splitlines())}
    return found, times[1] - times[0], cpu[1] - cpu[0]


def cpu_of(process: psutil.Process) -> float:
    """Return the seconds of CPU that a process and its children have had."""
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children()))


def apart(one: Row, other: Row) -> float:
    """Return the largest difference of two records' rewards."""
    pairs = zip(one["steps"], other["steps"], strict=True)
    return max(float(abs(step["reward"] - same["reward"])) for step, same in pairs)


def wrong(found: dict[str, Any], expected: dict[str, Any]) -> tuple[int, float]:
    """Count results that are not those of `score`, and the largest difference of a reward."""
    count, largest = 0, 0.0
    for name, record in expected.items():
        if "steps" not in found.get(name, {}):
            continue
        far = apart(found[name], record)
        near = any(abs(step["reward"] - record["threshold"]) < TOLERANCE for step in record["steps"])
        largest = max(largest, far)
        count += far > TOLERANCE or (found[name]["first_error"] != record["first_error"] and not near)
    return count, largest


def say(what: str, figure: str, asked: str = "") -> None:
    """Print a line of the table."""
    print(f"{what:<52} {figure:<44} {asked}", flush=True)


def quantiles(seconds: Sequence[float]) -> str:
    """Word the median and the slow end."""
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms, most {max(seconds) * 1000:.0f} ms"


def run_load(count: int) -> None:
    """64 clients at once, against `score` on the same rows, which runs before and after."""
    requests = cut(rows(count * 4), count)
    made = [row for asked in requests for row in asked]
    expected, before, cpu = scored(made)
    with served() as (port, process):
        asyncio.run(load(port, cut(rows(200, 9), 64)))
        used = cpu_of(process)
        tally = asyncio.run(load(port, requests))
        used = cpu_of(process) - used
    _, after, _ = scored(made)
    otherwise, _, _ = scored(made[:1000], "--ubatch", "64")
    noise = max(apart(record, expected[name]) for name, record in otherwise.items())
    bad, largest = wrong(tally.results, expected)
    say("requests, rows", f"{count:,}, {len(made):,} by {CLIENTS} clients")
    say("lost", f"{len(made) - len(tally.results)}", "0")
    say("wrong", f"{bad} (largest difference {largest:.4f}, of `score` itself {noise:.4f})", "0")
    say("statuses", f"{dict(tally.statuses)}, refused for now {tally.again}")
    say("latency", quantiles(tally.seconds))
    rates = " and ".join(f"{len(made) / took:.0f}" for took in (before, after))
    say("rows a second; `score`, before and after", f"{len(made) / tally.took:.0f}; {rates}")
    say("throughput against `score`", f"{(before + after) / 2 / tally.took:.2f}", "0.90")
    say("CPU a row; of `score`", f"{used / len(made) * 1000:.1f} ms; {cpu / len(made) * 1000:.1f} ms")


def run_kills(count: int, deaths: int) -> None:
    """The same, while the worker is killed again and again."""
    requests = cut(rows(count * 4), count)
    made = [row for asked in requests for row in asked]
    expected, _, _ = scored(made)
    killed, done = 0, threading.Event()
    with served() as (port, process):

        def kill() -> None:
            nonlocal killed
            while killed < deaths and not done.wait(0.2):
                for child in process.children():
                    if time.time() - child.create_time() > ALIVE:
                        child.kill()
                        killed += 1

        killer = threading.Thread(target=kill)
        killer.start()
        tally = asyncio.run(load(port, requests))
        done.set()
        killer.join()
    bad, largest = wrong(tally.results, expected)
    failed = Counter(each["error"]["kind"] for each in tally.results.values() if "error" in each)
    say(f"worker killed {killed} times: requests answered", f"{len(tally.seconds):,} of {count:,}", "all")
    say("rows lost, wrong, errors", f"{len(made) - len(tally.results)}, {bad} ({largest:.4f}), {dict(failed)}", "0, 0")
    say("latency", quantiles(tally.seconds))


def run_alone(count: int = 400) -> None:
    """One client, one request after the other, turn by turn with a checker in this process."""
    here, there = list[float](), list[float]()
    with served() as (port, process), Checker("nano", options=EngineOptions(n_threads=1)) as checker:
        checker.ready()

        async def ask() -> None:
            connection = Connection(port)
            for row in rows(count, 5):
                start = time.perf_counter()
                await connection.ask("/v1/score", json.dumps(row).encode())
                there.append(time.perf_counter() - start)
                start = time.perf_counter()
                checker.check(Document(row["problem"], tuple(map(Step, row["steps"]))))
                here.append(time.perf_counter() - start)

        before = process.cpu_times()
        asyncio.run(ask())
        after = process.cpu_times()
    took = (after.user + after.system - before.user - before.system) / count * 1000
    for what, tenth in (("medians", 4), ("the fastest tenth, as on a quiet machine", 0)):
        over, same = (statistics.quantiles(each, n=10)[tenth] * 1000 for each in (there, here))
        say(f"one after the other, {what}", f"over HTTP {over:.1f} ms, in one's own process {same:.1f} ms")
        say("overhead a request", f"{over - same:.1f} ms", "5 ms")
    say("CPU of the server's own process a request", f"{took:.1f} ms")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["load", "kills", "alone"])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--deaths", type=int, default=50)
    given = parser.parse_args()
    print(f"load of the machine at the start: {psutil.getloadavg()[0]:.1f}")
    for part in given.parts:
        if part == "load":
            run_load(given.requests)
        elif part == "kills":
            run_kills(given.requests, given.deaths)
        else:
            run_alone()


if __name__ == "__main__":
    main()
