"""A PEFT checkpoint: the LoRA that was trained over a checkpoint, and the modules that were trained whole beside it.

Owns what `adapter_config.json` may say and the names of the tensors in `adapter_model.safetensors` or `.bin`. Refuses,
by name, whatever would make another function of them than W + scaling·B·A on the seven projections of a layer. What
the keys mean, and how the patterns match, is peft's own code (tuners/lora and utils/other.py of 0.21).
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import read_json
from stepcheck.hub.checkpoint.shard import read_shard
from stepcheck.hub.checkpoint.tensors import ELEMENT, HEADS, Tensor
from stepcheck.patterns import regex

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = ("adapter_model.safetensors", "adapter_model.bin")
PROJECTIONS: Final = (
    *(f"self_attn.{name}_proj" for name in "qkvo"),
    *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
)
MERGE: Final = "merge it in peft with merge_and_unload(), and convert the whole checkpoint"
PLAIN: Final = (True, False, None, "gaussian", "eva", "orthogonal", "mica")
"""Beginnings of a training that leave the base's weights as they are."""
WITHOUT_EFFECT: Final = {
    *("peft_type", "task_type", "peft_version", "auto_mapping", "base_model_name_or_path", "revision"),
    *("inference_mode", "lora_dropout", "target_modules", "exclude_modules", "modules_to_save", "layers_to_transform"),
    *("layers_pattern", "init_lora_weights", "loftq_config", "eva_config", "corda_config", "lora_ga_config"),
    *("megatron_core", "qalora_group_size", "velora_config", "ensure_weight_tying", "runtime_config"),
    "fan_in_fan_out",  # how the base lays out its matrices; peft itself ignores it where they are nn.Linear, as here
}
"""Keys that say how the training went, or where; what it came to stands in the tensors."""
UNDERSTOOD: Final = {"r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "bias"}
_KEY: Final = regex(r"(?P<module>.+)\.lora_(?P<half>[AB])(?:\.(?P<adapter>\w+))?\.weight")
_PATTERN: Final = regex(r"(?:\w|\\[.dw]|[.^$|]|\[[\w-]+\]|[()](?![*+?{])|(?<=[\w.\])])[*+?]|\{\d+\})+")
"""Regular expressions that are matched: none whose groups repeat, for these can take forever."""
LONGEST_PATTERN: Final = 200
MOST_REPEATS: Final = 4


@dataclass(frozen=True, slots=True)
class Pair:
    """Both halves of one projection's change: W + scaling·up·down; down is (rank, columns), up (rows, rank)."""

    layer: int
    projection: str
    down: Tensor
    up: Tensor
    scaling: float

    @property
    def rank(self) -> int:
        """The rank that both share."""
        return self.down.shape[0]


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """What a PEFT folder holds; `base` is the model that it says it was trained on, `saved` what was trained whole."""

    folder: Path
    base: str
    base_class: str
    pairs: tuple[Pair, ...]
    saved: dict[str, Tensor]
    everywhere: tuple[str, ...]
    """Projections that must be changed in every layer, by the config."""


def read_peft(folder: Path) -> PeftAdapter:
    """Read a PEFT folder; of its weights the headers only.

    Raises:
        CheckpointError: a file is missing or broken, the adapter is no plain LoRA of the seven projections, or a half
            is missing; names the file and the key or tensor.
    """
    path = folder / CONFIG
    config = read_json(path)
    _check_config(path, config)
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise CheckpointError(f"{folder}: needs {' or '.join(WEIGHTS)} beside {CONFIG}")
    halves, saved = _sort(weights, read_shard(weights))
    pairs = tuple(_pair(path, config, module, found) for module, found in halves.items())
    mapping = config.get("auto_mapping")
    return PeftAdapter(
        folder,
        str(config.get("base_model_name_or_path") or "a model that it does not name"),
        str(mapping.get("base_model_class") or "") if isinstance(mapping, dict) else "",
        pairs,
        saved,
        _everywhere(config),
    )


def _check_config(path: Path, config: dict[str, Any]) -> None:
    """Refuse what is no plain LoRA, by key; a key that is not known may change what the adapter does."""
    if config.get("peft_type") != "LORA":
        raise CheckpointError(f"{path}: key 'peft_type': {config.get('peft_type')!r:.40} is no LoRA; {MERGE}")
    if config.get("use_dora"):
        raise CheckpointError(f"{path}: key 'use_dora': DoRA scales whole columns, which no LoRA can; {MERGE}")
    if config.get("bias", "none") != "none":
        raise CheckpointError(
            f"{path}: key 'bias': {config['bias']!r:.40}: biases were trained too, and an adapter has none; {MERGE}"
        )
    begun = config.get("init_lora_weights", True)
    if begun not in PLAIN:
        raise CheckpointError(
            f"{path}: key 'init_lora_weights': {begun!r:.40} changes the base's own weights; save it in peft with"
            " path_initial_model_for_weight_conversion, or merge it with merge_and_unload()"
        )
    for key, value in config.items():
        if value and key not in WITHOUT_EFFECT | UNDERSTOOD:
            raise CheckpointError(
                f"{path}: key {key!r:.60}: {value!r:.60} is not converted, for it is no plain LoRA; {MERGE}"
            )


def _sort(file: Path, tensors: dict[str, Tensor]) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
    """Sort tensors into the halves of every module, and those of heads that were trained whole."""
    halves: dict[str, dict[str, Tensor]] = {}
    saved: dict[str, Tensor] = {}
    adapters: Counter[str] = Counter()
    for name, tensor in tensors.items():
        inner = name.removeprefix("base_model.model.")
        match = _KEY.fullmatch(inner)
        if match:
            adapters[match["adapter"] or ""] += 1
            halves.setdefault(match["module"], {})[match["half"]] = tensor
        else:
            saved[_whole(file, name, inner)] = tensor
    if len(adapters) > 1:
        raise CheckpointError(f"{file}: holds several adapters ({', '.join(sorted(adapters))}); save one of them alone")
    if not halves:
        raise CheckpointError(f"{file}: holds no LoRA (…lora_A.weight, …lora_B.weight)")
    return halves, saved


def _whole(file: Path, name: str, inner: str) -> str:
    """Return the checkpoint's name of a tensor that was trained whole; only a head's may be."""
    if "lora_magnitude_vector" in inner:
        raise CheckpointError(f"{file}: tensor {name!r:.120}: DoRA scales whole columns, which no LoRA can; {MERGE}")
    plain = re.sub(r"modules_to_save\.\w+\.", "", inner)
    if plain in HEADS:
        return plain
    if "embed_tokens" in inner or "lm_head" in inner or "lora_embedding" in inner:
        raise CheckpointError(f"{file}: tensor {name!r:.120}: the vocabulary was trained too; {MERGE}")
    raise CheckpointError(
        f"{file}: tensor {name!r:.120} is neither half of a LoRA's matrix nor of a reward head (score.…); {MERGE}"
    )


def _pair(path: Path, config: dict[str, Any], module: str, halves: dict[str, Tensor]) -> Pair:
    """Check one module's halves, and find its scaling."""
    file = next(iter(halves.values())).file
    for half in "AB":
        if half not in halves:
            raise CheckpointError(f"{file}: {module:.120} has no lora_{half}: half of its change is missing")
    place = re.fullmatch(r"(?:pretrained_model\.)?(?:model\.)?layers\.(\d{1,5})\.(.+)", module)
    if place is None or place[2] not in PROJECTIONS:
        what = (
            "the vocabulary was trained too"
            if module.endswith(("embed_tokens", "lm_head"))
            else f"has no place here; an adapter changes {', '.join(PROJECTIONS)} of a Qwen2, Qwen3, Llama or Mistral"
        )
        raise CheckpointError(f"{file}: {module:.120}: {what}; {MERGE}")
    down, up = halves["A"], halves["B"]
    for tensor in (down, up):
        if len(tensor.shape) != 2 or tensor.dtype not in ELEMENT:  # noqa: PLR2004 (matrices)
            raise CheckpointError(
                f"{file}: tensor {tensor.name:.120}: expected a matrix of {', '.join(ELEMENT)},"
                f" found {list(tensor.shape)} of {tensor.dtype}"
            )
    rank, alpha = (
        _number(path, config, "r", "rank_pattern", module),
        _number(path, config, "lora_alpha", "alpha_pattern", module),
    )
    if not down.shape[0] == up.shape[1] == rank:
        raise CheckpointError(
            f"{file}: {module:.120}: its halves have rank {down.shape[0]} and {up.shape[1]}, {path.name} says {rank:g}"
        )
    scaling = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return Pair(int(place[1]), place[2], down, up, scaling)


def _number(path: Path, config: dict[str, Any], key: str, patterns: str, module: str) -> float:
    """Return a module's rank or alpha: by the first pattern that matches it, else the one of all."""
    found, where = config.get(key, 8), key  # peft's default of both
    exceptions = config.get(patterns) or {}
    if not isinstance(exceptions, dict):
        raise CheckpointError(f"{path}: key '{patterns}': expected an object, found {exceptions!r:.40}")
    for pattern, value in exceptions.items():
        if _matches(path, patterns, pattern, module):
            found, where = value, patterns
            break
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 < found < 1e9:  # noqa: PLR2004 (any that is meant)
        raise CheckpointError(f"{path}: key '{where}': expected a positive number, found {found!r:.40}")
    return float(found)


def _matches(path: Path, key: str, pattern: str, module: str) -> bool:
    """Match a module's name as peft does: the whole of it, or what stands behind a dot."""
    repeats = sum(pattern.count(sign) for sign in "*+?")
    if len(pattern) > LONGEST_PATTERN or repeats > MOST_REPEATS or not _PATTERN.fullmatch(pattern):
        raise CheckpointError(f"{path}: key '{key}': the pattern {pattern!r:.60} is not matched here; {MERGE}")
    try:
        return re.match(rf"(.*\.)?({pattern})$", module) is not None
    except re.error as error:
        raise CheckpointError(f"{path}: key '{key}': {pattern!r:.60} is no regular expression: {error}") from error


def _everywhere(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the projections that every layer must have by the config; none where only the model could tell."""
    targets = config.get("target_modules")
    chosen = any(config.get(key) not in (None, []) for key in ("layers_to_transform", "exclude_modules"))
    bare = isinstance(targets, list) and all(isinstance(each, str) and "." not in each for each in targets)
    if chosen or not isinstance(targets, list) or not bare:
        return ()
    return tuple(name for name in PROJECTIONS if name.partition(".")[2] in targets)
