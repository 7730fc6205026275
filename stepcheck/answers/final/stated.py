"""What a sentence states, and in which manner."""

import re
from dataclasses import dataclass
from typing import Literal

Manner = Literal["value", "sentence", "words"]


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer, the manner of its sentence, and where in the text that sentence ends.

    `works` says that the sentence works it out (`3 * 4 = 12`), as a reply that only begins would.
    """

    text: str
    manner: Manner
    end: int
    works: bool = False


def end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where a pattern that is matched at a place ends; the place itself where it does not match."""
    found = pattern.match(text, at)
    return found.end() if found else at
