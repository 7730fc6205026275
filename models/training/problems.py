"""Problems of GSM8K, and the numbers of a text: what a sample's answer and its steps are held against.

Source: openai/grade-school-math (MIT), `train.jsonl`: `question`, and an `answer` whose work holds calculator notes
(`<<48/2=24>>`) and ends in `#### 72`. Refuses a row of any other form by its line.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.training.lines import read_lines
from stepcheck.answers import extract
from stepcheck.errors import InputError

NOTE: Final = re.compile(r"<<[^<>]*?=([^<>=]*)>>")
NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
CODE: Final = re.compile(r"```|python|print\(|\bdef |\bimport ", re.IGNORECASE)
"""A coder's habits: such solutions are not learnt from."""
HELD_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, its answer, and its author's work, a line a step, without the notes."""

    text: str
    answer: float
    work: tuple[str, ...]
    noted: frozenset[float]
    """What the notes compute."""


def read_problems(path: Path) -> list[Problem]:
    """Read GSM8K's file.

    Raises:
        InputError: the file cannot be read, or a line is no such row.
    """
    made = []
    for place, data in read_lines(path):
        try:
            work, _, answer = str(data["answer"]).rpartition("####")
            value = float(answer.strip().replace(",", ""))
            text = str(data["question"])
        except (ValueError, KeyError) as error:
            raise InputError(f"{place}: is no row of GSM8K: {type(error).__name__} {error}") from error
        steps = tuple(NOTE.sub("", each).strip() for each in work.splitlines() if each.strip())
        made.append(Problem(text, value, steps, frozenset(x for n in NOTE.findall(work) for x in numbers(n))))
    return made


def held_out(count: int, held: int) -> frozenset[int]:
    """Choose the problems that are kept out of everything but validation."""
    return frozenset(random.Random(HELD_SEED).sample(range(count), min(held, count)))


def numbers(text: str) -> frozenset[float]:
    """Find the numbers of a text, to three places."""
    return frozenset(round(float(found.replace(",", "")), 3) for found in NUMBER.findall(text))


def final_number(text: str) -> float | None:
    """Read a solution's final answer as a number; None where it states none, or another thing."""
    found = extract(text)
    values = NUMBER.findall(found.text) if found else []
    if not found or not values:
        return None
    value = float(values[-1].replace(",", ""))
    return -value if re.search(rf"-\s*\$?\s*{re.escape(values[-1])}", found.text) else value


def same(one: float | None, other: float | None) -> bool:
    """Tell whether two answers are equal but for rounding."""
    return one is not None and other is not None and abs(one - other) <= 1e-4 * max(1.0, abs(other))
