"""The splitter: what a step is, shown by cases; that no character is lost, shown by properties."""

import json
import re
import time
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcheck.errors import InputError, UsageError
from stepcheck.steps import SplitMode, lay_out, split
from stepcheck.steps.maths import mask
from tests.search import examples

CASES: dict[str, tuple[str, list[str]]] = {
    # paragraphs
    "two paragraphs": ("a is 1.\n\nb is 2.", ["a is 1.", "b is 2."]),
    "blank lines with spaces, outer white space": ("\n  a\n \t\n\n  b \n\n", ["a", "b"]),
    "CR LF": ("a\r\nb\r\n\r\nc\r\n", ["a\r\nb", "c"]),
    "CR alone": ("a\r\rb", ["a", "b"]),
    "U+2028 twice": ("a\u2028\u2028b", ["a", "b"]),
    "a form feed is a space": ("a\fb\n\n\f\n\nc", ["a\fb", "c"]),
    "tabs before text": ("\ta\n\n\tb", ["a", "b"]),
    "four spaces are no code": ("    a\n\n    b", ["a", "b"]),
    "a rule is no step": ("a\n\n---\n\nb", ["a", "b"]),
    "an underlined sentence stays a sentence": ("So x = 3.\n---\n\nb", ["So x = 3.", "b"]),
    "a link definition is text": ("[x]: 3 is odd\n\nb", ["[x]: 3 is odd", "b"]),
    "HTML is text": ("<b>a</b> is\n\na < b", ["<b>a</b> is", "a < b"]),
    "a comment alone is no step": ("a\n\n<!-- note\n\nto self -->\n\nb", ["a", "b"]),
    "a quote is one step": ("> a\n>\n> b\n\nc", ["> a\n>\n> b", "c"]),
    "a heading belongs to what it heads": ("## Sum\n\na\n\nb", ["Sum\n\na", "b"]),
    "a bold line is a heading": ("**Find a**\n\nb\n\n**So a = 3.**\n\nc", ["**Find a**\n\nb", "**So a = 3.**", "c"]),
    "a line under white space": ("a\n\n\x1c\n---\n\nb", ["a", "b"]),
    "a title alone is no step": ("a\n\n## End", ["a"]),
    "a title that says something is one": ("a\n\n## So x = 5\n\n**It is 7.**", ["a", "So x = 5\n\n**It is 7.**"]),
    "a bullet list after a colon": ("Cases:\n\n- a\n- b\n\nc", ["Cases:\n\n- a\n- b", "c"]),
    "nothing but bullets": ("- a\n- b\n  c", ["a", "b\n  c"]),
    "a fence in a file of Windows": ("```\r\na\r\n```\r\n\r\nb\r\n", ["```\r\na\r\n```", "b"]),
    "a fence that closes before blanks": ("A:\n\n```\na\n```  \n\nb", ["A:\n\n```\na\n```", "b"]),
    "a fence that closes at the end of the text": ("```\n```\r\n", ["```\n```"]),
    # formulas
    "display maths belongs before": ("We get\n\n$$x = 1$$\n\nNext", ["We get\n\n$$x = 1$$", "Next"]),
    "what goes on in lower case": ("We get\n\n\\[x\\]\n\nwhere y.\n\nB", ["We get\n\n\\[x\\]\n\nwhere y.", "B"]),
    "Chinese goes on with 其中": ("得\n\n$$x$$\n\n其中 y。\n\n所以", ["得\n\n$$x$$\n\n其中 y。", "所以"]),
    "blank lines in $$": ("$$\na\n\nb\n$$\n\nB", ["$$\na\n\nb\n$$", "B"]),
    "blank lines in brackets": ("A\n\n\\[\na\n\nb\n\\]", ["A\n\n\\[\na\n\nb\n\\]"]),
    "a list in a formula": ("A $$\n1. a\n2. b\n$$\n\nB", ["A $$\n1. a\n2. b\n$$", "B"]),
    "nested environments": (
        "A\n\n\\begin{align}\n\\begin{align}a\n\n\\end{align}\n\nb\\\\\\end{align}\n\nB",
        ["A\n\n\\begin{align}\n\\begin{align}a\n\n\\end{align}\n\nb\\\\\\end{align}", "B"],
    ),
    "cases in brackets": (
        "A \\[\\begin{cases}a\n\nb\\end{cases}\\]\n\nB",
        ["A \\[\\begin{cases}a\n\nb\\end{cases}\\]", "B"],
    ),
    "proof is no formula": ("\\begin{proof}\na\n\nb\n\\end{proof}", ["\\begin{proof}\na", "b\n\\end{proof}"]),
    "money": ("It costs $5\n\nand then $10.", ["It costs $5", "and then $10."]),
    "money on both sides of a step": ("Step 1: pay $5.\nStep 2: pay 3$.", ["pay $5.", "pay 3$."]),
    "an escaped dollar": ("a \\$5 $$\n\n$$ b\n\nB", ["a \\$5 $$\n\n$$ b", "B"]),
    "no formula closes before a digit": ("pay $3\n- or$5 x", ["pay $3", "- or$5 x"]),
    "no formula closes behind a space": ("pay $3\n- or $ x", ["pay $3", "- or $ x"]),
    "backticks that a formula completes": ("```a$`$\n\nb", ["```a$`$", "b"]),
    "an unclosed $$ is text": ("a $$ b\n\nc", ["a $$ b", "c"]),
    "an unclosed bracket is text": ("a \\[ b\n\nc", ["a \\[ b", "c"]),
    "an unclosed environment is text": ("\\begin{align} b\n\nc", ["\\begin{align} b", "c"]),
    "an unclosed $$ does not eat the next heading": ("## Step 1\n$$ a\n\n## Step 2\n$$b$$", ["$$ a", "$$b$$"]),
    "inline maths over a line end": ("1. $a\n- b$\n2. c", ["$a\n- b$", "c"]),
    "a line break and a bracket": ("a \\\\[2pt]\n\nb \\]", ["a \\\\[2pt]", "b \\]"]),
    # code
    "a fence is whole": ("A:\n\n```\na\n\n1. b\n```\n\nB", ["A:\n\n```\na\n\n1. b\n```", "B"]),
    "a tilde fence with dollars": ("~~~\n$$\n\n~~~\n\nB\n\n$$c$$", ["~~~\n$$\n\n~~~", "B\n\n$$c$$"]),
    "an unclosed fence runs to the end": ("A\n\n```\na\n\nb", ["A", "```\na\n\nb"]),
    "a fence in an item": ("1. a\n   ```\n   x\n\n   2. y\n   ```\n2. b", ["a\n   ```\n   x\n\n   2. y\n   ```", "b"]),
    "a dollar in code": ("`$`\n1. a\n2. `$` b", ["`$`", "a", "`$` b"]),
    # lists
    "an ordered list": ("1. a\n2. b", ["a", "b"]),
    "with parentheses": ("1) a\n2) b", ["a", "b"]),
    "nested items stay inside": ("1. a\n   1. x\n   2. y\n2. b", ["a\n   1. x\n   2. y", "b"]),
    "paragraphs in items": ("1. a\n\n   more\n\n2. b", ["a\n\n   more", "b"]),
    "text around a list": ("We add.\n\n1. a\n2. b\n\nDone.", ["We add.", "a", "b", "Done."]),
    "unindented text belongs to its item": (
        "1. a\n\n$$x$$\n\nSo\n\n2. b\n\n$$y$$\n\nDone.",
        ["a\n\n$$x$$\n\nSo", "b\n\n$$y$$", "Done."],
    ),
    "lists that start anew are paragraphs": (
        "A:\n\n1. a\n2. b\n\nB:\n\n1. c\n2. d",
        ["A:\n\n1. a\n2. b", "B:\n\n1. c\n2. d"],
    ),
    "Chinese numbers": ("1、甲\n2、乙", ["甲", "乙"]),
    "circled numbers": ("设\n\n①甲\n②乙", ["设", "甲", "乙"]),
    "numbers that do not count are text": ("(3) a\n(5) b\n\nc", ["(3) a\n(5) b", "c"]),
    # named steps
    "step headings": ("## Step 1: Add\n\na\n\nb\n\n## Step 2\n\nc", ["Add\n\na\n\nb", "c"]),
    "step headings in Chinese": ("### 第一步：加\n甲\n### 第二步\n乙", ["加\n甲", "乙"]),
    "步骤": ("步骤 1：甲\n\n步骤 2：乙", ["甲", "乙"]),
    "step lines": ("Step 1: a\nStep 2: b\nc", ["a", "b\nc"]),
    "bold steps": ("**Step 1:** a\n\n**Step 2**: b", ["a", "b"]),
    "bold that goes on keeps its mark": (
        "**Step 1: Add.** a\n\n**Step 2: Sub.** b",
        ["**Step 1: Add.** a", "**Step 2: Sub.** b"],
    ),
    "a step after a list": ("Step 1:\n- a\n- b\nStep 2:\n- c", ["- a\n- b", "- c"]),
    "text before the first step": ("We add.\n\n### Step 1\na\n### Step 2\nb", ["We add.", "a", "b"]),
    "another heading ends the last step": ("## Step 1\na\n## Step 2\nb\n## Result\nc", ["a", "b", "Result\nc"]),
    "a heading over steps joins the first": ("### Step 1\na\n## Part B\n### Step 2\nb", ["a", "Part B\n### Step 2\nb"]),
    "Step 2 in a sentence": ("Step 2 gives x.\n\nb", ["Step 2 gives x.", "b"]),
    # lines
    "sentences on lines": ("She has 2 + 3 = 5.\nHe has 4.", ["She has 2 + 3 = 5.", "He has 4."]),
    "equations on lines": ("48 / 2 = 24\n24 + 48 = 72", ["48 / 2 = 24", "24 + 48 = 72"]),
    "a wrapped sentence": ("She has 2 + 3\nand 5 of it.", ["She has 2 + 3\nand 5 of it."]),
    "formulas between lines": ("So:\n\\[a\\]\nThen:\n\\[b\\]", ["So:\n\\[a\\]", "Then:\n\\[b\\]"]),
    # nothing
    "empty": ("", []),
    "white space": (" \n\u3000\t\r\n", []),
    "a zero-width space": ("\u200b\n\na", ["a"]),
}

MODES: list[tuple[SplitMode, str, list[str]]] = [
    ("blank", "1. a\n2. b\n\n$$x\n\ny$$\n\nc", ["1. a\n2. b", "$$x\n\ny$$", "c"]),
    ("lines", "a\n\nb $x\ny$\nc", ["a", "b $x\ny$", "c"]),
    ("numbered", "A\n\n1. a\n2. b\n\nB\n\n1. c", ["A", "a", "b\n\nB", "c"]),
    ("numbered", "no list\n\nhere", []),
    ("headings", "a\n\n# One\nb\n\n## Two\nc", ["a", "One\nb", "Two\nc"]),
    ("headings", "a\n\nb", []),
]


def steps(text: str, mode: SplitMode = "auto") -> list[str]:
    return [text[start:end] for start, end in split(text, mode).spans]


@pytest.mark.parametrize("name", CASES)
def test_cuts_where_a_reader_would(name: str) -> None:
    """Each case is a text and the steps that a person sees in it."""
    text, expected = CASES[name]
    assert steps(text) == expected


@pytest.mark.parametrize(("mode", "text", "expected"), MODES)
def test_a_mode_overrules(mode: SplitMode, text: str, expected: list[str]) -> None:
    """A mode that is asked for does what its name says, and finds nothing rather than something else."""
    assert steps(text, mode) == expected


def test_unknown_mode_is_refused() -> None:
    """A mode that does not exist is the caller's error, named with the choices."""
    with pytest.raises(UsageError, match="blank"):
        split("a", "sentences")  # type: ignore[arg-type]


# fmt: off
PIECES = st.sampled_from([
    "a", "B b.", "= 3", "\n", "\n\n", "\r\n", "\r", " ", "    ", "\t", "\x0c", "\u2028", "\u3000",
    "\ufeff", "\ue000", "$", "$$", "\\$", "\\(", "\\)", "\\[", "\\]", "\\", "\\begin{align}",
    "\\end{align}", "\\begin{cases}", "\\end{cases}", "`", "```", "~~~", "\n```\n", "<!--", "-->",
    "\n# ", "\n## Step 1: ", "Step 2: ", "**Step 3:** ", "第一步：", "步骤2", "\n1. ", "\n2. ", "\n   3) ",
    "\n- ", "\n> ", "\n---\n", "\n===\n", "(1)", "①", "1、", "5", "。", ":", "#", "*", "_", "[x]: y",
    "<div>", "解：", "😀", "<br>", "<think>", "</think>", " ки ", "<extra_0>", "<|im_end|>", "<answer>", "</answer>",
    "\n[^1]: ", "\\item ", "\\begin{enumerate}", "\\end{enumerate}", "\\\\\n", "**2. B**", "\n### 2. ", "a) ",
    "Case 1: ", "Schritt 2: ", ",\n", "|", "\n\n\n\n", "#### 5", "<p>", "</s>", "**", "Solution 2:", "【解】",
])
# fmt: on
MARKUP = re.compile(r"\\(?:begin|end)\{enumerate\}|a\)|\\item \[x\]")
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=80))


def check_slices(text: str, mode: SplitMode) -> None:
    """Slices and gaps are the text; a slice is not empty, has no outer white space, and does not overlap the next."""
    rebuilt, last = "", 0
    for start, end in split(text, mode).spans:
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip() != ""
        rebuilt += text[last:start] + text[start:end]
        last = end
    assert rebuilt + text[last:] == text


@settings(max_examples=examples(400))
@given(TEXTS, st.sampled_from(get_args(SplitMode)))
def test_slices_and_gaps_are_the_text(text: str, mode: SplitMode) -> None:
    """Every step is a slice of the source, whatever the source is."""
    check_slices(text, mode)


@settings(max_examples=examples(400))
@given(TEXTS.map(lambda text: text.replace("\r", "\n")), st.sampled_from(["\r\n", "\r", "\u2028", "\u0085"]))
def test_line_ends_of_other_systems_change_nothing(text: str, end: str) -> None:
    """With its lines ended as on Windows, or in any other way, a text has the same steps, line ends aside."""
    text = "\n".join(re.split(r"[\n\u2028\u2029\u0085]", text))
    other = text.replace("\n", end)
    check_slices(other, "auto")
    assert [step.replace(end, "\n") for step in steps(other)] == steps(text)


@settings(max_examples=examples(300))
@given(TEXTS)
def test_no_word_falls_into_a_gap(text: str) -> None:
    """Between steps stand only marks, rules, comments and white space, and what the cut says that it left out."""
    layout, cut = lay_out(text), split(text)
    told = sorted([*cut.spans, *((one.start, one.end) for one in cut.left_out)])
    for start, end in zip([0, *(e for _, e in told)], [*(s for s, _ in told), len(text)], strict=True):
        assert not set("aBbxy\ue000\ue001\ue002") & set(MARKUP.sub("", layout.masked[start:end]))
    assert all(any(a <= one.start and one.end <= b for a, b in told) for one in layout.clutter)


@settings(max_examples=examples(300))
@given(TEXTS)
def test_a_mask_keeps_every_offset(text: str) -> None:
    """A mask is as long as its text, and ends its lines where the text does or nowhere."""
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(text[i] in "\n\r\u2028\u2029\u0085" for i, char in enumerate(masked) if char == "\n")


@settings(max_examples=examples(200))
@given(
    st.lists(
        st.sampled_from(["$$\na\n\nb\n$$", "\\[\n\n1. x\n\\]", "\\begin{align}\n\n1. a\n\\end{align}", "```\n\n\n```"]),
        min_size=1,
        max_size=6,
    )
)
def test_a_formula_is_never_cut(formulas: list[str]) -> None:
    """However many formulas and fences follow each other, each lies whole in one step."""
    text = "Start:\n\n" + "\n\nThen:\n\n".join(formulas)
    found = steps(text)
    assert all(any(formula in step for step in found) for formula in formulas)
    assert sum(step.count(formula) for formula in set(formulas) for step in found) == len(formulas)


def test_real_solutions_are_slices(shared: Path) -> None:
    """Real samples of a model: split in every way, nothing lost; GSM8K's and ProcessBench's texts too."""
    rows = [json.loads(line) for line in (shared / "bon/math_cot_100.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = [response for row in rows for response in row["code"]]
    cases = json.loads((shared / "processbench/math.json").read_text(encoding="utf-8"))
    texts += ["\n\n".join(case["steps"]) for case in cases]
    train = (shared / "gsm8k/train.jsonl").read_text(encoding="utf-8").splitlines()
    texts += [json.loads(line)["answer"] for line in train[:1000]]
    for number, text in enumerate(texts):
        check_slices(text, get_args(SplitMode)[number % 5])
        check_slices(text, "auto")


BAIT = [
    "$",
    "$a",
    "$a ",
    "$$ ",
    "\\(",
    "\\[",
    "\\begin{align}",
    "\\begin{cases}\\end{cases}",
    "`a``b",
    "```\n",
    "\\",
    "<!--",
]
BAIT += [
    ">",
    "> ",
    "> a\nb\n",
    "- ",
    "1.",
    "[",
    "* ",
    "#",
    "a\n",
    "\n",
    "\n   ",
    "**Step 1",
    "第",
    "Step 1: ",
    "(1)",
    "解",
]


@pytest.mark.parametrize("unit", BAIT)
def test_time_is_linear(unit: str) -> None:
    """99,000 characters of bait for a quadratic search take well under a second each."""
    text = (unit * 99_000)[:99_000]
    start = time.perf_counter()
    check_slices(text, "auto")
    check_slices(text, "lines")
    assert time.perf_counter() - start < 10  # two modes on two busy cores; a quadratic search takes minutes


def test_absurdly_many_lines_are_refused() -> None:
    """A text of more than 100,000 lines is no solution: an error instead of minutes."""
    with pytest.raises(InputError, match="100,001 lines"):
        split("a\n" * 100_000)
