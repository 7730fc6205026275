"""A finished judge read back into PyTorch: the rewards that it has elsewhere, on random miniatures."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from stepcheck.errors import CheckpointError, ModelError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.store import Model, find
from stepcheck.hub.gguf.quantize import WeightType
from tests.checkpoints import TEXTS, Spec
from tests.test_parity import EXACT, ROUNDED, differences, score
from tests.test_peft import by_torch, random_lora, write_base, write_peft

pytest.importorskip("torch", reason="reading a judge into PyTorch needs torch (the test extra)")
pytest.importorskip("transformers", reason="reading a judge into PyTorch needs transformers (the test extra)")

import torch

from models.training.backbone import Backbone, read_backbone
from models.training.judge import lay_out
from models.training.reading import Finished, lay, load, read_judge, save

pytestmark = pytest.mark.usefixtures("one_thread")
SPEC, RANK = Spec(seed=51, layers=2, dtype="F32"), 16


def make(folder: Path, family: str, kind: WeightType) -> tuple[Model, list[list[float]]]:
    """A random backbone with a random LoRA and a head, and its rewards by torch from the checkpoints themselves."""
    base, tensors = write_base(folder / "base", SPEC, family)
    lora = random_lora(tensors, SPEC.layers, RANK)
    peft = write_peft(folder / "peft", lora, r=RANK, lora_alpha=2 * RANK)
    card = convert(base, folder / "made", weight_type=kind, adapter=peft, name="m")
    return find(str(card)), by_torch(base, tensors, lora, lambda _module: 2.0)


def rewards(model: Model, backbone: Backbone, judge: Finished) -> list[list[float]]:
    """Rewards of all texts."""
    return [judge.read(lay_out(backbone, model.card.template, *text)) for text in TEXTS]


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_a_judges_files_give_the_rewards_of_its_checkpoints(family: str, tmp_path: Path) -> None:
    """In f32, from llama.cpp's order of queries and keys: those of torch on the checkpoint with the LoRA in PEFT's."""
    model, exact = make(tmp_path, family, WeightType.F32)
    backbone, judge = read_judge(model)
    assert differences(rewards(model, backbone, judge), exact) <= 1e-4


def test_blocks_are_dequantized_and_what_fills_them_left_out(tmp_path: Path) -> None:
    """A rank of 16 stands as 32 in q8_0 and is read as 16, at its scale: the rewards that llama.cpp gives."""
    model, _ = make(tmp_path, "qwen2", WeightType.Q8_0)
    backbone, judge = read_judge(model)
    low = judge.body.layers[0].mlp.up_proj
    assert (low.down.shape[0], low.up.shape[1], low.scaling) == (RANK, RANK, 2.0)
    assert differences(rewards(model, backbone, judge), score(model.card_path, TEXTS)) <= ROUNDED


def test_a_folder_for_transformers_is_the_same_judge(tmp_path: Path) -> None:
    """The LoRA laid beside or merged into the weights: the same rewards; in bfloat16 it is read as that."""
    model, exact = make(tmp_path, "llama", WeightType.F32)
    backbone, judge = read_judge(model)
    head, adapter = (model.weights[role].path for role in ("head", "adapter"))
    for merged in (False, True):
        folder = tmp_path / f"merged-{merged}"
        save(judge.body, folder, torch.float32, merged=merged)
        again = load(folder, None if merged else adapter, head)
        assert differences(rewards(model, backbone, again), exact) <= 1e-4
    save(judge.body, tmp_path / "half", torch.bfloat16, merged=True)
    half = load(tmp_path / "half", None, head)
    assert {each.dtype for each in half.body.parameters()} == {torch.bfloat16}
    assert EXACT < differences(rewards(model, backbone, half), exact) < 0.1
    bare = load(tmp_path / "merged-False", None, head)
    assert differences(rewards(model, backbone, bare), exact) > 0.05


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    """An adapter of more layers than its backbone, by the tensor; a head that is read in another way, by the card."""
    model, _ = make(tmp_path, "qwen2", WeightType.F16)
    body = cast("Any", read_backbone(model.backbone).model).model
    body.layers = body.layers[:1]
    with pytest.raises(CheckpointError, match=r"m\.lora\.gguf: changes blk\.1\..*does not have"):
        lay(body, model.weights["adapter"].path)
    other = msgspec.structs.replace(model.card.readout, positive=0)
    card = msgspec.structs.replace(model.card, readout=other)
    with pytest.raises(ModelError, match=r"m\.toml: PyTorch reads only heads"):
        read_judge(dataclasses.replace(model, card=card))
