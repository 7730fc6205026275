"""A long `score -o` loses nothing: what is done is there, line by line, and the same command adds the rest."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stepcheck.cli.main import main
from tests.fakes import FakeChecker

ROWS = [{"id": f"q{i}", "problem": f"p{i}", "steps": [f"step {i} {{0.9}}", f"then {i} {{0.2}}"]} for i in range(5)]
COMMAND = ["score", "rows.jsonl", "--format", "jsonl", "--resume", "-o", "out.jsonl"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stepcheck.cli.judging.open_judge", lambda *_, **__: FakeChecker())
    write(ROWS)
    return tmp_path


def write(rows: list[Any], name: str = "rows.jsonl") -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def lines() -> list[str]:
    return Path("out.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("torn", ["", '{"schema": 1, "source": "rows.js', "\x00\x00"])
def test_the_rest_is_added(torn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there is not judged again, a torn last line is, and the whole is what one go would have written."""
    assert main(COMMAND) == 0
    whole = lines()
    Path("out.jsonl").write_text("".join(f"{line}\n" for line in whole[:3]) + torn, encoding="utf-8")
    capsys.readouterr()
    assert main([*COMMAND, "--fail-under", "0.5"]) == 3
    assert "3 of 5 results were there and are kept as they are" in capsys.readouterr().err
    timeless = [json.loads(line) | {"seconds": 0} for line in lines()]
    assert timeless == [json.loads(line) | {"seconds": 0} for line in whole]
    assert main(COMMAND) == 0
    assert lines()[:3] == whole[:3]


@pytest.mark.usefixtures("folder")
def test_an_error_of_before_still_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """A row that failed in the first session makes the exit code of the second 1 too."""
    write([ROWS[0], {"problem": "p"}, ROWS[1]])
    assert main(COMMAND) == 1
    assert main(COMMAND) == 1
    assert "1 of 3 solutions could not be scored" in capsys.readouterr().err
    assert len(lines()) == 3


OTHERS: dict[str, tuple[list[Any], str]] = {
    "another text": ([ROWS[0] | {"steps": ["a"]}, *ROWS[1:]], r"out\.jsonl:1: has another steps than rows\.jsonl:1"),
    "another order": ([ROWS[1], ROWS[0], *ROWS[2:]], r"out\.jsonl:1: has another id"),
    "fewer rows": (ROWS[:4], "holds more lines than there are solutions"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("case", OTHERS)
def test_another_input_is_refused(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is mixed: the first line that is not this input's is named, and the file stays as it was."""
    assert main(COMMAND) == 0
    before = lines()
    rows, words = OTHERS[case]
    write(rows)
    assert main(COMMAND) == 2
    said = capsys.readouterr().err
    assert re.search(words, said)
    assert lines() == before


@pytest.mark.usefixtures("folder")
def test_another_judge_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A line that another model or threshold wrote is named with both."""
    assert main(COMMAND) == 0
    changed = [json.loads(line) | {"model": {"name": "other", "sha256": "0"}} for line in lines()]
    Path("out.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed), encoding="utf-8")
    assert main(COMMAND) == 2
    assert "out.jsonl:1: the model was {'name': 'other'" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments", [["--format", "jsonl"], ["-o", "x.json", "--format", "json"], ["-o", "-", "-f", "jsonl"]]
)
def test_only_lines_are_gone_on_with(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Other formats appear whole or not at all."""
    assert main(["score", "rows.jsonl", "--resume", *arguments]) == 2
    assert "--format jsonl and --output FILE" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_what_a_killed_process_left_is_swept() -> None:
    """A hidden part file of a process that is no more goes with the next run, one of a living process stays."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, living = Path(f".out.jsonl.{gone.pid}-x.part"), Path(f".out.jsonl.{os.getpid()}-x.part")
    for path in (left, living):
        path.touch()
    assert main(["score", "rows.jsonl", "-f", "jsonl", "-o", "out.jsonl"]) == 0
    assert (left.exists(), living.exists()) == (False, True)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by a POSIX signal")
def test_kill_9_loses_nothing_that_was_written(random_model: Path, tmp_path: Path) -> None:
    """Killed in the midst, the file holds whole lines but for the last; the same command makes it whole."""
    row = {"problem": "Add.", "steps": ["1 + 1 = 2. " * 20] * 3}
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row | {"id": str(i)}) + "\n" for i in range(60)))
    command = [sys.executable, "-m", "stepcheck", *COMMAND, "--model", str(random_model)]
    out = tmp_path / "out.jsonl"
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    while process.poll() is None and (not out.exists() or out.read_bytes().count(b"\n") < 5):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = out.read_bytes().count(b"\n")
    assert kept >= 5
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()] == [
        str(i) for i in range(60)
    ]
    assert kept == 60 or f"{kept:,} of 60 results were there" in done.stderr
