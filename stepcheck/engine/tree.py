"""A branch of the worker's KV tree, held: extended, forked and written on from here, kept there until it is dropped.

Owns the numbers of branches, and that one is not taken for another's after its process has ended.
"""

from collections.abc import Generator, Sequence
from dataclasses import asdict

from stepcheck.engine import wire
from stepcheck.engine.base import Ending, Rows, Sampling
from stepcheck.engine.host import Host, rows_of
from stepcheck.errors import UsageError, WorkerDiedError
from stepcheck.prm.prompt import HIDDEN, Segment, Want


def packed(segments: Sequence[Segment]) -> list[tuple[str, bool, bool]]:
    """Lay segments out for the wire."""
    return [(segment.text, segment.special, segment.mark) for segment in segments]


class LlamaBranch:
    """A node of the tree, pinned until dropped; see `stepcheck.engine.base.Branch`."""

    def __init__(self, host: Host, number: int) -> None:
        self._host, self._number, self._life = host, number, host.life
        self._dropped = False

    @classmethod
    def opened(cls, host: Host, head: Sequence[Segment]) -> "LlamaBranch":
        """Hold a branch that begins with these segments."""
        host.ready()
        branch = cls(host, host.new_number())
        branch._heard(wire.Open(job := host.new_number(), branch._number, packed(head)), job, 0)
        return branch

    def extend(self, segments: Sequence[Segment], want: Want = HIDDEN) -> Rows:
        """Add segments and read what is wanted at their marks."""
        self._check()
        job = self._host.new_number()
        marks = sum(segment.mark for segment in segments)
        return self._heard(wire.Extend(job, self._number, packed(segments), want), job, marks)

    def fork(self) -> "LlamaBranch":
        """Hold another branch with the same tokens."""
        self._check()
        other = LlamaBranch(self._host, self._host.new_number())
        job = self._host.new_number()
        self._heard(wire.Fork(job, self._number, other._number), job, 0)
        return other

    def write(self, sampling: Sampling, stop: Sequence[str] = ()) -> Generator[str | Ending, None, None]:
        """Yield what the model writes on, as it comes, then how it ended."""
        self._check()
        return written(self._host, sampling, branch=self._number, stop=stop)

    def drop(self) -> None:
        """Hold it no longer."""
        if not self._dropped and self._life == self._host.life:
            self._host.tell(wire.Release(self._number))
        self._dropped = True

    def _check(self) -> None:
        """Refuse a branch that is not there any more."""
        if self._dropped:
            raise UsageError("this branch was dropped: open or fork another")
        if self._life != self._host.life:
            raise WorkerDiedError("this branch was lost with the engine's process: open it anew")

    def _heard(self, request: wire.Request, job: int, marks: int) -> Rows:
        """Ask, and wait for the one answer."""
        self._host.ask(request, [job])
        try:
            for reply, payload in self._host.replies(job, "a branch was read"):
                if isinstance(reply, wire.Answer):
                    return rows_of(reply, payload, marks)
        finally:
            self._host.done([job])
        raise WorkerDiedError("the engine's process ended without an answer")


def written(
    host: Host, sampling: Sampling, *, text: str = "", branch: int | None = None, stop: Sequence[str] = ()
) -> Generator[str | Ending, None, None]:
    """Let a model write and yield its words as they come, then how it ended. Close the iterator to stop the writing."""
    job, done = host.new_number(), False
    host.ask(wire.Write(job=job, text=text, branch=branch, stop=list(stop), **asdict(sampling)), [job])
    try:
        for reply, _ in host.replies(job, "writing"):
            if isinstance(reply, wire.Piece):
                yield reply.text
            elif isinstance(reply, wire.Written):
                done = True
                yield Ending(reply.whole, reply.tokens)
                return
    finally:
        host.done([job], drop=not done)
