"""The one place where the stages meet: document → prompt → rows → rewards → verdict → judged document."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stepcheck.document import Document, Unread
from stepcheck.engine.base import Engine, EngineOptions, Rows
from stepcheck.errors import InputError, ModelError, StepcheckError, UsageError
from stepcheck.hub.disk.store import Model, find, verify
from stepcheck.judge import Cost, Gives, Identity, Judged, Unscored, by_rewards, check
from stepcheck.machine.machine import check_memory
from stepcheck.prm.card import ModelCard
from stepcheck.prm.prompt import Prompt, build_all

if TYPE_CHECKING:
    from stepcheck.prm.readout import Head


UNPACKED = ("f32", "f16", "bf16")
"""Weight types that llama.cpp uses as they lie in the file."""


@dataclass(slots=True)
class _Waiting:
    """A document with `prompts` prompts in the engine, and what came back of them."""

    document: Document
    prompts: int
    answers: list[Rows | StepcheckError] = field(default_factory=list)

    def complete(self, answer: Rows | StepcheckError) -> bool:
        """Take an answer; whether it was the last."""
        self.answers.append(answer)
        return len(self.answers) == self.prompts


class Checker:
    """Judges documents with one model.

    `model` is a card's name, or the path of a card or of a folder with one. `threshold` replaces the card's. The model
    is loaded with the first document, or when `start` is called. Use it as a context manager, or call `close`.
    `force` loads a model that seems too large for this machine's memory.

    Raises on construction:
        ModelError: no such model, its files are missing or are not those that were pinned.
        OutOfMemoryError: it does not fit into the memory.
        UsageError: the threshold is not between 0 and 1.
    """

    def __init__(
        self,
        model: str | Path = "nano",
        *,
        threshold: float | None = None,
        models_dir: Path | None = None,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        on_loading: Callable[[float], None] | None = None,
        engine: Engine | None = None,
        force: bool = False,
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise UsageError(f"threshold {threshold} is not between 0 and 1")
        self._model = find(str(model), models_dir)
        verify(self._model)
        if engine is None and not force:
            check_memory(self._model, options)
        self.threshold = self._model.card.threshold if threshold is None else threshold
        self.identity = _identify(self._model, self.threshold)
        self._engine = engine or _engine(self._model, options, on_loading)

    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self._model.card

    @property
    def engine(self) -> Engine:
        """What reads the prompts."""
        return self._engine

    def start(self) -> None:
        """Begin to load the model without waiting."""
        self._engine.start()

    def ready(self) -> str:
        """Wait until the model is loaded and say where it runs, e.g. `CPU`."""
        return self._engine.info.device

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
        pending: deque[_Waiting | Unscored] = deque()
        for answer in self._engine.read(self._prompts(documents, pending)):
            yield from _unscored(pending)
            waiting = pending[0]
            if isinstance(waiting, _Waiting) and waiting.complete(answer):
                pending.popleft()
                yield self._review(waiting.document, waiting.answers)
        yield from _unscored(pending)

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, as `check_many` does."""
        return self.check_many(items)

    def close(self) -> None:
        """End the engine at once."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prompts(
        self, documents: Iterable[Document | Unread], pending: "deque[_Waiting | Unscored]"
    ) -> Iterator[Prompt]:
        """Yield the prompts of every document that can have some; note all of them, in order, in `pending`."""
        for document in documents:
            if isinstance(document, Unread):
                pending.append(Unscored.of(document, document.error))
                continue
            try:
                prompts = build_all(self._model.card.template, document)
            except InputError as error:
                pending.append(Unscored.of(document, error))
                continue
            pending.append(_Waiting(document, len(prompts)))
            yield from prompts

    def _review(self, document: Document, answers: list[Rows | StepcheckError]) -> Judged | Unscored:
        rows: list[Rows] = []
        for answer in answers:
            if isinstance(answer, StepcheckError):
                return Unscored.of(document, answer)
            rows.append(answer)
        decoded, seconds = sum(answer.decoded for answer in rows), sum(answer.seconds for answer in rows)
        try:
            return by_rewards(document, self._rewards(rows), self.identity, Cost(rows[-1].tokens, decoded, seconds))
        except StepcheckError as error:
            if isinstance(error, ModelError):
                raise
            return Unscored.of(document, error)

    def _rewards(self, rows: list[Rows]) -> tuple[float, ...]:
        import numpy as np

        rewards = self._head.rewards(np.concatenate([answer.hidden for answer in rows]))
        return tuple(float(reward) for reward in rewards)

    @cached_property
    def _head(self) -> "Head":
        from stepcheck.prm.readout import read_head

        head = read_head(self._model.head, self._model.card.readout)
        if head.hidden != self._engine.info.hidden:
            raise ModelError(
                f"{self._model.head}: the head reads width {head.hidden}, the backbone {self._model.backbone.name} "
                f"gives {self._engine.info.hidden}: they are not of one model"
            )
        return head


def _identify(model: Model, threshold: float) -> Identity:
    """Say who judges; what the card says of files binds a run with it."""
    files = model.card.files
    return Identity(
        name=model.card.name,
        sha256=files.backbone_sha256 if files else "",
        notice=" ".join(filter(None, (model.card.notice, _memory(model)))),
        threshold=threshold,
        card=model.card,
    )


def _memory(model: Model) -> str:
    """Say what two models take, before they are loaded."""
    if model.card.readout.kind != "log_ratio":
        return ""
    sizes = (path.stat().st_size / 1e9 for path in (model.backbone, model.head))
    return "Reads two models, {:.1f} GB and {:.1f} GB of weights, both in memory at a time.".format(*sizes)


def _engine(model: Model, options: EngineOptions, on_loading: Callable[[float], None] | None) -> Engine:
    from stepcheck.engine.client import LlamaEngine
    from stepcheck.engine.ratio import RatioEngine

    if model.card.readout.kind == "log_ratio":
        return RatioEngine(
            model.backbone, model.head, context=model.card.context, options=options, on_loading=on_loading
        )
    return LlamaEngine(
        model.backbone,
        mark=model.card.template.mark,
        context=model.card.context,
        options=options,
        mapped=model.card.weight_type in UNPACKED,
        on_loading=on_loading,
    )


def _unscored(pending: "deque[_Waiting | Unscored]") -> Iterator[Unscored]:
    """Hand over those at the front that wait for no answer."""
    while pending and isinstance(first := pending[0], Unscored):
        pending.popleft()
        yield first
