"""The thread that runs the judge.

Owns the order of work: what a person waits for first, what is on the screen next, the rest after that. It touches no
widget: its job says messages. A solution is read in stages, so that its first steps have a colour while a slow model
reads the others; the engine keeps what it has read, so the stages together cost no more than the whole.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepcheck.errors import CancelledError, ModelError, StepcheckError
from stepcheck.tui.job import Job, Post, Said, defect

if TYPE_CHECKING:
    from stepcheck.document import Document
    from stepcheck.judge import Identity, Judge, Judged, Unscored
    from stepcheck.tui.judging.opening import OnLoading
    from stepcheck.tui.judging.view import Rewards

STAGE_SECONDS = 0.3
"""A stage is as long as the model reads in this time; shorter ones would make many small batches."""
FAST = 1500.0
"""Tokens a second from which documents are read in full batches, and no longer one by one in stages."""


@dataclass(eq=False)
class ModelLoading(Said):
    """How much of the model is loaded, 0 to 1."""

    share: float


@dataclass(eq=False)
class ModelReady(Said):
    """The model is loaded."""

    model: "Identity"
    device: str
    threshold: float | None


@dataclass(eq=False)
class ModelFailed(Said):
    """The model cannot be used."""

    error: str


@dataclass(eq=False)
class Begun(Said):
    """A document's turn has come."""

    key: int
    document: "Document"


@dataclass(eq=False)
class Partial(Said):
    """The first steps of a document are judged."""

    key: int
    document: "Document"
    rewards: "Rewards"


@dataclass(eq=False)
class Scored(Said):
    """A document is judged, or cannot be."""

    key: int
    document: "Document"
    result: "Judged | Unscored"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document to judge; `first` is the first step that is not known yet."""

    key: int
    document: "Document"
    first: int = 0


class Scorer:
    """Judges documents in a thread of its own with the judge that `make` opens there."""

    def __init__(self, make: "Callable[[OnLoading], Judge]", post: Post, hear: Callable[[Said], None]) -> None:
        self._make = make
        self._judge: Judge | None = None
        self._changed = threading.Condition()
        self._urgent: OrderedDict[int, Wanted] = OrderedDict()
        self._waiting: OrderedDict[int, Wanted] = OrderedDict()
        self._preferred: Sequence[int] = ()
        self._dropped = self._closed = False
        self._speed = 0.0
        self.job = Job(self._run, post, hear, ModelFailed, "scorer")

    def start(self) -> None:
        """Begin: load the model, then judge what is asked for."""
        self.job.start()

    def judge(self, key: int, document: "Document", first: int = 0) -> None:
        """Judge a document before all others; an older one of the same key is forgotten."""
        with self._changed:
            self._waiting.pop(key, None)
            self._urgent.pop(key, None)
            self._urgent[key] = Wanted(key, document, first)
            self._urgent.move_to_end(key, last=False)
            self._changed.notify()

    def enqueue(self, documents: "Iterable[tuple[int, Document]]") -> None:
        """Judge documents when there is time."""
        with self._changed:
            self._waiting.update((key, Wanted(key, document)) for key, document in documents)
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
        self.job.drop()
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._judge is not None:
            self._judge.close()

    def _run(self, job: Job) -> None:
        from stepcheck.judge import begin, ready

        judge = self._judge = self._make(lambda share: job.say(ModelLoading(share)))
        if self._closed:
            judge.close()
            return
        begin(judge)
        device = ready(judge)
        job.say(ModelReady(judge.identity, device, judge.identity.threshold))
        while (wanted := self._next()) is not None:
            if wanted.key in self._urgent or self._speed < FAST:
                self._alone(judge, wanted)
            else:
                self._together(judge)

    def _next(self) -> Wanted | None:
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

    def _alone(self, judge: "Judge", wanted: Wanted) -> None:
        """Judge one document in stages; it stays asked for until it is done: a more urgent one may interrupt."""
        queue = self._urgent if wanted.key in self._urgent else self._waiting
        self.job.say(Begun(wanted.key, wanted.document))
        try:
            for review in self._stages(judge, wanted):
                done = review.document is wanted.document
                if not self._goes_on(queue, wanted, done=done):
                    return
                if done:
                    self.job.say(Scored(wanted.key, wanted.document, review))
                else:
                    self.job.say(Partial(wanted.key, wanted.document, review.rewards))
        except (ModelError, CancelledError):
            raise
        except StepcheckError as error:
            self._failed(queue, wanted, error)
        except Exception as error:  # noqa: BLE001 (it costs this document, not those that wait behind it)
            self._failed(queue, wanted, StepcheckError(defect(error)))

    def _failed(self, queue: OrderedDict[int, Wanted], wanted: Wanted, error: StepcheckError) -> None:
        from stepcheck.judge import Unscored

        if self._goes_on(queue, wanted, done=True):
            self.job.say(Scored(wanted.key, wanted.document, Unscored.of(wanted.document, error)))

    def _goes_on(self, queue: OrderedDict[int, Wanted], wanted: Wanted, *, done: bool) -> bool:
        """Whether this wanted is still the one to do; takes it off its queue when it is done."""
        with self._changed:
            if self._closed or queue.get(wanted.key) is not wanted:
                return False
            if done:
                del queue[wanted.key]
                return True
            return not (self._urgent and next(iter(self._urgent.values())) is not wanted)

    def _stages(self, judge: "Judge", wanted: Wanted) -> Iterator["Judged"]:
        """Judge longer and longer beginnings; the last is the whole, its cost that of all stages.

        What a judge without rewards says of a beginning is not what it says of the whole: it reads the whole at once.
        """
        from stepcheck.judge import Cost, check

        document, end, begun = wanted.document, min(wanted.first + 1, len(wanted.document.steps)), 0
        if "rewards" not in judge.gives:
            end = len(document.steps)
        decoded, seconds = 0, 0.0
        while True:
            started = time.perf_counter()
            whole = end == len(document.steps)
            review = check(judge, document if whole else replace(document, steps=document.steps[:end]))
            elapsed = max(time.perf_counter() - started, 1e-6)
            decoded, seconds = decoded + review.decoded, seconds + review.seconds
            self._measure(review)
            yield replace(review, cost=Cost(review.tokens, decoded, seconds))
            if whole:
                return
            read = sum(len(step.text) for step in document.steps[max(begun, wanted.first) : end])
            room = max(read, 1) / elapsed * STAGE_SECONDS
            begun = end
            while end < len(document.steps) and (room > 0 or end == begun):
                room -= len(document.steps[end].text)
                end += 1

    def _measure(self, review: "Judged") -> None:
        if review.seconds and review.decoded:
            self._speed = review.decoded / review.seconds

    def _together(self, judge: "Judge") -> None:
        """Judge waiting documents in full batches until something urgent comes."""
        drawn: deque[Wanted] = deque()
        results = judge.judge(self._draw(drawn))
        try:
            for result in results:
                wanted = drawn.popleft()
                self.job.say(Scored(wanted.key, wanted.document, result))
                if self._urgent or self._dropped or self._closed:
                    break
        except StepcheckError:
            raise
        except Exception:  # noqa: BLE001 (whose fault it is shows when each is judged alone)
            self._give_back(drawn, self._urgent)
        else:
            self._give_back(drawn, self._waiting)
        finally:
            results.close()

    def _give_back(self, drawn: deque[Wanted], queue: OrderedDict[int, Wanted]) -> None:
        """Ask again for what was drawn and not judged, in front of what is asked for anyhow."""
        with self._changed:
            if self._dropped:
                return
            for wanted in reversed(drawn):
                if wanted.key not in self._urgent:
                    queue[wanted.key] = wanted
                    queue.move_to_end(wanted.key, last=False)

    def _draw(self, drawn: deque[Wanted]) -> "Iterator[Document]":
        while True:
            with self._changed:
                if self._closed or self._urgent or not self._waiting:
                    return
                wanted = self._waiting.pop(self._first_waiting())
            drawn.append(wanted)
            yield wanted.document
