"""Runs that version 0.1.0 kept: they open, their figures are what they were, and what was made up is taken for that."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stepcheck.bench.runs.folder import DATABASE
from stepcheck.bench.runs.manifest import check_same
from stepcheck.bench.runs.store import Run
from stepcheck.bench.runs.writing import RunWriter
from stepcheck.cli.main import main
from stepcheck.errors import RunChangedError

DUMPS = Path(__file__).parent.parent / "golden" / "runs-0.1.0"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lay the runs out as that version did."""
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path))
    for dump in DUMPS.glob("*.sql"):
        (tmp_path / dump.stem).mkdir()
        with closing(sqlite3.connect(tmp_path / dump.stem / DATABASE)) as database:
            database.executescript(dump.read_text(encoding="utf-8"))
    return tmp_path


def test_the_figures_are_what_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    """Two of three wrong solutions hit and one of two right ones; half of the answers right, all with the best of two.

    Of a critic one of two each, and one case without a verdict: 50, with no threshold, for it had none.
    """
    found = {}
    for name in ("rewards", "bestofn", "critic"):
        assert main(["runs", "show", name, "--format", "json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    assert found["rewards"]["subsets"]["math"]["f1"] == pytest.approx(57.1429)
    assert found["rewards"]["threshold"] == 0.5
    assert (found["bestofn"]["mean@1"], found["bestofn"]["prm@2"]) == (50, {"product": 100})
    math = found["critic"]["subsets"]["math"]
    assert (math["f1"], math["cases"], math["errors"]) == (50, 5, 1)
    assert found["critic"]["protocol"]["subsets"]["math"]["f1"] == 40
    assert (found["critic"]["model"], found["critic"]["threshold"]) == ("a-model", None)


def test_a_critics_rewards_were_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That version wrote 1 and 0; they are shown nowhere, and no threshold can be tried on them."""
    with Run(folder / "critic") as run:
        assert [row.rewards for row in run.rows()] == [None] * 5
        assert run.row(("math", 1, 0)).rewards is None
    assert main(["runs", "export", "critic", "--format", "csv"]) == 0
    assert [line.split(",")[6] for line in capsys.readouterr().out.splitlines()[1:]] == ["1", "1", "-1", "0", ""]
    for command in (["show", "critic", "--threshold", "0.4"], ["show", "critic", "--tune-on", "math"]):
        assert main(["runs", *command]) == 1
        assert "no rewards to set a threshold for" in capsys.readouterr().err
    for form in ("jsonl", "csv", "inspect"):
        assert main(["runs", "export", "critic", "--format", form, "--threshold", "0.4"]) == 1


def test_an_old_file_is_given_a_place_for_boxes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Gone on with, it keeps what stood in the boxes; what is older stands by its verdicts, and the table says so."""
    assert main(["runs", "show", "critic"]) == 0
    assert "Of 4 cases an earlier version kept no box" in capsys.readouterr().out
    with Run(folder / "critic") as run:
        manifest, row = run.manifest, run.row(("math", 0, 0))
    with RunWriter(folder / "critic", manifest) as writer:
        writer.put(replace(row, boxes=("1", None)))
    with Run(folder / "critic") as run:
        assert [row.boxes for row in run.rows()] == [("1", None), None, None, None, None]


def test_a_run_by_rewards_goes_on_and_a_critics_does_not(folder: Path) -> None:
    """The same judge described anew is the same; who a critic was cannot be told from what was kept of it."""
    with Run(folder / "rewards") as run:
        check_same(run.manifest, msgspec.structs.replace(run.manifest, judge={}))
    with Run(folder / "critic") as run:
        again = {"name": "a-model", "address": "http://127.0.0.1:8080/v1", "votes": 1}
        with pytest.raises(RunChangedError, match=r"judge\.address was not there"):
            check_same(run.manifest, msgspec.structs.replace(run.manifest, judge=again))


@pytest.mark.parametrize("name", ["rewards", "bestofn", "critic"])
def test_every_way_of_showing_takes_them(name: str, tmp_path: Path) -> None:
    """Tables, pages, pictures and comparisons; of a critic's run no curve over thresholds is drawn."""
    for command in (["show", name], ["table", name, name], ["compare", name, name], ["list"]):
        assert main(["runs", *command]) == 0
    for form in ("jsonl", "csv", "md", "html"):
        assert main(["runs", "export", name, "--format", form, "--plots", str(tmp_path / "plots")]) == 0
    drawn = {path.name for path in (tmp_path / "plots").iterdir()}
    assert any("threshold" in each or "rewards" in each for each in drawn) == (name == "rewards")
