import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from stepcheck import config
from stepcheck.cli.main import main
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import UsageError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder to stand in, without any settings yet."""
    (tmp_path / "here").mkdir()
    return tmp_path


def load(home: Path, flags: Mapping[str, object] | None = None, /, **environment: str) -> config.Config:
    return config.load(flags, environment=environment, folder=home / "here", user_file=home / "user.toml")


def test_defaults(home: Path) -> None:
    """Without any setting the built-in model judges, and everything else is the model's or the machine's choice."""
    found = load(home)
    assert found.model == "nano"
    assert found.threshold is None
    assert found.models_dir is None
    assert found.engine == EngineOptions()
    assert {setting.origin for setting in found.settings.values()} == {"default"}


def test_each_layer_wins_over_the_next(home: Path) -> None:
    """Flag > environment > ./stepcheck.toml > user file > default; every value says where it comes from."""
    here, user = home / "here" / "stepcheck.toml", home / "user.toml"
    user.write_text("threshold = 0.1\nn_ctx = 1\nn_ubatch = 2\nn_threads = 3\n")
    here.write_text("threshold = 0.2\nn_ctx = 10\nn_ubatch = 20\n")
    found = load(home, {"threshold": 0.4, "n_threads": None}, STEPCHECK_THRESHOLD="0.3", STEPCHECK_N_CTX="100")
    assert {name: (s.value, s.origin) for name, s in found.settings.items() if s.origin != "default"} == {
        "threshold": (0.4, "flag --threshold"),
        "n_ctx": (100, "environment STEPCHECK_N_CTX"),
        "n_ubatch": (20, str(here)),
        "n_threads": (3, str(user)),
    }
    assert found.engine == EngineOptions(n_threads=3, n_ctx=100, n_ubatch=20)


def test_every_key_has_a_variable_and_a_flag(home: Path) -> None:
    """What a file can say, the environment and the command line can say too; but for tables, which need a file."""
    samples = {str: "x", int: "7", float: "0.5", bool: "True"}
    assert [name for name, key in config.KEYS.items() if not key.environment] == ["keys"]
    for name, key in [(name, key) for name, key in config.KEYS.items() if key.environment]:
        text = samples[key.kind.__origin__]
        found = load(home, **{f"STEPCHECK_{key.environment}": text}).settings[name]
        assert str(found.value) == text
        assert found.origin == f"environment STEPCHECK_{key.environment}"
        assert key.flag.startswith("--")


def test_an_unknown_key_names_file_key_and_nearest(home: Path) -> None:
    """A misspelt key is an error, never ignored."""
    path = home / "here" / "stepcheck.toml"
    path.write_text("treshold = 0.5\n")
    with pytest.raises(UsageError, match="unknown key 'treshold'; did you mean 'threshold'") as caught:
        load(home)
    assert str(caught.value).startswith(f"{path}:1: ")
    path.write_text("zzz = 1\n")
    with pytest.raises(UsageError, match="unknown key 'zzz'; known are model, models_dir"):
        load(home)


def test_what_a_folder_chooses_to_load_is_said(home: Path) -> None:
    """A model or a models folder that the file of this folder sets is put into words, unless the file is left out."""
    (home / "here" / "stepcheck.toml").write_text('model = "theirs"\nmodels_dir = "m"\nthreshold = 0.5\n')
    first, second = load(home).chosen_here
    assert "sets model = 'theirs'" in first
    assert f"sets models_dir = '{home / 'here' / 'm'}'" in second
    assert load(home, STEPCHECK_MODEL="nano", STEPCHECK_MODELS="mine").chosen_here == ()
    token = config.PROJECT.set(False)
    try:
        assert load(home).model == "nano"
        assert load(home).chosen_here == ()
    finally:
        config.PROJECT.reset(token)


def test_an_unknown_variable_is_an_error(home: Path) -> None:
    """So is a misspelt variable; those without our prefix are none of our business, and an empty one is not set."""
    with pytest.raises(UsageError, match="STEPCHECK_MODLE; did you mean 'STEPCHECK_MODEL'"):
        load(home, STEPCHECK_MODLE="nano")
    assert load(home, STEPCHECK_MODEL="", THRESHOLD="3", STEPCHECK_DEBUG="1").model == "nano"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("threshold = 1.5", "threshold = 1.5: expected a number from 0 to 1"),
        ("threshold = nan", "threshold = nan: expected a number from 0 to 1"),
        ('threshold = "0.5"', "threshold = '0.5': expected a number from 0 to 1"),
        ("n_threads = 0", "n_threads = 0: expected a whole number from 1 to 512"),
        ("n_threads = 99999999", "n_threads = 99999999: expected a whole number from 1 to 512"),
        ("n_threads = true", "n_threads = True: expected a whole number"),
        ("n_ctx = 99999999999", "n_ctx = 99999999999: expected a whole number"),
        ("n_gpu_layers = -1", "n_gpu_layers = -1: expected a whole number, 0 or more"),
        ('model = ""', "model = '': expected a model's name"),
        ("[model]\nname = 1", "expected a model's name"),
    ],
)
def test_a_value_that_does_not_fit(home: Path, line: str, message: str) -> None:
    """The error says in which line, which key, the value and what was expected."""
    path = home / "here" / "stepcheck.toml"
    path.write_text(f"# mine\n{line}")
    with pytest.raises(UsageError) as caught:
        load(home)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["abc", "2", "nan", "inf", "-0.1"])
def test_a_variable_that_does_not_fit(home: Path, text: str) -> None:
    """The environment's text is read as the key's type, and held to the same limits."""
    with pytest.raises(
        UsageError, match=r"environment STEPCHECK_THRESHOLD: threshold = .*expected a number from 0 to 1"
    ):
        load(home, STEPCHECK_THRESHOLD=text)


def test_a_flag_that_does_not_fit(home: Path) -> None:
    """Flags are held to the same limits."""
    with pytest.raises(UsageError, match="flag --threads: n_threads = 0"):
        load(home, {"n_threads": 0})


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe", b"a = 1\na = 2", b"x = " + b"[" * 5000])
def test_a_file_that_is_not_toml(home: Path, content: bytes) -> None:
    """A broken file is an error that names it, however it is broken."""
    (home / "user.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"user\.toml: not a TOML file"):
        load(home)


def test_a_folder_in_the_files_place(home: Path) -> None:
    """What cannot be read is said, with the system's reason."""
    (home / "user.toml").mkdir()
    with pytest.raises(UsageError, match=r"user\.toml: cannot be read"):
        load(home)


def test_models_dir_is_relative_to_its_file(home: Path) -> None:
    """A project's file means a folder of the project, wherever the command runs; a variable means it from here."""
    (home / "here" / "stepcheck.toml").write_text('models_dir = "weights"')
    assert load(home).models_dir == home / "here" / "weights"
    assert load(home, STEPCHECK_MODELS="weights").models_dir == Path("weights")


def test_a_byte_order_mark_is_no_key(home: Path) -> None:
    """Windows editors begin files with a byte-order mark."""
    (home / "user.toml").write_text("\ufeffthreshold = 0.25", encoding="utf-8")
    assert load(home).threshold == 0.25


@pytest.mark.parametrize(("text", "offline"), [("1", True), ("true", True), ("ON", True), ("0", False), ("", False)])
def test_the_hubs_own_variable_keeps_offline(home: Path, text: str, offline: bool) -> None:
    """HF_HUB_OFFLINE is honoured as the hub's library honours it, and named as the origin."""
    found = load(home, HF_HUB_OFFLINE=text)
    assert found.offline is offline
    assert found.settings["offline"].origin == ("environment HF_HUB_OFFLINE" if offline else "default")


def test_debugging() -> None:
    """STEPCHECK_DEBUG asks for tracebacks unless empty or 0."""
    assert [config.debugging({"STEPCHECK_DEBUG": text}) for text in ("1", "yes", "0", "")] == [True, True, False, False]
    assert not config.debugging({})


def test_tables(home: Path) -> None:
    """The app's keys are a table in a file; anything else is an error that says so."""
    path = home / "here" / "stepcheck.toml"
    path.write_text('theme = "mono"\n[keys]\nnext-error = "f8"\n')
    assert load(home).keys == {"next-error": "f8"}
    assert load(home).theme == "mono"
    path.write_text('keys = "f8"\n')
    with pytest.raises(UsageError, match="a table of ids and keys"):
        load(home)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"VISUAL": "code -w", "EDITOR": "vi"}, ["code", "-w"]), ({"EDITOR": "nano"}, ["nano"])],
)
def test_the_users_editor(environment: dict[str, str], expected: list[str]) -> None:
    """VISUAL goes before EDITOR; arguments are kept; without either there is one that the system has."""
    assert config.editor(environment) == expected
    assert config.editor({}) in (["vi"], ["notepad"])
    assert config.dumb_terminal({"TERM": "dumb"})
    assert not config.dumb_terminal({})


@pytest.mark.parametrize(("value", "kept"), [("", None), ("1", "1"), ("0", "0")])
def test_an_empty_no_color_means_nothing(value: str, kept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org: set and not empty, whatever it is."""
    monkeypatch.setenv("NO_COLOR", value)
    config.forget_empty_no_color()
    assert os.environ.get("NO_COLOR") == kept


def test_numpy_multiplies_in_one_thread_unless_somebody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command sees to it before it needs numpy; a choice that was made stays."""
    for before, after in ((None, "1"), ("4", "4")):
        if before is None:
            monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
        else:
            monkeypatch.setenv("OPENBLAS_NUM_THREADS", before)
        main(["config", "show", "--help"])
        assert os.environ["OPENBLAS_NUM_THREADS"] == after
