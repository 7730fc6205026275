"""The one place where the stages meet: document → prompt → rows → rewards → verdict → judged document."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, cast, overload

from stepcheck.closing import Closing
from stepcheck.document import Document, Unread
from stepcheck.engine.base import Reader, Rows, loads
from stepcheck.errors import InputError, ModelError, StepcheckError, UsageError
from stepcheck.judge import Cost, Gives, Identity, Judged, Unscored, by_rewards, check
from stepcheck.opening import Opened, Opening, open_model
from stepcheck.prm.card import ModelCard
from stepcheck.prm.families import family_of
from stepcheck.prm.prompt import Prompt, Want, Wants, build_all
from stepcheck.prm.verdict import by_step

if TYPE_CHECKING:
    from stepcheck.prm.readout import Head


@dataclass(frozen=True, slots=True)
class Marked:
    """A prompt that was laid out elsewhere, with its marks: it is read as it stands. `source` names it in an error."""

    prompt: Prompt
    source: str = "-"


@dataclass(frozen=True, slots=True)
class AtMarks:
    """The rewards at the marks of such a prompt, in order."""

    rewards: tuple[float, ...]
    cost: Cost


@dataclass(slots=True)
class _Waiting:
    """What has `prompts` prompts in the engine, and what came back of them."""

    item: Document | Marked
    prompts: tuple[Prompt, ...]
    answers: list[Rows | StepcheckError] = field(default_factory=list)

    def complete(self, answer: Rows | StepcheckError) -> bool:
        """Take an answer; whether it was the last."""
        self.answers.append(answer)
        return len(self.answers) == len(self.prompts)


class Checker(Closing):
    """Judges documents with one model.

    Made of a card, of what reads its prompts and of the head that turns rows into rewards; or of a name, with which
    all three are found as `open_checker` does. `threshold` replaces the card's. A model is loaded with the first
    document, or when `start` is called. Use it as a context manager, or call `close`.

    Raises on construction:
        UsageError: the threshold is not between 0 and 1.
        StepcheckError: given a name, what `open_checker` raises.
    """

    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    @overload
    def __init__(
        self,
        card: ModelCard,
        reader: Reader,
        head: "Head",
        *,
        threshold: float | None = None,
        notice: str | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self, card: str | Path = "nano", *, threshold: float | None = None, **how: Unpack[Opening]
    ) -> None: ...

    def __init__(
        self,
        card: ModelCard | str | Path = "nano",
        reader: Reader | None = None,
        head: "Head | None" = None,
        *,
        threshold: float | None = None,
        notice: str | None = None,
        **how: Unpack[Opening],
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise UsageError(f"threshold {threshold} is not between 0 and 1")
        if not isinstance(card, ModelCard):
            found = open_model(card, **how)
        elif reader is None or head is None:
            raise UsageError(f"{card.name}: a card alone judges nothing: give a reader and a head, or the model's name")
        else:
            found = Opened(card, reader, head, card.notice if notice is None else notice)
        self.card, self.reader, self._head = found.card, found.reader, found.head
        self.threshold = self.card.threshold if threshold is None else threshold
        family = family_of(self.card.readout)
        self._want = found.head.want if isinstance(found.head, Wants) else family.want or Want()
        self.identity = _identify(self.card, self.threshold, found.notice)

    def start(self) -> None:
        """Begin to load the model without waiting."""
        if loads(self.reader):
            self.reader.start()

    def ready(self) -> str:
        """Wait until the model is loaded and say where it runs, e.g. `CPU`."""
        return self.reader.info.device if loads(self.reader) else ""

    def check(self, document: Document) -> Judged:
        """Judge one document.

        Raises:
            StepcheckError: it cannot be scored; the subclass and the message say why.
        """
        return check(self, document)

    def check_many(self, documents: Iterable[Document | Unread]) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, in order; one that cannot be read or scored becomes an `Unscored` in its place.

        Draws only a few documents ahead, so that the source may be endless. Candidates of one problem should follow
        each other: what they share is computed once. Close the generator to drop what is still in flight.
        """
        return cast("Generator[Judged | Unscored, None, None]", self.stream(documents))

    def stream(self, items: Iterable[Document | Unread | Marked]) -> Generator[Judged | Unscored | AtMarks, None, None]:
        """Judge documents, and read prompts that were laid out elsewhere, in one stream; otherwise as `check_many`."""
        pending: deque[_Waiting | Unscored] = deque()
        for answer in self.reader.read(self._prompts(items, pending), self._want):
            yield from _at_front(pending)
            waiting = pending[0]
            if isinstance(waiting, _Waiting) and waiting.complete(answer):
                pending.popleft()
                yield self._result(waiting)
        yield from _at_front(pending)

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, as `check_many` does."""
        return self.check_many(items)

    def close(self) -> None:
        """End the reader at once."""
        self.reader.close()

    def _prompts(
        self, items: Iterable[Document | Unread | Marked], pending: "deque[_Waiting | Unscored]"
    ) -> Iterator[Prompt]:
        """Yield the prompts of everything that can have some; note all of it, in order, in `pending`."""
        for item in items:
            if isinstance(item, Unread):
                pending.append(Unscored.of(item, item.error))
                continue
            try:
                prompts = (item.prompt,) if isinstance(item, Marked) else build_all(self.card.template, item)
            except InputError as error:
                pending.append(unscored(item, error))
                continue
            pending.append(_Waiting(item, prompts))
            yield from prompts

    def _result(self, waiting: _Waiting) -> Judged | Unscored | AtMarks:
        item, rows = waiting.item, list[Rows]()
        for answer in waiting.answers:
            if isinstance(answer, StepcheckError):
                return unscored(item, answer)
            rows.append(answer)
        decoded, seconds = sum([answer.decoded for answer in rows]), sum([answer.seconds for answer in rows])
        cost = Cost(rows[-1].tokens, decoded, seconds)
        try:
            rewards, doubts = self._read(rows)
            if isinstance(item, Marked):
                return AtMarks(rewards, cost)
            lines = [count for prompt in waiting.prompts for count in prompt.rows]
            if lines:
                rewards, doubts = by_step(rewards, lines, self.card.template.lines), ()
            return by_rewards(item, rewards, self.identity, cost, doubts)
        except StepcheckError as error:
            if isinstance(error, ModelError):
                raise
            return unscored(item, error)

    def _read(self, rows: list[Rows]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the rewards, and how sure the head is of each where it can say so."""
        import numpy as np

        from stepcheck.prm.readout import is_doubting

        width = rows[0].hidden.shape[1]
        if width != self._head.hidden:
            raise ModelError(
                f"{self.card.name}: the head reads width {self._head.hidden}, the backbone gives {width}: "
                "they are not of one model"
            )
        hidden = np.concatenate([answer.hidden for answer in rows])
        rewards = tuple(np.asarray(self._head.rewards(hidden), np.float64).tolist())
        return rewards, tuple(map(float, self._head.uncertainty(hidden))) if is_doubting(self._head) else ()


def open_checker(name: str | Path = "nano", *, threshold: float | None = None, **how: Unpack[Opening]) -> Checker:
    """Open a checker with a model by its card's name, or by the path of a card or of a folder with one.

    `models_dir` is where models are kept, `options` how llama.cpp runs, `on_loading` hears how much is loaded, and
    `force` loads a model that seems too large for this machine's memory.

    Raises:
        ModelError: no such model, its files are missing or are not those that were pinned.
        OutOfMemoryError: it does not fit into the memory.
        UsageError: the threshold is not between 0 and 1.
    """
    return Checker(name, threshold=threshold, **how)


def _identify(card: ModelCard, threshold: float, notice: str) -> Identity:
    """Say who judges; what the card says of files binds a run with it."""
    sha256, adapter = (card.files.backbone_sha256, card.files.adapter_sha256) if card.files else ("", "")
    return Identity(name=card.name, sha256=sha256, notice=notice, threshold=threshold, card=card, adapter=adapter)


def unscored(item: Document | Unread | Marked, error: StepcheckError) -> Unscored:
    """Put an error in the place of whatever `Checker.stream` takes."""
    return Unscored(item.source, error) if isinstance(item, Marked) else Unscored.of(item, error)


def _at_front(pending: "deque[_Waiting | Unscored]") -> Iterator[Unscored]:
    """Hand over those at the front that wait for no answer."""
    while pending and isinstance(first := pending[0], Unscored):
        pending.popleft()
        yield first
