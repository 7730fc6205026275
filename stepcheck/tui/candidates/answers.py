"""Final answers of candidates: read and grouped as benches do, in a thread, since long texts take their time.

Owns no judgement of its own: `stepcheck.answers` reads and compares. What only a prover could tell is left apart
here, for a screen does not wait for one; a bench's majority may therefore join answers that stand apart on the screen.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stepcheck.answers import Grader, extract
from stepcheck.answers.algebra import Algebra
from stepcheck.document import Document
from stepcheck.tui.job import Job, Post, Said


@dataclass(eq=False)
class AnswersRead(Said):
    """The final answers are read and compared."""

    answers: "Answers"


@dataclass(eq=False)
class AnswersFailed(Said):
    """They cannot be, and why."""

    error: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The final answers of some documents, in their order; None where none is given.

    `groups` numbers each by the first that is equal to it.
    """

    given: tuple[str | None, ...]
    groups: tuple[int | None, ...]

    @property
    def majority(self) -> tuple[str, int, int] | None:
        """The answer that most give: answer, votes, how many gave any; first seen wins a tie."""
        votes = Counter(group for group in self.groups if group is not None)
        if not votes:
            return None
        first, count = votes.most_common(1)[0]
        return self.given[first] or "", count, votes.total()


class _NoProver(Algebra):
    """Decides nothing and starts no process."""

    def _ask(self, question: list[Any]) -> bool | None:  # noqa: ARG002 (the base's)
        """Leave it undecided."""
        return None


def answer_of(document: Document) -> str | None:
    """The final answer that a solution gives, or None."""
    text = document.text if document.text is not None else "\n".join(step.text for step in document.steps)
    found = extract(text)
    return found.text if found else None


def read_answers(documents: Sequence[Document | None]) -> Answers:
    """Read the answers and group equal ones; None stands for what could not be read."""
    given = [answer_of(document) if document is not None else None for document in documents]
    with Grader(_NoProver()) as grader:
        return Answers(tuple(given), tuple(grader.group(given)))


def read_answers_in_thread(documents: Sequence[Document | None], post: Post, hear: Callable[[Said], None]) -> Job:
    """Read them, and say an `AnswersRead` when that is done."""
    return Job(lambda job: job.say(AnswersRead(read_answers(documents))), post, hear, AnswersFailed, "answers").start()
