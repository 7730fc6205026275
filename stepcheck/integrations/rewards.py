"""Rewards for training: pairs of a problem and a completion → a number each, or the reason why there is none.

Owns the judge that is opened once, the way from a pair to a document, and calls from several threads. Refuses make-up:
a completion that cannot be judged (empty, too long) has no number; each module says what its framework takes for none.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

import msgspec

from stepcheck.document import Unread
from stepcheck.document.reading import of_row
from stepcheck.document.rows import read_objects
from stepcheck.errors import InputError, NoRewardsError, UsageError
from stepcheck.judge import Judged, Unscored
from stepcheck.together import judge_together

if TYPE_CHECKING:
    from stepcheck.document import Document
    from stepcheck.judge import Judge

Text = str | Sequence[Mapping[str, Any]]
"""A text, or the messages of a conversation (`role`, `content`)."""
Reduce = Literal["min", "product", "last", "mean"]
"""How a completion's rewards become one number."""
Model = str | Path | Callable[[], "Judge"]
NAME = "completion"
_LOG = getLogger("stepcheck.integrations")


class Opening(TypedDict, total=False):
    """How the judge is opened where it is no function: on this machine, or at the address of a server."""

    server: str
    token: str
    threshold: float | None
    models_dir: Path | None


@dataclass(frozen=True, slots=True)
class Reward:
    """What a completion is worth, in [0, 1]; None with the reason where it cannot be judged."""

    value: float | None
    first_error: int | None = None
    error: str = ""


def open_judge(model: Model = "nano", **how: Any) -> "Judge":  # noqa: ANN401 (the fields of Opening)
    """Open a judge: a model by its name or card, what a function opens, or a server's model.

    Raises:
        UsageError: it gives no rewards, or an option is unknown.
        StepcheckError: it cannot be opened.
    """
    unknown = how.keys() - Opening.__annotations__.keys()
    if unknown:
        raise UsageError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(Opening.__annotations__)}")
    server, token = how.pop("server", ""), how.pop("token", "")
    if not isinstance(model, str | Path):
        judge = model()
    elif server:
        from stepcheck.remote.opening import open_server

        judge = open_server(server, model="" if model == "nano" else str(model), token=token, **how)
    else:
        from stepcheck.checker import Checker

        judge = Checker(model, **how)
    if "rewards" not in judge.gives:
        judge.close()
        raise NoRewardsError(f"{judge.identity.name}: gives no rewards to train with: it names the first wrong step")
    return judge


@dataclass(slots=True)
class _Wanted:
    """What one call waits for."""

    items: "list[Document | Unread]"
    results: list[Judged | Unscored] | None = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class Rewards:
    """Judges completions with one judge that is opened at the first call.

    `reduce` makes one number of a completion's rewards: `min` and `product` fall with every wrong step, `last` is the
    last step's, `mean` hides a wrong step in a long solution. Calls from several threads are judged together. It can be
    copied to another process, which then opens a judge of its own.

    Raises on construction:
        UsageError: there is no such way to reduce.
    """

    model: Model = "nano"
    reduce: Reduce = "min"
    how: dict[str, Any] = field(default_factory=dict)
    _judge: "Judge | None" = None
    _waiting: list[_Wanted] = field(default_factory=list)
    _line: Any = field(default_factory=threading.Lock)
    _turn: Any = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Refuse what would fail in the midst of a training."""
        if self.reduce not in get_args(Reduce):
            raise UsageError(f"no way to reduce is called {self.reduce!r}: {', '.join(get_args(Reduce))}")

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what belongs to this process."""
        return {"model": self.model, "reduce": self.reduce, "how": self.how}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin anew in another process."""
        self.__init__(**state)  # type: ignore[misc]  # the fields of a dataclass with slots

    def score(self, problems: Sequence[Text], completions: Sequence[Text]) -> list[Reward]:
        """Judge each completion as a solution of the problem at its place.

        Raises:
            UsageError: not as many problems as completions.
            StepcheckError: nothing at all can be judged: no such model, a server that is not there.
        """
        if len(problems) != len(completions):
            raise UsageError(f"{len(problems)} problems for {len(completions)} completions")
        items = [document_of(*pair) for pair in zip(problems, completions, strict=True)]
        found = [self._reward(result) for result in self._judged(items)]
        lost = [reward.error for reward in found if reward.value is None]
        if lost:
            _LOG.warning("%d of %d completions could not be judged; the first: %s", len(lost), len(found), lost[0])
        return found

    def close(self) -> None:
        """End the judge; the next call opens another."""
        with self._turn:
            judge, self._judge = self._judge, None
        if judge is not None:
            judge.close()

    def _judged(self, items: "list[Document | Unread]") -> list[Judged | Unscored]:
        """Wait for this call's turn; whoever has it judges for all that wait."""
        mine = _Wanted(items)
        with self._line:
            self._waiting.append(mine)
        with self._turn:
            if mine.results is None and mine.error is None:
                with self._line:
                    wanted, self._waiting = self._waiting, []
                self._judge_all(wanted)
        if mine.error is not None:
            raise mine.error
        return mine.results or []

    def _judge_all(self, wanted: list[_Wanted]) -> None:
        try:
            if self._judge is None:
                self._judge = open_judge(self.model, **self.how)
            results = list(judge_together(self._judge, (item for each in wanted for item in each.items)))
        except BaseException as error:  # noqa: BLE001 (whoever waits must hear of it, an interrupt too)
            for each in wanted:
                each.error = error
            return
        for each in wanted:
            each.results, results = results[: len(each.items)], results[len(each.items) :]

    def _reward(self, result: Judged | Unscored) -> Reward:
        if isinstance(result, Unscored):
            return Reward(None, error=str(result.error))
        return Reward(getattr(result.aggregates, self.reduce), result.verdict.first_error)


def document_of(problem: Text, completion: Text) -> "Document | Unread":
    """Make a document of a problem and a completion, as `stepcheck score` reads a row of them.

    Raises InputError: neither a text nor messages.
    """
    key = "problem" if isinstance(problem, str) else "prompt"
    try:
        data = msgspec.json.encode({key: problem, "completion": completion})
    except (TypeError, ValueError) as error:
        raise InputError(f"{NAME}: is neither a text nor messages: {error}") from error
    (row,) = read_objects([data], NAME)
    found = list(of_row(NAME, row, None, "auto"))
    if len(found) == 1:
        return found[0]
    return Unread(NAME, InputError(f"{NAME}: is not one solution but {len(found)}"))
