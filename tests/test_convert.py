"""Converting a checkpoint: what comes out, and that it comes out whole or not at all."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from stepcheck.errors import CheckpointError, ModelError
from stepcheck.hub.checkpoint.shape import read_shape
from stepcheck.hub.convert import QWEN_TEMPLATE, convert
from stepcheck.hub.disk.store import builtin_dir, find, verify
from stepcheck.hub.gguf import backbone
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import Template, read_card
from tests import checkpoints, pickles
from tests.checkpoints import Spec

EXACT = [WeightType.F32, WeightType.F16, WeightType.BF16]


def read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Return a GGUF's fields and its tensors as float32."""
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape(t.shape[::-1]) for t in reader.tensors}
    return fields, tensors


@pytest.mark.parametrize("spec", [Spec(), Spec(tied=True, dtype="F16", shards=3), Spec(prefix="", dtype="F32")])
def test_exact_types_keep_every_weight(spec: Spec, tmp_path: Path) -> None:
    """f32, f16 and bf16 files hold the checkpoint's numbers under their GGUF names; the unused lm_head is left out."""
    source = checkpoints.write(tmp_path / "c", spec)
    shape = read_shape(source)
    written = checkpoints.weights(spec, shape.vocab)
    for weight_type in EXACT:
        card = convert(source, tmp_path, weight_type=weight_type)
        _, tensors = read(card.with_suffix(".gguf"))
        assert len(tensors) == 2 + 12 * spec.layers
        for name, (origin, _) in backbone.layout(shape).items():
            assert np.array_equal(tensors[name], written[spec.prefix + origin]), (weight_type, name)


def test_the_file_says_what_the_checkpoint_says(tmp_path: Path) -> None:
    """Shape, eps, rope, context and tokenizer stand in the GGUF; nothing is put before a prompt unseen."""
    spec = Spec(seed=3, eps=3e-6, rope_theta=7e5, context=777)
    tokenizer = checkpoints.small_tokenizer("gpt-2", pairs=True)
    card = convert(checkpoints.write(tmp_path / "c", spec, tokenizer), tmp_path, weight_type=WeightType.Q8_0, name="m")
    fields, tensors = read(card.with_suffix(".gguf"))
    expected = {
        "general.architecture": "qwen2",
        "general.name": "m",
        "general.file_type": 7,
        "qwen2.embedding_length": 64,
        "qwen2.block_count": 3,
        "qwen2.feed_forward_length": 96,
        "qwen2.attention.head_count": 4,
        "qwen2.attention.head_count_kv": 2,
        "qwen2.context_length": 777,
        "qwen2.rope.freq_base": 7e5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.merges": [" ".join(pair) for pair in tokenizer["model"]["merges"]],
    }
    assert {name: fields[name] for name in expected} == expected
    assert fields["qwen2.attention.layer_norm_rms_epsilon"] == pytest.approx(3e-6)
    tokens = fields["tokenizer.ggml.tokens"]
    assert len(tokens) == len(tensors["token_embd.weight"]) == len(fields["tokenizer.ggml.token_type"])
    assert tokens[-spec.spare - 1] == "<extra_0>"
    assert fields["tokenizer.ggml.token_type"][-spec.spare - 1] == gguf.TokenType.CONTROL


def test_the_head_is_beside_it_in_float32(tmp_path: Path) -> None:
    """The head holds the four score tensors as they were."""
    spec = Spec(seed=4)
    source = checkpoints.write(tmp_path / "c", spec)
    card = convert(source, tmp_path, weight_type=WeightType.Q4_0)
    head = load_file(card.with_suffix("").with_suffix(".head.safetensors"))
    written = checkpoints.weights(spec, read_shape(source).vocab)
    assert sorted(head) == ["score.0.bias", "score.0.weight", "score.2.bias", "score.2.weight"]
    for name, tensor in head.items():
        assert tensor.dtype == np.float32
        assert np.array_equal(tensor, written[name])


def test_the_card_names_files_hashes_and_template(tmp_path: Path) -> None:
    """The card can be found and verified, and carries the tokenizer's normalization and the type."""
    source = checkpoints.write(tmp_path / "My model!", Spec())
    path = convert(source, tmp_path / "out", weight_type=WeightType.Q5_K_M)
    assert path.name == "My-model-q5_k_m.toml"
    card = read_card(path)
    assert card.files is not None
    for name, expected in (
        (card.files.backbone, card.files.backbone_sha256),
        (card.files.head, card.files.head_sha256),
    ):
        assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == expected
    assert (card.weight_type, card.context, card.template.mark) == ("q5_k_m", 2048, "<extra_0>")
    assert card.template.normalization == "nfc"
    assert card.template.before_problem == QWEN_TEMPLATE.before_problem
    verify(find(str(path)))
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "My-model-q5_k_m.gguf",
        "My-model-q5_k_m.head.safetensors",
        "My-model-q5_k_m.toml",
    ]


def test_a_card_lends_what_weights_do_not_say(tmp_path: Path) -> None:
    """Title, licence, threshold, notice and template come from the card given; files, type and name do not."""
    source = checkpoints.write(tmp_path / "c", Spec(context=512))
    lent = read_card(builtin_dir() / "qwen2.5-math-prm-7b.toml")
    made = read_card(convert(source, tmp_path, weight_type=WeightType.Q8_0, name="mine", card=lent))
    assert (made.title, made.licence, made.threshold_source) == (lent.title, lent.licence, lent.threshold_source)
    assert (made.name, made.weight_type, made.context) == ("mine", "q8_0", 512)
    own = Template(before_problem="<|im_start|>user\n", after_problem="<|im_end|>\n", mark="<extra_0>")
    made = read_card(convert(source, tmp_path, weight_type=WeightType.Q8_0, name="other", card=lent, template=own))
    assert made.template.before_problem == "<|im_start|>user\n"


def test_a_model_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """A second conversion to the same name is refused and changes nothing, unless forced."""
    card = convert(checkpoints.write(tmp_path / "c", Spec()), tmp_path / "out", weight_type=WeightType.Q8_0, name="m")
    before = {file: file.read_bytes() for file in card.parent.iterdir()}
    other = checkpoints.write(tmp_path / "d", Spec(seed=9))
    with pytest.raises(ModelError, match=r"is there already; .*--force"):
        convert(other, tmp_path / "out", weight_type=WeightType.Q8_0, name="m")
    assert {file: file.read_bytes() for file in card.parent.iterdir()} == before
    convert(other, tmp_path / "out", weight_type=WeightType.Q8_0, name="m", force=True)
    assert card.with_suffix(".gguf").read_bytes() != before[card.with_suffix(".gguf")]
    verify(find(str(card)))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_an_interrupted_conversion_leaves_nothing(error: Any, tmp_path: Path) -> None:
    """Ctrl-C, no memory, a full disk in the middle of the weights: the target is as it was before."""
    source = checkpoints.write(tmp_path / "c", Spec())
    target = tmp_path / "out"

    def stop(done: int, total: int) -> None:
        if 2 * done > total:
            raise error

    with pytest.raises((KeyboardInterrupt, MemoryError, ModelError)) as caught:
        convert(source, target, weight_type=WeightType.Q8_0, on_progress=stop)
    assert list(target.iterdir()) == []
    if isinstance(error, OSError):
        assert "No space left on device" in str(caught.value)
    convert(source, target, weight_type=WeightType.Q8_0)
    assert len(list(target.iterdir())) == 3


def test_a_failure_at_the_last_moment_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one of the three files cannot be moved into place, those already moved go again."""
    moves: list[Path] = []
    real = Path.replace

    def fail_at_third(self: Path, target: Path) -> Path:
        moves.append(self)
        if len(moves) == 3:
            raise OSError(13, "Permission denied")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_third)
    with pytest.raises(ModelError, match="Permission denied"):
        convert(checkpoints.write(tmp_path / "c", Spec()), tmp_path / "out", weight_type=WeightType.Q8_0)
    assert list((tmp_path / "out").iterdir()) == []


def test_two_conversions_do_not_write_into_each_other(tmp_path: Path) -> None:
    """While one runs, a second to the same name is refused; a folder left by a killed one is cleared by force."""
    source = checkpoints.write(tmp_path / "c", Spec())

    def second(_done: int, _total: int) -> None:
        with pytest.raises(ModelError, match="another conversion is writing there"):
            convert(source, tmp_path / "out", weight_type=WeightType.Q8_0, name="m")

    convert(source, tmp_path / "out", weight_type=WeightType.Q8_0, name="m", on_progress=second)
    (tmp_path / "out" / ".converting-n").mkdir()
    convert(source, tmp_path / "out", weight_type=WeightType.Q8_0, name="n", force=True)
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_progress_counts_every_weight_once(tmp_path: Path) -> None:
    """Progress rises to the total and ends there."""
    heard: list[tuple[int, int]] = []
    convert(
        checkpoints.write(tmp_path / "c", Spec()),
        tmp_path / "out",
        weight_type=WeightType.Q8_0,
        on_progress=lambda done, total: heard.append((done, total)),
    )
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert heard[-1][0] == heard[-1][1]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "C:x", "a b"])
def test_a_name_that_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    """Names become file names, so they are letters, digits and . _ - only, and never lead elsewhere."""
    source = checkpoints.write(tmp_path / "c", Spec())
    with pytest.raises(ModelError, match="cannot name a model"):
        convert(source, tmp_path / "out", weight_type=WeightType.Q8_0, name=name)
    assert not (tmp_path / "out").exists()


def test_weights_too_large_for_f16_name_their_tensor(tmp_path: Path) -> None:
    """A weight of 70,000 cannot be a float16: the tensor is named, nothing is written."""
    spec = Spec(layers=1, dtype="F32")
    source = checkpoints.write(tmp_path / "c", spec)
    tensors = checkpoints.weights(spec, read_shape(source).vocab)
    tensors["model.layers.0.mlp.up_proj.weight"][3, 5] = 70_000
    checkpoints.write_safetensors(source / "model.safetensors", tensors, "F32")
    with pytest.raises(CheckpointError, match=r"model\.layers\.0\.mlp\.up_proj\.weight: its weights do not fit"):
        convert(source, tmp_path / "out", weight_type=WeightType.F16)
    assert list((tmp_path / "out").iterdir()) == []


PEAK = """
import json, sys
sys.path.insert(0, sys.argv[4])
from pathlib import Path
from tests.memory import peak
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import Quantizer, WeightType
import gguf, safetensors.numpy
Quantizer()
before = peak()
convert(Path(sys.argv[1]), Path(sys.argv[2]), weight_type=WeightType(sys.argv[3]))
print(json.dumps([before, peak()]))
"""


def peak(source: Path, target: Path, weight_type: str) -> tuple[int, int]:
    """Convert in a process of its own; return its peak memory before and after, in bytes."""
    pytest.importorskip("resource", reason="peak memory is read through POSIX")
    command: list[str | Path] = [sys.executable, "-c", PEAK, source, target, weight_type, Path(__file__).parents[1]]
    out = subprocess.run(command, check=True, capture_output=True)
    before, after = json.loads(out.stdout)
    return before, after


def write_large(folder: Path, *, hidden: int, layers: int, vocab: int) -> int:
    """Write a float16 checkpoint of random bytes, tensor by tensor; return its size in bytes."""
    tokenizer = checkpoints.small_tokenizer()
    texts = tokenizer["model"]["vocab"]
    spec = Spec(
        hidden=hidden, layers=layers, heads=8, kv_heads=8, feed_forward=4 * hidden, spare=vocab - len(texts) - 4
    )
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(checkpoints.config(spec, vocab)), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    shape = read_shape(folder)
    shapes = {f"model.{origin}": dims for origin, dims in backbone.layout(shape).values()}
    shapes |= {"score.0.weight": (hidden, hidden), "score.0.bias": (hidden,), "score.2.weight": (2, hidden)}
    shapes |= {"score.2.bias": (2,)}
    header, end = {}, 0
    for name, dims in shapes.items():
        size = 2 * int(np.prod(dims))
        header[name] = {"dtype": "F16", "shape": dims, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    block = (np.random.Generator(np.random.PCG64(1)).standard_normal(1 << 20) / 64).astype("<f2").tobytes()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, end, len(block)):
            file.write(block[: end - start])
    return end


@pytest.mark.parametrize("stored", ["safetensors", "pickled"])
def test_memory_does_not_grow_with_the_checkpoint(stored: str, tmp_path: Path) -> None:
    """A checkpoint of 120 MB, half of it one matrix, takes less than 80 MB above what the libraries take."""
    size = write_large(tmp_path / "c", hidden=512, layers=6, vocab=64_000)
    if stored == "pickled":
        pickles.repack(tmp_path / "c")
    before, after = peak(tmp_path / "c", tmp_path / "out", "q8_0")
    sys.stdout.write(
        f"{size / 1e6:.0f} MB checkpoint: peak {after / 1e6:.0f} MB, {(after - before) / 1e6:.0f} MB of it added\n"
    )
    assert size > 90e6
    assert after - before < 80e6


@pytest.mark.soak
@pytest.mark.parametrize("weight_type", ["q8_0", "q4_k_m", "bf16"])
def test_memory_stays_under_two_gigabytes(weight_type: str, tmp_path: Path) -> None:
    """A checkpoint of 1.7 GB whose largest tensor has 310 MB: peak under 2 GB + that, and far under the file."""
    size = write_large(tmp_path / "c", hidden=1024, layers=40, vocab=151_936)
    before, after = peak(tmp_path / "c", tmp_path / "out", weight_type)
    sys.stdout.write(
        f"{weight_type}: {size / 1e6:.0f} MB checkpoint, peak {after / 1e6:.0f} MB, before {before / 1e6:.0f}\n"
    )
    assert size > 1.6e9
    assert after < 0.4e9
