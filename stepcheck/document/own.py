"""Rows without a dialect of their own: the keys that are understood, and which of them counts.

Owns the order of keys. What models wrote comes before `solution`, which is then the data set's reference: it is never
judged in the place of a sample that is missing. Refuses a row without a solution, naming the keys that are there.
"""

import re

from stepcheck.document import contents, talks
from stepcheck.document.contents import Content, Missing
from stepcheck.document.given import Given, is_blank
from stepcheck.document.talks import Turn
from stepcheck.errors import InputError
from stepcheck.patterns import regex

PROBLEM = ("problem", "question", "query", "prompt", "instruction", "input")
REFERENCE = "solution"
SAMPLES = (
    "steps", "code", "responses", "response", "candidates", "completions", "generations", "samples", "outputs",
    "predictions", "solutions", "completion", "generation", "prediction", "model_prediction", "model_output",
    "model_response", "generated_text", "messages", "conversations", "output", "content",
)  # fmt: skip
"""Keys of solutions, the first that holds a text."""
SOLUTIONS = (*SAMPLES, REFERENCE)
TALKS = ("messages", "conversations")
ANSWER = ("answer", "gt", "final_answer", "ground_truth", "expected_answer", "reference_answer", "target")
ID = ("id", "idx", "unique_id", "uuid", "custom_id", "doc_id", "question_id")
LABELS = ("labels", "label")
EACH = ("pred", "score", "pred_score")
"""Values of which a bench takes one for each candidate."""
FIELDS = frozenset({*PROBLEM, *SOLUTIONS, *ANSWER, *ID, *LABELS, *talks.THOUGHTS})

_LIKE_A_SAMPLE = regex(
    r"(?i)sample|completion|generat(?:ion|ed)|respons|resps|output|prediction|candidate|rollout|attempt|trajector"
    r"|hypothes|message|conversation|(?:model|llm|policy|student)_?(?:answer|solution|text)|chosen|rejected|\bbeam"
)
_TEXTS = regex(rb'\s*(?:\[\s*)*(?:\{.{0,200}?:\s*(?:\[\s*)*)?"', re.DOTALL)
"""A value that begins with a text, or lists or objects of texts."""
_TEMPLATES = (
    regex(r"<\|im_start\|>user\s*\n(?P<text>.*?)<\|im_end\|>", re.DOTALL),
    regex(r"<\|start_header_id\|>user<\|end_header_id\|>\s*(?P<text>.*?)<\|eot_id\|>", re.DOTALL),
    regex(r"<start_of_turn>user\s*\n(?P<text>.*?)<end_of_turn>", re.DOTALL),
    regex(r"<[｜|]User[｜|]>(?P<text>.*?)<[｜|]Assistant[｜|]>", re.DOTALL),
    regex(r"\[INST\](?P<text>.*?)\[/INST\]", re.DOTALL),
)


def read(given: Given) -> Content:
    """Read a row by its keys. Raises InputError: no solution, an empty problem, a value of a wrong type."""
    notes: list[str] = []
    key = _chosen(given, notes)
    question = problem(given, notes)
    found = contents.solutions(given, key)
    others = [name for name in given.among(SAMPLES) if name != key and not _is_empty(given, name)]
    if others:
        notes.append(f"`{key}` was read, `{'`, `'.join(others)}` {'was' if len(others) == 1 else 'were'} not")
    reference = _reference(given, key, notes)
    label_key = next((name for name in LABELS if name in given), LABELS[0])
    alone = [name for name in EACH if found.several and name in given and not given.is_list(name)]
    notes += [f"`{name}` is one value for all candidates, and was not read" for name in alone]
    notes += [*found.notes, *_unread(given, notes)]
    return Content(
        question,
        found,
        given.scalar(ANSWER, notes),
        reference,
        given.scalar(ID, notes),
        given.fields.get(label_key),
        label_key,
        tuple(dict.fromkeys(notes)),
        hidden=frozenset(alone),
    )


def problem(given: Given, notes: list[str]) -> str | Missing | None:
    """The problem: a text, or what the user says in messages; without a key of its own, from the chat that is there."""
    key = given.first(PROBLEM)
    if key is None:
        talk = next((name for name in TALKS if given.is_list(name)), None)
        return _asked(given, talk, notes) if talk else None
    if given.is_list(key):
        return _asked(given, key, notes)
    text = given.text(key)
    if is_blank(text):
        raise given.error(f"`{key}` is empty")
    if key == "instruction" and given.is_text("input") and not is_blank(given.text("input")):
        return f"{text}\n\n{given.text('input')}"
    return bare(text, key, notes) if key in ("prompt", "input", "query") else text


def _asked(given: Given, key: str, notes: list[str]) -> str | Missing | None:
    """The question of a chat, or why it has none that can be told."""
    talk = talks.follow(given.read(key, list[Turn]))
    if talk.questions > 1:
        return Missing(
            f"`{key}` is a chat with {talk.questions} questions, and which of them is the problem cannot be told: put"
            " it into `problem`, or give it with --problem"
        )
    notes += talk.notes
    if talk.question is not None and is_blank(talk.question):
        raise given.error(f"`{key}`: the user's message is empty")
    return talk.question


def bare(prompt: str, key: str, notes: list[str]) -> str:
    """A prompt without the marks of a chat template: what its user says."""
    for template in _TEMPLATES:
        said = [match["text"].strip() for match in template.finditer(prompt)]
        if len(said) == 1 and not is_blank(said[0]):
            notes.append(f"of `{key}`, which holds a chat template, the user's words were taken as the problem")
            return said[0]
    return prompt


def _is_empty(given: Given, key: str) -> bool:
    raw = given.fields[key]
    if key in TALKS and given.is_list(key):
        return talks.follow(given.read(key, list[Turn])).answer is None
    if raw.startswith(b'"'):
        return is_blank(given.text(key))
    return not raw[1:-1].strip() if raw.startswith((b"[", b"{")) else False


def _chosen(given: Given, notes: list[str]) -> str:
    """The key whose value is judged; those before it that hold nothing are noted."""
    empty: list[str] = []
    for key in SOLUTIONS:
        if key in given.nulls and key != REFERENCE:
            empty.append(key)
        if key not in given or (key in TALKS and _only_asks(given, key)):
            continue
        if _is_empty(given, key):
            empty.append(key)
            continue
        samples = [name for name in empty if name != "steps"]
        if key == REFERENCE and samples:
            raise given.error(
                f"no steps: `{samples[0]}` holds no text; `{REFERENCE}` beside it is the reference, and is not judged"
                " in its place"
            )
        notes += [f"`{name}` holds no text, and was passed over" for name in empty]
        return key
    raise _refused(given, [key for key in empty if key in given])


def _only_asks(given: Given, key: str) -> bool:
    """Whether a chat is a prompt: nobody has answered yet."""
    return given.is_list(key) and all(talks.role(turn) != "assistant" for turn in given.read(key, list[Turn]))


def _refused(given: Given, empty: list[str]) -> InputError:
    if empty:
        if given.is_text(empty[0]):
            return given.error(f"no steps: `{empty[0]}` is {contents.nothing(given.text(empty[0]))}")
        return given.error(f"`{empty[0]}` {'holds no answer' if empty[0] in TALKS else 'is an empty list'}")
    hint = ""
    if "answer" in given:
        hint = "; `answer` is the final answer and is not scored: rename it if it is the solution"
    elif any(key in given for key in TALKS):
        hint = "; of the chat nobody has answered"
    elif any(key in given for key in talks.THOUGHTS):
        hint = "; what a model thought is not judged: it is the text of no solution"
    return given.error(
        f"no solution: the row has {given.names()}; one is looked for in `{'`, `'.join(SOLUTIONS)}`{hint}"
    )


def _reference(given: Given, key: str, notes: list[str]) -> str | None:
    if key == REFERENCE or REFERENCE not in given:
        return None
    if not given.is_text(REFERENCE):
        notes.append(f"`{key}` was read, `{REFERENCE}` was not")
        return None
    text = given.text(REFERENCE)
    if is_blank(text):
        notes.append(f"`{REFERENCE}` holds no text, and was passed over")
        return None
    notes.append(f"`{key}` was read; `{REFERENCE}` is the reference")
    return text


def _unread(given: Given, notes: list[str]) -> list[str]:
    """What looks like a solution and is not read; and thoughts."""
    thoughts = [key for key in talks.THOUGHTS if key in given and not any(key in note for note in notes)]
    found = [f"`{key}`, what the model thought, was left out" for key in thoughts]
    for key in given:
        if key not in FIELDS and _LIKE_A_SAMPLE.search(key[:80]) and _TEXTS.match(given.fields[key][:400]):
            found.append(f"`{key[:40]}` looks like a solution or samples, and was not read")  # noqa: PERF401 (a condition a line reads better)
    return found
