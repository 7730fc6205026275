"""Ctrl-C gives the prompt back, and nobody leaves a worker behind."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals; Windows has its own Ctrl-C")


def start(model: Path, work: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "stepcheck", "score", str(work), "--model", str(model), "--format", "jsonl"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More documents than anybody waits for."""
    path = tmp_path_factory.mktemp("work") / "many.jsonl"
    row = {"problem": "Add.", "steps": ["1 + 1 = 2. " * 40] * 3}
    path.write_text("".join(json.dumps(row | {"id": str(i)}) + "\n" for i in range(20_000)))
    return path


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run a second later; one that has ended and waits for init to notice is gone."""
    _, alive = psutil.wait_procs(processes, timeout=1)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def family(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.timed
@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.timeout(1200)
def test_ctrl_c_ends_within_a_second(random_model: Path, work: Path, rounds: int) -> None:
    """SIGINT while starting, loading or scoring: exit status 130 within 1 s, one line on stderr, no process left."""
    rng = random.Random(0)
    slowest = 0.0
    for _ in range(rounds):
        process = start(random_model, work)
        time.sleep(rng.uniform(0.6, 2.0))
        children = family(process)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        _, errors = process.communicate(timeout=30)
        slowest = max(slowest, time.monotonic() - asked)
        assert process.returncode == 130, errors.decode()
        assert "Traceback" not in errors.decode()
        assert not left(children)
    print(f"{rounds} interrupts: slowest {slowest:.2f} s")
    assert slowest <= 1.0


def test_a_killed_parent_takes_its_worker_along(random_model: Path, work: Path) -> None:
    """Kill -9 of the parent: the worker sees the end of its input and ends, in the middle of a decode if need be."""
    process = start(random_model, work)
    children: list[psutil.Process] = []
    while not children:
        time.sleep(0.05)
        children = family(process)
    time.sleep(1.0)
    process.kill()
    process.communicate()
    assert not left(children)
