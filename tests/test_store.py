"""Finding models and checking their files: the right file, inside its folder, or a clear refusal."""

import hashlib
import os
import random
import re
import shutil
from pathlib import Path

import pytest

from stepcheck.errors import CardError, ModelError, ModelNotFoundError, UsageError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk import hashes
from stepcheck.hub.disk.store import find, find_card, list_models, verify
from stepcheck.hub.gguf.quantize import WeightType
from tests import checkpoints
from tests.checkpoints import Spec


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted model; the path of its card."""
    folder = tmp_path_factory.mktemp("made")
    spec = Spec(layers=1, hidden=32, heads=2, kv_heads=1, feed_forward=32)
    return convert(checkpoints.write(folder / "c", spec), folder / "models", weight_type=WeightType.Q8_0, name="mine")


@pytest.fixture
def models(made: Path, tmp_path: Path) -> Path:
    """A folder of the user's own models with one in it."""
    return Path(shutil.copytree(made.parent, tmp_path / "models"))


def test_a_model_is_found_by_name_card_and_folder(models: Path) -> None:
    """By its card's name in the models' folder, at its top or one level below, and by path."""
    for where in ("mine", str(models / "mine.toml"), str(models)):
        model = find(where, models)
        assert model.card.name == "mine"
        assert model.card_path == models / "mine.toml"
        assert (model.backbone, model.weights["head"].path) == (models / "mine.gguf", models / "mine.head.safetensors")
    shutil.copytree(models, models / "below")
    for file in models.glob("mine.*"):
        file.unlink()
    assert find("mine", models).card_path == models / "below" / "mine.toml"


def test_an_unknown_name_gets_the_nearest_or_the_list(models: Path) -> None:
    """The message names the likeliest, or all there are where none is like it."""
    with pytest.raises(ModelNotFoundError, match=r"named 'mien'; did you mean 'mine'\? See: stepcheck models list$"):
        find("mien", models)
    with pytest.raises(ModelNotFoundError, match=r"named 'xyzzy'; Known: .*Qwen2\.5-Math-PRM-7B.*mine, nano"):
        find("xyzzy", models)
    with pytest.raises(ModelNotFoundError, match="there is no such model card"):
        find("nowhere/m.toml", models)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_no_folder(name: str, models: Path) -> None:
    """`models rm ''` in a script with an unset variable must not look at the folder that it runs in."""
    with pytest.raises(UsageError, match="name of a model is empty"):
        find_card(name, models)


def test_a_card_without_files_says_how_to_get_them(models: Path) -> None:
    """The published reward models have cards but no weights here: the error is the command to run."""
    with pytest.raises(ModelNotFoundError, match=r"stepcheck models pull Qwen2\.5-Math-PRM-7B"):
        find("Qwen2.5-Math-PRM-7B", models)
    for name in ("Qwen2.5-Math-PRM-7B:q4_k_m", "Qwen2.5-Math-PRM-7B-q4_k_m", "Qwen2.5-Math-PRM-7B:Q4_K_M"):
        with pytest.raises(ModelNotFoundError, match=r"stepcheck models pull Qwen2\.5-Math-PRM-7B:q4_k_m$"):
            find(name, models)
    assert find_card("Qwen2.5-Math-PRM-7B", models).card is not None
    with pytest.raises(ModelError, match="cannot run a model that is read by 'critic'"):
        find("QwQ-32B-Preview", models)


def test_a_model_with_files_goes_before_a_card_without(models: Path) -> None:
    """A conversion under a built-in card's name is what the name then means."""
    card = (models / "mine.toml").read_text(encoding="utf-8").replace('name = "mine"', 'name = "Qwen2.5-Math-PRM-7B"')
    (models / "mine.toml").write_text(card, encoding="utf-8")
    assert find("Qwen2.5-Math-PRM-7B", models).backbone == models / "mine.gguf"


def test_a_broken_card_hides_no_other(models: Path) -> None:
    """It is listed with its error; only who asks for it gets it."""
    (models / "broken.toml").write_text("name = ", encoding="utf-8")
    listed = {entry.name: entry for entry in list_models(models)}
    assert listed["broken"].error is not None
    assert not listed["broken"].ready
    assert listed["mine"].ready
    assert find("mine", models).card.name == "mine"
    with pytest.raises(CardError, match=r"broken\.toml"):
        find("broken", models)


@pytest.mark.parametrize("broken", ["lists within lists", "digits", "huge", "no UTF-8", "folder", "pipe"])
def test_what_is_no_card_costs_itself_only(models: Path, broken: str) -> None:
    """A file made to break whoever reads it, or none at all, is listed with an error; nothing waits for a pipe."""
    path = models / "broken.toml"
    match broken:
        case "lists within lists":
            path.write_text(f"x = {'[' * 50_000}{']' * 50_000}", encoding="utf-8")
        case "digits":
            path.write_text(f"x = {'9' * 10_000}", encoding="utf-8")
        case "huge":
            path.write_bytes(b"#" * 1_000_000)
        case "no UTF-8":
            path.write_bytes(b'name = "\xff"')
        case "folder":
            path.mkdir()
        case "pipe" if hasattr(os, "mkfifo"):
            os.mkfifo(path)
        case _:
            pytest.skip("this system has no named pipes")
    (listed,) = (entry for entry in list_models(models) if entry.name == "broken")
    assert str(listed.error).startswith(str(path))
    assert find("mine", models).card.name == "mine"


def test_a_folder_with_several_cards_is_no_answer(models: Path) -> None:
    """A path to a folder must leave no choice."""
    shutil.copy(models / "mine.toml", models / "other.toml")
    with pytest.raises(ModelNotFoundError, match=r"expected one model card .* found mine\.toml, other\.toml"):
        find(str(models) + "/", models)


def test_a_missing_file_is_named(models: Path) -> None:
    """A card whose backbone is gone says so, with what to do."""
    (models / "mine.gguf").unlink()
    with pytest.raises(ModelError, match=r"mine\.gguf: is not there.*pull or convert the model again"):
        find("mine", models)


OUTSIDE = [
    "../secret",
    "/etc/passwd",
    "a/../../secret",
    "C:\\secret",
    "C:secret",
    "\\\\host\\share\\x",
    "..\\secret",
    "",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_file_names_never_leave_the_cards_folder(name: str, models: Path) -> None:
    """Absolute paths, parents, drives and shares in a card are refused, on every system."""
    (models.parent / "secret").write_bytes(b"x")
    card = (models / "mine.toml").read_text(encoding="utf-8")
    (models / "mine.toml").write_text(card.replace('"mine.gguf"', f"'{name}'"), encoding="utf-8")
    with pytest.raises(CardError, match=r"key 'files\.backbone': .* leads out of the card's folder"):
        find("mine", models)


def test_a_link_out_of_the_folder_is_refused(models: Path) -> None:
    """A link in the folder to a file outside is outside."""
    (models / "mine.gguf").rename(models.parent / "elsewhere.gguf")
    try:
        (models / "mine.gguf").symlink_to(models.parent / "elsewhere.gguf")
    except OSError:
        pytest.skip("this system does not let us make links")
    with pytest.raises(CardError, match="link that leads out"):
        find("mine", models)


def flips(models: Path, count: int) -> int:
    """Flip one random bit at a time in either file and count the refusals that name file and both hashes."""
    rng, refused = random.Random(3), 0
    model = find("mine", models)
    for number in range(count):
        path = (model.backbone, model.weights["head"].path)[number % 2]
        data = bytearray(path.read_bytes())
        place = rng.randrange(len(data))
        data[place] ^= 1 << rng.randrange(8)
        original = path.read_bytes()
        path.write_bytes(data)
        actual = hashlib.sha256(data).hexdigest()
        expected = hashlib.sha256(original).hexdigest()
        with pytest.raises(ModelError, match=re.escape(str(path))) as caught:
            verify(model)
        refused += actual in str(caught.value) and expected in str(caught.value)
        path.write_bytes(original)
    verify(model)
    return refused


def test_every_flipped_bit_is_refused(models: Path) -> None:
    """200 of 200 single bit flips are noticed; the message names file, expected and actual hash."""
    assert flips(models, 200) == 200


def test_large_files_are_hashed_again_only_when_they_changed(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file that did not change is not read again; a changed one is, and refused."""
    monkeypatch.setattr(hashes, "REMEMBERED", 1)
    hashed: list[str] = []
    real = hashes.hash_file

    def count(path: Path) -> str:
        hashed.append(path.name)
        return real(path)

    monkeypatch.setattr(hashes, "hash_file", count)
    model, memory = find("mine", models), models / "cache" / "hashes.json"
    verify(model, remember=memory)
    verify(model, remember=memory)
    assert hashed == ["mine.gguf", "mine.head.safetensors"]
    data = bytearray(model.backbone.read_bytes())
    data[100] ^= 1
    model.backbone.write_bytes(data)
    with pytest.raises(ModelError, match=r"mine\.gguf"):
        verify(model, remember=memory)
    memory.write_bytes(b"\xff{")
    with pytest.raises(ModelError, match=r"mine\.gguf"):
        verify(model, remember=memory)
    assert hashed == ["mine.gguf", "mine.head.safetensors", "mine.gguf", "mine.gguf"]
