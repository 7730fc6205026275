"""A judge on a server of our own: documents out, rewards back, and the verdict made here by the same code as ever.

What is sent is the problem and the steps as they were cut here. Refuses an answer that is of other steps, or of another
model than the one that was there at the beginning.
"""

import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stepcheck.closing import Closing
from stepcheck.document import Document, Unread
from stepcheck.door.connection import Door
from stepcheck.door.words import shown
from stepcheck.errors import (
    CancelledError,
    CountMismatchError,
    InputError,
    ModelError,
    ServerError,
    StepcheckError,
    error_of,
)
from stepcheck.judge import Cost, Gives, Identity, Judged, Unscored, by_rewards, check
from stepcheck.remote.asking import Asker, Reply
from stepcheck.remote.lanes import Lanes

PATH: Final = "/v1/score?cut=true"
"""Steps are judged as they were cut here, whatever stands in them."""


class _Step(msgspec.Struct, frozen=True):
    text: str
    reward: float
    uncertainty: float | None = None


class _Model(msgspec.Struct, frozen=True):
    name: str
    sha256: str = ""


class _Error(msgspec.Struct, frozen=True):
    message: str
    kind: str = ""


class _Record(msgspec.Struct, frozen=True):
    """What of a result is taken from the server; the rest is made here."""

    steps: list[_Step] = []
    model: _Model | None = None
    tokens: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0
    error: _Error | None = None


class ServerJudge(Closing):
    """Judges with the model that `identity` names, on the server that `asker` asks. Any thread may close it."""

    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def __init__(self, asker: Asker, identity: Identity) -> None:
        self.identity, self._asker = identity, asker
        self._lanes = Lanes(asker.open_door)

    def start(self) -> None:
        """Load nothing: the server has done it."""

    def ready(self) -> str:
        """Name the address: the server runs where it likes."""
        return self.identity.address

    def check(self, document: Document) -> Judged:
        """Judge one document; raises the StepcheckError that an `Unscored` would carry."""
        return check(self, document)

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, in order, several at a time; what cannot be judged is an `Unscored`.

        Raises:
            CancelledError: the judge was closed meanwhile.
            ModelError: the server has another model than at the beginning.
        """
        return self._lanes.in_order(items, self._one)

    def close(self) -> None:
        """Hang up what is under way, and ask nothing more."""
        self._asker.close()
        self._lanes.close()

    def _one(self, door: Door, item: Document | Unread) -> Judged | Unscored:
        if isinstance(item, Unread):
            return Unscored.of(item, item.error)
        try:
            return self._judged(door, item)
        except (CancelledError, ModelError):
            raise
        except StepcheckError as error:
            return Unscored.of(item, error)

    def _judged(self, door: Door, document: Document) -> Judged:
        if not document.steps:
            raise InputError(f"{document.source}: no steps to judge")
        row = {"problem": document.problem, "steps": [step.text for step in document.steps]}
        started = time.perf_counter()
        try:
            body = msgspec.json.encode([row])
        except UnicodeEncodeError as error:
            raise InputError(f"{document.source}: holds half a surrogate pair: not valid Unicode") from error
        record = self._read(self._asker.ask(door, "POST", PATH, body))
        if record.error is not None:
            raise self._told(record.error)
        self._check(record, document)
        cost = Cost(record.tokens, record.tokens, record.seconds or time.perf_counter() - started)
        judged = by_rewards(document, [step.reward for step in record.steps], self.identity, cost)
        doubts = tuple(step.uncertainty for step in record.steps if step.uncertainty is not None)
        return replace(judged, uncertainty=doubts)

    def _told(self, error: _Error) -> StepcheckError:
        """Make the error that the server names; that it was closed is not that we were."""
        told = error_of(error.kind, error.message)
        if told is None or isinstance(told, CancelledError):
            return ServerError(f"{self._asker.address}: {error.message}")
        return told

    def _read(self, reply: Reply) -> _Record:
        if not reply.well:
            raise self._asker.refused(reply)
        try:
            (record,) = msgspec.json.decode(reply.data, type=list[_Record])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise ServerError(
                f"{self._asker.address}: the answer is no result of stepcheck ({error}): {shown(reply.data)}"
            ) from error
        return record

    def _check(self, record: _Record, document: Document) -> None:
        """Refuse what would be read off at the wrong step, or was judged by somebody else."""
        address, steps = self._asker.address, document.steps
        if len(record.steps) != len(steps):
            raise CountMismatchError(f"{address}: sent {len(record.steps)} rewards for {len(steps)} steps")
        other = next((i for i, step in enumerate(record.steps) if step.text != steps[i].text), None)
        if other is not None:
            raise CountMismatchError(f"{address}: judged another step {other + 1} than it was asked to")
        model = record.model
        if model is None or (model.name, model.sha256) != (self.identity.name, self.identity.sha256):
            now = f"{model.name} ({model.sha256[:12] or 'no sha256'})" if model else "nobody that it names"
            raise ModelError(f"{address}: was {self.identity.name} at the beginning and is now {now}: begin again")
