"""What the evidence shows of a run's cases: of errors, and of steps that the labels call right. It needs texts alone.

A finding before the labelled step or in a right solution is a false alarm; all of them are listed, for a label can be
wrong too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stepcheck.bench import metrics
from stepcheck.bench.cases import Labelled, Row
from stepcheck.bench.metrics import RIGHT, Score, Scored
from stepcheck.evidence import Kind, examine

BELOW_ANY = -1.0
"""A reward that is under every threshold: the step was shown to be wrong."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding where the labels say that all is right: the case, the 0-based step, its label, and what was found."""

    id: str
    step: int
    label: int
    kind: Kind
    sentence: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the evidence shows of one subset, and the figures without and with it."""

    name: str
    errors: int
    found: int
    """Wrong solutions with a finding at the labelled step."""
    kinds: Mapping[Kind, int]
    alarms: tuple[Alarm, ...]
    alone: Score
    heard: Score


@dataclass(frozen=True, slots=True)
class Seen:
    """One case: the first step that a certain finding shows to be wrong, what was found at its label, and before it."""

    first: int | None
    kinds: frozenset[Kind]
    alarms: tuple[Alarm, ...]


def look(row: Row, label: int) -> Seen:
    """Examine the steps of one case for what is false."""
    examined = examine(row.problem, row.steps)
    alarms = [
        Alarm(row.id, index, label, finding.kind, finding.sentence)
        for index, step in enumerate(examined[: None if label == RIGHT else label])
        for finding in step.findings
    ]
    here = examined[label].findings if 0 <= label < len(examined) else ()
    first = next((i for i, step in enumerate(examined) if any(f.certain for f in step.findings)), None)
    return Seen(first, frozenset(finding.kind for finding in here), tuple(alarms))


def heard(case: Scored, first: int | None) -> Scored:
    """Judge a case with the evidence: what it shows to be wrong is so at any threshold."""
    if first is None:
        return case
    rewards = tuple(BELOW_ANY if i == first else reward for i, reward in enumerate(case.rewards))
    named = first if case.named == RIGHT else min(first, case.named)
    return replace(case, rewards=rewards, named=named)


def sum_up(
    name: str, seen: Iterable[Seen], alone: Iterable[Scored], with_it: Iterable[Scored], at: float | None
) -> Shown:
    """Sum up a subset; the cases in the same order, without and with the evidence."""
    seen, alone = list(seen), list(alone)
    wrong = [one for one, case in zip(seen, alone, strict=True) if case.label != RIGHT]
    kinds = Counter(kind for one in wrong for kind in one.kinds)
    alarms = tuple(alarm for one in seen for alarm in one.alarms)
    found = sum(bool(one.kinds) for one in wrong)
    return Shown(name, len(wrong), found, dict(kinds), alarms, metrics.score(alone, at), metrics.score(with_it, at))


def label_of(row: Row) -> int:
    """Return the label of a judged row."""
    if not isinstance(row.facts, Labelled):
        raise TypeError(f"row {row.key} has no label")
    return row.facts.label
