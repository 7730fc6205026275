"""A model in the form that `models export` writes, pulled from any repository: card, backbone, head and adapter.

Owns what a card from elsewhere may say. It names files of its own repository and nothing else: no path, no address, no
other repository's file; its numbers are those of a model; and its files are the ones whose hashes it tells. Refuses
everything else by the card's name and the key, before a byte of a model is asked for.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from stepcheck.errors import CardError, HubError
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.fetch import fetch
from stepcheck.hub.net.files import RemoteFile, Snapshot
from stepcheck.hub.net.names import check_name
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Watch
from stepcheck.hub.pull.pinned import pinned_sha256, pinned_snapshot
from stepcheck.prm.card import Files, ModelCard, Origin, Source, read_card
from stepcheck.prm.families import family_of, runs

CARD: Final = ".toml"
LARGEST_CARD: Final = 1 << 18
"""Bytes; the longest card of a paper's model, with its oracle, has 3 KB."""
MOST_CARDS: Final = 64
LONGEST_TEXT: Final = 1 << 14
LARGEST: Final = 1 << 24
"""Of any number in a card but sizes in memory: far above every vocabulary and context."""
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Shared:
    """A card of a repository, checked, with the files that it names; `file` is the card's own."""

    card: ModelCard
    file: RemoteFile
    backbone: RemoteFile
    head: RemoteFile
    adapter: RemoteFile | None
    sha256: str
    """The card's own."""

    @property
    def source(self) -> ModelCard:
        """The card as a pull takes one: made of this repository's ready files."""
        here = self.backbone.repository
        origin = Origin(
            repository=here,
            backbone=Source(repository=here, file=self.backbone.path),
            head=Source(repository=here, file=self.head.path),
            adapter=Source(repository=here, file=self.adapter.path) if self.adapter else None,
        )
        return msgspec.structs.replace(self.card, name=self.card.base or self.card.name, files=None, origin=origin)

    @property
    def told(self) -> dict[str, str]:
        """The sha256 of each file, as the card tells it."""
        return self.card.files.pinned if self.card.files else {}


def find_shared(
    hub: Hub, folder: Path, repository: str, weight_type: str = "", *, renew: bool = False, watch: Watch | None = None
) -> Shared:
    """Find a repository's model of a weight type, or the only one that it has.

    Raises:
        HubError: the repository holds no such card, or not the files that it names.
        CardError: a card says what one from elsewhere may not; names it and the key.
    """
    snapshot = pinned_snapshot(hub, folder, repository, renew=renew, watch=watch)
    names = [name for name in sorted(snapshot.files) if name.endswith(CARD) and "/" not in name]
    if not names or len(names) > MOST_CARDS:
        raise HubError(f"{repository}: has {len(names) or 'no'} card (*.toml), so it is no model that was exported")
    cards = [(name, *_read(hub, folder, snapshot.file(name), watch)) for name in names]
    fitting = [found for found in cards if weight_type.lower() in ("", found[1].weight_type)]
    if len(fitting) != 1:
        there = ", ".join(card.weight_type or name for name, card, _ in cards)
        raise HubError(f"{repository}: has {len(fitting) or 'no'} model {weight_type or 'alone'}; it has {there}")
    name, card, sha256 = fitting[0]
    files = check_foreign(card, f"{repository}/{name}")
    backbone = _file(snapshot, name, "files.backbone", files.backbone, files.backbone_sha256)
    head = _file(snapshot, name, "files.head", files.head, files.head_sha256)
    adapter = None
    if files.adapter:
        adapter = _file(snapshot, name, "files.adapter", files.adapter, files.adapter_sha256)
    return Shared(card, snapshot.file(name), backbone, head, adapter, sha256)


def _read(hub: Hub, folder: Path, file: RemoteFile, watch: Watch | None) -> tuple[ModelCard, str]:
    """Fetch a card and read it, held to what is pinned; return its sha256 too."""
    if file.size > LARGEST_CARD:
        raise HubError(f"{file}: has {file.size:,} bytes: it is no card")
    with tempfile.TemporaryDirectory(prefix="stepcheck-") as place:
        target = Path(place) / "card.toml"
        sha256 = fetch(hub, file, target, sha256=pinned_sha256(folder, file), watch=watch)
        try:
            return read_card(target), sha256
        except CardError as error:
            raise CardError(f"{file}: {str(error).removeprefix(f'{target}: ')}") from error


def check_foreign(card: ModelCard, where: str) -> Files:
    """Refuse what a card from elsewhere may not say; return the files that it names.

    Raises:
        CardError: with the card's place and the key.
    """
    _check_values(msgspec.to_builtins(card), where, "")
    if len(card.name) > LONGEST_NAME:
        raise CardError(f"{where}: key 'name': has {len(card.name)} characters")
    if card.files is None:
        raise CardError(f"{where}: key 'files': is missing: it names no model")
    if not runs(card) or family_of(card.readout).beside != "head":
        raise CardError(f"{where}: key 'readout.kind': a {card.readout.kind} has no head to pull")
    if card.weight_type not in list(WeightType):
        raise CardError(f"{where}: key 'weight_type': {card.weight_type!r:.40} is no type of weights")
    for key, name, ending in (
        ("files.backbone", card.files.backbone, ".gguf"),
        ("files.head", card.files.head, ".safetensors"),
        *((("files.adapter", card.files.adapter, ".gguf"),) if card.files.adapter else ()),
        ("name", f"{card.name}.gguf", ".gguf"),
    ):
        try:
            plain = str(check_name(name, "model"))
        except HubError as error:
            raise CardError(f"{where}: key '{key}': {error}") from error
        if "/" in plain or not plain.endswith(ending):
            raise CardError(f"{where}: key '{key}': {name!r:.80} is not a {ending} file of this repository")
    for key, name in (("files.head", card.files.head), ("files.adapter", card.files.adapter)):
        if name == card.files.backbone:
            raise CardError(f"{where}: key '{key}': is the backbone's file")
    _check_origin(card.origin, where)
    return card.files


def _check_origin(origin: Origin | None, where: str) -> None:
    """Let it say where the weights come from, and nothing that would be fetched from there."""
    if origin is not None and (origin.backbone or origin.head or origin.adapter):
        key = next(f"origin.{part}" for part in ("backbone", "head", "adapter") if getattr(origin, part))
        raise CardError(f"{where}: key '{key}': names another repository's file")
    if origin is not None and not _is_repository(origin.repository):
        raise CardError(f"{where}: key 'origin.repository': {origin.repository!r:.80} is no name of a repository")


def _check_values(value: Any, where: str, key: str) -> None:  # noqa: ANN401 (TOML)
    """Refuse texts with an address and numbers that no model has."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_values(inner, where, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        if len(value) > LONGEST_TEXT:
            raise CardError(f"{where}: key '{key}': has {len(value):,} entries")
        for inner in value:
            _check_values(inner, where, key)
    elif isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise CardError(f"{where}: key '{key}': has {len(value):,} characters")
        if "://" in value or value.lower().startswith(("www.", "file:", "data:", "javascript:")):
            raise CardError(f"{where}: key '{key}': names an address; a card from elsewhere may name none")
    elif isinstance(value, int | float) and abs(value) > LARGEST:
        raise CardError(f"{where}: key '{key}': {value:.6g} is above every model's")


def _is_repository(name: str) -> bool:
    """Whether a name is `OWNER/REPOSITORY`, each an ordinary name."""
    parts = name.split("/")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    return len(parts) == 2 and all(part and set(part) <= allowed and part[0] not in ".-" for part in parts)  # noqa: PLR2004 (two)


def _file(snapshot: Snapshot, card: str, key: str, name: str, sha256: str) -> RemoteFile:
    """Find a file that a card names, and see that the hub lists it with the card's hash, where it lists one."""
    file = snapshot.file(name)
    if file.sha256 not in {None, sha256}:
        raise HubError(
            f"{snapshot.repository}/{card}: key '{key}_sha256': says {sha256}, the hub lists {file.sha256} for {name}"
        )
    return file
