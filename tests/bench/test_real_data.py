"""Real ProcessBench and Best-of-N files, the built-in model, and a second, independent computation of every figure."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stepcheck.cli.main import main
from tests.fakes import FakeChecker


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs of these tests are nobody's business."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))


def recompute(rows: list[dict[str, Any]], threshold: float) -> dict[str, tuple[float, float, float]]:
    """Error accuracy, correct accuracy and F1 of each subset, from exported rows and nothing else."""
    figures = {}
    for subset in dict.fromkeys(row["subset"] for row in rows):
        hits: dict[str, list[bool]] = {"wrong": [], "right": []}
        for row in rows:
            if row["subset"] != subset or row["rewards"] is None:
                continue
            prediction = -1
            for index, reward in enumerate(row["rewards"]):
                if reward < threshold:
                    prediction = index
                    break
            hits["right" if row["label"] == -1 else "wrong"].append(prediction == row["label"])
        error = 100 * sum(hits["wrong"]) / len(hits["wrong"])
        correct = 100 * sum(hits["right"]) / len(hits["right"])
        figures[subset] = (error, correct, 2 * error * correct / (error + correct) if error + correct else 0.0)
    return figures


@pytest.mark.parametrize("limit", [8, pytest.param(None, marks=pytest.mark.soak)])
@pytest.mark.timeout(3600)
def test_processbench_with_the_built_in_model(
    limit: int | None, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From start to end; the figures equal those of an independent computation from the exported rows."""
    command = ["bench", "processbench", "--data", str(shared / "processbench"), "--run", "r", "--format", "json"]
    if limit:
        command += ["--sample", str(limit)]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["runs", "export", "r"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == (2 * limit if limit else 1400)
    ours = {name: (s["error_acc"], s["correct_acc"], s["f1"]) for name, s in found["subsets"].items()}
    theirs = recompute(rows, found["threshold"])
    assert list(ours) == ["gsm8k", "math"] == list(theirs)
    for name, figures in theirs.items():
        assert ours[name] == pytest.approx(figures, abs=1e-4)
    assert found["average_f1"] == pytest.approx(sum(f1 for *_, f1 in theirs.values()) / 2, abs=1e-4)
    assert found["partial"] is bool(limit)
    if not limit:
        counts = Counter((row["subset"], row["label"] == -1) for row in rows)
        assert counts == {("gsm8k", False): 207, ("gsm8k", True): 193, ("math", False): 594, ("math", True): 406}
        right_wrong = {name: s["right_answer_wrong_process"]["cases"] for name, s in found["subsets"].items()}
        assert right_wrong["gsm8k"] == 7
        print({name: tuple(round(value, 1) for value in figures) for name, figures in theirs.items()})


def test_best_of_n_as_published_with_the_file(
    shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mean 91.0, maj@8 93.0, rm@8 94.0, pass@8 96.0; our grading agrees in ≥ 99 % of 800, and the others are listed."""
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    path = shared / "bon/math_cot_100.jsonl"
    assert main(["bench", "bon", str(path), "--run", "b", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    figures = [found[name] for name in ("mean@1", "maj@8", "rm@8", "pass@8")]
    assert figures == [91.0, 93.0, 94.0, 96.0]
    assert (found["problems"], found["n"], found["compared"]) == (100, 8, 800)
    assert len(found["disagreements"]) <= 8
    print(f"own grading agrees in {800 - len(found['disagreements'])} of 800:", found["disagreements"])
    assert main(["runs", "show", "b"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{row['id']}[{row['candidate']}]" in shown for row in found["disagreements"])
    by_hand = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    mixed = sum(0 < sum(row["score"]) < 8 for row in by_hand)
    assert mixed == 10
    assert found["pass@8"] == sum(any(row["score"]) for row in by_hand)
    best = [row["score"][max(range(8), key=lambda i: (row["pred_score"][i][0], -i))] for row in by_hand]
    assert found["rm@8"] == sum(best)


def test_best_of_n_with_the_built_in_model(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Real rewards, real steps: the chosen candidate is the one with the highest product of the exported rewards."""
    command = ["bench", "bon", str(shared / "bon/math_cot_100.jsonl"), "--run", "b", "--limit", "4", "--format", "json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["runs", "export", "b"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    right = []
    for position in range(4):
        group = [row for row in rows if row["position"] == position]
        assert len(group) == 8
        right.append(max(group, key=lambda row: (row["aggregates"]["product"], -row["candidate"]))["file_right"])
    assert found["prm@8"]["product"] == 100 * sum(right) / 4
