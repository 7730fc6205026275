"""What a run survives: kill -9, a full disk, a second writer, hostile files."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from stepcheck.bench.bestofn import Reading, read_problems
from stepcheck.bench.cases import Case, Row
from stepcheck.bench.data import Selection, scan
from stepcheck.bench.processbench import read_cases
from stepcheck.bench.runs.store import Run
from stepcheck.document import Document
from stepcheck.errors import InputError, RunError, StepcheckError
from tests.robustness.test_hostile_input import KINDS as HOSTILE_KINDS

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals and limits")


def write_cases(path: Path, count: int) -> list[str]:
    rng = random.Random(0)
    rows = []
    for i in range(count):
        steps = [f"Step {n} of {i}. {{{rng.choice((0.2, 0.9))}}}" for n in range(rng.randint(1, 5))]
        rows.append({"id": f"c{i}", "problem": "p", "steps": steps, "label": rng.randint(-1, len(steps) - 1)})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [str(row["id"]) for row in rows]


def command(folder: Path, seconds: float = 0.0, *, name: str = "r", log: str = "log") -> list[str]:
    program = [sys.executable, "-m", "tests.robustness.bench_program", str(folder / log), str(seconds)]
    arguments = ["bench", "processbench", "--data", str(folder / "cases.jsonl"), "--runs-dir", str(folder / "runs")]
    return [*program, *arguments, "--run", name, "--format", "json"]


def logged(folder: Path, word: str) -> list[str]:
    if not (folder / "log").exists():
        return []
    lines = (folder / "log").read_text(encoding="utf-8").splitlines()
    return [line.split(" ", 1)[1] for line in lines if line.startswith(f"{word} ")]


def kept(folder: Path, name: str = "r") -> dict[str, Row]:
    try:
        with Run(folder / "runs" / name) as run:
            rows = list(run.rows())
    except RunError:
        return {}
    found = {row.id: row for row in rows}
    assert len(found) == len(rows)
    return found


def comparable(rows: dict[str, Row]) -> dict[str, Any]:
    return {name: (row.rewards, row.first_error, row.facts, row.steps, row.error) for name, row in rows.items()}


@POSIX
@pytest.mark.parametrize(
    "kills", [5, pytest.param(200, marks=pytest.mark.soak), pytest.param(2000, marks=pytest.mark.soak)]
)
@pytest.mark.timeout(4 * 3600)
def test_kill_9_loses_and_repeats_nothing(kills: int, tmp_path: Path) -> None:
    """Killed at any moment: each row that was kept is there, and none that is there is asked for again."""
    ids = write_cases(tmp_path / "cases.jsonl", 600)
    subprocess.run(command(tmp_path, name="clean", log="other"), cwd=ROOT, check=True, capture_output=True, timeout=120)
    clean = comparable(kept(tmp_path, "clean"))
    assert list(clean) == ids
    rng, killed, runs = random.Random(kills), 0, 0
    while killed < kills:
        name = f"r{runs}"
        (tmp_path / "log").unlink(missing_ok=True)
        finished = False
        while not finished:
            before = kept(tmp_path, name)
            asked_before = len(logged(tmp_path, "asked"))
            process = subprocess.Popen(command(tmp_path, 0.002, name=name), cwd=ROOT, stdout=-3, stderr=-3)
            while process.poll() is None and len(logged(tmp_path, "asked")) == asked_before:
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.5))
            finished = process.poll() is not None or killed >= kills
            if finished:
                assert process.wait(timeout=120) == 0
            else:
                process.kill()
                process.wait()
                killed += 1
            assert not set(logged(tmp_path, "asked")[asked_before:]) & set(before), "a kept case was judged again"
            assert set(logged(tmp_path, "kept")) <= set(kept(tmp_path, name)), "a kept row was lost"
        twice = [case for case, count in Counter(logged(tmp_path, "kept")).items() if count > 1]
        assert not twice
        assert comparable(kept(tmp_path, name)) == clean
        runs += 1
    print(f"{killed} kills in {runs} runs: 0 lost, 0 duplicated, 0 judged twice")


LIMITED = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
sys.argv[0] = "bench_program"
runpy.run_module("tests.robustness.bench_program", run_name="__main__")
"""


@POSIX
@pytest.mark.parametrize("step", [100_000, pytest.param(1_500, marks=pytest.mark.soak)])
@pytest.mark.timeout(3600)
def test_a_full_disk_stops_cleanly_and_the_run_goes_on(step: int, tmp_path: Path) -> None:
    """Files may not grow past a limit, a larger one each time: one error line, and all is there when room is made."""
    ids = write_cases(tmp_path / "cases.jsonl", 400)
    subprocess.run(command(tmp_path, name="clean", log="other"), cwd=ROOT, check=True, capture_output=True, timeout=120)
    clean, failures = comparable(kept(tmp_path, "clean")), 0
    (tmp_path / "log").write_text("", encoding="utf-8")
    for number, limit in enumerate(range(20_000, 400_000, step)):
        name = f"r{number}"
        program = [sys.executable, "-c", LIMITED, str(limit), *command(tmp_path, name=name, log="none")[3:]]
        done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            failures += 1
            assert done.returncode == 1
            assert "error: " in done.stderr
            assert "Traceback" not in done.stderr, done.stderr
        before = kept(tmp_path, name)
        for case, row in before.items():
            assert comparable({case: row}) == {case: clean[case]}
        again = subprocess.run(
            command(tmp_path, name=name, log="none"), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )
        assert again.returncode == 0, again.stderr
        assert comparable(kept(tmp_path, name)) == clean
        assert set(before) <= set(ids)
    print(f"{number + 1} limits, {failures} full disks: 0 rows lost, torn or glued")
    assert failures >= 3


@pytest.mark.parametrize("rounds", [2, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.timeout(3600)
def test_two_writers_one_winner(rounds: int, tmp_path: Path) -> None:
    """Started together on one run: one does it, the other says who is at it; after a kill the next takes over."""
    ids = write_cases(tmp_path / "cases.jsonl", 60)
    for number in range(rounds):
        name = f"r{number}"
        (tmp_path / "log").unlink(missing_ok=True)
        both = [
            subprocess.Popen(command(tmp_path, 0.02, name=name), cwd=ROOT, stdout=-3, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=120)[1] for process in both]
        codes = sorted(process.returncode for process in both)
        if codes == [0, 0]:  # one came after the other was done: nothing was left to do
            assert len(logged(tmp_path, "asked")) == len(ids)
            continue
        assert codes == [0, 1], said
        refusal = said[[process.returncode for process in both].index(1)]
        # between taking the lock and writing its number the winner is just "another process"
        assert re.search(r"is being written by (process \d+|another process)", refusal), refusal
        assert sorted(kept(tmp_path, name)) == sorted(ids)
        assert Counter(logged(tmp_path, "asked")).most_common(1)[0][1] == 1
    print(f"{rounds} rounds: one winner each")


@POSIX
def test_a_killed_writer_is_followed_at_once(tmp_path: Path) -> None:
    """Its lock file is still there, with its number in it: no waiting, no question."""
    write_cases(tmp_path / "cases.jsonl", 300)
    process = subprocess.Popen(command(tmp_path, 0.01), cwd=ROOT, stdout=-3, stderr=-3)
    while not kept(tmp_path):
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert str(process.pid) in (tmp_path / "runs/r/lock").read_text(encoding="utf-8")
    done = subprocess.run(command(tmp_path), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "going on with the rest" in done.stderr


@pytest.mark.timed
@POSIX
@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.soak)])
def test_ctrl_c_keeps_everything(rounds: int, tmp_path: Path) -> None:
    """Within a second: exit status 130, what was done is kept, and stderr says how to go on; no process stays."""
    write_cases(tmp_path / "cases.jsonl", 4000)
    rng, slowest = random.Random(0), 0.0
    for _ in range(rounds):
        process = subprocess.Popen(command(tmp_path, 0.005), cwd=ROOT, stdout=-3, stderr=subprocess.PIPE, text=True)
        start = len(logged(tmp_path, "kept"))
        while len(logged(tmp_path, "kept")) == start:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.3))
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        _, said = process.communicate(timeout=30)
        slowest = max(slowest, time.monotonic() - asked)
        assert process.returncode == 130, said
        assert "the same command goes on with the rest" in said
        assert "Traceback" not in said
        assert set(logged(tmp_path, "kept")) == set(kept(tmp_path))
        assert not [child for child in children if child.is_running()]
    print(f"{rounds} interrupts: slowest {slowest:.2f} s")
    assert slowest <= 1.0


GOOD = {"id": "a", "problem": "P", "steps": ["one", "two"], "label": 1, "gt": "2", "pred": "2", "score": True}
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 7, 1.5, 1e308, "", " ", "x", "\\boxed{", [], {}, [[]], ["a"], [None], [1, 2], ["a", ""],
    {"a": 1},     "9" * 400, [True], [[1.5]], [["a"]], [10**400], [[-(10**400)]], 10**400, "\u202e", "\x00",
)  # fmt: skip
FIELDS = (*GOOD, "code", "response", "responses", "pred_score", "generator", "final_answer_correct", "answer", "idx")


def odd_bench(rng: random.Random) -> bytes:
    """Rows of a bench with any value in any field, some torn."""
    lines = []
    for _ in range(rng.randint(1, 6)):
        row = GOOD | {rng.choice(FIELDS): rng.choice(ODD) for _ in range(rng.randint(0, 4))}
        for name in rng.sample(sorted(row), rng.randint(0, 3)):
            del row[name]
        line = json.dumps(row, allow_nan=True)
        lines.append(line[: rng.randrange(len(line))] if rng.random() < 0.1 else line)
    body = "\n".join(lines)
    return rng.choice((body, f"[{','.join(lines)}]", "\ufeff" + body)).encode("utf-8", "surrogatepass")


class NoGrader:
    """Grades by exact text: what is read is tested here, not what is compared."""

    def compare(self, gold: str, given: str) -> Any:
        from stepcheck.answers import Outcome

        return Outcome(gold == given, "exact")

    def group(self, answers: Any) -> list[int | None]:
        return [None if answer is None else i for i, answer in enumerate(answers)]


def check_hostile(seed: int, folder: Path) -> None:
    """Every case of a file is a document with facts or an error that names the file; or the file is refused."""
    rng = random.Random(seed)
    kinds = (*HOSTILE_KINDS, odd_bench, odd_bench, odd_bench, odd_bench)
    path = folder / f"hostile{rng.choice(('.jsonl', '.json'))}"
    path.write_bytes(kinds[seed % len(kinds)](rng))
    for bench in ("processbench", "bestofn"):
        start = time.perf_counter()
        for case in read_hostile(path, bench):
            if isinstance(case.item, Document):
                assert case.facts is not None
                assert case.item.steps
            else:
                assert isinstance(case.item.error, StepcheckError)
                assert str(case.item.error).startswith(str(path))
        assert time.perf_counter() - start < 5


def read_hostile(path: Path, bench: str) -> list[Case]:
    """As many cases as were planned, no two in one place; none if the whole file is refused."""
    grader: Any = NoGrader()
    try:
        subset = scan("s", path, Selection(), merge=bench == "bestofn")
        cases = list(read_cases(subset) if bench == "processbench" else read_problems(subset, grader, Reading()))
    except InputError as error:
        words = str(error)
    else:
        assert len({case.key for case in cases}) == len(cases) == subset.cases
        return cases
    assert words.startswith(str(path))
    return []


def test_hostile_bench_files(tmp_path: Path) -> None:
    """300 files: cases, or errors with file and place; never a traceback."""
    for seed in range(300):
        check_hostile(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_thousand_hostile_bench_files(tmp_path: Path) -> None:
    """The full figure."""
    for seed in range(5000):
        check_hostile(seed, tmp_path)
    print("5000 hostile files: 0 tracebacks")
