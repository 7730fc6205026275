"""Card + document → prompt: segments of template and plain text, one mark after each step.

Owns where special tokens may appear: only in template segments. Problem and steps are plain text, so a solution that
contains `<extra_0>` or `<|im_end|>` cannot forge a mark or a turn.
"""

import unicodedata
from dataclasses import dataclass

from stepcheck.document import Document
from stepcheck.errors import InputError
from stepcheck.prm.card import Template


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt, tokenized on its own: `special` text may hold special tokens; a `mark` is exactly one."""

    text: str
    special: bool = False
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the engine reads; the rows it returns are in the order of the marks."""

    segments: tuple[Segment, ...]

    @property
    def marks(self) -> int:
        """How many rows are expected."""
        return sum(segment.mark for segment in self.segments)


def build(template: Template, document: Document) -> Prompt:
    """Lay out a document: template, problem, template, then each step and its mark with nothing in between.

    Source: the prompt of Qwen2.5-Math-PRM (arXiv 2501.07301). What would follow the last mark cannot change a reward
    (attention is causal) and is left out.

    Raises:
        InputError: there is no step, or a text is not valid Unicode.
    """
    if not document.steps:
        raise InputError(f"{_where(document)}: no steps to judge")
    mark = Segment(template.mark, special=True, mark=True)
    segments = [
        Segment(template.before_problem, special=True),
        Segment(_plain(document.problem, template, document, "problem")),
        Segment(template.after_problem, special=True),
    ]
    for number, step in enumerate(document.steps, 1):
        segments += [Segment(_plain(step.text, template, document, f"step {number}")), mark]
    return Prompt(tuple(segments))


def _plain(text: str, template: Template, document: Document, part: str) -> str:
    """Bring a text into the tokenizer's Unicode form; lone surrogates, which no tokenizer can read, are refused."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{_where(document)}: {part} holds half a surrogate pair (U+{ord(text[error.start]):04X}) at character "
            f"{error.start + 1}: not valid Unicode"
        ) from error
    return unicodedata.normalize("NFC", text) if template.normalization == "nfc" else text


def _where(document: Document) -> str:
    return document.source if document.line is None else f"{document.source}:{document.line}"
