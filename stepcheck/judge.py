"""The one seam for every judge: what a judge is, and what it says of a document.

Owns the values between whoever judges and whoever shows, counts or keeps what was judged. A judge that gives rewards
and one that names the first wrong step in words are the same to all of them. Refuses make-up: where there are no
rewards, there are none, and a figure that needs them says so.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from stepcheck.document import Document, Unread
from stepcheck.engine.base import Sampling
from stepcheck.errors import CountMismatchError, NoRewardsError, StepcheckError
from stepcheck.prm.card import ModelCard
from stepcheck.prm.verdict import Aggregates, Verdict, aggregate, check_finite, judge

if TYPE_CHECKING:
    from stepcheck.evidence import Examined

Gives = Literal["rewards", "verdict", "words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who judges, and all of it that can change a verdict: what a run is bound to.

    `sha256` is that of the weights, empty where nobody can know it (a server's model). `notice` must be said with every
    result. `threshold` is the reward under which a step is wrong; None for a judge that names steps itself. `votes` and
    `sampling` are those of a judge that writes.
    """

    name: str
    sha256: str = ""
    notice: str = ""
    threshold: float | None = None
    card: ModelCard | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 by part, where the card does not have it."""
    adapter: str = ""
    """sha256 of the LoRA that the weights are read with; empty where there is none."""
    votes: int | None = None
    sampling: Sampling | None = None
    address: str = ""
    server: str = ""
    """The program that judges at `address`, and its version, where it tells them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`tokens` counts all that was read, or written, and `decoded` what no earlier document shared, in `seconds`."""

    tokens: int = 0
    decoded: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Critique:
    """One answer in words: which step it names (-1: none is wrong; None: there is no verdict in it).

    `box` is what stands in its last box, as it was written; None where there is no box.
    """

    words: str
    index: int | None
    whole: bool = True
    refused: bool = False
    box: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judged document.

    `rewards[i]` in [0, 1] belongs to `document.steps[i]`; there are none at all where the judge gives none.
    `uncertainty[i]` is how far several heads are apart on it, a standard deviation, where there are several. `model` is
    who judged. `critiques` are the words of one that writes. `evidence[i]` is what is shown to be false in step i, if
    somebody looked; it stands beside the verdict, and makes it only where `verdict.shown` says so.

    Raises on construction:
        CountMismatchError: not as many rewards as steps, or rewards without a threshold.
        NonFiniteError: a reward is NaN or infinite.
    """

    document: Document
    model: Identity
    verdict: Verdict
    rewards: tuple[float, ...] = ()
    uncertainty: tuple[float, ...] = ()
    critiques: tuple[Critique, ...] = ()
    evidence: "tuple[Examined, ...]" = ()
    cost: Cost = Cost()

    def __post_init__(self) -> None:
        """Refuse what would be read off at the wrong step."""
        if self.rewards and len(self.rewards) != len(self.document.steps):
            raise CountMismatchError(f"{len(self.rewards)} rewards for {len(self.document.steps)} steps")
        if self.uncertainty and len(self.uncertainty) != len(self.rewards):
            raise CountMismatchError(f"{len(self.uncertainty)} uncertainties for {len(self.rewards)} rewards")
        if self.evidence and len(self.evidence) != len(self.document.steps):
            raise CountMismatchError(f"evidence on {len(self.evidence)} steps of {len(self.document.steps)}")
        if self.rewards and self.verdict.threshold is None:
            raise CountMismatchError(f"{self.model.name}: gives rewards, but no threshold that tells a wrong step")
        check_finite(self.rewards)

    @property
    def aggregates(self) -> Aggregates:
        """The rewards as one number, in four ways.

        Raises:
            NoRewardsError: there are none.
        """
        if not self.rewards:
            raise _none(self)
        return aggregate(self.rewards)

    @property
    def threshold(self) -> float:
        """The reward that a step needs.

        Raises:
            NoRewardsError: no reward is compared with any.
        """
        if self.verdict.threshold is None:
            raise _none(self)
        return self.verdict.threshold

    @property
    def tokens(self) -> int:
        """Read, or written, in all."""
        return self.cost.tokens

    @property
    def decoded(self) -> int:
        """Tokens that no earlier document shared."""
        return self.cost.decoded

    @property
    def seconds(self) -> float:
        """How long it took the engine."""
        return self.cost.seconds


Review = Judged
"""The name of version 0.1.0, in which judges in words had a value of their own."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """A document that could not be judged, in its place. It counts as neither right nor wrong."""

    source: str
    error: StepcheckError
    line: int | None = None
    id: str | None = None
    candidate: int | None = None

    @classmethod
    def of(cls, item: Document | Unread, error: StepcheckError) -> "Unscored":
        """Put an error in a document's place."""
        return cls(item.source, error, item.line, item.id, item.candidate)


class Judge(Protocol):
    """All that commands, benches, reports and the app know of a judge."""

    @property
    def identity(self) -> Identity:
        """Who judges, and all that can change a verdict."""
        ...

    @property
    def gives(self) -> frozenset[Gives]:
        """What it says of a document beside which step is wrong first."""
        ...

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Judge documents as they come, in order; one that cannot be read or judged is an `Unscored` in its place.

        Draws only a few ahead, so that the source may be endless. Close the generator to drop what is in flight.

        Raises:
            StepcheckError: nothing at all can be judged: a model that cannot be loaded, a server that is not there.
        """
        ...

    def close(self) -> None:
        """End at once; may be called from any thread."""
        ...


def by_rewards(
    document: Document,
    rewards: Sequence[float],
    model: Identity,
    cost: Cost = Cost(),
    uncertainty: tuple[float, ...] = (),
) -> Judged:
    """Judge a document by its steps' rewards, at the threshold of whoever gave them.

    Raises:
        CountMismatchError: not as many rewards as steps, or uncertainties as rewards, or there is no threshold.
        NonFiniteError: a reward is NaN or infinite.
    """
    if not rewards or model.threshold is None:
        raise CountMismatchError(f"{model.name}: {len(rewards)} rewards, threshold {model.threshold}: no verdict")
    verdict = judge(rewards, model.threshold)
    return Judged(
        document=document, model=model, verdict=verdict, rewards=tuple(rewards), uncertainty=uncertainty, cost=cost
    )


@runtime_checkable
class Loads(Protocol):
    """What a judge can do besides, if it has something to load."""

    def start(self) -> None:
        """Begin to load without waiting."""
        ...

    def ready(self) -> str:
        """Wait until it is loaded and say where it runs, e.g. `CPU`."""
        ...


def begin(judge: Judge) -> None:
    """Let a judge load without waiting, if it has anything to load."""
    if isinstance(judge, Loads):
        judge.start()


def ready(judge: Judge) -> str:
    """Wait until a judge is loaded and say where it runs; nothing where nothing is loaded.

    Raises:
        StepcheckError: it cannot be loaded.
    """
    return judge.ready() if isinstance(judge, Loads) else ""


def check(judge: Judge, document: Document) -> Judged:
    """Judge one document.

    Raises:
        StepcheckError: it cannot be judged; the subclass and the message say why.
    """
    (result,) = judge.judge([document])
    if isinstance(result, Unscored):
        raise result.error
    return result


def _none(judged: Judged) -> NoRewardsError:
    return NoRewardsError(f"{judged.model.name}: gives no rewards: it names the first wrong step, or none")
