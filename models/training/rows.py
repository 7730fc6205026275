"""Solutions with labelled steps, from JSON lines: our own form, ProcessBench's, and PRM800K's.

A row of our own is {"problem": …, "steps": [...], "labels": [1, 1, 0]}: 1 a right step, 0 a wrong one, null unknown; or
instead of "labels" a "label", the first wrong step from 0, -1 where none is: what follows a wrong step then counts as
wrong, and for less. "author", "held" and "weights", one a step, may stand beside them. PRM800K's rows are read as it
publishes them (github.com/openai/prm800k): the chosen way through the completions, rated 1, 0 or -1, up to the first
that is rated -1; 0, neither good nor bad, is unknown here. Refuses any other row by file, line and key.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.training.lines import read_lines
from stepcheck.bench.metrics import RIGHT
from stepcheck.bench.statistics import auc
from stepcheck.errors import InputError

AFTER: Final = 0.5
"""Weight of what follows a wrong step: it leans on it, but may be right in itself."""
ERROR: Final = 2.0
"""Weight of the first wrong step: there is one of it for several right ones."""


@dataclass(frozen=True, slots=True)
class Row:
    """A solution; `labels` and `weights` are one a step, 1 right and 0 wrong, weight 0 where nobody knows."""

    problem: str
    steps: tuple[str, ...]
    labels: tuple[int, ...]
    weights: tuple[float, ...]
    author: str = ""
    held: bool = False

    @property
    def first_error(self) -> int:
        """The first step that is known to be wrong, or -1."""
        known = zip(self.labels, self.weights, strict=True)
        return next((i for i, (label, weight) in enumerate(known) if weight and not label), RIGHT)


def read_rows(paths: Iterable[Path]) -> list[Row]:
    """Read files of rows, `.jsonl` or `.jsonl.gz`.

    Raises:
        InputError: a file cannot be read, or a row is none; names file, line and key.
    """
    return [_row(data, place) for path in paths for place, data in read_lines(path)]


def _row(data: dict[str, Any], place: str) -> Row:
    if isinstance(data.get("question"), dict):
        return _prm800k(data, place)
    problem, steps = data.get("problem"), data.get("steps")
    if not isinstance(problem, str) or not problem.strip():
        raise InputError(f"{place}: key 'problem': expected a text, found {problem!r:.40}")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, str) and step.strip() for step in steps):
        raise InputError(f"{place}: key 'steps': expected a list of texts, none of them empty")
    if ("labels" in data) == ("label" in data):
        raise InputError(f"{place}: give 'labels', one a step, or 'label', the first wrong step")
    made = _labelled(data["labels"], len(steps), place) if "labels" in data else _cut(data["label"], len(steps), place)
    row = Row(problem, tuple(steps), *made, author=str(data.get("author") or ""), held=data.get("held") is True)
    return _weighed(row, data["weights"], place) if "weights" in data else row


def _labelled(labels: Any, count: int, place: str) -> tuple[tuple[int, ...], tuple[float, ...]]:  # noqa: ANN401 (JSON)
    if not isinstance(labels, list) or len(labels) != count:
        found = len(labels) if isinstance(labels, list) else repr(labels)[:40]
        raise InputError(f"{place}: key 'labels': expected {count}, one a step, found {found}")
    for number, label in enumerate(labels):
        if label is not None and label not in (0, 1):
            raise InputError(f"{place}: key 'labels': step {number}: expected 1, 0 or null, found {label!r:.40}")
    return tuple(int(label or 0) for label in labels), weigh(labels)


def weigh(labels: Sequence[int | None]) -> tuple[float, ...]:
    """Return the weights of labels that stand for themselves, None where nobody knows."""
    first = next((i for i, label in enumerate(labels) if label is not None and not label), len(labels))
    return tuple(
        0.0 if label is None else ERROR if i == first else AFTER if i > first else 1.0 for i, label in enumerate(labels)
    )


def _weighed(row: Row, weights: Any, place: str) -> Row:  # noqa: ANN401 (JSON)
    """Give a row's steps the weights that it tells; an unknown one has none."""
    count = len(row.steps)
    plain = isinstance(weights, list) and all(type(each) in (int, float) and 0 <= each < math.inf for each in weights)
    if not plain or len(weights) != count:
        raise InputError(f"{place}: key 'weights': expected {count} numbers from 0, one a step, found {weights!r:.40}")
    known = zip(weights, row.weights, strict=True)
    return replace(row, weights=tuple(float(given) if usual else 0.0 for given, usual in known))


def _cut(label: Any, count: int, place: str) -> tuple[tuple[int, ...], tuple[float, ...]]:  # noqa: ANN401 (JSON)
    if not isinstance(label, int) or isinstance(label, bool) or not RIGHT <= label < count:
        raise InputError(f"{place}: key 'label': expected -1 to {count - 1}, found {label!r:.40}")
    right = count if label == RIGHT else label
    return _labelled([1] * right + [0] * (count - right), count, place)


def _prm800k(data: dict[str, Any], place: str) -> Row:
    """Follow the chosen completions; a row that ends in an error has it among the last step's completions."""
    texts: list[str] = []
    labels: list[int | None] = []
    try:
        problem = str(data["question"]["problem"])
        for step in data["label"]["steps"]:
            options, chosen = step["completions"] or [], step.get("chosen_completion")
            if chosen is None and step.get("human_completion"):
                taken = step["human_completion"] | {"rating": 1}
            else:
                wrong = (option for option in options if option.get("rating") == -1)
                taken = options[chosen] if chosen is not None else next(wrong, None)
            if taken is None:
                break
            texts.append(str(taken["text"]).strip())
            labels.append({1: 1, 0: None, -1: 0}[taken["rating"]] if taken["rating"] is not None else None)
            if labels[-1] == 0:
                break
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"{place}: is no row of PRM800K: {type(error).__name__} {error}") from error
    if not texts or not all(texts):
        raise InputError(f"{place}: key 'label.steps': holds no steps, or an empty one")
    return Row(problem, tuple(texts), *_labelled(labels, len(texts), place), author="PRM800K")


def as_json(row: Row) -> str:
    """Write a row as a line of our own form, with the weights where they are not those of its labels."""
    labels = [label if weight else None for label, weight in zip(row.labels, row.weights, strict=True)]
    data: dict[str, Any] = {"problem": row.problem, "steps": row.steps, "labels": labels}
    data |= {"author": row.author, "held": row.held}
    data |= {} if row.weights == weigh(labels) else {"weights": row.weights}
    return json.dumps(data, ensure_ascii=False) + "\n"


def step_auc(judged: Iterable[tuple[Row, Sequence[float] | NDArray[np.float32]]]) -> float:
    """Return how often the reward of a known right step is above a first wrong one's; NaN without both."""
    right, wrong = [], []
    for row, rewards in judged:
        known = zip(rewards, row.labels, row.weights, strict=True)
        right += [reward for reward, label, weight in known if label and weight]
        wrong += [rewards[row.first_error]] if row.first_error != RIGHT else []
    area = auc(np.array(right, np.float64), np.array(wrong, np.float64))
    return math.nan if area is None else area


def told_auc(area: float) -> str:
    """Say a step AUC, or why there is none."""
    return "no step AUC: not both right and wrong steps" if math.isnan(area) else f"step AUC {area:.3f}"
