"""config.json: what a checkpoint's backbone is.

Owns the architectures that are known and every check on what their graphs take for granted. Refuses an unknown
architecture, and a feature that would be computed differently, by its key.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import read_json

FAMILIES: Final = {"qwen2": "qwen2", "qwen3": "qwen3", "llama": "llama", "mistral": "llama"}
"""config.json's `model_type` → the architecture of llama.cpp whose graph computes it."""
_SUFFIXES: Final = ("ForCausalLM", "ForTokenClassification", "ForSequenceClassification", "Model")
ARCHITECTURES: Final = (
    *("Qwen2ForProcessRewardModel", "Qwen2ForRewardModel", "Qwen2ForPrmModel", "Qwen2ForEnsemblePRM"),
    "Qwen3ForProcessRewardModel",
    *(family + suffix for family in ("Qwen2", "Qwen3", "Llama", "Mistral") for suffix in _SUFFIXES),
)
MOST: Final = {"num_hidden_layers": 10_000, "vocab_size": 1 << 24}
"""Bounds on what is laid out in memory before any weight is seen; far above every model that is known."""

ROPE_THETA: Final = 10000.0
"""Of Llama and Mistral configs that were written before the key was: the constant in their code then."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What config.json says about a backbone; counts are of elements, `context` is in tokens."""

    architecture: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocab: int
    context: int
    eps: float
    rope_theta: float
    family: str = "qwen2"
    """llama.cpp's architecture."""
    rope_factors: tuple[float, ...] = ()
    """What every rotary frequency is divided by, head width / 2 of them; none where positions are not scaled."""
    tied: bool = False
    """Whether the language model's head is the embedding; no reward depends on it."""
    head_dim: int = 0
    """Width of an attention head where it is its own (Qwen3); else 0, and it follows from `hidden`."""

    @property
    def head(self) -> int:
        """Width of an attention head."""
        return self.head_dim or self.hidden // self.heads


def read_shape(folder: Path) -> Shape:
    """Read and check config.json.

    Raises:
        CheckpointError: unknown architecture, a key missing or of the wrong kind, or a feature that is not converted.
    """
    path = folder / "config.json"
    config = read_json(path)
    shape = Shape(
        architecture=_architecture(path, config),
        hidden=_count(path, config, "hidden_size"),
        layers=_count(path, config, "num_hidden_layers"),
        heads=_count(path, config, "num_attention_heads"),
        kv_heads=_count(path, config, "num_key_value_heads"),
        feed_forward=_count(path, config, "intermediate_size"),
        vocab=_count(path, config, "vocab_size"),
        context=_context(path, config),
        eps=_positive(path, config, "rms_norm_eps"),
        rope_theta=_rope_theta(path, config),
        family=FAMILIES[str(config.get("model_type", "qwen2"))],
        tied=config.get("tie_word_embeddings") is True,
        head_dim=_count(path, config, "head_dim") if config.get("model_type") == "qwen3" else 0,
    )
    _check_shape(path, config, shape)
    return replace(shape, rope_factors=_rope_factors(path, config, shape))


def _architecture(path: Path, config: dict[str, Any]) -> str:
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    if name not in ARCHITECTURES or config.get("model_type", "qwen2") not in FAMILIES:
        found = f"{name} of type {config.get('model_type')}"
        raise CheckpointError(f"{path}: architecture {found} is not known; known are {', '.join(ARCHITECTURES)}")
    return str(name)


def _value(path: Path, config: dict[str, Any], key: str) -> Any:  # noqa: ANN401 (JSON)
    if key not in config:
        raise CheckpointError(f"{path}: key '{key}' is missing")
    return config[key]


def _count(path: Path, config: dict[str, Any], key: str) -> int:
    value = _value(path, config, key)
    most = MOST.get(key, 2**31 - 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise CheckpointError(
            f"{path}: key '{key}': expected a positive whole number up to {most:,}, found {value!r:.40}"
        )
    return value


def _positive(path: Path, config: dict[str, Any], key: str) -> float:
    value = _value(path, config, key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e30:  # noqa: PLR2004 (any float32)
        raise CheckpointError(f"{path}: key '{key}': expected a positive number, found {value!r}")
    return float(value)


def _context(path: Path, config: dict[str, Any]) -> int:
    """Longest text; Mistral's window is kept, for inside it attention is full and needs no window."""
    context, window = _count(path, config, "max_position_embeddings"), config.get("sliding_window")
    if config.get("model_type") != "mistral" or window is None:
        return context
    return min(context, _count(path, config, "sliding_window"))


def _ropes(path: Path, config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield what is said of rotary positions: key, object, kind; transformers 5 moved it into `rope_parameters`."""
    for key in ("rope_scaling", "rope_parameters"):
        rope = config.get(key) or {}
        if not isinstance(rope, dict):
            raise CheckpointError(f"{path}: key '{key}': expected an object or null, found {rope!r}")
        yield key, rope, str(rope.get("rope_type", rope.get("type", "default")))


def _rope_theta(path: Path, config: dict[str, Any]) -> float:
    """Base of the rotary angles."""
    known = ("default", "llama3") if config.get("model_type") == "llama" else ("default",)
    for key, rope, kind in _ropes(path, config):
        if kind not in known:
            raise CheckpointError(f"{path}: key '{key}': scaled rotary positions ({kind!r}) are not converted")
        if "rope_theta" in rope:
            return _positive(path, rope, "rope_theta")
    if "rope_theta" not in config and config.get("model_type") in ("llama", "mistral"):
        return ROPE_THETA
    return _positive(path, config, "rope_theta")


def _rope_factors(path: Path, config: dict[str, Any], shape: Shape) -> tuple[float, ...]:
    """Compute Llama 3.1's scaling, as transformers' `llama3` does (and Meta's reference before it).

    Waves longer than the original context are stretched by the factor, short ones are left, between them it is blended.
    """
    found = next((rope for _, rope, kind in _ropes(path, config) if kind == "llama3"), None)
    if found is None:
        return ()
    factor, low, high = (_positive(path, found, key) for key in ("factor", "low_freq_factor", "high_freq_factor"))
    original = _count(path, found, "original_max_position_embeddings")
    if high <= low:
        raise CheckpointError(f"{path}: key 'high_freq_factor': {high} is not above low_freq_factor, {low}")
    width = shape.head
    factors = []
    for i in range(0, width, 2):
        wave = 2 * math.pi * shape.rope_theta ** (i / width)
        blend = min(max((original / wave - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - blend) / factor + blend))
    return tuple(factors)


def _check_shape(path: Path, config: dict[str, Any], shape: Shape) -> None:
    """Check what llama.cpp's graphs take for granted."""
    head, own = shape.head, bool(shape.head_dim)
    rules = (
        (
            own or shape.hidden % shape.heads == 0,
            f"hidden_size {shape.hidden} is no multiple of the {shape.heads} heads",
        ),
        (
            shape.heads % shape.kv_heads == 0,
            f"{shape.heads} heads are no multiple of the {shape.kv_heads} key-value heads",
        ),
        (head % 2 == 0, f"the width of a head, {head}, is odd"),
        (
            config.get("head_dim") in (None, head),
            f"head_dim is {config.get('head_dim')}, not hidden_size / heads = {head}",
        ),
        (config.get("hidden_act", "silu") == "silu", f"hidden_act is {config.get('hidden_act')!r}, not 'silu'"),
        (not config.get("use_sliding_window"), "sliding-window attention is not converted"),
        (
            shape.family == "qwen2" or not (config.get("attention_bias") or config.get("mlp_bias")),
            "attention_bias and mlp_bias are not converted for this architecture",
        ),
    )
    for kept, reason in rules:
        if not kept:
            raise CheckpointError(f"{path}: {reason}")
