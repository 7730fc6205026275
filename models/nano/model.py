"""The network: a small Qwen2 body and the reward head, in torch. It knows no text, no data and no training.

The parameters are named as in a Hugging Face `Qwen2ForProcessRewardModel`, so the state dict is the checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = -1e4
"""Added to the score of a token that must not be seen; bfloat16 and float16 can hold it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network; every one that a weight is a row of is a multiple of 32, so q8_0 fits."""

    vocab: int
    width: int = 384
    layers: int = 7
    heads: int = 6
    feed_forward: int = 896
    context: int = 2048
    eps: float = 1e-6
    rope_theta: float = 1e6


class Norm(nn.RMSNorm):
    """RMSNorm in the type of its input: a float32 weight would keep torch from its fused kernel."""

    def forward(self, x: Tensor) -> Tensor:
        """[…, width] → the same."""
        return functional.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    """Causal self-attention with rotary positions; q, k and v have biases, as in Qwen2."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.k_proj = nn.Linear(shape.width, shape.width)
        self.v_proj = nn.Linear(shape.width, shape.width)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """[batch, length, width] → the same; padding on the right needs no mask, since nothing looks ahead."""
        batch, length, width = x.shape
        q, k, v = (
            proj(x).view(batch, length, self.heads, -1).transpose(1, 2)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        scores = torch.matmul(q, k.transpose(2, 3) * (width // self.heads) ** -0.5)
        mixed = torch.matmul(functional.softmax(scores + mask, dim=-1, dtype=scores.dtype), v)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return out


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the two halves of each head against each other by the position's angles (the layout of Hugging Face)."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class FeedForward(nn.Module):
    """The gated feed-forward block (SwiGLU)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down_proj = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, length, width] → the same."""
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """One layer: attention, then feed-forward, each behind its norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = FeedForward(shape)
        self.input_layernorm = Norm(shape.width, eps=shape.eps)
        self.post_attention_layernorm = Norm(shape.width, eps=shape.eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """[batch, length, width] → the same."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Body(nn.Module):
    """Embedding, layers and the final norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, eps=shape.eps)
        half = shape.width // shape.heads // 2
        speeds = shape.rope_theta ** (-torch.arange(half) / half)
        angles = torch.arange(shape.context)[:, None] * speeds
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, tokens: Tensor, positions: Tensor, branches: Tensor) -> Tensor:
        """Token ids, positions and branches, [batch, length] each → the normed hidden state [batch, length, width].

        A row is a tree: a token sees what is before it on branch 0 and on its own branch.
        """
        x = self.embed_tokens(tokens)
        if torch.is_autocast_enabled(x.device.type):
            x = x.bfloat16()
        places = positions.unsqueeze(1)
        cos, sin = self.get_buffer("cos")[places].to(x.dtype), self.get_buffer("sin")[places].to(x.dtype)
        mask = torch.full((tokens.shape[1],) * 2, HIDDEN, dtype=x.dtype, device=x.device).triu(1)
        foreign = (branches[:, None, :] != 0) & (branches[:, None, :] != branches[:, :, None])
        mask = torch.where(foreign, HIDDEN, mask).to(x.dtype).unsqueeze(1)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        out: Tensor = self.norm(x)
        return out


class RewardModel(nn.Module):
    """The body and the head `Linear → ReLU → Linear(2)`; class 1 is "this step is right"."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        self.score = nn.Sequential(nn.Linear(shape.width, shape.width), nn.ReLU(), nn.Linear(shape.width, 2))

    def forward(self, tokens: Tensor, positions: Tensor, branches: Tensor) -> Tensor:
        """As the body's: the hidden state [batch, length, width]; `score` reads it at the marks."""
        out: Tensor = self.model(tokens, positions, branches)
        return out
