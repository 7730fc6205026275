"""The public API: complete, typed (`tests/annotations/api.py` is read by mypy) and true."""

import dataclasses
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import stepcheck
from stepcheck import Document, Step
from stepcheck.errors import UsageError
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.prm.card import read_card
from tests.annotations import api

LEAVES = {"ModelCard"}
"""What is not gone into: a card is a file, whose parts are its tables."""
OPTIONS = {"Opening"}
"""Written as keywords, never named."""


def reachable(root: Any) -> Iterator[type]:
    """Every class of ours that a public name's fields, arguments and results mention."""
    functions = [root, *(each for name, each in vars(root).items() if name == "__init__" or name[0] != "_")]
    for each in functions if inspect.isclass(root) else [root]:
        target = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
        if inspect.isfunction(target) or (
            inspect.isclass(target) and (dataclasses.is_dataclass(target) or typing.is_typeddict(target))
        ):
            known = vars(inspect.getmodule(target)) | {"np": np, "NDArray": NDArray, "Floats": NDArray[np.float32]}
            known |= {name: getattr(stepcheck, name) for name in stepcheck.__all__}
            for hint in typing.get_type_hints(target, known).values():
                yield from classes_in(hint)


def classes_in(hint: Any) -> Iterator[type]:
    if inspect.isclass(hint) and hint.__module__.startswith("stepcheck"):
        yield hint
    for inner in typing.get_args(hint):
        yield from classes_in(inner)


def test_what_is_reachable_is_exported() -> None:
    """From every public name, along fields, arguments and results: each class of ours on the way is public too."""
    seen: set[type] = set()
    waiting = [getattr(stepcheck, name) for name in stepcheck.__all__ if name != "__version__"]
    while waiting:
        for found in reachable(waiting.pop()):
            if found not in seen:
                seen.add(found)
                waiting += [] if found.__name__ in LEAVES else [found]
    assert {found.__name__ for found in seen} - OPTIONS <= set(stepcheck.__all__)
    assert {"Verdict", "Aggregates", "EngineOptions", "Judged", "Identity", "Rows", "Prompt"} <= {
        found.__name__ for found in seen
    }


def test_every_public_name_is_there_and_no_other() -> None:
    """Each can be imported; one that is none is an AttributeError."""
    assert sorted(stepcheck.__all__) == stepcheck.__all__
    assert all(getattr(stepcheck, name) for name in stepcheck.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Chekcer'"):
        _ = stepcheck.Chekcer


def test_the_readmes_lines_are_typed_and_true(examples: Path) -> None:
    """What the README does, as a typed program: four rewards, the second step the lowest."""
    found = api.score(str(examples / "wrong.md"))
    assert min(range(4), key=lambda place: found[place][0]) == 1
    judges = api.opened()
    assert [judge.identity.threshold for judge in judges] == [0.4, judges[1].identity.card.threshold]  # type: ignore[union-attr]
    assert api.judge_all(judges[1], [Document("1 + 1?", (Step("1 + 1 = 2"),))]) == [None]
    judges[0].close()


def test_a_checker_is_made_of_its_parts() -> None:
    """Card, reader and head of one's own, no file: the first two steps stand early enough, the third does not."""
    card = read_card(builtin_dir() / "nano" / "nano.toml")
    checker = api.by_hand(card)
    judged = checker.check(Document("p", (Step("a"), Step("b"), Step("c" * 400))))
    assert (judged.rewards, judged.verdict.first_error) == ((1.0, 1.0, 0.0), 2)
    assert (judged.model.name, judged.model.card) == (card.name, card)
    assert checker.ready() == ""
    with pytest.raises(UsageError, match="give a reader and a head"):
        stepcheck.Checker(card)  # type: ignore[call-overload]
    assert api.judge_all(api.Fine(), [api.EXAMPLE]) == [None]
