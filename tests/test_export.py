"""Exported models: a folder that is a repository as it stands, pulled again as it was; hostile cards are refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from stepcheck.cli.main import main
from stepcheck.errors import CardError, HubError, ModelError, StepcheckError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.lock import read_lock
from stepcheck.hub.disk.store import find
from stepcheck.hub.export import export_model
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import pull
from stepcheck.hub.pull.shared import find_shared
from stepcheck.prm.card import Origin, read_card, render_card
from tests import checkpoints
from tests.checkpoints import TEXTS, Spec
from tests.hubserver import HubServer, Repository, serving
from tests.test_families import score
from tests.test_pull import card

REPOSITORY = "some/exported"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one model in two types, of a licence that its card states."""
    folder = tmp_path_factory.mktemp("export")
    source = checkpoints.write(folder / "c", Spec(seed=71, layers=2))
    lent = msgspec.structs.replace(card(), licence="CC-BY-4.0", licence_source="the page of some/random")
    for kind in (WeightType.Q8_0, WeightType.Q4_0):
        convert(source, folder / "models", weight_type=kind, name=f"Random-PRM-{kind}", card=lent)
    return folder / "models"


@pytest.fixture
def exported(models: Path, tmp_path: Path) -> Path:
    export_model(find("Random-PRM-q8_0", models), tmp_path / "repository")
    return tmp_path / "repository"


@pytest.fixture
def server(exported: Path) -> Iterator[HubServer]:
    with serving(some__exported=Repository(exported)) as running:
        yield running


def hub(server: HubServer) -> Hub:
    return Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01)


def pulled(server: HubServer, folder: Path, kind: str = "") -> Path:
    client = hub(server)
    shared = find_shared(client, folder, REPOSITORY, kind)
    weight_type = WeightType(shared.card.weight_type)
    offer = make_offer(client, shared.source, weight_type, folder, name=shared.card.name, told=shared.told)
    return pull(client, offer)


def test_what_is_exported_is_pulled_as_it_was(models: Path, server: HubServer, tmp_path: Path) -> None:
    """On another models folder: files equal to the byte, the card's words kept, pinned, and the same rewards."""
    made, first = pulled(server, tmp_path / "other"), models / "Random-PRM-q8_0.toml"
    for ending in (".gguf", ".head.safetensors"):
        ours, theirs = (path.with_name("Random-PRM-q8_0" + ending).read_bytes() for path in (made, first))
        assert ours == theirs
    before, after = read_card(first), read_card(made)
    assert after == msgspec.structs.replace(before, origin=after.origin)
    assert after.origin == Origin(repository=REPOSITORY, revision=server.repositories[REPOSITORY].commit)
    assert read_lock(made.parent).repositories[f"{REPOSITORY}@main"].files.keys() == {
        "Random-PRM-q8_0.gguf",
        "Random-PRM-q8_0.head.safetensors",
    }
    assert np.array_equal(np.concatenate(score(made, TEXTS)), np.concatenate(score(first, TEXTS)))


def test_the_page_says_what_it_is(exported: Path) -> None:
    """Licence, base, hashes and how to run it, with front matter that a hub reads."""
    text = (exported / "README.md").read_text(encoding="utf-8")
    front, _, body = text.removeprefix("---\n").partition("---\n")
    told = read_card(exported / "Random-PRM-q8_0.toml")
    assert told.files is not None
    assert 'license_name: "CC-BY-4.0"' in front
    assert 'base_model: "some/random"' in front
    for part in (told.files.backbone_sha256, told.files.head_sha256, "stepcheck models pull OWNER/REPOSITORY"):
        assert part in body


def test_types_share_a_repository(models: Path, exported: Path, server: HubServer, tmp_path: Path) -> None:
    """With two types the one that is named is pulled; without a name both are told, and nothing is chosen."""
    export_model(find("Random-PRM-q4_0", models), exported)
    assert pulled(server, tmp_path / "a", "q4_0").stem == "Random-PRM-q4_0"
    with pytest.raises(HubError, match=r"has 2 model alone; it has q4_0, q8_0"):
        pulled(server, tmp_path / "b")
    with pytest.raises(HubError, match=r"has no model bf16"):
        pulled(server, tmp_path / "b", "bf16")


def test_an_export_writes_over_nothing_and_of_what_is_right_only(models: Path, exported: Path, tmp_path: Path) -> None:
    """What is there stays unless forced; a model that is not the pinned one is not given away."""
    with pytest.raises(ModelError, match="is there already"):
        export_model(find("Random-PRM-q8_0", models), exported)
    export_model(find("Random-PRM-q8_0", models), exported, force=True)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in models.glob("Random-PRM-q8_0*"):
        (damaged / path.name).write_bytes(path.read_bytes())
    with (damaged / "Random-PRM-q8_0.gguf").open("r+b") as file:
        file.seek(9000)
        file.write(b"damage")
    with pytest.raises(ModelError, match="is not the file that"):
        export_model(find(str(damaged / "Random-PRM-q8_0.toml")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_exports_and_pulls(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`models export` and `models pull OWNER/REPOSITORY`: the licence is said before anything else."""
    arguments = ["models", "export", "Random-PRM-q8_0", "-o", str(tmp_path / "out"), "--models-dir", str(models)]
    assert main(arguments) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    with serving(some__exported=Repository(tmp_path / "out")) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        command = ["models", "pull", REPOSITORY, "--models-dir", str(tmp_path / "other")]
        assert main([*command, "--dry-run"]) == 0
        told = capsys.readouterr().err
        assert told.startswith("licence, as its card states it: CC-BY-4.0")
        assert not (tmp_path / "other").exists()
        assert main([*command, "--yes"]) == 0
    card = Path(capsys.readouterr().out.strip())
    assert card == tmp_path / "other" / "Random-PRM-q8_0.toml"
    pin = read_lock(card.parent).repositories[f"{REPOSITORY}@main"]
    assert set(pin.files) == {"Random-PRM-q8_0.gguf", "Random-PRM-q8_0.head.safetensors", "Random-PRM-q8_0.toml"}


SHA = "0" * 64
HOSTILE: dict[str, tuple[tuple[str, ...], Any]] = {
    "up": (("files", "backbone"), "../secret.gguf"),
    "up twice": (("files", "head"), "../../x.safetensors"),
    "root": (("files", "backbone"), "/etc/passwd.gguf"),
    "home": (("files", "backbone"), "~/x.gguf"),
    "inner folder": (("files", "backbone"), "a/x.gguf"),
    "dot": (("files", "backbone"), "./x.gguf"),
    "windows": (("files", "backbone"), "C:\\x.gguf"),
    "share": (("files", "head"), "\\\\host\\x.safetensors"),
    "reserved": (("files", "backbone"), "con.gguf"),
    "hidden": (("files", "backbone"), ".x.gguf"),
    "nul": (("files", "backbone"), "x\0.gguf"),
    "turned": (("files", "backbone"), "x\u202efugg.gguf"),
    "empty": (("files", "backbone"), ""),
    "code": (("files", "backbone"), "run.py"),
    "pickle": (("files", "head"), "pytorch_model.bin"),
    "archive": (("files", "head"), "x.zip"),
    "the other's kind": (("files", "head"), "x.gguf"),
    "address of a file": (("files", "backbone"), "https://evil.example/x.gguf"),
    "one file for both": (("files", "head"), "Random-PRM-q8_0.gguf"),
    "not there": (("files", "backbone"), "other.gguf"),
    "hash": (("files", "backbone_sha256"), SHA),
    "short hash": (("files", "head_sha256"), "0" * 63),
    "title": (("title",), "Get it at https://evil.example"),
    "notice": (("notice",), "http://evil.example/login"),
    "licence": (("licence",), "see ftp://evil.example"),
    "www": (("title",), "www.evil.example"),
    "script": (("notice",), "javascript:alert(1)"),
    "context": (("context",), 1 << 40),
    "no context": (("context",), 0),
    "hidden size": (("shape", "hidden"), 1 << 33),
    "layers": (("shape", "layers"), 10**12),
    "vocabulary": (("shape", "vocab"), -1),
    "memory": (("memory",), {"q8_0": 10**15}),
    "threshold": (("threshold",), 7.0),
    "scale": (("readout", "scale"), 1e30),
    "long text": (("template", "before_problem"), "x" * (1 << 15)),
    "long name": (("name",), "x" * 300),
    "name": (("name",), "../x"),
    "reserved name": (("name",), "nul"),
    "another's backbone": (("origin", "backbone"), {"repository": "other/model", "file": "x.gguf"}),
    "another's head": (("origin", "head"), {"repository": "other/model", "file": "x.safetensors"}),
    "origin": (("origin", "repository"), "a/../../b"),
    "origin's address": (("origin", "repository"), "https://evil.example/a"),
    "type": (("weight_type",), "q99"),
    "critic": (("readout", "kind"), "critic"),
    "two models": (("readout", "kind"), "log_ratio"),
    "key": (("command",), "rm -rf"),
    "many rewards": (("oracle",), {"source": "a", "problem": "b", "steps": ["c"] * 20_000, "rewards": [0.5] * 20_000}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_card_is_refused_by_name(case: str, exported: Path, server: HubServer, tmp_path: Path) -> None:
    """Paths, addresses, giant numbers, others' files: refused with the repository's name, and nothing is fetched."""
    keys, value = HOSTILE[case]
    path = exported / "Random-PRM-q8_0.toml"
    told: dict[str, Any] = msgspec.to_builtins(read_card(path))
    place = told
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(toml(told), encoding="utf-8")
    folder = tmp_path / "models"
    with pytest.raises(StepcheckError) as caught:
        pulled(server, folder)
    assert isinstance(caught.value, CardError | HubError), caught.value
    assert REPOSITORY in str(caught.value)
    assert {request.path for request in server.requests} <= {"Random-PRM-q8_0.toml"}
    assert not list(folder.rglob("*.gguf*"))


def toml(table: dict[str, Any], path: str = "") -> str:
    """Any table as TOML, a card's or not."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict) and value is not None}
    text = "".join(f"{key} = {json.dumps(value).replace(chr(127), '')}\n" for key, value in plain.items())
    for key, value in table.items():
        if isinstance(value, dict):
            text += f"\n[{path}{key}]\n{toml(value, f'{path}{key}.')}"
    return text


def test_a_file_that_is_not_the_one_its_card_tells_of_is_not_taken(exported: Path, tmp_path: Path) -> None:
    """A small file, of which the hub lists no sha256, changed after the export: the pull ends, and nothing is left."""
    head = exported / "Random-PRM-q8_0.head.safetensors"
    data = bytearray(head.read_bytes())
    data[-1] ^= 1
    head.unlink()
    head.write_bytes(data)
    assert len(data) < 100_000
    with (
        serving(some__exported=Repository(exported)) as server,
        pytest.raises(HubError, match=r"head\.safetensors: is not the file that its card tells of"),
    ):
        pulled(server, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Random*"))


def test_render_is_what_was_exported(models: Path, exported: Path) -> None:
    """The card in the repository is the model's own, to the letter."""
    own = read_card(models / "Random-PRM-q8_0.toml")
    assert (exported / "Random-PRM-q8_0.toml").read_text(encoding="utf-8") == render_card(own)
