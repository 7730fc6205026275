"""The thread that runs the checker.

Owns the order of work: what a person waits for first, what is on the screen next, the rest after that. It touches no
widget: it posts messages. A solution is read in stages, so that its first steps have a colour while a slow model reads
the others; the engine keeps what it has read, so the stages together cost no more than the whole.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepcheck.errors import CancelledError, ModelError, StepcheckError
from stepcheck.tui.messages import Begun, ModelFailed, ModelLoading, ModelReady, Partial, Scored

if TYPE_CHECKING:
    from textual.message import Message

    from stepcheck.checker import Checker, Review
    from stepcheck.document import Document

STAGE_SECONDS = 0.3
"""A stage is as long as the model reads in this time; shorter ones would make many small batches."""
FAST = 1500.0
"""Tokens a second from which documents are read in full batches, and no longer one by one in stages."""


@dataclass(frozen=True, slots=True)
class Job:
    """A document to judge; `first` is the first step that is not known yet."""

    key: int
    document: "Document"
    first: int = 0


class Scorer:
    """Judges documents in a thread of its own with the checker that `make` opens there."""

    def __init__(
        self, make: "Callable[[Callable[[float], None]], Checker]", post: "Callable[[Message], object]"
    ) -> None:
        self._make, self._post = make, post
        self._checker: Checker | None = None
        self._changed = threading.Condition()
        self._urgent: OrderedDict[int, Job] = OrderedDict()
        self._waiting: OrderedDict[int, Job] = OrderedDict()
        self._preferred: Sequence[int] = ()
        self._dropped = self._closed = False
        self._speed = 0.0
        self._thread = threading.Thread(target=self._run, name="scorer", daemon=True)

    @property
    def threshold(self) -> float | None:
        """The model's threshold; None while it is not loaded."""
        return self._checker.threshold if self._checker is not None else None

    def start(self) -> None:
        """Begin: load the model, then judge what is asked for."""
        self._thread.start()

    def judge(self, key: int, document: "Document", first: int = 0) -> None:
        """Judge a document before all others; an older one of the same key is forgotten."""
        with self._changed:
            self._waiting.pop(key, None)
            self._urgent.pop(key, None)
            self._urgent[key] = Job(key, document, first)
            self._urgent.move_to_end(key, last=False)
            self._changed.notify()

    def enqueue(self, documents: "Iterable[tuple[int, Document]]") -> None:
        """Judge documents when there is time."""
        with self._changed:
            self._waiting.update((key, Job(key, document)) for key, document in documents)
            self._changed.notify()

    def prefer(self, keys: Sequence[int]) -> None:
        """Take these first of those that wait: they are on the screen."""
        self._preferred = keys

    def cancel(self) -> None:
        """Forget everything that is asked for; the model stays loaded."""
        with self._changed:
            self._urgent.clear()
            self._waiting.clear()
            self._dropped = True

    def close(self) -> None:
        """End at once, in the middle of a decode if need be."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._checker is not None:
            self._checker.close()

    def _run(self) -> None:
        try:
            checker = self._checker = self._make(lambda share: self._say(ModelLoading(share)))
            if self._closed:
                checker.close()
                return
            checker.start()
            info = checker.engine.info
            self._say(ModelReady(checker.model, info, checker.threshold))
            while (job := self._next()) is not None:
                if job.key in self._urgent or self._speed < FAST:
                    self._alone(checker, job)
                else:
                    self._together(checker)
        except StepcheckError as error:
            if not self._closed:
                self._say(ModelFailed(error))

    def _say(self, message: "Message") -> None:
        if not self._closed:
            self._post(message)

    def _next(self) -> Job | None:
        """What is to be done now, left in its place; waits for something. None at the end."""
        with self._changed:
            while not (self._closed or self._urgent or self._waiting):
                self._changed.wait()
            self._dropped = False
            if self._closed:
                return None
            return next(iter(self._urgent.values()), None) or self._waiting[self._first_waiting()]

    def _first_waiting(self) -> int:
        return next((key for key in self._preferred if key in self._waiting), next(iter(self._waiting)))

    def _alone(self, checker: "Checker", job: Job) -> None:
        """Judge one document in stages; it stays asked for until it is done: a more urgent one may interrupt."""
        queue = self._urgent if job.key in self._urgent else self._waiting
        self._say(Begun(job.key, job.document))
        try:
            for review in self._stages(checker, job):
                done = len(review.rewards) == len(job.document.steps)
                if not self._goes_on(queue, job, done=done):
                    return
                if done:
                    self._say(Scored(job.key, job.document, review))
                else:
                    self._say(Partial(job.key, job.document, review.rewards))
        except StepcheckError as error:
            if isinstance(error, ModelError | CancelledError):
                raise
            if self._goes_on(queue, job, done=True):
                from stepcheck.checker import Unscored

                place = job.document
                failed = Unscored(place.source, error, place.line, place.id, place.candidate)
                self._say(Scored(job.key, job.document, failed))

    def _goes_on(self, queue: OrderedDict[int, Job], job: Job, *, done: bool) -> bool:
        """Whether this job is still the one to do; takes it off its queue when it is done."""
        with self._changed:
            if self._closed or queue.get(job.key) is not job:
                return False
            if done:
                del queue[job.key]
                return True
            return not (self._urgent and next(iter(self._urgent.values())) is not job)

    def _stages(self, checker: "Checker", job: Job) -> Iterator["Review"]:
        """Judge longer and longer beginnings; the last is the whole, its cost that of all stages."""
        document, end, begun = job.document, min(job.first + 1, len(job.document.steps)), 0
        decoded, seconds = 0, 0.0
        while True:
            started = time.perf_counter()
            review = checker.check(replace(document, steps=document.steps[:end]))
            elapsed = max(time.perf_counter() - started, 1e-6)
            decoded, seconds = decoded + review.decoded, seconds + review.seconds
            self._measure(review)
            yield replace(review, document=document, decoded=decoded, seconds=seconds)
            if end == len(document.steps):
                return
            read = sum(len(step.text) for step in document.steps[max(begun, job.first) : end])
            room = max(read, 1) / elapsed * STAGE_SECONDS
            begun = end
            while end < len(document.steps) and (room > 0 or end == begun):
                room -= len(document.steps[end].text)
                end += 1

    def _measure(self, review: "Review") -> None:
        if review.seconds and review.decoded:
            self._speed = review.decoded / review.seconds

    def _together(self, checker: "Checker") -> None:
        """Judge waiting documents in full batches until something urgent comes."""
        drawn: deque[Job] = deque()
        results = checker.check_many(self._draw(drawn))
        for result in results:
            job = drawn.popleft()
            self._say(Scored(job.key, job.document, result))
            if self._urgent or self._dropped or self._closed:
                break
        results.close()
        with self._changed:
            if not self._dropped:
                for job in reversed(drawn):
                    if job.key not in self._urgent:
                        self._waiting[job.key] = job
                        self._waiting.move_to_end(job.key, last=False)

    def _draw(self, drawn: deque[Job]) -> "Iterator[Document]":
        while True:
            with self._changed:
                if self._closed or self._urgent or not self._waiting:
                    return
                job = self._waiting.pop(self._first_waiting())
            drawn.append(job)
            yield job.document
