"""Keeping models: imported as links, checked, set aside, removed, and nothing else touched."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from stepcheck.errors import CardError, ModelError, ModelNotFoundError, UsageError
from stepcheck.hub import library
from stepcheck.hub.convert import convert
from stepcheck.hub.disk import lock
from stepcheck.hub.disk.lock import LOCKS, read_lock
from stepcheck.hub.disk.store import find, list_models, verify
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import check, import_model, remove, unfinished
from stepcheck.hub.net.fetch import ASIDE
from stepcheck.prm.card import ModelCard, read_card
from tests import checkpoints
from tests.checkpoints import Spec

SPEC = Spec(layers=1, hidden=32, heads=2, kv_heads=1, feed_forward=32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted model outside any models folder; its card."""
    folder = tmp_path_factory.mktemp("made")
    return convert(checkpoints.write(folder / "c", SPEC), folder / "there", weight_type=WeightType.Q8_0, name="m")


@pytest.fixture
def card(made: Path) -> ModelCard:
    return read_card(made)


def parts(made: Path) -> tuple[Path, Path]:
    return made.with_suffix(".gguf"), made.with_suffix("").with_suffix(".head.safetensors")


def test_an_import_links_and_copies_nothing(made: Path, card: ModelCard, tmp_path: Path) -> None:
    """The model can be found, verified and used by its name; its bytes lie where they were."""
    folder = tmp_path / "models"
    new = import_model(*parts(made), card, folder, name="mine")
    assert new == folder / "mine.toml"
    model = find("mine", folder)
    assert (model.backbone, model.weights["head"].path) == tuple(path.resolve() for path in parts(made))
    verify(model)
    assert (model.card.name, model.card.base, model.card.weight_type) == ("mine", "m", "q8_0")
    assert set(read_lock(folder).models["mine"].files) == {"mine.gguf", "mine.head.safetensors"}
    if (folder / "mine.gguf").is_symlink():
        assert sum(path.lstat().st_size for path in folder.glob("mine.*")) < 5000
    with pytest.raises(ModelError, match=r"is there already; .*--force"):
        import_model(*parts(made), card, folder, name="mine")
    import_model(*parts(made), card, folder, name="mine", force=True)
    verify(find("mine", folder))


def test_only_an_imported_link_may_leave_the_folder(made: Path, card: ModelCard, tmp_path: Path) -> None:
    """A link that was turned elsewhere after the import is no imported one."""
    folder = tmp_path / "models"
    import_model(*parts(made), card, folder, name="mine")
    if not (folder / "mine.gguf").is_symlink():
        pytest.skip("this system does not let us make links")
    (tmp_path / "other.gguf").write_bytes(parts(made)[0].read_bytes())
    (folder / "mine.gguf").unlink()
    (folder / "mine.gguf").symlink_to(tmp_path / "other.gguf")
    with pytest.raises(CardError, match="a link that leads out"):
        find("mine", folder)


def test_a_pair_that_does_not_fit_is_refused_with_the_way_out(made: Path, card: ModelCard, tmp_path: Path) -> None:
    """Another width, no head, a tokenizer that cuts the mark, no GGUF: a sentence each, and nothing is written."""
    backbone, head = parts(made)
    wide = convert(
        checkpoints.write(tmp_path / "c", Spec(layers=1)), tmp_path / "w", weight_type=WeightType.Q8_0, name="w"
    )
    stock = tmp_path / "stock.gguf"
    stock.write_bytes(backbone.read_bytes().replace(b"<extra_0>", b"<extra_9>"))
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    cases = [
        (wide.with_suffix(".gguf"), head, r"has width 64, the head .* reads 32: .* stepcheck models pull m"),
        (stock, head, r"the mark '<extra_0>' is several tokens .* stepcheck models pull m"),
        (text, head, r"text\.gguf: is no GGUF"),
        (backbone, tmp_path / "none.safetensors", r"none\.safetensors: cannot be read as a head"),
        (tmp_path / "none.gguf", head, r"none\.gguf: cannot be read"),
    ]
    folder = tmp_path / "models"
    for gguf, its_head, message in cases:
        with pytest.raises(ModelError, match=message):
            import_model(gguf, its_head, card, folder)
    assert not folder.exists()


def test_what_does_not_match_is_set_aside(made: Path, tmp_path: Path) -> None:
    """A changed file gets another name, so that nothing can use it; a whole one stays."""
    folder = tmp_path / "models"
    shutil.copytree(made.parent, folder)
    assert check(find("m", folder)) == []
    data = bytearray((folder / "m.gguf").read_bytes())
    data[-1] ^= 1
    (folder / "m.gguf").write_bytes(data)
    (finding,) = check(find("m", folder))
    assert finding.aside == folder / ("m.gguf" + ASIDE)
    assert finding.aside.read_bytes() == data
    assert library.put_aside(folder) == [finding.aside]
    with pytest.raises(ModelError, match=r"m\.gguf: is not there"):
        find("m", folder)


def test_removing_takes_all_of_a_model_and_nothing_else(made: Path, card: ModelCard, tmp_path: Path) -> None:
    """Card, files, what was set aside, an unfinished pull; not another model's, nor an imported file, nor a pin."""
    folder = tmp_path / "models"
    shutil.copytree(made.parent, folder)
    import_model(*parts(made), card, folder, name="linked")
    (folder / "m.gguf.set-aside").write_bytes(b"x" * 10)
    half = folder / ".pulling-m" / "checkpoint"
    half.mkdir(parents=True)
    (half / "model.safetensors.part").write_bytes(b"x" * 1000)
    assert unfinished(folder) == [("m", 1000)]
    expected = sum(path.stat().st_size for path in folder.glob("m.*")) + 1000
    assert remove("m", folder) == expected
    names = {path.name for path in folder.rglob("*") if path.parent.name != LOCKS} - {LOCKS, "stepcheck.lock.json"}
    assert names == {"linked.toml", "linked.gguf", "linked.head.safetensors"}
    remove("linked", folder)
    assert all(path.is_file() for path in parts(made))
    assert read_lock(folder).models == {}
    assert [entry.name for entry in list_models(folder) if not entry.built_in] == []
    with pytest.raises(ModelNotFoundError, match="no model is named 'm'"):
        remove("m", folder)


def test_what_is_built_in_or_elsewhere_is_not_removed(made: Path, tmp_path: Path) -> None:
    """The built-in model, and a card outside the folder, stay."""
    with pytest.raises(ModelError, match="built in"):
        remove("nano", tmp_path)
    with pytest.raises(ModelError, match="outside the models folder"):
        remove(str(made), tmp_path)
    assert made.is_file()


@pytest.mark.parametrize("name", ["../victim", "x/../../victim", "..", "", "/etc", "a\\b", "x:../../victim"])
def test_removing_never_leaves_the_folder(name: str, tmp_path: Path) -> None:
    """Names that lead elsewhere name no model: nothing outside the folder is touched."""
    folder = tmp_path / "models"
    (folder / ".pulling-x").mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "precious").write_text("x")
    with pytest.raises((ModelError, UsageError)):
        remove(name, folder)
    assert (tmp_path / "victim" / "precious").is_file()


def test_a_file_of_two_cards_stays_with_the_other(made: Path, tmp_path: Path) -> None:
    """Removing one of two cards that share files keeps the files."""
    folder = tmp_path / "models"
    shutil.copytree(made.parent, folder)
    text = (folder / "m.toml").read_text(encoding="utf-8").replace('name = "m"', 'name = "other"')
    (folder / "other.toml").write_text(text, encoding="utf-8")
    remove("other", folder)
    verify(find("m", folder))


def test_forgetting_a_model_keeps_one_that_another_process_recorded_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = lock.Kept(files={"any.gguf": "0" * 64})
    lock.record_model(tmp_path, "old", kept)
    update = lock.update_lock

    def after_another(folder: Path, change: Callable[[lock.Lock], lock.Lock]) -> None:
        update(folder, lambda found: msgspec.structs.replace(found, models=found.models | {"new": kept}))
        update(folder, change)

    monkeypatch.setattr(lock, "update_lock", after_another)
    lock.forget_model(tmp_path, "old")
    assert set(read_lock(tmp_path).models) == {"new"}
