"""Pulling a model of three parts: a ready backbone from the hub, pinned, and a head and an adapter that are shipped."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stepcheck.errors import CardError, HubError, ModelError
from stepcheck.hub.disk import store
from stepcheck.hub.disk.store import find, list_models, verify
from stepcheck.hub.export import export_model
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import import_model
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import already_here, pull
from stepcheck.hub.pull.shared import check_foreign, find_shared
from stepcheck.prm.card import ModelCard, Origin, Source, read_card, render_card
from tests.checkpoints import TEXTS
from tests.hubserver import HubServer, Repository, serving
from tests.test_adapter import Made, make, write_adapter, wrong_width
from tests.test_parity import ROUNDED, differences, reference, score

TYPE = WeightType.Q8_0


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A backbone, a head and a LoRA of rank 4."""
    return make(tmp_path_factory.mktemp("made"), 4, "\n\n", TYPE)


@pytest.fixture
def server(made: Made, tmp_path: Path) -> Iterator[HubServer]:
    """A repository with the backbone alone, as its makers publish it."""
    folder = tmp_path / "hub"
    folder.mkdir()
    shutil.copy(made.parts[0], folder / "official.gguf")
    with serving(some__gguf=Repository(folder)) as running:
        yield running


@pytest.fixture
def card(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCard:
    """A built-in card with a head and an adapter beside it."""
    place = tmp_path / "built-in" / "small"
    place.mkdir(parents=True)
    shutil.copy(made.parts[1], place / "small.head.safetensors")
    write_adapter(place / "small.lora.gguf", made.lora, made.alpha)
    monkeypatch.setattr(store, "builtin_dir", lambda: tmp_path / "built-in")
    origin = Origin(
        repository="some/gguf",
        backbone=Source(repository="some/gguf", file="official.gguf", sha256=sha256(made.parts[0])),
        head=Source(file="small.head.safetensors", sha256=sha256(place / "small.head.safetensors")),
        adapter=Source(file="small.lora.gguf", sha256=sha256(place / "small.lora.gguf")),
    )
    return built_in(
        msgspec.structs.replace(read_card(made.card), name="Small", base="", files=None, origin=origin), place
    )


def built_in(card: ModelCard, place: Path) -> ModelCard:
    (place / "small.toml").write_text(render_card(card), encoding="utf-8")
    return card


def pulled(server: HubServer, card: ModelCard, folder: Path, weight_type: WeightType = TYPE) -> Path:
    hub = Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01)
    return pull(hub, make_offer(hub, card, weight_type, folder))


def test_only_the_backbone_is_downloaded(server: HubServer, card: ModelCard, made: Made, tmp_path: Path) -> None:
    """One file comes from the hub; the model is found by the card's name, verified, and reads with the adapter."""
    pytest.importorskip("torch")
    folder = tmp_path / "models"
    path = pulled(server, card, folder)
    assert {request.path for request in server.requests} == {"official.gguf"}
    model = find("Small", folder)
    assert set(model.weights.parts) == {"backbone", "head", "adapter"}
    verify(model)
    assert differences(score(path, TEXTS), reference(made.merged, TEXTS, mark="\n\n")) <= 2 * ROUNDED
    assert already_here(folder, "Small-q8_0", card) == path
    assert [entry.ready for entry in list_models(folder) if entry.name == "Small-q8_0"] == [True]


def test_an_adapter_on_the_hub_is_taken_as_it_is(server: HubServer, card: ModelCard, tmp_path: Path) -> None:
    """Head and adapter may lie on the hub as the backbone does, each pinned by the card."""
    assert card.origin
    place = tmp_path / "built-in" / "small"
    for source in (card.origin.head, card.origin.adapter):
        assert source
        shutil.copy(place / source.file, tmp_path / "hub" / source.file)
    there = {
        key: msgspec.structs.replace(getattr(card.origin, key), repository="some/gguf") for key in ("head", "adapter")
    }
    remote = msgspec.structs.replace(card, origin=msgspec.structs.replace(card.origin, **there))
    pulled(server, remote, tmp_path / "models")
    assert {request.path for request in server.requests} == {
        "official.gguf",
        "small.head.safetensors",
        "small.lora.gguf",
    }
    verify(find("Small", tmp_path / "models"))


def test_a_model_with_an_adapter_is_exported_and_pulled(made: Made, tmp_path: Path) -> None:
    """Backbone, head, adapter and card make a repository; what is pulled from it is equal to the byte and judges so.

    The card that was lent names ready files elsewhere; the exported one does not, for a card from elsewhere may not.
    """
    adapter = write_adapter(tmp_path / "a.gguf", made.lora, made.alpha)
    elsewhere = Source(repository="some/other", file="official.gguf")
    origin = Origin(repository="some/gguf", backbone=elsewhere, head=elsewhere, adapter=elsewhere)
    lent = msgspec.structs.replace(read_card(made.card), files=None, origin=origin)
    first = import_model(*made.parts, lent, tmp_path / "models", adapter=adapter, name="Mine")
    written = export_model(find("Mine", tmp_path / "models"), tmp_path / "repository")
    assert [path.name for path in written] == [
        *("Mine.gguf", "Mine.head.safetensors", "Mine.lora.gguf", "Mine.toml", "README.md"),
    ]
    page = written[-1].read_text(encoding="utf-8")
    assert all(each in page for each in ("Head and adapter are files of their own", sha256(adapter)))
    with serving(some__shared=Repository(tmp_path / "repository")) as server:
        hub, folder = Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01), tmp_path / "other"
        shared = find_shared(hub, folder, "some/shared")
        offer = make_offer(hub, shared.source, TYPE, folder, name=shared.card.name, told=shared.told)
        assert offer.adapter is not None
        again = pull(hub, offer)
    verify(find("Mine", folder))
    for name in ("Mine.gguf", "Mine.head.safetensors", "Mine.lora.gguf"):
        assert (folder / name).read_bytes() == (tmp_path / "repository" / name).read_bytes()
    assert score(again, TEXTS) == score(first, TEXTS)


@pytest.mark.parametrize("name", ["../a.gguf", "a.safetensors", "m.gguf"])
def test_a_foreign_cards_adapter_is_a_file_of_its_repository(name: str, made: Made) -> None:
    """A path out of it, a file of another kind, the backbone itself: refused by the key."""
    card = read_card(made.card)
    assert card.files
    files = msgspec.structs.replace(card.files, adapter=name, adapter_sha256="0" * 64)
    with pytest.raises(CardError, match=r"key 'files\.adapter'"):
        check_foreign(msgspec.structs.replace(card, files=files), "some/repository/m.toml")


def test_another_backbone_than_the_pinned_one_is_not_used(server: HubServer, card: ModelCard, tmp_path: Path) -> None:
    """The hub's file is another than the card pins: refused with both hashes, and no model is there."""
    data = bytearray((tmp_path / "hub" / "official.gguf").read_bytes())
    data[-1] ^= 1
    (tmp_path / "hub" / "official.gguf").write_bytes(data)
    with pytest.raises(HubError, match=r"official\.gguf.*: is not the file that its card tells of: sha256 expected"):
        pulled(server, card, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Small*"))


def test_a_shipped_file_that_was_changed_is_not_used(server: HubServer, card: ModelCard, tmp_path: Path) -> None:
    """It is refused before anything is downloaded, with its name and both hashes."""
    place = tmp_path / "built-in" / "small" / "small.lora.gguf"
    place.write_bytes(place.read_bytes() + b"x")
    with pytest.raises(ModelError, match=r"small\.lora\.gguf: was changed: sha256 expected [0-9a-f]{64}, actual"):
        pulled(server, card, tmp_path / "models")
    assert not server.requests


def test_an_adapter_that_does_not_fit_is_refused(
    server: HubServer, card: ModelCard, made: Made, tmp_path: Path
) -> None:
    """A card whose adapter is of another backbone: refused with both names, nothing is kept."""
    assert card.origin
    place = tmp_path / "built-in" / "small"
    shutil.copy(wrong_width(tmp_path, made), place / "small.lora.gguf")
    adapter = Source(file="small.lora.gguf", sha256=sha256(place / "small.lora.gguf"))
    other = built_in(msgspec.structs.replace(card, origin=msgspec.structs.replace(card.origin, adapter=adapter)), place)
    with pytest.raises(ModelError, match=r"lora\.gguf: changes .*official\.gguf it has 64×64"):
        pulled(server, other, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Small*"))


def test_a_model_with_an_older_adapter_is_made_anew(
    server: HubServer, card: ModelCard, made: Made, tmp_path: Path
) -> None:
    """A later package ships another adapter: what is here is not taken for it, and a pull replaces it."""
    assert card.origin
    folder, place = tmp_path / "models", tmp_path / "built-in" / "small"
    pulled(server, card, folder)
    write_adapter(place / "small.lora.gguf", made.lora, made.alpha / 2)
    adapter = Source(file="small.lora.gguf", sha256=sha256(place / "small.lora.gguf"))
    later = built_in(msgspec.structs.replace(card, origin=msgspec.structs.replace(card.origin, adapter=adapter)), place)
    assert already_here(folder, "Small-q8_0", later) is None
    pulled(server, later, folder)
    assert find("Small", folder).weights["adapter"].sha256 == adapter.sha256
    verify(find("Small", folder))


def test_another_type_than_the_one_file_has_is_refused(server: HubServer, card: ModelCard, tmp_path: Path) -> None:
    """There is one ready file, of one type: asking for another does not give it under that name."""
    with pytest.raises(ModelError, match="Small: its one ready file is q8_0, not q4_k_m"):
        pulled(server, card, tmp_path / "models", WeightType.Q4_K_M)


def test_only_a_built_in_card_has_shipped_files(server: HubServer, card: ModelCard, tmp_path: Path) -> None:
    """A card from elsewhere that names files without a repository gets none of this machine's."""
    foreign = msgspec.structs.replace(card, title="another")
    with pytest.raises(ModelError, match="which only built-in cards have"):
        pulled(server, foreign, tmp_path / "models")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('file = "small.lora.gguf"', 'file = "../small.lora.gguf"', "plain name"),
        ('file = "small.lora.gguf"', 'revision = "main"\nfile = "small.lora.gguf"', "plain name"),
        ("[origin.head]", "[origin.unknown]", "unknown"),
    ],
)
def test_a_shipped_file_is_named_plainly(old: str, new: str, words: str, card: ModelCard, tmp_path: Path) -> None:
    """A path, a revision of nothing, a key that is none: refused with the card's place."""
    path = tmp_path / "x.toml"
    path.write_text(render_card(card).replace(old, new), encoding="utf-8")
    with pytest.raises(CardError, match=words):
        read_card(path)
