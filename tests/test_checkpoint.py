"""Reading checkpoint folders: whatever is wrong with one is said with file and key or tensor."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import find_tensors
from stepcheck.hub.checkpoint.shape import read_shape
from stepcheck.hub.checkpoint.tokenizer import TokenType, read_tokenizer
from stepcheck.hub.convert import QWEN_TEMPLATE, convert
from stepcheck.hub.gguf.quantize import WeightType
from tests import checkpoints
from tests.checkpoints import Spec

SMALL = Spec(layers=1, hidden=16, heads=2, kv_heads=1, feed_forward=32)


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file in place."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def refused(folder: Path) -> str:
    """Convert, expect a refusal with nothing left behind, and return its message."""
    target = folder.parent / "target"
    with pytest.raises(CheckpointError) as caught:
        convert(folder, target, weight_type=WeightType.F32)
    assert not target.exists() or list(target.iterdir()) == [], "something half-written was left"
    return str(caught.value)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_tensors_read_back_exactly(dtype: str, shards: int, tmp_path: Path) -> None:
    """Every tensor comes back with the numbers that were written, in slabs of any size, from one shard or three."""
    spec = Spec(layers=2, dtype=dtype, shards=shards)
    folder = checkpoints.write(tmp_path / "c", spec)
    tensors = find_tensors(folder)
    written = checkpoints.weights(spec, read_shape(folder).vocab)
    assert tensors.keys() == written.keys()
    for name, expected in written.items():
        for most in (1, 1000, 1 << 23):
            slabs = list(tensors[name].rows(most))
            assert all(slab.size <= max(most, expected.shape[-1]) for slab in slabs)
            assert np.array_equal(np.concatenate(slabs).reshape(expected.shape), expected), name


def test_the_other_place_of_rope_theta_is_read(tmp_path: Path) -> None:
    """Version 5 of transformers writes `rope_parameters`; both ways give the same base."""
    folder = checkpoints.write(tmp_path / "c", SMALL)

    def move(config: dict[str, Any]) -> None:
        del config["rope_theta"]
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": 500000.0}

    edit(folder / "config.json", move)
    assert read_shape(folder).rope_theta == 500000.0


CONFIGS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "architecture": (lambda c: c.update(architectures=["Qwen4ForCausalLM"]), "architecture Qwen4ForCausalLM"),
    "biases": (
        lambda c: c.update(architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=True),
        "attention_bias and mlp_bias are not converted",
    ),
    "llama rope": (
        lambda c: c.update(rope_scaling={"rope_type": "llama3", "factor": 8.0}),
        "key 'rope_scaling': scaled rotary positions ('llama3')",
    ),
    "llama rope key": (
        lambda c: c.update(model_type="llama", rope_scaling={"rope_type": "llama3", "factor": 8.0}),
        "key 'low_freq_factor' is missing",
    ),
    "no architecture": (lambda c: c.pop("architectures"), "architecture None"),
    "model_type": (lambda c: c.update(model_type="qwen3_moe"), "of type qwen3_moe"),
    "head width": (lambda c: c.update(model_type="qwen3"), "key 'head_dim' is missing"),
    "odd head width": (lambda c: c.update(model_type="qwen3", head_dim=7), "the width of a head, 7, is odd"),
    "qwen3 with biases": (
        lambda c: c.update(model_type="qwen3", head_dim=8, attention_bias=True),
        "attention_bias and mlp_bias are not converted",
    ),
    "missing": (lambda c: c.pop("hidden_size"), "key 'hidden_size' is missing"),
    "text": (lambda c: c.update(num_hidden_layers="2"), "key 'num_hidden_layers': expected a positive whole number"),
    "true": (lambda c: c.update(num_attention_heads=True), "key 'num_attention_heads'"),
    "zero": (lambda c: c.update(vocab_size=0), "key 'vocab_size'"),
    "endless layers": (lambda c: c.update(num_hidden_layers=2**31 - 1), "key 'num_hidden_layers'"),
    "endless vocabulary": (lambda c: c.update(vocab_size=2**30), "key 'vocab_size'"),
    "eps": (lambda c: c.update(rms_norm_eps=None), "key 'rms_norm_eps': expected a positive number"),
    "heads": (lambda c: c.update(num_attention_heads=3), "no multiple of the 3 heads"),
    "kv heads": (
        lambda c: c.update(num_attention_heads=4, num_key_value_heads=3),
        "no multiple of the 3 key-value heads",
    ),
    "head_dim": (lambda c: c.update(head_dim=99), "head_dim is 99"),
    "activation": (lambda c: c.update(hidden_act="gelu"), "hidden_act is 'gelu'"),
    "window": (lambda c: c.update(use_sliding_window=True), "sliding-window"),
    "yarn": (lambda c: c.update(rope_scaling={"type": "yarn", "factor": 4.0}), "key 'rope_scaling'"),
    "rope": (lambda c: c.update(rope_scaling=[1]), "key 'rope_scaling': expected an object"),
    "layers": (lambda c: c.update(num_hidden_layers=2), "tensor model.layers.1."),
    "width": (lambda c: c.update(intermediate_size=64), "has shape [32, 16], expected [64, 16]"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_that_does_not_fit_is_refused(case: str, tmp_path: Path) -> None:
    """A key that is missing, of the wrong kind or of an unknown feature: the message names it, and the file."""
    change, expected = CONFIGS[case]
    folder = checkpoints.write(tmp_path / "c", SMALL)
    edit(folder / "config.json", change)
    message = refused(folder)
    assert expected in message
    assert str(folder) in message


def add(tokenizer: dict[str, Any], count: int) -> None:
    """Append added tokens with the next ids."""
    first = tokenizer["added_tokens"][-1]["id"] + 1
    tokenizer["added_tokens"] += [checkpoints.special(first + i, f"<new{i}>") for i in range(count)]


TOKENIZERS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no mark": (lambda t: t["added_tokens"].pop(), "the mark '<extra_0>' is not one token"),
    "no turn": (lambda t: t["added_tokens"][1].update(content="<turn>"), "'<|im_start|>' is not one token"),
    "unigram": (lambda t: t["model"].update(type="Unigram"), "key 'model': only byte-level BPE"),
    "byte fallback": (lambda t: t["model"].update(byte_fallback=True), "key 'normalizer': cannot be repeated"),
    "ignore merges": (lambda t: t["model"].update(ignore_merges=True), "key 'model.ignore_merges'"),
    "vocab": (lambda t: t["model"].update(vocab=[]), "key 'model.vocab'"),
    "merge": (lambda t: t["model"]["merges"].append("a b c"), "key 'model.merges': number"),
    "merge of strangers": (lambda t: t["model"]["merges"].append(["zq", "qz"]), "key 'model.merges': number"),
    "two ids": (lambda t: t["added_tokens"].append(checkpoints.special(9000, "a")), "token 'a' has two ids"),
    "one id twice": (
        lambda t: t["model"]["vocab"].update({t["added_tokens"].pop(0)["content"]: 5}),
        "id 5 belongs to two",
    ),
    "id taken": (lambda t: t["added_tokens"].append(checkpoints.special(5, "<new>")), "'<new>' has id 5, but"),
    "gap": (lambda t: t["added_tokens"][-1].update(id=t["added_tokens"][-1]["id"] + 1), "'<extra_0>' has id"),
    "beyond the embedding": (lambda t: add(t, SMALL.spare + 1), "but config.json's vocab_size is"),
    "added": (lambda t: t["added_tokens"].append({"id": "x", "content": "y"}), "key 'added_tokens'"),
    "strip": (lambda t: t["added_tokens"][0].update(lstrip=True), "'lstrip' cannot be repeated"),
    "pre-tokenizer": (lambda t: t.update(pre_tokenizer={"type": "Whitespace"}), "key 'pre_tokenizer'"),
    "no pre-tokenizer": (lambda t: t.update(pre_tokenizer=None), "key 'pre_tokenizer'"),
    "other rule": (
        lambda t: t["pre_tokenizer"]["pretokenizers"][0]["pattern"].update(Regex=r"\p{N}{1,3}|."),
        "key 'pre_tokenizer'",
    ),
    "prefix space": (
        lambda t: t.update(pre_tokenizer=checkpoints.byte_level(regex=True) | {"add_prefix_space": True}),
        "key 'pre_tokenizer'",
    ),
    "normalizer": (lambda t: t.update(normalizer={"type": "Lowercase"}), "key 'normalizer'"),
}


@pytest.mark.parametrize("case", TOKENIZERS)
def test_a_tokenizer_that_llama_cpp_cannot_repeat_is_refused(case: str, tmp_path: Path) -> None:
    """A tokenizer that is only nearly right would score at random: it is refused by name."""
    change, expected = TOKENIZERS[case]
    folder = checkpoints.write(tmp_path / "c", SMALL)
    edit(folder / "tokenizer.json", change)
    message = refused(folder)
    assert expected in message
    assert str(folder / "tokenizer.json") in message


def test_ids_without_a_token_become_unused_tokens(tmp_path: Path) -> None:
    """Rows beyond the tokenizer are filled as `[PADn]`, unless a real token has that name; types follow the file."""
    tokenizer = checkpoints.small_tokenizer(merges=10)
    count = len(tokenizer["model"]["vocab"]) + 4
    plain = checkpoints.special(count, "<think>") | {"special": False}
    tokenizer["added_tokens"] += [plain, checkpoints.special(count + 1, f"[PAD{count + 2}]")]
    folder = checkpoints.write(tmp_path / "c", SMALL, tokenizer)
    read = read_tokenizer(folder, count + 4, QWEN_TEMPLATE)
    assert read.tokens[count:] == ["<think>", f"[PAD{count + 2}]", f"[[PAD{count + 2}]]", f"[PAD{count + 3}]"]
    control, unused = TokenType.CONTROL, TokenType.UNUSED
    assert read.types[count:] == [TokenType.USER_DEFINED, control, unused, unused]
    assert read.types[count - 4 : count] == [control] * 4
    assert set(read.types[: count - 4]) == {TokenType.NORMAL}


def test_a_mark_that_is_not_called_special_is_still_kept_out_of_plain_text(tmp_path: Path) -> None:
    """USER_DEFINED tokens are found in plain text, so the mark and the turns are CONTROL, whatever the file says."""
    folder = checkpoints.write(tmp_path / "c", SMALL)
    edit(folder / "tokenizer.json", lambda t: [entry.update(special=False) for entry in t["added_tokens"]])
    read = read_tokenizer(folder, read_shape(folder).vocab, QWEN_TEMPLATE)
    types = dict(zip(read.tokens, read.types, strict=True))
    assert [types[text] for text in checkpoints.SPECIALS[1:]] == [TokenType.CONTROL] * 3


def test_both_ways_of_writing_merges_are_read(tmp_path: Path) -> None:
    """`"a b"` and `["a", "b"]` are the same merge."""
    read = []
    for pairs in (False, True):
        folder = checkpoints.write(tmp_path / str(pairs), SMALL, checkpoints.small_tokenizer(pairs=pairs))
        read.append(read_tokenizer(folder, read_shape(folder).vocab, QWEN_TEMPLATE).merges)
    assert read[0] == read[1]
    assert len(read[0]) > 100


def test_special_ids_by_name_and_by_number(tmp_path: Path) -> None:
    """bos, eos and pad come from tokenizer_config.json's names, else config.json's ids; nonsense is none."""
    folder = checkpoints.write(tmp_path / "c", SMALL)
    vocab = read_shape(folder).vocab
    edit(folder / "config.json", lambda c: c.update(bos_token_id=10**9, eos_token_id=[7, 8], pad_token_id=3))
    assert _ids(folder, vocab) == (None, 7, 3)
    names = {"bos_token": None, "eos_token": {"content": "<|im_end|>"}, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    first = vocab - SMALL.spare - 4
    assert _ids(folder, vocab) == (None, first + 2, first)


def _ids(folder: Path, vocab: int) -> tuple[int | None, int | None, int | None]:
    read = read_tokenizer(folder, vocab, QWEN_TEMPLATE)
    return read.bos, read.eos, read.pad


def break_header(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a safetensors header, keeping the data where it is."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])


SHARDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda p: p.write_bytes(b""), "no whole safetensors header"),
    "five bytes": (lambda p: p.write_bytes(b"12345"), "no whole safetensors header"),
    "huge header": (lambda p: p.write_bytes(b"\xff" * 100), "no whole safetensors header"),
    "not JSON": (lambda p: p.write_bytes(struct.pack("<Q", 8) + b"deadbeef"), "header is malformed"),
    "a list": (lambda p: p.write_bytes(struct.pack("<Q", 2) + b"[]"), "header is malformed"),
    "deep": (lambda p: p.write_bytes(struct.pack("<Q", 200_000) + b"[" * 200_000), "header is malformed"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-100]), "broken or truncated"),
    "one byte short": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "broken or truncated"),
    "longer": (lambda p: p.write_bytes(p.read_bytes() + b"x"), "broken or truncated"),
    "missing": (lambda p: break_header(p, lambda h: h.pop("model.norm.weight")), "does not start where"),
    "no offsets": (lambda p: break_header(p, lambda h: h["score.0.bias"].pop("data_offsets")), "header is malformed"),
    "negative": (lambda p: break_header(p, lambda h: h["score.0.bias"].update(shape=[-16])), "header is malformed"),
    "other shape": (lambda p: break_header(p, lambda h: h["score.0.bias"].update(shape=[17])), "takes 34 bytes"),
    "no head": (lambda p: break_header(p, lambda h: h.update({"x": h.pop("score.2.bias")})), "score.2.bias is missing"),
    "stranger": (
        lambda p: break_header(p, lambda h: h.update({"model.layers.0.q_norm.weight": h.pop("lm_head.weight")})),
        "tensor model.layers.0.q_norm.weight has no place",
    ),
    "type": (lambda p: break_header(p, lambda h: h["model.norm.weight"].update(dtype="I16")), "has type I16"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHARDS)
def test_a_broken_shard_is_refused(case: str, tmp_path: Path) -> None:
    """Truncated, padded or malformed files are found by their sizes before anything is written."""
    break_it, expected = SHARDS[case]
    folder = checkpoints.write(tmp_path / "c", SMALL)
    break_it(folder / "model.safetensors")
    message = refused(folder)
    assert expected in message
    assert str(folder) in message


INDEXES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing shard": (lambda f: (f / "model-00002-of-00003.safetensors").unlink(), "model-00002-of-00003.safetensors"),
    "no map": (lambda f: edit(f / "model.safetensors.index.json", lambda i: i.clear()), "key 'weight_map'"),
    "elsewhere": (
        lambda f: edit(f / "model.safetensors.index.json", lambda i: i["weight_map"].update(x="../../etc/passwd")),
        "is not the name of a file in this folder",
    ),
    "misplaced": (
        lambda f: edit(
            f / "model.safetensors.index.json",
            lambda i: i["weight_map"].update({"model.norm.weight": i["weight_map"]["score.0.weight"]}),
        ),
        "tensor model.norm.weight is not in",
    ),
    "not JSON": (lambda f: (f / "model.safetensors.index.json").write_text("{"), "not a JSON file"),
}


@pytest.mark.parametrize("case", INDEXES)
def test_an_index_that_disagrees_with_its_shards_is_refused(case: str, tmp_path: Path) -> None:
    """A shard that is not there, a tensor that is not in it, a path out of the folder: named, with the index."""
    break_it, expected = INDEXES[case]
    folder = checkpoints.write(
        tmp_path / "c", Spec(layers=1, hidden=16, heads=2, kv_heads=1, feed_forward=32, shards=3)
    )
    break_it(folder)
    message = refused(folder)
    assert expected in message
    assert "model.safetensors.index.json" in message


@pytest.mark.parametrize("name", ["score.0.weight", "model.layers.0.mlp.up_proj.weight", "model.norm.weight"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(name: str, value: float, tmp_path: Path) -> None:
    """NaN or infinity in the head or the backbone: file and tensor are named, nothing is left behind."""
    spec = Spec(layers=1, hidden=16, heads=2, kv_heads=1, feed_forward=32, dtype="F32")
    folder = checkpoints.write(tmp_path / "c", spec)
    tensors = checkpoints.weights(spec, read_shape(folder).vocab)
    tensors[name] = tensors[name].copy()
    tensors[name].flat[1] = value
    checkpoints.write_safetensors(folder / "model.safetensors", tensors, "F32")
    message = refused(folder)
    assert f"{folder / 'model.safetensors'}: tensor {name}: holds NaN or infinite weights" in message


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    """A folder without one of its files, and a folder that is not there at all."""
    folder = checkpoints.write(tmp_path / "c", SMALL)
    (folder / name).unlink()
    assert name in refused(folder)
    with pytest.raises(CheckpointError, match=r"config\.json: cannot be read"):
        convert(tmp_path / "nowhere", tmp_path / "target", weight_type=WeightType.F32)
