"""The log ratio of two models against transformers: EurusPRM's way, both models in one run."""

import os
import signal
import sys
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import CheckpointError
from stepcheck.hub.convert import convert
from stepcheck.hub.disk.store import find
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.judge import Judged, Unscored
from stepcheck.prm.card import ModelCard
from tests import families
from tests.checkpoints import TEXTS, Spec
from tests.test_families import CHATML, EXACT, MULTILINE, Reference, Text, lent

SPEC, OTHER = Spec(seed=41, layers=2), Spec(seed=42, layers=2)
SCALE = 0.02
"""Random models differ by much more than a tuned one and its base; this keeps rewards apart from 0 and 1."""
ONE = EngineOptions(n_threads=1)


def card() -> ModelCard:
    shipped = lent("eurus")
    return msgspec.structs.replace(shipped, readout=msgspec.structs.replace(shipped.readout, scale=SCALE))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of two random models in f32."""
    folder = tmp_path_factory.mktemp("pair")
    model, base = (families.write(folder / name, "eurus", spec) for name, spec in (("model", SPEC), ("base", OTHER)))
    return convert(model, folder, weight_type=WeightType.F32, name="pair", card=card(), reference=base)


def chat(problem: str, answer: str) -> str:
    """A conversation with its default system turn, as the tokenizer's own template writes it."""
    return CHATML.format(problem) + answer + "<|im_end|>\n"


def log_likelihoods(model: Reference, text: Text) -> list[float]:
    """Sums of log p as EurusPRM's page has them: all in one piece, one index behind the shifted labels.

    `places[0]` is where the mask begins; the sum of a step is gathered at its place.
    """
    problem, steps = text[0], [f"Step {number}: {step}" for number, step in enumerate(text[1], 1)]
    ids = model.ids(chat(problem, "\n\n".join(steps)))
    places = []
    for count in range(len(steps) + 1):
        talk = chat(problem, "\n\n".join(steps[:count])).strip()
        if count not in (0, len(steps)):
            talk += "\n\n"
        places.append(len(model.ids(talk)) - 2)
    logits = model.rows(ids) @ model.tensors["lm_head.weight"].T
    labels = model.torch.tensor(ids[1:])
    chosen = logits[:-1].log_softmax(-1)[model.torch.arange(len(labels)), labels]
    mask = model.torch.tensor([0] * places[0] + [1] * (len(ids) - places[0]))
    sums = (chosen * mask[1:]).cumsum(-1)
    return [sums[place].item() for place in places[1:]]


def test_rewards_equal_the_reference(pair: Path) -> None:
    """On texts of several steps, candidates of one problem among them, within 1e-3; the memory is told first."""
    pytest.importorskip("torch")
    problem, steps = TEXTS[1]
    texts = [*TEXTS, (problem, (*steps[:2], "Something else.")), (problem, steps[:1]), *MULTILINE]
    model, base = (Reference(pair.parent / name) for name in ("model", "base"))
    theirs = []
    for text in texts:
        difference = np.array(log_likelihoods(model, text)) - np.array(log_likelihoods(base, text))
        theirs.append(1 / (1 + np.exp(-SCALE * difference)))
    with Checker(pair, options=ONE) as checker:
        assert "Reads two models, 0.0 GB and 0.0 GB of weights" in checker.identity.notice
        reviews = list(checker.check_many(Document(problem, tuple(map(Step, steps))) for problem, steps in texts))
    ours = [review.rewards for review in reviews if isinstance(review, Judged)]
    assert [len(row) for row in ours] == [len(row) for row in theirs]
    flat = np.concatenate(theirs)
    largest = float(np.abs(np.concatenate(ours) - flat).max())
    sys.stdout.write(f"log ratio: rewards {flat.min():.3f}…{flat.max():.3f}, largest difference {largest:.6f}\n")
    assert flat.std() > 0.02
    assert largest <= EXACT


def test_what_candidates_share_is_read_once_and_changes_nothing(pair: Path) -> None:
    """The same rewards alone and after a candidate with the same beginning, which makes it cheaper."""
    problem, steps = TEXTS[1]
    first, second = (Document(problem, tuple(map(Step, texts))) for texts in (steps, (*steps[:3], "No.")))
    with Checker(pair, options=ONE) as checker:
        alone = checker.check(second)
    with Checker(pair, options=ONE) as checker:
        checker.check(first)
        after = checker.check(second)
    assert after.rewards == pytest.approx(alone.rewards, abs=EXACT)


def test_a_long_text_is_read_in_pieces(pair: Path) -> None:
    """More tokens than one decode takes: the same rewards with pieces of 16 as with pieces of 256."""
    document = Document("p", tuple(Step(step) for _, steps in TEXTS for step in steps * 2))
    rewards = []
    for size in (16, None):
        with Checker(pair, options=EngineOptions(n_threads=1, n_ubatch=size)) as checker:
            rewards.append(checker.check(document).rewards)
    assert rewards[0] == pytest.approx(rewards[1], abs=EXACT)


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by signal")
def test_the_death_of_one_model_costs_one_document(pair: Path) -> None:
    """The reference is killed between two documents: the next is an error, the one after it is judged."""
    document = Document("1 + 1?", (Step("2"),))
    with Checker(pair, options=ONE) as checker:
        expected = checker.check(document).rewards
        before = {child.pid for child in psutil.Process().children()}
        (victim,) = [
            child
            for child in psutil.Process().children()
            if child.pid in before and child.pid == checker.reader._engines[1]._host._process.pid  # type: ignore[attr-defined]
        ]
        os.kill(victim.pid, signal.SIGKILL)
        (lost,) = list(checker.check_many([document]))
        assert isinstance(lost, Unscored)
        assert lost.error.kind == "worker_died"
        assert checker.check(document).rewards == pytest.approx(expected, abs=1e-6)


def test_both_files_are_verified_and_found(pair: Path) -> None:
    """The card names both; a step without text and a text that is too long are errors of their own."""
    model = find(str(pair))
    assert {role: part.path.name for role, part in model.weights.parts.items()} == {
        "backbone": "pair.gguf",
        "reference": "pair.reference.gguf",
    }
    documents = (Document("p", (Step("x " * 5000),)), Document("p", (Step("fine"),)))
    with Checker(pair, options=ONE) as checker:
        long, fine = checker.check_many(documents)
    assert isinstance(long, Unscored)
    assert long.error.kind == "too_long"
    assert isinstance(fine, Judged)


def test_a_reference_with_another_vocabulary_is_refused(tmp_path: Path) -> None:
    """And so is a log ratio without a reference, or a reference for another readout; nothing is written."""
    model = families.write(tmp_path / "model", "eurus", SPEC)
    stranger = families.write(tmp_path / "stranger", "rlhflow", OTHER)
    out = tmp_path / "out"
    with pytest.raises(CheckpointError, match="give its reference model's checkpoint with --reference"):
        convert(model, out, weight_type=WeightType.F32, card=card())
    with pytest.raises(CheckpointError, match="only a log ratio has a reference"):
        convert(
            families.write(tmp_path / "p", "pure", SPEC),
            out,
            weight_type=WeightType.F32,
            card=lent("pure"),
            reference=model,
        )
    with pytest.raises(CheckpointError, match=r"stranger"):
        convert(model, out, weight_type=WeightType.F32, card=card(), reference=stranger)
    assert not out.exists() or not list(out.iterdir())
