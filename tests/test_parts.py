"""Parts of a text in the ways of many: names, thinking, tags, marks, answers; in files and in rows."""

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcheck.document import Document, Unread, naming, read
from stepcheck.steps.blocks import parse
from stepcheck.steps.names import CASE, PARTS, names_cases, names_parts

FILES: dict[str, tuple[str, str, list[str], str | None]] = {
    # names of parts in the languages that models write
    "German": ("## Aufgabe\n\nP\n\n## Lösung\n\na\n\nb\n\n## Antwort\n\n7", "P", ["a", "b"], "7"),
    "French": ("**Problème :** P\n\n**Solution :** a\n\nb\n\n## Réponse finale\n\n7", "P", ["a", "b"], "7"),
    "French, another word": ("Énoncé : P\n\nDémonstration : a\n\nb", "P", ["a", "b"], None),
    "Spanish": ("# Problema\nP\n\n# Solución\na\n\nb\n\n# Respuesta\n7", "P", ["a", "b"], "7"),
    "Italian": ("Problema: P\n\nSoluzione: a\n\nb\n\n## Risposta\n7", "P", ["a", "b"], "7"),
    "Portuguese": ("# Questão\nP\n# Solução\na\n\nb\n# Resposta final\n7", "P", ["a", "b"], "7"),
    "Russian": ("Задача: P\n\nРешение: a\n\nb\n\n**Ответ:**\n\n7", "P", ["a", "b"], "7"),
    "Japanese": ("## 問題\nP\n## 解答\na\n\nb\n## 最終的な答え\n7", "P", ["a", "b"], "7"),
    "Korean": ("## 문제\nP\n## 풀이\na\n\nb\n## 정답\n7", "P", ["a", "b"], "7"),
    "Chinese, traditional": ("題目：P\n\n證明：a\n\nb", "P", ["a", "b"], None),
    # how a name is written
    "brackets": ("【题目】P\n\n【解答】a\n\nb\n\n【答案】7", "P", ["a", "b"], "7"),
    "brackets in English": ("[Problem] P\n\n[Solution] a\n\nb\n\n[Answer] 7", "P", ["a", "b"], "7"),
    "other brackets": ("［题目］P\n\n［解答］a\n\nb", "P", ["a", "b"], None),
    "stops": ("Problem. P is.\n\nProof. A\n\nb", "P is.", ["A", "b"], None),
    "a wrapped sentence that ends so": (
        "# Problem\nP\n# Solution\nThis is the\nanswer. It is a\nproblem. Or not.",
        "P",
        ["This is the\nanswer. It is a\nproblem. Or not."],
        None,
    ),
    "question and answer in Chinese": ("问：P\n\n答：a\n\nb", "P", ["a", "b"], None),
    "a Chinese exercise": ("【题干】P\n\n【解析】a\n\nb\n\n【答案】7", "P", ["a", "b"], "7"),
    "letters": ("Q: P\n\nA: a\n\nb", "P", ["a", "b"], None),
    "bold letters": ("**Q:** P\n\n**A:** a\n\nb", "P", ["a", "b"], None),
    "a quote": ("> **Problem.** P\n\n**Solution.** a\n\nb", "P", ["a", "b"], None),
    "a quote of more lines": ("> **Problem.** P\n> Q\n\n**Solution.** a\n\nb", "P\nQ", ["a", "b"], None),
    "a quote under its name": ("## Problem\n\n> P\n\n## Solution\n\na\n\nb", "P", ["a", "b"], None),
    "behind spaces": ("  Problem: P\n\n  Solution: a\n\nb", "P", ["a", "b"], None),
    "bold in Chinese": ("**题目**：P\n\n**解答：**a\n\nb", "P", ["a", "b"], None),
    "an emoji": ("## 📝 Problem\nP\n## 💡 Solution\na\n\nb\n## ✅ Final Answer\n7", "P", ["a", "b"], "7"),
    "tags": ("<b>Problem:</b> P\n\n<b>Solution:</b> a\n\nb", "P", ["a", "b"], None),
    "sections of TeX": ("\\section*{Problem}\nP\n\n\\section*{Solution}\na\n\nb", "P", ["a", "b"], None),
    "bold in TeX": ("\\textbf{Problem.} P\n\n\\textbf{Solution.} a\n\nb", "P", ["a", "b"], None),
    "a solution that is the first": ("# Problem\nP\n# Solution 1\na\n\nb", "P", ["a", "b"], None),
    "what only begins so": (
        "# Problem\nP\n# Solution\na\n\nAnswering b is easy.",
        "P",
        ["a", "Answering b is easy."],
        None,
    ),
    # the final answer
    "an answer with steps behind": (
        "# Problem\nP\n# Solution\na\n# Answer\n7\n# Check\nb",
        "P",
        ["a", "Check\nb"],
        "7",
    ),
    "reasons under an answer": (
        "# Problem\nP\n# Solution\na\n# Answer\n" + "So it is. " * 40,
        "P",
        ["a", "Answer\n" + ("So it is. " * 40).strip()],
        None,
    ),
    "GSM8K": ("# Problem\nP\n# Solution\na is 3.\nb is 4.\n#### 7", "P", ["a is 3.", "b is 4."], "7"),
    # what is no step
    "thinking": ("# Problem\nP\n# Solution\n<think>\nx\n\ny\n</think>\n\na\n\nb", "P", ["a", "b"], None),
    "thinking that a template opened": ("# Problem\nP\n# Solution\nx\n\ny\n</think>\n\na\n\nb", "P", ["a", "b"], None),
    "thinking that is never closed": ("# Problem\nP\n# Solution\na\n\n<think>\nx\n\ny", "P", ["a"], None),
    "thinking in front of names": (
        "<think>\n# Solution\nx\n</think>\n# Problem\nP\n# Solution\na\n\nb",
        "P",
        ["a", "b"],
        None,
    ),
    "nothing but thinking": (
        "# Problem\nP\n# Solution\n<think>\nx\n\ny\n</think>\n<answer>7</answer>",
        "P",
        ["x", "y"],
        "7",
    ),
    "details": (
        "# Problem\nP\n# Solution\n<details>\n<summary>Show</summary>\n\na\n\nb\n\n</details>",
        "P",
        ["a", "b"],
        None,
    ),
    "details that are called as their part": (
        "# Problem\nP\n# Solution\n<details><summary>Solution</summary>\n\na\n\nb\n\n</details>",
        "P",
        ["a", "b"],
        None,
    ),
    "details in bold, on lines": (
        "# Problem\nP\n# Solution\n<details>\n<summary>\n<b>Solution</b>\n</summary>\n\na\n\nb\n\n</details>",
        "P",
        ["a", "b"],
        None,
    ),
    "a footnote": ("# Problem\nP\n# Solution\na[^1]\n\nb\n\n[^1]: c", "P", ["a[^1]", "b"], None),
    "marks": ("# Problem\nP\n# Solution\na <extra_0>\n\nb <extra_0>", "P", ["a", "b"], None),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", FILES)
def test_parts_of_a_file(name: str, end: str, tmp_path: Path) -> None:
    """Problem, steps and answer are found as a person would find them; every step is a slice of the file."""
    text, problem, steps, answer = FILES[name]
    path = tmp_path / "x.md"
    path.write_bytes(text.replace("\n", end).encode())
    (document,) = read(path)
    assert isinstance(document, Document), document.error
    found = [step.text.replace(end, "\n") for step in document.steps]
    assert (document.problem.replace(end, "\n"), found, document.answer) == (problem, steps, answer)
    assert document.text is not None
    assert all(document.text[step.start : step.end] == step.text for step in document.steps)


ROWS: dict[str, tuple[str, list[str], str | None]] = {
    "GSM8K": (
        "There are 14*3=<<14*3=42>>42 eggs.\nThen 42*5=<<42*5=210>>210.\n#### 210",
        ["There are 14*3=<<14*3=42>>42 eggs.", "Then 42*5=<<42*5=210>>210."],
        "210",
    ),
    "GSM8K, money": ("a = 1.\nb = 2.\n#### $1,210.50", ["a = 1.", "b = 2."], "$1,210.50"),
    "GSM8K, no space": ("a = 1.\nb = 2.\n####210", ["a = 1.", "b = 2."], "210"),
    "GSM8K, a box": ("a = 1.\nb = 2.\n#### \\boxed{210}", ["a = 1.", "b = 2."], "\\boxed{210}"),
    "GSM8K on one line": ("There are 42 eggs. #### 42", ["There are 42 eggs."], "42"),
    "GSM8K among paragraphs": ("a\n\nb\n\n#### 7", ["a", "b"], "7"),
    "four hashes that head a step": ("#### 1. x\n\na\n\nb\n\n#### 2. y\n\nc", ["x\n\na\n\nb", "y\n\nc"], None),
    "a heading for the answer": ("a\n\nb\n\n### Final Answer\n\n$7$", ["a", "b"], "$7$"),
    "a bold line for the answer": ("a\n\nb\n\n**Answer**\n\n7", ["a", "b"], "7"),
    "an answer on its line is a step": ("a\n\n**Answer:** 7", ["a", "**Answer:** 7"], None),
    "nothing but an answer's name": ("## Answer\n\na\n\nb", ["a", "b"], None),
    "a solution's name": ("### Solution\n\na\n\nb", ["a", "b"], None),
    "a solution's name, bold": ("**Solution:** a\n\nb", ["a", "b"], None),
    "a solution's name, Chinese": ("解：a\n\nb", ["a", "b"], None),
    "the problem told again": ("**Problem:** x\n\n**Solution:** a\n\nb", ["a", "b"], None),
    "step by step over a list": ("### Step-by-Step Solution:\n\n1. a\n\n2. b", ["a", "b"], None),
    "answer tags": ("a\n\nb\n<answer>7</answer>", ["a", "b"], "7"),
    "answer tags on lines": ("a\n\nb\n\n<answer>\n7\n</answer>", ["a", "b"], "7"),
    "answer tags around a solution": ("<think>x</think>\n<answer>\na\n\nb\n</answer>", ["a", "b"], None),
    "nothing but an answer in tags": ("<answer>7</answer>", ["7"], None),
    "thinking": ("<think>x\n\ny</think>a\n\nb", ["a", "b"], None),
    "thinking, a template's": ("x\n\ny\n</think>\n\na\n\nb", ["a", "b"], None),
    "thinking with what never closes": ("<think>\nIt costs $5 or \\[ x\n```\ny\n</think>\n\na\n\nb", ["a", "b"], None),
    "thinking, square": ("[THINK]x[/THINK]a\n\nb", ["a", "b"], None),
    "thinking, in marks": (
        "<|begin_of_thought|>\nx\n<|end_of_thought|>\n\n<|begin_of_solution|>\na\n\nb\n<|end_of_solution|>",
        ["a", "b"],
        None,
    ),
    "thinking, in channels": (
        "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>a\n\nb",
        ["a", "b"],
        None,
    ),
    "nothing but thinking": ("<think>x\n\ny", ["x", "y"], None),
    "what speaks of thinking": ("The tag `<think>` opens.\n\nb", ["The tag `<think>` opens.", "b"], None),
    "Math-Shepherd": ("Step 1: a ки\nStep 2: b ки", ["a", "b"], None),
    "Math-Shepherd on one line": ("Step 1: a ки Step 2: b The answer is: 7 ки", ["a", "b The answer is: 7"], None),
    "Math-Shepherd without names": ("a ки\nb\nc ки", ["a", "b\nc"], None),
    "numbers and marks": ("1. a<extra_0>\n2. b<extra_0>", ["a", "b"], None),
    "Qwen": ("a<extra_0>b\n\nc<extra_0>", ["a", "b\n\nc"], None),
    "blank lines": ("a\n\nb \n\n\n\nc \n\n\n\n", ["a\n\nb", "c"], None),
    "steps in tags": ("<step>a</step>\n<step>b\n\nc</step>", ["a", "b\n\nc"], None),
    "paragraphs in tags": ("<paragraph_0>\na\n</paragraph_0>\n\n<paragraph_1>\nb\n</paragraph_1>", ["a", "b"], None),
    "the end of a turn": ("a\n\nb<|im_end|>", ["a", "b"], None),
    "the ends of a turn": ("a\n\nb<|im_end|>\n<|endoftext|>", ["a", "b"], None),
    "Llama's end": ("a\n\nb<|eot_id|>", ["a", "b"], None),
    "Llama's head": ("<|start_header_id|>assistant<|end_header_id|>\n\na\n\nb<|eot_id|>", ["a", "b"], None),
    "DeepSeek's end": ("a\n\nb<｜end▁of▁sentence｜>", ["a", "b"], None),
    "an old end": ("<s> a\n\nb</s>", ["a", "b"], None),
    "an end behind a fence": ("a:\n\n```\nx\n```<|im_end|>", ["a:\n\n```\nx\n```"], None),
    "a mark in code": ('a:\n\n```\nmark = "<extra_0>"\n```\n\nb', ['a:\n\n```\nmark = "<extra_0>"\n```', "b"], None),
    "a mark in a fence of its own": ("a:\n\n```\n<extra_0>\n```\n\nb", ["a:\n\n```\n<extra_0>\n```", "b"], None),
    "Russian": ("Оценки\n\nи книги.", ["Оценки", "и книги."], None),
    "tags alone": ('<div align="center">\n\na\n\n</div>\n\nb', ["a", "b"], None),
    "paragraphs of HTML": ("<p>a</p><p>b</p>", ["a", "b"], None),
    "footnotes": ("a[^1] b[^2]\n\nc\n\n[^1]: x\n[^2]: y\n    z", ["a[^1] b[^2]", "c"], None),
}


def responses(*texts: str, **options: object) -> list[Document | Unread]:
    data = "".join(json.dumps({"problem": "P", "response": text}) + "\n" for text in texts)
    return list(read("-", stdin=io.BytesIO(data.encode()), format="jsonl", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ROWS)
def test_parts_of_a_response(name: str, end: str) -> None:
    """Steps and answer of a response; no step has a mark or a tag at its ends, and each is a slice."""
    text, steps, answer = ROWS[name]
    (document,) = responses(text.replace("\n", end))
    assert isinstance(document, Document), document.error
    assert ([step.text.replace(end, "\n") for step in document.steps], document.answer) == (steps, answer)
    assert document.text is not None
    assert all(document.text[step.start : step.end] == step.text for step in document.steps)


def test_thinking_is_kept_on_demand() -> None:
    """With `keep_thinking` it is cut like any other text, and only its tags are left out."""
    for text in ("<think>\nx\n\ny\n</think>\n\na", "x\n\ny\n</think>\n\na"):
        (left,) = responses(text)
        (kept,) = responses(text, keep_thinking=True)
        assert isinstance(left, Document)
        assert isinstance(kept, Document)
        assert [step.text for step in left.steps] == ["a"]
        assert [step.text for step in kept.steps] == ["x", "y", "a"]
        assert "--keep-thinking" in " ".join(left.notes)
        assert "--keep-thinking" not in " ".join(kept.notes)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("<think>x</think>a\n\nb", "the thinking (16 characters) was left out"),
        ("<think>x\n\ny", "nothing but thinking"),
        ("a ки\nb ки", "`ки` (2 times)"),
        ("a<|im_end|>", "`<|im_end|>`"),
        ("<details>\n\na", "tags were left out: `<details>`"),
        ("a[^1]\n\n[^1]: b", "footnotes were left out: `[^1]: b`"),
        ("a\n\n## End", "titles with nothing under them were left out: `End`"),
        ("**Problem:** x\n\n**Solution:** a", "the text under `Problem` was not read"),
    ],
)
def test_what_is_left_out_is_said(text: str, note: str) -> None:
    """A note names what of a response is in no step."""
    (document,) = responses(text)
    assert note in " ".join(document.notes if isinstance(document, Document) else ())


@pytest.mark.parametrize(
    "text",
    [
        "## Solution 1\n\na\n\n## Solution 2\n\nb",
        "**Solution 1.** a\n\n**Solution 2.** b",
        "### Solution\n\na\n\n### Alternative Solution\n\nb",
        "### Solution\n\na\n\n### Another solution: by c\n\nb",
        "## Lösung 1\n\na\n\n## Lösung 2\n\nb",
        "## Solution I\n\na\n\n## Solution II\n\nb",
        "## Solution #1\n\na\n\n## Solution #2\n\nb",
        "## Method 1\n\na\n\n## Method 2\n\nb",
        "解法一：a\n\n解法二：b",
        "解：a\n\n另解：b",
        "## 解答1\n\na\n\n## 解答2\n\nb",
    ],
)
def test_a_second_solution_is_an_error(text: str, tmp_path: Path) -> None:
    """Two solutions are never the steps of one, in a file and in a row."""
    (row,) = responses(text)
    assert isinstance(row, Unread)
    assert "a second `" in str(row.error)
    path = tmp_path / "x.md"
    path.write_text(f"# Problem\n\nP\n\n{text}", encoding="utf-8")
    (file,) = read(path)
    assert isinstance(file, Unread)
    assert "one solution a file" in str(file.error)


def test_a_second_solution_of_a_response_alone() -> None:
    """What stands before a second solution is the first, whether it is named or not."""
    (row,) = responses("a\n\n## Second solution\n\nb")
    assert isinstance(row, Unread)
    assert "list them in `responses`" in str(row.error)


def test_marks_are_cut_off_ready_steps() -> None:
    """Ready-made steps stay as they are, white space included, but for the marks at their ends, which a note names."""
    row = {"problem": "P", "steps": [" a ", "b ки", "<extra_0>c<|im_end|>", "a `ки` b"]}
    (document,) = read("-", stdin=io.BytesIO(json.dumps(row).encode()), format="jsonl")
    assert isinstance(document, Document)
    assert [step.text for step in document.steps] == [" a ", "b", "c", "a `ки` b"]
    assert "`ки`" in document.notes[0]
    row["steps"] = ["a", " ки "]
    (unread,) = read("-", stdin=io.BytesIO(json.dumps(row).encode()), format="jsonl")
    assert isinstance(unread, Unread)
    assert "`steps[1]` is nothing but a mark" in str(unread.error)


@pytest.mark.parametrize("words", PARTS.values(), ids=PARTS)
@given(data=st.data())
def test_a_name_of_a_part_is_never_passed_over(words: str, data: st.DataObject) -> None:
    """Whatever the table of words knows is hinted at, in small letters and in capitals, the Turkish ones too."""
    name = data.draw(st.from_regex(re.compile(words, re.VERBOSE), fullmatch=True))
    for text in (name, name.upper(), name.upper().replace("I", "İ"), name.replace("i", "ı")):
        assert names_parts(f"and {text}: x")


@given(st.from_regex(re.compile(CASE), fullmatch=True))
def test_a_name_of_a_case_is_never_passed_over(name: str) -> None:
    """As a part's."""
    assert names_cases(f"and {name}: x")


@given(st.text(st.sampled_from("QA12一.:：。*_[]【】 \n\r#NoIVXbé-{}<>b/\u00a0"), max_size=9))
def test_a_letter_that_names_a_part_is_never_passed_over(text: str) -> None:
    """Where a line or a block could be named by `Q` or `A`, the hint is there."""
    masked = text.replace("\r", "\n").replace("\u00a0", " ")
    found = [match.start() for line in naming.LINES for match in line.finditer(masked)]
    found += [part.start for part in naming.named(masked, parse(masked))]
    assert not found or names_parts(text)
