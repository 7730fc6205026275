"""Tests of the app see no settings of whoever runs them, and copies of the examples."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepcheck import Checker
from stepcheck.tui.judging.opening import OpenJudge
from tests.tui.fakes import Kept

ROOT = Path(__file__).parent.parent.parent
COPIED = ("wrong.md", "right.md", "solutions.jsonl", "candidates.jsonl")
"""Examples that tests may change."""


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the user's own file, every STEPCHECK_ variable and NO_COLOR, for child processes too."""
    empty = tmp_path_factory.mktemp("config")
    monkeypatch.setattr("stepcheck.config.user_config_file", lambda: Path(empty) / "none.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(empty))
    monkeypatch.setenv("XDG_DATA_HOME", str(empty))
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name in [name for name in os.environ if name.startswith("STEPCHECK_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def nano() -> Iterator[OpenJudge]:
    """What opens the built-in model: one process for all tests that only look at what it says."""
    with Checker() as checker:
        kept = Kept(checker)
        yield lambda *_: kept


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of the examples, in which the test works."""
    for file in COPIED:
        shutil.copy(ROOT / "examples" / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
