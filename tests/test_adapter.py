"""Adapters: a LoRA over a backbone gives the rewards that torch gives with it; one of another backbone is refused."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import CardError, LoadError, ModelError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.store import find, list_models, verify
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import check, import_model, remove
from stepcheck.judge import Judged
from stepcheck.prm.card import Files, ModelCard, read_card
from tests import checkpoints
from tests.checkpoints import TEXTS, Spec
from tests.test_parity import EXACT, ROUNDED, differences, reference, say, score

MODULES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""All seven projections: transformers' names and gguf's."""
SPEC = Spec(seed=21, layers=2)
Floats = NDArray[np.float32]
Lora = dict[str, tuple[Floats, Floats]]


def spaced_tokenizer() -> dict[str, Any]:
    """A small tokenizer to which a blank line is one ordinary token, as it is to Qwen2.5."""
    tokenizer = checkpoints.small_tokenizer()
    model = tokenizer["model"]
    last = max(model["vocab"], key=model["vocab"].get)
    assert "\u010a\u010a" not in model["vocab"]
    model["vocab"] = {("\u010a\u010a" if text == last else text): number for text, number in model["vocab"].items()}
    model["merges"] = ["\u010a \u010a", *model["merges"][:-1]]
    return tokenizer


def random_lora(spec: Spec, rank: int, tensors: dict[str, Floats], gain: float = 0.25) -> Lora:
    """Random halves for every projection, exact in float16; with alpha 2 × rank a change half the matrix' size."""
    rng = np.random.Generator(np.random.PCG64(spec.seed + rank))

    def half(rows: int, columns: int, scale: float) -> Floats:
        return (rng.standard_normal((rows, columns)) * scale).astype(np.float16).astype(np.float32)

    made: Lora = {}
    for layer in range(spec.layers):
        for module in MODULES:
            rows, columns = tensors[f"{spec.prefix}layers.{layer}.{module}.weight"].shape
            made[f"{layer}.{module}"] = half(rank, columns, columns**-0.5), half(rows, rank, gain * rank**-0.5)
    return made


def write_adapter(
    path: Path, lora: Lora, alpha: float, *, kind: str = "f16", architecture: str = "qwen2", adapter: str = "lora"
) -> Path:
    """Write a LoRA as llama.cpp reads it; of q8_0, the halves whose rows are whole blocks of it."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", adapter)
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, halves in lora.items():
        layer, module = name.split(".", 1)
        for ending, half in zip("ab", halves, strict=True):
            place = f"blk.{layer}.{MODULES[module]}.weight.lora_{ending}"
            if kind == "q8_0" and half.shape[1] % 32 == 0:
                quantized = gguf.quants.quantize(half, gguf.GGMLQuantizationType.Q8_0)
                writer.add_tensor(place, quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
            else:
                writer.add_tensor(place, half.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """A random backbone and a LoRA for it, as files and as torch would have them."""

    source: Path
    merged: Path
    card: Path
    lora: Lora
    alpha: float

    @property
    def parts(self) -> tuple[Path, Path]:
        """Backbone and head."""
        return self.card.with_suffix(".gguf"), self.card.with_suffix("").with_suffix(".head.safetensors")


def make(folder: Path, rank: int, mark: str, weight_type: WeightType = WeightType.F16) -> Made:
    """Write a random checkpoint, the same with a random LoRA merged into it, and the former as GGUF."""
    tokenizer = spaced_tokenizer()
    source = checkpoints.write(folder / "plain", SPEC, tokenizer)
    vocab = len(tokenizer["model"]["vocab"]) + len(checkpoints.SPECIALS) + SPEC.spare
    tensors, alpha = checkpoints.weights(SPEC, vocab), 2.0 * rank
    lora = random_lora(SPEC, rank, tensors)
    merged = dict(tensors)
    for name, (down, up) in lora.items():
        layer, module = name.split(".", 1)
        merged[f"{SPEC.prefix}layers.{layer}.{module}.weight"] += alpha / rank * (up @ down)
    shutil.copytree(source, folder / "merged")
    checkpoints.write_safetensors(folder / "merged" / "model.safetensors", merged, "F32")
    plain = read_card(convert(source, folder / "first", weight_type=weight_type))
    lent = msgspec.structs.replace(plain, template=msgspec.structs.replace(plain.template, mark=mark), files=None)
    card = convert(source, folder / "made", weight_type=weight_type, card=lent, name="m")
    return Made(source, folder / "merged", card, lora, alpha)


@pytest.mark.parametrize("mark", ["<extra_0>", "\n\n"])
@pytest.mark.parametrize("rank", [4, 16])
def test_rewards_with_an_adapter_equal_the_reference(rank: int, mark: str, tmp_path: Path) -> None:
    """A random LoRA on all seven projections: within 1e-3 of torch with the same one in f16, within 0.02 in q8_0."""
    pytest.importorskip("torch")
    made = make(tmp_path, rank, mark)
    exact = reference(made.merged, TEXTS, mark=mark)
    moved = differences(score(made.card, TEXTS), exact)
    assert moved > 0.05, f"the adapter hardly changes anything ({moved:.3f}): nothing would be shown"
    for kind, bound in (("f16", EXACT), ("q8_0", ROUNDED)):
        adapter = write_adapter(tmp_path / f"{kind}.gguf", made.lora, made.alpha, kind=kind)
        card = import_model(*made.parts, read_card(made.card), tmp_path / "models", adapter=adapter, name=kind)
        largest = differences(score(card, TEXTS), exact)
        say(f"rank {rank}, {mark!r}, {kind}: {largest:.6f}; without it {moved:.3f}")
        assert largest <= bound


def test_a_quantized_backbone_takes_an_adapter(tmp_path: Path) -> None:
    """Over q8_0, whose weights are repacked while they are loaded, the adapter counts as over 16 bits."""
    pytest.importorskip("torch")
    made = make(tmp_path, 16, "\n\n", WeightType.Q8_0)
    adapter = write_adapter(tmp_path / "a.gguf", made.lora, made.alpha)
    card = import_model(*made.parts, read_card(made.card), tmp_path / "models", adapter=adapter, name="q")
    assert differences(score(card, TEXTS), reference(made.merged, TEXTS, mark="\n\n")) <= 2 * ROUNDED


def test_documents_share_what_an_adapter_read(tmp_path: Path) -> None:
    """What two documents have in common is computed once, and gives each the rewards that it has alone."""
    made = make(tmp_path, 4, "\n\n")
    adapter = write_adapter(tmp_path / "a.gguf", made.lora, made.alpha)
    card = import_model(*made.parts, read_card(made.card), tmp_path / "models", adapter=adapter, name="a")
    problem, steps = TEXTS[1]
    documents = [Document(problem, tuple(map(Step, each))) for each in (steps, (*steps[:-1], "So the sum is 7."))]
    alone = []
    for document in documents:
        with Checker(card, options=EngineOptions(n_threads=1)) as checker:
            alone.append(checker.check(document))
    with Checker(card, options=EngineOptions(n_threads=1)) as checker:
        both = [checker.check(document) for document in documents]
    assert both[1].cost.decoded < alone[1].cost.decoded
    for left, right in zip(both, alone, strict=True):
        assert np.allclose(left.rewards, right.rewards, atol=EXACT)


def test_both_lanes_read_with_the_adapter(tmp_path: Path) -> None:
    """Texts that wait together are read in two lanes: each has the rewards that one lane gives it."""
    made = make(tmp_path, 16, "\n\n")
    adapter = write_adapter(tmp_path / "a.gguf", made.lora, made.alpha)
    card = import_model(*made.parts, read_card(made.card), tmp_path / "models", adapter=adapter, name="a")
    documents = [Document(f"{i}: {problem}", tuple(map(Step, steps))) for i in range(4) for problem, steps in TEXTS]
    found = []
    for lanes in (1, 2):
        with Checker(card, options=EngineOptions(n_threads=2, n_lanes=lanes)) as checker:
            found.append([review.rewards for review in checker.check_many(documents) if isinstance(review, Judged)])
    assert len(found[0]) == len(found[1]) == len(documents)
    for left, right in zip(*found, strict=True):
        assert np.allclose(left, right, atol=EXACT)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A backbone, a head and a LoRA of rank 4."""
    return make(tmp_path_factory.mktemp("small"), 4, "\n\n", WeightType.Q8_0)


def test_the_adapter_is_one_of_the_models_files(small: Made, tmp_path: Path) -> None:
    """It is found, pinned, listed, part of who judges, set aside where it was changed, and removed with the model."""
    folder = tmp_path / "models"
    adapter = write_adapter(tmp_path / "a.gguf", small.lora, small.alpha)
    import_model(*small.parts, read_card(small.card), folder, adapter=adapter, name="mine")
    model = find("mine", folder)
    assert model.weights["adapter"].path == adapter.resolve()
    verify(model)
    with Checker("mine", models_dir=folder) as checker:
        assert model.card.files is not None
        assert checker.identity.adapter == model.card.files.adapter_sha256 != ""
    data = bytearray(adapter.read_bytes())
    data[-1] ^= 1
    adapter.write_bytes(data)
    with pytest.raises(ModelError, match=r"a\.gguf: is not the file that mine\.toml names"):
        verify(model)
    (finding,) = check(model)
    assert finding.damage.link == folder / "mine.lora.gguf"
    assert not next(entry for entry in list_models(folder) if entry.name == "mine").ready
    remove("mine", folder)
    assert not list(folder.glob("mine*"))
    assert adapter.is_file() or not finding.aside.is_file()


def wrong_architecture(folder: Path, made: Made) -> Path:
    return write_adapter(folder / "wrong.gguf", made.lora, 8.0, architecture="llama")


def wrong_kind(folder: Path, made: Made) -> Path:
    return write_adapter(folder / "wrong.gguf", made.lora, 8.0, adapter="ia3")


def wrong_width(folder: Path, made: Made) -> Path:
    lora = {name: (np.pad(down, ((0, 0), (0, 32))), up) for name, (down, up) in made.lora.items()}
    return write_adapter(folder / "wrong.gguf", lora, 8.0)


def wrong_rank(folder: Path, made: Made) -> Path:
    lora = {name: (down[:2], up) for name, (down, up) in made.lora.items()}
    return write_adapter(folder / "wrong.gguf", lora, 8.0)


def wrong_layers(folder: Path, made: Made) -> Path:
    lora = made.lora | {"7.mlp.up_proj": made.lora["0.mlp.up_proj"]}
    return write_adapter(folder / "wrong.gguf", lora, 8.0)


def no_adapter(folder: Path, made: Made) -> Path:
    return Path(shutil.copy(made.parts[0], folder / "wrong.gguf"))


def cut_off(folder: Path, made: Made) -> Path:
    path = write_adapter(folder / "wrong.gguf", made.lora, 8.0)
    path.write_bytes(path.read_bytes()[:300])
    return path


def woken(folder: Path, made: Made) -> Path:
    path = folder / "wrong.gguf"
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", made.alpha)
    writer.add_array("adapter.alora.invocation_tokens", [1, 2])
    writer.add_tensor("blk.0.attn_q.weight.lora_a", made.lora["0.self_attn.q_proj"][0])
    writer.add_tensor("blk.0.attn_q.weight.lora_b", made.lora["0.self_attn.q_proj"][1])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def half_only(folder: Path, made: Made) -> Path:
    path = write_adapter(folder / "wrong.gguf", made.lora, 8.0)
    path.write_bytes(path.read_bytes().replace(b"blk.0.attn_q.weight.lora_b", b"blk.9.attn_q.weight.lora_b"))
    return path


WRONG: dict[str, tuple[Callable[[Path, Made], Path], str]] = {
    "architecture": (wrong_architecture, "'llama', but .*'qwen2'"),
    "kind": (wrong_kind, "no LoRA adapter .*'ia3'"),
    "width": (wrong_width, "of shape 96×64, but in .* it has 64×64: it is of another backbone"),
    "rank": (wrong_rank, "have rank 2 and 4"),
    "woken": (woken, r"counts from a phrase on only \(aLoRA\)"),
    "half": (half_only, r"needs two matrices, \.lora_a and \.lora_b"),
    "layers": (wrong_layers, "'blk.7.ffn_up.weight', which .* does not have"),
    "no adapter": (no_adapter, "no LoRA adapter"),
    "cut off": (cut_off, "header ends early"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_adapter_of_another_backbone_is_refused(what: str, small: Made, tmp_path: Path) -> None:
    """Before anything is written, with the adapter's name, and the backbone's where it matters."""
    write, words = WRONG[what]
    adapter = write(tmp_path, small)
    with pytest.raises(ModelError, match=words) as caught:
        import_model(*small.parts, read_card(small.card), tmp_path / "models", adapter=adapter, name="mine")
    assert str(adapter.resolve()) in str(caught.value)
    if what not in {"kind", "no adapter", "cut off"}:
        assert str(small.parts[0].resolve()) in str(caught.value)
    assert not list((tmp_path / "models").glob("mine*"))


def test_the_engine_refuses_a_foreign_adapter(small: Made, tmp_path: Path) -> None:
    """A card that was written by hand and names another model's adapter: an error with both files, not a crash."""
    adapter = wrong_width(tmp_path, small)
    card, folder = read_card(small.card), small.card.parent
    assert card.files is not None
    shutil.copytree(folder, tmp_path / "hand")
    shutil.copy(adapter, tmp_path / "hand" / "a.gguf")
    from stepcheck.hub.disk.hashes import hash_file
    from stepcheck.prm.card import render_card

    files = msgspec.structs.replace(card.files, adapter="a.gguf", adapter_sha256=hash_file(adapter))
    path = tmp_path / "hand" / "m.toml"
    path.write_text(render_card(msgspec.structs.replace(card, files=files)), encoding="utf-8")
    with Checker(path) as checker, pytest.raises(LoadError, match=r"a\.gguf: is no adapter of .*m\.gguf") as caught:
        checker.check(Document("1 + 1?", (Step("2."),)))
    assert "gave no reason" not in str(caught.value)


def test_a_card_names_an_adapter_with_its_hash(small: Made, tmp_path: Path) -> None:
    """One without the other, and an adapter that nothing would apply, are refused with the key; without one, none."""
    card = read_card(small.card)
    assert "adapter" not in small.card.read_text(encoding="utf-8")
    assert isinstance(card, ModelCard)
    path = tmp_path / "m.toml"
    text = small.card.read_text(encoding="utf-8")
    path.write_text(text.replace("[files]\n", '[files]\nadapter = "a.gguf"\n'), encoding="utf-8")
    with pytest.raises(CardError, match="'adapter_sha256' go together"):
        read_card(path)
    both = f'[files]\nadapter = "a.gguf"\nadapter_sha256 = "{"0" * 64}"\n'
    ratio = text.replace("[files]\n", both).replace('kind = "mlp"', 'kind = "log_ratio"')
    path.write_text(ratio, encoding="utf-8")
    with pytest.raises(CardError, match=r"'files\.adapter' is for a head that reads hidden states"):
        read_card(path)
    with pytest.raises(ValueError, match="go together"):
        Files(backbone="b", backbone_sha256="0" * 64, head="h", head_sha256="0" * 64, adapter="a")
