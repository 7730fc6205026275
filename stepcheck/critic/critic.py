"""The critic: documents in, verdicts in words out; and why a step is wrong, word by word.

The one place where question, writer, verdict and vote meet.
"""

import dataclasses
import time
from collections.abc import Generator, Iterable
from contextlib import closing

from stepcheck.closing import Closing
from stepcheck.critic.base import GREEDY, Writer, published_sampling
from stepcheck.critic.prompt import verdict_question, why_question
from stepcheck.critic.verdict import boxed, parse, vote
from stepcheck.document import Document, Unread
from stepcheck.engine.base import Ending, Sampling
from stepcheck.errors import InputError, ModelError, ServerError, StepcheckError, UsageError
from stepcheck.judge import Cost, Critique, Gives, Identity, Judged, Unscored
from stepcheck.prm.verdict import Verdict


class Critic(Closing):
    """Judges with whatever writes. A context manager; one thread may judge at a time.

    `votes` critiques are drawn of each solution and the majority counts; `sampling` is ProcessBench's by default. There
    are no rewards: a critic names one step, or none.

    Raises on construction:
        UsageError: fewer than one vote, or several that would all be the same.
    """

    gives: frozenset[Gives] = frozenset({"verdict", "words"})

    def __init__(self, writer: Writer, model: Identity, *, votes: int = 1, sampling: Sampling | None = None) -> None:
        sampling = sampling or published_sampling(model.name, votes)
        if votes < 1:
            raise UsageError(f"{votes} votes: at least one critique is needed")
        if votes > 1 and sampling.temperature <= 0:
            raise UsageError(f"{votes} votes at temperature 0 would all be the same: give one vote, or a temperature")
        self.votes, self.sampling, self._writer = votes, sampling, writer
        self.identity = dataclasses.replace(model, votes=votes, sampling=sampling)

    def start(self) -> None:
        """Begin to load without waiting, where there is something to load."""
        start = getattr(self._writer, "start", None)
        if start is not None:
            start()

    def ready(self) -> str:
        """Wait until it is loaded and say where it runs; a server is ready, as far as can be told."""
        info = getattr(self._writer, "info", None)
        return "" if info is None else str(info.device)

    def check(self, document: Document) -> Judged:
        """Ask for the first wrong step of one solution.

        Raises:
            InputError: there is no step to judge.
            StepcheckError: the critic cannot be asked; the subclass and the message say why.
        """
        if not document.steps:
            raise InputError(f"{document.source}: no steps to judge")
        question, start = verdict_question(document), time.perf_counter()
        critiques, tokens = [], 0
        for number in range(self.votes):
            sampling = dataclasses.replace(self.sampling, seed=self.sampling.seed + number)
            words, ending = self._listen(question, sampling)
            index = None if ending.refused else parse(words, len(document.steps))
            box = None if ending.refused else boxed(words)
            critiques.append(Critique(words, index, ending.whole, ending.refused, box))
            tokens += ending.tokens
        result = vote([critique.index for critique in critiques])
        return Judged(
            document=document,
            model=self.identity,
            verdict=Verdict(result.first_error, decided=result.index is not None),
            critiques=tuple(critiques),
            cost=Cost(tokens, tokens, time.perf_counter() - start),
        )

    def check_many(self, documents: Iterable[Document | Unread]) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, in order; one that cannot be judged becomes an `Unscored` in its place.

        Raises:
            ModelError: or LoadError: there is no critic to ask, so no document could be judged.
        """
        for item in documents:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
                continue
            try:
                yield self.check(item)
            except StepcheckError as error:
                if isinstance(error, ModelError) or error.kind == "load":
                    raise
                yield Unscored.of(item, error)

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, as `check_many` does."""
        return self.check_many(items)

    def explain(self, document: Document, index: int) -> Generator[str, None, None]:
        """Yield, as they come, the critic's words on what is wrong with a step (0-based). Close it to cancel.

        Raises:
            UsageError: there is no such step.
            StepcheckError: the critic cannot be asked.
        """
        if not 0 <= index < len(document.steps):
            raise UsageError(f"step {index + 1}: the solution has {len(document.steps)} steps")
        return self._words(why_question(document, index))

    def _words(self, question: str) -> Generator[str, None, None]:
        with closing(self._writer.write(question, GREEDY)) as pieces:
            for piece in pieces:
                if isinstance(piece, str):
                    yield piece

    def _listen(self, question: str, sampling: Sampling) -> tuple[str, Ending]:
        """Gather one answer; an answer without an end was not heard out."""
        words: list[str] = []
        with closing(self._writer.write(question, sampling)) as pieces:
            for piece in pieces:
                if isinstance(piece, Ending):
                    return "".join(words), piece
                words.append(piece)
        raise ServerError("the critic's answer stopped without an end")

    def close(self) -> None:
        """Stop the critic at once."""
        self._writer.close()
