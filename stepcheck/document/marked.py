"""Rows with marks of their data set: PRM800K, Math-Shepherd, RLHFlow's and TRL's labelled steps, GSM8K's solutions.

Owns where the problem ends and a step ends in them. Refuses a row that does not have its data set's form.
"""

import re

import msgspec

from stepcheck.document import contents, own, talks
from stepcheck.document.contents import Content, Missing, Solutions
from stepcheck.document.given import Given, is_blank
from stepcheck.document.own import ID, bare
from stepcheck.document.talks import Turn
from stepcheck.errors import InputError
from stepcheck.patterns import regex

KI = "ки"
"""The mark behind each step of Math-Shepherd."""
_FIRST_STEP = regex(r"\s*\bstep\s*1\s*[:.]\s*", re.IGNORECASE)
_STEP = regex(r"\s*step\s*\d{1,4}\s*[:.]\s*", re.IGNORECASE)
SIGNS = frozenset("+-−")
_STATED = regex(r"^####[ \t]*(?P<answer>\S.*)$", re.MULTILINE)
_CALCULATED = regex(r"<<[^<>\n]*>>")


class _Completion(msgspec.Struct, frozen=True):
    text: str | None = None
    rating: int | None = None


class _Labelled(msgspec.Struct, frozen=True):
    completions: list[_Completion] | None = None
    human_completion: str | _Completion | None = None
    chosen_completion: int | None = None


class _Label(msgspec.Struct, frozen=True):
    steps: list[_Labelled]
    finish_reason: str | None = None


def _labels(values: list[bool | None]) -> bytes:
    return msgspec.json.encode(values)


def read_prm800k(given: Given) -> Content:
    """The labelled trajectory: of each step the completion that was chosen, or that a person wrote.

    Where neither is there the first completion ends it. A rating of -1 is a wrong step, 0 and 1 are none.
    """
    question = given.inside("question")
    label = given.read("label", _Label)
    texts: list[str] = []
    right: list[bool | None] = []
    others = 0
    for index, step in enumerate(label.steps):
        taken = _taken(step, index, given)
        if taken is None:
            break
        others += len(step.completions or ()) - (taken in (step.completions or ()))
        texts.append(taken.text or "")
        right.append(None if taken.rating is None else taken.rating >= 0)
        if step.chosen_completion is None and step.human_completion is None:
            break
    notes = [f"{others} other completion{'s' * (others != 1)} of its steps: not read"] if others else []
    if label.finish_reason not in (None, "solution", "found_error"):
        notes.append(f"labelling ended with `{str(label.finish_reason)[:40]}`")
    found = contents.as_steps(texts, "label.steps")
    return Content(
        question.text("problem") if "problem" in question else None,
        Solutions((found,), (None,)),
        question.scalar(("ground_truth_answer",), notes),
        question.text("ground_truth_solution") if question.is_text("ground_truth_solution") else None,
        given.scalar(ID, notes),
        _labels(right),
        "label.steps",
        tuple(notes),
    )


def _taken(step: _Labelled, index: int, given: Given) -> _Completion | None:
    completions = step.completions or []
    if step.chosen_completion is not None:
        if not 0 <= step.chosen_completion < len(completions):
            raise given.error(f"`label.steps[{index}].chosen_completion` is {step.chosen_completion}: there is no such")
        return completions[step.chosen_completion]
    if isinstance(step.human_completion, str):
        return _Completion(step.human_completion, 1)
    if step.human_completion is not None:
        rating = step.human_completion.rating
        return _Completion(step.human_completion.text, 1 if rating is None else rating)
    return completions[0] if completions else None


def is_gsm8k(given: Given) -> bool:
    """Whether `answer` is a whole solution that ends in `#### 72`, and nothing else is one."""
    return (
        given.has("question", "answer")
        and given.is_text("answer")
        and not any(key in given or key in given.nulls for key in own.SOLUTIONS)
        and len(_STATED.findall(given.text("answer"))) == 1
    )


def read_gsm8k(given: Given) -> Content:
    """The data set's own solution, without what its calculator was told: `<<48/2=24>>`.

    Source: openai/grade-school-math `README.md` (calculation annotations, `####`).
    """
    notes: list[str] = []
    text = given.text("answer")
    stated = _STATED.search(text)
    plain, calculated = _CALCULATED.subn("", text)
    if calculated:
        notes.append("`<<…>>`, what the calculator of the data set was told, was left out")
    found = contents.solution(plain, "`answer`")
    return Content(
        own.problem(given, notes),
        Solutions((found,), (None if calculated else ("answer",),)),
        stated["answer"].strip() if stated else None,
        None,
        given.scalar(ID, notes),
        notes=tuple(notes),
    )


def read_shepherd(given: Given) -> Content:
    """Problem and steps of one text; a mark ends each step, and in the other text a sign stands for the mark."""
    text, marked = given.text("input"), given.text("label")
    pieces = text.split(KI)
    problem, first = _parted(pieces[0], given)
    rest = [piece for piece in pieces[1:] if not is_blank(piece)]
    steps = [first, *map(_unnumbered, rest)]
    notes: list[str] = []
    signs = _signs(pieces, marked)
    if signs is None:
        notes.append("`label` does not have the signs in the place of the marks, and was not read")
    elif len(signs) < len(steps):
        notes.append("the last step has no label")
    found = contents.as_steps([step.strip() for step in steps], "input")
    labels = _labels([*signs, *[None] * (len(steps) - len(signs))]) if signs is not None else None
    return Content(
        problem, Solutions((found,), (None,)), None, None, given.scalar(ID, notes), labels, "label", tuple(notes)
    )


def _parted(text: str, given: Given) -> tuple[str, str]:
    """Problem and first step: at the last `Step 1:`, else at the last line's end."""
    starts = list(_FIRST_STEP.finditer(text))
    if starts:
        problem, step = text[: starts[-1].start()], text[starts[-1].end() :]
    else:
        problem, _, step = text.rstrip().rpartition("\n")
    if is_blank(problem):
        raise given.error("where the problem ends cannot be told: no `Step 1:` is in the text before the first mark")
    return problem.strip(), step


def _unnumbered(step: str) -> str:
    number = _STEP.match(step)
    return step[number.end() :] if number else step


def _signs(pieces: list[str], marked: str) -> list[bool | None] | None:
    """The signs that stand for the marks, or None where the two texts differ in more than these."""
    signs: list[bool | None] = []
    at = 0
    for piece in pieces[:-1]:
        at += len(piece)
        if not marked.startswith(piece, at - len(piece)) or marked[at : at + 1] not in SIGNS or at >= len(marked):
            return None
        signs.append(marked[at] == "+")
        at += 1
    return signs


def is_rlhflow(given: Given) -> bool:
    """Whether a chat has nothing but signs for answers: its user says the steps."""
    turns = given.read("conversations", list[Turn])
    answers = [talks.words(turn).text or "" for turn in turns if talks.role(turn) == "assistant"]
    return bool(answers) and all(answer.strip() in SIGNS for answer in answers)


def read_rlhflow(given: Given) -> Content:
    """A step a turn, the first behind the problem; the answer is its label."""
    turns = given.read("conversations", list[Turn])
    said = [(talks.role(turn), talks.words(turn).text or "") for turn in turns]
    steps = [text for who, text in said if who == "user"]
    signs = [text.strip() == "+" for who, text in said if who == "assistant"]
    if _FIRST_STEP.search(steps[0] if steps else ""):
        problem, first = _parted(steps[0], given)
    else:
        problem, _, first = (steps[0] if steps else "").rstrip().rpartition("\n\n")
    if is_blank(problem):
        raise given.error("where the problem ends cannot be told: no blank line and no `Step 1:` in the first message")
    texts = [first, *map(_unnumbered, steps[1:])]
    notes: list[str] = []
    found = contents.as_steps([text.strip() for text in texts], "conversations")
    return Content(
        problem.strip(),
        Solutions((found,), (None,)),
        None,
        None,
        given.scalar(ID, notes),
        _labels([*signs]) if len(signs) == len(texts) else None,
        "conversations",
        tuple(notes),
    )


def read_trl(given: Given) -> Content:
    """`completions` are the steps of one solution, `labels` say of each whether it is right."""
    notes: list[str] = []
    steps: tuple[str, ...] | Missing
    try:
        steps = contents.as_steps(given.read("completions", list[str | None]), "completions")
    except InputError as error:
        raise InputError(str(error).replace("`str | null`", "`str`")) from error
    prompt = given.text("prompt")
    if is_blank(prompt):
        raise given.error("`prompt` is empty")
    return Content(
        bare(prompt, "prompt", notes),
        Solutions((steps,), (("completions",),)),
        given.scalar(("answer", "gt"), notes),
        None,
        given.scalar(ID, notes),
        given.fields["labels"],
        "labels",
        tuple(notes),
    )
