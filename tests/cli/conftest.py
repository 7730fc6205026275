"""Tests of the command line see no settings of whoever runs them."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the user's own file and every STEPCHECK_ variable, for child processes too."""
    empty = tmp_path_factory.mktemp("config")
    monkeypatch.setattr("stepcheck.config.user_config_file", lambda: Path(empty) / "none.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(empty))
    for name in [name for name in os.environ if name.startswith("STEPCHECK_")]:
        monkeypatch.delenv(name)
