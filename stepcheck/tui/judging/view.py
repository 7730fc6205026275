"""What is seen of one solution: a value, and what follows from it.

Owns the words and marks of steps and verdicts. Refuses widgets and colours of a terminal: a screen shows what it is
told here, and an export says the same.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from stepcheck.prm.verdict import judge
from stepcheck.report.band import Band, band

if TYPE_CHECKING:
    from stepcheck.document import Document
    from stepcheck.evidence import Examined, Finding
    from stepcheck.judge import Judged

MOVED = 0.005
"""A reward that changed by less did not move: 4-bit models differ by 0.002 with the batch (FP noise)."""
USUAL_THRESHOLD = 0.5
"""Of most models, until the one that judges is known."""
_TICKS = "▁▂▃▄▅▆▇█"
Rewards = tuple[float | None, ...]


class Phase(Enum):
    """How far the judging is."""

    reading = "reading"
    waiting = "waiting"
    loading = "loading the model"
    scoring = "scoring"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self in (Phase.reading, Phase.waiting, Phase.loading, Phase.scoring)


@dataclass(frozen=True)
class View:
    """One solution as it is known now; `rewards[i]` is None while step i is not judged.

    What follows from all rewards is worked out once: with 2,000 steps it is asked for at every cell of the screen.
    """

    document: "Document"
    threshold: float = 0.5
    phase: Phase = Phase.waiting
    rewards: Rewards = ()
    before: Rewards = ()
    """The reward that a step had before the last change; None where it had none."""
    review: "Judged | None" = None
    message: str = ""
    """What failed, or how far the loading is."""
    source_shown: bool = False
    """LaTeX as it was written."""
    named: int | None = None
    """The first wrong step, where a judge that gives no rewards names one."""
    label: int | None = None
    """The first wrong step as people labelled it; None where nobody did, and -1 for none."""
    evidence: "tuple[Examined, ...]" = ()
    """What is shown to be false in each step, of those that somebody has looked at."""

    @cached_property
    def first_error(self) -> int | None:
        """The first step under the threshold, as far as steps are judged."""
        if not self.rewards:
            return self.named
        known = [reward for reward in self.rewards[: self.judged] if reward is not None]
        return judge(known, self.threshold).first_error

    @cached_property
    def judged(self) -> int:
        """How many steps from the beginning are judged."""
        return next((i for i, reward in enumerate(self.rewards) if reward is None), len(self.rewards))

    def reward(self, index: int) -> float | None:
        """The reward of a step, None while there is none."""
        return self.rewards[index] if index < len(self.rewards) else None

    def band(self, index: int) -> Band | None:
        """Good, doubtful or bad; None while not judged."""
        reward = self.reward(index)
        return None if reward is None else band(reward, self.threshold)

    def late(self, index: int) -> bool:
        """Whether a step comes after the first error, and builds on it."""
        first = self.first_error
        return first is not None and index > first

    def findings(self, index: int) -> "tuple[Finding, ...]":
        """What is shown to be false in a step."""
        return self.evidence[index].findings if index < len(self.evidence) else ()

    def carriers(self, index: int) -> tuple[tuple[int, str], ...]:
        """The later steps that carry a false number of this one on, each with the number."""
        truths = {finding.truth for finding in self.findings(index) if finding.certain}
        return tuple(
            (later, finding.claim)
            for later in range(index + 1, len(self.evidence))
            for finding in self.findings(later)
            if finding.kind == "carried" and finding.truth in truths
        )

    def mark(self, index: int) -> str:
        """What is written at a step: that it is the first error, by the rewards or by its label."""
        words = "predicted" if self.label is not None else ""
        by = ["labelled"] * (index == self.label) + [words] * (index == self.first_error)
        return f"◀ {' and '.join(by)} first error".replace("  ", " ") if by else ""

    def was(self, index: int) -> float | None:
        """The reward before the last change, where it moved."""
        old = self.before[index] if index < len(self.before) else None
        new = self.reward(index)
        return old if old is not None and new is not None and abs(new - old) >= MOVED else None

    @cached_property
    def moved(self) -> bool:
        """Whether the last change moved any reward."""
        return any(self.was(index) is not None for index in range(len(self.before)))

    def shown_review(self) -> "Judged | None":
        """The review at the threshold that is seen."""
        if self.review is None:
            return None
        looked = len(self.evidence) == len(self.review.document.steps)
        review = replace(self.review, evidence=self.evidence) if looked else self.review
        if not review.rewards:
            return review
        return replace(review, verdict=judge(review.rewards, self.threshold))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A line that says how things are, and the band that colours it."""

    text: str
    band: Band | None = None
    busy: bool = field(default=False)


def verdict(view: View) -> Sentence:
    """Word the verdict, or what is under way."""
    count = len(view.document.steps)
    first = view.first_error
    if view.phase is Phase.failed:
        return Sentence(f"✗ Not scored: {view.message}", Band.bad)
    if view.phase is Phase.cancelled:
        return Sentence(f"■ Stopped after {view.judged} of {count} steps; R goes on", Band.doubtful)
    if first is not None:
        reward = view.reward(first)
        at = "" if reward is None else f": reward {reward:.3f}, threshold {view.threshold:g}"
        rest = "" if view.phase is Phase.done else f" · {_progress(view, count)}"
        words = f"✗ Step {first + 1} is the first error{at}{rest}"
        return Sentence(words, Band.bad, view.phase.busy)
    return _done(view) if view.phase is Phase.done else Sentence(_progress(view, count), None, busy=True)


def _done(view: View) -> Sentence:
    """Word that no step is wrong, or that nobody knows."""
    if view.review is not None and not view.review.verdict.decided:
        return Sentence("~ Neither a step nor none was named as wrong", Band.doubtful)
    under = f"is under the threshold {view.threshold:g}" if view.rewards else "is named as wrong"
    return Sentence(f"✓ No step {under}", Band.good)


def _progress(view: View, count: int) -> str:
    if view.phase is Phase.loading:
        return f"Loading the model {view.message}".rstrip()
    if view.phase is Phase.scoring:
        return f"Scoring: {view.judged} of {count} steps"
    return "Reading" if view.phase is Phase.reading else "Waiting for the model"


def about(view: View, index: int) -> tuple[tuple[str, str], ...]:
    """What is to be said of a step's reward: label and words."""
    reward = view.reward(index)
    if reward is None:
        return (("reward", "not judged yet"),)
    kind = band(reward, view.threshold)
    away = reward - view.threshold
    side = "over" if away >= 0 else "under"
    lines = [("reward", f"{reward:.3f} {kind.word}"), ("threshold", f"{view.threshold:g}: {abs(away):.3f} {side} it")]
    if view.review is not None and index < len(view.review.uncertainty) and view.review.rewards[index] == reward:
        lines.append(("uncertainty", f"± {view.review.uncertainty[index]:.3f}, how far its heads are apart"))
    earlier = view.reward(index - 1) if index else None
    if earlier is not None:
        lines.append(("step before", f"{earlier:.3f} {_change(reward - earlier)}"))
    was = view.was(index)
    if was is not None:
        lines.append(("before edit", f"{was:.3f} → {reward:.3f}, {_change(reward - was)}"))
    return tuple(lines)


def _change(difference: float) -> str:
    return f"{'▲' if difference > 0 else '▼' if difference < 0 else '='} {difference:+.3f}"


def ticks(rewards: Sequence[float | None], cells: int) -> tuple[tuple[str, int], ...]:
    """A sparkline: for each cell its character and the step that it stands for.

    With more steps than cells a cell shows the lowest of its steps: an error is never averaged away.
    """
    if not rewards or cells <= 0:
        return ()
    each = max(1, min(5, cells // len(rewards)))
    if len(rewards) > cells:
        edges = [len(rewards) * i // cells for i in range(cells + 1)]
        lowest = [min(range(a, b), key=lambda i: _height(rewards[i])) for a, b in itertools.pairwise(edges)]
        return tuple((tick(rewards[i]), i) for i in lowest)
    marks = [tick(reward) * (each - 1) + " " if each > 1 else tick(reward) for reward in rewards]
    return tuple((character, i) for i, mark in enumerate(marks) for character in mark)


def _height(reward: float | None) -> float:
    return 2.0 if reward is None else reward


def tick(reward: float | None) -> str:
    """A reward as one character."""
    if reward is None:
        return "·"
    return _TICKS[min(int(max(reward, 0.0) * len(_TICKS)), len(_TICKS) - 1)]


def carried(old: Sequence[str], rewards: Rewards, new: Sequence[str]) -> Rewards:
    """The rewards that an edited solution keeps: those of the steps before the first change, which nothing can move."""
    kept = rewards[: _same(old, new)]
    return (*kept, *(None for _ in range(len(new) - len(kept))))


def matched(old: Sequence[str], rewards: Rewards, new: Sequence[str]) -> Rewards:
    """For each new step the reward of the old one in its place: equal steps at both ends, and changed ones between."""
    front = _same(old, new)
    back = _same(old[front:][::-1], new[front:][::-1])
    filled = (*rewards, *(None for _ in range(len(old) - len(rewards))))
    middle = len(new) - front - back
    kept = filled[front : front + middle] if len(old) - front - back == middle else (None,) * middle
    return (*filled[:front], *kept, *(filled[len(old) - back :] if back else ()))


def kept(old: Sequence[str], evidence: "tuple[Examined, ...]", new: Sequence[str]) -> "tuple[Examined, ...]":
    """The evidence that an edited solution keeps until it is looked at: that of the steps before the first change."""
    return evidence[: min(_same(old, new), max(len(new) - 1, 0))]


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """How many steps are equal from the beginning."""
    return next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def shown(view: View, index: int) -> tuple[Sentence, ...]:
    """Say what is false in a step, and which later ones carry it on, a line each."""
    if not view.findings(index):
        return ()
    from stepcheck.report.evidence import worded  # loads the evidence, which the first paint does without

    found = [
        Sentence(f"{kind.glyph} {words}", kind)
        for kind, words in (
            (Band.bad if finding.certain else Band.doubtful, worded(finding, source_shown=view.source_shown))
            for finding in view.findings(index)
        )
    ]
    later = [Sentence(f"later: step {step + 1} carries {number} on") for step, number in view.carriers(index)]
    return (*found, *later)
