"""The judge as it is trained: a LoRA on all seven projections of every layer and a head, over a frozen backbone.

Owns what is trained, the two files that it becomes and the card that says the rest; `stepcheck models import` takes
these together with the backbone. Knows no rows and no losses.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.backbone import Backbone
from stepcheck.document import Document, Step
from stepcheck.hub.checkpoint.heads import pack_head
from stepcheck.hub.checkpoint.peft import PROJECTIONS
from stepcheck.hub.convert import card_shape
from stepcheck.hub.gguf.lora import Change, change_of, half_type, matrix_name, write_adapter
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import ModelCard, Readout, Template
from stepcheck.prm.prompt import build
from stepcheck.prm.readout import MLP_TENSORS

CHATML: Final = Template(
    before_problem="<|im_start|>system\n"
    "Please reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n<|im_start|>user\n",
    after_problem="<|im_end|>\n<|im_start|>assistant\n",
    mark="\n\n",
)
"""The prompt of Qwen2.5's chat models; a blank line is one token of theirs."""


class Low(nn.Module):
    """A frozen linear map and its low-rank change: down is (rank, columns), up (rows, rank) and 0 at first."""

    def __init__(self, inner: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.inner, self.scaling = inner, alpha / rank
        weight = inner.weight
        self.down = nn.Parameter(torch.randn(rank, weight.shape[1], device=weight.device) / math.sqrt(weight.shape[1]))
        self.up = nn.Parameter(torch.zeros(weight.shape[0], rank, device=weight.device))

    def forward(self, x: Tensor) -> Tensor:
        """Map rows."""
        low = functional.linear(x, self.down.to(x.dtype))
        out: Tensor = self.inner(x)
        return out + functional.linear(low, self.up.to(x.dtype)) * self.scaling


class TrainedJudge(nn.Module):
    """Reads logits of wrong and right at marks."""

    def __init__(self, backbone: Backbone, rank: int, alpha: float) -> None:
        super().__init__()
        self.shape, self.rank = backbone.shape, rank
        body: Any = backbone.model.model
        self.body = body
        self.low: dict[tuple[int, str], Low] = {}
        for layer, name in ((layer, name) for layer in range(self.shape.layers) for name in PROJECTIONS):
            place, _, last = name.partition(".")
            holder = getattr(body.layers[layer], place)
            changed = Low(getattr(holder, last), rank, alpha)
            setattr(holder, last, changed)
            self.low[layer, name] = changed
        hidden, device = self.shape.hidden, next(body.parameters()).device
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2)).to(device)

    def forward(self, ids: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Read logits (marks, 2) at places (row, column) of ids (batch, length), which are padded at their end."""
        states: Tensor = self.body(input_ids=ids, use_cache=False).last_hidden_state
        out: Tensor = self.head(states[rows, columns].float())
        return out

    def adapters(self) -> Iterator[nn.Parameter]:
        """Yield the halves of every projection."""
        for low in self.low.values():
            yield from (low.down, low.up)

    def changes(self) -> Iterator[Change]:
        """Yield the changes of the GGUF's matrices."""
        family, head = self.shape.family, self.shape.head
        for (layer, name), low in self.low.items():
            down, up = (half.detach().float().cpu().numpy() for half in (low.down, low.up))
            yield change_of(matrix_name(layer, name), down, up, low.scaling, family=family, head=head)

    def save(self, adapter: Path, head: Path, weight_type: WeightType, *, name: str) -> None:
        """Write an adapter for a backbone of a type, and the head."""
        write_adapter(adapter, self.shape.family, list(self.changes()), half_type(weight_type), name=name)
        tensors = self.head.state_dict().values()
        arrays = {name: each.detach().float().cpu().numpy() for name, each in zip(MLP_TENSORS, tensors, strict=True)}
        head.write_bytes(pack_head(arrays))


@dataclass(frozen=True, slots=True)
class Laid:
    """A solution as the judge reads it: token ids, and the places of its marks."""

    ids: tuple[int, ...]
    marks: tuple[int, ...]


def lay_out(backbone: Backbone, template: Template, problem: str, steps: tuple[str, ...]) -> Laid:
    """Tokenize a solution, segment by segment, as the engine does."""
    ids: list[int] = []
    marks = []
    for segment in build(template, Document(problem, tuple(map(Step, steps)))).segments:
        ids += backbone.encode(segment.text, segment.special)
        if segment.mark:
            marks.append(len(ids) - 1)
    return Laid(tuple(ids), tuple(marks))


def new_card(backbone: Backbone, name: str, title: str, template: Template, licence: str, notice: str) -> ModelCard:
    """Say of a judge what its files do not."""
    shape = backbone.shape
    return ModelCard(
        name=name,
        title=title,
        licence=licence,
        architecture=shape.architecture,
        context=min(shape.context, 4096),
        threshold_source="not calibrated yet: 0.5",
        notice=notice,
        template=template,
        readout=Readout(kind="mlp"),
        shape=card_shape(shape),
    )
