"""`models convert --adapter`: a PEFT folder's LoRA gives the rewards that torch gives with it, or is refused."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from stepcheck.errors import CheckpointError, ModelError
from stepcheck.hub.checkpoint.peft import PROJECTIONS, read_peft
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.store import builtin_dir, find, verify
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import import_model
from stepcheck.prm.card import read_card
from tests import checkpoints, families, pickles
from tests.checkpoints import TEXTS, Spec
from tests.test_adapter import spaced_tokenizer
from tests.test_parity import EXACT, ROUNDED, differences, lay_out, say, score

Floats = NDArray[np.float32]
Tensors = dict[str, Floats]
PREFIX = "base_model.model."


def write_base(folder: Path, spec: Spec, family: str) -> tuple[Path, Tensors]:
    """A random checkpoint of a family, and its tensors."""
    tokenizer = spaced_tokenizer()
    checkpoints.write(folder, spec, tokenizer)
    vocab = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tensors = checkpoints.weights(spec, vocab)
    if family == "llama":
        config = checkpoints.config(dataclasses.replace(spec, architecture="LlamaForTokenClassification"), vocab)
        (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}), encoding="utf-8")
        tensors = {name: each for name, each in tensors.items() if not name.endswith("_proj.bias")}
        checkpoints.write_safetensors(folder / "model.safetensors", tensors, spec.dtype)
    return folder, tensors


def random_lora(tensors: Tensors, layers: int, rank: int | Callable[[str], int], *, seed: int = 0) -> Tensors:
    """Random halves under PEFT's names for all seven projections; exact in 16 bits."""
    rng = np.random.Generator(np.random.PCG64(seed))
    made: Tensors = {}
    for module in (f"model.layers.{layer}.{name}" for layer in range(layers) for name in PROJECTIONS):
        rows, columns = tensors[f"{module}.weight"].shape
        r = rank(module) if callable(rank) else rank
        for half, size, scale in (("A", (r, columns), columns**-0.5), ("B", (rows, r), 0.2 * r**-0.5)):
            values = (rng.standard_normal(size) * scale).astype(np.float16).astype(np.float32)
            made[f"{PREFIX}{module}.lora_{half}.weight"] = values
    return made


def write_peft(folder: Path, tensors: Tensors, *, pickled: bool = False, **config: Any) -> Path:
    """A PEFT folder as `save_pretrained` writes it."""
    folder.mkdir(parents=True)
    settings: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "TOKEN_CLS",
        "base_model_name_or_path": "someone/base-7b",
        "r": 4,
        "lora_alpha": 8,
        "lora_dropout": 0.05,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "inference_mode": True,
        "modules_to_save": None,
        "target_modules": [name.partition(".")[2] for name in PROJECTIONS],
        "use_dora": False,
        "use_rslora": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "megatron_core": "megatron.core",
        "qalora_group_size": 16,
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings | config), encoding="utf-8")
    if pickled:
        (folder / "adapter_model.bin").write_bytes(pickles.pack(tensors, "F32"))
    else:
        checkpoints.write_safetensors(folder / "adapter_model.safetensors", tensors, "F32")
    return folder


def by_torch(folder: Path, tensors: Tensors, lora: Tensors, scaling: Callable[[str], float]) -> list[list[float]]:
    """Rewards by transformers in float32 with W + scaling·B·A, and the head that was trained with the LoRA, if any."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    body = AutoModel.from_config(config).float().eval()
    merged = {name: torch.from_numpy(each.copy()) for name, each in tensors.items()}
    for name, down in lora.items():
        if name.endswith("lora_A.weight"):
            module = name.removeprefix(PREFIX).removesuffix(".lora_A.weight")
            up = torch.from_numpy(lora[name.replace("lora_A", "lora_B")])
            merged[f"{module}.weight"] = merged[f"{module}.weight"] + scaling(module) * up @ torch.from_numpy(down)
        elif "lora_" not in name:
            merged[name.removeprefix(PREFIX)] = torch.from_numpy(down)
    body.load_state_dict({k.removeprefix("model."): v for k, v in merged.items() if k.startswith("model.")})
    tokenizer, rewards = Tokenizer.from_file(str(folder / "tokenizer.json")), []
    with torch.inference_mode():
        for ids, marks in (lay_out(tokenizer, text) for text in TEXTS):
            rows = body(torch.tensor([ids])).last_hidden_state[0][marks]
            inner = torch.relu(rows @ merged["score.0.weight"].T + merged["score.0.bias"])
            logits = inner @ merged["score.2.weight"].T + merged["score.2.bias"]
            rewards.append(logits.softmax(-1)[:, 1].tolist())
    return rewards


@pytest.mark.parametrize("family", ["qwen2", "llama"])
@pytest.mark.parametrize("rank", [4, 16])
def test_rewards_equal_torch_with_the_same_lora(rank: int, family: str, tmp_path: Path) -> None:
    """All seven projections, plain scaling: within 1e-3 in f32 and f16, 0.02 in q8_0; the backbone alone is far off."""
    pytest.importorskip("torch")
    spec = Spec(seed=31, layers=2, dtype="F32")
    base, tensors = write_base(tmp_path / "base", spec, family)
    lora = random_lora(tensors, spec.layers, rank)
    peft = write_peft(tmp_path / "peft", lora, r=rank, lora_alpha=2 * rank)
    exact = by_torch(base, tensors, lora, lambda _module: 2.0)
    assert differences(by_torch(base, tensors, {}, lambda _module: 0.0), exact) > 0.05
    for kind, bound in ((WeightType.F32, EXACT), (WeightType.F16, EXACT), (WeightType.Q8_0, ROUNDED)):
        card = convert(base, tmp_path / kind, weight_type=kind, adapter=peft, name="m")
        verify(find(str(card)))
        largest = differences(score(card, TEXTS), exact)
        say(f"{family}, rank {rank}, {kind}: {largest:.6f}")
        assert largest <= bound


@pytest.mark.parametrize("rslora", [False, True])
def test_ranks_and_alphas_by_pattern_count_as_in_peft(rslora: bool, tmp_path: Path) -> None:
    """The first pattern that matches a module's end gives its rank or alpha; rslora divides by the root of the rank.

    By hand, without rslora: q_proj 24 / 8 = 3, the second layer's MLP 2 / 4 = 0.5, every other 8 / 4 = 2.
    """
    pytest.importorskip("torch")
    spec = Spec(seed=32, layers=2, dtype="F32")
    base, tensors = write_base(tmp_path / "base", spec, "llama")

    def rank(module: str) -> int:
        return 8 if module.endswith("q_proj") else 4

    def scaling(module: str) -> float:
        alpha = 24 if module.endswith("q_proj") else 2 if "layers.1.mlp" in module else 8
        return alpha / (math.sqrt(rank(module)) if rslora else rank(module))

    lora = random_lora(tensors, spec.layers, rank)
    head = {f"{PREFIX}{name}": each * 0.5 for name, each in tensors.items() if name.startswith("score.")}
    patterns = {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {r"q_proj": 24, r"layers\.1\.mlp\.\w+": 2}}
    peft = write_peft(
        tmp_path / "peft", lora | head, pickled=True, use_rslora=rslora, modules_to_save=["score"], **patterns
    )
    exact = by_torch(base, tensors, lora | head, scaling)
    for kind, bound in ((WeightType.F32, EXACT), (WeightType.Q8_0, ROUNDED)):
        card = convert(base, tmp_path / kind, weight_type=kind, adapter=peft, name="m")
        assert differences(score(card, TEXTS), exact) <= bound
    by_name = {pair.projection: pair.scaling for pair in read_peft(peft).pairs if pair.layer == 1}
    assert by_name["self_attn.q_proj"] == pytest.approx(scaling("model.layers.1.self_attn.q_proj"))
    assert by_name["mlp.up_proj"] == pytest.approx(1.0 if rslora else 0.5)


def test_a_base_without_a_head_takes_the_adapters(tmp_path: Path) -> None:
    """A plain language model becomes a judge by a LoRA and the head that was trained whole beside it."""
    spec = Spec(seed=33, layers=1, architecture="Qwen2ForCausalLM", dtype="F32")
    base, tensors = write_base(tmp_path / "base", spec, "qwen2")
    head = {name: tensors.pop(name) for name in list(tensors) if name.startswith("score.")}
    checkpoints.write_safetensors(base / "model.safetensors", tensors, "F32")
    lora = random_lora(tensors, 1, 4)
    whole = {f"{PREFIX}score.modules_to_save.default.{k.partition('.')[2]}": v for k, v in head.items()}
    named = {name.replace(".weight", ".default.weight"): each for name, each in lora.items()}
    peft = write_peft(tmp_path / "peft", named | whole)
    card = convert(base, tmp_path / "out", weight_type=WeightType.F16, adapter=peft, name="m")
    assert [len(row) for row in score(card, TEXTS)] == [len(steps) for _, steps in TEXTS]
    with pytest.raises(CheckpointError, match="no reward head"):
        convert(base, tmp_path / "out", weight_type=WeightType.F16, name="plain")


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_a_ready_backbone_takes_a_peft_folder(family: str, tmp_path: Path) -> None:
    """`models import FILE.gguf --adapter DIR`: head and LoRA come out of the folder, rewards are the converter's."""
    spec = Spec(seed=37, layers=2, dtype="F32")
    base, tensors = write_base(tmp_path / "base", spec, family)
    lora = random_lora(tensors, spec.layers, 4)
    head = {f"{PREFIX}{name}": each * 0.5 for name, each in tensors.items() if name.startswith("score.")}
    peft = write_peft(tmp_path / "peft", lora | head, modules_to_save=["score"])
    whole = convert(base, tmp_path / "whole", weight_type=WeightType.F16, adapter=peft, name="m")
    plain = convert(base, tmp_path / "plain", weight_type=WeightType.F16, name="p")
    made = import_model(plain.with_suffix(".gguf"), None, read_card(plain), tmp_path / "models", adapter=peft, name="i")
    verify(find(str(made)))
    assert score(made, TEXTS) == score(whole, TEXTS)
    bare = write_peft(tmp_path / "bare", lora)
    with pytest.raises(ModelError, match="give it with --head"):
        import_model(plain.with_suffix(".gguf"), None, read_card(plain), tmp_path / "models", adapter=bare, name="j")


def test_a_token_pair_is_read_through_an_adapter(tmp_path: Path) -> None:
    """A language model that judges by two tokens: with the LoRA beside it, the rewards of the merged checkpoint."""
    spec = Spec(seed=36, layers=2, dtype="F32")
    base = families.write(tmp_path / "base", "fover-qwen", spec)
    card = read_card(builtin_dir() / families.FAMILIES["fover-qwen"].card)
    tensors = load_file(base / "model.safetensors")
    lora = random_lora(tensors, spec.layers, 4)
    merged = dict(tensors)
    for name in (name for name in lora if name.endswith("lora_A.weight")):
        module = name.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        merged[f"{module}.weight"] = (
            merged[f"{module}.weight"] + 2 * lora[name.replace("lora_A", "lora_B")] @ lora[name]
        )
    peft = write_peft(tmp_path / "peft", lora, task_type="CAUSAL_LM")
    ours = convert(base, tmp_path / "out", weight_type=WeightType.F32, adapter=peft, card=card, name="ours")
    plain = convert(base, tmp_path / "out", weight_type=WeightType.F32, card=card, name="plain")
    checkpoints.write_safetensors(base / "model.safetensors", merged, "F32")
    whole = convert(base, tmp_path / "out", weight_type=WeightType.F32, card=card, name="whole")
    assert differences(score(ours, TEXTS), score(whole, TEXTS)) <= EXACT
    assert differences(score(plain, TEXTS), score(whole, TEXTS)) > 10 * EXACT


def test_numbers_that_16_bits_do_not_hold_stay_whole(tmp_path: Path) -> None:
    """A matrix beyond float16's range is written as float32, the others as they would be."""
    spec = Spec(seed=34, layers=1, dtype="F32")
    base, tensors = write_base(tmp_path / "base", spec, "qwen2")
    lora = random_lora(tensors, 1, 4)
    large = f"{PREFIX}model.layers.0.mlp.up_proj.lora_B.weight"
    lora[large][0, 0] = 1e6
    peft = write_peft(tmp_path / "peft", lora)
    convert(base, tmp_path / "out", weight_type=WeightType.F16, adapter=peft, name="m")
    found = {t.name: t for t in gguf.GGUFReader(tmp_path / "out" / "m.lora.gguf").tensors}
    assert found["blk.0.ffn_up.weight.lora_b"].data[0, 0] == 1e6
    assert found["blk.0.ffn_up.weight.lora_a"].tensor_type == gguf.GGMLQuantizationType.F16


Change = Callable[[Tensors], dict[str, Any]]
FIRST = f"{PREFIX}model.layers.0."


def taken(name: str) -> Change:
    """Without one tensor."""

    def change(tensors: Tensors) -> dict[str, Any]:
        del tensors[FIRST + name]
        return {}

    return change


def with_tensor(name: str, *shape: int) -> Change:
    """With one more tensor."""

    def change(tensors: Tensors) -> dict[str, Any]:
        tensors[PREFIX + name] = np.zeros(shape, np.float32)
        return {}

    return change


def with_key(**config: Any) -> Change:
    """With other settings."""
    return lambda _tensors: config


def module(name: str) -> Change:
    """With a LoRA of one more module."""

    def change(tensors: Tensors) -> dict[str, Any]:
        tensors[f"{PREFIX}{name}.lora_A.weight"] = np.zeros((4, 64), np.float32)
        tensors[f"{PREFIX}{name}.lora_B.weight"] = np.zeros((64, 4), np.float32)
        return {}

    return change


def wider(tensors: Tensors) -> dict[str, Any]:
    """Of a base with wider layers."""
    name = f"{FIRST}self_attn.q_proj.lora_A.weight"
    tensors[name] = np.zeros((4, 80), np.float32)
    return {}


def two_adapters(tensors: Tensors) -> dict[str, Any]:
    """Two adapters' names in one file."""
    name = f"{FIRST}self_attn.q_proj.lora_A"
    tensors[f"{name}.one.weight"] = tensors.pop(f"{name}.weight")
    return {}


def no_layer(tensors: Tensors) -> dict[str, Any]:
    """Both halves of one projection lost."""
    taken("mlp.up_proj.lora_A.weight")(tensors)
    return taken("mlp.up_proj.lora_B.weight")(tensors)


def only_a_head(tensors: Tensors) -> dict[str, Any]:
    """No LoRA at all."""
    tensors.clear()
    return with_tensor("score.weight", 2, 64)(tensors)


REFUSED: dict[str, tuple[Change, str]] = {
    "no B": (taken("mlp.up_proj.lora_B.weight"), r"model\.layers\.0\.mlp\.up_proj has no lora_B: half"),
    "no A": (taken("self_attn.k_proj.lora_A.weight"), r"layers\.0\.self_attn\.k_proj has no lora_A: half"),
    "neither": (no_layer, r"no LoRA for mlp\.up_proj of layer 0, .*it is not whole"),
    "only a head": (only_a_head, "holds no LoRA"),
    "DoRA": (with_key(use_dora=True), r"key 'use_dora': DoRA .*merge_and_unload\(\)"),
    "DoRA's vectors": (with_tensor("model.layers.0.mlp.up_proj.lora_magnitude_vector", 96), "magnitude_vector.*DoRA"),
    "biases": (with_key(bias="lora_only"), "key 'bias': 'lora_only'.*merge"),
    "lora_bias": (with_key(lora_bias=True), "key 'lora_bias'.*merge"),
    "a bias": (with_tensor("model.layers.0.mlp.up_proj.lora_B.bias", 96), r"lora_B\.bias' is neither half"),
    "another method": (with_key(peft_type="IA3"), "key 'peft_type': 'IA3' is no LoRA"),
    "PiSSA": (with_key(init_lora_weights="pissa_niter_4"), "'pissa_niter_4' changes the base's own weights"),
    "activated": (with_key(alora_invocation_tokens=[1, 2]), "key 'alora_invocation_tokens'"),
    "unheard of": (with_key(use_newlora={"depth": 3}), "key 'use_newlora': .*is not converted"),
    "embedding": (module("model.embed_tokens"), "embed_tokens: the vocabulary was trained too; merge"),
    "lm_head": (module("lm_head"), "lm_head: the vocabulary was trained too; merge"),
    "whole lm_head": (with_tensor("lm_head.weight", 9, 64), "'base_model.model.lm_head.weight': the vocabulary"),
    "whole embedding": (with_tensor("model.embed_tokens.weight", 9, 64), "the vocabulary was trained too"),
    "elsewhere": (module("transformer.h.0.attn.c_attn"), r"transformer\.h\.0\.attn\.c_attn: has no place here"),
    "more layers": (module("model.layers.7.self_attn.q_proj"), r"layer 7, which .*base does not have.*someone/base-7b"),
    "wider": (wider, r"q_proj of 64×80, but in .*base it has 64×64: it was trained on someone/base-7b"),
    "architecture": (
        with_key(auto_mapping={"base_model_class": "LlamaForCausalLM", "parent_library": "transformers"}),
        r"someone/base-7b, a LlamaForCausalLM, but .*base is qwen2",
    ),
    "rank": (with_key(r=8), r"halves have rank 4 and 4, adapter_config\.json says 8"),
    "alpha": (with_key(lora_alpha="much"), "key 'lora_alpha': expected a positive number, found 'much'"),
    "patterns": (with_key(alpha_pattern=[1]), "key 'alpha_pattern': expected an object"),
    "endless pattern": (with_key(alpha_pattern={"(a+)+x": 3}), r"the pattern '\(a\+\)\+x' is not matched here"),
    "two adapters": (two_adapters, r"holds several adapters"),
    "other tensors": (with_tensor("classifier.weight", 2, 64), r"'base_model\.model\.classifier\.weight' is neither"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tensors]:
    """A Qwen2 judge of two layers."""
    return write_base(tmp_path_factory.mktemp("peft") / "base", Spec(seed=35, layers=2, dtype="F32"), "qwen2")


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_plain_lora_of_this_base_is_refused(what: str, base: tuple[Path, Tensors], tmp_path: Path) -> None:
    """By file and key or tensor, with what to do, before anything is written."""
    change, words = REFUSED[what]
    lora = random_lora(base[1], 2, 4)
    config = change(lora)
    peft = write_peft(tmp_path / "peft", lora, **config)
    with pytest.raises(CheckpointError, match=words) as caught:
        convert(base[0], tmp_path / "out", weight_type=WeightType.Q8_0, adapter=peft)
    assert str(peft) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_an_adapter_is_told(base: tuple[Path, Tensors], tmp_path: Path) -> None:
    """No config, or no weights: the files that are looked for are named."""
    with pytest.raises(CheckpointError, match=r"adapter_config\.json: cannot be read"):
        read_peft(base[0])
    peft = write_peft(tmp_path / "peft", random_lora(base[1], 2, 4))
    (peft / "adapter_model.safetensors").rename(peft / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"needs adapter_model\.safetensors or adapter_model\.bin beside"):
        read_peft(peft)


def test_what_only_told_how_it_was_trained_changes_nothing(base: tuple[Path, Tensors], tmp_path: Path) -> None:
    """fan_in_fan_out, which peft ignores over nn.Linear, and keys of the training give the same file."""
    lora = random_lora(base[1], 2, 4)
    plain = write_peft(tmp_path / "plain", lora)
    odd = write_peft(tmp_path / "odd", lora, fan_in_fan_out=True, lora_dropout=0.3, init_lora_weights="gaussian")
    made = [
        convert(base[0], tmp_path / each.name, weight_type=WeightType.Q8_0, adapter=each, name="m")
        for each in (plain, odd)
    ]
    files = [read_card(card).files for card in made]
    assert files[0] == files[1]
    assert files[0] is not None
    assert files[0].adapter == "m.lora.gguf"
