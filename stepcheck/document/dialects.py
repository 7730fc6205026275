"""The dialects of rows, by name: how each is recognised, and what is read in it.

Owns the table, which the documentation prints. Refuses nothing: a row of no dialect is read by its keys (`own`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from msgspec.structs import replace

from stepcheck.document import logs, marked, own
from stepcheck.document.contents import Content
from stepcheck.document.given import Given
from stepcheck.patterns import regex

_LISTS = regex(rb"\[\s*\[")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A form of rows. The words behind `fits` and `read` say in Markdown what is read, for people."""

    name: str
    keys: str
    fits: Callable[[Given], bool]
    read: Callable[[Given], Content]
    problem: str
    solutions: str
    labels: str = ""
    answer: str = ""
    needs: tuple[str, ...] = field(kw_only=True)
    """Keys of which one must be there: whether a row of others fits is not asked."""


def _keys(*names: str) -> Callable[[Given], bool]:
    return lambda given: given.has(*names)


def _search(given: Given) -> Content:
    """`pred` is the answer that the search chose, not one for each candidate."""
    return replace(own.read(given), hidden=frozenset({"pred", "score", "pred_score"}))


def _open_r1(given: Given) -> Content:
    """Whether a generation is right is what a bench knows as `score`."""
    content = own.read(given)
    right = given.fields.get("correctness_math_verify")
    return replace(content, extra={"score": right} if right is not None else {})


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "PRM800K rows",
        "`question` and `label` are objects; `label.steps`",
        lambda given: given.is_object("question") and given.is_object("label"),
        marked.read_prm800k,
        "`question.problem`",
        "of each of `label.steps` the chosen completion, else the person's, else the first, which ends it",
        "the `rating`: -1 is wrong, 0 and 1 are not",
        "`question.ground_truth_answer`; reference `question.ground_truth_solution`",
        needs=("label",),
    ),
    Dialect(
        "Math-Shepherd rows",
        "`input` with `ки` in it, `label`",
        lambda given: given.is_text("input") and given.is_text("label") and marked.KI in given.text("input"),
        marked.read_shepherd,
        "`input` before `Step 1:`",
        "`input`, a step before each `ки`",
        "`+` and `-` in `label`, where `input` has `ки`",
        needs=("label",),
    ),
    Dialect(
        "RLHFlow PRM rows",
        "`conversations` in which the assistant says `+` or `-`",
        lambda given: given.is_list("conversations") and marked.is_rlhflow(given),
        marked.read_rlhflow,
        "the first message before `Step 1:` or its last blank line",
        "a step for each message of the user",
        "the assistant's `+` or `-`",
        needs=("conversations",),
    ),
    Dialect(
        "lm-eval samples",
        "`doc_id`, `resps`",
        _keys("doc_id", "resps"),
        logs.read_lm_eval,
        "`doc.problem` (`question`, …), else the prompt in `arguments`",
        "`resps`; several are candidates; rows of a second `filter` are passed over",
        "",
        "`target`, else `doc.answer`; reference `doc.solution`",
        needs=("resps",),
    ),
    Dialect(
        "an inspect log",
        "`input`, `output`, `target`; in `samples` of a `.json` log, or one a line",
        lambda given: given.has("input", "target") and (given.is_object("output") or given.is_object("error")),
        logs.read_inspect,
        "`input`: a text, or the user's message",
        "`output.choices`, else `output.completion`; epochs of one `id` are candidates",
        "",
        "`target`",
        needs=("target",),
    ),
    Dialect(
        "OpenAI batch output",
        "`custom_id`, `response` or `error` (vLLM's `run-batch` writes the same)",
        lambda given: "custom_id" in given and (given.is_object("response") or given.is_object("error")),
        logs.read_batch,
        "none: give it with `--problem`, or put `problem` into the row",
        "`response.body.choices[].message.content`, or the messages of `response.body.output`",
        needs=("custom_id",),
    ),
    Dialect(
        "Anthropic batch results",
        "`custom_id`, `result`",
        lambda given: "custom_id" in given and given.is_object("result"),
        logs.read_anthropic,
        "none: give it with `--problem`, or put `problem` into the row",
        "`result.message.content`",
        needs=("custom_id",),
    ),
    Dialect(
        "a server's completion",
        "`choices` with `message` or `text`, and `object` or `model`",
        lambda given: given.is_list("choices") and ("object" in given or "model" in given),
        logs.read_choices,
        "`problem`, `prompt` or `messages` beside it, or `--problem`",
        "`choices[].message.content`, `choices[].text`",
        needs=("choices",),
    ),
    Dialect(
        "TRL stepwise rows",
        "`prompt`, `completions`, `labels`",
        lambda given: given.is_text("prompt") and given.is_list("completions") and given.is_list("labels"),
        marked.read_trl,
        "`prompt`",
        "`completions`: the steps of one solution",
        "`labels`",
        needs=("completions",),
    ),
    Dialect(
        "vLLM output",
        "`prompt`, `outputs`",
        lambda given: given.has("prompt", "outputs") and given.is_list("outputs"),
        own.read,
        "`prompt`; of a chat template the user's words",
        "`outputs[].text`",
        needs=("outputs",),
    ),
    Dialect(
        "OpenR1 rows",
        "`generations`, and `correctness_math_verify` or `messages`",
        lambda given: "generations" in given and ("correctness_math_verify" in given or "messages" in given),
        _open_r1,
        "`problem`",
        "`generations`",
        "",
        "`answer`; reference `solution`; `correctness_math_verify` is the file's own grading",
        needs=("generations",),
    ),
    Dialect(
        "search-and-learn rows",
        "`completions`, and `scores`, `agg_scores` or `pred`",
        lambda given: "completions" in given and any(key in given for key in ("scores", "agg_scores", "pred")),
        _search,
        "`problem`",
        "`completions`",
        "",
        "`answer`; reference `solution`",
        needs=("completions",),
    ),
    Dialect(
        "Qwen2.5-Math evaluation rows",
        "`code`, `gt` or `pred`",
        lambda given: "code" in given and ("gt" in given or "pred" in given),
        own.read,
        "`question`",
        "`code`",
        "",
        "`gt`, `answer`; reference `solution`; `score` is the file's own grading, `pred_score` an outcome model's",
        needs=("code",),
    ),
    Dialect(
        "ProcessBench rows",
        "`steps`, `label`, `final_answer_correct` or `generator`",
        lambda given: given.has("steps", "label") and ("final_answer_correct" in given or "generator" in given),
        own.read,
        "`problem`",
        "`steps`",
        "`label`: the 0-based first wrong step, -1 where all are right",
        needs=("label",),
    ),
    Dialect(
        "candidates as lists of steps",
        "`steps`, a list of lists",
        lambda given: _LISTS.match(given.fields.get("steps", b"")) is not None,
        own.read,
        "`problem`",
        "each list of `steps`",
        "`labels`: for each candidate the first wrong step, or a list",
        "`answer`",
        needs=("steps",),
    ),
    Dialect(
        "GSM8K rows",
        "`question`, and `answer` with `#### 72` at its end, without another solution",
        marked.is_gsm8k,
        marked.read_gsm8k,
        "`question`",
        "`answer`; `<<48/2=24>>` is left out",
        "",
        "what stands behind `####`",
        needs=("answer",),
    ),
    Dialect(
        "DeepSeek responses",
        "`reasoning_content`, `content`",
        _keys("reasoning_content", "content"),
        own.read,
        "`problem`",
        "`content`; `reasoning_content` is left out",
        "",
        "`answer`; reference `solution`",
        needs=("reasoning_content",),
    ),
    Dialect(
        "chat messages",
        "`messages` or `conversations`, without a key that comes before them",
        lambda given: (
            any(given.is_list(key) for key in own.TALKS)
            and not any(key in given for key in own.SAMPLES[: own.SAMPLES.index(own.TALKS[0])])
        ),
        own.read,
        "`problem`, else the user's message; a chat with several questions needs `problem` or `--problem`",
        "the assistant's last message; `reasoning_content` and thinking are left out",
        "",
        "`answer`; reference `solution`",
        needs=own.TALKS,
    ),
)


def read(given: Given) -> Content:
    """Read a row in its dialect, which is noted. Raises InputError."""
    for dialect in _possible(_NEEDED.intersection(given.fields)):
        if dialect.fits(given):
            content = dialect.read(given)
            return replace(content, notes=(f"read as {dialect.name}", *content.notes))
    return own.read(given)


_NEEDED = frozenset(key for dialect in DIALECTS for key in dialect.needs)


@lru_cache(maxsize=256)
def _possible(keys: frozenset[str]) -> tuple[Dialect, ...]:
    """Which dialects a row may be of that has these of the needed keys; a file's rows have few sets of them."""
    return tuple(dialect for dialect in DIALECTS if not keys.isdisjoint(dialect.needs))
