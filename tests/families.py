"""Random checkpoints of the other families, with the families' own tensor names, tokenizers and prompts.

Each is written as a Hugging Face folder, so that transformers reads it as it would read the real one.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck.prm.card import ModelCard, Readout, Template
from tests import checkpoints
from tests.checkpoints import Spec

LLAMA3_RULE = checkpoints.QWEN2_RULE.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
LLAMA3_SPECIALS = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
"""Llama 3.1's, with an original context short enough that all three kinds of frequencies occur in a head of 16."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a checkpoint of a family is like: `outputs` rows of its head under `head`, none for token pairs."""

    architecture: str
    model_type: str
    card: str
    """The shipped card's file."""
    head: tuple[str, ...] = ()
    outputs: int = 0
    more: tuple[tuple[str, Any], ...] = ()


FAMILIES = {
    "skywork": Family(
        "Qwen2ForPrmModel",
        "qwen2",
        "skywork-o1-open-prm-qwen-2.5-1.5b.toml",
        ("v_head.summary.weight", "v_head.summary.bias"),
        1,
    ),
    "pure": Family("Qwen2ForTokenClassification", "qwen2", "pure-prm-7b.toml", ("score.weight", "score.bias"), 2),
    "trl": Family(
        "Qwen2ForTokenClassification",
        "qwen2",
        "qwen2.5-math-1.5b-instruct-prm-0.2.toml",
        ("score.weight", "score.bias"),
        2,
    ),
    "scan": Family("Qwen2ForTokenClassification", "qwen2", "scan-prm-7b.toml", ("score.weight", "score.bias"), 1),
    "actprm": Family("Qwen2ForEnsemblePRM", "qwen2", "actprm.toml", ("ensemble",), 1),
    "fover-qwen": Family("Qwen2ForCausalLM", "qwen2", "fover-qwen2.5-7b.toml"),
    "qwen3": Family(
        "Qwen3ForProcessRewardModel", "qwen3", "qwen2.5-math-prm-7b.toml", ("qwen",), 2, (("head_dim", 24),)
    ),
    "one label": Family("Qwen2ForSequenceClassification", "qwen2", "", ("score.weight",), 1),
    "outcome": Family("Qwen2ForRewardModel", "qwen2", "qwen2.5-math-rm-72b.toml", ("mlp",), 1),
    "eurus": Family("Qwen2ForCausalLM", "qwen2", "eurusprm-stage1.toml"),
    "math-shepherd": Family(
        "MistralForCausalLM",
        "mistral",
        "math-shepherd-mistral-7b-prm.toml",
        more=(("sliding_window", 4096), ("bos_token_id", 1), ("eos_token_id", 2)),
    ),
    "fover-llama": Family("LlamaForCausalLM", "llama", "fover-llama3.1-8b.toml", more=(("rope_scaling", LLAMA3_ROPE),)),
    "versaprm": Family("LlamaForCausalLM", "llama", "versaprm-base-8b.toml", more=(("rope_scaling", LLAMA3_ROPE),)),
    "rlhflow": Family(
        "LlamaForCausalLM", "llama", "rlhflow-llama3.1-8b-prm-deepseek.toml", more=(("rope_scaling", LLAMA3_ROPE),)
    ),
}


def write(folder: Path, name: str, spec: Spec) -> Path:
    """Write a family's checkpoint and return the folder."""
    family = FAMILIES[name]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_of(name)
    vocab = len(tokenizer["model"]["vocab"] | {entry["content"]: 0 for entry in tokenizer["added_tokens"]}) + spec.spare
    config = checkpoints.config(spec, vocab) | dict(family.more)
    config |= {"architectures": [family.architecture], "model_type": family.model_type}
    if family.outputs:
        config["num_labels"] = family.outputs
        config["id2label"] = {str(i): f"LABEL_{i}" for i in range(family.outputs)}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    checkpoints.write_safetensors(folder / "model.safetensors", weights(name, spec, vocab), spec.dtype)
    return folder


def weights(name: str, spec: Spec, vocab: int) -> dict[str, NDArray[np.float32]]:
    """The backbone of a Qwen2 checkpoint, less what Llama has not, and the family's head."""
    family = FAMILIES[name]
    tensors = checkpoints.weights(spec, vocab)
    if family.model_type != "qwen2":
        tensors = {key: value for key, value in tensors.items() if not key.endswith("_proj.bias")}
    score = {key: tensors.pop(key) for key in [key for key in tensors if key.startswith("score.")]}
    if family.model_type == "qwen3":
        tensors = qwen3(tensors, spec, 24)
    if family.head == ("qwen",):
        return tensors | score
    if family.head == ("mlp",):
        return tensors | score | {key: score[key][:1] for key in ("score.2.weight", "score.2.bias")}
    if family.head == ("ensemble",):
        return tensors | ensemble(spec)
    for key in family.head:
        part = "score.2.bias" if key.endswith("bias") else "score.2.weight"
        tensors[key] = score[part][: family.outputs]
    if family.model_type == "qwen2" and name not in ("skywork", "eurus", "fover-qwen"):
        tensors.pop("lm_head.weight", None)
    return tensors


def qwen3(tensors: dict[str, NDArray[np.float32]], spec: Spec, head: int) -> dict[str, NDArray[np.float32]]:
    """Heads of a width of their own, and a norm over each query and key."""
    rng = np.random.Generator(np.random.PCG64(spec.seed + 2))

    def exact(*shape: int) -> NDArray[np.float32]:
        return (np.clip(np.round(rng.standard_normal(shape) * 8), -31, 31) / 64).astype(np.float32)

    for i in range(spec.layers):
        place = f"{spec.prefix}layers.{i}.self_attn."
        for name, count in (("q", spec.heads), ("k", spec.kv_heads), ("v", spec.kv_heads)):
            tensors[f"{place}{name}_proj.weight"] = exact(count * head, spec.hidden)
        tensors[f"{place}o_proj.weight"] = exact(spec.hidden, spec.heads * head)
        tensors |= {f"{place}{name}_norm.weight": exact(head) + 1 for name in ("q", "k")}
    return tensors


def ensemble(spec: Spec, heads: int = 8, middle: int = 24) -> dict[str, NDArray[np.float32]]:
    """Eight small heads, and the copy of them that a checkpoint keeps for its loss."""
    rng = np.random.Generator(np.random.PCG64(spec.seed + 1))
    hidden = spec.hidden
    shapes = {"nn1": (hidden, middle), "nn2": (middle, middle), "nn_out": (middle, 1)}
    tensors: dict[str, NDArray[np.float32]] = {}
    for layer, (inner, outer) in shapes.items():
        scale = 2.0 ** np.round(np.log2(inner**-0.5 / 8))
        weight = np.round(rng.standard_normal((heads, inner, outer)) * 12) * scale
        tensors[f"score.model.{layer}.weight"] = weight.astype(np.float32)
        tensors[f"score.model.{layer}.bias"] = (np.round(rng.standard_normal((heads, outer)) * 8) / 32).astype(
            np.float32
        )
    return tensors | {key.replace(".model.", ".reg_model."): value for key, value in tensors.items()}


def tokenizer_of(name: str) -> dict[str, Any]:
    """The family's kind of tokenizer, small."""
    if FAMILIES[name].model_type == "mistral":
        return sentencepiece_tokenizer()
    tokenizer = llama3_tokenizer() if FAMILIES[name].model_type == "llama" else checkpoints.small_tokenizer()
    return with_words(tokenizer)


NEWLINES = (("Ċ", "Ċ"), ("ĊĊ", "ĊĊ"), ("Ġ", "ĊĊĊĊ"), (".", "ĊĊ"))
"""Two newlines and four, four behind a space, and two behind a full stop, as byte-level vocabularies have them."""


def with_words(tokenizer: dict[str, Any]) -> dict[str, Any]:
    """Add what readouts look for to a byte-level vocabulary, before the tokens that were added: words, newlines."""
    model = tokenizer["model"]
    vocab, merges = model["vocab"], model["merges"]
    letters = [(word[:i], word[i]) for word in ("correct", "incorrect") for i in range(1, len(word))]
    known = {merge.replace(" ", "") for merge in merges}
    for left, right in (*NEWLINES, *letters):
        vocab.setdefault(left + right, len(vocab))
        if left + right not in known:
            merges.append(f"{left} {right}")
            known.add(left + right)
    for number, entry in enumerate(tokenizer["added_tokens"]):
        entry["id"] = len(vocab) + number
    return tokenizer


def llama3_tokenizer() -> dict[str, Any]:
    """Llama 3's rule and turn markers over a small vocabulary, with a word that only `ignore_merges` finds whole."""
    tokenizer = checkpoints.small_tokenizer()
    model = tokenizer["model"]
    model["vocab"]["Ġwhitest"] = len(model["vocab"])
    model["ignore_merges"] = True
    tokenizer["normalizer"] = None
    tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = LLAMA3_RULE
    first = len(model["vocab"])
    tokenizer["added_tokens"] = [checkpoints.special(first + i, text) for i, text in enumerate(LLAMA3_SPECIALS)]
    return tokenizer


def sentencepiece_tokenizer() -> dict[str, Any]:
    """SentencePiece's BPE as transformers writes it for Mistral: specials, bytes, pieces by rank, characters."""
    texts = [part for problem, steps in checkpoints.TEXTS for part in (problem, *steps) if part.isascii()]
    letters = sorted({character for text in texts for character in text if character not in " \n"} | set("ки+-▁"))
    words = {word for text in texts for word in re.findall("[a-zA-Z]+", text)}
    starts = {f"▁{word}"[:end] for word in words for end in range(2, len(word) + 2)}
    pairs = {word[i : i + 2] for word in words for i in range(len(word) - 1)}
    pieces = ["▁▁", "▁▁▁▁", "ки", "▁ки", "▁+", "▁-", *sorted(pairs | starts, key=lambda text: (len(text), text))]
    pieces = [piece for piece in dict.fromkeys(pieces) if set(piece) <= set(letters)]
    kept: list[str] = []
    for piece in pieces:  # a piece that no two pieces make could never be reached
        known = {*kept, *letters}
        if any(piece[:cut] in known and piece[cut:] in known for cut in range(1, len(piece))):
            kept.append(piece)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *kept, *letters]
    vocab = {text: number for number, text in enumerate(tokens)}
    merges = [
        [piece[:cut], piece[cut:]]
        for piece in kept
        for cut in range(1, len(piece))
        if piece[:cut] in vocab and piece[cut:] in vocab
    ]
    return {
        "version": "1.0",
        "added_tokens": [checkpoints.special(number, text) for number, text in enumerate(tokens[:3])],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": merges,
        },
    }


def small_card(card: ModelCard, context: int) -> ModelCard:
    """A shipped card for a small model: the same prompt and readout."""
    import msgspec

    return msgspec.structs.replace(card, context=context, files=None)


SINGLE_LABEL = Readout(kind="linear", activation="sigmoid")
SINGLE_TEMPLATE = Template(before_problem="", problem="{problem}\n", after_problem="", mark="\n")
