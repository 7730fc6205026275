"""Fetching: the right file or one clear error, and nothing outside its folder."""

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepcheck.errors import AccessError, CancelledError, HubError, OfflineError
from stepcheck.hub.disk.lock import read_lock
from stepcheck.hub.net.fetch import ASIDE, PART, fetch, fetch_range
from stepcheck.hub.net.files import RemoteFile
from stepcheck.hub.net.names import check_name, inside
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Progress, Watch
from stepcheck.hub.pull.pinned import fetch_pinned, pinned_snapshot
from tests.hubserver import COMMIT, Fault, HubServer, Repository, serving

SIZE = 600_000
NAME = "model.safetensors"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    """A repository with a large file, a small one and files of kinds that are never fetched."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / NAME).write_bytes(random.Random(1).randbytes(SIZE))
    (folder / "config.json").write_text('{"a": 1}')
    (folder / "training_args.bin").write_bytes(b"pickle")
    (folder / "modeling.py").write_text("raise SystemExit")
    with serving(some__model=Repository(folder), datasets__some__data=Repository(folder)) as running:
        yield running


def hub(server: HubServer, **options: Any) -> Hub:
    settings: dict[str, Any] = {"endpoint": server.url, "stall_seconds": 0.5, "pace": 0.01} | options
    return Hub(**settings)


def large(server: HubServer, **options: Any) -> tuple[Hub, RemoteFile]:
    client = hub(server, **options)
    return client, client.snapshot("some/model").file(NAME)


def content(server: HubServer) -> bytes:
    return (server.repositories["some/model"].folder / NAME).read_bytes()


def test_a_snapshot_names_commit_sizes_and_hashes(server: HubServer) -> None:
    """A revision becomes a commit; a large file has the hub's sha256, a small one its id in git."""
    snapshot = hub(server).snapshot("some/model", "main")
    assert (snapshot.commit, snapshot.licence, snapshot.gated) == (COMMIT, "apache-2.0", False)
    file = snapshot.file(NAME)
    assert (file.size, file.sha256) == (SIZE, hashlib.sha256(content(server)).hexdigest())
    small = snapshot.file("config.json")
    assert small.sha256 is None
    assert small.git_sha1 == hashlib.sha1(b'blob 8\0{"a": 1}', usedforsecurity=False).hexdigest()
    assert [found.path for found in snapshot.select("*")] == ["config.json", NAME]
    with pytest.raises(HubError, match=r"no file 'nope\.json' at commit 0123"):
        snapshot.file("nope.json")


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_file_is_fetched_whole_and_only_once(kind: Any, server: HubServer, tmp_path: Path) -> None:
    """It comes through the redirect, its sha256 is returned, and a second call sends no request for bytes."""
    client = hub(server)
    name, path = {"model": ("some/model", NAME), "dataset": ("some/data", "config.json")}[kind]
    file = client.snapshot(name, kind=kind).file(path)
    heard: list[Progress] = []
    expected = (server.repositories["some/model"].folder / path).read_bytes()
    for _ in range(2):
        digest = fetch(client, file, tmp_path / "out" / path, watch=Watch(heard.append))
        assert digest == hashlib.sha256(expected).hexdigest()
        assert (tmp_path / "out" / path).read_bytes() == expected
    assert len(server.requests) == 1
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == [path]
    assert (heard[-2].done, heard[-2].fresh) == (len(expected), len(expected))
    assert (heard[-1].done, heard[-1].fresh) == (len(expected), 0)


RIGHT: list[list[Fault]] = [
    ["short"],
    ["reset"],
    ["stall"],
    ["trickle"],
    ["429"],
    ["429-odd"],
    ["503"],
    ["503", "429", "short", "stall", "reset"],
    ["short", "whole"],
]
WRONG: list[tuple[Fault, str]] = [
    ("long", "sends more than the 600,000 bytes"),
    ("offset", "asked for bytes 0-599999/600000, the server sends bytes 7-599999/600000"),
    ("total", "has 600,000 bytes by the hub's list, the server sends 600001"),
    ("flip", "sha256 expected .*, actual .*; set aside as"),
    ("loop", "redirects in a circle"),
    ("ftp", "redirects to something that is not http"),
    ("404", "the server does not have it"),
    ("503", r"is not available \(HTTP 503\), 5 times in a row"),
    ("429-long", "asks to wait 3,600 s"),
    ("stall", "5 times in a row"),
]


@pytest.mark.parametrize("faults", RIGHT, ids="-".join)
def test_what_passes_gives_the_right_file(faults: list[Fault], server: HubServer, tmp_path: Path) -> None:
    """Broken connections, stalls, and a server that is busy: the download goes on where it stopped and is right."""
    client, file = large(server)
    server.faults.extend(faults)
    notes: list[str] = []
    fetch(client, file, tmp_path / NAME, watch=Watch(on_note=notes.append))
    assert (tmp_path / NAME).read_bytes() == content(server)
    assert len(notes) == len(faults) - ("whole" in faults)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("fault", "message"), WRONG, ids=[fault for fault, _ in WRONG])
def test_what_does_not_pass_is_one_clear_error(fault: Fault, message: str, server: HubServer, tmp_path: Path) -> None:
    """A server that goes on misbehaving: one error that names the file; nothing lies under the file's name."""
    client, file = large(server, stall_seconds=0.05 if fault == "stall" else 0.5)
    server.always = fault
    with pytest.raises(HubError, match=message) as caught:
        fetch(client, file, tmp_path / NAME)
    assert NAME in str(caught.value)
    assert not (tmp_path / NAME).exists()
    server.always = None
    server.faults.clear()
    fetch(client, file, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content(server)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [NAME, "served"]


def test_a_resumed_download_asks_for_the_rest_only(server: HubServer, tmp_path: Path) -> None:
    """A part is gone on with by Range; a part of wrong bytes is found out by the hash and fetched anew."""
    client, file = large(server)
    part = tmp_path / (NAME + PART)
    part.write_bytes(content(server)[:250_000])
    heard: list[Progress] = []
    fetch(client, file, tmp_path / NAME, watch=Watch(heard.append))
    assert [request.range for request in server.requests] == [f"bytes=250000-{SIZE - 1}"]
    assert heard[-1].fresh == SIZE - 250_000
    (tmp_path / NAME).unlink()
    part.write_bytes(b"wrong" * 50_000)
    fetch(client, file, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content(server)
    (tmp_path / NAME).unlink()
    part.write_bytes(b"x" * (SIZE + 5))
    fetch(client, file, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content(server)
    assert not part.exists()


def test_a_dataset_is_pinned_as_a_model_is(server: HubServer, tmp_path: Path) -> None:
    """Its files come from one commit and are held to their first sha256, also when the hub lists others later."""
    client, folder = hub(server), tmp_path / "data"
    for _ in range(2):
        snapshot = pinned_snapshot(client, folder, "some/data", kind="dataset")
        for file in snapshot.select("*.json"):
            fetch_pinned(client, folder, file, inside(folder, file.path, file.kind))
    pin = read_lock(folder).repositories["datasets/some/data@main"]
    assert pin.commit == COMMIT
    assert pin.files == {"config.json": hashlib.sha256(b'{"a": 1}').hexdigest()}
    assert [request.path for request in server.requests] == ["config.json"]
    (server.repositories["datasets/some/data"].folder / "config.json").write_text('{"a": 2}')
    (folder / "config.json").unlink()
    file = pinned_snapshot(client, folder, "some/data", kind="dataset").file("config.json")
    with pytest.raises(HubError, match="sha256 expected"):
        fetch_pinned(client, folder, file, folder / "config.json")
    assert not (folder / "config.json").exists()


def test_a_small_file_is_checked_by_its_git_id(server: HubServer, tmp_path: Path) -> None:
    """A damaged config.json is refused although the hub gives no sha256 for it, and set aside."""
    client = hub(server)
    file = client.snapshot("some/model").file("config.json")
    server.always = "flip"
    with pytest.raises(HubError, match="git id expected"):
        fetch(client, file, tmp_path / "config.json")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.json" + ASIDE, "served"]


def test_a_pinned_hash_goes_before_the_hubs(server: HubServer, tmp_path: Path) -> None:
    """A hub that lists other content than was pinned gets nothing fetched."""
    client, file = large(server)
    with pytest.raises(HubError, match=r"pinned is sha256 0000.*the hub now lists"):
        fetch(client, file, tmp_path / NAME, sha256="0" * 64)
    assert not server.requests


def test_a_range_asks_for_those_bytes_only(server: HubServer) -> None:
    """A part in the middle costs its own bytes, also when the connection breaks in between."""
    client, file = large(server)
    server.faults.append("short")
    assert fetch_range(client, file, 1000, 5000) == content(server)[1000:6000]
    assert [request.range for request in server.requests] == ["bytes=1000-5999", "bytes=3500-5999"]
    assert server.sent == 5000
    server.faults.append("whole")
    with pytest.raises(HubError, match="does not know ranges"):
        fetch_range(client, file, 1000, 5000)
    for fault in ("offset", "total"):
        server.faults.append(fault)
        with pytest.raises(HubError, match="asked for bytes"):
            fetch_range(client, file, 1000, 5000)
    with pytest.raises(HubError, match="lie beyond"):
        fetch_range(client, file, SIZE - 5, 6)


def test_a_gated_repository_needs_a_token(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token, with a wrong and with the right one: a sentence that says what to do, then the file.

    The token goes to the hub only, never to the host that it redirects to.
    """
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    server.repositories["some/model"].gated = True
    file = RemoteFile("some/model", "model", COMMIT, NAME, SIZE, hashlib.sha256(content(server)).hexdigest())
    with pytest.raises(AccessError, match="needs permission: accept the terms"):
        fetch(hub(server), file, tmp_path / NAME)
    with pytest.raises(AccessError, match="the hub refuses your token"):
        fetch(hub(server, token="bad"), file, tmp_path / NAME)
    fetch(hub(server, token="good"), file, tmp_path / NAME)
    assert [(request.host, request.token) for request in server.requests] == [("localhost", None)]


def test_what_the_hub_does_not_have(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown repository, an unknown revision, no name at all, a hub that is not there."""
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(AccessError, match="some/other: the hub knows no such repository, or it is private"):
        hub(server).snapshot("some/other")
    with pytest.raises(HubError, match="some/model: the hub knows no such revision"):
        hub(server).snapshot("some/model", "v9")
    with pytest.raises(HubError, match="is no name of a repository"):
        hub(server).snapshot("a/b/c/../d")
    with pytest.raises(HubError, match=r"the connection failed .*, 5 times in a row"):
        hub(server, endpoint="http://127.0.0.1:1").snapshot("some/model")
    server.meta_faults.extend(["429", "503", "stall"])
    assert hub(server, stall_seconds=0.3).snapshot("some/model").commit == COMMIT


def test_cancelling_wakes_a_waiting_download(server: HubServer, tmp_path: Path) -> None:
    """Cancel from another thread while the server says nothing: it ends at once, the part stays, the next goes on."""
    client, file = large(server, stall_seconds=20)
    server.faults.append("stall")
    watch = Watch()
    threading.Timer(0.3, watch.cancel).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        fetch(client, file, tmp_path / NAME, watch=watch)
    assert time.monotonic() - began < 5
    kept = (tmp_path / (NAME + PART)).stat().st_size
    assert kept == SIZE // 2
    fetch(client, file, tmp_path / NAME)
    assert server.requests[-1].range == f"bytes={kept}-{SIZE - 1}"


def test_offline_sends_nothing(server: HubServer, tmp_path: Path) -> None:
    """Told to stay offline, neither metadata nor bytes are asked for."""
    client, file = large(server)
    asked = server.metadata
    with pytest.raises(OfflineError, match="stay offline"):
        hub(server, offline=True).snapshot("some/model")
    with pytest.raises(OfflineError, match="stay offline"):
        fetch(hub(server, offline=True), file, tmp_path / NAME)
    assert (server.metadata, server.requests) == (asked, [])
    assert client.endpoint == server.url


def hostile_names() -> list[str]:
    """Sixty names that lead out of a folder, mean something to a system, or are not data."""
    tails = ["model.safetensors", "config.json"]
    leads = ["../", "../../", "a/../../", "/", "//", "./../", "..\\", "C:", "C:\\", "C:/", "\\\\host\\x\\", "~/../../"]
    names = [lead + tail for lead in leads for tail in tails]
    names += ["a/" + lead + "x.json" for lead in leads]
    names += ["con.json", "NUL.json", "aux/x.json", "com1.safetensors", "LPT9.json", "a/prn.json"]
    names += ["x.json\0.bin", "x\n.json", "x\x1b[2J.json", "x\u202egpj.json", ".hidden.json", "a/.git/config.json"]
    names += ["a./x.json", "a /x.json", "x.json:stream", "", "/", "..", ".", "a//x.json"]
    names += [
        "x.bin",
        "training_args.bin",
        "pytorch_model.bin.py",
        "pytorch_model-1.bin",
        "x.pt",
        "x.pkl",
        "x.py",
        "x.zip",
        "x.safetensors.py",
        "x" * 300 + ".json",
        "a|b.json",
    ]
    return names


def test_hostile_names_are_not_fetched(server: HubServer, tmp_path: Path) -> None:
    """60 names: nothing is asked for and no byte lands outside the folder or in it."""
    names = hostile_names()
    assert len(set(names)) >= 60
    folder = tmp_path / "deep" / "in" / "models"
    folder.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    client = hub(server)
    server.repositories["some/model"].extra = dict.fromkeys(names, b"evil")
    snapshot = client.snapshot("some/model")
    for name in names:
        with pytest.raises(HubError):
            fetch(client, snapshot.file(name), inside(folder, name, "model"))
    assert [file.path for file in snapshot.select("*")] == ["config.json", NAME]
    assert sorted(tmp_path.rglob("*")) == before
    assert not server.requests
    print(f"{len(names)} hostile names: 0 bytes written")


@pytest.mark.parametrize(
    "name",
    [
        *("model.safetensors", "a/b/tokenizer.json", "merges.txt", "模型.gguf", "model-00001-of-00002.safetensors"),
        *("pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"),
    ],
)
def test_ordinary_names_are(name: str) -> None:
    """Ordinary names pass as they are, pickled weights among them: of models, not of datasets."""
    assert str(check_name(name, "model")) == name
    if name.endswith(".bin"):
        with pytest.raises(HubError, match="is not fetched"):
            check_name(name, "dataset")


def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path) -> None:
    """A folder that is a link out of the models' folder is not written through."""
    (tmp_path / "models").mkdir()
    try:
        (tmp_path / "models" / "a").symlink_to(tmp_path)
    except OSError:
        pytest.skip("this system does not let us make links")
    with pytest.raises(HubError, match="a link that leads out"):
        inside(tmp_path / "models", "a/x.json", "model")


@pytest.mark.soak
def test_a_stall_is_noticed_in_half_a_minute(server: HubServer, tmp_path: Path) -> None:
    """With the usual patience, a server that falls silent costs 30 s, then the download goes on."""
    client, file = large(server, stall_seconds=30.0, pace=1.0)
    server.faults.append("stall")
    noted: list[float] = []
    began = time.monotonic()
    fetch(client, file, tmp_path / NAME, watch=Watch(on_note=lambda _said: noted.append(time.monotonic() - began)))
    print(f"stall noticed after {noted[0]:.1f} s")
    assert noted[0] < 31
