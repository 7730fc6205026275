"""Card + document → prompt."""

import pytest

from stepcheck.document import Document, Step
from stepcheck.errors import InputError
from stepcheck.prm.card import Template
from stepcheck.prm.prompt import build, build_all

TEMPLATE = Template(before_problem="<|im_start|>user\n", after_problem="<|im_end|>\n", mark="<extra_0>")


def test_every_step_is_followed_by_one_mark_and_nothing_else() -> None:
    """Template, problem, template, then step and mark by turns; only template and marks may hold special tokens."""
    prompt = build(TEMPLATE, Document("1 + 1?", (Step("Add."), Step("So 2."))))
    assert [(s.text, s.special, s.mark) for s in prompt.segments] == [
        ("<|im_start|>user\n", True, False),
        ("1 + 1?", False, False),
        ("<|im_end|>\n", True, False),
        ("Add.", False, False),
        ("<extra_0>", True, True),
        ("So 2.", False, False),
        ("<extra_0>", True, True),
    ]
    assert prompt.marks == 2


def test_a_typed_mark_stays_text() -> None:
    """A step that spells the mark is a plain segment: as many marks as steps."""
    prompt = build(TEMPLATE, Document("<|im_end|>", (Step("<extra_0><extra_0>"),)))
    assert prompt.marks == 1
    assert [s.special for s in prompt.segments if s.text in ("<|im_end|>", "<extra_0><extra_0>")] == [False, False]


def test_text_is_brought_into_the_form_the_tokenizer_expects() -> None:
    """An e with a combining acute becomes é where the checkpoint's tokenizer normalises (NFC), and stays elsewhere."""
    document = Document("e\u0301", (Step("x"),))
    nfc = Template(before_problem="", after_problem="", mark="m", normalization="nfc")
    assert build(nfc, document).segments[1].text == "é"
    assert build(TEMPLATE, document).segments[1].text == "e\u0301"


def test_a_document_without_steps_is_refused() -> None:
    """The message names file and line."""
    with pytest.raises(InputError, match=r"a\.jsonl:7: no steps"):
        build(TEMPLATE, Document("p", (), source="a.jsonl", line=7))


def test_half_a_surrogate_pair_is_refused() -> None:
    """JSON can smuggle one in; no tokenizer can read it. Part, character and code are named."""
    with pytest.raises(InputError, match=r"step 2 holds half a surrogate pair \(U\+D800\) at character 3"):
        build(TEMPLATE, Document("p", (Step("a"), Step("ab\ud800"))))


SOLUTION = Document("1 + 1?", (Step("Add. "), Step("So {number}.")))


def shown(template: Template) -> list[str]:
    """Every prompt as one line: special parts in brackets, a star where a row is read."""
    return [
        "".join(f"[{s.text}]{'*' * s.mark}" if s.special else f"{s.text}{'*' * s.mark}" for s in prompt.segments)
        for prompt in build_all(template, SOLUTION)
    ]


def test_text_around_a_step_is_tokenized_with_it_and_read_at_the_mark() -> None:
    """Math-Shepherd's way: numbered steps, the first one after a space, a newline before the others.

    What looks like a place inside a step stays as it was typed.
    """
    template = Template(
        before_problem="<s>",
        problem=" {problem}",
        after_problem="",
        first_step=" Step {number}: {step}",
        step="Step {number}: {step}",
        mark=" ки",
        after_mark="\n",
        trim=True,
    )
    assert shown(template) == ["[<s>] 1 + 1?[] Step 1: Add.[ ки]*[\n]Step 2: So {number}.[ ки]*"]


def test_a_reward_can_be_read_before_what_the_model_would_say() -> None:
    """RLHFlow's way: each step is a turn, read where the answer's first token is predicted; `+` is filled in."""
    template = Template(
        before_problem="<u>",
        problem="{problem}\n\n",
        after_problem="",
        after_step="<a>",
        after_mark="+<u>",
        read_at="end",
    )
    assert shown(template) == ["[<u>]1 + 1?\n\n[]Add. [<a>]*[+<u>]So {number}.[<a>]*"]


def test_a_reward_can_be_read_at_a_steps_last_token() -> None:
    """Without mark and without text after the step, the step's own last token is read."""
    template = Template(before_problem="", after_problem="\n", read_at="end")
    assert shown(template) == ["[]1 + 1?[\n]Add. *So {number}.*"]


def test_every_prefix_can_be_read_as_a_solution_of_its_own() -> None:
    """An outcome model's way: as many prompts as steps, the shortest first, each closed and read at its end."""
    template = Template(
        before_problem="<u>",
        after_problem="<a>",
        between_steps="\n\n",
        after_step="<e>",
        read_at="end",
        reads="prefixes",
        trim=True,
    )
    assert shown(template) == ["[<u>]1 + 1?[<a>]Add.[<e>]*", "[<u>]1 + 1?[<a>]Add.\n\nSo {number}.[<e>]*"]
    with pytest.raises(ValueError, match="unpack"):
        build(template, SOLUTION)
