"""Reading: which part of a file is what, and what is said about those that cannot be read."""

import io
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from stepcheck.document import Document, Unread, read
from stepcheck.errors import UsageError

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and give its path."""

    def to(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to


def one(source: str | Path, **options: object) -> Document:
    (document,) = read(source, **options)  # type: ignore[arg-type]
    assert isinstance(document, Document), document.error
    return document


def error(source: str | Path, **options: object) -> str:
    (unread,) = read(source, **options)  # type: ignore[arg-type]
    assert isinstance(unread, Unread)
    return str(unread.error)


def texts(document: Document) -> list[str]:
    return [step.text for step in document.steps]


PARTS = {
    "headings": ("# Problem\nP\n\n# Solution\na\n\nb", "P", ["a", "b"]),
    "deeper headings and a title": ("# T\n\n### Question:\nP\n\n### Proof\na\n\nb", "P", ["a", "b"]),
    "underlined headings": ("Problem\n=======\nP\n\nSolution\n--------\na", "P", ["a"]),
    "Chinese headings": ("## 题目\n甲\n\n## 解答\n乙\n\n丙", "甲", ["乙", "丙"]),
    "Chinese on a line": ("问题：甲\n解：乙\n\n丙", "甲", ["乙", "丙"]),
    "proof in Chinese": ("题：甲\n\n证明：乙", "甲", ["乙"]),
    "bold lines": ("**Problem**\n\nP\n\n**Solution:**\n\na\n\nb", "P", ["a", "b"]),
    "bold in a paragraph": ("**Problem:** P\n**Solution.** a", "P", ["a"]),
    "plain lines": ("Problem: P\nq\n\nSolution:\n1. a\n2. b", "P\nq", ["a", "b"]),
    "question and answer": ("Question: P\n\nAnswer: a\n\nb", "P", ["a", "b"]),
    "the solution is named, the problem stands before": ("# T\n\nP\n\nQ\n\n## Solution\na", "P\n\nQ", ["a"]),
    "the problem is named, a step follows": ("# Problem\nP\n\nQ\n\n## Step 1\na\n\n## Step 2\nb", "P\n\nQ", ["a", "b"]),
    "the problem is named, nothing else": ("# Problem\nP\n\na\n\nb", "P", ["a", "b"]),
    "no names": ("# Title\n\nP\n\na\n\nb", "P", ["a", "b"]),
    "no names, a list": ("P\n\n1. a\n2. b", "P", ["a", "b"]),
    "front matter": ("---\nproblem: P\n---\na\n\nb", "P", ["a", "b"]),
    "front matter and a heading": ("---\nproblem: |\n  P\n---\n# Solution\n\na", "P\n", ["a"]),
    "front matter with a $ that opens nothing": (
        "---\nproblem: costs $$5\n---\na $$x\n\ny$$\n\nB",
        "costs $$5",
        ["a $$x\n\ny$$", "B"],
    ),
    "a rule at the top is no front matter": ("---\nP is 1.\n---\n\na", "P is 1.", ["a"]),
    "an answer line is a step": ("# Problem\nP\n# Solution\na\n\nAnswer: 7", "P", ["a", "Answer: 7"]),
    "the solution first": ("# Solution\na\n# Problem\nP", "P", ["a"]),
    "a title of a problem": ("## Problem: Sums\nP\n## Solution\na", "Sums\nP", ["a"]),
    "a heading that only begins so": (
        "# Problem\nP\n# Solution\na\n\n## Solution of the square\nb",
        "P",
        ["a", "Solution of the square\nb"],
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_names_of_parts(name: str, write: Write) -> None:
    """Problem and steps are found as a person would find them, and every step is a slice of the file."""
    text, problem, steps = PARTS[name]
    document = one(write("x.md", text))
    assert (document.problem, texts(document)) == (problem, steps)
    assert document.text == text
    assert [text[step.start : step.end] for step in document.steps] == steps


def test_final_answer_under_its_own_heading(write: Write) -> None:
    """`## Answer` behind a solution is the answer, not a step; the front matter's answer wins, exactly as written."""
    body = "# Problem\nP\n# Solution\na\n# Answer\n72"
    assert (one(write("x.md", body)).answer, texts(one(write("x.md", body)))) == ("72", ["a"])
    front = one(write("y.md", "---\nanswer: 1_000\nid: 007\n---\n" + body))
    assert (front.answer, front.id) == ("1_000", "007")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("P\n\na", "first paragraph"),
        ("P\n\n# Solution\na", "before `Solution`"),
        ("x\n\n# Problem\nP\n# Solution\na", "not read"),
    ],
)
def test_decisions_are_said(text: str, note: str, write: Write) -> None:
    """What was decided for the user stands in the notes."""
    assert note in " ".join(one(write("x.md", text)).notes)


def test_given_problem(write: Write) -> None:
    """A problem that is given leaves the whole text to the solution; one in the file is replaced, and that is said."""
    assert texts(one(write("x.md", "a\n\nb"), problem="Q")) == ["a", "b"]
    replaced = one(write("y.md", "# Problem\nP\n# Solution\na"), problem="Q")
    assert (replaced.problem, texts(replaced)) == ("Q", ["a"])
    assert "--problem" in replaced.notes[0]
    with pytest.raises(UsageError):
        list(read(write("z.md", "a"), problem=" "))


WRONG: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("x.md", "", "is empty"),
    "only a problem": ("x.md", "P", "x.md: no steps: the one paragraph in it was taken as the problem"),
    "a problem of quote marks": ("x.md", ">\n\\", "x.md: no problem: put it under a heading"),
    "nothing under the problem": ("x.md", "a\n\n# Problem\n# Solution\na", "x.md:3: nothing stands under `Problem`"),
    "nothing under the solution": ("x.md", "# Problem\nP\n# Solution\n", "x.md: no steps: the solution is empty"),
    "only a list": ("x.md", "1. a\n2. b", "x.md: no problem: put it under a heading `# Problem`"),
    "two problems": ("x.md", "# Problem 1\nP\n# Solution\na\n# Problem 2\nQ", "x.md:5: a second `Problem 2`"),
    "two solutions": ("x.md", "# Problem\nP\n# Solution\na\n# Solution\nb", "x.md:5: a second `Solution`"),
    "two places for the problem": (
        "x.md",
        "---\nproblem: P\n---\n# Problem\nQ\n\na",
        "x.md:4: the problem stands here and",
    ),
    "broken front matter": ("x.md", "---\nproblem: [a\n---\na", "front matter is not YAML"),
    "front matter with an alias": ("x.md", "---\na: &b c\nproblem: *b\n---\na", "x.md:3: front matter: aliases"),
    "front matter with a list": ("x.md", "---\nproblem: [a]\n---\na", "x.md:2: front matter: `problem` must be text"),
    "front matter twice": (
        "x.md",
        "---\nproblem: a\nproblem: b\n---\na",
        "x.md:3: front matter: `problem` is given twice",
    ),
    "front matter empty": ("x.md", "---\nproblem:\n---\na", "`problem` in the front matter is empty"),
    "not UTF-8": ("x.md", b"P\n\na \xff", "x.md:3: byte 0xff is not UTF-8"),
    "UTF-16": ("x.md", "P\n\na".encode("utf-16"), "is UTF-16"),
    "binary": ("x.md", b"\x89PNG\0\0", "binary"),
    "NUL far down": ("x.md", b"P\n\na\0", "x.md:3: a NUL"),
    "suffix": ("x.docx", "P\n\na", "unknown kind of file (.docx)"),
    "torn": ("x.jsonl", '{"problem": "P", "steps": ["a"', "x.jsonl:1: not JSON: it ends in the middle"),
    "NaN": ("x.jsonl", '{"problem": "P", "steps": [NaN]}', "x.jsonl:1: not JSON"),
    "half a pair": ("x.jsonl", r'{"problem": "P", "steps": ["\ud800"]}', "the other half is missing"),
    "UTF-8 in a row": ("x.jsonl", b'{"problem": "P", "steps": ["\xff"]}', "x.jsonl:1: `steps`: not UTF-8"),
    "a list": ("x.jsonl", '"P"', "x.jsonl:1: expected `object`, got `str`"),
    "a number for a step": (
        "x.jsonl",
        '{"id": 7, "problem": "P", "steps": ["a", 3]}',
        "x.jsonl:1 (id 7): `steps[1]`: expected `str`, got `int`",
    ),
    "steps that are text": ("x.jsonl", '{"problem": "P", "steps": "a"}', "`steps`: expected `array`, got `str`"),
    "an empty step": (
        "x.jsonl",
        '\n{"id": "q", "problem": "P", "steps": ["a", " "]}',
        "x.jsonl:2 (id q): `steps[1]` is empty",
    ),
    "no steps": ("x.jsonl", '{"problem": "P", "steps": []}', "`steps` is an empty list"),
    "an empty response": ("x.jsonl", '{"problem": "P", "response": ""}', "x.jsonl:1: no steps"),
    "no problem": ("x.jsonl", '{"steps": ["a"]}', "x.jsonl:1: no `problem`"),
    "an empty problem": ("x.jsonl", '{"question": "", "steps": ["a"]}', "`question` is empty"),
    "an answer alone": ("x.jsonl", '{"question": "P", "answer": "a"}', "is not scored"),
    "deep": ("x.jsonl", '{"x": ' + "[" * 100_000, "nested too deep"),
    "a broken array": ("x.json", '[{"problem": "P",\n "steps": ["a"]},\n {]', "x.json:3: not JSON"),
    "an element": ("x.json", '[\n{"problem": "P", "steps": []}]', "x.json:2: element 0: `steps` is an empty list"),
    "a broken object": ("x.json", '{"problem": "P",\n "steps": [,]}', "x.json:2: not JSON"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_named(name: str, write: Write) -> None:
    """An error says which file, which line or row, and what is wrong there."""
    file, content, message = WRONG[name]
    assert message in error(write(file, content))


def test_more_than_any_model_reads_is_refused(write: Write) -> None:
    """Six million characters are too many, in a file and in a row; the row's neighbours are read."""
    text = "So a is 3. " * 600_000
    assert "more than 6,000,000 characters" in error(write("x.md", "P\n\n" + text))
    rows = [json.dumps({"problem": "P", "response": response}) for response in (text, "a")]
    refused, document = read(write("x.jsonl", "\n".join(rows)))
    assert isinstance(refused, Unread)
    assert "x.jsonl:1: more than 6,000,000 characters" in str(refused.error)
    assert isinstance(document, Document)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible name are sentences too."""
    assert "no such file" in error(tmp_path / "x.md")
    assert "is a folder" in error(tmp_path)
    assert "cannot be opened" in error("a\0b.md")


def test_rows_in_order_with_errors_in_their_place(write: Write) -> None:
    """A row that fails is an `Unread` between its neighbours; empty lines count as lines and are no rows."""
    rows = '{"problem":"P","steps":["a"],"id":"one"}\n\nnonsense\n{"problem":"P","steps":["b"],"id":3}'
    items = list(read(write("x.jsonl", rows)))
    assert [(type(item), item.line, item.id) for item in items] == [
        (Document, 1, "one"),
        (Unread, 3, None),
        (Document, 4, "3"),
    ]


def test_ready_steps_stay_as_they_are(write: Write) -> None:
    """Steps given are used exactly, white space included, without offsets, whatever `split` says."""
    steps = [" a\n\nb ", "1. c\n2. d"]
    document = one(write("x.jsonl", json.dumps({"problem": " P ", "steps": steps, "solution": "x"})), split="lines")
    assert (texts(document), document.problem, document.text) == (steps, " P ", None)
    assert {(step.start, step.end) for step in document.steps} == {(None, None)}
    assert document.notes == ("`steps` was read; `solution` is the reference",)


@pytest.mark.parametrize("key", ["code", "response", "responses", "candidates", "solution", "solutions"])
def test_lists_of_responses_are_candidates(key: str, write: Write) -> None:
    """Each response is a document with its place; one that is empty is an `Unread` there; offsets index it."""
    row = {"idx": 5, "query": "P", key: ["a\n\nb", "", "c"], "gt": "1"}
    items = list(read(write("x.jsonl", json.dumps(row))))
    assert [(type(item), item.id, item.candidate) for item in items] == [
        (Document, "5", 0),
        (Unread, "5", 1),
        (Document, "5", 2),
    ]
    first = items[0]
    assert isinstance(first, Document)
    assert (first.text, first.answer, [(step.start, step.end) for step in first.steps]) == (
        "a\n\nb",
        "1",
        [(0, 1), (3, 4)],
    )


def test_answer_is_kept_as_written(write: Write) -> None:
    """A number stays as it is written; `0.50` is not `0.5`."""
    assert one(write("x.jsonl", '{"problem":"P","steps":["a"],"answer":0.50}')).answer == "0.50"


def test_json_forms(write: Write) -> None:
    """An array, an object over many lines, and JSONL with the wrong suffix are read; lines are those of the file."""
    row = {"problem": "P", "steps": ["a"]}
    array = list(read(write("a.json", json.dumps([row, row], indent=1))))
    assert [item.line for item in array] == [2, 8]
    assert one(write("b.json", json.dumps(row, indent=1))).line == 1
    assert len(list(read(write("c.json", f"{json.dumps(row)}\n{json.dumps(row)}\n")))) == 2
    assert len(list(read(write("d.jsonl", json.dumps([row, row]))))) == 2


STREAMS = {
    "text": (b"P\n\n[x] = 3\n\nb", 1, "P"),
    "text with a bracket first": (b"[\nx = 3\n]\n\nb", 1, "[\nx = 3\n]"),
    "text with a brace first": (b"{x} is P\n\nb", 1, "{x} is P"),
    "JSONL": (b'\n{"problem":"P","steps":["a"]}\n{"problem":"Q","steps":["a"]}', 2, "P"),
    "an object": (b'{\n"problem":"P",\n"steps":["a"]}', 1, "P"),
    "an array": (b'[\n {"problem":"P","steps":["a"]}]', 1, "P"),
    "a BOM": (b'\xef\xbb\xbf{"problem":"P","steps":["a"]}', 1, "P"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_standard_input_is_recognised(name: str) -> None:
    """What comes through a pipe is told apart by how it begins."""
    data, count, problem = STREAMS[name]
    items = list(read("-", stdin=io.BytesIO(data)))
    assert len(items) == count
    assert isinstance(items[0], Document)
    assert (items[0].problem, items[0].source) == (problem, "-")


def test_format_overrides(write: Write) -> None:
    """The format that is asked for counts, not the suffix, nor how a stream begins."""
    assert texts(one(write("x.tex", "P\n\na"), format="text")) == ["a"]
    assert one("-", stdin=io.StringIO('{"a":\n\nb'), format="text").problem == '{"a":'
    with pytest.raises(UsageError, match="text, json, jsonl"):
        list(read("x", format="yaml"))  # type: ignore[arg-type]


def test_bom_is_not_counted(write: Write) -> None:
    """Offsets count from the first character after a BOM; line ends stay as they are in the file."""
    document = one(write("x.md", "\ufeffP\r\n\r\na\r\nb"))
    assert document.text == "P\r\n\r\na\r\nb"
    assert (document.steps[0].start, document.steps[0].end, texts(document)) == (5, 9, ["a\r\nb"])


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_change_nothing(end: str, write: Write) -> None:
    """A file with its lines ended as on Windows says the same: front matter, names, steps, answer; line ends aside."""
    text = "---\nid: 7\nproblem: |\n  P\n\n  Q\n---\n# Title\n\n**Solution:**\n\n"
    text += "1. a\n   ```\n   x\n   ```\n\n2. b\n\n## Answer\n72\n"
    plain, other = one(write("x.md", text)), one(write("y.md", text.replace("\n", end)))
    assert (other.problem, other.id, other.answer) == (plain.problem, plain.id, plain.answer) == ("P\n\nQ\n", "7", "72")
    assert [step.replace(end, "\n") for step in texts(other)] == texts(plain) == ["a\n   ```\n   x\n   ```", "b"]


def test_jsonl_is_streamed() -> None:
    """The first documents are there before the rest is read: an endless stream gives them."""

    class Endless(io.RawIOBase):
        def readline(self, size: int | None = -1, /) -> bytes:
            assert size != -1
            return self.read1()

        def read1(self, _: int = -1, /) -> bytes:
            return b'{"problem":"P","steps":["a"]}\n'

    found = list(itertools.islice(read("-", stdin=cast("BinaryIO", Endless())), 1000))
    assert [item.line for item in found] == list(range(1, 1001))


def test_examples(examples: Path) -> None:
    """Our examples are read without a note or an error, as they say of themselves."""
    counts = {}
    for name in ("right.md", "wrong.md", "wrong-zh.md", "solutions.jsonl", "candidates.jsonl"):
        documents = list(read(examples / name))
        assert all(isinstance(document, Document) and not document.notes for document in documents)
        counts[name] = [len(document.steps) for document in documents if isinstance(document, Document)]
    assert [counts[name] for name in ("right.md", "wrong.md", "wrong-zh.md")] == [[4], [4], [4]]
    assert counts["solutions.jsonl"] == [2, 3, 3, 3, 2, 3, 3]
    assert counts["candidates.jsonl"] == [3, 3, 3, 3, 2, 2, 2, 2, 2, 4, 4, 4, 3]


def test_real_data(shared: Path) -> None:
    """ProcessBench's files and the samples of a model are read as they are."""
    cases = list(read(shared / "processbench/gsm8k.json"))
    assert (len(cases), cases[0].id, {type(case) for case in cases}) == (400, "gsm8k-0", {Document})
    samples = list(read(shared / "bon/math_cot_100.jsonl"))
    assert (len(samples), {type(sample) for sample in samples}) == (800, {Document})
    assert [sample.candidate for sample in samples[:9]] == [0, 1, 2, 3, 4, 5, 6, 7, 0]


@pytest.mark.parametrize(
    ("name", "text"), [("e.jsonl", ""), ("e.jsonl", "\n \n"), ("e.json", "[]"), ("e.md", ""), ("e.txt", " ")]
)
def test_an_empty_file_is_an_error_in_every_form(name: str, text: str, tmp_path: Path) -> None:
    """Nothing to judge is no success: the file is named."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    (found,) = read(path)
    assert isinstance(found, Unread)
    assert re.fullmatch(rf"{re.escape(str(path))}: (no row is in this file|is empty)", str(found.error))
