"""What a worker's death and a damaged model file cost: one error each, never the parent."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stepcheck import Checker, Document, Step
from stepcheck.engine import wire
from stepcheck.engine.base import EngineOptions, Rows
from stepcheck.engine.client import LlamaEngine
from stepcheck.engine.host import load_of
from stepcheck.errors import EngineError, StepcheckError, WorkerDiedError
from stepcheck.hub.disk.store import find
from stepcheck.judge import Judged, Unscored
from stepcheck.opening import open_model
from stepcheck.prm.prompt import Prompt, build
from tests import checkpoints

ONE_THREAD = EngineOptions(n_threads=1)
DYING = (sys.executable, "-P", str(Path(__file__).parent / "dying_worker.py"))


def documents(count: int, deaths: set[int]) -> Iterator[Document]:
    for i in range(count):
        problem, steps = checkpoints.TEXTS[i % len(checkpoints.TEXTS)]
        word = "DIE" if i in deaths else "live"
        yield Document(f"{i}: {problem}", (*map(Step, steps), Step(f"{word} {i}")), id=str(i))


@pytest.mark.parametrize(("count", "deaths"), [(60, 6), pytest.param(1000, 100, marks=pytest.mark.soak)])
@pytest.mark.timeout(1800)
def test_a_death_costs_one_document(random_model: Path, count: int, deaths: int) -> None:
    """One in ten documents aborts the worker: exactly those are errors, the others equal to a run without deaths."""
    chosen = set(random.Random(0).sample(range(count), deaths))
    with Checker(random_model, options=ONE_THREAD) as checker:
        clean = list(checker.check_many(documents(count, chosen)))
    model = find(str(random_model), None)
    engine = LlamaEngine(
        model.backbone, mark=model.card.template.mark, context=model.card.context, options=ONE_THREAD, command=DYING
    )
    with Checker(model.card, engine, open_model(random_model).head) as checker:
        results = list(checker.check_many(documents(count, chosen)))
    assert {i for i, result in enumerate(results) if isinstance(result, Unscored)} == chosen
    for i, (result, expected) in enumerate(zip(results, clean, strict=True)):
        if isinstance(result, Unscored):
            assert isinstance(result.error, WorkerDiedError)
            assert result.id == str(i)
        else:
            assert isinstance(expected, Judged)
            assert np.abs(np.array(result.rewards) - np.array(expected.rewards)).max() <= 1e-3


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Damage a file as disks and people do: flipped bits, wild numbers, cut, repeated or swapped pieces."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(rng.choice((64, 1024, 32_768, len(out))))
        match rng.choice((0, 0, 0, 1, 1, 2, 3, 3, 4, 5)):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.randrange(256)
            case 2:
                out[at : at + 8] = rng.choice((0, 1, 2**31 - 1, 2**32, 2**63 - 1, 2**64 - 1)).to_bytes(8, "little")
            case 3:
                out[at : at + 4] = rng.randbytes(4)
            case 4:
                del out[at : at + rng.randint(1, 64)]
            case _:
                out[at:at] = out[at : at + rng.randint(1, 64)]
    return bytes(out[: rng.randrange(len(out))] if rng.random() < 0.05 else out)


@pytest.mark.parametrize("count", [30, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.timeout(4 * 3600)
def test_a_damaged_model_cannot_kill_the_parent(random_model: Path, tmp_path: Path, count: int) -> None:
    """Every mutant is read, or refused with an error, within 15 s; this process survives them all."""
    model = find(str(random_model), None)
    data = model.backbone.read_bytes()
    prompt = build(model.card.template, Document("1 + 1?", (Step("1 + 1 = 2"),)))
    rng = random.Random(1)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(count):
        path = tmp_path / "mutant.gguf"
        path.write_bytes(mutate(data, rng))
        start = time.monotonic()
        outcomes[outcome(path, prompt, model.card.template.mark)] += 1
        slowest = max(slowest, time.monotonic() - start)
    print(f"{count} mutants: {dict(outcomes)}, slowest {slowest:.1f} s")
    assert sum(outcomes.values()) == count
    assert outcomes["load"] > 0
    assert outcomes["read"] > 0
    assert outcomes["death"] > 0 or count < 1000
    assert slowest <= 15


def outcome(path: Path, prompt: Prompt, mark: str | None) -> str:
    """Load a file and read one prompt; say how it ended."""
    try:
        with LlamaEngine(path, mark=mark, context=512, options=ONE_THREAD, stall_seconds=10) as engine:
            (answer,) = engine.read([prompt])
    except EngineError as error:
        return "death" if "signal" in str(error) else error.kind
    return "read" if isinstance(answer, Rows) else f"{answer.kind}"


def test_a_worker_that_nobody_listens_to_ends_at_once(random_model: Path) -> None:
    """What it has to say does not arrive, and its requests never end: no traceback and no second of waiting."""
    model = find(str(random_model), None)
    command = [sys.executable, "-P", "-m", "stepcheck.engine.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        worker.stdout.close()
        wire.send(worker.stdin, load_of(model.backbone, mark=None, context=64, options=ONE_THREAD))
        said = worker.stderr.read().decode()
        assert (worker.wait(), said) == (0, "")


def test_the_error_of_a_dead_worker_says_how_it_ended(random_model: Path) -> None:
    """SIGABRT, or an exit status on Windows: the message carries it."""
    model = find(str(random_model), None)
    engine = LlamaEngine(model.backbone, mark=model.card.template.mark, context=512, command=DYING)
    with (
        Checker(model.card, engine, open_model(random_model).head) as checker,
        pytest.raises(WorkerDiedError) as caught,
    ):
        checker.check(Document("p", (Step("DIE"),)))
    assert "signal 6" in str(caught.value) or "exit status" in str(caught.value)


def test_a_worker_that_cannot_start_is_an_error(random_model: Path) -> None:
    """A worker that ends at once: LoadError with its last words, not a hang."""
    model = find(str(random_model), None)
    command = (sys.executable, "-c", "import sys; sys.exit('no such thing')")
    with (
        LlamaEngine(model.backbone, mark="<extra_0>", context=512, command=command) as engine,
        pytest.raises(StepcheckError, match="no such thing"),
    ):
        _ = engine.info
