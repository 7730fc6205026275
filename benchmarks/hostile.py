"""Can strangers hurt the server? Slow clients, floods and 100 MB bodies beside a good client; then bodies of all kinds.

`python benchmarks/hostile.py [attack] [fuzz]`, each with its own server of nano on loopback. The good client asks row
after row meanwhile: every answer must be 200, and the server's memory bounded. Of the strange bodies every answer must
be a result, or say why it is none; no traceback may leave, and 500 would be a defect.
"""

import argparse
import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psutil

from benchmarks.serve import Connection, Tally, quantiles, rows, say, served


async def drip(port: int, first: bytes, drop: bytes, seconds: float) -> str:
    """Send something, then a drop every fifth of a second; the status that came back, or how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    end = time.monotonic() + seconds
    try:
        writer.write(first)
        while time.monotonic() < end:
            writer.write(drop)
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                return (await asyncio.wait_for(reader.read(12), 0.2)).decode("latin-1")[9:12] or "closed by the server"
    except OSError:
        return "closed by the server"
    finally:
        writer.close()
    return "still there"


async def pour(port: int, head: bytes, piece: bytes, pieces: int) -> str:
    """Send a great deal; the status that came back, or how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head)
        for _ in range(pieces):
            writer.write(piece)
            await writer.drain()
        return (await asyncio.wait_for(reader.read(12), 30)).decode("latin-1")[9:12] or "closed by the server"
    except (OSError, TimeoutError):
        return "closed by the server"
    finally:
        writer.close()


HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNK = b"100000\r\n" + b"x" * 2**20 + b"\r\n"


async def attack(port: int, seconds: float) -> dict[str, list[str]]:
    """Be all hostile clients at once."""
    kinds = {
        "slow bodies": [drip(port, HEAD + b"Content-Length: 9999\r\n\r\n", b"x", seconds) for _ in range(30)],
        "half-open connections": [drip(port, b"", b"", seconds) for _ in range(300)],
        "slow headers": [drip(port, b"POST /v1/score HTTP/1.1\r\n", b"X: y\r\n", seconds) for _ in range(100)],
        "100 MB bodies": [pour(port, HEAD + b"Content-Length: 104857600\r\n\r\n", b"x" * 2**20, 100) for _ in range(8)],
        "100 MB in chunks": [pour(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, 100) for _ in range(8)],
        "bad JSON": [pour(port, HEAD + b"Content-Length: 9\r\n\r\n", b'{"a": [[[', 1) for _ in range(100)],
        "header floods": [pour(port, HEAD, b"X-Flood: " + b"y" * 4000 + b"\r\n", 250) for _ in range(50)],
    }
    names = [name for name, each in kinds.items() for _ in each]
    ends = await asyncio.gather(*(one for each in kinds.values() for one in each))
    found: dict[str, list[str]] = {}
    for name, end in zip(names, ends, strict=True):
        found.setdefault(name, []).append(end)
    return found


def run_attack(seconds: float = 40.0) -> None:
    """Serve one good client, row after row, while all others are hostile."""
    good, most, done = Tally(), 0, False

    async def ask(port: int, process: psutil.Process) -> None:
        nonlocal most
        connection = Connection(port)
        for row in rows(100_000, 7):
            if done:
                return
            start = time.monotonic()
            status, _ = await connection.ask("/v1/score", json.dumps(row).encode())
            good.seconds.append(time.monotonic() - start)
            good.statuses[status] += 1
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.02)

    async def both(port: int, process: psutil.Process) -> dict[str, list[str]]:
        nonlocal done
        asking = asyncio.create_task(ask(port, process))
        ends = await attack(port, seconds)
        done = True
        await asking
        return ends

    with served() as (port, process):
        before = process.memory_info().rss
        ends = asyncio.run(both(port, process))
    for name, each in ends.items():
        say(name, f"{len(each)}: {dict(Counter(each))}")
    say("the good client meanwhile", f"{dict(good.statuses)}; {quantiles(good.seconds)}", "200 alone")
    say("memory of the server", f"{before / 2**20:.0f} MiB before, {most / 2**20:.0f} MiB at most", "bounded")


def mutant(chance: random.Random) -> tuple[str, str, bytes]:
    """Make a path, a content type and a body that is broken in some way, or just strange."""
    row: Any = {"problem": "1 + 1?", "steps": ["1 + 1 = 2"], "input": "x<extra_0>", "messages": [], "response": "a"}
    for _ in range(chance.randint(0, 3)):
        strange: list[Any] = [
            None,
            True,
            -1,
            1e308,
            10**30,
            "",
            "\ud800",
            "\0",
            [],
            {},
            [[]],
            [{}],
            "<extra_0>" * 9,
            ["x"] * 99,
        ]
        row[chance.choice([*row, "id", "task", "model", "candidates", "label", "x" * 99])] = chance.choice(strange)
    text = json.dumps([row] * chance.randint(0, 3) if chance.random() < 0.3 else row)
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(chance.choice((0, 0, 1, 2, 8))):
        at = chance.randrange(len(body) + 1)
        new = chance.choice([b"\xff", b"\0", b"{", b"]", b'"', b"\n", b"\\u", b"1e999", b"NaN", b"\xed\xa0\x80", b""])
        body[at : at + chance.randint(0, 4)] = new
    whole = chance.choice(
        [bytes(body)] * 8 + [b"", b"[" * 5000, b'{"a":' * 5000, chance.randbytes(200), bytes(body) * 9]
    )
    kind = chance.choice(["application/json"] * 5 + ["application/x-ndjson"] * 3 + ["text/plain", "", "a/b; c=\xff"])
    return chance.choice(["/v1/score", "/v1/score", "/pooling", "/v1/score?split=" + "z" * 9]), kind, whole


def run_fuzz(bodies: int) -> None:
    """Send bodies of all kinds; every answer is a result or says why not."""
    statuses, silent, shown, chance = Counter[int](), 0, 0, random.Random(3)

    async def ask(port: int, made: Sequence[tuple[str, str, bytes]]) -> None:
        nonlocal silent, shown
        connection = Connection(port)
        for path, kind, body in made:
            status, data = await connection.ask(path, body, kind)
            statuses[status] += 1
            shown += b"Traceback" in data or b'File "' in data
            if status >= 400:
                silent += not json.loads(data)["error"]["message"]

    async def all_of(port: int) -> None:
        made = [mutant(chance) for _ in range(bodies)]
        await asyncio.gather(*(ask(port, made[i::8]) for i in range(8)))

    with served() as (port, _):
        asyncio.run(all_of(port))
    say(f"{bodies:,} strange bodies", str(dict(sorted(statuses.items()))))
    say("tracebacks, refusals that say nothing, 500s", f"{shown}, {silent}, {statuses[500]}", "0, 0")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["attack", "fuzz"])
    parser.add_argument("--bodies", type=int, default=5000)
    given = parser.parse_args()
    print(f"load of the machine at the start: {psutil.getloadavg()[0]:.1f}")
    for part in given.parts:
        if part == "attack":
            run_attack()
        else:
            run_fuzz(given.bodies)


if __name__ == "__main__":
    main()
