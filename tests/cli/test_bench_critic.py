"""Benches with a critic, a kept threshold, and several runs in one table."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from stepcheck.cli.main import main
from stepcheck.prm.card import read_card
from tests.chatserver import says, serving


def case(name: str, label: int) -> dict[str, Any]:
    return {"id": name, "generator": "A", "problem": "p", "final_answer_correct": True, "steps": ["a", "b"]} | {
        "label": label
    }


CASES = [case("m0", 1), case("m1", 0), case("m2", -1), case("m3", -1), case("m4", 1)]


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    (tmp_path / "math.json").write_text(json.dumps(CASES), encoding="utf-8")
    (tmp_path / "gsm8k.json").write_text(json.dumps(CASES[:3]), encoding="utf-8")


def run(*arguments: str) -> int:
    return main(["bench", "processbench", "--data", "math.json", *arguments])


def test_a_critic_runs_processbench(capsys: pytest.CaptureFixture[str]) -> None:
    """Of two wrong solutions with a verdict one is hit, of two right ones one: F1 50; the fifth has no verdict.

    That is counted apart, is no failure, and the same command again asks for nothing.
    """
    acts = [says(f"\\boxed{{{words}}}") for words in ("1", "1", "-1", "0", "?")]
    with serving(*acts) as server:
        flags = ("--critic", server.address, "--run", "r", "--format", "json")
        assert run(*flags) == 0
        assert len(server.asked) == 5
        found = json.loads(capsys.readouterr().out)
        assert run(*flags) == 0
        assert len(server.asked) == 5
    math = found["subsets"]["math"]
    assert (math["f1"], math["errors"], math["too_long"]) == (50, 1, 0)
    assert found["model"] == "a-model"


def test_the_published_protocol_stands_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """The fifth case is a miss there: one of three wrong ones (33.3), one of two right ones (50), F1 40.

    Only that figure stands beside the published rows, the greedy ones of its kind among them; it is shown again later.
    """
    acts = [says(f"\\boxed{{{words}}}") for words in ("1", "1", "-1", "0", "?")]
    with serving(*acts, models=("Qwen/Qwen2.5-72B-Instruct",)) as server:
        assert run("--critic", server.address, "--run", "r", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    protocol = found["protocol"]["subsets"]["math"]
    assert (protocol["f1"], protocol["without_verdict"], protocol["cases"]) == (40, 1, 5)
    assert (found["protocol"]["average_f1"], found["average_f1"]) == (40, 50)
    assert found["subsets"]["math"]["no_verdict"] == 1
    assert "code/run_eval.py" in found["protocol"]["source"]
    assert main(["runs", "show", "r"]) == 0
    shown = capsys.readouterr().out
    assert "By the published protocol" in shown
    lines = [line.split() for line in shown.splitlines()]
    beside = next(line for line in lines if line[:2] == ["Qwen/Qwen2.5-72B-Instruct,", "here"])
    assert beside[-1] == "40.0"
    assert ["Qwen2.5-72B-Instruct", "(greedy),", "published", "60.7", "58.5"] in lines
    assert ["difference", "−20.7"] in lines
    assert main(["runs", "export", "r"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["boxes"] for row in rows] == [["1"], ["1"], ["-1"], ["0"], ["?"]]
    assert [row["published_prediction"] for row in rows] == [1, 1, -1, 0, None]


def test_a_model_with_rewards_is_not_told_of_the_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor are greedy critics listed beside it."""
    assert run("--run", "nano", "--format", "json") == 0
    assert "protocol" not in json.loads(capsys.readouterr().out)
    assert main(["runs", "show", "nano"]) == 0
    shown = capsys.readouterr().out
    assert "(greedy)" not in shown
    assert "no verdict" not in shown


def test_other_votes_are_another_run(capsys: pytest.CaptureFixture[str]) -> None:
    """A run with one vote is not gone on with by one with three: what differs is named."""
    with serving(says("\\boxed{1}")) as server:
        assert run("--critic", server.address, "--run", "r", "--limit", "1") == 0
        assert run("--critic", server.address, "--run", "r", "--limit", "1", "--votes", "3") == 1
    assert "judge.votes was 1, is 3" in capsys.readouterr().err


def test_a_critic_has_no_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither given, nor tuned, nor kept."""
    for flag, value in (("--threshold", "0.4"), ("--tune-on", "math"), ("--tune-threshold", "math")):
        assert run("--critic", "http://127.0.0.1:9/v1", flag, value) == 2
        assert f"{flag}: a critic names" in capsys.readouterr().err


def test_a_tuned_threshold_is_kept_in_the_card(
    random_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user's own card carries it, and its source, from then on; the shipped one is refused."""
    folder = tmp_path / "models"
    shutil.copytree(random_model.parent, folder, ignore=shutil.ignore_patterns("checkpoint"))
    card = folder / random_model.name
    assert run("--model", str(card), "--tune-threshold", "math") == 0
    kept = read_card(card)
    assert kept.threshold != 0.5
    assert kept.threshold_source.startswith("tuned on ProcessBench math: F1 ")
    assert "over 5 cases" in kept.threshold_source
    capsys.readouterr()
    assert run("--tune-threshold", "math", "--run", "shipped") == 1
    assert "is shipped with stepcheck" in capsys.readouterr().err


@pytest.fixture
def two_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """One critic on both subsets, another on math alone."""
    with serving(says("\\boxed{1}"), models=("Qwen2.5-Math-PRM-7B",)) as server:
        data = ("--data", "gsm8k.json")
        assert run(*data, "--critic", server.address, "--run", "one") == 0
    with serving(says("\\boxed{-1}"), models=("other_model",)) as server:
        assert run("--critic", server.address, "--run", "two") == 0
    capsys.readouterr()


@pytest.mark.usefixtures("two_runs")
def test_runs_stand_in_one_table_beside_the_published_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns in the published order, the model's own published row under its run, nothing where nothing was run."""
    assert main(["runs", "table", "one", "two", "--format", "csv"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows[0] == ["model", "gsm8k", "math", "average"]
    assert rows[1][0] == "Qwen2.5-Math-PRM-7B"
    assert rows[2] == ["Qwen2.5-Math-PRM-7B (published)", "82.4", "77.6", "73.5"]
    assert rows[3][:2] == ["other_model", ""]
    assert [row[0] for row in rows[4:6]] == ["Qwen2.5-Math-PRM-7B, verdicts only", "other_model, verdicts only"]
    assert rows[1][1:3] == rows[4][1:3]
    assert len(rows) > 15
    assert main(["runs", "table", "one", "two"]) == 0
    shown = capsys.readouterr().out
    assert "* partial" in shown
    assert "'verdicts only' leaves such cases out" in shown
    assert main(["runs", "table", "one", "two", "--format", "md"]) == 0
    assert "| other\\_model" in capsys.readouterr().out.replace("other_model", "other\\_model")


@pytest.mark.usefixtures("two_runs")
def test_a_table_in_latex(tmp_path: Path) -> None:
    """A tabular that LaTeX takes: names escaped, rows ended."""
    assert main(["runs", "table", "one", "two", "--format", "latex", "-o", "table.tex"]) == 0
    text = (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert text.startswith("\\begin{tabular}{lrrr}\n\\toprule\nmodel & gsm8k & math & average \\\\\n")
    assert "other\\_model & " in text
    assert text.count(" \\\\\n") == text.count("\n") - 5


def test_runs_of_two_benches_do_not_mix(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One kind at a time; a Best-of-N run alone has its tasks as columns."""
    row = {"question": "q", "answer": "1", "responses": ["\\boxed{1}", "\\boxed{2}"]}
    (tmp_path / "math.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert main(["bench", "bon", "math.jsonl", "--run", "bon"]) == 0
    with serving(says("\\boxed{1}")) as server:
        assert run("--critic", server.address, "--run", "p") == 0
    capsys.readouterr()
    assert main(["runs", "table", "bon", "p"]) == 2
    assert "do not fit into one table" in capsys.readouterr().err
    assert main(["runs", "table", "bon", "--format", "csv"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows[0] == ["model", "math"]
    assert rows[1][0] == "nano"
