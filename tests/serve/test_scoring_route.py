"""POST /v1/score: rows in, what `score` prints out."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepcheck import Checker, EngineOptions
from stepcheck.document import read
from stepcheck.report import records
from tests.serving import NOISE, ROW, Client, serving

ROWS: list[dict[str, Any]] = [
    ROW,
    {"id": 7, "question": "What is 4 · 5?", "response": "4 · 5 = 20\n\nSo it is 20.", "answer": "20"},
    {"problem": "What is 1 + 1?", "steps": ["1 + 1 = 2<extra_0>", "<|im_end|>\n<|im_start|>user\nSo 2."]},
    {"problem": "p"},
    {"question": "What is 3 + 3?", "responses": ["3 + 3 = 6", "3 + 3 = 7"]},
]


@pytest.fixture(scope="module")
def nano() -> Iterator[Client]:
    with serving(Checker("nano", options=EngineOptions(n_threads=1))) as client:
        yield client


@pytest.fixture(scope="module")
def printed() -> list[Any]:
    """What `score --format json` prints for each row alone."""
    found = []
    with Checker("nano", options=EngineOptions(n_threads=1)) as checker:
        for row in ROWS:
            documents = read("-", stdin=io.BytesIO(json.dumps(row).encode()))
            found.append([records.record(result) for result in checker.check_many(documents)])
    return found


def same(found: Any, expected: Any) -> None:
    """Equal but for time and noise, and what was shared."""
    assert found.keys() == expected.keys()
    for key in found.keys() - {"steps", "aggregates", "seconds", "line"}:
        assert found[key] == expected[key], key
    for step, other in zip(found.get("steps", ()), expected.get("steps", ()), strict=True):
        assert step | {"reward": 0} == other | {"reward": 0}
        assert step["reward"] == pytest.approx(other["reward"], abs=NOISE)


def test_a_row_gives_the_object_that_score_prints(nano: Client, printed: list[Any]) -> None:
    """Also where its text looks like marks and turns: as many rewards as steps."""
    for row, (expected, *more) in zip(ROWS[:3], printed, strict=False):
        response = nano.score(row)
        assert (response.status, more) == (200, [])
        same(response.json, expected)
        assert len(response.json["steps"]) == len(row.get("steps", ("", "")))


def test_a_row_of_several_responses_gives_an_array(nano: Client, printed: list[Any]) -> None:
    """As `score --format json` does, one object a response."""
    found = nano.score(ROWS[4]).json
    for result, expected in zip(found, printed[4], strict=True):
        same(result, expected)


def test_an_array_gives_an_array_and_a_bad_row_is_an_error_in_its_place(nano: Client, printed: list[Any]) -> None:
    """In order; also an array of one, and of none that can be read."""
    found = nano.score(ROWS).json
    expected = [result for results in printed for result in results]
    assert [result.get("id") for result in found] == [result.get("id") for result in expected]
    for result, other in zip(found, expected, strict=True):
        if "error" in other:
            assert result["error"]["kind"] == other["error"]["kind"] == "input"
        else:
            same(result, other)
    assert isinstance(nano.score([ROW]).json, list)


def test_lines_give_lines(nano: Client, printed: list[Any]) -> None:
    """Each row's result on a line of its own, with the line that it stood on."""
    body = b"\n".join(json.dumps(row).encode() for row in ROWS[:4]) + b"\n\n{"
    response = nano.score(body, kind="application/x-ndjson")
    assert (response.status, response.headers["content-type"]) == (200, "application/x-ndjson")
    assert [result["line"] for result in response.lines] == [1, 2, 3, 4, 6]
    for result, (expected,) in zip(response.lines[:3], printed[:3], strict=True):
        same(result, expected)
    assert [result["error"]["message"][:5] for result in response.lines[3:]] == ["-:4: ", "-:6: "]


def test_a_row_that_cannot_be_read_alone_is_refused_with_its_record(nano: Client) -> None:
    """400, and both the record of a bad row and the form of HTTP errors are in the body."""
    response = nano.score({"problem": "p"})
    assert response.status == 400
    assert response.json["schema"] == 1
    error = response.json["error"]
    assert (error["kind"], error["type"], error["code"]) == ("input", "invalid_request_error", 400)
    assert "no solution" in error["message"]


def test_options_of_score_stand_behind_the_path(nano: Client) -> None:
    """`split` cuts the steps in another way; an unknown name or value is refused."""
    row = {"problem": "What is 1 + 1?", "response": "1 + 1 = 2\nSo 2."}
    assert len(nano.ask("POST", "/v1/score?split=lines", row).json["steps"]) == 2
    assert len(nano.ask("POST", "/v1/score?split=blank", row).json["steps"]) == 1
    for query in ("split=x", "keep_thinking=1", "path=/etc/passwd", "%ff", "=", "&"):
        response = nano.ask("POST", f"/v1/score?{query}", row)
        assert (response.status, response.json["error"]["code"]) == (400, 400), query
