"""How the built-in model learns and is measured: rows and marks, the stream, the figures, a miniature training."""

import json
import multiprocessing
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (the test extra)")
pytest.importorskip("tokenizers", reason="training needs tokenizers (the test extra)")

import torch
from tokenizers import Tokenizer

from benchmarks.given.problems import write_rows
from models.nano import (
    calibration,
    checkpoint,
    documents,
    evaluate,
    feed,
    slips,
    stream,
    templates,
    train,
    writing,
)
from models.nano.material import Material
from models.nano.model import Shape
from models.nano.workers import Workers
from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import Template
from tests.nano_texts import build_tokenizer

ROOT = Path(__file__).parent.parent


def judged(card: Path, documents_: list[writing.Written]) -> list[tuple[float, ...]]:
    """The rewards that stepcheck itself gives."""
    with Checker(card) as checker:
        return [
            checker.check(
                Document(written.question, tuple(Step("".join(f.text for f in step)) for step in written.steps))
            ).rewards
            for written in documents_
        ]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return build_tokenizer()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of GSM8K's form, made of our own problems."""
    return write_rows(tmp_path_factory.mktemp("rows") / "train.jsonl", 120)


def test_a_tree_reads_like_its_documents(words: Tokenizer) -> None:
    """A branch sees the steps before it and not the slip beside them: each reward is that of the plain document."""
    rng, encoder = random.Random(12), documents.Encoder(words)
    shape = Shape(words.get_vocab_size(), width=160, layers=2, heads=2, feed_forward=128)
    model = checkpoint.fresh(words, shape, 0)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    branches = whole = there = 0
    for _ in range(6):
        tree = stream.make_tree(Material([]), rng)
        batch = documents.collate([encoder.tree(tree)])
        hidden = model(*batch.inputs(torch.device("cpu")))
        found = torch.softmax(model.score(hidden.flatten(0, 1)[batch.marks]), -1)[:, 1].detach().numpy()
        order = [
            (index, step)
            for index, right in enumerate(tree.steps)
            for step in (right, *(slip for at, slip in tree.slips if at == index))
        ]
        row = encoder.tree(tree)
        assert [label for _, label in row.marks] == [int(s == tree.steps[i]) for i, s in order]
        for reward, (index, step) in zip(found, order, strict=True):
            plain = writing.Written(tree.question, (*tree.steps[:index], step), None, None, carried=False)
            assert np.isclose(evaluate.rewards(model, [encoder.document(plain)])[0][-1], reward, atol=1e-5)
        branches += len(tree.slips)
        whole += sum(len(words.encode("".join(f.text for f in step)).ids) + 1 for _, step in tree.slips)
        there += sum(branch > 0 for branch in row.branches)
    assert branches > 6
    assert there < 0.8 * whole, "what a slip shares with the right step is there once"


def test_nothing_is_learned_after_the_first_wrong_step(words: Tokenizer) -> None:
    """Labels are 1 up to the first wrong step, 0 there, and none after it."""
    rng, encoder = random.Random(8), documents.Encoder(words)
    for _ in range(100):
        problem = templates.compose(rng)
        draft = slips.plant(problem, {}, "result", rng)
        if draft is None:
            continue
        written = writing.write(draft, rng)
        assert written.first_error is not None
        assert [label for _, label in encoder.document(written).marks] == [1] * written.first_error + [0]


def test_the_same_seed_gives_the_same_batches(words: Tokenizer) -> None:
    """A shard is a function of seed and index, before and after the equations, and differs for another seed."""
    rng, encoder = random.Random(9), documents.Encoder(words)
    learn = Material([templates.compose(rng) for _ in range(20)])
    for index in (0, 5):
        first, again, other = (stream.shard(learn, encoder, seed, index, 1) for seed in (0, 0, 1))
        assert all(np.array_equal(a.tokens, b.tokens) for a, b in zip(first, again, strict=True))
        assert not np.array_equal(first[0].tokens, other[0].tokens)
        assert {batch.tokens.shape[1] % 4 for batch in first} == {0}


@pytest.mark.soak
def test_a_larger_scale_gives_larger_batches(words: Tokenizer) -> None:
    """Three times the tokens in a batch, about as many batches; a shard of documents has some of equations alone."""
    rng, encoder = random.Random(14), documents.Encoder(words)
    learn = Material([templates.compose(rng) for _ in range(20)])
    for index in (0, 5):
        one, three = (stream.shard(learn, encoder, 0, index, 1, scale) for scale in (1, 3))
        assert max(batch.tokens.size for batch in one) < 1.3 * documents.BATCH_TOKENS
        assert 2 < np.mean([b.tokens.size for b in three]) / np.mean([b.tokens.size for b in one]) < 4
        bare = [batch.tokens[0, 0] != encoder.opening[0] for batch in three]
        assert sum(bare) == len(bare) if index == 0 else 0 < sum(bare) < len(bare) / 2


@pytest.mark.parametrize("feeders", [0, pytest.param(2, marks=pytest.mark.soak)])
def test_processes_write_the_shards_that_a_thread_writes(rows: Path, tmp_path: Path, feeders: int) -> None:
    """Every second shard from the first on, in order, whoever writes them; the processes end with the training."""
    train.prepare(rows, tmp_path, Shape(0, width=160, layers=1, heads=2, feed_forward=128), 0)
    source = feed.Source(rows, tmp_path, 0, 2)
    expected = [feed.write(source, index) for index in (1, 3)]
    with feed.shards(source, 1, 2, feeders) as following:
        for right, found in zip(expected, following, strict=False):
            assert [b.tokens.tolist() for b in found] == [b.tokens.tolist() for b in right]
    assert not multiprocessing.active_children()


def test_shards_come_twice() -> None:
    """From the third on, every new shard is followed by the one of two before; each is shown twice, then forgotten."""
    places = [feed.index_of(position, 2) for position in range(8)]
    assert [index for index, _ in places] == [0, 1, 2, 0, 3, 1, 4, 2]
    assert [index for index, last in places if last] == [0, 1, 2]
    assert feed.index_of(5, 0) == (5, True)


def test_auc_counts_pairs() -> None:
    """Rewards .9 and .4 of right steps against .4 and .1 of wrong ones: 3 pairs won and a tie of 4 → 0.875."""
    assert evaluate.auc(np.array([0.9, 0.4], np.float32), np.array([0.4, 0.1], np.float32)) == 0.875


def test_calibration_undoes_a_wrong_prior() -> None:
    """Logits twice too large and shifted by one come back: scale 0.5, shift 0.5."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 50_000)
    labels = (rng.random(50_000) < 1 / (1 + np.exp(-logits))).astype(float)
    scale, shift = calibration.fit(1 / (1 + np.exp(-(2 * logits - 1))), labels)
    assert abs(scale - 0.5) < 0.02
    assert abs(shift - 0.5) < 0.03


def test_calibration_is_written_into_the_head(words: Tokenizer) -> None:
    """A reward with the logit z becomes the one with the logit 2z - 1."""
    rng, encoder = random.Random(15), documents.Encoder(words)
    model = checkpoint.fresh(words, Shape(words.get_vocab_size(), width=160, layers=1, heads=2, feed_forward=128), 0)
    rows = [stream.make_equation(encoder, rng) for _ in range(10)]
    before = np.array([r[0] for r in evaluate.rewards(model, rows)])
    calibration.apply(model, 2.0, -1.0)
    after = np.array([r[0] for r in evaluate.rewards(model, rows)])
    assert np.allclose(np.log(after / (1 - after)), 2 * np.log(before / (1 - before)) - 1, atol=1e-4)


def test_measures_by_hand() -> None:
    """Two of four right solutions pass at 0.5, one of two slips is found in its place: F1 is 0.5."""
    cases = [evaluate.Scored("right", None, np.array(r, np.float32)) for r in ([0.9, 0.8], [0.7], [0.9, 0.3], [0.2])]
    cases += [evaluate.Scored("result", 1, np.array(r, np.float32)) for r in ([0.9, 0.1, 0.9], [0.3, 0.1, 0.9])]
    cases += [
        evaluate.Scored(kind, 0, np.array([0.1 + i % 2 * 0.8], np.float32))
        for kind in ("copy", "operation", "carried")
        for i in range(2)
    ]
    figures = evaluate.measure(cases, 0.5)
    assert figures["right_solutions_passed"] == 0.5
    assert figures["first_error_found"] == {"result": 0.5, "copy": 0.5, "operation": 0.5, "carried": 0.5, "all": 0.5}
    assert figures["f1"] == 0.5
    assert evaluate.choose_threshold(cases, 0.75) <= 0.3


def test_the_loss_of_a_miniature_falls(words: Tokenizer) -> None:
    """Forty steps on equations: the guesses of the right result get better by a fifth of a nat and more."""
    torch.set_num_threads(1)
    encoder = documents.Encoder(words)
    shape = Shape(words.get_vocab_size(), width=160, layers=1, heads=2, feed_forward=128)
    trainer = train.Trainer(checkpoint.fresh(words, shape, 0), Workers())
    rng, guesses = random.Random(11), []
    for _ in range(40):
        batch = documents.collate([stream.make_equation(encoder, rng) for _ in range(48)])
        guesses.append(float(trainer.step(batch, 1.0)["guesses"]))
    assert sum(guesses[-10:]) / 10 < sum(guesses[:10]) / 10 - 0.2


def test_the_weights_settle_towards_a_mean_that_survives_a_stop(words: Tokenizer) -> None:
    """Weights kept after each of three steps, with a resume after each: the model ends halfway to their mean."""
    torch.set_num_threads(1)
    encoder, rng = documents.Encoder(words), random.Random(13)
    shape = Shape(words.get_vocab_size(), width=160, layers=1, heads=2, feed_forward=128)
    batch = documents.collate([stream.make_equation(encoder, rng) for _ in range(8)])
    trainer = train.Trainer(checkpoint.fresh(words, shape, 0))
    kept = []
    for _ in range(3):
        trainer.step(batch, 1.0)
        trainer.keep()
        kept.append(trainer.model.model.norm.weight.detach().clone())
        resumed = train.Trainer(checkpoint.fresh(words, shape, 1))
        resumed.restore({name: tensor.clone() for name, tensor in trainer.tensors().items()})
        trainer = resumed
    assert not torch.equal(kept[0], kept[2])
    trainer.settle(3)
    assert torch.allclose(trainer.model.model.norm.weight, (kept[2] + torch.stack(kept).mean(0)) / 2, atol=1e-6)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")  # the compiler warns itself, and goes on where nobody makes that an error
def test_compiled_layers_learn_alike(words: Tokenizer) -> None:
    """Three steps with fused layers have the losses of three steps without, but for rounding."""
    torch.set_num_threads(1)
    encoder, rng = documents.Encoder(words), random.Random(12)
    shape = Shape(words.get_vocab_size(), width=160, layers=1, heads=2, feed_forward=128)
    batches = [documents.collate([stream.make_equation(encoder, rng) for _ in range(n)]) for n in (16, 24, 16)]
    losses: list[list[float]] = []
    for compiled in (False, True):
        trainer = train.Trainer(checkpoint.fresh(words, shape, 0), compiled=compiled)
        torch.manual_seed(0)
        losses.append([float(loss) for batch in batches for loss in trainer.step(batch, 0.1).values()])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_miniature_trains_resumes_converts_and_judges_alike(rows: Path, tmp_path: Path) -> None:
    """One command trains and saves; a second goes on; the folder converts, and llama.cpp's rewards are torch's."""
    out = tmp_path / "nano-mini"
    command = ["--gsm8k", str(rows), "--out", str(out), "--equation-shards", "1", "--width", "160", "--layers", "1"]
    command += ["--heads", "2", "--feed-forward", "128"]
    train.main([*command, "--steps", "4"])
    state = (out / "state.safetensors").stat().st_mtime_ns
    train.main([*command, "--steps", "6"])
    assert (out / "state.safetensors").stat().st_mtime_ns > state
    model, words = checkpoint.read(out)
    progress = train.resume(out, train.Trainer(checkpoint.read(out)[0], Workers()))
    assert (progress.step, progress.shard, progress.batch) == (6, 0, 6)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["Qwen2ForProcessRewardModel"]
    assert config["vocab_size"] == words.get_vocab_size()
    template = Template(
        before_problem="<|im_start|>user\n", after_problem="<|im_end|>\n<|im_start|>assistant\n", mark="<extra_0>"
    )
    card = convert(out, tmp_path / "model", weight_type=WeightType.F16, name="mini", template=template)
    rng = random.Random(10)
    cases = [writing.write(slips.right(templates.compose(rng), {}), rng) for _ in range(8)]
    encoder = documents.Encoder(words)
    expected = evaluate.rewards(model, [encoder.document(written, whole=True) for written in cases])
    for ours, right in zip(judged(card, cases), expected, strict=True):
        assert np.allclose(ours, right, atol=2e-3)


AVERAGE = """
import sys, torch
from torch import distributed
from models.nano.workers import Workers
rank = int(sys.argv[1])
distributed.init_process_group("gloo", init_method=sys.argv[2], rank=rank, world_size=2)
workers = Workers(2, rank)
known, unused = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))
known.grad = torch.tensor([1.0, 3.0]) * (1 + 2 * rank)
workers.average([known, unused])
print(known.grad.tolist(), unused.grad.tolist(), workers.agree(float(rank)))
print(workers.spread(lambda part: part * 10 ** (rank + 1), torch.tensor([[1.0], [2.0], [3.0]])).flatten().tolist())
"""


def test_workers_average_their_gradients_and_spread_their_work(tmp_path: Path) -> None:
    """Gradients (1, 3) and (3, 9) become (2, 6) in both; a missing one counts as 0; the first worker's value holds.

    Of a stack of three, the first worker treats two and the second one, and both have all.
    """
    place = (tmp_path / "meeting").absolute().as_uri()
    started = [
        subprocess.Popen([sys.executable, "-c", AVERAGE, str(rank), place], stdout=subprocess.PIPE, cwd=ROOT, text=True)
        for rank in range(2)
    ]
    for process in started:
        out, _ = process.communicate(timeout=60)
        assert out.splitlines() == ["[2.0, 6.0] [0.0] 0.0", "[10.0, 20.0, 300.0]"]


@pytest.mark.soak
def test_two_workers_train_one_model(rows: Path, tmp_path: Path) -> None:
    """One command starts both, they take different shards, and one checkpoint is written."""
    command = [sys.executable, "-W", "ignore", "-m", "models.nano.train", "--gsm8k", str(rows), "--out", str(tmp_path)]
    command += ["--equation-shards", "9", "--width", "160", "--layers", "1", "--heads", "2", "--feed-forward", "128"]
    subprocess.run([*command, "--workers", "2", "--steps", "10"], check=True, cwd=ROOT, timeout=120)
    progress = train.resume(tmp_path, train.Trainer(checkpoint.read(tmp_path)[0]))
    assert progress.step == 10
    assert progress.shard == 2, "shards 0 and 1 are done, by one worker each"
    assert not list(tmp_path.glob("meeting-*"))
