"""The one judge behind all requests, in a thread of its own.

Rows of all requests go through one stream, so that they fill batches together and share what the model has read. The
stream ends whenever no row waits, and the next row begins another: what was read stays in the model's process. Owns
what becomes of a row when that process ends, or the whole stream fails: it is tried once more, then it is an error.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from stepcheck.checker import unscored
from stepcheck.errors import CancelledError, EngineError, LoadError, StepcheckError, WorkerDiedError, unforeseen
from stepcheck.judge import Judge, Judged, Unscored, ready
from stepcheck.serve.line import Line, Place, Row

if TYPE_CHECKING:
    from stepcheck.checker import AtMarks, Marked
    from stepcheck.document import Document, Unread

Evidence = Literal["off", "show", "judge"]
State = Literal["loading", "ready", "ending"]
MOST_DEATHS = 2
"""A row over which the model's process ended so often is an error."""
PATIENCE = 60.0
"""Seconds for which a model that was loaded before may fail to load, until what waits is told so."""
PAUSE = 0.2
"""Seconds before the next stream begins after one that failed."""


@runtime_checkable
class ReadsMarked(Protocol):
    """A judge that reads prompts which were laid out elsewhere, too."""

    def stream(
        self, items: "Iterable[Document | Unread | Marked]"
    ) -> "Generator[Judged | Unscored | AtMarks, None, None]":
        """Judge documents and read prompts, in order."""
        ...


class Work:
    """Runs the judge until it is ended. `failed` is why it could not begin."""

    def __init__(self, judge: Judge, line: Line, *, evidence: Evidence = "off", patience: float = PATIENCE) -> None:
        self.judge, self.line, self._evidence = judge, line, evidence
        self.state: State = "loading"
        self.device = ""
        self.failed: StepcheckError | None = None
        self._patience = patience
        self._unloaded: float | None = None
        self._thread = threading.Thread(target=self._run, name="judge", daemon=True)
        self._loaded: Callable[[], None] = lambda: None

    @property
    def alive(self) -> bool:
        """Whether rows are still judged."""
        return self._thread.is_alive()

    @property
    def restarts(self) -> int:
        """How often the model's process was started anew."""
        return int(getattr(getattr(self.judge, "reader", None), "restarts", 0))

    def start(self, loaded: Callable[[], None]) -> None:
        """Load the model and begin; `loaded` hears, in the judge's thread, once it is there or has failed."""
        self._loaded = loaded
        self._thread.start()

    def give_up(self) -> None:
        """Judge no more: what is under way and what waits is answered with that. May be called from any thread."""
        self.state = "ending"
        self.line.close()
        self.judge.close()

    def end(self) -> None:
        """Give up, and wait until the model's process is gone."""
        self.give_up()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self.device = ready(self.judge)
        except Exception as error:  # noqa: BLE001 (a thread's edge)
            self.failed = None if self.state == "ending" else _foreseen(error)
            self.line.close()
        if self.state == "loading" and self.failed is None:
            self.state = "ready"
        self._loaded()
        while self.line.wait():
            self._round()
        while (left := self.line.take()) is not None:
            self._fail(*left, self.failed or CancelledError("the server is ending"), again=False)

    def _round(self) -> None:
        """Judge until no row waits."""
        drawn: deque[tuple[Place, Row]] = deque()
        results = self._judge(_drawing(self.line, drawn))
        try:
            for result in results:
                self._unloaded = None
                self._settle(*drawn[0], result)
                drawn.popleft()
        except LoadError as error:
            self._wait_for_model(drawn, error)
            time.sleep(PAUSE)
        except Exception as error:  # noqa: BLE001 (a thread's edge)
            why = _foreseen(error)
            for place, row in drawn:
                self._fail(place, row, why, again=not isinstance(why, CancelledError))
            time.sleep(PAUSE)
        finally:
            results.close()

    def _wait_for_model(self, drawn: Iterable[tuple[Place, Row]], error: LoadError) -> None:
        """Try rows again with a model that could not be loaded, for a while: it is no row's fault."""
        self._unloaded = self._unloaded or time.monotonic()
        again = time.monotonic() - self._unloaded < self._patience
        for place, row in drawn:
            if again and self.state != "ending":
                self.line.put_back(place, row)
            else:
                row.deliver(unscored(row.item, error))

    def _judge(
        self, items: "Iterator[Document | Unread | Marked]"
    ) -> "Generator[Judged | Unscored | AtMarks, None, None]":
        if isinstance(self.judge, ReadsMarked):
            return self.judge.stream(items)
        return self.judge.judge(items)  # type: ignore[arg-type]  # `pooling` refuses prompts for such a judge

    def _settle(self, place: Place, row: Row, result: "Judged | Unscored | AtMarks") -> None:
        """Deliver a result, with the evidence; a row over which the model's process ended may be tried once more."""
        if isinstance(result, Unscored):
            self._fail(place, row, result.error, again=isinstance(result.error, WorkerDiedError))
            return
        if self._evidence != "off" and isinstance(result, Judged):
            from stepcheck.witness import with_evidence

            result = with_evidence(result, decides=self._evidence == "judge")
        row.deliver(result)

    def _fail(self, place: Place, row: Row, error: StepcheckError, *, again: bool) -> None:
        """Deliver an error, unless the row may be tried `again` and was not yet."""
        row.deaths += 1
        if again and row.deaths < MOST_DEATHS and not place.left and self.state != "ending":
            self.line.put_back(place, row)
        else:
            row.deliver(unscored(row.item, error))


def _drawing(line: Line, drawn: deque[tuple[Place, Row]]) -> "Iterator[Document | Unread | Marked]":
    """Yield what waits, in its turn, and note whose it is; a row that is tried again ends it, alone at fault."""
    while (found := line.take()) is not None:
        drawn.append(found)
        yield found[1].item
        if found[1].deaths:
            return


def _foreseen(error: Exception) -> StepcheckError:
    if isinstance(error, CancelledError):
        return CancelledError("the server is ending")
    return error if isinstance(error, StepcheckError) else EngineError(unforeseen(error))
