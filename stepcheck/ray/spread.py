"""Parts → actors: each actor has one part at a time, and what is lost with an actor is given to another.

Owns who has what. Refuses to lose a part: it is done once, or named among those that could not be.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepcheck.errors import EngineError
from stepcheck.ray.parts import Part
from stepcheck.ray.worker import Done, Failed

TRIES = 3
"""A part that ends so many actors is left: it would end all."""
PATIENCE_S = 20.0
"""Longer than an actor takes to start; then it is said that it waits for room."""


@dataclass(slots=True)
class Crew:
    """The actors at work; `hire` starts one, `say` tells a person what they should know."""

    hire: Callable[[], Any]
    most: int
    say: Callable[[str], None] = print
    lost: list[Part] = field(default_factory=list)
    """Parts that could not be done, however often they were tried."""
    _at_work: dict[Any, tuple[Any, Part | None]] = field(default_factory=dict)
    _tries: Counter[Part] = field(default_factory=Counter)
    _unborn: int = 0

    def work(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Done]]:
        """Yield each part when its file is there, in whatever order that happens.

        Raises:
            StepcheckError: an actor can judge nothing at all: no model on its node, no room to write.
        """
        import ray

        waiting, left, told = deque(parts), len(parts), False
        try:
            while left:
                while waiting and len(self._at_work) < min(self.most, left):
                    actor = self.hire()
                    self._at_work[actor.started.remote()] = (actor, None)
                ready, _ = ray.wait(list(self._at_work), num_returns=1, timeout=PATIENCE_S)
                if not ready and not told and all(part is None for _, part in self._at_work.values()):
                    told = True
                    self.say(f"waiting until Ray has room for an engine (free: {_free()})")
                for task in ready:
                    actor, part = self._at_work.pop(task)
                    answer = self._hear(task, actor, part)
                    if answer is None:
                        left -= self._lose(part, waiting)
                        continue
                    if part is not None and isinstance(answer, Done):
                        left -= 1
                        self._unborn = 0
                        yield part, answer
                    self._send(actor, waiting)
        finally:
            for actor, _ in self._at_work.values():
                ray.kill(actor)
            self._at_work.clear()

    def _send(self, actor: Any, waiting: deque[Part]) -> None:  # noqa: ANN401 (Ray's handle)
        """Give an actor its next part, or let it go."""
        import ray

        if waiting:
            part = waiting.popleft()
            self._at_work[actor.judge.remote(part)] = (actor, part)
        else:
            ray.kill(actor)

    def _hear(self, task: Any, actor: Any, part: Part | None) -> Done | bool | None:  # noqa: ANN401 (Ray's handles)
        """Return what an actor says; None where it is no more."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            answer = ray.get(task)
        except RayTaskError:  # a defect of ours: with its traceback
            raise
        except RayError as error:
            ray.kill(actor)
            self._check_birth(error, part)
            return None
        if isinstance(answer, Failed):
            raise answer.error
        return answer if isinstance(answer, Done) else True

    def _check_birth(self, error: Exception, part: Part | None) -> None:
        """Tell an actor that died from actors that cannot be born."""
        words = str(error)
        if "No module named" in words:
            missing = next(line for line in words.splitlines() if "No module named" in line).strip()
            raise EngineError(
                f"a node of the cluster cannot run stepcheck ({missing}): install the same stepcheck[ray] on every node"
            ) from error
        self._unborn += part is None
        if self._unborn > TRIES * self.most:
            raise EngineError(f"Ray's actors end as they start: {words.strip().splitlines()[0][:300]}") from error

    def _lose(self, part: Part | None, waiting: deque[Part]) -> int:
        """Give a lost actor's part back to be done; 1 if it is given up."""
        if part is None:
            return 0
        self._tries[part] += 1
        if self._tries[part] < TRIES:
            self.say(f"an actor was lost; its part is judged again: {part.name}")
            waiting.appendleft(part)
            return 0
        self.lost.append(part)
        return 1


def _free() -> str:
    import ray

    free = ray.available_resources()
    return ", ".join(f"{free.get(name, 0):g} {name}" for name in ("CPU", "GPU"))
