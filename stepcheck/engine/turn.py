"""What stands around a user's turn in a model's chat: found once a model, by letting its template be rendered.

Owns the placeholder, and the proof that a template only surrounds what the user says: one that changes it is refused,
for then nobody could tell its own words from the user's. The template itself is run by `rendering.py`, elsewhere.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stepcheck.errors import LoadError

COMMAND: Final = (sys.executable, "-P", "-m", "stepcheck.engine.rendering")
SECONDS: Final = 10.0
"""A template may take; most take a hundredth of one."""
PLACE: Final = "@@stepcheck-turn@@"
"""Stands for the user's turn."""
SPACED: Final = f" \n{PLACE}\n\t"
ODD: Final = f'{PLACE} "it\'s" \\n <b>&amp;</b> {{{{ 1 }}}} {{% raw %}} </think>\n\n1. é 数\n\n{PLACE}'
"""What a template might escape, strip or obey."""
SPARE_SECONDS: Final = 5.0
"""For a process to begin, beyond what it allows the template."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The template's text before and after what the user says; `trims` where white space around that is cut off."""

    before: str
    after: str
    trims: bool = False

    def words(self, text: str) -> str:
        """Return what the user says as the template has it."""
        return text.strip() if self.trims else text


CHATML: Final = Turn("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n")
"""For a file without a template whose vocabulary has these marks."""


def turn_of(template: str, named: Mapping[str, str], path: str, seconds: float = SECONDS) -> Turn:
    """Find what a template lays around a user's turn; `named` are its special tokens, e.g. `bos_token`.

    Raises:
        LoadError: the template cannot be rendered within its bounds, or does not leave a turn as it is.
    """
    plain, spaced, odd = _rendered(template, named, path, seconds)
    before, place, after = plain.partition(PLACE)
    if not place or PLACE in after:
        raise _unfit(path, f"holds the user's turn {plain.count(PLACE)} times, not once")
    for turn in (Turn(before, after), Turn(before, after, trims=True)):
        if [spaced, odd] == [f"{before}{turn.words(text)}{after}" for text in (SPACED, ODD)]:
            return turn
    raise _unfit(path, "changes what the user's turn says")


def _rendered(template: str, named: Mapping[str, str], path: str, seconds: float) -> list[str]:
    import subprocess  # 0.01 s, which a model that answers no questions need not wait for

    turns = [PLACE, SPACED, ODD]
    asked = json.dumps({"template": template, "named": dict(named), "turns": turns, "seconds": seconds}).encode()
    try:
        done = subprocess.run(  # noqa: S603 (our own module)
            COMMAND, input=asked, capture_output=True, timeout=seconds + SPARE_SECONDS, check=False
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise _unfit(path, f"came to no end in {seconds:g} s, or brought its process down") from error
    if "error" in answer:
        raise _unfit(path, f"cannot be rendered: {answer['error']}")
    return [str(text) for text in answer["texts"]]


def _unfit(path: str, what: str) -> LoadError:
    return LoadError(
        f"{path}: its chat template {what}. Run the model in a server that has a template of its own, and give its"
        " address instead"
    )
