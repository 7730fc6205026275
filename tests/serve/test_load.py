"""Many clients at once, and a worker that is killed again and again: nothing is lost, nothing is wrong."""

import asyncio
import threading

import psutil
import pytest

from benchmarks.serve import apart, cut, load, rows, served
from stepcheck import Checker, Document, EngineOptions, Step
from stepcheck.report import records
from tests.serving import NOISE


def kill_workers(process: psutil.Process, times: int, done: threading.Event) -> int:
    """Kill the server's child, so many times, and count."""
    killed = 0
    while killed < times and not done.wait(0.7):
        for child in process.children():
            child.kill()
            killed += 1
    return killed


@pytest.mark.parametrize(
    ("count", "clients", "deaths"), [(24, 8, 2), pytest.param(5000, 64, 50, marks=pytest.mark.soak)]
)
@pytest.mark.timeout(3600)
def test_nothing_is_lost_or_wrong_while_the_worker_is_killed(count: int, clients: int, deaths: int) -> None:
    """Every request is answered, every row with the rewards of a local checker, whatever died in between."""
    requests = cut(rows(count * 4), count)
    made = [row for asked in requests for row in asked]
    documents = [Document(row["problem"], tuple(map(Step, row["steps"])), id=row["id"]) for row in made]
    with Checker("nano", options=EngineOptions(n_threads=1)) as checker:
        expected = {found["id"]: found for found in map(records.record, checker.check_many(documents))}
    with served() as (port, process):
        done, killed = threading.Event(), list[int]()
        killer = threading.Thread(target=lambda: killed.append(kill_workers(process, deaths, done)))
        killer.start()
        tally = asyncio.run(load(port, requests, clients))
        done.set()
        killer.join()
    assert killed[0] > 0
    assert len(tally.seconds) == count
    assert tally.results.keys() == expected.keys()
    for name, record in tally.results.items():
        assert "error" not in record
        assert apart(record, expected[name]) <= 3 * NOISE
