"""Pulling: the bytes of a local conversion, within the disk, held to what was pinned, after any interruption."""

import contextlib
import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepcheck.errors import CancelledError, CheckpointError, HubError, ModelError
from stepcheck.hub.convert import QWEN_TEMPLATE, convert
from stepcheck.hub.disk import lock
from stepcheck.hub.disk.lock import LOCKS, read_lock
from stepcheck.hub.disk.store import find, verify
from stepcheck.hub.gguf import backbone
from stepcheck.hub.gguf.header import read_gguf
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.fetch import ASIDE
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Progress, Watch
from stepcheck.hub.pull import offer
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import pull
from stepcheck.prm.card import ModelCard, Origin, Readout, Source, read_card
from tests import checkpoints, pickles
from tests.checkpoints import Spec
from tests.hubserver import COMMIT, HubServer, Repository, serving

SPEC = Spec(layers=4, hidden=128, heads=4, kv_heads=2, feed_forward=256, shards=3)


def card(**origin: Any) -> ModelCard:
    """The card of the served model."""
    return ModelCard(
        name="Random-PRM",
        title="Random",
        licence="Apache-2.0",
        architecture="Qwen2ForProcessRewardModel",
        context=2048,
        template=QWEN_TEMPLATE,
        readout=Readout(kind="mlp"),
        origin=Origin(repository="some/random", **origin),
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sharded random checkpoint of the real architecture, with what repositories have beside it."""
    folder = checkpoints.write(tmp_path_factory.mktemp("pull") / "random", SPEC)
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "README.md").write_text("# Random")
    (folder / "modeling_qwen2_rm.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "training_args.bin").write_bytes(b"pickle")
    return folder


@pytest.fixture
def server(checkpoint: Path) -> Iterator[HubServer]:
    with serving(some__random=Repository(checkpoint)) as running:
        yield running


@pytest.fixture(params=["safetensors", "pickled"])
def stored(request: pytest.FixtureRequest, checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint in either form of its weights."""
    if request.param == "safetensors":
        return checkpoint
    return pickles.repack(shutil.copytree(checkpoint, tmp_path / "pickled", ignore=shutil.ignore_patterns("*.bin")))


@pytest.fixture
def either(stored: Path, server: HubServer) -> HubServer:
    """The server, with the weights in either form."""
    server.repositories["some/random"] = Repository(stored)
    return server


def hub(server: HubServer, **options: Any) -> Hub:
    settings: dict[str, Any] = {"endpoint": server.url, "stall_seconds": 1.0, "pace": 0.01} | options
    return Hub(**settings)


def pulled(server: HubServer, folder: Path, weight_type: WeightType = WeightType.Q4_K_M, **options: Any) -> Path:
    client = hub(server)
    asked = {key: options.pop(key) for key in ("name", "renew") if key in options}
    return pull(client, make_offer(client, options.pop("card", card()), weight_type, folder, **asked), **options)


def files(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, but for the empty files that processes hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != LOCKS
    }


@pytest.mark.parametrize("weight_type", [WeightType.Q4_K_M, WeightType.Q8_0, WeightType.BF16])
def test_a_pull_equals_a_conversion(
    weight_type: WeightType, either: HubServer, checkpoint: Path, tmp_path: Path
) -> None:
    """Shard by shard over the network gives byte for byte the GGUF and the head of converting the folder."""
    server, name = either, f"Random-PRM-{weight_type}"
    made = pulled(server, tmp_path / "models", weight_type)
    there = convert(checkpoint, tmp_path / "local", weight_type=weight_type, name=name, card=card())
    for ending in (".gguf", ".head.safetensors"):
        assert (made.parent / f"{name}{ending}").read_bytes() == (there.parent / f"{name}{ending}").read_bytes()
    assert sorted(files(made.parent)) == sorted([f"{name}.gguf", f"{name}.head.safetensors", f"{name}.toml", lock.NAME])
    mine, theirs = read_card(made), read_card(there)
    assert mine.origin == Origin(repository="some/random", revision=COMMIT)
    assert (mine.files, mine.template, mine.shape, mine.base) == (
        theirs.files,
        theirs.template,
        theirs.shape,
        "Random-PRM",
    )
    verify(find(f"Random-PRM:{weight_type}", made.parent))
    assert find("Random-PRM-" + weight_type, made.parent).card == mine
    fetched = {request.path for request in server.requests}
    assert not fetched & {"README.md", "modeling_qwen2_rm.py", "pytorch_model.bin", "training_args.bin"}


def test_an_offer_says_what_it_takes_before_the_first_byte(server: HubServer, tmp_path: Path) -> None:
    """Files, bytes, disk and licence are known from the hub's lists: no byte of a file is asked for."""
    client = hub(server)
    made = make_offer(client, card(), WeightType.Q4_K_M, tmp_path / "models")
    assert server.requests == []
    assert [file.path for file in made.shards] == [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    assert [file.path for file in made.files] == [
        "config.json",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert made.download == sum(file.size for file in (*made.files, *made.shards))
    assert made.disk > made.result + max(file.size for file in made.shards)
    assert (made.licence, made.snapshot.commit, made.present) == ("apache-2.0", COMMIT, 0)
    assert made.free > 0
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("readout", "origin", "message"),
    [
        ("mlp", None, "names no repository to pull from"),
        ("critic", Origin(repository="some/random"), "is a critic and needs no conversion"),
        ("mlp", Origin(repository="some/random", files=("*.json",)), "needs|missing"),
    ],
)
def test_what_cannot_be_pulled_is_said_first(
    readout: Any, origin: Origin | None, message: str, server: HubServer, tmp_path: Path
) -> None:
    """A card without a repository or of a family that is not converted is refused before anything is fetched."""
    import msgspec

    wrong = msgspec.structs.replace(card(), readout=Readout(kind=readout), origin=origin)
    if origin and origin.files == ("*.json",):
        made = make_offer(hub(server), wrong, WeightType.Q8_0, tmp_path)
        assert [file.path for file in made.shards]
        return
    with pytest.raises(ModelError, match=message):
        make_offer(hub(server), wrong, WeightType.Q8_0, tmp_path)
    assert not server.requests


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "C:x"])
def test_a_name_that_is_no_name_is_refused(name: str, server: HubServer, tmp_path: Path) -> None:
    """The new model's name becomes file names, so it can lead nowhere."""
    with pytest.raises(ModelError, match="cannot name a model"):
        make_offer(hub(server), card(), WeightType.Q8_0, tmp_path, name=name)
    assert not server.requests


def test_disk_holds_the_result_and_one_shard(stored: Path, either: HubServer, tmp_path: Path) -> None:
    """At no moment lie more bytes in the folder than the result, the largest shard and a tenth."""
    folder, most = tmp_path / "models", [0]
    client = hub(either)
    made = make_offer(client, card(), WeightType.Q4_K_M, folder)

    def look(_heard: object) -> None:
        most[0] = max(most[0], offer.disk_usage(folder))

    pull(client, made, watch=Watch(look, on_step=look))
    result = sum(len(data) for data in files(folder).values())
    largest = max(file.size for file in made.shards)
    checkpoint_size = sum(file.size for file in made.shards)
    print(f"checkpoint {checkpoint_size:,}, result {result:,}, largest shard {largest:,}: peak {most[0]:,}")
    # blocks of 4 kB per file weigh little in a real model, much in this one
    assert result < most[0] <= 1.1 * (result + largest) + 20 * 4096 + (stored / "tokenizer.json").stat().st_size


def test_stopping_anywhere_goes_on_and_leaves_nothing(either: HubServer, checkpoint: Path, tmp_path: Path) -> None:
    """Cancelled after every few steps: each next run keeps what is done, and the end is as without a stop."""
    folder = tmp_path / "models"
    for stops in range(60):
        watch = Watch()
        count = [0]

        def stop(_heard: object, watch: Watch = watch, count: list[int] = count, limit: int = 5 + stops % 5) -> None:
            count[0] += 1
            if count[0] > limit:
                watch.cancel()

        watch.progress = watch.step = stop
        try:
            made = pulled(either, folder, watch=watch)
        except CancelledError:
            assert not list(folder.glob("Random*"))
            continue
        break
    else:
        pytest.fail("60 stops and no end")
    assert stops > 3
    there = convert(
        checkpoint, tmp_path / "local", weight_type=WeightType.Q4_K_M, name="Random-PRM-q4_k_m", card=card()
    )
    assert made.with_suffix(".gguf").read_bytes() == there.with_suffix(".gguf").read_bytes()
    assert len(files(folder)) == 4


def test_a_finished_shard_is_kept_and_the_rest_comes_by_range(server: HubServer, tmp_path: Path) -> None:
    """Stopped inside the second shard: the first is not asked for again, the second from where it broke off."""
    folder, seen = tmp_path / "models", Watch()
    second = "model-00002-of-00003.safetensors"

    def stop(progress: Progress) -> None:
        if progress.path == second and progress.done > progress.total // 3:
            seen.cancel()

    seen.progress = stop
    with pytest.raises(CancelledError):
        pulled(server, folder, watch=seen)
    server.requests.clear()
    offered = make_offer(hub(server), card(), WeightType.Q4_K_M, folder)
    assert offered.present > offered.shards[0].size
    pulled(server, folder)
    asked = [
        request
        for request in server.requests
        if request.range is None or not request.range.startswith(("bytes=0-7", "bytes=8-"))
    ]
    whole = {request.path: request.range for request in asked if request.path.endswith(".safetensors")}
    assert "model-00001-of-00003.safetensors" not in whole
    assert whole[second] is not None
    assert int(str(whole[second]).removeprefix("bytes=").split("-")[0]) > 0
    assert whole["model-00003-of-00003.safetensors"] is None


def test_a_full_disk_stops_cleanly_and_goes_on_later(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second shard finds no room: one error with the system's reason; with room again the pull goes on."""
    real, calls = backbone.BackboneFile.write, [0]

    def full(self: backbone.BackboneFile, *arguments: Any) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(28, "No space left on device")
        real(self, *arguments)

    monkeypatch.setattr(backbone.BackboneFile, "write", full)
    with pytest.raises(ModelError, match="cannot be written: No space left on device"):
        pulled(server, tmp_path)
    assert not list(tmp_path.glob("Random*"))
    server.requests.clear()
    pulled(server, tmp_path)
    whole = [request.path for request in server.requests if request.range is None and "model-" in request.path]
    assert whole == ["model-00003-of-00003.safetensors"]
    assert len(files(tmp_path)) == 4


def test_a_second_pull_does_nothing(server: HubServer, tmp_path: Path) -> None:
    """A model that is there and right is left alone; force makes it anew, the same."""
    made = pulled(server, tmp_path)
    before, asked = files(tmp_path), len(server.requests)
    assert pulled(server, tmp_path) == made
    assert (files(tmp_path), len(server.requests)) == (before, asked)
    assert pulled(server, tmp_path, force=True) == made
    assert files(tmp_path) == before


def test_a_pull_mends_a_damaged_model(server: HubServer, tmp_path: Path) -> None:
    """A changed file is named and set aside, one that is gone is named; both come anew, nothing is left over."""
    made = pulled(server, tmp_path)
    before, notes = files(tmp_path), list[str]()
    with made.with_suffix(".gguf").open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    assert pulled(server, tmp_path, watch=Watch(on_note=notes.append)) == made
    assert files(tmp_path) == before
    made.with_suffix(".gguf").unlink()
    assert pulled(server, tmp_path, watch=Watch(on_note=notes.append)) == made
    assert files(tmp_path) == before
    assert "is not the pinned file: sha256 expected" in notes[0]
    assert "set aside as" in notes[0]
    assert "is not there" in notes[1]


def test_another_model_of_that_name_is_not_overwritten(server: HubServer, tmp_path: Path) -> None:
    """A model of the same name from elsewhere stays, unless forced."""
    other = checkpoints.write(tmp_path / "c", Spec(layers=1))
    convert(other, tmp_path / "models", weight_type=WeightType.Q4_0, name="Random-PRM-q4_k_m")
    before = files(tmp_path / "models")
    with pytest.raises(ModelError, match="is another model; choose another --name or --force"):
        pulled(server, tmp_path / "models")
    assert files(tmp_path / "models") == before


def test_parallel_pulls_fetch_once(server: HubServer, tmp_path: Path) -> None:
    """Four at a time: one pulls, the others wait, say so, and find it done; each byte is sent once."""
    notes: list[str] = []
    done: list[Path] = []
    threads = [
        threading.Thread(target=lambda: done.append(pulled(server, tmp_path, watch=Watch(on_note=notes.append))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [tmp_path / "Random-PRM-q4_k_m.toml"] * 4
    assert len(files(tmp_path)) == 4
    shards = [request for request in server.requests if request.range is None and request.path.endswith(".safetensors")]
    assert len(shards) == 3


def test_the_first_pull_pins_and_later_ones_are_held_to_it(server: HubServer, checkpoint: Path, tmp_path: Path) -> None:
    """Another type later comes from the same commit though the branch moved; other content for it is refused."""
    pulled(server, tmp_path)
    pin = read_lock(tmp_path).repositories["some/random@main"]
    assert pin.commit == COMMIT
    for name, digest in pin.files.items():
        assert hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() == digest
    assert len(pin.files) == 7
    kept = read_lock(tmp_path).models["Random-PRM-q4_k_m"]
    assert {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in kept.files} == set(
        kept.files.values()
    )
    moved = shutil.copytree(checkpoint, tmp_path / "moved")
    shard = moved / "model-00001-of-00003.safetensors"
    data = bytearray(shard.read_bytes())
    data[-5] ^= 1
    shard.write_bytes(data)
    server.repositories["some/random"] = Repository(moved)
    with pytest.raises(HubError, match=r"model-00001-of-00003\.safetensors: pinned is sha256"):
        pulled(server, tmp_path, WeightType.Q8_0)
    server.repositories["some/random"] = Repository(moved, commit="f" * 40)
    with pytest.raises(HubError, match="knows no such revision"):
        pulled(server, tmp_path, WeightType.Q8_0)
    for kind in (WeightType.Q4_K_M, WeightType.Q8_0):
        made = pulled(server, tmp_path, kind, renew=True)
    asked = len(server.requests)
    pulled(server, tmp_path, WeightType.Q4_K_M, renew=True)
    assert len(server.requests) == asked, "nothing newer, nothing fetched"
    assert read_card(tmp_path / "Random-PRM-q4_k_m.toml").origin == read_card(made).origin
    assert read_card(made).origin == Origin(repository="some/random", revision="f" * 40)
    assert read_lock(tmp_path).repositories["some/random@main"].commit == "f" * 40


REQUEST = "refs/pr/5"
OTHER = "5" * 40


def test_a_request_is_pulled_and_pinned_to_its_commit(server: HubServer, checkpoint: Path, tmp_path: Path) -> None:
    """A revision `refs/pr/5` becomes the commit that it stands at; a request that moves on later is not followed."""
    bare = tmp_path / "bare"
    bare.mkdir()
    asked = Repository(checkpoint, commit=OTHER)
    server.repositories["some/random"] = Repository(bare, refs={REQUEST: asked})
    made = pulled(server, tmp_path / "models", card=card(revision=REQUEST))
    assert read_card(made).origin == Origin(repository="some/random", revision=OTHER)
    assert read_lock(made.parent).repositories[f"some/random@{REQUEST}"].commit == OTHER
    asked.commit = "6" * 40
    with pytest.raises(HubError, match="knows no such revision"):
        pulled(server, tmp_path / "models", WeightType.Q8_0, card=card(revision=REQUEST))


def test_revisions_are_tried_in_order(server: HubServer, checkpoint: Path, tmp_path: Path) -> None:
    """The first that is there and holds weights is taken, and stays: another that appears later is not looked at."""
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    wanted = card(revisions=("refs/pr/4", "main", REQUEST))
    here = server.repositories["some/random"] = Repository(bare, refs={REQUEST: Repository(checkpoint, commit=OTHER)})
    offered = make_offer(hub(server), wanted, WeightType.Q4_K_M, tmp_path / "models")
    assert (offered.revision, offered.snapshot.commit) == (REQUEST, OTHER)
    pulled(server, tmp_path / "models", card=wanted)
    here.refs["refs/pr/4"] = Repository(checkpoint, commit="4" * 40)
    kept = make_offer(hub(server), wanted, WeightType.Q8_0, tmp_path / "models")
    assert (kept.revision, kept.snapshot.commit) == (REQUEST, OTHER)
    fresh = make_offer(hub(server), wanted, WeightType.Q8_0, tmp_path / "models", renew=True)
    assert (fresh.revision, fresh.snapshot.commit) == ("refs/pr/4", "4" * 40)


def test_an_answer_that_fails_leads_to_no_other_revision(server: HubServer, checkpoint: Path, tmp_path: Path) -> None:
    """A hub that is out of order says nothing about a revision: the next one is not taken in its place."""
    wanted = card(revisions=("main", REQUEST))
    server.repositories["some/random"].refs[REQUEST] = Repository(checkpoint, commit=OTHER)
    server.meta_faults.extend(["503"] * 5)
    with pytest.raises(HubError, match="503"):
        make_offer(hub(server), wanted, WeightType.Q4_K_M, tmp_path)
    server.repositories["some/random"] = Repository(tmp_path)
    with pytest.raises(HubError, match="has neither model"):
        make_offer(hub(server), wanted, WeightType.Q4_K_M, tmp_path / "models")
    with pytest.raises(HubError, match="knows no such revision"):
        make_offer(hub(server), card(revisions=(REQUEST, "gone")), WeightType.Q4_K_M, tmp_path / "models")


def test_what_a_killed_writer_of_the_lock_left_is_taken_over(server: HubServer, tmp_path: Path) -> None:
    """Half a lock file beside the lock file, as a kill leaves it: the next write takes its place."""
    (tmp_path / f".{lock.NAME}.new").write_text("{")
    pulled(server, tmp_path)
    assert len(files(tmp_path)) == 4


def test_a_load_is_held_to_the_lock_file(server: HubServer, tmp_path: Path) -> None:
    """Card and file changed together are still not the pinned ones."""
    made = pulled(server, tmp_path)
    head = tmp_path / "Random-PRM-q4_k_m.head.safetensors"
    old = hashlib.sha256(head.read_bytes()).hexdigest()
    head.write_bytes(head.read_bytes()[:-1] + b"\x01")
    new = hashlib.sha256(head.read_bytes()).hexdigest()
    made.write_text(made.read_text().replace(old, new))
    with pytest.raises(ModelError, match=f"the lock file names: sha256 expected {old}, actual {new}"):
        verify(find(str(made)))
    (tmp_path / lock.NAME).write_text("{")
    with pytest.raises(ModelError, match=r"stepcheck\.lock\.json: cannot be read as a lock file"):
        find(str(made))


def test_a_damaged_shard_is_set_aside_and_named(server: HubServer, tmp_path: Path) -> None:
    """A shard of other bytes than the hub lists stops the pull; nothing of it gets into the model."""
    server.always = "flip"
    server.faults.extend(["404"])
    with pytest.raises(HubError):
        pulled(server, tmp_path)
    server.faults.clear()
    server.always = None
    client = hub(server)
    made = make_offer(client, card(), WeightType.Q4_K_M, tmp_path)
    watch = Watch()

    def damage(progress: Progress) -> None:
        server.always = "flip" if progress.path == "model-00001-of-00003.safetensors" else None

    watch.progress = damage
    with pytest.raises(
        HubError, match=r"model-0000\d-of-00003\.safetensors: is not what the hub lists: sha256 expected"
    ):
        pull(client, made, watch=watch)
    assert list(tmp_path.rglob("*" + ASIDE))
    assert not list(tmp_path.glob("Random*"))
    server.always = None
    pulled(server, tmp_path)
    assert len(files(tmp_path)) == 4


@pytest.fixture
def ready(server: HubServer, checkpoint: Path, tmp_path: Path) -> HubServer:
    """The same model as a ready backbone in a repository of its own."""
    made = convert(checkpoint, tmp_path / "served", weight_type=WeightType.Q4_K_M, name="x", card=card())
    (tmp_path / "gguf").mkdir()
    made.with_suffix(".gguf").rename(tmp_path / "gguf" / "random-q4_k_m.gguf")
    shutil.copy(made.parent / "x.head.safetensors", tmp_path / "gguf" / "x.head.safetensors")
    server.repositories["some/gguf"] = Repository(tmp_path / "gguf")
    return server


def test_a_ready_backbone_takes_only_the_head_from_the_checkpoint(
    ready: HubServer, checkpoint: Path, tmp_path: Path
) -> None:
    """Of the checkpoint's weights, headers and the head's bytes are asked for and not one more."""
    source = Source(repository="some/gguf", file="random-{type}.gguf")
    made = pulled(ready, tmp_path / "models", card=card(backbone=source))
    name = "Random-PRM-q4_k_m"
    served = files(tmp_path / "gguf")
    assert (made.parent / f"{name}.gguf").read_bytes() == served["random-q4_k_m.gguf"]
    assert (made.parent / f"{name}.head.safetensors").read_bytes() == served["x.head.safetensors"]
    asked = [request for request in ready.requests if request.path.startswith("model-")]
    assert all(request.range for request in asked)
    ranges = [tuple(map(int, str(request.range).removeprefix("bytes=").split("-"))) for request in asked]
    headers = 0
    for shard in checkpoint.glob("*.safetensors"):
        headers += 8 + int.from_bytes(shard.read_bytes()[:8], "little")
    hidden = SPEC.hidden
    head = 2 * (hidden * hidden + hidden + 2 * hidden + 2)
    assert sum(end + 1 - start for start, end in ranges) == headers + head
    print(f"asked for: head {head:,} bytes, headers {headers:,}")
    assert read_lock(made.parent).repositories["some/gguf@main"].files.keys() == {"random-q4_k_m.gguf"}
    verify(find(name, made.parent))


def test_the_head_alone_comes_out_of_pickled_weights_too(ready: HubServer, checkpoint: Path, tmp_path: Path) -> None:
    """Directory, pickle, four storages' headers and their bytes: the rest of the weights is not asked for."""
    plain = shutil.copytree(checkpoint, tmp_path / "pickled", ignore=shutil.ignore_patterns("*.bin"))
    ready.repositories["some/random"] = Repository(pickles.repack(plain))
    source = Source(repository="some/gguf", file="random-{type}.gguf")
    made = pulled(ready, tmp_path / "models", card=card(backbone=source))
    name = "Random-PRM-q4_k_m"
    assert (made.parent / f"{name}.head.safetensors").read_bytes() == files(tmp_path / "gguf")["x.head.safetensors"]
    asked = [request for request in ready.requests if request.path.endswith(".bin")]
    assert all(request.range for request in asked)
    largest = max(path.stat().st_size for path in plain.glob("*.bin"))
    assert ready.sent < (made.parent / f"{name}.gguf").stat().st_size + largest + 3 * 70_000


def test_a_ready_head_is_taken_as_it_is(ready: HubServer, tmp_path: Path) -> None:
    """With a head file named, nothing of the checkpoint is asked for."""
    origin = {
        "backbone": Source(repository="some/gguf", file="random-{type}.gguf"),
        "head": Source(repository="some/gguf", file="x.head.safetensors"),
    }
    made = pulled(ready, tmp_path / "models", card=card(**origin))
    assert {request.path for request in ready.requests} == {"random-q4_k_m.gguf", "x.head.safetensors"}
    verify(find(str(made)))


@pytest.mark.parametrize(
    ("spec", "tokenizer", "message"),
    [
        (Spec(hidden=64, layers=1), None, "has width 64, the head .* reads 128"),
        (SPEC, "stock", r"the mark '<extra_0>' is several tokens .* stepcheck models pull Random-PRM"),
    ],
)
def test_a_ready_backbone_that_does_not_fit_is_refused(
    spec: Spec, tokenizer: str | None, message: str, ready: HubServer, tmp_path: Path
) -> None:
    """A backbone of another width, or with a stock tokenizer: refused with the way out, nothing is kept."""
    made = convert(checkpoints.write(tmp_path / "other", spec), tmp_path / "o", weight_type=WeightType.Q4_K_M, name="o")
    data = made.with_suffix(".gguf").read_bytes()
    if tokenizer:
        data = data.replace(b"<extra_0>", b"<quad_end>"[:9])
    (tmp_path / "gguf" / "random-q4_k_m.gguf").write_bytes(data)
    source = Source(repository="some/gguf", file="random-{type}.gguf")
    with pytest.raises(ModelError, match=message):
        pulled(ready, tmp_path / "models", card=card(backbone=source))
    assert not list((tmp_path / "models").glob("Random*"))


def test_a_checkpoint_that_cannot_be_converted_is_refused_early(
    checkpoint: Path, server: HubServer, tmp_path: Path
) -> None:
    """An unknown architecture is found out from config.json: no weights are fetched."""
    other = shutil.copytree(checkpoint, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"architectures": ["MambaForCausalLM"]}))
    server.repositories["some/random"] = Repository(other)
    with pytest.raises(CheckpointError, match="MambaForCausalLM"):
        pulled(server, tmp_path / "models")
    assert not [request for request in server.requests if request.path.endswith(".safetensors")]


def test_headers_of_ggufs_are_read_with_bounds(random_model: Path) -> None:
    """What a GGUF says of itself is read without llama.cpp; every truncation and wild count is a sentence."""
    path = random_model.with_suffix(".gguf")
    header = read_gguf(path)
    assert (header.architecture, header.hidden, header.layers, header.context) == ("qwen2", 64, 3, 2048)
    assert (header.weight_type, header.kv_width, header.tokens["<extra_0>"]) == ("f16", 32, 3)
    data = path.read_bytes()
    cut = path.with_name("cut.gguf")
    began = time.monotonic()
    for size in (*range(0, 400, 7), 5000):
        cut.write_bytes(data[:size])
        with pytest.raises(ModelError, match=r"cut\.gguf: is no GGUF"):
            read_gguf(cut)
    for place in range(8, 200, 5):
        cut.write_bytes(data[:place] + b"\xff" * 8 + data[place + 8 :])
        with contextlib.suppress(ModelError):
            read_gguf(cut)
    cut.unlink()
    assert time.monotonic() - began < 20
