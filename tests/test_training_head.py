"""Training a judge's head alone: states read once through llama.cpp, a better head, the rest as it was."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs torch (the test extra)")
pytest.importorskip("transformers", reason="training needs transformers (the test extra)")

from models.training import head, problems, rights, train
from models.training.rows import Row, read_rows
from stepcheck.cli.main import main
from stepcheck.errors import ModelError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.store import find, verify
from stepcheck.hub.gguf.quantize import WeightType
from tests import families
from tests.checkpoints import Spec
from tests.test_families import lent
from tests.test_peft import write_base
from tests.test_training import RECIPE, arguments, made_up, write_rows
from tests.test_training_data import RIGHT, WRONG, gsm8k

pytestmark = pytest.mark.usefixtures("one_thread")


def given(model: Path, rows: list[Path], out: Path) -> argparse.Namespace:
    """A command line, parsed."""
    how = {"models_dir": None, "name": "again", "notice": "Trained anew.", "threads": 1}
    return argparse.Namespace(model=str(model), rows=rows, out=out, **how)


def test_a_head_is_trained_over_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held-out rows are told apart better than before, in `score` too; backbone and adapter are the same files."""
    base, _ = write_base(tmp_path / "base", Spec(seed=41, layers=2, dtype="F32"), "qwen2")
    rows = [write_rows(tmp_path / "a.jsonl", made_up(96, 7))]
    barely = train.Recipe(**{key: getattr(RECIPE, key) for key in RECIPE.__slots__} | {"epochs": 0.2})
    model = train.run(arguments(base, rows, tmp_path / "first"), barely)
    held = made_up(12, 8)
    rows.append(write_rows(tmp_path / "b.jsonl", [row | {"held": True} for row in held]))
    rows.append(write_rows(tmp_path / "c.jsonl", [row | {"problem": "long " * 9000} for row in made_up(1, 9)]))
    capsys.readouterr()
    card = head.run(given(model, rows, tmp_path / "out"), head.Recipe(epochs=60, rate=3e-3))
    told = capsys.readouterr().out
    assert "96 rows to learn from, 12 held out, 1 that could not be read" in told
    before, after = (float(part.split()[0]) for part in told.split("step AUC ")[1:])
    assert after > max(before, 0.9)
    old, new = find(str(model)), find(str(card))
    verify(new)
    assert new.card.notice == "Trained anew."
    for role in ("backbone", "adapter"):
        assert new.weights[role].sha256 == old.weights[role].sha256
    assert main(["score", str(rows[1]), "--model", str(card), "--format", "jsonl", "--threads", "1"]) == 0
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [step["reward"] for result in results for step in result["steps"]]
    labels = [label for row in held for label in row["labels"]]
    right, wrong = ([r for r, label in zip(found, labels, strict=True) if label == kind] for kind in (1, 0))
    assert sum(right) / len(right) - sum(wrong) / len(wrong) > 0.3
    monkeypatch.setattr(head, "open_model", None)  # nothing is read again
    assert head.run(given(model, rows, tmp_path / "out"), head.Recipe(epochs=1)) == card
    assert "96 rows to learn from, 12 held out, 1 that could not be read" in capsys.readouterr().out


def test_held_out_rows_without_a_wrong_step_have_no_area(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said why, and no figure is made up."""
    base, _ = write_base(tmp_path / "base", Spec(seed=41, layers=1, dtype="F32"), "qwen2")
    held = [row | {"held": True} for row in made_up(12, 8) if all(row["labels"])]
    rows = [write_rows(tmp_path / "a.jsonl", made_up(8, 7)), write_rows(tmp_path / "b.jsonl", held)]
    model = train.run(arguments(base, rows, tmp_path / "first"), RECIPE)
    assert held
    assert "held out: no step AUC: not both right and wrong steps" in capsys.readouterr().out
    head.run(given(model, rows, tmp_path / "out"), head.Recipe(epochs=1))
    assert "held out, after: no step AUC: not both right and wrong steps" in capsys.readouterr().out


def test_a_training_begins_where_the_head_is(tmp_path: Path) -> None:
    """No epoch, and the head stays as it is; a seed gives one head and another seed another; no row is an error."""
    base, _ = write_base(tmp_path / "base", Spec(seed=41, layers=1, dtype="F32"), "qwen2")
    rows = [write_rows(tmp_path / "a.jsonl", made_up(8, 7))]
    model = find(str(train.run(arguments(base, rows, tmp_path / "first"), RECIPE)))
    lessons, _ = head.read_states(given(Path(model.card_path), rows, tmp_path), model, read_rows(rows))
    old = head.head_of(model)
    none, first, again, other = (
        head.train(old, lessons, head.Recipe(epochs=epochs, batch=4, seed=seed)).weight_in
        for epochs, seed in ((0, 0), (3, 0), (3, 0), (3, 1))
    )
    assert (none == old.weight_in).all()
    assert (first == again).all()
    assert not (first == other).all()
    with pytest.raises(ModelError, match="no row is there to learn from"):
        head.train(old, [], head.Recipe())


def test_only_a_head_of_two_classes_is_trained(tmp_path: Path) -> None:
    """A readout of another kind is refused by name before anything is read."""
    source = families.write(tmp_path / "checkpoint", "math-shepherd", Spec(layers=1, hidden=32, heads=2, kv_heads=1))
    model = convert(source, tmp_path / "made", weight_type=WeightType.F16, card=lent("math-shepherd"))
    with pytest.raises(ModelError, match="is read by 'token_pair'"):
        head.run(given(model, [write_rows(tmp_path / "a.jsonl", made_up(2, 1))], tmp_path / "out"), head.Recipe())


def solved(count: int) -> list[dict[str, Any]]:
    """Problems with two right solutions each and a wrong one, as candidates beside a reference."""
    texts = ["\n\n".join(steps) for steps in (RIGHT, RIGHT[:2], WRONG)]
    return [{"problem": f"{i} boxes?", "responses": texts, "answer": "22"} for i in range(count)]


def run_rights(solutions: Path, out: Path, *more: str) -> list[Row]:
    """Make rows by the command line."""
    command = ["rights", "--solutions", str(solutions), "--author", "others", "--out", str(out), *more]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", command)
        rights.main()
    return read_rows([out])


def test_right_solutions_become_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Right ones, slips on others, what is held out in neither; wrong ones and a benchmark's problems are counted."""
    path = write_rows(tmp_path / "s.jsonl", [*solved(40), {"problem": "no reference", "solution": "a\n\nb"}])
    bench = write_rows(tmp_path / "b.jsonl", [{"problem": "  0 BOXES? ", "steps": ["a"]}])
    more = ("--without", str(bench), "--held", "9", "--rights", "12", "--slips", "6")
    made = run_rights(path, tmp_path / "rows.jsonl", *more)
    told = capsys.readouterr().out
    assert "12 right; 6 a slip; 4 right, held out; " in told
    assert "39 with another answer than the reference" in told
    assert "3 of a problem that is to be left out" in told
    assert "1 without a reference answer" in told
    learnt, held = [row for row in made if not row.held], [row for row in made if row.held]
    assert [row.first_error for row in learnt] == [-1] * 12 + [len(row.steps) - 1 for row in learnt[12:]]
    assert {row.author for row in learnt} == {"others", "others, slips"}
    texts = [row.problem for row in made]
    assert len(set(texts)) == len(texts)
    assert "0 boxes?" not in texts
    assert {row.problem for row in held} <= {f"{i + 1} boxes?" for i in problems.held_out(39, 9)}
    assert run_rights(path, tmp_path / "again.jsonl", *more) == made
    assert run_rights(path, tmp_path / "other.jsonl", *more, "--seed", "4") != made


def test_what_people_wrote_is_read_as_it_is_published(tmp_path: Path) -> None:
    """GSM8K's own file: a line a step, the calculator's notes left out."""
    (row,) = run_rights(gsm8k(tmp_path), tmp_path / "rows.jsonl", "--held", "0", "--rights", "2", "--slips", "0")
    assert (row.steps, row.author) == (("4*6=24", "24-2=22"), "others")
