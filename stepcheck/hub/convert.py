"""Checkpoint folder → model: backbone GGUF, reward head and card, all three or nothing.

Owns the order of a conversion and its clean end. What is written goes into a folder of its own beside the target and
moves into place at the end; an error or Ctrl-C leaves nothing behind.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from stepcheck.errors import CheckpointError, ModelError
from stepcheck.hub.checkpoint.files import find_tensors
from stepcheck.hub.checkpoint.heads import choose_readout, conversion_of, head_parts, pack_head
from stepcheck.hub.checkpoint.peft import MERGE, PeftAdapter, read_peft
from stepcheck.hub.checkpoint.shape import Shape, read_shape
from stepcheck.hub.checkpoint.tokenizer import Tokenizer, TokenType, read_tokenizer
from stepcheck.hub.disk.durable import write_durably
from stepcheck.hub.disk.hashes import hash_file
from stepcheck.hub.disk.naming import check_model_name, default_name, file_names
from stepcheck.hub.gguf.backbone import plan, write_backbone
from stepcheck.hub.gguf.lora import changes_of, half_type, target_of_shape, write_adapter
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import CardShape, Files, ModelCard, Readout, Template, read_card, render_card
from stepcheck.prm.families import family_of

QWEN_TEMPLATE: Final = Template(
    before_problem="<|im_start|>system\n"
    "Please reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n<|im_start|>user\n",
    after_problem="<|im_end|>\n<|im_start|>assistant\n",
    mark="<extra_0>",
)
"""The prompt of Qwen2.5-Math-PRM, from its model card."""
NO_REFERENCE: Final = "is read by a log ratio: give its reference model's checkpoint with --reference"


def convert(  # noqa: PLR0913 (what a conversion may be told)
    source: Path,
    target: Path,
    *,
    weight_type: WeightType,
    name: str | None = None,
    template: Template | None = None,
    card: ModelCard | None = None,
    reference: Path | None = None,
    adapter: Path | None = None,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Convert the Hugging Face checkpoint in `source` and return the path of the new card in the folder `target`.

    `name` names the three files (by default the folder's name and the type). `card` lends title, licence, template,
    readout, threshold, notice and origin; `template` overrides its template. `reference` is the other checkpoint of a
    model that is read by a log ratio. `adapter` is a PEFT folder whose LoRA becomes a file of its own beside the
    backbone, and whose head, where it was trained whole, takes the checkpoint's place.
    `on_progress` hears weights done and in all.

    Raises:
        CheckpointError: something in the checkpoint is missing, broken or unknown; the message names file and key.
        ModelError: the target cannot be written, or holds such a model already and `force` is not given.
    """
    name = _name(source, weight_type, name)
    shape, tensors = read_shape(source), find_tensors(source)
    peft = read_peft(adapter) if adapter else None
    if peft is not None:
        tensors |= peft.saved
    readout = card.readout if card else choose_readout(tensors, source)
    template = template or (card.template if card else _usual_template(readout, source))
    tokenizer = read_tokenizer(source, shape.vocab, template)
    pair = _is_pair(readout, source, reference, peft)
    changes = changes_of(peft, target_of_shape(shape, source)) if peft else []
    parts = [] if pair else head_parts(tensors, shape, readout, tokenizer.tokens, source)
    head = pack_head({part.name: part.read() for part in parts})
    weights = plan(shape, tensors, weight_type, source, writes=pair)
    with _staging(target, name, force=force) as staging:
        half = f"{name}.reference.gguf" if pair else f"{name}.head.safetensors"
        if reference is not None:
            other = _Halves(on_progress)
            on_progress = other.first
            head_sha256 = _write_reference(staging / half, reference, tokenizer, template, weight_type, other.second)
        else:
            head_sha256 = write_durably(staging / half, head)
        backbone = staging / f"{name}.gguf"
        sha256 = write_backbone(backbone, shape, tokenizer, weights, weight_type, name=name, on_progress=on_progress)
        base = card or _new_card(source, shape, template, readout, name=name)
        lora = staging / f"{name}.lora.gguf"
        if changes:
            write_adapter(lora, shape.family, changes, half_type(weight_type), name=name)
        adapted = hash_file(lora) if changes else ""
        files = msgspec.structs.replace(file_names(name, sha256, head_sha256, adapted), head=half)
        made = make_card(base, shape, tokenizer, template, name=name, weight_type=weight_type, files=files, lent=card)
        write_card(staging, made)
        return _publish(staging, target, made)


def write_card(folder: Path, card: ModelCard) -> None:
    """Write `NAME.toml` for good, after reading it back."""
    write_durably(folder / f"{card.name}.toml", render_card(card).encode())
    read_card(folder / f"{card.name}.toml")


def _is_pair(readout: Readout, source: Path, reference: Path | None, peft: PeftAdapter | None) -> bool:
    """Tell whether a model is read beside a reference; refuse what does not go together."""
    pair = family_of(readout).beside == "reference"
    if pair != (reference is not None):
        raise CheckpointError(f"{source}: {NO_REFERENCE if pair else 'only a log ratio has a reference model'}")
    if pair and peft is not None:
        raise CheckpointError(f"{source}: a log ratio is read without an adapter; {MERGE}")
    return pair


def _name(source: Path, weight_type: WeightType, name: str | None) -> str:
    return check_model_name(default_name(source.resolve().name, weight_type.value) if name is None else name)


class _Halves:
    """Makes one count of two conversions of about the same size, the reference's first."""

    def __init__(self, on_progress: Callable[[int, int], None] | None) -> None:
        self._tell = on_progress or (lambda _done, _total: None)

    def second(self, done: int, total: int) -> None:
        """Hear of the reference, which is written first."""
        self._tell(done, 2 * total)

    def first(self, done: int, total: int) -> None:
        """Hear of the model."""
        self._tell(total + done, 2 * total)


def _write_reference(
    path: Path,
    source: Path,
    tokenizer: Tokenizer,
    template: Template,
    weight_type: WeightType,
    on_progress: Callable[[int, int], None],
) -> str:
    """Convert the reference of a log ratio, whose vocabulary must be the model's; return its sha256."""
    shape = read_shape(source)
    own = read_tokenizer(source, shape.vocab, template)
    check_same_vocabulary(own, tokenizer, str(source))
    weights = plan(shape, find_tensors(source), weight_type, source, writes=True)
    return write_backbone(path, shape, own, weights, weight_type, name=path.stem, on_progress=on_progress)


def check_same_vocabulary(own: Tokenizer, model: Tokenizer, source: str) -> None:
    """Refuse a reference whose tokens are not the model's.

    Raises:
        CheckpointError: they are not; says where the reference is from.
    """
    known = sum(kind is not TokenType.UNUSED for kind in model.types)
    if own.tokens[:known] != model.tokens[:known] or own.pre != model.pre:
        raise CheckpointError(f"{source}: its vocabulary is not the model's: likelihoods cannot be compared")


def _usual_template(readout: Readout, source: Path) -> Template:
    """Return Qwen's prompt for its own head; what another head was trained with, nobody can tell from its weights."""
    if not conversion_of(readout).usual_prompt:
        raise CheckpointError(
            f"{source}: has a {readout.kind} head, but no card says with which prompt it was trained; give one with"
            " --card"
        )
    return QWEN_TEMPLATE


def _new_card(source: Path, shape: Shape, template: Template, readout: Readout, *, name: str) -> ModelCard:
    return ModelCard(
        name=name,
        title=source.resolve().name,
        licence="that of the checkpoint",
        architecture=shape.architecture,
        context=shape.context,
        template=template,
        readout=readout,
    )


def make_card(
    base: ModelCard,
    shape: Shape,
    tokenizer: Tokenizer,
    template: Template,
    *,
    name: str,
    weight_type: WeightType,
    files: Files,
    lent: ModelCard | None,
) -> ModelCard:
    """Write down what was made; `base` says what weights do not, `lent` by the user or made for the occasion."""
    return msgspec.structs.replace(
        base,
        name=name,
        base=lent.name if lent and lent.name != name else "",
        architecture=shape.architecture,
        context=min(base.context, shape.context),
        template=msgspec.structs.replace(template, normalization=tokenizer.normalization),
        weight_type=weight_type.value,
        files=files,
        shape=card_shape(shape),
        memory={},
    )


def card_shape(shape: Shape) -> CardShape:
    """Say of a shape what a card keeps of it."""
    names = ("hidden", "layers", "heads", "kv_heads", "feed_forward", "vocab", "eps", "rope_theta", "tied", "head_dim")
    return CardShape(**{name: getattr(shape, name) for name in names})


@contextlib.contextmanager
def _staging(target: Path, name: str, *, force: bool) -> Iterator[Path]:
    """Give a folder to write in, on the target's file system; it is gone afterwards, whatever happens."""
    for path in (target / f"{name}.{kind}" for kind in ("toml", "gguf", "head.safetensors", "lora.gguf")):
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
        for name in (*(card.files.pinned if card.files else ()), path.name):
            moved.append(target / name)
            (staging / name).replace(target / name)
    except BaseException:
        for done in moved:
            done.unlink(missing_ok=True)
        raise
    return path
