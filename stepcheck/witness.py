"""The evidence beside a judge, or in the place of one.

`beside` puts it into what another judge says; where it decides, a certain finding makes its step the first error.
`Witness` judges by it alone, without a model: it names a step or says nothing, for what is not shown to be false need
not be right.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING

from stepcheck.document import Document, Unread
from stepcheck.judge import Cost, Gives, Identity, Judge, Judged, Unscored, begin, ready
from stepcheck.prm.verdict import Verdict

if TYPE_CHECKING:
    from stepcheck.evidence import Examined

NAME = "evidence"


def read(document: Document) -> "tuple[Examined, ...]":
    """Examine a document's steps."""
    from stepcheck.evidence import examine

    return examine(document.problem, [step.text for step in document.steps])


def first_shown(evidence: "Iterable[Examined]") -> int | None:
    """Find the first step that a certain finding shows to be wrong."""
    return next((i for i, step in enumerate(evidence) if any(found.certain for found in step.findings)), None)


def beside(judge: Judge, *, decides: bool) -> Judge:
    """Put the evidence beside a judge, with or without a say in its verdicts."""
    return _Beside(judge, decides)


def with_evidence(result: Judged, *, decides: bool) -> Judged:
    """Add what is found to what was judged."""
    evidence = read(result.document)
    shown = first_shown(evidence) if decides else None
    named = result.verdict.first_error
    if shown is None or (result.verdict.decided and named is not None and named <= shown):
        return replace(result, evidence=evidence)
    verdict = replace(result.verdict, first_error=shown, decided=True, shown=True)
    return replace(result, evidence=evidence, verdict=verdict)


@dataclass(frozen=True, slots=True)
class _Beside:
    inner: Judge
    decides: bool

    @property
    def identity(self) -> Identity:
        return self.inner.identity

    @property
    def gives(self) -> frozenset[Gives]:
        return self.inner.gives

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        for result in self.inner.judge(items):
            yield result if isinstance(result, Unscored) else with_evidence(result, decides=self.decides)

    def start(self) -> None:
        begin(self.inner)
        import stepcheck.evidence  # noqa: F401 (while a model loads: it is there with the first result)

    def ready(self) -> str:
        return ready(self.inner)

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True, slots=True)
class Witness:
    """Judges by the evidence alone."""

    identity: Identity = field(default_factory=lambda: Identity(name=NAME))
    gives: frozenset[Gives] = frozenset({"verdict"})

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        """Examine documents as they come, in order; one that could not be read is an `Unscored` in its place."""
        for item in items:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
                continue
            started = monotonic()
            evidence = read(item)
            shown = first_shown(evidence)
            verdict = Verdict(shown, decided=shown is not None, shown=shown is not None)
            cost = Cost(seconds=monotonic() - started)
            yield Judged(document=item, model=self.identity, verdict=verdict, evidence=evidence, cost=cost)

    def close(self) -> None:
        """End nothing: there is nothing that was opened."""
