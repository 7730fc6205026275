"""Branches of the KV tree that somebody holds, with the real llama.cpp on a small random model."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stepcheck.engine.base import Ending, EngineOptions, Rows, Sampling, Tree
from stepcheck.engine.client import LlamaEngine
from stepcheck.errors import (
    CountMismatchError,
    EngineError,
    OutOfMemoryError,
    TooLongError,
    UsageError,
    WorkerDiedError,
)
from stepcheck.hub.disk.store import find
from stepcheck.prm.prompt import LIKELIHOOD, Prompt, Segment, Want
from tests import checkpoints

ONE_THREAD = EngineOptions(n_threads=1)
MARK = Segment("<extra_0>", special=True, mark=True)
NOISE = 3e-3
"""Another split into batches sums in another order (f16)."""
GREEDY = Sampling(max_tokens=12)


def opened(card: Path, **how: object) -> LlamaEngine:
    model = find(str(card), None)
    options = EngineOptions(n_threads=1, **how)  # type: ignore[arg-type]
    return LlamaEngine(model.backbone, mark=model.card.template.mark, context=2048, options=options)


@pytest.fixture(scope="module")
def engine(random_model: Path) -> Iterator[LlamaEngine]:
    with opened(random_model) as engine:
        yield engine


def plain(text: str) -> Segment:
    return Segment(text)


def read(engine: LlamaEngine, *segments: Segment, want: Want | None = None, begins: int = 0) -> Rows:
    (rows,) = engine.read([Prompt(segments, begins)], want) if want else engine.read([Prompt(segments, begins)])
    assert isinstance(rows, Rows), rows
    return rows


def near(rows: np.ndarray) -> object:
    return pytest.approx(rows, abs=NOISE * float(np.abs(rows).max()))


def hear(pieces: Iterator[str | Ending]) -> tuple[str, Ending]:
    *words, ending = pieces
    assert isinstance(ending, Ending)
    return "".join(map(str, words)), ending


def test_a_branch_grows_to_what_a_prompt_would_be(engine: LlamaEngine) -> None:
    """Step by step on one branch the same rows as of the whole prompt; each step costs its own tokens."""
    tree: Tree = engine
    problem, steps = checkpoints.TEXTS[1]
    branch = tree.open([plain(problem)])
    grown = [branch.extend([plain(step), MARK]) for step in steps]
    branch.drop()
    whole = read(engine, plain(problem), *(part for step in steps for part in (plain(step), MARK)))
    assert (
        np.abs(np.concatenate([rows.hidden for rows in grown]) - whole.hidden).max()
        <= NOISE * np.abs(whole.hidden).max()
    )
    assert grown[-1].tokens == whole.tokens
    lengths = [rows.tokens for rows in grown]
    assert [rows.decoded for rows in grown][1:] == list(np.diff(lengths))


def test_extending_two_of_eight_branches_costs_only_the_new_tokens(random_model: Path) -> None:
    """Eight forks, each with a step of its own, and 40 other prompts between: then two steps cost their tokens."""
    with opened(random_model, n_ctx=1024) as engine:
        root = engine.open([plain("What is 12 + 30? " * 5)])
        branches = [root.fork() for _ in range(8)]
        for number, branch in enumerate(branches):
            branch.extend([plain(f"Way {number}: {number} + 1 = {number + 1}."), MARK])
        others = [Prompt((plain(f"Another problem, number {i}. " * 4), MARK)) for i in range(40)]
        assert all(isinstance(rows, Rows) for rows in engine.read(others))
        for pair in ((0, 1), (6, 3), (5, 7)):
            step = [plain("So it is 42."), MARK]
            alone = read(engine, *step).tokens
            assert [branches[number].extend(step).decoded for number in pair] == [alone, alone]
        branches += [root.fork() for _ in range(64 - 1 - len(branches))]
        with pytest.raises(OutOfMemoryError, match="64 branches"):
            root.fork()
        for branch in branches:
            branch.drop()
        root.fork().drop()


def test_forks_do_not_touch_each_other(engine: LlamaEngine) -> None:
    """What is added to one is not in the other; what was dropped cannot be used."""
    first = engine.open([plain("One and one.")])
    second = first.fork()
    left = first.extend([plain(" They are two."), MARK])
    right = second.extend([plain(" They are three."), MARK])
    again = second.fork().extend([MARK])
    first.drop()
    for branch in (second,):
        assert branch.extend([MARK]).tokens == right.tokens + 1
    assert again.tokens == right.tokens + 1
    assert left.hidden == near(read(engine, plain("One and one."), plain(" They are two."), MARK).hidden)
    with pytest.raises(UsageError, match="was dropped"):
        first.extend([MARK])


def test_what_was_written_is_held(engine: LlamaEngine) -> None:
    """Greedy words are the same from two forks; what is read after them is as if they had been given."""
    question = [plain("What is 1 + 1? ")]
    branch = engine.open(question)
    other = branch.fork()
    words, ending = hear(branch.write(GREEDY))
    assert hear(other.write(GREEDY)) == (words, ending)
    assert ending == Ending(whole=False, tokens=12)
    more, _ = hear(branch.write(GREEDY))
    longer, _ = hear(engine.open(question).write(Sampling(max_tokens=24)))
    assert words + more == longer, "it writes on where it stopped"
    after = branch.extend([MARK])
    assert after.decoded <= 2
    drawn = [hear(other.fork().write(Sampling(temperature=1.0, max_tokens=8, seed=seed)))[0] for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]


def test_a_text_that_stops_it_is_the_last_thing_written(engine: LlamaEngine) -> None:
    """It ends as whole with the token in which that text is complete."""
    branch = engine.open([plain("Count: ")])
    words, _ = hear(branch.fork().write(Sampling(max_tokens=30)))
    stop = words[4:7]
    said, ending = hear(branch.fork().write(Sampling(max_tokens=30), ["never said", stop]))
    assert ending.whole
    assert stop in said
    assert words.startswith(said)
    assert len(said) < len(words)


def test_writing_that_is_left_can_be_gone_on_with(engine: LlamaEngine) -> None:
    """Closing after one word stops it; the branch and the engine are used as before; a read between loses nothing."""
    branch = engine.open([plain("Speak. ")])
    pieces = branch.write(Sampling(temperature=1.0, max_tokens=900))
    next(pieces)
    pieces.close()
    assert branch.extend([MARK]).hidden.shape[0] == 1
    expected = hear(engine.open([plain("Say: ")]).write(GREEDY))
    pieces = engine.open([plain("Say: ")]).write(GREEDY)
    first = next(pieces)
    read(engine, plain("A prompt in the middle of it."), MARK)
    rest, ending = hear(pieces)
    assert (str(first) + rest, ending) == expected


def test_likelihoods_of_what_is_added(random_model: Path) -> None:
    """Weighed on a branch, step by step, the sums are those of the whole prompt, from step to step."""
    model = find(str(random_model), None)
    problem, steps = checkpoints.TEXTS[1]
    parts = [Segment(step, mark=True) for step in steps]
    with LlamaEngine(model.backbone, mark=None, context=2048, options=ONE_THREAD, use="weigh") as engine:
        whole = read(engine, plain(problem), *parts, want=LIKELIHOOD, begins=1).hidden[:, 0]
        branch = engine.open([plain(problem)])
        grown = np.cumsum([branch.extend([part], LIKELIHOOD).hidden[0, 0] for part in parts])
        with pytest.raises(EngineError, match="not loaded to give hidden"):
            branch.extend([Segment("x", mark=True)])
    assert grown == pytest.approx(whole, abs=0.05)
    assert whole[0] > whole[-1]


def test_logits_of_two_tokens(engine: LlamaEngine) -> None:
    """Of the tokens that are asked for, in their order; what is no single token is refused before anything is read."""
    branch = engine.open([plain("Is 1 + 1 = 2? ")])
    yes_no = branch.fork().extend([Segment("Answer:", mark=True)], Want("logits", ("1", "2"))).hidden
    no_yes = branch.fork().extend([Segment("Answer:", mark=True)], Want("logits", ("2", "1"))).hidden
    assert yes_no.shape == (1, 2)
    assert yes_no[0] == pytest.approx(no_yes[0, ::-1], abs=0.01)
    with pytest.raises(CountMismatchError, match="not one"):
        branch.extend([Segment("Answer:", mark=True)], Want("logits", ("two words", "2")))
    assert branch.extend([MARK]).hidden.shape[0] == 1


def test_what_does_not_fit_is_an_error_of_its_own(random_model: Path) -> None:
    """Longer than the context, or no room beside what is held: the branch stays, and other prompts are read."""
    with opened(random_model, n_ctx=256) as engine:
        branch = engine.open([plain("1 " * 45)])
        with pytest.raises(TooLongError, match="context holds 256"):
            branch.extend([plain("2 " * 100), MARK])
        other = engine.open([plain("3 " * 25)])
        (refused,) = engine.read([Prompt((plain("4 " * 60), MARK))])
        assert isinstance(refused, OutOfMemoryError)
        assert "leave no room" in str(refused)
        other.drop()
        assert read(engine, plain("4 " * 60), MARK).hidden.shape[0] == 1
        assert branch.extend([MARK]).decoded == 1
        _, ending = hear(branch.write(Sampling(max_tokens=900)))
        assert not ending.whole
        assert ending.tokens < 900


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by signal")
def test_a_branch_is_lost_with_its_process(random_model: Path) -> None:
    """Using it says so, before and after another process has started; dropping it is always allowed."""
    with opened(random_model) as engine:
        branch = engine.open([plain("p")])
        process = engine._host._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="ended while a branch was read"):
            branch.extend([MARK])
        engine.open([plain("p")]).extend([MARK])
        with pytest.raises(WorkerDiedError, match="lost with the engine's process"):
            branch.extend([MARK])
        branch.drop()
