"""Oracles: a model is held against the rewards that its authors tell, by what its weights' type allows."""

import json
from pathlib import Path

import msgspec
import pytest

from stepcheck.bench.oracle import consult
from stepcheck.cli.main import main
from stepcheck.document import Document, Step
from stepcheck.errors import ModelError
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.judge import Judge
from stepcheck.prm.card import ModelCard, Oracle, read_card
from tests import checkpoints, fakes
from tests.checkpoints import TEXTS, Spec

PROBLEM, STEPS = TEXTS[1]


def card(rewards: tuple[float, ...], weight_type: str = "bf16", tolerance: float = 0.05) -> ModelCard:
    """A card with an oracle of the fake's two steps, whose rewards are 0.9 and 0.3."""
    oracle = Oracle(source="a/b", problem="p", steps=("a {0.9}", "b {0.3}"), rewards=rewards, tolerance=tolerance)
    return msgspec.structs.replace(fakes.FakeChecker().card, oracle=oracle, weight_type=weight_type)


def judge() -> Judge:
    return fakes.FakeChecker()


@pytest.mark.parametrize(
    ("rewards", "weight_type", "right"),
    [
        ((0.9, 0.3), "bf16", True),
        ((0.94, 0.26), "bf16", True),
        ((0.96, 0.3), "bf16", False),
        ((0.96, 0.3), "q8_0", False),
        ((0.6, 0.1), "q4_k_m", True),
        ((0.6, 0.1), "q6_k", True),
        ((0.9, 0.51), "q4_k_m", False),
        ((0.49, 0.3), "q4_0", False),
        ((0.9, 0.51), "f16", False),
    ],
)
def test_what_counts_as_right(rewards: tuple[float, ...], weight_type: str, right: bool) -> None:
    """Of 8 bits and more the rewards within 0.05, of fewer the verdict on every step; it is 0.9 and 0.3 at 0.5."""
    found = consult(judge(), card(rewards, weight_type))
    assert found.right is right
    assert found.rewards == (0.9, 0.3)


def test_what_is_wrong_is_told() -> None:
    """The largest difference, and the steps whose verdict is the other: |0.3 - 0.55| = 0.25, step 2 is right there."""
    found = consult(judge(), card((0.95, 0.55)))
    assert found.difference == pytest.approx(0.25)
    assert found.turned == (2,)
    assert consult(judge(), card((0.65, 0.3), tolerance=0.3)).right
    with pytest.raises(ModelError, match="its card has no oracle"):
        consult(judge(), fakes.FakeChecker().card)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model whose oracle is what it gave once."""
    from stepcheck.checker import Checker

    folder = tmp_path_factory.mktemp("oracle")
    source = checkpoints.write(folder / "c", Spec(layers=1, gain=3.0))
    plain = convert(source, folder / "plain", weight_type=WeightType.F16)
    with Checker(plain) as checker:
        rewards = checker.check(Document(PROBLEM, tuple(map(Step, STEPS)))).rewards
    oracle = Oracle(source="a/b", problem=PROBLEM, steps=STEPS, rewards=rewards)
    with_oracle = msgspec.structs.replace(read_card(plain), name="random", files=None, oracle=oracle)
    return convert(source, folder / "models", weight_type=WeightType.F16, name="random", card=with_oracle)


def test_verify_asks_the_oracle(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`models verify --oracle` loads the model, says both rows of rewards and ends with 1 where they differ."""
    arguments = ["models", "verify", "random", "--oracle", "--models-dir", str(model.parent)]
    assert main(arguments) == 0
    assert "random: does as its oracle says, within 0.05" in capsys.readouterr().err
    kept = model.read_bytes()
    card = read_card(model)
    assert card.oracle is not None
    other = tuple(1 - reward for reward in card.oracle.rewards)
    from stepcheck.prm.card import render_card

    changed = msgspec.structs.replace(card, oracle=msgspec.structs.replace(card.oracle, rewards=other))
    model.write_text(render_card(changed), encoding="utf-8")
    assert main([*arguments, "--json"]) == 1
    captured = capsys.readouterr()
    assert "does NOT do as its oracle says" in captured.err
    (found,) = json.loads(captured.out)["models"]
    assert (found["ok"], found["oracle"]["ok"]) == (False, False)
    assert found["oracle"]["expected"] == pytest.approx(other)
    model.write_bytes(kept)
