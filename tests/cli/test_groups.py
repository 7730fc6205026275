"""Options that come together: stated once, handed over as one value, worded as the settings are."""

import re
from pathlib import Path
from typing import Annotated

import pytest
import typer

from stepcheck import config
from stepcheck.cli import groups
from stepcheck.cli.main import main


def app(seen: list[object]) -> typer.Typer:
    made = typer.Typer()

    @made.command()
    @groups.grouped
    def go(
        file: Annotated[str, typer.Argument()],
        *,
        engine: groups.EngineFlags,
        cases: groups.CaseFlags,
        loud: Annotated[bool, typer.Option()] = False,
    ) -> None:
        seen.extend([file, engine, cases, loud])

    return made


def test_a_group_arrives_as_one_value() -> None:
    """What was said of a group's options is in its value, what was not is as the group says, and others stay theirs."""
    seen: list[object] = []
    command = typer.main.get_command(app(seen))
    command.main(["x", "--threads", "2", "--loud", "--ids", "a", "--ids", "b"], standalone_mode=False)
    assert seen == ["x", groups.EngineFlags(threads=2), groups.CaseFlags(ids=["a", "b"]), True]


@pytest.mark.parametrize("name", ["model", "models_dir", "n_threads", "n_gpu_layers", "n_ctx", "n_ubatch", "offline"])
def test_help_says_what_the_settings_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Flag and meaning in the help of a command are those of the table of settings; a flag asks for no value."""
    assert main(["score", "--help"]) == 0
    shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
    key = config.KEYS[name]
    assert re.search(rf"{key.flag} .*?{re.escape(key.meaning[0].upper() + key.meaning[1:])}\.", shown)
    assert "<bool>" not in shown


def test_every_command_that_judges_may_stay_offline(capsys: pytest.CaptureFixture[str]) -> None:
    """README promises --offline for every command that could open a connection."""
    for command in (
        ["score"],
        ["tui"],
        ["bench", "processbench"],
        ["bench", "bon"],
        ["models", "pull"],
        ["data", "pull"],
    ):
        assert main([*command, "--help"]) == 0
        assert "--offline" in capsys.readouterr().out, command


def test_a_foreign_folder_chooses_no_model_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], examples: Path
) -> None:
    """A settings file that came with a folder may name what llama.cpp loads: that is said once, and can be left out."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepcheck.toml").write_text('model = "nobody"\n')
    solution = str((examples / "right.md").resolve())
    assert main(["score", solution]) == 1
    said = capsys.readouterr().err
    assert said.count("note: stepcheck.toml here sets model = 'nobody'") == 1
    assert "--no-project-config" in said
    assert main(["--no-project-config", "score", solution]) == 0
    assert "nobody" not in capsys.readouterr().err
