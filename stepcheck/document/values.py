"""What a document is."""

from dataclasses import dataclass
from typing import Literal

from stepcheck.errors import InputError

Format = Literal["text", "json", "jsonl"]
"""How an input is read."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a solution.

    `text` is what the model reads: the exact slice `source_text[start:end]` where the document was split by us.
    `start` and `end` are character offsets into the source text; None where the input gave its steps ready-made.
    """

    text: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A problem and one solution of it, cut into steps."""

    problem: str
    steps: tuple[Step, ...]
    source: str = "-"
    """The file as the user named it; `-` is stdin."""
    line: int | None = None
    """1-based line where the row begins in a JSON or JSONL file."""
    id: str | None = None
    candidate: int | None = None
    """0-based place among several responses to one problem; None where there is just one."""
    text: str | None = None
    """What step offsets index: a file's text without BOM, or a row's `solution` or `response`; None for ready steps."""
    answer: str | None = None
    path: tuple[str | int, ...] | None = None
    """Where in its row the text or the steps stand; None where they are put together from several values."""
    notes: tuple[str, ...] = ()
    """What was decided for the user and should be said, e.g. that the first paragraph was taken as the problem."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or row that could not be read, in the place where its document would have been."""

    source: str
    error: InputError
    line: int | None = None
    id: str | None = None
    candidate: int | None = None
    """As `Document.candidate`: one response of a row could not be split, the others could."""
