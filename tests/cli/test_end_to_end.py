"""The command, the engine and a real model file together: a random model, and the built-in one on the examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from stepcheck import Checker, read
from stepcheck.cli.main import main
from stepcheck.judge import Judged
from stepcheck.report.records import record
from stepcheck.witness import with_evidence
from tests.checkpoints import Spec, write

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.*"))
SCORED = [path for path in EXAMPLES if path.name != "README.md"]

# From examples/README.md: the 0-based first wrong step, by document.
EXPECTED = {
    "right.md": [None],
    "wrong.md": [1],
    "wrong-zh.md": [1],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random model, converted by the command itself."""
    folder = tmp_path_factory.mktemp("models")
    checkpoint = write(tmp_path_factory.mktemp("checkpoint") / "random", Spec(seed=3))
    assert (
        main(["models", "convert", str(checkpoint), "--to", "f16", "--name", "random", "--models-dir", str(folder)])
        == 0
    )
    return folder


@pytest.mark.parametrize("path", SCORED, ids=lambda path: path.name)
def test_command_and_library_agree(path: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `--format jsonl` prints is what `Checker` returns, document by document, but for noise and time."""
    arguments = ["score", str(path), "--format", "jsonl", "--model", "random", "--models-dir", str(models)]
    assert main(arguments) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    with Checker("random", models_dir=models) as checker:
        results = list(checker.check_many(read(path)))
    assert printed
    assert len(printed) == len(results)
    for ours, result in zip(printed, results, strict=True):
        assert isinstance(result, Judged)
        theirs = record(with_evidence(result, decides=False))
        assert same(ours) == same(theirs)
        assert [step["reward"] for step in ours["steps"]] == pytest.approx(result.rewards, abs=2e-3)


def same(value: dict[str, Any]) -> dict[str, Any]:
    """Drop what differs from run to run."""
    steps = [{**step, "reward": None} for step in value["steps"]]
    return {**value, "steps": steps, "aggregates": None, "seconds": None, "first_error": None}


@pytest.mark.parametrize("path", SCORED, ids=lambda path: path.name)
@pytest.mark.parametrize("form", ["human", "plain", "json"])
def test_every_example_in_every_format(path: Path, form: str, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each example is judged without an error, and every step of it is shown."""
    assert main(["score", str(path), "--format", form, "--model", "random", "--models-dir", str(models)]) == 0
    out = capsys.readouterr().out
    steps = sum(len(document.steps) for document in read(path) if hasattr(document, "steps"))
    if form == "plain":
        assert len(out.splitlines()) == steps
    elif form == "json":
        data = json.loads(out)
        assert sum(len(entry["steps"]) for entry in (data if isinstance(data, list) else [data])) == steps
    else:
        assert out.count("threshold 0.5.") == len(list(read(path)))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_built_in_model_judges_the_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Out of the box, the wrong examples' first error is found and the right one passes."""
    assert main(["score", str(ROOT / "examples" / name), "--format", "jsonl"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["first_error"] for line in out.splitlines()] == EXPECTED[name]
    assert "demonstration" in err
