"""Pulling a model: fetched, converted as it arrives, verified, and there as a whole or not at all.

Owns the order of a pull and its going on after any end. A checkpoint is converted shard by shard, each deleted once its
tensors are in the GGUF, so that no more than the result and one shard lie on the disk. The result is byte for byte what
converting the whole folder would give. What is not finished stays in a hidden folder beside the models.
"""

import hashlib
import importlib.metadata
import shutil
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError, HubError, ModelError
from stepcheck.hub.checkpoint.files import INDEXES, assemble, read_index
from stepcheck.hub.checkpoint.heads import Part, conversion_of, head_parts, pack_head
from stepcheck.hub.checkpoint.shape import Shape, read_shape
from stepcheck.hub.checkpoint.shard import PICKLED, parse_shard, read_shard
from stepcheck.hub.checkpoint.tensors import SLAB, Tensor, find_again
from stepcheck.hub.checkpoint.tokenizer import Tokenizer, read_tokenizer
from stepcheck.hub.convert import check_same_vocabulary, make_card, write_card
from stepcheck.hub.disk.durable import write_durably
from stepcheck.hub.disk.hashes import hash_file, remember_hash
from stepcheck.hub.disk.lock import Kept, holding, record_model
from stepcheck.hub.disk.naming import file_names
from stepcheck.hub.disk.store import find, verify
from stepcheck.hub.gguf.adapter import check_adapter
from stepcheck.hub.gguf.backbone import BackboneFile, Weight, placed, plan
from stepcheck.hub.gguf.header import check_pair
from stepcheck.hub.library import check
from stepcheck.hub.net.fetch import aside, fetch_range, set_aside
from stepcheck.hub.net.files import RemoteFile
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Progress, Watch
from stepcheck.hub.pull.journal import Journal, open_journal, write_journal
from stepcheck.hub.pull.offer import CHECKPOINT, Offer
from stepcheck.hub.pull.pinned import fetch_pinned
from stepcheck.prm.card import Files, ModelCard, Origin, Source, read_card
from stepcheck.prm.weights import Role

LARGEST_HEAD: Final = 1 << 32
"""Bytes; a head that claims more is none."""


def pull(hub: Hub, offer: Offer, *, watch: Watch | None = None, force: bool = False) -> Path:
    """Do what an offer says and return the path of the new card; goes on where an earlier run ended.

    A model of that name that is there and right is left alone; one that is damaged is set aside and made anew; `force`
    makes any anew. While another process pulls the same model, this one waits and then finds it done.

    Raises:
        HubError: something cannot be fetched or is not what was promised.
        CheckpointError: the checkpoint cannot be converted.
        ModelError: the folder cannot be written, or holds another model of that name.
        CancelledError: the watch said so; what came so far is kept.
    """
    watch = watch or Watch()
    with holding(offer.folder, offer.name, watch):
        card_path = offer.folder / f"{offer.name}.toml"
        if not force and card_path.exists() and _is_right(card_path, offer, watch):
            shutil.rmtree(offer.staging, ignore_errors=True)
            return card_path
        try:
            return _Pull(hub, offer, watch).run()
        except OSError as error:
            raise ModelError(f"{offer.folder}: cannot be written: {error.strerror or error}") from error


def already_here(folder: Path, name: str, card: ModelCard) -> Path | None:
    """Return the card of the model `name` if it was made with `card`'s repository and is whole; asks no network."""
    path = folder / f"{name}.toml"
    try:
        model = find(str(path))
        verify(model)
    except ModelError:
        return None
    origin = model.card.origin
    same = origin and card.origin and origin.repository == card.origin.repository and _parts_agree(model.card, card)
    return path if same else None


def _parts_agree(made: ModelCard, card: ModelCard) -> bool:
    """Whether a model has the files that a card pins, where it pins them: a later card may have another adapter."""
    if made.files is None or card.origin is None:
        return False
    has = (made.files.backbone_sha256, made.files.head_sha256, made.files.adapter_sha256)
    wanted = (card.origin.backbone, card.origin.head, card.origin.adapter)
    return all(not source or source.sha256 in {"", sha256} for source, sha256 in zip(wanted, has, strict=True))


def _is_right(card_path: Path, offer: Offer, watch: Watch) -> bool:
    """Tell whether the model that is there is the one that was asked for and whole; what is damaged is set aside."""
    made, wanted = read_card(card_path), offer.card.origin
    origin = made.origin
    if origin is None or wanted is None or origin.repository != wanted.repository:
        raise ModelError(f"{card_path} is there already and is another model; choose another --name or --force")
    if origin.revision != offer.snapshot.commit or not _parts_agree(made, offer.card):
        return False  # made from another commit, or with another adapter, than is wanted now
    try:
        model = find(str(card_path))
    except ModelError as error:
        watch.note(f"{error}: done now")
        return False
    findings = check(model, anew=False)
    for finding in findings:
        damage = finding.damage
        watch.note(
            f"{damage.file}: is not the pinned file: sha256 expected {damage.expected}, actual {damage.actual};"
            f" set aside as {finding.aside}, and pulled anew"
        )
    return not findings


class _Pull:
    """One pull under way."""

    def __init__(self, hub: Hub, offer: Offer, watch: Watch) -> None:
        self._hub, self._offer, self._watch = hub, offer, watch
        self._staging = offer.staging
        self._checkpoint = offer.staging / CHECKPOINT
        self._revision = offer.revision
        self._journal = Journal()
        self._planned: dict[str, Tensor] = {}

    def run(self) -> Path:
        """Go on from wherever an earlier run ended."""
        self._journal = open_journal(self._staging, self._job())
        if not (self._staging / f"{self._offer.name}.toml").is_file():
            for file in self._offer.files:
                self._fetch(file, self._revision)
            card = self._ready() if self._offer.backbone else self._paired() or self._converted()
            write_card(self._staging, card)
        return self._publish(read_card(self._staging / f"{self._offer.name}.toml"))

    def _job(self) -> dict[str, str]:
        """All that decides the bytes of the result; a journal of any other job is of no use."""
        offer = self._offer
        return {
            "commit": offer.snapshot.commit,
            "repository": offer.snapshot.repository,
            "type": offer.weight_type.value,
            "name": offer.name,
            "backbone": str(offer.backbone or ""),
            "card": hashlib.sha256(msgspec.json.encode(offer.card)).hexdigest(),
            "stepcheck": importlib.metadata.version("stepcheck"),
            "llama_cpp": importlib.metadata.version("llama-cpp-python"),
        }

    def _fetch(self, file: RemoteFile, revision: str) -> tuple[Path, str]:
        """Fetch a file of the checkpoint's folder; return where it is, and its sha256."""
        target = self._checkpoint / file.path
        actual = fetch_pinned(self._hub, self._offer.folder, file, target, revision, watch=self._watch)
        expected = self._offer.told.get(file.path, actual)
        if actual != expected:
            raise HubError(
                f"{file}: is not the file that its card tells of: sha256 expected {expected}, actual {actual};"
                f" set aside as {set_aside(target, target)}, not used"
            )
        return target, actual

    # -- from the original checkpoint ----------------------------------------------------------------------------------

    def _converted(self) -> ModelCard:
        offer = self._offer
        shape, tokenizer, sha256, heads = self._backbone(writes=False)
        head = pack_head({part.name: self._kept(part) for part in heads})
        head_sha256 = write_durably(self._staging / f"{offer.name}.head.safetensors", head)
        return self._card(shape, tokenizer, file_names(offer.name, sha256, head_sha256))

    def _paired(self) -> ModelCard | None:
        """Convert a model and its reference, one after the other; None where there is none."""
        offer = self._offer
        if offer.reference is None:
            return None
        half = self._staging / f"{offer.name}.reference.gguf"
        shape, tokenizer, sha256, _ = self._backbone(writes=True)
        if not half.is_file():
            other = _Pull(self._hub, offer.reference, self._watch)
            other.convert_whole(tokenizer).replace(half)
        shutil.rmtree(offer.reference.staging, ignore_errors=True)
        files = msgspec.structs.replace(file_names(offer.name, sha256, hash_file(half)), head=half.name)
        return self._card(shape, tokenizer, files)

    def convert_whole(self, model: Tokenizer) -> Path:
        """Convert a reference, whose vocabulary must be the model's; return its GGUF, in its own staging folder.

        Raises:
            CheckpointError: the vocabulary is another.
        """
        self._journal = open_journal(self._staging, self._job())
        for file in self._offer.files:
            self._fetch(file, self._revision)
        own = read_tokenizer(self._checkpoint, read_shape(self._checkpoint).vocab, self._offer.card.template)
        check_same_vocabulary(own, model, self._offer.snapshot.repository)
        self._backbone(writes=True)
        return self._staging / f"{self._offer.name}.gguf"

    def _backbone(self, *, writes: bool) -> tuple[Shape, Tokenizer, str, list[Part]]:
        """Convert what is fetched shard by shard: its shape, tokenizer and sha256, and the head's tensors.

        A model that `writes` keeps its language model's head and has no other.
        """
        offer, folder = self._offer, self._checkpoint
        shape = read_shape(folder)
        tokenizer = read_tokenizer(folder, shape.vocab, offer.card.template)
        tensors = self._planned = self._tensors()
        heads = [] if writes else head_parts(tensors, shape, offer.card.readout, tokenizer.tokens, folder)
        weights = plan(shape, tensors, offer.weight_type, folder, writes=writes)
        path = self._staging / f"{offer.name}.gguf"
        with BackboneFile(path, shape, tokenizer, weights, offer.weight_type, name=offer.name) as file:
            if not file.begun:
                self._note_done(())
            for shard in offer.shards:
                if shard.path not in self._journal.done:
                    self._convert_shard(shard, file, weights, heads)
                (folder / shard.path).unlink(missing_ok=True)
        self._watch.step("hashing")
        return shape, tokenizer, hash_file(path), heads

    def _convert_shard(self, shard: RemoteFile, file: BackboneFile, weights: list[Weight], heads: list[Part]) -> None:
        """Fetch a shard and put its tensors where they belong; one that holds nothing needed is not fetched."""
        place = self._checkpoint / shard.path
        mine = [weight for weight in weights if weight.source.file == place]
        my_heads = [tensor for part in heads for tensor in part.places if tensor.file == place]
        if mine or my_heads:
            self._fetch(shard, self._revision)
            there = read_shard(place)

            def place_of(tensor: Tensor) -> Tensor:
                found = find_again(tensor, self._planned[tensor.name], there.get(tensor.name))
                if found is None:
                    raise HubError(f"{shard}: tensor {tensor.name} is not what its header said; pull again")
                return found

            mine = [replace(weight, source=placed(weight.source, place_of)) for weight in mine]
            self._watch.step(f"converting {shard.path}")
            for tensor in my_heads:
                np.save(self._head_part(tensor), _whole(place_of(tensor)), allow_pickle=False)
            file.write(mine, lambda _count: self._watch.check())
            self._watch.step("")
        self._note_done((*self._journal.done, shard.path))

    def _note_done(self, done: tuple[str, ...]) -> None:
        self._journal = msgspec.structs.replace(self._journal, done=done)
        write_journal(self._staging, self._journal)

    def _head_part(self, tensor: Tensor) -> Path:
        return self._staging / f"{tensor.name}-{tensor.offset}.npy"

    def _kept(self, part: Part) -> NDArray[np.float32]:
        """Put a head's tensor together from what was kept of the shards; zeros where a checkpoint has none."""
        pieces = [np.load(self._head_part(place), allow_pickle=False) for place in part.places]
        return np.concatenate([np.zeros(0, np.float32), *pieces]).reshape(part.shape) if pieces else part.read()

    def _tensors(self, located: Collection[str] = ()) -> dict[str, Tensor]:
        """Find every tensor of the checkpoint by reading the shards' headers by range.

        The places of those that are `located` are right; of others they may be only their plan's, see `parse_shard`.
        """
        shards = {file.path: self._header(file, located) for file in self._offer.shards}
        index = next((self._checkpoint / file.path for file in self._offer.files if file.path in INDEXES), None)
        if index is None:
            return next(iter(shards.values()))
        places = read_index(index)
        for shard in sorted(set(places.values())):
            if shard not in shards:
                raise CheckpointError(
                    f"{index}: names the shard {shard}, which {self._offer.snapshot.repository} lacks"
                )
        return assemble(index, places, shards)

    def _header(self, file: RemoteFile, located: Collection[str]) -> dict[str, Tensor]:
        place = self._checkpoint / file.path
        if place.is_file():
            return read_shard(place, located=located)

        def read(offset: int, size: int) -> bytes:
            return fetch_range(self._hub, file, offset, min(size, file.size - offset), watch=self._watch)

        try:
            return parse_shard(place, file.size, read, located=located)
        except CheckpointError as error:
            reason = str(error).removeprefix(f"{place}: ")
            raise HubError(f"{file}: its header, as the server sent it, is {reason}") from error

    # -- a ready backbone ----------------------------------------------------------------------------------------------

    def _ready(self) -> ModelCard:
        offer, origin = self._offer, self._offer.card.origin
        if offer.backbone is None or origin is None or origin.backbone is None:
            raise ModelError(f"{offer.card.name}: its card names no ready backbone")
        head_path = self._staging / f"{offer.name}.head.safetensors"
        if not self._part("head", offer.head, origin.head, head_path):
            write_durably(head_path, pack_head(dict(self._head_by_range())))
        adapter = self._staging / f"{offer.name}.lora.gguf"
        adapted = self._part("adapter", offer.adapter, origin.adapter, adapter)
        backbone, sha256 = self._fetch(offer.backbone, origin.backbone.revision)
        check_pair(backbone, head_path, offer.card)
        if adapted:
            check_adapter(adapter, backbone)
        backbone.replace(self._staging / f"{offer.name}.gguf")
        files = file_names(offer.name, sha256, hash_file(head_path), hash_file(adapter) if adapted else "")
        return msgspec.structs.replace(
            offer.card,
            name=offer.name,
            base=offer.card.name if offer.card.name != offer.name else "",
            weight_type=offer.weight_type.value,
            files=files,
            origin=self._origin(),
            memory={},
        )

    def _part(self, role: Role, remote: RemoteFile | None, source: Source | None, target: Path) -> bool:
        """Bring a ready head or adapter into the staging folder; whether there is one."""
        if remote is not None and source is not None:
            self._fetch(remote, source.revision)[0].replace(target)
        elif role in self._offer.shipped:
            write_durably(target, self._offer.shipped[role].read_bytes())
        else:
            return False
        return True

    def _head_by_range(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Fetch the head's tensors out of the checkpoint: their bytes and the headers, nothing else."""
        shape, tensors = read_shape(self._checkpoint), self._tensors()
        remote = {self._checkpoint / file.path: file for file in self._offer.shards}
        tokens = self._tokens(shape)
        parts = head_parts(tensors, shape, self._offer.card.readout, tokens, self._checkpoint)
        if any(file.path.endswith(PICKLED) for file in self._offer.shards):  # their places are known on demand only
            tensors = self._tensors({place.name for part in parts for place in part.places})
            parts = head_parts(tensors, shape, self._offer.card.readout, tokens, self._checkpoint)
        total, done = sum(place.nbytes for part in parts for place in part.places), 0
        if total > LARGEST_HEAD:
            raise CheckpointError(f"{self._offer.snapshot.repository}: a head of {total:,} bytes is none")
        for part in parts:
            pieces = []
            for place in part.places:
                data = fetch_range(self._hub, remote[place.file], place.offset, place.nbytes, watch=self._watch)
                done += len(data)
                self._watch.progress(Progress("the head", done, total, done))
                cut = self._staging / "head.bin"
                cut.write_bytes(data)
                pieces.append(_whole(replace(place, file=cut, offset=0)))
                cut.unlink()
            yield part.name, np.concatenate(pieces).reshape(part.shape) if pieces else part.read()

    def _tokens(self, shape: Shape) -> list[str]:
        """Read the vocabulary, where the head is two of its tokens' rows."""
        if not conversion_of(self._offer.card.readout).by_tokens:
            return []
        return read_tokenizer(self._checkpoint, shape.vocab, self._offer.card.template).tokens

    # -- both ----------------------------------------------------------------------------------------------------------

    def _card(self, shape: Shape, tokenizer: Tokenizer, files: Files) -> ModelCard:
        offer = self._offer
        made = make_card(
            offer.card,
            shape,
            tokenizer,
            offer.card.template,
            name=offer.name,
            weight_type=offer.weight_type,
            files=files,
            lent=offer.card,
        )
        return msgspec.structs.replace(made, origin=self._origin())

    def _origin(self) -> Origin:
        snapshot = self._offer.snapshot
        return Origin(repository=snapshot.repository, revision=snapshot.commit)

    def _publish(self, card: ModelCard) -> Path:
        """Move the files into place, the card last; a run that was ended in between is gone on with."""
        if card.files is None:
            raise ModelError(f"{card.name}: its card names no files")
        folder, path = self._offer.folder, self._offer.folder / f"{card.name}.toml"
        hashes = card.files.pinned
        record_model(folder, card.name, Kept(files=hashes))
        path.unlink(missing_ok=True)
        for name in (*hashes, path.name):
            if (self._staging / name).is_file():
                (self._staging / name).replace(folder / name)
            aside(folder / name).unlink(missing_ok=True)
        remember_hash(folder / card.files.backbone, card.files.backbone_sha256)
        shutil.rmtree(self._staging, ignore_errors=True)
        return path


def _whole(tensor: Tensor) -> NDArray[np.float32]:
    """Read a tensor as one row."""
    return np.concatenate([rows.ravel() for rows in tensor.rows(SLAB)])
