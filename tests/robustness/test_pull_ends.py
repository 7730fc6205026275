"""A pull that is killed, doubled or fed by a bad server: never a wrong file, and nothing left over after a success."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.errors import CheckpointError, HubError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.lock import LOCKS
from stepcheck.hub.disk.store import find, verify
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.pull.offer import disk_usage
from stepcheck.prm.card import render_card
from tests import checkpoints, large
from tests.checkpoints import Spec
from tests.hubserver import Fault, HubServer, Repository, serving
from tests.test_pull import card, pulled

SPEC = Spec(layers=6, hidden=256, heads=4, kv_heads=2, feed_forward=512, shards=3)
FILES = ["Random-PRM-q4_0.gguf", "Random-PRM-q4_0.head.safetensors", "Random-PRM-q4_0.toml"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 12 MB in three shards."""
    return checkpoints.write(tmp_path_factory.mktemp("served") / "random", SPEC)


@pytest.fixture(scope="module")
def expected(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The sha256 of what a local conversion of the folder gives."""
    made = convert(
        checkpoint,
        tmp_path_factory.mktemp("local"),
        weight_type=WeightType.Q4_0,
        name="Random-PRM-q4_0",
        card=card(),
    )
    return {name: hashlib.sha256((made.parent / name).read_bytes()).hexdigest() for name in FILES[:2]}


@pytest.fixture
def server(checkpoint: Path) -> Iterator[HubServer]:
    with serving(some__random=Repository(checkpoint)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "random.toml").write_text(render_card(card()), encoding="utf-8")
    return tmp_path / "models"


def start(server: HubServer, folder: Path) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "stepcheck", "models", "pull", "Random-PRM:q4_0", "--yes", "--quiet"]
    arguments += ["--card", str(folder.parent / "random.toml"), "--models-dir", str(folder)]
    environment = {**os.environ, "HF_ENDPOINT": server.url}
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


def wrong(folder: Path, expected: dict[str, str]) -> list[str]:
    """Files that lie under a model's name and are not the right ones, where a card says that they can be used."""
    if not (folder / FILES[2]).exists():
        return []
    return [name for name in FILES[:2] if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected[name]]


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.timeout(3600)
def test_a_killed_pull_leaves_no_wrong_file_and_no_litter(
    kills: int, server: HubServer, folder: Path, expected: dict[str, str]
) -> None:
    """Kill -9 at random moments: 0 wrong files, and after the next success 0 bytes beside the model's own."""
    rng, done, rounds = random.Random(5), 0, 0
    server.rate = 20_000_000
    while done < kills:
        process = start(server, folder)
        try:
            process.communicate(timeout=rng.uniform(0.3, 1.8))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            done += 1
        assert wrong(folder, expected) == []
        if process.returncode == 0:
            rounds += 1
            clean(folder)
            for name in FILES:
                (folder / name).unlink()
    process = start(server, folder)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert wrong(folder, expected) == []
    clean(folder)
    print(f"{done} kills, {rounds + 1} successes: 0 wrong files, 0 bytes left over")


def clean(folder: Path) -> None:
    """Only the model's files and the lock file lie there, besides empty files that processes hold."""
    names = sorted(path.name for path in folder.iterdir() if path.name != LOCKS)
    assert names == sorted([*FILES, "stepcheck.lock.json"])
    assert sum(path.stat().st_size for path in (folder / LOCKS).iterdir()) == 0 if (folder / LOCKS).exists() else True
    verify(find(str(folder / FILES[2])))


@pytest.mark.parametrize("count", [3, pytest.param(12, marks=pytest.mark.soak)])
@pytest.mark.timeout(600)
def test_pulls_in_parallel_share_one_download(
    count: int, server: HubServer, folder: Path, expected: dict[str, str]
) -> None:
    """Several processes at once: all succeed with the right model, and every shard is sent once."""
    processes = [start(server, folder) for _ in range(count)]
    outcomes = [(process.communicate(timeout=300)[1], process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0] * count, outcomes
    assert wrong(folder, expected) == []
    clean(folder)
    shards = [request for request in server.requests if request.range is None and request.path.endswith(".safetensors")]
    assert len(shards) == SPEC.shards
    print(f"{count} processes: {len(shards)} shards sent, 1 model")


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize(
    ("fault", "succeeds"),
    [
        ("short", True),
        pytest.param("503", True, marks=pytest.mark.soak),
        ("flip", False),
        pytest.param("reset", True, marks=pytest.mark.soak),
        pytest.param("stall", True, marks=pytest.mark.soak),
        pytest.param("404", False, marks=pytest.mark.soak),
        pytest.param("offset", False, marks=pytest.mark.soak),
        pytest.param("total", False, marks=pytest.mark.soak),
    ],
)
def test_a_fault_at_any_request_gives_the_right_model_or_one_error(
    fault: Fault, succeeds: bool, every: int, server: HubServer, folder: Path, expected: dict[str, str]
) -> None:
    """Each (or each fourth) request of a whole pull meets the fault: the right model, or one error that names the file.

    And the pull after it succeeds, with nothing left over. Both hold for every position.
    """
    position, errors = 0, 0
    while True:
        server.faults.clear()
        server.faults.extend([*["ok"] * position, fault])  # type: ignore[list-item]
        try:
            pulled(server, folder, WeightType.Q4_0, name="Random-PRM-q4_0")
            outcome = ""
        except (HubError, CheckpointError) as error:
            outcome, errors = str(error), errors + 1
        if outcome:
            assert not succeeds, outcome
            assert "some/random/" in outcome or "tensor" in outcome
            assert not (folder / FILES[2]).exists()
            server.faults.clear()
            pulled(server, folder, WeightType.Q4_0, name="Random-PRM-q4_0")
        assert wrong(folder, expected) == []
        clean(folder)
        if server.faults:
            break
        position += every
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
    assert position >= 12, "3 plain files, 3 headers in two requests each, 3 shards"
    assert errors == (0 if succeeds else position // every), "a fault that does not pass is noticed wherever it is"
    print(f"{fault} at {position // every} of {position} requests: {errors} clear errors, 0 wrong files")


PEAK = """
import sys, json
sys.path.insert(0, sys.argv[1])
from tests.memory import peak
from stepcheck.cli.main import main
code = main(sys.argv[2:])
print(json.dumps({"code": code, "peak": peak()}), file=sys.stderr)
"""


def pull_measured(server: HubServer, folder: Path, kind: str) -> tuple[int, int]:
    """Pull in a process of its own; return its peak memory and the most bytes that lay in the folder."""
    root = Path(__file__).parents[2]
    arguments = [sys.executable, "-c", PEAK, str(root), "models", "pull", f"Random-PRM:{kind}", "--yes", "--quiet"]
    arguments += ["--card", str(folder.parent / "random.toml"), "--models-dir", str(folder)]
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_ENDPOINT": server.url},
    )
    most = 0
    while process.poll() is None:
        most = max(most, disk_usage_now(folder))
        time.sleep(0.02)
    _, errors = process.communicate()
    said = json.loads(errors.strip().splitlines()[-1])
    assert said["code"] == 0, errors
    return int(said["peak"]), most


def disk_usage_now(folder: Path) -> int:
    """Files come and go while they are counted."""
    try:
        return disk_usage(folder)
    except FileNotFoundError:
        return 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("600 MB", Spec(hidden=1024, layers=12, heads=16, kv_heads=4, feed_forward=4096, spare=60_000, shards=4)),
        (
            "7B, 2 layers",
            Spec(
                hidden=3584,
                layers=2,
                heads=28,
                kv_heads=4,
                feed_forward=18944,
                context=4096,
                shards=4,
                spare=0,
            ),
        ),
    ],
    ids=["600MB", "7B-2-layers"],
)
def test_a_large_pull_stays_within_disk_and_memory(name: str, spec: Spec, tmp_path: Path) -> None:
    """The bytes of a local conversion; disk: result + one shard + 10 %; memory under 4 GB. Then it scores."""
    served = tmp_path / "served"
    size = large.write(served, spec, 152064 if spec.spare == 0 else None)
    folder = tmp_path / "models"
    (tmp_path / "random.toml").write_text(render_card(card()), encoding="utf-8")
    with serving(some__random=Repository(served)) as server:
        peak, disk = pull_measured(server, folder, "q4_k_m")
        sent = server.sent
    made = folder / "Random-PRM-q4_k_m.toml"
    result = sum(path.stat().st_size for path in folder.glob("Random-PRM-q4_k_m.*"))
    largest = max(path.stat().st_size for path in served.glob("*.safetensors"))
    print(
        f"\n{name}: checkpoint {size / 1e6:,.0f} MB, sent {sent / 1e6:,.0f} MB, result {result / 1e6:,.0f} MB,"
        f" largest shard {largest / 1e6:,.0f} MB; peak disk {disk / 1e6:,.0f} MB"
        f" (bound {1.1 * (result + largest) / 1e6:,.0f}), peak memory {peak / 1e6:,.0f} MB"
    )
    assert disk <= 1.1 * (result + largest)
    assert peak < 4e9
    local = convert(served, tmp_path / "local", weight_type=WeightType.Q4_K_M, name="Random-PRM-q4_k_m", card=card())
    for ending in (".gguf", ".head.safetensors"):
        ours, theirs = made.parent / f"{made.stem}{ending}", local.parent / f"{local.stem}{ending}"
        assert ours.stat().st_size == theirs.stat().st_size
        with ours.open("rb") as a, theirs.open("rb") as b:
            assert hashlib.file_digest(a, "sha256").digest() == hashlib.file_digest(b, "sha256").digest()
    steps = tuple(Step(text) for text in checkpoints.TEXTS[0][1])
    began = time.monotonic()
    with Checker(made, force=True) as checker:
        review = checker.check(Document(checkpoints.TEXTS[0][0], steps, "x"))
    print(f"{name}: loaded and scored in {time.monotonic() - began:.1f} s: {[round(r, 3) for r in review.rewards]}")
    assert len(review.rewards) == len(steps)
    assert all(0 <= reward <= 1 for reward in review.rewards)


def test_no_process_is_left_behind(server: HubServer, folder: Path) -> None:
    """A pull starts no process that outlives it."""
    process = start(server, folder)
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.communicate(timeout=60)
    assert [child for child in children if child.is_running()] == []
