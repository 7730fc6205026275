"""Training a judge of one's own: rows in, a judge out that `score` uses, on random miniatures and in seconds."""

import argparse
import dataclasses
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepcheck.cli.main import main
from stepcheck.engine.llama import Backbone
from stepcheck.engine.wire import Load
from stepcheck.errors import InputError
from stepcheck.hub.disk.store import find, verify
from stepcheck.hub.gguf.backbone import turn_heads
from stepcheck.hub.gguf.quantize import WeightType
from tests import families
from tests.checkpoints import Spec
from tests.test_families import lent
from tests.test_parity import EXACT
from tests.test_peft import write_base

pytest.importorskip("torch", reason="training needs torch (the test extra)")
pytest.importorskip("transformers", reason="training needs transformers (the test extra)")

from models.training import backbone, rows, train
from models.training.judge import CHATML, lay_out

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = Spec(seed=41, layers=2, dtype="F32")
RECIPE = train.Recipe(rank=4, alpha=8.0, epochs=6, batch=2048, rate=3e-3, head_rate=3e-3, warm_up=5)


def made_up(count: int, seed: int) -> list[dict[str, Any]]:
    """Sums of three steps; in half of them one step says that a number is left where none is."""
    rng, made = random.Random(seed), []
    for number in range(count):
        a, b = rng.randrange(2, 40), rng.randrange(2, 40)
        steps = [f"She has {a} and {b} of them.", f"That is {a + b} in all.", "So the sum is that number."]
        labels = [1, 1, 1]
        if number % 2:
            at = rng.randrange(3)
            steps[at] = f"She gives away {a} of them, so {b} are left."
            labels[at:] = [0] * (3 - at)
        made.append({"problem": f"What are {a} and {b} together?", "steps": steps, "labels": labels})
    return made


def write_rows(path: Path, made: Iterable[dict[str, Any]]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


def arguments(base: Path, given: list[Path], out: Path) -> argparse.Namespace:
    """A command line, parsed."""
    plain = {"title": "t", "licence": "l", "notice": "n", "card": None, "longest": 700, "device": "cpu"}
    return argparse.Namespace(backbone=base, rows=given, out=out, name="mine", **plain)


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_rows_become_a_judge_that_score_uses(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss falls, the judge tells the classes apart in `score`, and llama.cpp gives what PyTorch gave: 1e-3."""
    base, _ = write_base(tmp_path / "base", TINY, family)
    held = [row | {"held": True, "author": "other"} for row in made_up(12, 8)]
    given = [write_rows(tmp_path / "a.jsonl", made_up(96, 7)), write_rows(tmp_path / "b.jsonl", held)]
    losses: list[float] = []
    ours: list[tuple[train.Lesson, list[float]]] = []
    learn, area = train.train, train.held_auc

    def kept(*parts: Any) -> list[float]:
        losses.extend(learn(*parts))
        return losses

    def seen(judge: Any, lessons: Any, tokens: int) -> float:
        ours.extend(train.rewards(judge, lessons, tokens))
        return area(judge, lessons, tokens)

    monkeypatch.setattr(train, "train", kept)
    monkeypatch.setattr(train, "held_auc", seen)
    card = train.run(arguments(base, given, tmp_path / "out"), RECIPE)
    told = capsys.readouterr().out
    assert "96 rows to learn from, 12 held out, 0 longer" in told
    assert float(told.split("step AUC ")[1].split()[0]) > 0.9
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3]), losses
    verify(find(str(card)))
    capsys.readouterr()
    assert main(["score", str(given[1]), "--model", str(card), "--format", "jsonl", "--threads", "1"]) == 0
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_text = {(lesson.row.problem, lesson.row.steps): found for lesson, found in ours}
    right, wrong = [], []
    for row, result in zip(held, results, strict=True):
        found = [step["reward"] for step in result["steps"]]
        assert np.allclose(found, by_text[row["problem"], tuple(row["steps"])], atol=EXACT)
        first = row["labels"].index(0) if 0 in row["labels"] else len(found)
        right += found[:first]
        wrong += found[first : first + 1]
    assert np.mean(right) - np.mean(wrong) > 0.5


def test_a_ready_file_is_a_backbone_as_it_is(tmp_path: Path) -> None:
    """A GGUF is not made anew, and its weights come back as the checkpoint's, queries and keys in their own order."""
    base, tensors = write_base(tmp_path / "base", TINY, "llama")
    path = backbone.prepare(base, CHATML, tmp_path / "b.gguf", WeightType.F32)
    assert backbone.prepare(path, CHATML, tmp_path / "c.gguf", WeightType.F32) == path
    state = backbone.read_backbone(path).model.state_dict()
    for name, tensor in tensors.items():
        if name.startswith(("model.", "lm_head.")):
            assert np.array_equal(state[name].numpy(), tensor), name
    matrix = np.arange(64 * 6, dtype=np.float32).reshape(64, 6)
    assert np.array_equal(backbone.turn_back(turn_heads(matrix, 16), 16), matrix)


def test_a_step_cannot_forge_a_mark(tmp_path: Path) -> None:
    """Blank lines and special tokens inside a step are text: as many marks as steps."""
    base, _ = write_base(tmp_path / "base", TINY, "qwen2")
    read = backbone.read_backbone(backbone.prepare(base, CHATML, tmp_path / "b.gguf", WeightType.F16))
    laid = lay_out(read, CHATML, "p <|im_end|>", ("a\n\nb", "<|im_end|>", "c"))
    assert len(laid.marks) == 3
    (end,) = read.encode("<|im_end|>", True)
    assert laid.ids.count(end) == 2  # the system's turn and the user's


def test_texts_are_cut_as_the_engine_cuts_them(tmp_path: Path) -> None:
    """A SentencePiece file puts a space before a text of its own accord; a template's pieces get none here either."""
    source = families.write(tmp_path / "base", "math-shepherd", Spec(layers=1, hidden=32, heads=2, kv_heads=1))
    path = backbone.prepare(source, lent("math-shepherd").template, tmp_path / "b.gguf", WeightType.F16)
    path.write_bytes(path.read_bytes().replace(b"add_space_prefix", b"add_space_prefiy"))  # as most public files are
    encode = backbone.read_backbone(path).encode
    load = Load(
        path=str(path), mark=None, context=64, n_ctx=64, n_ubatch=None, n_threads=1, n_gpu_layers=0, mapped=True
    )
    engine = Backbone(load, lambda _done: None)
    for text in ("So 6 apples are left.", " ки", "\n\n", "a\nb ", ""):
        for special in (False, True):
            assert encode(text, special) == engine.tokenize(text, special=special).tolist()
    assert encode("So", False) + encode(" it", False) == encode("So it", False)


PRM800K = {
    "question": {"problem": "1 + 1?"},
    "label": {
        "steps": [
            {"completions": [{"text": "a", "rating": -1}, {"text": "b", "rating": 1}], "chosen_completion": 1},
            {"completions": [], "human_completion": {"text": "c"}, "chosen_completion": None},
            {"completions": [{"text": "d", "rating": 0}], "chosen_completion": 0},
            {"completions": [{"text": "e", "rating": -1}], "chosen_completion": None},
        ]
    },
}


@pytest.mark.parametrize(
    ("data", "labels", "weights", "first"),
    [
        ({"problem": "p", "steps": ["a", "b", "c"], "labels": [1, 0, 0]}, (1, 0, 0), (1.0, 2.0, 0.5), 1),
        ({"problem": "p", "steps": ["a", "b"], "labels": [None, 1]}, (0, 1), (0.0, 1.0), -1),
        ({"problem": "p", "steps": ["a", "b", "c"], "label": 0}, (0, 0, 0), (2.0, 0.5, 0.5), 0),
        ({"problem": "p", "steps": ["a"], "label": -1}, (1,), (1.0,), -1),
        ({"problem": "p", "steps": ["a", "b"], "labels": [1, 0], "weights": [0.5, 2]}, (1, 0), (0.5, 2.0), 1),
        ({"problem": "p", "steps": ["a", "b"], "labels": [None, 0], "weights": [3, 1]}, (0, 0), (0.0, 1.0), 1),
        (PRM800K, (1, 1, 0, 0), (1.0, 1.0, 0.0, 2.0), 3),
    ],
)
def test_rows_are_read(
    data: Any, labels: tuple[int, ...], weights: tuple[float, ...], first: int, tmp_path: Path
) -> None:
    """Labels one a step, a first error, PRM800K's chosen way; the unknown weighs nothing; written, they come back."""
    (row,) = rows.read_rows([write_rows(tmp_path / "a.jsonl", [data])])
    assert (row.labels, row.weights, row.first_error) == (labels, weights, first)
    (tmp_path / "b.jsonl").write_text(rows.as_json(row), encoding="utf-8")
    assert rows.read_rows([tmp_path / "b.jsonl"]) == [row]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "is no JSON"),
        ("[1]", "expected an object"),
        ('{"steps": ["a"], "labels": [1]}', "key 'problem'"),
        ('{"problem": "p", "steps": ["a", ""], "labels": [1, 1]}', "key 'steps'"),
        ('{"problem": "p", "steps": ["a"]}', "'labels', one a step, or 'label'"),
        ('{"problem": "p", "steps": ["a"], "labels": [1, 1]}', "key 'labels': expected 1, one a step, found 2"),
        ('{"problem": "p", "steps": ["a"], "labels": [0.5]}', "step 0: expected 1, 0 or null, found 0.5"),
        ('{"problem": "p", "steps": ["a"], "label": 1}', "key 'label': expected -1 to 0, found 1"),
        ('{"problem": "p", "steps": ["a"], "label": 0, "weights": [1, 1]}', "key 'weights': expected 1 numbers"),
        ('{"problem": "p", "steps": ["a"], "label": 0, "weights": [-1]}', "key 'weights': expected 1 numbers"),
        ('{"problem": "p", "steps": ["a"], "label": 0, "weights": [NaN]}', "key 'weights': expected 1 numbers"),
        ('{"question": {"problem": "p"}, "label": {}}', "is no row of PRM800K"),
    ],
)
def test_a_row_that_is_none_is_told_with_its_line(line: str, words: str, tmp_path: Path) -> None:
    """File, line and key, and nothing is guessed."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"problem": "p", "steps": ["a"], "label": -1}) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        rows.read_rows([path])
    assert "a.jsonl:2: " in str(caught.value)


def test_batches_hold_their_tokens_and_every_row(tmp_path: Path) -> None:
    """No batch is wider than it may be, but one of a single row; none is lost or read twice."""
    base, _ = write_base(tmp_path / "base", TINY, "qwen2")
    read = backbone.read_backbone(backbone.prepare(base, CHATML, tmp_path / "b.gguf", WeightType.F16))
    given = rows.read_rows([write_rows(tmp_path / "a.jsonl", made_up(20, 1))])
    lessons, longer = train.encode(read, CHATML, [*given, dataclasses.replace(given[0], problem="x " * 900)], 700)
    assert (len(lessons), longer) == (20, 1)
    made = train.batches(lessons, 512, random.Random(0))
    assert sorted(id(x) for batch in made for x in batch) == sorted(map(id, lessons))
    for batch in made:
        width = max(len(x.laid.ids) for x in batch)
        assert len(batch) == 1 or -(-width // 16) * 16 * len(batch) <= 512
