"""A tuned threshold is kept in the user's own card."""

import shutil
from pathlib import Path

import pytest

from stepcheck.checker import Checker
from stepcheck.errors import ModelError, UsageError
from stepcheck.hub.disk.calibrate import keep_threshold
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.prm.card import read_card


def test_a_threshold_is_kept_with_its_source(random_model: Path, tmp_path: Path) -> None:
    """The card says where it comes from, everything else stays, and the checker judges by it."""
    folder = tmp_path / "models"
    shutil.copytree(random_model.parent, folder, ignore=shutil.ignore_patterns("checkpoint"))
    path = folder / random_model.name
    before = read_card(path)
    kept = keep_threshold(path, 0.31, "tuned on gsm8k, F1 82.4")
    after = read_card(path)
    assert after == kept
    assert (after.threshold, after.threshold_source) == (0.31, "tuned on gsm8k, F1 82.4")
    assert (after.template, after.readout, after.files) == (before.template, before.readout, before.files)
    with Checker(path) as checker:
        assert checker.threshold == 0.31
    assert not list(folder.glob(".card-*"))


def test_a_shipped_card_stays_as_it_is() -> None:
    """The message says where else a threshold can be kept."""
    with pytest.raises(ModelError, match=r"--threshold"):
        keep_threshold(builtin_dir() / "nano" / "nano.toml", 0.3, "tuned")


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_between_0_and_1(threshold: float, tmp_path: Path) -> None:
    """Refused before the card is read."""
    with pytest.raises(UsageError, match="between 0 and 1"):
        keep_threshold(tmp_path / "none.toml", threshold, "tuned")
