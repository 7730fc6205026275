"""The model as a Hugging Face folder, and a fresh model from a tokenizer and a seed. It trains nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from models.nano import numbers, tokenizer
from models.nano.model import RewardModel, Shape

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer


def fresh(words: Tokenizer, shape: Shape, seed: int) -> RewardModel:
    """A model before training: small matrices, word rows at random, number rows from what the numbers are."""
    torch.manual_seed(seed)
    model = RewardModel(shape)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, std=0.5 if "embed" in name else shape.width**-0.5 * 0.7)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
    for layer in model.model.layers:
        nn.init.zeros_(layer.self_attn.o_proj.weight)  # type: ignore[union-attr, arg-type]
        nn.init.zeros_(layer.mlp.down_proj.weight)  # type: ignore[union-attr, arg-type]
    rows = model.model.embed_tokens.weight.data
    for spaced, prefix in ((False, ""), (True, tokenizer.SPACE)):
        features = torch.from_numpy(numbers.table(spaced=spaced))
        ids = [words.token_to_id(prefix + digits) for digits in numbers.digit_strings()]
        rows[ids] = 0.0
        rows[ids, : features.shape[1]] = features
    return model


def write(folder: Path, model: RewardModel, words: Tokenizer) -> None:
    """Write config.json, tokenizer.json, tokenizer_config.json and model.safetensors (float32)."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    config = {
        "architectures": ["Qwen2ForProcessRewardModel"],
        "model_type": "qwen2",
        "hidden_act": "silu",
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "max_position_embeddings": shape.context,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.heads,
        "rms_norm_eps": shape.eps,
        "rope_theta": shape.rope_theta,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "use_sliding_window": False,
        "vocab_size": shape.vocab,
        "bos_token_id": None,
        "eos_token_id": words.token_to_id(tokenizer.END),
        "pad_token_id": words.token_to_id(tokenizer.STOP),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tokenizer.save(words, folder)
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors", {"format": "pt"}
    )


def read(folder: Path) -> tuple[RewardModel, Tokenizer]:
    """Read a folder that `write` wrote."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape = Shape(
        vocab=config["vocab_size"],
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        feed_forward=config["intermediate_size"],
        context=config["max_position_embeddings"],
        eps=config["rms_norm_eps"],
        rope_theta=config["rope_theta"],
    )
    model = RewardModel(shape)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model, tokenizer.load(folder)


class Guess(nn.Module):
    """The second loss's reading of a hidden state: which number or operator is right next. Thrown away after training.

    A number is guessed by its features, so a number that was never seen in training can be guessed as well.
    """

    def __init__(self, width: int, operators: int) -> None:
        super().__init__()
        features = torch.from_numpy(np.concatenate([numbers.table(spaced=False)], axis=0))
        self.register_buffer("features", features, persistent=False)
        self.number = nn.Linear(width, features.shape[1])
        self.operator = nn.Linear(width, operators)
        nn.init.normal_(self.number.weight, std=0.02)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states [n, width] → logits [n, 11110 + operators]."""
        features = self.get_buffer("features")
        return torch.cat((self.number(hidden) @ features.T.to(hidden.dtype), self.operator(hidden)), dim=1)
