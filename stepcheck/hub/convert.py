"""Checkpoint folder → model: backbone GGUF, reward head and card, all three or nothing.

Owns the order of a conversion and its clean end. What is written goes into a folder of its own beside the target and
moves into place at the end; an error or Ctrl-C leaves nothing behind.
"""

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import ModelError
from stepcheck.hub.backbone import SLAB, plan, take, write_backbone
from stepcheck.hub.checkpoint import HEAD, Shape, Tensor, find_tensors, read_shape
from stepcheck.hub.durable import write_durably
from stepcheck.hub.quantize import WeightType
from stepcheck.hub.tokenizer import Tokenizer, read_tokenizer
from stepcheck.prm.card import Files, ModelCard, Readout, Template, read_card, render_card
from stepcheck.prm.card import Shape as CardShape

QWEN_TEMPLATE: Final = Template(
    before_problem="<|im_start|>system\n"
    "Please reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n<|im_start|>user\n",
    after_problem="<|im_end|>\n<|im_start|>assistant\n",
    mark="<extra_0>",
)
"""The prompt of Qwen2.5-Math-PRM, from its model card."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def convert(
    source: Path,
    target: Path,
    *,
    weight_type: WeightType,
    name: str | None = None,
    template: Template | None = None,
    card: ModelCard | None = None,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Convert the Hugging Face checkpoint in `source` and return the path of the new card in the folder `target`.

    `name` names the three files (by default the folder's name and the type). `card` lends title, licence, template,
    threshold, notice and origin; `template` overrides its template. `on_progress` hears weights done and in all.

    Raises:
        CheckpointError: something in the checkpoint is missing, broken or unknown; the message names file and key.
        ModelError: the target cannot be written, or holds such a model already and `force` is not given.
    """
    name = _name(source, weight_type, name)
    template = template or (card.template if card else QWEN_TEMPLATE)
    shape = read_shape(source)
    tokenizer = read_tokenizer(source, shape.vocab, template)
    tensors = find_tensors(source)
    head = _head(tensors, shape, source)
    weights = plan(shape, tensors, weight_type, source)
    with _staging(target, name, force=force) as staging:
        head_sha256 = write_durably(staging / f"{name}.head.safetensors", head)
        backbone = staging / f"{name}.gguf"
        sha256 = write_backbone(backbone, shape, tokenizer, weights, weight_type, name=name, on_progress=on_progress)
        files = file_names(name, sha256, head_sha256)
        made = make_card(
            source.resolve().name, shape, tokenizer, template, card, name=name, weight_type=weight_type, files=files
        )
        write_card(staging, made)
        return _publish(staging, target, made)


def file_names(name: str, backbone_sha256: str, head_sha256: str) -> Files:
    """Name a model's two files, which lie beside its card."""
    return Files(
        backbone=f"{name}.gguf",
        backbone_sha256=backbone_sha256,
        head=f"{name}.head.safetensors",
        head_sha256=head_sha256,
    )


def write_card(folder: Path, card: ModelCard) -> None:
    """Write `NAME.toml` for good, after reading it back."""
    write_durably(folder / f"{card.name}.toml", render_card(card).encode())
    read_card(folder / f"{card.name}.toml")


def _name(source: Path, weight_type: WeightType, name: str | None) -> str:
    return check_model_name(default_name(source.resolve().name, weight_type.value) if name is None else name)


def default_name(source: str, weight_type: str) -> str:
    """Return what a model is called that is made of `source` in this type."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', source).strip('._-') or 'model'}-{weight_type}"


def check_model_name(name: str) -> str:
    """Return the name of a model, which names its files too.

    Raises:
        ModelError: it could not name a file everywhere.
    """
    if not NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} cannot name a model: letters, digits, '.', '_' and '-' only, a letter or digit first"
        )
    return name


def _head(tensors: dict[str, Tensor], shape: Shape, source: Path) -> bytes:
    return pack_head({place.name: head_array(place) for place in head_places(tensors, shape, source)})


def head_places(tensors: dict[str, Tensor], shape: Shape, source: Path) -> list[Tensor]:
    """Find the head's tensors: Linear(hidden, hidden) and Linear(hidden, 2), weights and biases."""
    hidden = shape.hidden
    shapes: tuple[tuple[int, ...], ...] = ((hidden, hidden), (hidden,), (2, hidden), (2,))
    return [take(tensors, name, size, source) for name, size in zip(HEAD, shapes, strict=True)]


def head_array(place: Tensor) -> NDArray[np.float32]:
    """Read a tensor of the head whole."""
    return np.concatenate(list(place.rows(SLAB))).reshape(place.shape)


def pack_head(arrays: dict[str, NDArray[np.float32]]) -> bytes:
    """Return the reward head as a safetensors file, float32."""
    from safetensors.numpy import save

    return save(arrays)


def make_card(
    title: str,
    shape: Shape,
    tokenizer: Tokenizer,
    template: Template,
    card: ModelCard | None,
    *,
    name: str,
    weight_type: WeightType,
    files: Files,
) -> ModelCard:
    """Write down what was made; `card` lends what weights do not say, `title` stands in where there is none."""
    base = card or ModelCard(
        name=name,
        title=title,
        licence="that of the checkpoint",
        architecture=shape.architecture,
        context=shape.context,
        template=template,
        readout=Readout(kind="mlp"),
    )
    return msgspec.structs.replace(
        base,
        name=name,
        base=card.name if card else "",
        architecture=shape.architecture,
        context=min(base.context, shape.context),
        template=msgspec.structs.replace(template, normalization=tokenizer.normalization),
        weight_type=weight_type.value,
        files=files,
        shape=_card_shape(shape),
        memory={},
    )


def _card_shape(shape: Shape) -> CardShape:
    names = ("hidden", "layers", "heads", "kv_heads", "feed_forward", "vocab", "eps", "rope_theta", "tied")
    return CardShape(**{name: getattr(shape, name) for name in names})


@contextlib.contextmanager
def _staging(target: Path, name: str, *, force: bool) -> Iterator[Path]:
    """Give a folder to write in, on the target's file system; it is gone afterwards, whatever happens."""
    for path in (target / f"{name}.toml", target / f"{name}.gguf", target / f"{name}.head.safetensors"):
        if path.exists() and not force:
            raise ModelError(f"{path} is there already; choose another --name, or overwrite it with --force")
    staging = target / f".converting-{name}"
    if force:
        shutil.rmtree(staging, ignore_errors=True)
    try:
        target.mkdir(parents=True, exist_ok=True)
        staging.mkdir()
    except FileExistsError as error:
        raise ModelError(
            f"{staging}: another conversion is writing there, or was killed; when none runs, go on with --force"
        ) from error
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error.strerror}") from error
    try:
        yield staging
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, target: Path, card: ModelCard) -> Path:
    """Move the files into place, the card first out and last in: no card ever points at files that are not its own."""
    path = target / f"{card.name}.toml"
    path.unlink(missing_ok=True)
    moved: list[Path] = []
    try:
        for name in (f"{card.name}.gguf", f"{card.name}.head.safetensors", path.name):
            moved.append(target / name)
            (staging / name).replace(target / name)
    except BaseException:
        for done in moved:
            done.unlink(missing_ok=True)
        raise
    return path
