"""A finished judge in PyTorch: its backbone, adapter and head as they are shipped, to compare with and to time against.

Owns the way from a model's files to transformers' model with the changes beside its matrices, and from there to a
folder that transformers reads, with the changes or without. The blocks of a quantized file and of an adapter are
dequantized exactly; what fills a rank up to whole blocks is left out. Refuses adapters of another backbone, and heads
that are not read as those which are trained here. Trains nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.backbone import Backbone, read_backbone, turn_back
from models.training.judge import Laid, Low
from stepcheck.errors import CheckpointError, ModelError
from stepcheck.hub.checkpoint.peft import PROJECTIONS
from stepcheck.hub.disk.store import Model
from stepcheck.hub.gguf.backbone import is_turned
from stepcheck.hub.gguf.lora import matrix_name
from stepcheck.prm.card import Readout
from stepcheck.prm.readout import MlpHead, read_mlp

Floats = NDArray[np.float32]
READ: Final = Readout(kind="mlp")
"""How the heads that are trained here are read: the softmax of two classes, of which the second is right."""


@dataclass(frozen=True, slots=True)
class Finished:
    """`body` gives states after the last norm; `head` reads logits of wrong and right off them, always in float32."""

    body: Any
    head: nn.Module

    @torch.inference_mode()
    def read(self, laid: Laid) -> list[float]:
        """Read a reward at every mark of one solution, which is padded with nothing."""
        states = self.body(input_ids=torch.tensor([laid.ids]), use_cache=False).last_hidden_state[0, list(laid.marks)]
        rewards: list[float] = self.head(states.float()).softmax(-1)[:, 1].tolist()
        return rewards


def read_judge(model: Model) -> tuple[Backbone, Finished]:
    """Read a model's files in float32; the backbone is that of the judge, with its tokenizer.

    Raises:
        CheckpointError: its family is not known here, or the adapter is of another backbone.
        ModelError: its head is read in another way, or a file is broken.
    """
    if (model.card.readout.kind, model.card.readout.activation, model.card.readout.positive) != ("mlp", "softmax", 1):
        raise ModelError(f"{model.card_path}: PyTorch reads only heads like those that are trained here: kind mlp")
    backbone = read_backbone(model.backbone)
    body: Any = backbone.model.model
    if "adapter" in model.weights:
        lay(body, model.weights["adapter"].path)
    return backbone, Finished(body, read_head(model.weights["head"].path))


def read_head(path: Path) -> nn.Module:
    """Read a head of two layers.

    Raises:
        ModelError: the file is missing, broken or another kind of head.
    """
    read = read_mlp(path, READ)
    assert isinstance(read, MlpHead)  # noqa: S101 (what `read_mlp` gives)
    head = nn.Sequential(nn.Linear(*reversed(read.weight_in.shape)), nn.ReLU(), nn.Linear(*read.weight_out.shape[::-1]))
    parts = (read.weight_in, read.bias_in, read.weight_out, read.bias_out)
    head.load_state_dict(
        {name: torch.from_numpy(part) for name, part in zip(head.state_dict(), parts, strict=True)},
    )
    return head.eval()


def lay(body: Any, adapter: Path) -> None:  # noqa: ANN401 (transformers has no types)
    """Put the changes of an adapter's GGUF beside the matrices that they change, as products of low rank.

    Raises:
        CheckpointError: it changes what the backbone does not have.
    """
    reader = gguf.GGUFReader(adapter)
    family = str(reader.fields["general.architecture"].contents())
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    halves = {tensor.name: _floats(tensor) for tensor in reader.tensors}
    for holder, last, name in _places(body):
        down, up = halves.pop(f"{name}.lora_a", None), halves.pop(f"{name}.lora_b", None)
        if down is None or up is None or not down.any():
            continue
        if is_turned(family, name):
            up = turn_back(up, body.config.head_dim)
        setattr(holder, last, _beside(getattr(holder, last), down, up, alpha / len(down)))
    if halves:
        raise CheckpointError(f"{adapter}: changes {next(iter(halves))}, which the backbone does not have")


def _floats(tensor: Any) -> Floats:  # noqa: ANN401 (gguf has no types)
    dequantized = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    return np.array(dequantized.reshape(tensor.shape[::-1]), np.float32)


def _places(body: Any) -> Iterator[tuple[Any, str, str]]:  # noqa: ANN401 (transformers has no types)
    """Yield who holds each projection, by which name, and its matrix's name in a GGUF."""
    for layer, block in enumerate(body.layers):
        for projection in PROJECTIONS:
            place, _, last = projection.partition(".")
            yield getattr(block, place), last, matrix_name(layer, projection)


def _beside(inner: nn.Linear, down: Floats, up: Floats, scaling: float) -> Low:
    kept = down.any(axis=1)
    rank, dtype = int(kept.sum()), inner.weight.dtype
    low = Low(inner, rank, scaling * rank)
    low.down = nn.Parameter(torch.from_numpy(down[kept]).to(dtype), requires_grad=False)
    low.up = nn.Parameter(torch.from_numpy(up[:, kept]).to(dtype), requires_grad=False)
    return low


def save(body: Any, folder: Path, dtype: torch.dtype, *, merged: bool) -> None:  # noqa: ANN401 (transformers)
    """Write a model as transformers writes it, the changes added to its matrices, in float32, or left out."""
    tensors = {name: each.to(dtype) for name, each in plain(body, merged=merged).items()}
    with torch.device("meta"):
        empty = type(body)(body.config)
    empty.to(dtype).save_pretrained(folder, state_dict=tensors)


def plain(body: Any, *, merged: bool) -> dict[str, Tensor]:  # noqa: ANN401 (transformers has no types)
    """Return the tensors under the names that they have without an adapter, its changes added to them or left out."""
    low = {name: module for name, module in body.named_modules() if isinstance(module, Low)}
    found = {
        name.replace(".inner.", "."): tensor
        for name, tensor in body.state_dict().items()
        if name.rpartition(".")[0] not in low
    }
    for name, module in low.items() if merged else ():
        found[f"{name}.weight"] = module.inner.weight + module.scaling * (module.up @ module.down)
    return found


def load(folder: Path, adapter: Path | None, head: Path) -> Finished:
    """Read a judge from a folder that `save` wrote, in its own type, with an adapter laid beside it if there is one."""
    import transformers

    body = transformers.AutoModel.from_pretrained(folder, dtype="auto").eval()
    if adapter:
        lay(body, adapter)
    return Finished(body, read_head(head))
