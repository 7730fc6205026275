"""`stepcheck models`: data on stdout, talk on stderr, and a converted model that can be used by its name."""

from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.prm.card import read_card
from tests import checkpoints
from tests.checkpoints import Spec


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small checkpoint."""
    return checkpoints.write(tmp_path / "tiny", Spec(layers=1, hidden=32, heads=2, kv_heads=1, feed_forward=32))


def test_a_converted_model_is_listed_shown_and_found(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Convert prints the card's path and nothing else on stdout; list, show and path then know the model."""
    folder = ("--models-dir", str(tmp_path / "models"))
    assert main(["models", "convert", str(source), "--to", "q4_0", *folder]) == 0
    out, err = capsys.readouterr()
    card = tmp_path / "models" / "tiny-q4_0.toml"
    assert out == f"{card}\n"
    assert "converted to q4_0" in err
    assert "--model tiny-q4_0" in err
    assert main(["models", "list", *folder]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("tiny")] == [["tiny-q4_0", "q4_0,"]]
    assert [line.split()[1:4] for line in out.splitlines() if line.startswith("Qwen2.5-Math-PRM-7B ")] == [
        ["to", "be", "pulled"]
    ]
    assert main(["models", "show", "tiny-q4_0", *folder]) == 0
    shown = tmp_path / "shown.toml"
    shown.write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_card(shown) == read_card(card)
    assert main(["models", "path", "tiny-q4_0", *folder]) == 0
    assert capsys.readouterr().out == f"{card.with_suffix('.gguf')}\n"


def test_a_folder_named_as_a_card_takes_its_title_and_template(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint folder called as a published model gets that model's card."""
    folder = source.rename(tmp_path / "Qwen2.5-Math-PRM-7B")
    assert main(["models", "convert", str(folder), "-o", str(tmp_path / "out")]) == 0
    card = read_card(Path(capsys.readouterr().out.strip()))
    assert card.name == "Qwen2.5-Math-PRM-7B-q8_0"
    assert card.origin is not None
    assert card.origin.repository == "Qwen/Qwen2.5-Math-PRM-7B"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["convert", "nowhere"], 1, "config.json: cannot be read"),
        (["convert", "nowhere", "--to", "q3_x"], 2, "q3_x"),
        (["convert", "nowhere", "--card", "nope"], 1, "no model is named 'nope'"),
        (["path", "Qwen2.5-Math-PRM-7B"], 1, "stepcheck models pull Qwen2.5-Math-PRM-7B"),
        (["show", "qwen"], 1, "no model is named 'qwen'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_on_stderr(
    arguments: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong folders, types and names: an exit code, a sentence on stderr, nothing on stdout."""
    assert main(["models", *arguments, "--models-dir", str(tmp_path)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
