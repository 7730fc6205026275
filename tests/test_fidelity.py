"""What fewer bits cost: the comparison by hand, types made of 16 bits, and what is refused with numbers."""

import json
from pathlib import Path

import pytest

from stepcheck.bench import sample
from stepcheck.bench.fidelity import compare
from stepcheck.cli.main import main
from stepcheck.errors import ModelError
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.gguf.requantize import requantize
from stepcheck.prm.card import render_card
from tests import checkpoints, fakes
from tests.checkpoints import Spec
from tests.test_pull import card


def test_the_comparison_by_hand() -> None:
    """Rewards 0.9, 0.6 | 0.2 against 0.8, 0.4 | 0.2: gaps 0.1, 0.2, 0; one step flips, one first error moves."""
    exact = [fakes.review("a {0.9}", "b {0.6}"), fakes.review("c {0.2}"), None]
    other = [fakes.review("a {0.8}", "b {0.4}"), fakes.review("c {0.2}"), fakes.review("d {0.5}")]
    found = compare(exact, other, "q4_0")
    assert (found.documents, found.steps, found.flipped, found.moved, found.unjudged) == (2, 3, 1, 1, 1)
    assert (found.mean, found.most, found.largest) == pytest.approx((0.1, 0.2, 0.2))
    same = compare(exact, exact, "f16")
    assert (same.mean, same.flipped, same.moved) == (0, 0, 0)
    with pytest.raises(ModelError, match="nothing to compare"):
        compare([None], [None], "q4_0")


def test_the_sample_is_always_the_same() -> None:
    """Thirty-two solutions of four forms, half of them with a step spoiled."""
    documents = sample.documents()
    assert documents == sample.documents()
    assert len(documents) == 32
    assert len({document.id for document in documents}) == 32


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model in bf16, wide enough for blocks of 256."""
    folder = tmp_path_factory.mktemp("fidelity")
    source = checkpoints.write(folder / "c", Spec(seed=81, layers=4, hidden=256, feed_forward=512, gain=2.0))
    convert(source, folder / "models", weight_type=WeightType.BF16, name="Random-PRM-bf16", card=card())
    convert(source, folder / "ready", weight_type=WeightType.Q4_K_M, name="x", card=card())
    (folder / "models" / "random.toml").write_text(render_card(card()), encoding="utf-8")
    return folder / "models"


def test_a_type_made_of_16_bits_is_the_converted_one(models: Path, tmp_path: Path) -> None:
    """Every tensor of a file that was quantized afterwards is byte for byte that of a conversion."""
    import gguf
    import numpy as np

    requantize(models / "Random-PRM-bf16.gguf", tmp_path / "m.gguf", WeightType.Q4_K_M)
    made, ready = (
        {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        for path in (tmp_path / "m.gguf", models.parent / "ready" / "x.gguf")
    )
    assert made.keys() == ready.keys()
    for name, tensor in made.items():
        assert tensor.tensor_type == ready[name].tensor_type
        assert np.array_equal(tensor.data, ready[name].data), name


def test_the_command_compares_types(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """q8_0 is nearer to 16 bits than q4_0 on our own sample; nothing is left in the models folder."""
    before = sorted(models.rglob("*"))
    arguments = ["models", "fidelity", "Random-PRM", "--types", "q8_0,q4_0", "--models-dir", str(models)]
    assert main([*arguments, "--json"]) == 0
    eight, four = json.loads(capsys.readouterr().out)["types"]
    assert (eight["documents"], eight["steps"]) == (32, 96)
    assert 0 < eight["mean"] < four["mean"]
    assert sorted(path for path in models.rglob("*") if ".locks" not in path.parts) == [
        path for path in before if ".locks" not in path.parts
    ]
    assert main([*arguments, "-q"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Against Random-PRM-bf16:")
    print(shown)


def test_what_cannot_be_compared_is_said(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No 16 bits here, no such type, no disk, an unreadable document: each in a sentence."""
    assert main(["models", "fidelity", "Qwen2.5-Math-PRM-7B", "--models-dir", str(tmp_path)]) == 1
    assert "stepcheck models pull Qwen2.5-Math-PRM-7B:bf16" in capsys.readouterr().err
    common = ["--models-dir", str(models)]
    assert main(["models", "fidelity", "Random-PRM", "--types", "q3", *common]) == 2
    assert "no weight type is named 'q3'" in capsys.readouterr().err
    assert main(["models", "fidelity", "Random-PRM", str(tmp_path / "none.md"), *common]) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stepcheck.hub.pull.offer.free_bytes", lambda _folder: 1000)
        assert main(["models", "fidelity", "Random-PRM", "--types", "q4_0", *common]) == 1
    assert "GB are free" in capsys.readouterr().err
