"""What is found in a step → words for people, and records for programs. Every text that is not ours passes `clean`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stepcheck.judge import Judged
from stepcheck.report.band import Band
from stepcheck.report.clean import clean_line

if TYPE_CHECKING:
    from stepcheck.evidence import Finding  # takes a while to load, and `split` and `score` examine nothing

LONGEST = 300
"""Characters of a sentence that are shown; `--format json` has all of it."""


def findings(judged: Judged, index: int) -> "tuple[Finding, ...]":
    """What was found in a step; nothing where nobody looked."""
    return judged.evidence[index].findings if judged.evidence else ()


def sentences(judged: Judged, index: int) -> Iterator[tuple[Band, str]]:
    """Yield the findings of a step in a line each, with its look: bad, or doubtful for what only follows."""
    for finding in findings(judged, index):
        yield Band.bad if finding.certain else Band.doubtful, worded(finding)


def worded(finding: "Finding", *, source_shown: bool = False) -> str:
    """Say a finding in one line, its formulas in Unicode or as they were written."""
    said = finding.sentence
    if "\\" in said and not source_shown:
        from stepcheck.latex import show  # takes a while to load, and most findings need it not

        said = show(said)
    said = clean_line(said)
    return said if len(said) <= LONGEST or source_shown else f"{said[:LONGEST]} …"


def fields(judged: Judged, index: int) -> dict[str, Any]:
    """Describe a step's findings, where somebody looked.

    `start` and `end` index what the step's own `start` and `end` index; where it has none, the step's text.
    """
    if not judged.evidence:
        return {}
    offset = judged.document.steps[index].start or 0
    return {
        "evidence": [
            {
                "kind": finding.kind,
                "start": offset + finding.start,
                "end": offset + finding.end,
                "claim": finding.claim,
                "truth": finding.truth,
                "certain": finding.certain,
            }
            for finding in findings(judged, index)
        ]
    }


def verdict_words(judged: Judged) -> str:
    """Say what the evidence makes of a solution, alone or against the judge."""
    first = judged.verdict.first_error
    if first is not None:
        return f"The evidence shows step {first + 1} to be wrong."
    read, unread = sum(step.read for step in judged.evidence), sum(step.unread for step in judged.evidence)
    count = "1 equation was" if read == 1 else f"{read:,} equations were"
    return f"Nothing is shown to be false; {count} read, {unread:,} left unread. This does not say that it is right."


def first_error_words(judged: Judged, first: int) -> str:
    """Say which step is wrong first, and by what: its reward, or the evidence against it."""
    said = f"reward {judged.rewards[first]:.3f}, threshold {judged.threshold:g}"
    if judged.verdict.shown:
        return f"Step {first + 1} is the first error: shown by the evidence, whatever its reward ({said})."
    return f"Step {first + 1} is the first error: {said}."
