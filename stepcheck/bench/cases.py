"""What a bench runs over: cases in, rows out.

A case is one document with what is known about it; the row is what remains of it: everything that a figure, a page or
an export needs, so that a run can be read without the files it was made from.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from stepcheck.document import Document, Unread
from stepcheck.judge import Judged, Unscored

Key = tuple[str, int, int]
"""Subset, place of the problem in its file, candidate; the last two from 0."""


class Labelled(msgspec.Struct, frozen=True, tag="processbench"):
    """A ProcessBench case: `label` is the 0-based first wrong step, -1 where all are right."""

    label: int
    generator: str = ""
    answer_right: bool | None = None


class Graded(msgspec.Struct, frozen=True, tag="bestofn"):
    """A candidate: what it answers and whether that is right, by the file (where it says so) and by our own grading.

    `group` is the number of the first candidate with an equal answer; None without an answer. A `right` that is None
    could not be told; a `how` says by which comparison, or why not, or that the answer is a guess. `rule` says how the
    answer was found; None in runs that were kept before it was.
    """

    reference: str | None
    answer: str | None
    group: int | None
    right: bool | None
    how: str
    file_answer: str | None = None
    file_group: int | None = None
    file_right: bool | None = None
    file_score: float | None = None
    rule: str | None = None


Facts = Labelled | Graded


NO_RULE: Final = "none"
"""The rule of a candidate without an answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """A document in its place; `facts` are missing where its row could not be read."""

    subset: str
    position: int
    item: Document | Unread
    facts: Facts | None
    candidate: int = 0

    @property
    def key(self) -> Key:
        """What tells it from all other cases of a run."""
        return self.subset, self.position, self.candidate


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a case has no verdict: the stable word, and the sentence."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A case that was done: judged, or with an `error`.

    `first_error` is the verdict, at the run's threshold where there are `rewards`; a judge in words gives none.
    """

    subset: str
    position: int
    candidate: int
    id: str
    line: int | None
    problem: str
    steps: tuple[str, ...]
    facts: Facts | None
    rewards: tuple[float, ...] | None = None
    first_error: int | None = None
    tokens: int = 0
    seconds: float = 0.0
    error: Failure | None = None
    boxes: tuple[str | None, ...] | None = None
    """What stands in each critique's last box, as it was written; None where the judge does not write."""

    @property
    def key(self) -> Key:
        """What tells it from all other rows of a run."""
        return self.subset, self.position, self.candidate


UNDECIDED: Final = Failure("no_verdict", "the critic named no step: no \\boxed{index} that counts in its words")


def to_row(case: Case, result: Judged | Unscored) -> Row:
    """Put a case and what its judge said of it together; one that said nothing is an error of its own kind."""
    document = case.item if isinstance(case.item, Document) else None
    about = (case.subset, case.position, case.candidate, case.item.id or f"{case.subset}-{case.position}")
    texts = (document.problem, tuple(step.text for step in document.steps)) if document else ("", ())
    if isinstance(result, Unscored):
        message = str(result.error).encode("utf-8", "backslashreplace").decode()
        return Row(*about, case.item.line, *texts, case.facts, error=Failure(result.error.kind, message))
    return Row(
        *about,
        case.item.line,
        *texts,
        case.facts,
        rewards=result.rewards or None,
        first_error=result.verdict.first_error,
        tokens=result.tokens,
        seconds=result.seconds,
        error=None if result.verdict.decided else UNDECIDED,
        boxes=tuple(critique.box for critique in result.critiques) or None,
    )
