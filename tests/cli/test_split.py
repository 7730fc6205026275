"""`stepcheck split`: what a person and a program see."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from stepcheck.cli.split import split

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str, stdin: str = "") -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(split)
    return CliRunner().invoke(app, [*arguments], input=stdin)


def test_text(examples: Path) -> None:
    """Name, problem and numbered steps, the lines of a step under each other."""
    problem = (
        "A farm shop gets 6 crates of apples with 24 apples in each crate. It sells 85 apples before noon and 37 in the"
    )
    result = run(str(examples / "right.md"))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{examples / 'right.md'}: 4 steps",
        f"Problem: {problem}",
        "         afternoon. How many apples are left in the evening?",
        " 1  The 6 crates hold 6 × 24 = 144 apples.",
        " 2  In total the shop sells 85 + 37 = 122 apples.",
        " 3  In the evening 144 - 122 = 22 apples are left.",
        " 4  The answer is 22 apples.",
    ]


def test_json_is_exact(examples: Path) -> None:
    """One object a document; offsets cut the very text out of the file, in Chinese too."""
    path = examples / "wrong-zh.md"
    (record,) = map(json.loads, run("--format", "json", str(path)).stdout.splitlines())
    text = path.read_text(encoding="utf-8")
    assert record["schema"] == 1
    assert [step["index"] for step in record["steps"]] == [0, 1, 2, 3]
    assert all(text[step["start"] : step["end"]] == step["text"] for step in record["steps"])
    assert record["problem"] in text


def test_thinking_is_kept_on_demand(tmp_path: Path) -> None:
    """What is left out is a note; `--keep-thinking` cuts it into steps like any other text."""
    path = tmp_path / "x.md"
    path.write_text("# Problem\nP\n# Solution\n<think>\na\n\nb\n</think>\n\nc", encoding="utf-8")
    (left,) = map(json.loads, run("-f", "json", str(path)).stdout.splitlines())
    (kept,) = map(json.loads, run("-f", "json", "--keep-thinking", str(path)).stdout.splitlines())
    assert [step["text"] for step in left["steps"]] == ["c"]
    assert "--keep-thinking judges it" in left["notes"][0]
    assert [step["text"] for step in kept["steps"]] == ["a", "b", "c"]


def test_candidates(examples: Path) -> None:
    """Every response of every row is shown, with its place."""
    records = [json.loads(line) for line in run("-f", "json", str(examples / "candidates.jsonl")).stdout.splitlines()]
    assert [(record["id"], record["candidate"]) for record in records][3:6] == [
        ("cinema", 3),
        ("pencils", 0),
        ("pencils", 1),
    ]
    assert len(records) == 13


def test_an_error_stands_in_its_place(tmp_path: Path) -> None:
    """What cannot be read is an error on stderr, a record in JSON, and exit code 1; the others are shown."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"problem": "P", "steps": ["a"]}\n{"problem": "P"}\n{"problem": "P", "steps": ["b"]}\n', encoding="utf-8"
    )
    text = run(str(rows))
    assert (text.exit_code, text.stdout.count(": 1 step")) == (1, 2)
    assert "rows.jsonl:2: no solution: the row has `problem`; one is looked for in `steps`" in text.stderr
    kinds = ["error" in json.loads(line) for line in run("-f", "json", str(rows)).stdout.splitlines()]
    assert kinds == [False, True, False]


def test_options(tmp_path: Path) -> None:
    """--split, --problem as text or as a file, --from, and standard input."""
    problem = tmp_path / "problem.txt"
    problem.write_text("How many?\n", encoding="utf-8")
    for given in ("How many?", str(problem)):
        shown = run("--split", "lines", "--problem", given, "--from", "text", "-", stdin="a\nb").stdout
        assert shown.splitlines() == ["standard input: 2 steps", "Problem: How many?", " 1  a", " 2  b"]


def test_notes_are_shown() -> None:
    """That the first paragraph became the problem is said."""
    assert "note: the first paragraph was taken as the problem" in run("-", stdin="P\n\na").stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_foreign_control_characters_do_not_come_through(form: str) -> None:
    """ESC, C1 and direction marks in problem, steps and id reach no terminal."""
    bad = "\x1b]52;c;x\x07 \x9b31m \u202e \r"
    row = json.dumps({"id": bad, "problem": f"P {bad}", "steps": [f"a {bad} b"], "answer": bad})
    shown = run("--format", form, "-", stdin=row)
    assert shown.exit_code == 0
    assert not set("\x1b\x07\x9b\u202e\r") & set(shown.stdout)


def test_no_model_and_no_engine_is_loaded(examples: Path) -> None:
    """Splitting needs neither numpy nor llama.cpp: it is quick."""
    program = (
        "import sys; from stepcheck.document import read; list(read(sys.argv[1]));"
        "print(sorted({'numpy', 'llama_cpp', 'rich', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(examples / "wrong.md")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "[]"
