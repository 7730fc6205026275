"""Dialects: rows of other programs are read as they are, by name, and what is not read is said."""

import datetime as dt
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stepcheck.answers import Grader
from stepcheck.bench.bestofn import Reading, read_problems
from stepcheck.bench.cases import Graded, Labelled
from stepcheck.bench.data import Selection, find_files, scan
from stepcheck.bench.processbench import read_cases
from stepcheck.document import Document, Unread, own, read, reread
from stepcheck.document.dialects import DIALECTS
from stepcheck.document.saving import patch, save
from stepcheck.errors import InputError, UsageError

Write = Callable[[str, Any], Path]
PROBLEM = "A box has 12 rows of 7 and 5 loose ones. How many?"
STEPS = ("12 * 7 = 84.", "84 + 5 = 89.")
TEXT = "12 * 7 = 84.\n\n84 + 5 = 89."
WRONG = "12 * 7 = 74.\n\n74 + 5 = 79."
CHAT = [{"role": "user", "content": PROBLEM}, {"role": "assistant", "content": TEXT}]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows, one a line, or one value as JSON; give the path."""

    def to(name: str, content: Any) -> Path:
        lines = content if isinstance(content, list) and name.endswith(".jsonl") else [content]
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
        return path

    return to


def rating(text: str, value: int | None) -> dict[str, Any]:
    return {"text": text, "rating": value, "flagged": None}


@dataclass(frozen=True)
class Sample:
    """A row of a dialect and what is read in it: the documents' steps, the labels, the answer."""

    row: dict[str, Any]
    steps: list[tuple[str, ...]] = field(default_factory=lambda: [STEPS])
    problem: str | None = PROBLEM
    labels: list[int] | None = None
    answer: str | None = None
    id: str | None = None
    notes: tuple[str, ...] = ()


SAMPLES: dict[str, Sample] = {
    "PRM800K rows": Sample(
        {
            "labeler": "x",
            "timestamp": "2023",
            "generation": None,
            "question": {"problem": PROBLEM, "ground_truth_answer": "89", "ground_truth_solution": "It is 89."},
            "label": {
                "steps": [
                    {"completions": [rating("No.", -1), rating(STEPS[0], 0)], "chosen_completion": 1},
                    {"completions": [rating(STEPS[1], -1)], "human_completion": None, "chosen_completion": None},
                ],
                "finish_reason": "found_error",
            },
        },
        labels=[1],
        answer="89",
        notes=("1 other completion of its steps: not read",),
    ),
    "Math-Shepherd rows": Sample(
        {
            "input": f"{PROBLEM} Step 1: {STEPS[0]} ки\nStep 2: {STEPS[1]} ки",
            "label": f"{PROBLEM} Step 1: {STEPS[0]} +\nStep 2: {STEPS[1]} -",
            "task": "GSM8K",
        },
        labels=[1],
    ),
    "RLHFlow PRM rows": Sample(
        {
            "conversations": [
                {"role": "user", "content": f"{PROBLEM} Step 1: {STEPS[0]}"},
                {"role": "assistant", "content": "+"},
                {"role": "user", "content": f"Step 2: {STEPS[1]}"},
                {"role": "assistant", "content": "+"},
            ]
        },
        labels=[-1],
    ),
    "lm-eval samples": Sample(
        {
            "doc_id": 3,
            "doc": {"question": PROBLEM, "answer": "It is #### 89"},
            "target": "89",
            "arguments": {"gen_args_0": {"arg_0": f"Question: {PROBLEM}", "arg_1": {"until": []}}},
            "resps": [[TEXT, WRONG]],
            "filtered_resps": ["89"],
            "filter": "strict-match",
            "exact_match": 1.0,
        },
        [STEPS, ("12 * 7 = 74.", "74 + 5 = 79.")],
        answer="89",
        id="3",
        notes=("of the filter `strict-match`",),
    ),
    "an inspect log": Sample(
        {
            "id": "q1",
            "epoch": 1,
            "input": [{"role": "user", "content": PROBLEM}],
            "target": ["89"],
            "messages": CHAT,
            "output": {"model": "m", "choices": [{"message": CHAT[1], "stop_reason": "stop"}], "completion": TEXT},
        },
        answer="89",
        id="q1",
    ),
    "OpenAI batch output": Sample(
        {
            "id": "batch_req_1",
            "custom_id": "request-7",
            "problem": PROBLEM,
            "response": {"status_code": 200, "body": {"choices": [{"index": 0, "message": CHAT[1]}]}},
            "error": None,
        },
        id="request-7",
    ),
    "Anthropic batch results": Sample(
        {
            "custom_id": "r",
            "problem": PROBLEM,
            "result": {
                "type": "succeeded",
                "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
            },
        },
        id="r",
    ),
    "a server's completion": Sample(
        {
            "object": "chat.completion",
            "model": "m",
            "messages": CHAT[:1],
            "choices": [{"message": {"role": "assistant", "content": TEXT, "reasoning_content": "Hm."}}],
        },
        notes=("`reasoning_content`, what the model thought, was left out",),
    ),
    "TRL stepwise rows": Sample({"prompt": PROBLEM, "completions": list(STEPS), "labels": [True, False]}, labels=[1]),
    "vLLM output": Sample(
        {
            "request_id": "0",
            "prompt": f"<|im_start|>system\nReason.<|im_end|>\n<|im_start|>user\n{PROBLEM}<|im_end|>\n",
            "outputs": [{"index": 0, "text": TEXT}, {"index": 1, "text": WRONG}],
        },
        [STEPS, ("12 * 7 = 74.", "74 + 5 = 79.")],
        notes=("chat template",),
    ),
    "OpenR1 rows": Sample(
        {
            "problem": PROBLEM,
            "solution": "It is 89.",
            "answer": "89",
            "uuid": "u",
            "generations": [TEXT, WRONG],
            "correctness_math_verify": [True, False],
            "messages": CHAT,
        },
        [STEPS, ("12 * 7 = 74.", "74 + 5 = 79.")],
        answer="89",
        id="u",
        notes=("`generations` was read; `solution` is the reference", "`messages` was not"),
    ),
    "search-and-learn rows": Sample(
        {
            "problem": PROBLEM,
            "solution": "It is $\\boxed{89}$.",
            "unique_id": "test/1.json",
            "completions": [WRONG, TEXT],
            "scores": [[0.1, 0.2], [0.9, 0.9]],
            "pred": TEXT,
            "completion_tokens": [9, 9],
        },
        [("12 * 7 = 74.", "74 + 5 = 79."), STEPS],
        id="test/1.json",
        notes=("`completions` was read; `solution` is the reference",),
    ),
    "Qwen2.5-Math evaluation rows": Sample(
        {"idx": 4, "question": PROBLEM, "solution": "It is 89.", "gt": "89", "code": [TEXT], "pred": ["89"]},
        answer="89",
        id="4",
        notes=("`code` was read; `solution` is the reference",),
    ),
    "ProcessBench rows": Sample(
        {
            "id": "g-0",
            "generator": "Q",
            "problem": PROBLEM,
            "steps": list(STEPS),
            "label": 0,
            "final_answer_correct": False,
        },
        labels=[0],
        id="g-0",
    ),
    "candidates as lists of steps": Sample(
        {"problem": PROBLEM, "steps": [list(STEPS), ["12 * 7 = 74."]], "labels": [-1, 0]},
        [STEPS, ("12 * 7 = 74.",)],
        labels=[-1, 0],
    ),
    "GSM8K rows": Sample(
        {
            "question": PROBLEM,
            "answer": "There are 24 + 24 = <<24+24=48>>48.\nIt is 48 + 41 = <<48+41=89>>89.\n#### 89",
        },
        steps=[("There are 24 + 24 = 48.", "It is 48 + 41 = 89.")],
        answer="89",
        notes=("`<<…>>`, what the calculator",),
    ),
    "DeepSeek responses": Sample(
        {"problem": PROBLEM, "reasoning_content": "Hm. 12 * 7 is 84.", "content": TEXT},
        notes=("`reasoning_content`, what the model thought, was left out",),
    ),
    "chat messages": Sample(
        {"messages": [{"role": "system", "content": "Reason."}, *CHAT]},
        notes=("the system's message is no part of the problem",),
    ),
}


def documents(path: Path, **options: Any) -> list[Document]:
    found = list(read(path, **options))
    assert all(isinstance(item, Document) for item in found), [item.error for item in found if isinstance(item, Unread)]
    return [item for item in found if isinstance(item, Document)]


def refusal(path: Path, **options: Any) -> str:
    (item,) = read(path, **options)
    assert isinstance(item, Unread), item
    return str(item.error)


def texts(document: Document) -> tuple[str, ...]:
    return tuple(step.text for step in document.steps)


def test_every_dialect_has_a_sample() -> None:
    """None is in the table without being tried here."""
    assert list(SAMPLES) == [dialect.name for dialect in DIALECTS]


@pytest.mark.parametrize("name", SAMPLES)
def test_dialects(name: str, write: Write) -> None:
    """Problem, steps, candidates, answer and id are where the dialect has them, and the dialect is named."""
    sample = SAMPLES[name]
    found = documents(write("x.jsonl", [sample.row]))
    assert [texts(document) for document in found] == sample.steps
    assert {document.problem for document in found} == {sample.problem}
    assert {document.answer for document in found} == {sample.answer}
    assert {document.id for document in found} == {sample.id}
    notes = found[0].notes
    assert notes[0] == f"read as {name}"
    assert all(any(words in note for note in notes) for words in sample.notes), notes


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.labels is not None])
def test_labels_of_dialects(name: str, write: Write) -> None:
    """Where each step has a label, a bench takes its first wrong step from there."""
    sample = SAMPLES[name]
    subset = scan("s", write("x.jsonl", [sample.row]), Selection(), merge=False)
    labels = [case.facts.label for case in read_cases(subset) if isinstance(case.facts, Labelled)]
    assert labels == sample.labels


@pytest.mark.parametrize(
    "more",
    [
        {"response": None},
        {"response": ""},
        {"answer": "89"},
        {"answer": "#### 89\n#### 90"},
        {"answer": 89},
    ],
    ids=str,
)
def test_an_answer_is_no_solution_of_its_own(more: dict[str, object], write: Write) -> None:
    """Only a whole solution of GSM8K's form is judged, and never in the place of a sample that is missing."""
    row = {"question": PROBLEM, "answer": "There are 24.\n#### 89"} | more
    assert "no s" in refusal(write("x.jsonl", [row]))


def test_a_solution_of_gsm8k_that_is_kept_as_it_is_can_be_edited(write: Write) -> None:
    """Without a calculator's notes the text is the row's own, so that a change finds its way back."""
    path = write("x.jsonl", [{"question": PROBLEM, "answer": "There are 24.\n#### 24"}])
    (document,) = documents(path)
    after = json.loads(patch(path.read_bytes(), document, reread(document, "There are 25.\n#### 25")))
    assert after == {"question": PROBLEM, "answer": "There are 25.\n#### 25"}


def test_the_table_in_the_documentation() -> None:
    """docs/rows.md has the code's own table, word for word."""
    lines = ["| rows | known by | problem | solutions | labels | answer |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.keys} | {one.problem} | {one.solutions} | {one.labels} | {one.answer} |"
        for one in DIALECTS
    ]
    page = (Path(__file__).parent.parent / "docs" / "rows.md").read_text(encoding="utf-8")
    assert "\n".join(lines) in page
    for keys in (own.PROBLEM, own.SAMPLES, own.ANSWER, own.ID):
        assert ", ".join(f"`{key}`" for key in keys) in page
    assert f"last `{own.REFERENCE}`" in page
    assert " or ".join(f"`{key}`" for key in own.LABELS) in page


# ---- what a bench makes of them


def graded(path: Path) -> list[tuple[str | None, bool | None, bool | None]]:
    with Grader() as grader:
        subset = scan("s", path, Selection(), merge=True)
        facts = [case.facts for case in read_problems(subset, grader, Reading())]
    return [(one.answer, one.right, one.file_right) for one in facts if isinstance(one, Graded)]


def test_a_bench_says_how_it_read(write: Write) -> None:
    """What was decided in reading the rows is counted and said, the most frequent first; of many notes a few."""
    row = SAMPLES["search-and-learn rows"].row
    path = write("x.jsonl", [row | {"unique_id": f"{i}"} for i in range(3)] + [{"problem": PROBLEM, "response": TEXT}])
    assert scan("s", path, Selection(), merge=True).notes[:2] == (
        "read as search-and-learn rows (3 rows)",
        "`completions` was read; `solution` is the reference (3 rows)",
    )
    many = [{"problem": PROBLEM, "solution": TEXT, f"model_output_{i}": "a"} for i in range(9)]
    notes = scan("s", write("y.jsonl", many), Selection(), merge=True).notes
    assert (len(notes), notes[-1]) == (7, "3 more notes, which `stepcheck split` shows beside their rows")


BOXED = ["So it is $\\boxed{79}$.", "So it is $\\boxed{89}$."]


@pytest.mark.parametrize(
    "row",
    [
        {"completions": BOXED, "pred": "89", "scores": [[0.1], [0.2]], "answer": "89"},
        {"completions": BOXED, "solution": "The sum is $\\boxed{89}$."},
        {"generations": BOXED, "solution": "The sum is $\\boxed{89}$.", "correctness_math_verify": [False, True]},
        {"responses": BOXED, "solution": "12 * 7 = 84, and 5 more.\n#### 89"},
        {"outputs": [{"text": text} for text in BOXED], "solution": "It is $\\boxed{89}$.", "answer": None},
    ],
)
def test_samples_are_graded_against_the_reference(row: dict[str, Any], write: Write) -> None:
    """The data set's solution is never judged in the place of the samples; its final answer is the reference."""
    found = graded(write("x.jsonl", [{"problem": PROBLEM, **row}]))
    assert [(answer, right) for answer, right, _ in found] == [("79", False), ("89", True)]
    if "correctness_math_verify" in row:
        assert [by_file for _, _, by_file in found] == [False, True]


@pytest.mark.parametrize(
    "empty",
    [{"completion": None}, {"response": "None"}, {"code": []}, {"model_output": "\u200b"}, {"messages": CHAT[:1]}],
)
def test_a_missing_sample_is_no_reference(empty: dict[str, Any], write: Write) -> None:
    """A sample that is not there is an error in its place; a chat that merely asks leaves `solution` to be read."""
    path = write("x.jsonl", [{"problem": PROBLEM, **empty, "solution": TEXT}])
    if "messages" in empty:
        assert texts(documents(path)[0]) == STEPS
    else:
        assert "is not judged in its place" in refusal(path)
        assert graded(path) == []


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        ([True, False], 1),
        ([1, 1], -1),
        ([1, 0], 1),
        ([0, -1], 1),
        ([0, 1], 0),
        (["+", "-"], 1),
        ([1.0, 0.0], 1),
        (["good", "bad"], 1),
        (1, 1),
    ],
)
def test_labels_of_steps(labels: object, wrong: int, write: Write) -> None:
    """Truth values, signs, words or the place of the first wrong step; 0 is neutral where -1 is wrong."""
    path = write("x.jsonl", [{"problem": PROBLEM, "steps": list(STEPS), "labels": labels}])
    (case,) = read_cases(scan("s", path, Selection(), merge=False))
    assert isinstance(case.facts, Labelled)
    assert case.facts.label == wrong


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([True], "`labels` has 1 values for 2 steps"),
        ([True, 0.5], "`labels[1]` is '0.5'"),
        ([None, True], "`labels[0]` is 'None'"),
        (True, "expected the 0-based first wrong step"),
        (7, "`labels` is 7: expected -1 to 1"),
    ],
)
def test_labels_that_cannot_be_used(labels: object, words: str, write: Write) -> None:
    """They are an error of the bench, with the key; whoever only wants rewards gets them."""
    path = write("x.jsonl", [{"problem": PROBLEM, "steps": list(STEPS), "labels": labels}])
    (case,) = read_cases(scan("s", path, Selection(), merge=False))
    assert isinstance(case.item, Unread)
    assert words in str(case.item.error)
    assert texts(documents(path)[0]) == STEPS


def test_candidates_as_lists_of_steps(write: Write) -> None:
    """Each list is a candidate with its steps as they are; labels come in a list as long; each is a case."""
    row = {"problem": PROBLEM, "steps": [list(STEPS), ["12 * 7 = 74."]], "labels": [[1, 1], [0]]}
    path = write("x.jsonl", [row])
    assert [(texts(one), one.candidate) for one in documents(path)] == [(STEPS, 0), (("12 * 7 = 74.",), 1)]
    subset = scan("s", path, Selection(), merge=False)
    cases = list(read_cases(subset))
    assert subset.cases == len(cases) == 2
    assert [case.facts.label for case in cases if isinstance(case.facts, Labelled)] == [-1, 0]
    assert [case.key for case in cases] == [("s", 0, 0), ("s", 0, 1)]


# ---- logs of many samples, and repeated rows


def sample(name: str, text: str, **more: Any) -> dict[str, Any]:
    output = {"choices": [{"message": {"role": "assistant", "content": text}}], "completion": text}
    return {"id": name, "input": PROBLEM + name, "target": "89", "output": output, **more}


def test_an_inspect_log_is_its_samples(write: Write) -> None:
    """Epochs of a sample are candidates of one problem; one that failed is an error in its place."""
    failed = sample("b", "", error={"message": "timed out", "traceback": ""})
    samples = [sample("a", TEXT, epoch=1), failed, sample("a", WRONG, epoch=2)]
    path = write("log.json", {"version": 2, "status": "success", "eval": {"task": "t"}, "samples": samples})
    first, second, third = read(path)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (texts(first), first.candidate, texts(second)[0], second.candidate) == (STEPS, 0, "12 * 7 = 74.", 1)
    assert isinstance(third, Unread)
    assert (third.id, "the sample failed: timed out" in str(third.error)) == ("b", True)


def test_a_second_filter_of_lm_eval_is_passed_over(write: Write) -> None:
    """The harness writes the same responses once for each filter: they are judged once, and that is said."""
    row = SAMPLES["lm-eval samples"].row
    rows = [row, row | {"doc_id": 4}, row | {"filter": "flexible-extract"}, row | {"filter": "other", "doc_id": 9}]
    found = documents(write("samples_x.jsonl", rows))
    assert [(one.id, one.candidate) for one in found] == [(n, c) for n in ("3", "4", "9") for c in (0, 1)]
    assert "other filters hold the same responses, and are passed over" in " ".join(found[0].notes)


def test_a_failed_request_is_an_error_in_its_place(write: Write) -> None:
    """A line of a batch without a response names its request; the others are read with the problem that is given."""
    failed = {"custom_id": "r1", "response": {"status_code": 429, "body": {"error": {}}}, "error": None}
    broken = {"custom_id": "r2", "response": None, "error": {"code": "expired", "message": "late"}}
    good = {"custom_id": "r3", "response": {"status_code": 200, "body": {"choices": [{"message": CHAT[1]}]}}}
    one, two, three = read(write("out.jsonl", [failed, broken, good]), problem=PROBLEM)
    assert isinstance(one, Unread)
    assert isinstance(two, Unread)
    assert ("(id r1): the request failed (status 429)" in str(one.error), "(id r2)" in str(two.error)) == (True, True)
    assert isinstance(three, Document)
    assert "an answer without its question" in refusal(write("alone.jsonl", [good]))


def test_the_prompt_of_lm_eval(write: Write) -> None:
    """Where the document has no problem the prompt is, also one that was sent as a chat."""
    row = {key: value for key, value in SAMPLES["lm-eval samples"].row.items() if key != "doc"}
    for prompt in (PROBLEM, [json.dumps(CHAT[:1])]):
        path = write("x.jsonl", [row | {"doc": {}, "arguments": {"gen_args_0": {"arg_0": prompt}}}])
        assert documents(path)[0].problem == PROBLEM
        assert "the prompt that was sent was taken as the problem" in documents(path)[0].notes


# ---- chats


def test_content_in_parts(write: Write) -> None:
    """Words of all text parts are the text; thinking and pictures are left out, with a note."""
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": TEXT}, {"type": "image_url"}]
    row = {"messages": [CHAT[0], {"role": "assistant", "content": parts}]}
    (document,) = documents(write("x.jsonl", [row]))
    assert texts(document) == STEPS
    assert "parts of a message were left out: `thinking`, `image_url`" in document.notes


def test_a_chat_with_several_questions_needs_a_problem(write: Write) -> None:
    """Which question is the problem is not guessed; with a problem the last answer is judged, and that is said."""
    talk = [*CHAT, {"role": "user", "content": "Are you sure?"}, {"role": "assistant", "content": WRONG}]
    assert "2 questions" in refusal(write("x.jsonl", [{"messages": talk}]))
    for path, options in (
        (write("y.jsonl", [{"problem": PROBLEM, "messages": talk}]), {}),
        (write("z.jsonl", [{"messages": talk}]), {"problem": PROBLEM}),
    ):
        (document,) = documents(path, **options)
        assert (document.problem, texts(document)[0]) == (PROBLEM, "12 * 7 = 74.")
        assert "1 earlier message of the assistant were not read" in document.notes


def test_shared_chats(write: Write) -> None:
    """`from` and `value` are as `role` and `content`; messages of a user in a row are one question."""
    talk = [
        {"from": "human", "value": "A box."},
        {"from": "human", "value": "How many?"},
        {"from": "gpt", "value": TEXT},
    ]
    (document,) = documents(write("x.jsonl", [{"conversations": talk}]))
    assert (document.problem, texts(document)) == ("A box.\n\nHow many?", STEPS)


def test_completions_as_messages(write: Write) -> None:
    """TRL's conversational rows: the prompt is what the user says, a completion what the assistant does."""
    row = {"prompt": CHAT[:1], "completions": [[CHAT[1]], [{"role": "assistant", "content": WRONG}]]}
    first, second = documents(write("x.jsonl", [row]))
    assert (first.problem, texts(first), texts(second)[0]) == (PROBLEM, STEPS, "12 * 7 = 74.")


# ---- what is no solution, and what is not read

NOTHING = ["", " \n", "None", "null", "nan", "\u200b", "\ufeff\u2060", "\u200d\u00ad \u3164", None]


@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_is_no_step_and_no_solution(nothing: str | None, write: Write) -> None:
    """Empty, unseen, null and the word None: an error where it is a step or a response, in its place."""
    assert "`steps[1]` is " in refusal(write("a.jsonl", [{"problem": PROBLEM, "steps": ["a", nothing]}]))
    assert refusal(write("b.jsonl", [{"problem": PROBLEM, "solution": nothing}])).startswith(
        str(write("b.jsonl", 0).parent)
    )
    one, two = read(write("c.jsonl", [{"problem": PROBLEM, "responses": [nothing, TEXT]}]))
    assert isinstance(one, Unread)
    assert (one.candidate, "response 0" in str(one.error)) == (0, True)
    assert isinstance(two, Document)
    (document,) = documents(write("d.jsonl", [{"problem": PROBLEM, "response": nothing, "prediction": TEXT}]))
    assert texts(document) == STEPS
    assert document.notes == ("`response` holds no text, and was passed over",)


def test_unseen_paragraphs_are_no_steps(write: Write) -> None:
    """A paragraph of joiners and fillers is none, and the steps around it are slices of the text."""
    text = "One.\n\n\u200d\u00ad\n\nTwo."
    (document,) = documents(write("x.jsonl", [{"problem": PROBLEM, "response": text}]))
    assert texts(document) == ("One.", "Two.")
    assert [text[step.start : step.end] for step in document.steps] == ["One.", "Two."]


@pytest.mark.parametrize(
    ("answer", "read_as"),
    [(["89"], "89"), ([89], "89"), (["8", "9"], None), ({}, None), ([], None), (True, "true"), ([["8"]], None)],
)
def test_an_answer_never_refuses_a_row(answer: object, read_as: str | None, write: Write) -> None:
    """A list of one is that answer; what is no text and no number is left out, with a note."""
    (document,) = documents(write("x.jsonl", [{"problem": PROBLEM, "steps": list(STEPS), "answer": answer}]))
    assert document.answer == read_as
    assert bool(document.notes) == (read_as is None)


def test_an_id_never_refuses_a_row(write: Write) -> None:
    """As an answer."""
    (document,) = documents(write("x.jsonl", [{"id": {"a": 1}, "problem": PROBLEM, "steps": list(STEPS)}]))
    assert (document.id, document.notes) == (None, ("`id` is an object, and was not read",))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rollouts", ["a"]),
        ("sampled_solutions", ["a"]),
        ("model_answers", [["a"]]),
        ("llm_response_text", "a"),
        ("chosen", "a"),
        ("beam_outputs", [{"text": "a"}]),
    ],
)
def test_what_looks_like_a_sample_is_named(key: str, value: object, write: Write) -> None:
    """A key that is not known, but looks like samples, is a note; beside `solution` it must not pass in silence."""
    (document,) = documents(write("x.jsonl", [{"problem": PROBLEM, "solution": TEXT, key: value}]))
    assert document.notes == (f"`{key}` looks like a solution or samples, and was not read",)


def test_one_value_for_all_candidates(write: Write) -> None:
    """What a bench takes one of for each candidate refuses no problem where it is one for all: it is left out."""
    row = {"problem": PROBLEM, "responses": BOXED, "answer": "89", "pred": "89", "score": True}
    path = write("x.jsonl", [row])
    assert graded(path) == [("79", False, None), ("89", True, None)]
    assert "`pred` is one value for all candidates, and was not read" in documents(path)[0].notes


def test_messages_as_text_are_refused(write: Write) -> None:
    """A chat that was written as a string is no solution."""
    message = refusal(write("x.jsonl", [{"problem": PROBLEM, "messages": json.dumps(CHAT)}]))
    assert "`messages`: expected `array`, got `str`" in message


def test_figures_are_no_samples(write: Write) -> None:
    """Counts and names that merely sound so are not noted."""
    more = {"completion_tokens": [1, 2], "generator": "Qwen", "response_length": 9, "finish_reasons": ["stop"]}
    (document,) = documents(write("x.jsonl", [{"problem": PROBLEM, "solution": TEXT, **more}]))
    assert document.notes == ()


def test_a_refusal_names_the_keys(write: Write) -> None:
    """It lists what is there and what would do."""
    message = refusal(write("x.jsonl", [{"problem": PROBLEM, "text_of_it": "a", "level": None}]))
    assert "the row has `problem`, `text_of_it`, `level` (null); one is looked for in `steps`, `code`" in message
    many = {f"k{i}": i for i in range(99)}
    assert "`k19` and 79 more" in refusal(write("y.jsonl", [many]))


# ---- Parquet and gzip


def table(path: Path, rows: list[dict[str, Any]], group: int = 1000) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_dialects_in_parquet(name: str, tmp_path: Path, write: Write) -> None:
    """A table's rows are read as the same rows in JSONL, for each dialect; what a column does not fill is null."""
    row = SAMPLES[name].row
    of_lines = documents(write("x.jsonl", [row]))
    of_table = documents(table(tmp_path / "x.parquet", [row]))
    assert [(one.problem, one.steps, one.answer, one.id) for one in of_table] == [
        (one.problem, one.steps, one.answer, one.id) for one in of_lines
    ]
    assert of_table[0].notes[0] == f"read as {name}"
    assert {one.path for one in of_table} == {None}


def test_parquet_is_streamed(tmp_path: Path) -> None:
    """Rows come group by group, numbered from 1, an error in the place of a row that is none."""
    rows: list[dict[str, Any]] = [
        {"problem": f"P{i}", "steps": ["a", "b"], "answer": i, "score": 0.5} for i in range(90)
    ]
    rows[50] = {"problem": "P50", "steps": None}
    items = list(read(table(tmp_path / "x.parquet", rows, group=10)))
    assert [item.line for item in items] == list(range(1, 91))
    assert isinstance(items[50], Unread)
    assert f"{tmp_path / 'x.parquet'}:51: no solution" in str(items[50].error)
    assert isinstance(items[89], Document)
    assert (items[89].problem, items[89].answer) == ("P89", "89")


def test_values_that_json_has_not(tmp_path: Path) -> None:
    """Dates, bytes, NaN and decimals in other columns keep no row from being read."""
    row = {"problem": "P", "steps": ["a"], "when": dt.datetime(2024, 1, 2), "raw": b"\xff", "x": float("nan")}  # noqa: DTZ001 (a column without a zone)
    assert documents(table(tmp_path / "x.parquet", [row]))[0].problem == "P"


def test_parquet_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken file and a missing extra are a sentence with the file's name; the extra is named."""
    broken = tmp_path / "x.parquet"
    broken.write_bytes(b"PAR1 and no more")
    assert refusal(broken).startswith(f"{broken}: is broken, or no Parquet: ")
    whole = table(tmp_path / "y.parquet", [{"problem": "P", "steps": ["a"]}])
    monkeypatch.setattr("stepcheck.document.parquet.find_spec", lambda _: None)
    assert refusal(whole).endswith("pip install 'stepcheck[parquet]'")


def test_parquet_is_benched(tmp_path: Path) -> None:
    """ProcessBench in Parquet gives the cases of its JSON."""
    path = table(tmp_path / "gsm8k.parquet", [SAMPLES["ProcessBench rows"].row])
    (case,) = read_cases(scan("gsm8k", path, Selection(), merge=False))
    assert case.facts == Labelled(0, "Q", answer_right=False)


def test_files_packed_with_gzip(tmp_path: Path) -> None:
    """Rows packed with gzip are read; what is torn or holds too much is a sentence; nothing is saved into it."""
    line = json.dumps({"problem": PROBLEM, "solution": TEXT}).encode()
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(line + b"\n" + line))
    before = documents(path)
    assert [texts(one) for one in before] == [STEPS, STEPS]
    with pytest.raises(InputError, match="is packed; nothing was saved"):
        save(before[0], before[0])
    path.write_bytes(gzip.compress(line * 1000)[:-20])
    assert "packed with gzip, and broken" in refusal(path)
    path.write_bytes(b"no gzip")
    assert "cannot be read: " in refusal(path)


def test_no_end_of_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that holds more than the limit is given up."""
    monkeypatch.setattr("stepcheck.document.sources.LARGEST_UNPACKED", 100_000)
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b"\n" * 200_000))
    assert "unpack it" in refusal(tmp_path / "x.jsonl.gz")


@pytest.mark.parametrize(
    ("name", "words"), [("x.eval", "inspect log convert --to json"), ("x.csv", "JSONL"), ("x.arrow", "Parquet")]
)
def test_what_helps_with_other_files(name: str, words: str, tmp_path: Path) -> None:
    """A kind of file that is not read is refused with what to do."""
    (tmp_path / name).write_bytes(b"PK")
    assert words in refusal(tmp_path / name)


def test_two_files_of_one_name_in_a_folder(tmp_path: Path) -> None:
    """A folder with a subset twice is refused: one of the two would be left out in silence."""
    for name in ("gsm8k.json", "gsm8k.parquet"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(UsageError, match="have one name"):
        find_files([tmp_path])


# ---- saving


@pytest.mark.parametrize(
    "row",
    [
        {"messages": CHAT},
        {"problem": PROBLEM, "completions": [TEXT, WRONG], "solution": TEXT},
        {"problem": PROBLEM, "outputs": [{"text": TEXT}]},
        SAMPLES["lm-eval samples"].row,
        SAMPLES["OpenAI batch output"].row,
    ],
)
def test_a_changed_solution_goes_back_to_its_place(row: dict[str, Any], write: Write) -> None:
    """The string that was read is replaced, wherever it stands in its row; every other byte stays."""
    path = write("x.jsonl", [row])
    before = documents(path)[0]
    data = patch(path.read_bytes(), before, reread(before, "Changed."))
    assert data == path.read_bytes().replace(json.dumps(TEXT).encode(), b'"Changed."', 1) or row.get("solution")
    path.write_bytes(data)
    assert texts(documents(path)[0]) == ("Changed.",)


@pytest.mark.parametrize("name", ["PRM800K rows", "Math-Shepherd rows", "Anthropic batch results"])
def test_what_was_put_together_is_not_saved(name: str, write: Write) -> None:
    """A solution made of several values of its row cannot go back, and the message says so."""
    path = write("x.jsonl", [SAMPLES[name].row])
    (document,) = documents(path)
    with pytest.raises(InputError, match="put together from several values"):
        patch(path.read_bytes(), document, document)
