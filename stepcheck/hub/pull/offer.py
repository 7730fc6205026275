"""What a pull would do, said before its first byte: files, bytes, disk, memory, licence, and what is there already.

Owns the choice between the two ways: from the original checkpoint, converted as it arrives, or a ready backbone with
the head taken out of the checkpoint by range. Fetches nothing but the hub's lists.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Final

from stepcheck.errors import HubError, ModelError, UnknownRevisionError
from stepcheck.hub.checkpoint.files import INDEXES, SINGLES
from stepcheck.hub.checkpoint.heads import conversion_of
from stepcheck.hub.checkpoint.shard import PICKLED
from stepcheck.hub.checkpoint.vocabulary import tokenizer_files
from stepcheck.hub.disk.naming import check_model_name, default_name, staging_of
from stepcheck.hub.disk.store import shipped
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.fetch import PART
from stepcheck.hub.net.files import RemoteFile, Snapshot
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Watch
from stepcheck.hub.pull.journal import read_journal
from stepcheck.hub.pull.pinned import pinned_revision, pinned_snapshot
from stepcheck.prm.card import ModelCard, Origin, Source
from stepcheck.prm.weights import Role

SHARDS: Final = ("model-*-of-*.safetensors", "pytorch_model-*-of-*.bin")
"""Patterns of weights in several files, in the order of `INDEXES` and `SINGLES`."""
HEAD_FILES: Final = ("config.json", *INDEXES)
"""What tells where in a checkpoint the head is."""
CHECKPOINT: Final = "checkpoint"
"""Folder of what is fetched, in the staging folder."""
MARGIN: Final = 1.1
"""Disk beyond the result and one shard: head, tokenizer, journal."""
HEADER_BYTES: Final = 8_000_000
"""About what a vocabulary of 152k tokens takes in a GGUF's header."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a pull would do. Sizes are in bytes.

    `download` counts what is still to come, `present` what an earlier run left of it; `disk` is the most that will lie
    in the folder at a time, beyond what is there.
    """

    name: str
    card: ModelCard
    weight_type: WeightType
    snapshot: Snapshot
    revision: str
    """The branch, tag or request that the snapshot is pinned under."""
    files: tuple[RemoteFile, ...]
    """What is fetched whole besides shards and backbone."""
    shards: tuple[RemoteFile, ...]
    """The checkpoint's weights: all of them are fetched, or, beside a ready backbone, the head's bytes only."""
    backbone: RemoteFile | None
    """The ready backbone; None where it is converted from the checkpoint."""
    head: RemoteFile | None
    """A ready head; None where it comes out of the checkpoint, or is shipped."""
    adapter: RemoteFile | None
    """A ready adapter on the hub."""
    shipped: Mapping[Role, Path]
    """Head and adapter where they came with the package."""
    folder: Path
    told: Mapping[str, str]
    """sha256 by file, where a card told it that came with the files."""
    download: int
    present: int
    result: int
    disk: int
    free: int
    reference: "Offer | None" = None
    """Of a log ratio: the other model, counted in the sizes above."""

    @property
    def licence(self) -> str:
        """What the repository's page says, and what the card says where that is more."""
        page, card = self.snapshot.licence, self.card.licence
        if page in {"not stated", "other"}:
            return card
        return page if card.lower().startswith(page.lower()) and len(card) <= len(page) else f"{page}; {card}"

    @property
    def staging(self) -> Path:
        """Where a pull works, until all is there."""
        return staging_of(self.folder, self.name)


def make_offer(
    hub: Hub,
    card: ModelCard,
    weight_type: WeightType,
    folder: Path,
    *,
    name: str | None = None,
    told: Mapping[str, str] = MappingProxyType({}),
    renew: bool = False,
    watch: Watch | None = None,
) -> Offer:
    """Look a card's repositories up and say what a pull of this type would do.

    Raises:
        ModelError: the card names no repository, this version cannot convert its kind of model, or `name` is no name.
        HubError: the hub does not have it, or lists other files than are needed.
    """
    name = check_model_name(default_name(card.name, weight_type.value) if name is None else name)
    offer = _look_up(hub, card, _origin(card), weight_type, folder, name, told, renew=renew, watch=watch)
    if not conversion_of(card.readout).paired:
        return offer
    if not card.readout.reference:
        raise ModelError(f"{card.name}: its card names no reference model to pull")
    reference = Origin(repository=card.readout.reference)
    other = _look_up(hub, card, reference, weight_type, folder, f"{name}.reference", {}, renew=renew, watch=watch)
    sizes = {key: getattr(offer, key) + getattr(other, key) for key in ("download", "present", "result", "disk")}
    return replace(offer, reference=other, **sizes)


def _look_up(  # noqa: PLR0913 (what a pull may be told)
    hub: Hub,
    card: ModelCard,
    origin: Origin,
    weight_type: WeightType,
    folder: Path,
    name: str,
    told: Mapping[str, str],
    *,
    renew: bool,
    watch: Watch | None,
) -> Offer:
    """Look one model's repositories up."""
    revision, snapshot = _snapshot(hub, folder, origin, renew=renew, watch=watch)
    backbone, head, adapter = _ready_parts(hub, folder, card, weight_type, renew=renew, watch=watch)
    ours = shipped(card) if backbone else {}
    files, shards = _needed(snapshot, origin)
    if backbone:
        files = [file for file in files if file.path in HEAD_FILES or conversion_of(card.readout).by_tokens]
    if head or "head" in ours:
        files, shards = [], []
    elif not shards:
        raise HubError(
            f"{origin.repository}: has neither model*.safetensors nor pytorch_model*.bin at commit"
            f" {snapshot.commit[:12]}"
        )
    checkpoint = sum(file.size for file in shards)
    result = backbone.size if backbone else _result_size(card, weight_type, checkpoint)
    result += adapter.size if adapter else _size(ours.get("adapter"))
    whole = [*files, *(file for file in (backbone, head, adapter) if file), *([] if backbone else shards)]
    staging = staging_of(folder, name)
    converted = read_journal(staging).done
    present = sum(file.size if file.path in converted else _present(staging, file) for file in whole)
    by_range = head_size(card) // 2 if backbone and not head and "head" not in ours else 0
    needed = result + head_size(card) + (0 if backbone else max(file.size for file in shards))
    return Offer(
        name=name,
        card=card,
        weight_type=weight_type,
        snapshot=snapshot,
        revision=revision,
        files=tuple(files),
        shards=tuple(shards),
        backbone=backbone,
        head=head,
        adapter=adapter,
        shipped=ours,
        folder=folder,
        told=_pins(origin, weight_type) | dict(told),
        download=max(0, sum(file.size for file in whole) + by_range - present),
        present=present,
        result=result + head_size(card),
        disk=max(0, int(needed * MARGIN) - disk_usage(staging)),
        free=free_bytes(folder),
    )


def _origin(card: ModelCard) -> Origin:
    if card.origin is None:
        raise ModelError(f"{card.name}: its card names no repository to pull from")
    if elsewhere := conversion_of(card.readout).elsewhere:
        raise ModelError(f"{card.name}: {elsewhere}")
    return card.origin


def _snapshot(hub: Hub, folder: Path, origin: Origin, *, renew: bool, watch: Watch | None) -> tuple[str, Snapshot]:
    """Look the checkpoint up: at the revision that is pinned, else at the first of the card's that holds weights.

    Only a revision that is not there, or holds none, leads to the next: an answer that fails says nothing about it.
    """
    revisions = origin.revisions or (origin.revision,)
    pinned = None if renew else pinned_revision(folder, origin.repository, revisions)
    missing: UnknownRevisionError | None = None
    found: tuple[str, Snapshot] | None = None
    for revision in revisions if pinned is None else (pinned,):
        try:
            snapshot = pinned_snapshot(hub, folder, origin.repository, revision, renew=renew, watch=watch)
        except UnknownRevisionError as error:
            missing = missing or error
            continue
        found = found or (revision, snapshot)
        if _needed(snapshot, origin)[1]:
            return revision, snapshot
    if found is None:
        raise missing or HubError(f"{origin.repository}: the card names no revision")
    return found


def _ready_parts(
    hub: Hub, folder: Path, card: ModelCard, weight_type: WeightType, *, renew: bool, watch: Watch | None
) -> tuple[RemoteFile | None, RemoteFile | None, RemoteFile | None]:
    """Find the backbone, the head and the adapter that lie ready on the hub; the latter two belong to the first."""
    backbone = _ready(hub, folder, card, weight_type, renew=renew, watch=watch)
    if backbone is None or card.origin is None:
        return None, None, None
    head, adapter = (
        _ready_part(hub, folder, source, renew=renew, watch=watch) for source in (card.origin.head, card.origin.adapter)
    )
    return backbone, head, adapter


def _size(path: Path | None) -> int:
    return path.stat().st_size if path else 0


def _ready(
    hub: Hub, folder: Path, card: ModelCard, weight_type: WeightType, *, renew: bool, watch: Watch | None
) -> RemoteFile | None:
    """Find the ready backbone that the card names, if it names one."""
    source = card.origin.backbone if card.origin else None
    if source is None:
        return None
    if "{type}" not in source.file and card.weight_type not in {"", weight_type.value}:
        raise ModelError(f"{card.name}: its one ready file is {card.weight_type}, not {weight_type.value}")
    there = pinned_snapshot(hub, folder, source.repository, source.revision, renew=renew, watch=watch)
    file = there.file(source.file.replace("{type}", weight_type.value))
    if not file.path.endswith(".gguf"):
        raise ModelError(f"{file}: is named as a backbone, but is no GGUF")
    return file


def _ready_part(
    hub: Hub, folder: Path, source: Source | None, *, renew: bool, watch: Watch | None
) -> RemoteFile | None:
    """Find a ready head or adapter on the hub, if the card names one there."""
    if source is None or not source.repository:
        return None
    return pinned_snapshot(hub, folder, source.repository, source.revision, renew=renew, watch=watch).file(source.file)


def _pins(origin: Origin, weight_type: WeightType) -> dict[str, str]:
    """The sha256 of each ready file on the hub that the card pins."""
    sources = [source for source in (origin.backbone, origin.head, origin.adapter) if source and source.repository]
    return {each.file.replace("{type}", weight_type.value): each.sha256 for each in sources if each.sha256}


def _needed(snapshot: Snapshot, origin: Origin) -> tuple[list[RemoteFile], list[RemoteFile]]:
    """The checkpoint's plain files and its weights, at its top level; of two layouts the first that is there whole.

    Safetensors go before pickled weights, several files before one where there is an index.
    """
    here = [file for file in snapshot.select(*origin.files, *SINGLES, *SHARDS, *INDEXES) if "/" not in file.path]
    plain = _plain([file for file in here if not file.path.endswith((".safetensors", PICKLED))])
    for index, single, pattern in zip(INDEXES, SINGLES, SHARDS, strict=True):
        if index in snapshot.files:
            plain = sorted([*plain, snapshot.file(index)], key=lambda file: file.path)
            return plain, [file for file in here if fnmatchcase(file.path, pattern)]
        if single in snapshot.files:
            return plain, [snapshot.file(single)]
    return plain, []


def _plain(files: list[RemoteFile]) -> list[RemoteFile]:
    """The configuration and the tokenizer, of which a repository often holds several forms: the one that is read."""
    read = {"config.json", *tokenizer_files({file.path for file in files})}
    return [file for file in files if file.path in read]


def _result_size(card: ModelCard, weight_type: WeightType, checkpoint: int) -> int:
    """Estimate the GGUF's size: from the card's table, else by the bits of the type against the checkpoint's 16."""
    known = card.memory.get(weight_type.value)
    if known is not None:
        return known * 1_000_000 + HEADER_BYTES
    return checkpoint * BITS[weight_type] // 160 + HEADER_BYTES


BITS: Final = {
    WeightType.F32: 320,
    WeightType.F16: 160,
    WeightType.BF16: 160,
    WeightType.Q8_0: 85,
    WeightType.Q6_K: 66,
    WeightType.Q5_K_M: 58,
    WeightType.Q5_K_S: 56,
    WeightType.Q5_1: 61,
    WeightType.Q5_0: 56,
    WeightType.Q4_K_M: 50,
    WeightType.Q4_K_S: 47,
    WeightType.Q4_1: 51,
    WeightType.Q4_0: 46,
}
"""Tenths of a bit per weight, about: mixes give some matrices more."""


def head_size(card: ModelCard) -> int:
    """Bytes of the head in float32, about."""
    hidden = card.shape.hidden if card.shape else 0
    if card.readout.kind == "ensemble":
        return 4 * 8 * 128 * (hidden + 128 + 3)
    return 4 * (hidden * hidden + 3 * hidden + 2)


def _present(staging: Path, file: RemoteFile) -> int:
    """Bytes of a file that an earlier run left; one that is converted is gone, and counted whole by its journal."""
    place = staging / CHECKPOINT / file.path
    for path in (place, place.with_name(place.name + PART)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def disk_usage(folder: Path) -> int:
    """Bytes that the files of a folder take on the disk; holes in them take none."""
    states = [path.stat() for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return sum(getattr(state, "st_blocks", -(-state.st_size // 512)) * 512 for state in states)


def free_bytes(folder: Path) -> int:
    """Bytes free where a folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
