"""Random Hugging Face checkpoints of a Qwen2 process reward model: written without torch, the same from a seed always.

Weights are whole numbers of at most seven bits times a power of two: exact in float32, float16 and bfloat16, so a
difference in rewards is the engine's and not the conversion's.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

QWEN2_RULE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>")
MARK = "<extra_0>"
PROMPT = (
    "<|im_start|>system\n{}<|im_end|>\n<|im_start|>user\n".format(
        r"Please reason step by step, and put your final answer within \boxed{}."
    ),
    "<|im_end|>\n<|im_start|>assistant\n",
)
TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Sue has 12 pink flamingos; she gives away 5 and paints 3 white. How many are pink?",
        ("She starts with $12$ flamingos.", "After giving away 5 she has $12 - 5 = 7$.", "So $7 - 3 = 5$ are pink."),
    ),
    (
        "Solve $x^2 - 5x + 6 = 0$ over the reals.",
        (
            r"Factor: $x^2 - 5x + 6 = (x - 2)(x - 3)$.",
            r"By the zero-product rule, $x = 2$ or $x = 3$.",
            r"Check: $2^2 - 5\cdot 2 + 6 = 0$; hence $\boxed{\{2, 3\}}$.",
            r"The sum of the roots is $\frac{-(-5)}{1} = 6$.",
        ),
    ),
    (
        "小明有 24 个苹果,给了小红三分之一,又买了 6 个。现在有几个?",
        ("三分之一是 $24 \\div 3 = 8$ 个。", "剩下 24 − 8 = 16 个。", "再买 6 个:16 + 6 = 21 个。"),
    ),
    (
        "A train covers 1,260.5 km in 7 h. What is its mean speed?\n\nRound to one decimal.",
        (
            "Speed = distance / time:\n\n\\[ v = \\frac{1260.5}{7} \\]",
            "  1260.5 ÷ 7 ≈ 180.07",
            "It's about 180.1 km/h — we're done!\n",
        ),
    ),
)
"""Problems and steps of our own: plain, LaTeX, Chinese, odd spaces."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a random checkpoint is like."""

    seed: int = 0
    hidden: int = 64
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 96
    context: int = 2048
    eps: float = 1e-5
    rope_theta: float = 10000.0
    tied: bool = False
    shards: int = 1
    dtype: str = "BF16"
    prefix: str = "model."
    architecture: str = "Qwen2ForProcessRewardModel"
    gain: float = 0.75
    """Scale of the head's last matrix: how far rewards spread, and rounding noise with them."""
    spare: int = 5
    """Embedding rows beyond the tokenizer's ids."""


def write(folder: Path, spec: Spec, tokenizer: dict[str, Any] | None = None) -> Path:
    """Write config.json, tokenizer.json and one or several safetensors shards; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer or small_tokenizer()
    vocab = len(tokenizer["model"]["vocab"] | {entry["content"]: 0 for entry in tokenizer["added_tokens"]}) + spec.spare
    (folder / "config.json").write_text(json.dumps(config(spec, vocab)), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    tensors = weights(spec, vocab)
    if spec.shards == 1:
        write_safetensors(folder / "model.safetensors", tensors, spec.dtype)
        return folder
    names = [f"model-{i + 1:05d}-of-{spec.shards:05d}.safetensors" for i in range(spec.shards)]
    places = {name: names[i % spec.shards] for i, name in enumerate(tensors)}
    for shard in names:
        part = {name: tensor for name, tensor in tensors.items() if places[name] == shard}
        write_safetensors(folder / shard, part, spec.dtype)
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def config(spec: Spec, vocab: int) -> dict[str, Any]:
    """config.json as transformers writes it."""
    return {
        "architectures": [spec.architecture],
        "model_type": "qwen2",
        "hidden_act": "silu",
        "hidden_size": spec.hidden,
        "intermediate_size": spec.feed_forward,
        "max_position_embeddings": spec.context,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "num_key_value_heads": spec.kv_heads,
        "rms_norm_eps": spec.eps,
        "rope_theta": spec.rope_theta,
        "tie_word_embeddings": spec.tied,
        "use_sliding_window": False,
        "vocab_size": vocab,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def weights(spec: Spec, vocab: int) -> dict[str, NDArray[np.float32]]:
    """Random weights by tensor name.

    The embedding is small against what the layers add, so that the state at a mark, which is always the same token,
    comes from the text before it and rewards differ from step to step.
    """
    rng = np.random.Generator(np.random.PCG64(spec.seed))

    def exact(*shape: int, scale: float, around: float = 0.0) -> NDArray[np.float32]:
        unit = 2.0 ** np.round(np.log2(scale / 32))
        return (np.clip(np.round(rng.standard_normal(shape) * scale / unit), -127, 127) * unit + around).astype(
            np.float32
        )

    hidden, inner, narrow = spec.hidden, spec.feed_forward, spec.hidden // spec.heads * spec.kv_heads
    fan = hidden**-0.5
    tensors = {f"{spec.prefix}embed_tokens.weight": exact(vocab, hidden, scale=1 / 8)}
    for i in range(spec.layers):
        sizes: dict[str, tuple[tuple[int, ...], float]] = {
            "self_attn.q_proj.weight": ((hidden, hidden), fan),
            "self_attn.q_proj.bias": ((hidden,), 0.25),
            "self_attn.k_proj.weight": ((narrow, hidden), fan),
            "self_attn.k_proj.bias": ((narrow,), 0.25),
            "self_attn.v_proj.weight": ((narrow, hidden), fan),
            "self_attn.v_proj.bias": ((narrow,), 0.125),
            "self_attn.o_proj.weight": ((hidden, hidden), fan),
            "mlp.gate_proj.weight": ((inner, hidden), fan),
            "mlp.up_proj.weight": ((inner, hidden), fan),
            "mlp.down_proj.weight": ((hidden, inner), inner**-0.5),
        }
        tensors |= {
            f"{spec.prefix}layers.{i}.{name}": exact(*size, scale=scale) for name, (size, scale) in sizes.items()
        }
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{spec.prefix}layers.{i}.{norm}.weight"] = exact(hidden, scale=1 / 4, around=1.0)
    tensors[f"{spec.prefix}norm.weight"] = exact(hidden, scale=1 / 4, around=1.0)
    if not spec.tied:
        tensors["lm_head.weight"] = exact(vocab, hidden, scale=fan)
    tensors["score.0.weight"] = exact(hidden, hidden, scale=fan)
    tensors["score.0.bias"] = exact(hidden, scale=0.125)
    tensors["score.2.weight"] = exact(2, hidden, scale=spec.gain * fan)
    tensors["score.2.bias"] = exact(2, scale=0.125)
    return tensors


def write_safetensors(path: Path, tensors: dict[str, NDArray[np.float32]], dtype: str) -> None:
    """Write a safetensors file in F32, F16 or BF16; the numbers must be exact in it."""
    header, data = {}, b""
    blobs = [encode(tensor, dtype) for tensor in tensors.values()]
    for (name, tensor), blob in zip(tensors.items(), blobs, strict=True):
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def encode(tensor: NDArray[np.float32], dtype: str) -> bytes:
    """The bytes of numbers that are exact in a type."""
    if dtype == "BF16":
        bits = np.ascontiguousarray(tensor).view(np.uint32)
        assert not (bits & 0xFFFF).any(), "not exact in bfloat16"
        return (bits >> 16).astype("<u2").tobytes()
    converted = tensor.astype({"F32": "<f4", "F16": "<f2"}[dtype])
    assert np.array_equal(converted.astype(np.float32), tensor, equal_nan=True), f"not exact in {dtype}"
    return converted.tobytes()


def byte_alphabet() -> list[str]:
    """The 256 characters that stand for bytes in byte-level BPE (GPT-2), by byte."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(256, 512))
    return [chr(byte) if byte in shown else chr(next(hidden)) for byte in range(256)]


def small_tokenizer(pre: str = "qwen2", merges: int = 300, *, pairs: bool = False) -> dict[str, Any]:
    """A byte-level BPE of our own, trained on TEXTS, as a tokenizer.json; `pairs` writes merges as lists."""
    alphabet = byte_alphabet()
    joined = _train("\n".join(part for problem, steps in TEXTS for part in (problem, *steps)), alphabet, merges)
    vocab = {text: number for number, text in enumerate([*alphabet, *(left + right for left, right in joined)])}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special(len(vocab) + i, text) for i, text in enumerate(SPECIALS)],
        "normalizer": {"type": "NFC"} if pre == "qwen2" else None,
        "pre_tokenizer": pre_tokenizer(pre),
        "post_processor": None,
        "decoder": byte_level(regex=False),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": [[left, right] if pairs else f"{left} {right}" for left, right in joined],
        },
    }


def special(number: int, text: str) -> dict[str, Any]:
    """An added token as tokenizer.json lists it."""
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **plain, "special": True}


def byte_level(*, regex: bool) -> dict[str, Any]:
    """The byte-level part of a tokenizer.json."""
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": regex}


def pre_tokenizer(pre: str) -> dict[str, Any]:
    """The pre-tokenizer of Qwen2 or GPT-2 as tokenizer.json holds it."""
    if pre == "gpt-2":
        return byte_level(regex=True)
    split = {"type": "Split", "pattern": {"Regex": QWEN2_RULE}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, byte_level(regex=False)]}


def _train(text: str, alphabet: list[str], merges: int) -> list[tuple[str, str]]:
    """Byte-pair encoding over words: join the most frequent pair, the lexically first on a tie, again and again."""
    words = Counter(re.findall(r"\s?\w+|[^\w\s]+", text))
    cut = {word: [alphabet[byte] for byte in word.encode()] for word in words}
    joined: list[tuple[str, str]] = []
    for _ in range(merges):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(cut[word]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if "".join(best) not in {"".join(pair) for pair in joined}:
            joined.append(best)
        for word, parts in cut.items():
            cut[word] = _join(parts, best)
    return joined


def _join(parts: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def real_tokenizer(vocab_file: Path) -> dict[str, Any]:
    """Qwen2's own tokenizer as a tokenizer.json, from a GGUF vocabulary, with the reward models' mark at 151651."""
    import gguf

    fields = gguf.GGUFReader(vocab_file).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    tokenizer = small_tokenizer(merges=0)
    tokenizer["model"]["vocab"] = {text: number for number, text in enumerate(tokens[:151643])}
    tokenizer["model"]["merges"] = fields["tokenizer.ggml.merges"].contents()
    between = ("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>", "<|quad_start|>")
    texts = (*SPECIALS[:3], *between, MARK)
    tokenizer["added_tokens"] = [special(151643 + i, text) for i, text in enumerate(texts)]
    return tokenizer
