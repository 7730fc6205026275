"""What a judge is trained on: labels from counts, slips, samples, and the threshold's rule."""

import argparse
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs torch (the test extra)")
pytest.importorskip("transformers", reason="training needs transformers (the test extra)")

from models.training import backbone, calibrate, label, problems, sample
from models.training.judge import CHATML
from models.training.lines import read_lines
from models.training.rows import read_rows
from models.training.slips import EQUATION, slip
from stepcheck.bench.metrics import Scored
from stepcheck.errors import InputError
from stepcheck.hub.gguf.quantize import WeightType
from tests.checkpoints import Spec
from tests.test_peft import write_base
from tests.test_training import write_rows

pytestmark = pytest.mark.usefixtures("one_thread")
GSM8K = (
    {
        "question": "Ann has 4 boxes of 6 eggs and eats 2. How many are left?",
        "answer": "4*6=<<4*6=24>>24\n24-2=22\n#### 22",
    },
    {"question": "Bob has $1,200 and spends a half. What is left?", "answer": "1,200/2=<<1200/2=600>>600\n#### 600"},
)
RIGHT = ["There are 4 * 6 = 24 eggs.", "So 24 - 2 = 22 are left.", "The answer is 22."]
WRONG = ["There are 4 * 6 = 24 eggs.", "So 24 + 2 = 26 are left.", "The answer is 26."]


def gsm8k(folder: Path) -> Path:
    """Two problems in GSM8K's form."""
    return write_rows(folder / "train.jsonl", GSM8K)


def test_problems_are_read(tmp_path: Path) -> None:
    """Answers as numbers, work without the calculator's notes, what the notes compute; another row is told by line."""
    first, second = problems.read_problems(gsm8k(tmp_path))
    assert (first.answer, first.work, first.noted) == (22.0, ("4*6=24", "24-2=22"), frozenset({24.0}))
    assert (second.answer, problems.numbers(second.text)) == (600.0, frozenset({1200.0}))
    (tmp_path / "b.jsonl").write_text('{"question": "q", "answer": "none"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.jsonl:1: is no row of GSM8K"):
        problems.read_problems(tmp_path / "b.jsonl")
    assert problems.held_out(100, 10) == problems.held_out(100, 10)
    assert len(problems.held_out(100, 10)) == 10


@pytest.mark.parametrize(
    ("counts", "new", "error"),
    [
        ([8, 7, 0, 0], [False] * 5, 2),
        ([0, 0], [False] * 3, 0),
        ([8, 8], [False] * 3, 2),
        ([5, 1, 0], [False, True, False, False], 1),
    ],
)
def test_the_first_error_is_where_completions_begin_to_fail(counts: list[int], new: list[bool], error: int) -> None:
    """Alive until the count falls and stays down; a new number decides where the counts leave it open."""
    found, sure = label.first_error(counts, 8, new)
    assert found == error
    assert 0.4 < sure <= 1


def test_labels_are_those_that_the_shipped_judge_was_trained_on(shared: Path) -> None:
    """The first 400 solutions whose completions were counted: the same first error, as sure."""
    path = shared / "policy" / "gsm8k_qwen05_mc.jsonl.gz"
    if not path.is_file():
        pytest.skip("the policy's samples are not here")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if "counts" in row][:400]
    assert len(rows) == 400
    for row in rows:
        found, sure = label.first_error(row["counts"], row["k"], row["novel"])
        assert found == row["label"]
        assert sure == pytest.approx(row["sure"], abs=1e-3)


def test_a_slip_is_one() -> None:
    """The last step's equation is false, or of other numbers than the right one; what stands before is as it was."""
    made = [slip(RIGHT, [4.0, 6.0, 2.0, 9.0], random.Random(seed)) for seed in range(60)]
    assert sum(each is not None for each in made) > 30
    for each in (each for each in made if each is not None):
        step = len(each) - 1
        assert list(each[:step]) == RIGHT[:step]
        assert each[step] != RIGHT[step]
        found = EQUATION.search(each[step])
        assert found is not None
        assert found[0] != (EQUATION.search(RIGHT[step]) or [""])[0]
    assert slip(["Nothing to compute.", "4 * 6 = 25, which was false before."], [1.0], random.Random(0)) is None


def samples() -> list[dict[str, Any]]:
    """Three solutions of one problem, two right and one wrong."""
    plain = {"problem": 0, "style": 0, "held": False, "whole": True, "ended": True}
    right = [
        plain | {"solution": "\n\n".join(RIGHT) + more, "steps": RIGHT, "answer": 22.0, "right": True}
        for more in ("", " ")
    ]
    return [*right, plain | {"solution": "\n\n".join(WRONG), "steps": WRONG, "answer": 26.0, "right": False}]


def test_samples_and_counts_become_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Right ones, the wrong one with its first error, a slip; what is not sure enough is left out and counted."""
    counted = write_rows(tmp_path / "counted.jsonl", [samples()[2] | {"sample": 2, "counts": [7, 0], "completions": 8}])
    drawn = write_rows(tmp_path / "s.jsonl", samples())
    command = ["label", "--problems", str(gsm8k(tmp_path)), "--samples", str(drawn)]
    command += ["--counted", str(counted), "--out", str(tmp_path / "rows.jsonl"), "--slips", "1"]
    monkeypatch.setattr("sys.argv", command)
    label.main()
    assert "1 right, 1 wrong, 1 slips; 0 wrong ones" in capsys.readouterr().out
    right, wrong, slipped = read_rows([tmp_path / "rows.jsonl"])
    assert (right.first_error, wrong.first_error, wrong.steps) == (-1, 1, tuple(WRONG))
    assert slipped.first_error == len(slipped.steps) - 1 > 0
    assert (right.weights, wrong.weights) == ((1.0,) * 3, (1.0, 2.0, 0.5))
    assert slipped.weights == (0.5,) * slipped.first_error + (2.0,)  # what a slip stands behind is a copy
    monkeypatch.setattr("sys.argv", [*command, "--sure", "1.1"])
    label.main()
    assert "1 wrong ones are less sure than 1.1" in capsys.readouterr().out


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    """U+2028, U+0085 and their like stand in texts as they are: what is written with them is read again, all of it."""
    row = samples()[0] | {"solution": "There are 24.\u2028So 22.\x85\u2029The answer is 22."}
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for _ in range(2)), encoding="utf-8")
    assert [data for _, data in read_lines(path)] == [row, row]
    problem = dict(GSM8K[0], question="How many\u2028are left?")
    path.write_text(json.dumps(problem, ensure_ascii=False) + "\n", encoding="utf-8")
    (read,) = problems.read_problems(path)
    assert read.text == problem["question"]


def test_a_policy_is_drawn_from_and_counted(tmp_path: Path) -> None:
    """Eight texts a problem, and after each step but the last; a second run writes what is missing, nothing twice."""
    base, _ = write_base(tmp_path / "base", Spec(seed=43, layers=1, dtype="F32"), "qwen2")
    path = backbone.prepare(base, CHATML, tmp_path / "b.gguf", WeightType.F16)
    plain = {"backbone": path, "problems": gsm8k(tmp_path), "held": 1, "device": "cpu", "seed": 0, "completions": 2}
    plain |= {"together": 8, "longest": 6, "solved": 2, "samples": None}
    out = tmp_path / "drawn.jsonl"
    sample.run(argparse.Namespace(what="draw", out=out, first=1, **plain))
    assert len(out.read_text(encoding="utf-8").splitlines()) == 8
    sample.run(argparse.Namespace(what="draw", out=out, first=None, **plain))
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["problem"] for row in rows] == [0] * 8 + [1] * 8
    assert {row["style"] for row in rows} == {0, 1, 2}
    given = plain | {"samples": write_rows(tmp_path / "s.jsonl", samples())}
    counted = tmp_path / "counted.jsonl"
    for _ in range(2):
        sample.run(argparse.Namespace(what="count", out=counted, first=None, **given))
    (row,) = [json.loads(line) for line in counted.read_text(encoding="utf-8").splitlines()]
    assert (row["sample"], len(row["counts"]), row["completions"]) == (2, 2, 2)


def test_the_threshold_follows_the_rule() -> None:
    """By hand: named at 0.11 … 0.40, author a passes up to 0.30, author b up to 0.20: best where all hold, 0.11."""
    cases = [Scored(0, (0.10,), "a"), Scored(1, (0.40, 0.10), "a")]
    cases += [Scored(-1, (0.30,), "a"), Scored(-1, (0.20,), "b")]
    assert calibrate.choose(cases) == pytest.approx(0.11)
    figures = calibrate.curve(cases)
    assert figures[10] == pytest.approx(100)
    assert figures[24] == pytest.approx(2 * 100 * 50 / 150)  # of the authors one passes
    assert calibrate.choose(cases[:2]) == 0.5
    low, high = calibrate.interval(cases)
    assert 0 < low <= high <= 0.5
