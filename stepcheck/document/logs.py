"""What evaluation harnesses and servers log: lm-eval, inspect, batch files, completions.

Owns where in their nesting the problem and the responses stand. Refuses what failed: a request that ended in an error
is an error in its place. A server's output without the question needs a problem from somewhere else.
"""

import msgspec
from msgspec.structs import replace

from stepcheck.document import contents, own, talks
from stepcheck.document.contents import Content, Missing, Path, Solutions
from stepcheck.document.given import Given, is_blank
from stepcheck.document.talks import Turn
from stepcheck.errors import InputError

_NO_QUESTION = "no problem: an answer without its question; put `problem` into the row, or give it with --problem"


class _Body(msgspec.Struct, frozen=True):
    """A server's answer: chat or text completions (`choices`), or the Responses API (`output`)."""

    choices: list[Turn] | None = None
    output: list[Turn] | None = None


class _Response(msgspec.Struct, frozen=True):
    status_code: int | None = None
    body: _Body | str | None = None


class _Result(msgspec.Struct, frozen=True):
    """Of Anthropic's batches."""

    type: str = ""
    message: Turn | None = None


class _Failed(msgspec.Struct, frozen=True):
    message: str | None = None


class _Output(msgspec.Struct, frozen=True):
    """Of an inspect sample."""

    choices: list[Turn] | None = None
    completion: str | None = None


def _choices(turns: list[Turn], place: Path) -> Solutions:
    """Every text of a server's choices; several are candidates."""
    said = [talks.words(turn) for turn in turns]
    notes = dict.fromkeys(note for words in said for note in words.notes)
    found = tuple(contents.solution(words.text, "the response") for words in said)
    paths = [None if words.path is None else (*place, index, *words.path) for index, words in enumerate(said)]
    return Solutions(found, tuple(paths), len(found) > 1, tuple(notes))


def _failed(reason: str) -> Solutions:
    return Solutions((Missing(reason),), (None,))


def read_lm_eval(given: Given) -> Content:
    """`resps` are the responses to a document; `filtered_resps` are what a filter left of them."""
    notes: list[str] = []
    texts: dict[Path, str | None] = {}
    for i, one in enumerate(_responses(given)):
        texts |= {("resps", i): one} if isinstance(one, str) else {("resps", i, j): text for j, text in enumerate(one)}
    if not texts:
        raise given.error("`resps` is an empty list")
    found = tuple(contents.solution(text, "the response") for text in texts.values())
    doc = given.inside("doc") if given.is_object("doc") else Given({}, frozenset(), given.place)
    solutions = Solutions(found, tuple(texts), len(texts) > 1)
    reference = doc.text("solution") if doc.is_text("solution") else None
    answer = given.scalar(("target",), notes)
    problem = _asked(given, doc, notes)
    filtered = given.text("filter") if given.is_text("filter") else None
    if filtered not in (None, "none"):
        notes.append(
            f"of the filter `{str(filtered)[:40]}`; other filters hold the same responses, and are passed over"
        )
    return Content(
        problem,
        solutions,
        answer if answer is not None else doc.scalar(own.ANSWER, notes),
        reference,
        given.scalar(("doc_id",), notes),
        notes=tuple(notes),
        variant=filtered,
    )


def _responses(given: Given) -> list[str | list[str | None]]:
    """A list for each request of what the model wrote, one for each repeat."""
    try:
        return given.read("resps", list[str | list[str | None]])
    except InputError as error:
        raise given.error("`resps` holds no texts: a task that compares likelihoods has no solutions") from error


def _asked(given: Given, doc: Given, notes: list[str]) -> str | Missing | None:
    """The document's problem; without one, the prompt that was sent."""
    if doc.first(own.PROBLEM) is not None:
        return own.problem(doc, notes)
    if given.is_text("doc") and not is_blank(given.text("doc")):
        return given.text("doc")
    arguments = given.inside("arguments") if given.is_object("arguments") else None
    name = next((key for key in arguments or () if arguments and arguments.is_object(key)), None)
    return _sent(arguments.inside(name), notes) if arguments and name is not None else None


def _sent(request: Given, notes: list[str]) -> str | Missing | None:
    """The prompt of a request: text, or a chat as JSON in a text."""
    prompt = request.scalar(("arg_0",), [])
    if prompt is None or is_blank(prompt):
        return None
    notes.append("the prompt that was sent was taken as the problem")
    if prompt.startswith("[{"):
        chat = Given({"messages": prompt.encode()}, frozenset(), request.place)
        return own.problem(chat, notes)
    return own.bare(prompt, "arguments", notes)


def read_inspect(given: Given) -> Content:
    """A sample of an inspect log: `input`, `output` and `target`."""
    notes: list[str] = []
    failed = given.read("error", _Failed).message if given.is_object("error") else None
    output = given.read("output", _Output) if given.is_object("output") else _Output()
    if failed is not None:
        solutions = _failed(f"the sample failed: {failed[:200]}")
    elif output.choices:
        solutions = _choices(output.choices, ("output", "choices"))
    else:
        solutions = Solutions((contents.solution(output.completion, "the output"),), (("output", "completion"),))
    notes += solutions.notes
    problem = own.problem(Given({"input": given.fields["input"]}, frozenset(), given.place), notes)
    target = given.scalar(("target",), notes)
    return Content(problem, solutions, target, None, given.scalar(("id",), notes), notes=tuple(notes))


def read_batch(given: Given) -> Content:
    """A line of a batch's output: the answer to the request `custom_id`."""
    notes: list[str] = []
    response = given.read("response", _Response) if given.is_object("response") else None
    body = response.body if response and isinstance(response.body, _Body) else _Body()
    turns = body.choices or [turn for turn in body.output or () if talks.role(turn) == "assistant"]
    status = response.status_code if response else None
    if not turns or status not in (None, 200):
        solutions = _failed(f"the request failed{f' (status {status})' if status else ''}: no response")
    else:
        solutions = _choices(turns, ("response", "body", "choices"))
        if not body.choices:
            solutions = replace(solutions, paths=(None,) * len(turns))
    return _answered(given, solutions, notes)


def read_anthropic(given: Given) -> Content:
    """A line of an Anthropic batch's results."""
    result = given.read("result", _Result)
    if result.message is None:
        return _answered(given, _failed(f"the request failed ({result.type[:40]}): no response"), [])
    return _answered(given, _choices([result.message], ("result", "message")), [])


def read_choices(given: Given) -> Content:
    """A server's chat or text completion as it came."""
    return _answered(given, _choices(given.read("choices", list[Turn]), ("choices",)), [])


def _answered(given: Given, solutions: Solutions, notes: list[str]) -> Content:
    notes += solutions.notes
    asked = {key: given.fields[key] for key in (*own.PROBLEM, *own.TALKS) if key in given}
    problem = own.problem(Given(asked, frozenset(), given.place), notes) if asked else Missing(_NO_QUESTION)
    answer = given.scalar(own.ANSWER, notes)
    return Content(problem, solutions, answer, None, given.scalar(("custom_id", *own.ID), notes), notes=tuple(notes))
