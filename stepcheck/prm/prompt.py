"""Card + document → prompts: segments of template and plain text, and the places where rows are wanted.

Owns where special tokens may appear: only in template segments. Problem and steps are plain text, so a solution that
contains `<extra_0>` or `<|im_end|>` cannot forge a mark or a turn.
"""

import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

from stepcheck.errors import InputError
from stepcheck.patterns import regex

if TYPE_CHECKING:
    from stepcheck.document import Document
    from stepcheck.prm.card import Template

_PART = regex(r"\{(?:problem|step|number)\}")
_WHOLE = frozenset({"{problem}", "{step}"})
"""Forms that add nothing, as those of most models are."""


@dataclass(frozen=True, slots=True)
class Want:
    """What is read at a mark.

    `hidden`: the state after the final norm. `logits`: those of `tokens`, of what would come next. `log_likelihood`:
    log p of the solution's tokens up to the mark, summed. `probabilities`: what a server gives that keeps its head.
    """

    kind: Literal["hidden", "logits", "log_likelihood", "probabilities"] = "hidden"
    tokens: tuple[str, ...] = ()


HIDDEN: Final = Want("hidden")
LIKELIHOOD: Final = Want("log_likelihood")
PROBABILITIES: Final = Want("probabilities")


@runtime_checkable
class Wants(Protocol):
    """A head that reads something else than its family's do."""

    @property
    def want(self) -> Want:
        """What its rows are to hold, instead."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt, tokenized on its own: `special` text may hold special tokens; a `mark` is read at its end.

    The row of a `mark` is that of the segment's last token.
    """

    text: str
    special: bool = False
    mark: bool = False
    ends: tuple[int, ...] = ()
    """Characters after which a step of a joined solution ends; each is read too, `Prompt.behind` tokens on."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the engine reads; the rows it returns are in the order of the marks."""

    segments: tuple[Segment, ...]
    begins: int = 0
    """The segment at which the solution begins; what stands before it is given."""
    behind: int = 0
    lead: int = 0
    """Tokens before the solution that its likelihood counts, too."""
    rows: tuple[int, ...] = ()
    """How many of the rows belong to each step, in order; empty where it is one each."""
    tokens: tuple[int, ...] = ()
    """In the place of a text: token ids of elsewhere, read at those that are the mark, which is the one segment."""

    @property
    def marks(self) -> int:
        """How many rows are expected; of token ids only the model can tell."""
        return sum([segment.mark + len(segment.ends) for segment in self.segments])


def build(template: "Template", document: "Document") -> Prompt:
    """Lay out a document whose rewards are all read in one pass; see `build_all` for those that are not.

    Raises:
        InputError: there is no step, or a text is not valid Unicode.
    """
    (prompt,) = build_all(template, document)
    return prompt


def build_all(template: "Template", document: "Document") -> tuple[Prompt, ...]:
    """Lay out a document: one prompt, or where prefixes are read one per step, the shortest first.

    All prompts of a document together have one mark per step, or `rows` of them, in order. What would follow the last
    mark of a prompt cannot change a reward (attention is causal) and is left out.

    Raises:
        InputError: there is no step, or a text is not valid Unicode.
    """
    if not document.steps:
        raise InputError(f"{_where(document)}: no steps to judge")
    problem = _plain(document.problem, template, document, "problem")
    steps = [_plain(step.text, template, document, f"step {number}") for number, step in enumerate(document.steps, 1)]
    around = _around(template)
    head = (around.before, Segment(_fill(template.problem, problem=problem)), around.after)
    filled = [
        _fill(template.first_step if number == 1 and template.first_step else template.step, step=step, number=number)
        for number, step in enumerate(steps, 1)
    ]
    if template.reads == "prefixes":
        prefixes = (_prefix(template, filled[:count]) for count in range(1, len(filled) + 1))
        return tuple(Prompt((*head, *segments), len(head)) for segments in prefixes)
    if template.reads == "joined":
        return (Prompt((*head, *_joined(template, filled)), len(head), template.behind, template.lead),)
    if template.lines != "whole":
        lines = [step.split("\n") for step in filled]
        rest = (part for step in lines for line in step for part in around.read(line))
        return (Prompt((*head, *rest), len(head), rows=tuple(map(len, lines))),)
    return (Prompt((*head, *_solution(around, filled)), len(head)),)


@dataclass(frozen=True, slots=True)
class _Around:
    """What a template has around the texts, the same in every prompt; an empty part of it is nothing."""

    before: Segment
    after: Segment
    closing: tuple[Segment, ...]
    """From a step's end to the place of its reward."""
    between: tuple[Segment, ...]
    """From there to the next step."""
    bare: bool
    """A step is read at its own end."""

    def read(self, step: str) -> tuple[Segment, ...]:
        """Lay out a step up to the place of its reward: the mark, else what follows the step, else the step's end."""
        return (Segment(step, mark=self.bare), *self.closing)


@lru_cache(maxsize=16)
def _around(template: "Template") -> _Around:
    """Take a template apart, once for all that it lays out."""
    here = template.read_at == "end"
    closing: list[Segment] = []
    if template.after_step:
        closing.append(Segment(template.after_step, special=True, mark=here))
    if template.mark is not None:
        closing.append(Segment(template.mark, special=True, mark=True))
    return _Around(
        before=Segment(template.before_problem, special=True),
        after=Segment(template.after_problem, special=True),
        closing=tuple(closing),
        between=(Segment(template.after_mark, special=True),) if template.after_mark else (),
        bare=here and not template.after_step,
    )


def _solution(around: _Around, steps: list[str]) -> list[Segment]:
    """Lay out every step and the place of its reward."""
    segments = [*around.read(steps[0])]
    for step in steps[1:]:
        segments += (*around.between, *around.read(step))
    return segments


def _prefix(template: "Template", steps: list[str]) -> Iterator[Segment]:
    """Yield steps that are joined as a solution writes them, and the one place of their reward."""
    for step in steps[:-1]:
        yield Segment(step + template.between_steps)
    yield from _around(template).read(steps[-1])


def _joined(template: "Template", steps: list[str]) -> Iterator[Segment]:
    """Yield all steps as one text, which tells where each but the last ends, and what closes it."""
    join = len(template.between_steps)
    ends = itertools.accumulate((len(step) + join for step in steps[1:-1]), initial=len(steps[0]))
    yield Segment(template.between_steps.join(steps), ends=tuple(ends) if len(steps) > 1 else ())
    yield Segment(template.after_step, special=True, mark=True)


def _fill(form: str, **parts: object) -> str:
    """Put texts in their places, in one pass: what looks like a place inside a text stays what it is."""
    if form in _WHOLE and (name := form[1:-1]) in parts:
        return str(parts[name])
    return _PART.sub(lambda found: str(parts.get(found[0][1:-1], found[0])), form)


def _plain(text: str, template: "Template", document: "Document", part: str) -> str:
    """Bring a text into the tokenizer's Unicode form; lone surrogates, which no tokenizer can read, are refused."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{_where(document)}: {part} holds half a surrogate pair (U+{ord(text[error.start]):04X}) at character "
            f"{error.start + 1}: not valid Unicode"
        ) from error
    text = text.strip() if template.trim else text
    return unicodedata.normalize("NFC", text) if template.normalization == "nfc" else text


def _where(document: "Document") -> str:
    return document.source if document.line is None else f"{document.source}:{document.line}"
