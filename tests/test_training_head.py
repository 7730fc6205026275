"""Training a judge's head alone: states read once through llama.cpp, a better head, the rest as it was."""

import argparse
import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch (the test extra)")
pytest.importorskip("transformers", reason="training needs transformers (the test extra)")

from models.training import head, people, problems, train
from models.training.rows import read_rows
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
from tests.test_training_data import gsm8k

pytestmark = pytest.mark.usefixtures("one_thread")


def given(model: Path, rows: list[Path], out: Path) -> argparse.Namespace:
    """A command line, parsed."""
    return argparse.Namespace(model=str(model), models_dir=None, rows=rows, out=out, name="again", threads=1)


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


def test_nothing_is_learnt_and_nothing_is_pulled_away(tmp_path: Path) -> None:
    """No epoch, or a pull back that is strong enough: the head stays where it is; without a row there is an error."""
    base, _ = write_base(tmp_path / "base", Spec(seed=41, layers=1, dtype="F32"), "qwen2")
    rows = [write_rows(tmp_path / "a.jsonl", made_up(8, 7))]
    model = find(str(train.run(arguments(base, rows, tmp_path / "first"), RECIPE)))
    lessons, _ = head.read_states(given(Path(model.card_path), rows, tmp_path), model, read_rows(rows))
    old = head.head_of(model)
    assert (head.train(old, lessons, head.Recipe(epochs=0)).weight_in == old.weight_in).all()
    free, bound = (head.train(old, lessons, head.Recipe(epochs=20, rate=1e-3, back=back)) for back in (0.0, 1e3))
    assert abs(bound.weight_in - old.weight_in).max() < 0.1 * abs(free.weight_in - old.weight_in).max()
    with pytest.raises(ModelError, match="no row is there to learn from"):
        head.train(old, [], head.Recipe())


def test_only_a_head_of_two_classes_is_trained(tmp_path: Path) -> None:
    """A readout of another kind is refused by name before anything is read."""
    source = families.write(tmp_path / "checkpoint", "math-shepherd", Spec(layers=1, hidden=32, heads=2, kv_heads=1))
    model = convert(source, tmp_path / "made", weight_type=WeightType.F16, card=lent("math-shepherd"))
    with pytest.raises(ModelError, match="is read by 'token_pair'"):
        head.run(given(model, [write_rows(tmp_path / "a.jsonl", made_up(2, 1))], tmp_path / "out"), head.Recipe())


def test_what_people_wrote_becomes_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Right work, other work with a slip at its end, and the held-out problems in neither."""
    rows = [json.loads(line) for line in gsm8k(tmp_path).read_text(encoding="utf-8").splitlines()]
    many = write_rows(
        tmp_path / "many.jsonl", [rows[0] | {"question": f"{i}: {rows[0]['question']}"} for i in range(40)]
    )
    out = tmp_path / "people.jsonl"
    command = ["people", "--problems", str(many), "--out", str(out), "--held", "10", "--rights", "12", "--slips", "6"]
    monkeypatch.setattr("sys.argv", command)
    people.main()
    assert "12 right\n" in (told := capsys.readouterr().out)
    assert "6 with a slip\n" in told
    made = read_rows([out])
    learnt, held = [row for row in made if not row.held], [row for row in made if row.held]
    assert [row.first_error for row in learnt] == [-1] * 12 + [len(row.steps) - 1 for row in learnt[12:]]
    assert {row.author for row in learnt} == {"people", "people, slips"}
    texts = [row.problem for row in made]
    assert len(set(texts)) == len(texts)
    kept = {problems.read_problems(many)[i].text for i in problems.held_out(40, 10)}
    assert {row.problem for row in held} <= kept
    assert not kept & {row.problem for row in learnt}
    assert [row for row in held if row.first_error == -1] == held[:5]
    assert people.make_rows(problems.read_problems(many), frozenset(), 3, 3, 1) != people.make_rows(
        problems.read_problems(many), frozenset(), 3, 3, 2
    )
