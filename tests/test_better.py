"""Whoever judges with the demonstration hears of a better judge: once, of the one that is here, and no program does."""

from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.better import BETTER, better_judge
from stepcheck.hub.gguf.quantize import WeightType
from tests import checkpoints
from tests.checkpoints import Spec

EXAMPLE = Path(__file__).parent.parent / "examples" / "wrong.md"


def test_the_demonstration_names_a_better_judge(tmp_path: Path) -> None:
    """A pull where it is not here, the model's name once it is; nothing where another model judges."""
    assert better_judge("nano", tmp_path / "none") == "stepcheck models pull stepcheck-0.5B"
    assert better_judge("nano", tmp_path) == "stepcheck models pull stepcheck-0.5B"
    assert better_judge("Qwen2.5-Math-PRM-7B-q4_k_m", tmp_path) == ""
    source = checkpoints.write(tmp_path / "c", Spec(layers=1))
    convert(source, tmp_path, weight_type=WeightType.Q8_0, name=BETTER)
    assert better_judge("nano", tmp_path) == "--model stepcheck-0.5B"


def test_a_person_hears_of_it_and_a_program_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr for results that a person reads, none with JSON, and never on stdout."""
    hint = "a better judge of grade-school mathematics: stepcheck models pull stepcheck-0.5B\n"
    assert main(["score", str(EXAMPLE), "--models-dir", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.err.count(hint) == 1
    assert "better judge" not in told.out
    assert main(["score", str(EXAMPLE), "--models-dir", str(tmp_path), "--format", "json"]) == 0
    told = capsys.readouterr()
    assert "better judge" not in told.err + told.out
