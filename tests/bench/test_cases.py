"""Files → cases: which files, which rows, what is read of them, and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepcheck.answers import Grader
from stepcheck.bench.bestofn import Reading, read_problems
from stepcheck.bench.cases import Case, Graded, Labelled
from stepcheck.bench.data import ProblemEntry, Selection, check_ids, choose, find_files, scan
from stepcheck.bench.processbench import read_cases
from stepcheck.document import Document, Unread
from stepcheck.errors import InputError, UsageError

PB = {"id": "a", "generator": "G", "problem": "P", "steps": ["s", "t"], "final_answer_correct": False, "label": 1}


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One grader for all."""
    with Grader() as made:
        yield made


def write(path: Path, rows: list[Any], *, array: bool = False) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text(f"[{','.join(lines)}]" if array else "\n".join(lines) + "\n", encoding="utf-8")
    return path


def labelled(path: Path, selection: Selection | None = None) -> list[Case]:
    return list(read_cases(scan("s", path, selection or Selection(), merge=False)))


def problems(path: Path, grader: Grader, n: int | None = None) -> list[Case]:
    subset = scan("s", path, Selection(), merge=True, n=n)
    cases = list(read_problems(subset, grader, Reading(n)))
    assert len(cases) == subset.cases  # what is planned is what comes
    return cases


def graded(case: Case) -> Graded:
    assert isinstance(case.facts, Graded)
    return case.facts


def message(case: Case) -> str:
    assert isinstance(case.item, Unread)
    return str(case.item.error)


@pytest.mark.parametrize("array", [False, True])
def test_processbench_rows(array: bool, tmp_path: Path) -> None:
    """Arrays and lines give the same cases: steps as they are, label, generator, whether the answer is right."""
    path = write(tmp_path / "f.json", [PB, PB | {"id": "b", "label": -1, "final_answer_correct": None}], array=array)
    first, second = labelled(path)
    assert isinstance(first.item, Document)
    assert [step.text for step in first.item.steps] == ["s", "t"]
    assert first.facts == Labelled(1, "G", answer_right=False)
    assert second.facts == Labelled(-1, "G", answer_right=None)
    assert (first.key, second.key) == (("s", 0, 0), ("s", 1, 0))


BAD: list[tuple[Any, str]] = [
    (PB | {"label": 2}, "`label` is 2: expected -1 to 1"),
    (PB | {"label": -2}, "`label` is -2"),
    (PB | {"label": "1"}, "`label`: expected the 0-based first wrong step or -1"),
    (PB | {"label": None}, "no `label`"),
    (PB | {"steps": []}, "`steps` is an empty list"),
    (PB | {"steps": ["s", " "]}, "`steps[1]` is empty"),
    (PB | {"final_answer_correct": "yes"}, "`final_answer_correct`: expected `bool`"),
    ({"id": "a", "problem": "P", "solution": "One.\n\nTwo.", "label": 0}, "has its steps as a list"),
    ({"id": "a", "steps": ["s"], "label": 0}, "no `problem`"),
    ('{"id": "a", "problem": "torn', "not JSON"),
]


@pytest.mark.parametrize(("row", "words"), BAD)
def test_bad_rows_are_errors_in_their_place(row: Any, words: str, tmp_path: Path) -> None:
    """File, line and reason; the rows around it are read."""
    path = write(tmp_path / "f.jsonl", [PB | {"id": "before"}, row, PB | {"id": "after"}])
    before, bad, after = labelled(path)
    assert message(bad).startswith(f"{path}:2")
    assert words in message(bad)
    assert bad.facts is None
    assert isinstance(before.item, Document)
    assert isinstance(after.item, Document)


def test_a_row_is_one_case_whatever_is_in_it(tmp_path: Path) -> None:
    """Responses in the place of steps: one error, and one case that was planned, so that the run can be complete."""
    row = {"id": "a", "problem": "P", "label": 0, "responses": ["one", "two"]}
    subset = scan("s", write(tmp_path / "f.jsonl", [row, PB | {"id": "b"}]), Selection(), merge=False)
    assert subset.cases == len(list(read_cases(subset))) == 2


def test_an_id_must_not_come_twice(tmp_path: Path) -> None:
    """The second is an error that names the first's line; rows without an id are called by their place."""
    path = write(tmp_path / "f.jsonl", [PB, PB | {"id": "b"}, PB])
    assert "(id a): the id stands on line 1 too" in message(labelled(path)[2])
    nameless = {key: value for key, value in PB.items() if key != "id"}
    subset = scan("s", write(tmp_path / "g.jsonl", [nameless] * 2), Selection(), merge=False)
    assert [entry.id for entry in subset.entries] == ["s-0", "s-1"]


def test_files_that_are_no_data(tmp_path: Path) -> None:
    """Text, an empty file, a broken array: refused as a whole, with the file's name."""
    for name, content in (("a.txt", "hello"), ("b.jsonl", "\n\n"), ("c.json", "[1, 2"), ("d.json", "[]")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=name):
            scan("s", tmp_path / name, Selection(), merge=False)


def test_finding_files(tmp_path: Path) -> None:
    """A folder's files in the usual order; chosen by subset; files by stem or --subset; several; patterns."""
    for name in ("omnimath.json", "extra.jsonl", "gsm8k.json", "readme.md"):
        write(tmp_path / name, [PB])
    assert [name for name, _ in find_files([tmp_path])] == ["gsm8k", "omnimath", "extra"]
    assert find_files([tmp_path], ["extra"]) == [("extra", tmp_path / "extra.jsonl")]
    assert find_files([tmp_path / "gsm8k.json"], ["mine"]) == [("mine", tmp_path / "gsm8k.json")]
    assert [name for name, _ in find_files([tmp_path / "*.json"])] == ["gsm8k", "omnimath"]
    (tmp_path / "more").mkdir()
    write(tmp_path / "more" / "math[1].json", [PB])
    both = find_files([tmp_path, tmp_path / "more"])
    assert [name for name, _ in both] == ["gsm8k", "omnimath", "extra", "math[1]"]
    assert [name for name, _ in find_files([tmp_path, tmp_path / "more"], ["math[1]", "extra"])] == ["math[1]", "extra"]
    assert find_files([tmp_path / "more" / "math[1].json"]) == [("math[1]", tmp_path / "more" / "math[1].json")]
    refused = [
        ([tmp_path], ["olympiad"], "no subset 'olympiad'"),
        ([tmp_path / "gsm8k.json"], ["a", "b"], "1 files and 2 names"),
        ([tmp_path / "none.json"], [], "no such file"),
        ([tmp_path, tmp_path / "gsm8k.json"], [], "two files are called 'gsm8k'"),
        ([tmp_path / "*.parquet"], [], "no file matches"),
        ([tmp_path / "gsm8k.json", tmp_path / "gsm8k.json"], [], "two files are called 'gsm8k'"),
    ]
    for data, names, words in refused:
        with pytest.raises(UsageError, match=words):
            find_files(data, names)


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    """Rows read after a change would stand under the hash of another file."""
    subset = scan("s", write(tmp_path / "f.jsonl", [PB]), Selection(), merge=False)
    write(tmp_path / "f.jsonl", [PB, PB | {"id": "b"}])
    with pytest.raises(InputError, match="was changed while it was run over"):
        list(read_cases(subset))


def test_selection() -> None:
    """Ids, then the sample, then the limit, then the shard; shards part the whole without rest or overlap."""
    ids = [str(i) for i in range(10)]
    assert choose(ids, Selection(limit=3)) == {0, 1, 2}
    assert choose(ids, Selection(ids=("7", "2"))) == {2, 7}
    sample = choose(ids, Selection(sample=4, seed=1))
    assert len(sample) == 4
    assert sample == choose(ids, Selection(sample=4, seed=1))
    assert sample != choose(ids, Selection(sample=4, seed=2))
    assert choose(ids, Selection(sample=99)) == set(range(10))
    shards = [choose(ids, Selection(limit=9, shard=i, shards=4)) for i in (1, 2, 3, 4)]
    assert sorted(place for shard in shards for place in shard) == list(range(9))
    assert Selection().words == ""


def test_an_unknown_id_is_refused(tmp_path: Path) -> None:
    """With the nearest known one."""
    subset = scan("s", write(tmp_path / "f.jsonl", [PB | {"id": "gsm8k-12"}]), Selection(ids=("gsm8k-1",)), merge=False)
    with pytest.raises(UsageError, match="did you mean 'gsm8k-12'"):
        check_ids([subset], Selection(ids=("gsm8k-1",)))


QWEN = {
    "idx": 7,
    "question": "What is 1 + 1?",
    "gt": "2",
    "answer": "whatever",
    "solution": "the reference, not a candidate",
    "code": ["One.\n\nSo $\\boxed{2}$.", "Then $\\boxed{3}$.", "I give up."],
    "pred": ["2", "3", ""],
    "score": [True, False, False],
    "pred_score": [[1.5], [-2], [0.25]],
}


def test_qwen_rows_as_they_are(tmp_path: Path, grader: Grader) -> None:
    """`code` are candidates; `pred`, `score` and `pred_score` belong to them; ours stands beside."""
    cases = problems(write(tmp_path / "f.jsonl", [QWEN]), grader)
    assert [case.key for case in cases] == [("s", 0, 0), ("s", 0, 1), ("s", 0, 2)]
    first, second, third = map(graded, cases)
    assert first == Graded(
        "2", "2", 0, right=True, how="exact", file_answer="2", file_group=0, file_right=True, file_score=1.5, rule="box"
    )
    assert (second.right, second.group, second.file_group, second.file_score) == (False, 1, 1, -2.0)
    assert (third.answer, third.group, third.right, third.how) == (None, None, False, "no final answer")
    assert (third.file_answer, third.file_group, third.file_right) == (None, None, False)
    assert isinstance(cases[0].item, Document)
    assert len(cases[0].item.steps) == 2


@pytest.mark.parametrize("key", ["responses", "candidates", "solutions", "response", "solution", "code"])
def test_every_form_of_candidates(key: str, tmp_path: Path, grader: Grader) -> None:
    """A list under any of the known keys; the reference may be a whole solution in GSM8K's form."""
    row = {"id": 1, "problem": "P", key: ["The answer is 18.", "#### 19"], "answer": "9 * 2 = <<9*2=18>>18\n#### 18"}
    cases = problems(write(tmp_path / "f.jsonl", [row]), grader)
    assert [graded(case).right for case in cases] == [True, False]
    assert graded(cases[0]).reference == "18"


def test_one_response_a_row(tmp_path: Path, grader: Grader) -> None:
    """Neighbours of one id and problem are candidates; the same id for another problem is an error."""
    rows = [
        {"id": "a", "problem": "P", "response": "\\boxed{1}", "answer": "1", "score": True},
        {"id": "a", "problem": "P", "steps": ["First.", "\\boxed{2}"], "answer": "1", "score": False},
        {"id": "b", "problem": "P", "response": "\\boxed{1}", "answer": "1"},
        {"id": "a", "problem": "Q", "response": "\\boxed{1}", "answer": "1"},
    ]
    cases = problems(write(tmp_path / "f.jsonl", rows), grader)
    assert [case.key[1:] for case in cases] == [(0, 0), (0, 1), (1, 0), (2, 0)]
    assert [graded(case).file_right for case in cases[:3]] == [True, False, None]
    assert "ids of different problems must differ" in message(cases[3])


def test_the_first_n(tmp_path: Path, grader: Grader) -> None:
    """--n takes the first candidates, and what the file says of them."""
    cases = problems(write(tmp_path / "f.jsonl", [QWEN]), grader, n=2)
    assert [graded(case).file_score for case in cases] == [1.5, -2.0]


BAD_ANSWERS: list[tuple[dict[str, Any], str]] = [
    (QWEN | {"pred": ["2"]}, "`pred` has 1 values for 3 candidates"),
    (QWEN | {"score": [1, 0, 0]}, "`score[0]` is '1': expected true or false"),
    (QWEN | {"pred_score": [1, True, 2]}, "`pred_score[1]` is 'True': expected number"),
    (QWEN | {"pred_score": [1, 10**400, 2]}, "expected a finite number"),
    (QWEN | {"gt": {}}, "`gt`: expected `str`"),
    (QWEN | {"pred": [["2"], {}, ""]}, "`pred[1]` is '{}': expected text or number"),
]


@pytest.mark.parametrize(("row", "words"), BAD_ANSWERS)
def test_bad_answers_are_errors(row: dict[str, Any], words: str, tmp_path: Path, grader: Grader) -> None:
    """Values that do not fit the candidates: an error for each of the problem's."""
    cases = problems(write(tmp_path / "f.jsonl", [row]), grader)
    assert [case.candidate for case in cases] == [0, 1, 2]
    assert all(words in message(case) for case in cases)


def test_no_reference_cannot_be_told(tmp_path: Path, grader: Grader) -> None:
    """Without an answer to compare with a candidate is neither right nor wrong; an empty one is an error of its own."""
    row = {"id": 1, "problem": "P", "responses": ["\\boxed{1}", " "]}
    first, second = problems(write(tmp_path / "f.jsonl", [row]), grader)
    assert (graded(first).right, graded(first).how) == (None, "no reference")
    assert "no steps" in message(second)


def test_entries_count_candidates(tmp_path: Path) -> None:
    """The scan knows how many cases there will be."""
    subset = scan("s", write(tmp_path / "f.jsonl", [QWEN, QWEN | {"idx": 8, "code": ["x"]}]), Selection(), merge=True)
    assert subset.entries == (ProblemEntry("7", 3), ProblemEntry("8", 1))
    assert subset.cases == 4
