"""Keeping models: taking in files that are here already, checking them, setting aside, removing.

Owns every change to a models folder besides a pull and a conversion. Refuses to touch what is built in, and to remove a
file that another card names.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stepcheck.errors import ModelError, ModelNotFoundError
from stepcheck.hub.checkpoint.heads import conversion_of, head_parts, pack_head
from stepcheck.hub.checkpoint.peft import PeftAdapter, read_peft
from stepcheck.hub.disk import hashes
from stepcheck.hub.disk.durable import write_durably
from stepcheck.hub.disk.lock import Kept, forget_model, holding, record_model
from stepcheck.hub.disk.naming import check_model_name, file_names, staging_of
from stepcheck.hub.disk.store import Damage, Listed, Model, damages, find_card, list_models
from stepcheck.hub.gguf.adapter import check_adapter
from stepcheck.hub.gguf.header import Header, check_pair, read_gguf
from stepcheck.hub.gguf.lora import changes_of, half_type, target_of_gguf, write_adapter
from stepcheck.hub.gguf.pairs import pair_head
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.fetch import ASIDE, aside, set_aside
from stepcheck.prm.card import NAME, ModelCard, render_card


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a damaged file, and where it was put."""

    damage: Damage
    aside: Path


def import_model(
    backbone: Path,
    head: Path | None,
    card: ModelCard,
    folder: Path,
    *,
    adapter: Path | None = None,
    name: str | None = None,
    force: bool = False,
) -> Path:
    """Take a backbone, a head and an adapter into the models folder as links, without copying; return the new card.

    An `adapter` that is a PEFT folder is converted and written there. Without `head`, that of a token pair is taken out
    of the backbone file, and any other out of the PEFT folder, where it was trained whole.

    Raises:
        CheckpointError: the backbone file has not what a token pair is read by, or the PEFT folder is of another model.
        ModelError: backbone, head and card do not belong together, or the folder holds such a model already.
    """
    backbone = backbone.resolve()
    name = check_model_name(name or backbone.stem)
    with tempfile.TemporaryDirectory(prefix="stepcheck-") as place:
        peft = read_peft(adapter) if adapter and adapter.is_dir() else None
        source = head.resolve() if head else _own_head(backbone, card, peft, Path(place))
        header = check_pair(backbone, source, card)
        if peft is not None:
            adapter = _converted(peft, backbone, header, Path(place) / f"{name}.lora.gguf")
        if adapter is not None:
            check_adapter(adapter := adapter.resolve(), backbone)
        adapted = hashes.sha256(adapter) if adapter else ""
        files = file_names(name, hashes.sha256(backbone), hashes.sha256(source), adapted)
        made = msgspec.structs.replace(
            card,
            name=name,
            base=card.base or card.name,
            weight_type=header.weight_type,
            files=files,
            context=min(card.context, header.context or card.context),
            memory={},
        )
        links = {files.backbone: backbone} | ({files.head: source} if head else {})
        links |= {files.adapter: adapter} if adapter and not peft else {}
        with holding(folder, name):
            _clear((folder / each for each in (f"{name}.toml", *files.pinned)), force=force)
            for link, target in links.items():
                _link(folder / link, target)
            for file, part in ((files.head, source), (files.adapter, adapter)):
                if part is not None and file not in links:
                    write_durably(folder / file, part.read_bytes())
            kept = Kept(files=files.pinned, links={link: str(target) for link, target in links.items()})
            record_model(folder, name, kept)
            write_durably(folder / f"{name}.toml", render_card(made).encode())
    return folder / f"{name}.toml"


@dataclass(frozen=True, slots=True)
class _Sizes:
    hidden: int
    vocab: int


def _converted(peft: PeftAdapter, backbone: Path, header: Header, path: Path) -> Path:
    """Write a PEFT folder's LoRA for a ready backbone."""
    kind = half_type(WeightType(header.weight_type or WeightType.Q8_0))
    write_adapter(path, header.architecture, changes_of(peft, target_of_gguf(backbone)), kind, name=path.stem)
    return path


def _own_head(backbone: Path, card: ModelCard, peft: PeftAdapter | None, folder: Path) -> Path:
    """Write the head of a token pair, which a whole language model's file holds, or one that came with a LoRA."""
    if conversion_of(card.readout).by_tokens:
        data = pair_head(backbone, card.readout)
    elif peft is not None and peft.saved:
        header = read_gguf(backbone)
        sizes = _Sizes(header.hidden or 0, len(header.tokens))
        parts = head_parts(peft.saved, sizes, card.readout, tuple(header.tokens), peft.folder)
        data = pack_head({part.name: part.read() for part in parts})
    else:
        raise ModelError(
            f"{backbone}: a model that is read by '{card.readout.kind}' has its head in a file of its own:"
            " give it with --head"
        )
    path = folder / "head.safetensors"
    path.write_bytes(data)
    return path


def _clear(places: Iterable[Path], *, force: bool) -> None:
    """Make room for what is taken in."""
    for place in places:
        if place.exists() or place.is_symlink():
            if not force:
                raise ModelError(f"{place} is there already; choose another --name, or replace it with --force")
            place.unlink()


def _link(place: Path, target: Path) -> None:
    """Make a link; where links need a permission (Windows), a second name for the same file."""
    try:
        place.symlink_to(target)
    except (OSError, NotImplementedError):
        try:
            os.link(target, place)
        except OSError as error:
            raise ModelError(
                f"{place}: this system allows no link to {target} ({error.strerror}); move the file into the models"
                " folder instead"
            ) from error


def check(model: Model, *, anew: bool = True) -> list[Finding]:
    """Hash a model's files and set aside those that are not the pinned ones.

    Raises:
        ModelError: a file cannot be read or put aside.
    """
    findings = []
    for damage in list(damages(model, anew=anew)):
        try:
            findings.append(Finding(damage, set_aside(damage.link, damage.link)))
        except OSError as error:
            raise ModelError(f"{damage.link}: cannot be set aside: {error.strerror}") from error
    return findings


def remove(name: str, folder: Path) -> int:
    """Remove a model, its files, what was set aside, and an unfinished pull; return the bytes that are free again.

    Files that were imported stay where they are; only their links go.

    Raises:
        ModelNotFoundError: there is no such model, nor an unfinished pull of one.
        ModelError: it is built in, lies elsewhere, or cannot be removed.
    """
    entry = _own(name, folder)
    # a path names a card, never a pull: only what could name a model is looked for as one
    names = {each for each in (entry.name if entry else name.replace(":", "-"), name) if NAME.fullmatch(each)}
    places = [staging for each in names if (staging := staging_of(folder, each)).is_dir()]
    if entry is not None:
        places += [entry.path, *_files(entry, folder)]
    if not places:
        raise ModelNotFoundError(f"no model is named '{name}' in {folder}. See: stepcheck models list")
    with holding(folder, max(names, default="models")):
        freed = sum(_delete(place) for place in places)
        for each in names:
            forget_model(folder, each)
    return freed


def _own(name: str, folder: Path) -> Listed | None:
    """Find a card that may be removed: in the models folder, not built in."""
    try:
        entry = find_card(name, folder)
    except ModelNotFoundError:
        return None
    if entry.built_in and not entry.ready:
        return None
    if entry.built_in:
        raise ModelError(f"{entry.name}: is built in and cannot be removed")
    if not entry.path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"{entry.path}: lies outside the models folder {folder}: remove it there")
    return entry


def _files(entry: Listed, folder: Path) -> Iterator[Path]:
    """Yield the files that this card names and no other one does."""
    if entry.card is None or entry.card.files is None:
        return
    others = {
        entry_folder / file
        for other in list_models(folder)
        if other.path != entry.path and other.card and other.card.files
        for entry_folder in [other.path.parent]
        for file in other.card.files.pinned
    }
    for file in entry.card.files.pinned:
        place = entry.path.parent / file
        inside = place.parent.resolve().is_relative_to(entry.path.parent.resolve())
        if inside and place not in others:
            yield from (path for path in (place, aside(place)) if path.is_symlink() or path.is_file())


def _delete(place: Path) -> int:
    """Delete a file, a link or a folder; return its bytes."""
    try:
        if place.is_dir() and not place.is_symlink():
            size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
            shutil.rmtree(place)
            return size
        size = place.lstat().st_size
        place.unlink()
    except OSError as error:
        raise ModelError(f"{place}: cannot be removed: {error.strerror}") from error
    return size


def unfinished(folder: Path) -> list[tuple[str, int]]:
    """Return the pulls that were not finished: name and bytes on the disk."""
    found = []
    for staging in sorted(folder.glob(".pulling-*")) if folder.is_dir() else []:
        with contextlib.suppress(OSError):
            size = sum(path.stat().st_size for path in (staging / "checkpoint").rglob("*") if path.is_file())
            found.append((staging.name.removeprefix(".pulling-"), size))
    return found


def put_aside(folder: Path) -> list[Path]:
    """Return the files in a folder that were set aside."""
    return sorted(folder.glob(f"*{ASIDE}")) if folder.is_dir() else []
