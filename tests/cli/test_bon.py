"""`stepcheck bench bon`: answers and how they were found, problems with few candidates, what could not be told."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from stepcheck.bench.best import TaskResult, _task
from stepcheck.bench.cases import Graded, Row
from stepcheck.bench.problems import gather, nearly_all
from stepcheck.cli.main import main
from tests.fakes import FakeChecker

STATED = {"id": "a", "problem": "P", "answer": "5", "responses": ["\\boxed{5}", "The answer is 5.", "#### 6"]}
UNSTATED = {"id": "b", "problem": "Q", "answer": "7", "responses": ["So 3 + 4 = 7.", "We cannot know.", "It is 8."]}


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Judge with the fake, in an empty folder with one file."""
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    Path("f.jsonl").write_text("\n".join(map(json.dumps, (STATED, UNSTATED))), encoding="utf-8")


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def exported(capsys: pytest.CaptureFixture[str], run: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["runs", "export", run]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_answer_says_how_it_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Box, phrase, hashes; of a response that states nothing its last number, a guess, and graded as one."""
    found = figures(capsys, "bench", "bon", "f.jsonl", "--run", "r")
    assert found["answers"] == {"last number": 2, "box": 1, "phrase": 1, "hashes": 1, "none": 1}
    assert found["candidates"] == 6
    assert found["mean@1"] == 50
    rows = exported(capsys, "r")
    assert [row["rule"] for row in rows] == ["box", "phrase", "hashes", "last number", "none", "last number"]
    assert [row["answer"] for row in rows] == ["5", "5", "6", "7", None, "8"]
    assert [row["right"] for row in rows] == [True, True, False, True, False, False]
    assert [row["how"] for row in rows][3:] == ["last number", "no final answer", "last number"]


def test_guesses_can_be_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """`--answers strict`: no last number. A run does not mix the two."""
    found = figures(capsys, "bench", "bon", "f.jsonl", "--run", "s", "--answers", "strict")
    assert found["answers"] == {"box": 1, "phrase": 1, "hashes": 1, "none": 3}
    assert found["mean@1"] == pytest.approx(100 / 3, abs=1e-4)
    assert main(["bench", "bon", "f.jsonl", "--run", "s"]) == 1
    assert "settings.answers was 'strict', is 'last-number'" in capsys.readouterr().err
    assert main(["bench", "bon", "f.jsonl", "--answers", "guess"]) == 2
    assert main(["bench", "bon", "f.jsonl", "--run", "t"]) == 0
    assert main(["runs", "compare", "s", "t"]) == 0
    assert "answers were read in two ways: strict and last-number" in capsys.readouterr().out
    assert main(["runs", "export", "t", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(",rule")


def test_many_without_an_answer_are_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    """More than one in twenty: the line under the title; under the table in any case."""
    assert main(["bench", "bon", "f.jsonl", "--run", "s", "--answers", "strict"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "NO ANSWER: none was found in 3 of 6 candidates (50.0 %); they count as wrong."
    assert "Answers of 6 candidates, by how they were found: box 1, phrase 1, hashes 1; none: 3." in lines
    Path("g.jsonl").write_text(json.dumps(STATED), encoding="utf-8")
    assert main(["bench", "bon", "g.jsonl", "--run", "g"]) == 0
    out = capsys.readouterr().out
    assert "NO ANSWER" not in out
    assert "none: 0." in out


def test_a_file_s_answers_come_before_guesses(capsys: pytest.CaptureFixture[str]) -> None:
    """`pred` is what its maker read; our guess would be another."""
    row = {"problem": "P", "gt": "4", "code": ["3 + 1 = 4 in 2 ways."], "pred": ["4"], "score": [True]}
    Path("q.jsonl").write_text(json.dumps(row), encoding="utf-8")
    found = figures(capsys, "bench", "bon", "q.jsonl", "--run", "q")
    assert found["answers"] == {"file": 1, "none": 0}
    assert exported(capsys, "q")[0]["answer"] == "4"


def test_runs_that_did_not_keep_the_rule(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A run of 0.1.0 opens: its answers are `not recorded`, and one that was not there is none."""
    assert main(["bench", "bon", "f.jsonl", "--run", "r"]) == 0
    (path,) = (tmp_path / "runs/r").glob("*.sqlite*")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE cases SET facts = json_remove(facts, '$.rule')")
    database.close()
    found = figures(capsys, "runs", "show", "r")
    assert found["answers"] == {"not recorded": 5, "none": 1}
    assert found["mean@1"] == 50
    assert [row["rule"] for row in exported(capsys, "r")] == [None] * 6


# ---- problems with few candidates, and what could not be told


def rows(position: int, *grades: bool | None, groups: tuple[int, ...] = (), rule: str = "box") -> list[Row]:
    """A problem whose candidate i answers i (or as `groups` say), with rewards that prefer the last."""
    return [
        Row(
            "s", position, i, f"p{position}", position + 1, "", (),
            Graded("1", str(i), groups[i] if groups else i, right, "exact", rule=rule),
            rewards=(0.1 + i / 10,),
        )
        for i, right in enumerate(grades)
    ]  # fmt: skip


def task(*problems: list[Row], n: int | None = None) -> TaskResult:
    return _task("s", [row for problem in problems for row in problem], n, "own", ("product",))


def at(found: TaskResult, name: str, k: int) -> tuple[float, float, int]:
    figure = found.figure(name, k)
    assert figure is not None
    return round(figure.value, 4), round(figure.high, 4), figure.problems


def test_each_figure_is_over_the_problems_that_have_enough_candidates() -> None:
    """Ten problems of four (the last is right) and one of two (both right).

    N = 4 is what nearly all have. mean: (10 · 1/4 + 1)/11 = 31.8; pass@2: of ten C(3,2)/C(4,2) = 1/2 miss, the other
    hits: (10 · 1/2 + 1)/11 = 54.5; at 4 only the ten count, and the PRM finds the last in all of them.
    """
    found = task(*(rows(i, False, False, False, True) for i in range(10)), rows(10, True, True))
    assert (found.n, found.most, found.fewer, found.problems) == (4, 4, 1, 11)
    assert at(found, "mean", 1) == (31.8182, 31.8182, 11)
    assert at(found, "pass", 2) == (54.5455, 54.5455, 11)
    assert at(found, "pass", 4) == (100, 100, 10)
    assert at(found, "prm-product", 4) == (100, 100, 10)


def test_the_headline_is_what_nearly_all_have() -> None:
    """Nine of ten have four: N = 4. Eight of ten: N = 2. A lone problem of sixteen adds columns, not a headline."""
    for few, headline in ((1, 4), (2, 2)):
        everything = [row for i in range(10) for row in rows(i, *[True] * (4 if i >= few else 2))]
        assert nearly_all(gather(everything, "own")) == headline
    assert nearly_all([]) == 1
    found = task(*(rows(i, *[True] * 4) for i in range(20)), rows(20, *[True] * 16))
    assert (found.n, found.most) == (4, 16)
    assert at(found, "pass", 16) == (100, 100, 1)


def test_the_first_candidates_only() -> None:
    """`--n 2` of four, four and one: the first two; the problem of one counts for N = 1."""
    found = task(rows(0, True, False, True, True), rows(1, False, False, True, True), rows(2, True), n=2)
    assert found.most == 2
    assert at(found, "mean", 1) == (50, 50, 3)
    assert at(found, "pass", 2) == (50, 50, 2)
    assert found.candidates == 5


def test_what_could_not_be_told_makes_a_range() -> None:
    """Two problems of two; in the second one candidate is right and the last could not be told.

    mean: (1/2 + 1/2..1)/2; pass@2: the second is solved in any case: 100; PRM@2 picks the one that could not be told:
    the first right, the second open: 50..100. Nothing is left out.
    """
    found = task(rows(0, False, True), rows(1, True, None))
    assert at(found, "mean", 1) == (50, 75, 2)
    assert at(found, "pass", 2) == (100, 100, 2)
    assert at(found, "prm-product", 2) == (50, 100, 2)
    assert found.untold == 1
    figure = found.figure("prm-product", 2)
    assert figure is not None
    assert figure.interval is not None
    assert figure.interval[0] <= figure.value
    assert figure.high <= figure.interval[1]


def test_a_vote_that_does_not_need_it_is_no_range() -> None:
    """Two votes for 0, one that could not be told: it does not decide, so maj@3 is one number; at 1 it is a range."""
    found = task(rows(0, True, True, None, groups=(0, 0, 2)))
    assert at(found, "maj", 3) == (100, 100, 1)
    assert at(found, "maj", 1) == (66.6667, 100, 1)


def test_problems_without_a_reference_are_no_range() -> None:
    """Nothing can be said of them: they are counted, and no figure is over them."""
    lone = [
        Row("s", 1, 0, "p1", 2, "", (), Graded(None, "5", 0, None, "no reference", rule="box"), rewards=(0.5,)),
    ]
    found = task(rows(0, True), lone)
    assert (found.ungraded, found.untold) == (1, 0)
    assert at(found, "mean", 1) == (100, 100, 1)


def test_ranges_and_counts_in_tables_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A range and the number of problems stand in the cell; in JSON beside the figures."""
    many = [STATED | {"id": f"p{i}", "responses": ["\\boxed{5}"] * 2} for i in range(9)]
    few = STATED | {"id": "few", "responses": ["\\boxed{5}"]}
    open_ended = STATED | {"id": "open", "answer": "B", "responses": ["\\boxed{A}", f"\\boxed{{{'y' * 3000}}}"]}
    Path("h.jsonl").write_text("\n".join(map(json.dumps, [*many, few, open_ended])), encoding="utf-8")
    found = figures(capsys, "bench", "bon", "h.jsonl", "--run", "h")
    assert (found["n"], found["fewer"], found["untold"]) == (2, 1, 1)
    assert found["problems_at"]["mean@1"] == 11
    assert found["problems_at"]["prm@2"] == {"product": 10}
    assert found["ranges"]["mean@1"] == [
        pytest.approx(100 * 10 / 11, abs=1e-3),
        pytest.approx(100 * 10.5 / 11, abs=1e-3),
    ]
    assert found["mean@1"] == found["ranges"]["mean@1"][0]
    assert main(["runs", "show", "h"]) == 0
    out = capsys.readouterr().out
    assert "90.9–95.5" in out
    assert "(11)" in out
    assert "A range goes from where what could not be told is wrong to where it is right." in out
