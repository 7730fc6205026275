"""What is found in a step."""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["arithmetic", "identity", "transformation", "carried", "copied", "answer"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Finding:
    r"""One claim that does not hold.

    `start` and `end` are character offsets into the step's text. `claim` is what is written there, `truth` what should
    stand in the place of its wrong part, `sentence` both in words, with LaTeX between `\(` and `\)`.
    """

    kind: Kind
    start: int
    end: int
    claim: str
    truth: str
    certain: bool
    """It shows by itself that the step is wrong; what only follows from an earlier slip, or may be meant, is not."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Examined:
    """One step: what was found, and how many of its equations and relations were read or left unread."""

    findings: tuple[Finding, ...] = ()
    read: int = 0
    unread: int = 0
