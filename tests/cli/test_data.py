"""`stepcheck data pull`: asked for, pinned, verified; and the bench that finds what was pulled."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepcheck.cli.main import main
from tests.fakes import FakeChecker
from tests.hubserver import COMMIT, HubServer, Repository, serving

CASE = {"id": "a", "generator": "g", "problem": "p", "steps": ["s {0.1}"], "final_answer_correct": False, "label": 0}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """ProcessBench, small, with a file beside it that is no data; datasets and runs of these tests are apart."""
    folder = tmp_path / "served"
    folder.mkdir()
    rows = [CASE, CASE | {"id": "b", "steps": ["s"], "label": -1}]
    for name in ("gsm8k", "math"):
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "load.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.setattr("stepcheck.hub.pull.datasets.data_dir", lambda given=None: given or tmp_path / "data")
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    with serving(datasets__Qwen__ProcessBench=Repository(folder)) as running:
        monkeypatch.setattr("stepcheck.hub.net.remote.Hub.endpoint", running.url)
        yield running


def test_pull_then_bench(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pulled files are pinned to the commit; the bench finds them without --data; a second pull fetches nothing."""
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    assert main(["bench", "processbench"]) == 2
    assert "stepcheck data pull processbench" in capsys.readouterr().err
    assert main(["data", "pull", "processbench"]) == 2
    assert "say --yes" in capsys.readouterr().err
    assert main(["data", "pull", "processbench", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(tmp_path / "data" / "processbench")
    assert "from Qwen/ProcessBench at" in err
    assert sorted(path.name for path in (tmp_path / "data/processbench").iterdir()) == ["gsm8k.json", "math.json"]
    lock = json.loads((tmp_path / "data/stepcheck.lock.json").read_text(encoding="utf-8"))
    (pin,) = lock["repositories"].values()
    assert pin["commit"] == COMMIT
    assert set(pin["files"]) == {"gsm8k.json", "math.json"}
    assert main(["bench", "processbench", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["subsets"]["math"]["f1"] == 100
    assert main(["data", "path", "processbench"]) == 0
    assert main(["data", "path", "other"]) == 2
    assert server.url


def test_offline_means_offline(server: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    """With --offline nothing is looked up."""
    assert main(["data", "pull", "processbench", "--yes", "--offline"]) == 1
    assert "stay offline" in capsys.readouterr().err
    assert (server.requests, server.metadata) == ([], 0)


def test_a_pinned_file_that_changes_is_refused(
    server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same commit with other content is not what was pinned: refused, and the old file is not replaced by it."""
    assert main(["data", "pull", "processbench", "--yes"]) == 0
    served = server.repositories["datasets/Qwen/ProcessBench"].folder / "math.json"
    served.write_text(json.dumps([CASE]), encoding="utf-8")
    (tmp_path / "data/processbench/math.json").unlink()
    capsys.readouterr()
    assert main(["data", "pull", "processbench", "--yes"]) == 1
    assert "sha256" in capsys.readouterr().err
    assert not (tmp_path / "data/processbench/math.json").exists()
