"""Two lanes over one model, with the real llama.cpp: what is read, by how many threads, and what comes in between."""

import io
import queue
import random
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepcheck.engine import wire
from stepcheck.engine.base import EngineOptions, Rows
from stepcheck.engine.batches import Decoded
from stepcheck.engine.client import LlamaEngine
from stepcheck.engine.context import Context
from stepcheck.engine.host import load_of
from stepcheck.engine.lane import Lane
from stepcheck.engine.llama import Backbone
from stepcheck.engine.worker import Worker
from stepcheck.errors import EngineError, OutOfMemoryError, TooLongError
from stepcheck.hub.disk.store import find
from stepcheck.prm.prompt import Prompt, Segment

NOISE = 1e-2
"""Another split into batches sums in another order (f16); another text's rows are of another size."""
MARK = Segment("<extra_0>", special=True, mark=True)
WORDS = ["so", "the", "sum", "of", "both", "is", "then", "found", "to", "be", "one", "more", "than", "at", "first"]


def text(seed: int, words: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


def prompts(count: int, *, words: int = 60) -> list[Prompt]:
    """Solutions of two steps that share nothing."""
    return [
        Prompt((Segment(f"{seed}: {text(seed, words)}"), MARK, Segment(text(seed + 1000, words)), MARK))
        for seed in range(count)
    ]


def engine(card: Path, lanes: int, **how: int) -> LlamaEngine:
    model = find(str(card), None)
    options = EngineOptions(n_threads=2, n_lanes=lanes, **how)
    return LlamaEngine(model.backbone, mark=MARK.text, context=2048, options=options)


def rows(engine: LlamaEngine, asked: list[Prompt]) -> list[np.ndarray]:
    found = []
    for answer in engine.read(asked):
        assert isinstance(answer, Rows), answer
        found.append(answer.hidden)
    return found


def ask(job: int, prompt: Prompt) -> wire.Ask:
    return wire.Ask(job, [(s.text, s.special, s.mark) for s in prompt.segments])


def make(card: Path) -> Worker:
    """The engine's loop without its process."""
    model = find(str(card), None)
    options = EngineOptions(n_threads=2, n_lanes=2)
    load = load_of(model.backbone, mark=MARK.text, context=2048, options=options)
    return Worker(queue.SimpleQueue(), io.BytesIO(), Backbone(load, lambda _done: None))


@pytest.fixture
def worker(random_model: Path) -> Worker:
    """One that decodes when the test says so."""
    return make(random_model)


class Replies(io.BytesIO):
    """Ends the loop once everything is answered."""

    worker: Worker

    def flush(self) -> None:
        if not any(lane.wants or lane.threads for lane in self.worker.lanes):
            self.worker.requests.put(None)


def heard(worker: Worker) -> Iterator[wire.Reply]:
    """What it answered since it was asked last."""
    assert isinstance(worker.replies, io.BytesIO)
    worker.replies.seek(0)
    found = [reply for reply, _ in iter(lambda: wire.receive_reply(worker.replies), None)]
    worker.replies.seek(0)
    worker.replies.truncate()
    return iter(found)


def jobs(worker: Worker) -> list[int]:
    return sorted(reply.job for reply in heard(worker) if isinstance(reply, wire.Answer))


def begin(lane: Lane, threads: int = 1) -> Decoded:
    """Decode a lane's next batch, and do not take it in yet."""
    operations, batch = lane.next()
    lane.threads = threads
    return lane.decode(operations, batch)


def finish(worker: Worker) -> None:
    """Read on, one lane after the other, until nothing waits."""
    while any(lane.wants for lane in worker.lanes):
        for lane in worker.lanes:
            if lane.wants:
                lane.finish(begin(lane))


def test_two_lanes_read_what_one_reads(random_model: Path) -> None:
    """In order, with the same rewards but for the noise of another split into batches; an error is in its place."""
    asked = prompts(40)
    with engine(random_model, 1) as one, engine(random_model, 2) as two:
        for a, b in zip(rows(one, asked), rows(two, asked), strict=True):
            assert np.abs(a - b).max() <= NOISE * np.abs(a).max()
        found = list(two.read([*asked[:5], Prompt((Segment("long " * 3000), MARK)), *asked[5:9]]))
    assert [isinstance(answer, TooLongError) for answer in found] == [False] * 5 + [True] + [False] * 4


def test_how_fast_a_lane_is_changes_no_bit(random_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which reads what is decided before: each decodes now at once, now after a while, in a thread of its own."""
    decode, runs = Context.decode, []
    for seed in range(3):
        rng = random.Random(seed)

        def late(*given: Any, rng: random.Random = rng) -> Any:
            time.sleep(rng.choice([0, 0, 0.02]))
            return decode(*given)

        monkeypatch.setattr(Context, "decode", late)
        worker = make(random_model)
        worker.replies = replies = Replies()
        replies.worker = worker
        for lane in worker.lanes:
            lane.replies = replies
        worker.take(wire.Asks([ask(job, prompt) for job, prompt in enumerate(prompts(40))]))
        worker.serve()
        replies.seek(0)
        answers = dict[int, bytes]()
        while (heard := wire.receive_reply(replies)) is not None:
            assert isinstance(heard[0], wire.Answer)
            answers[heard[0].job] = heard[1]
        assert [lane.decodes_alone for lane in worker.lanes] == [True, True]
        runs.append([answers[job] for job in range(40)])
    assert runs[0] == runs[1] == runs[2]


def test_what_was_stopped_in_the_middle_is_forgotten(random_model: Path) -> None:
    """Both lanes go on with the next work, whatever was being decoded when the reading ended."""
    with engine(random_model, 2) as two, engine(random_model, 1) as one:
        for taken in (1, 3, 9):
            reading = two.read(prompts(40))
            assert isinstance(reading, Generator)
            for _ in range(taken):
                next(reading)
            reading.close()
        for a, b in zip(rows(one, prompts(20)), rows(two, prompts(20)), strict=True):
            assert np.abs(a - b).max() <= NOISE * np.abs(a).max()


def test_a_second_lane_is_made_for_a_second_text(worker: Worker) -> None:
    """One text after the other is read in the first alone; of two that wait together, the second in another."""
    first, second, third, fourth = prompts(4)
    for job, prompt in enumerate((first, second)):
        worker.take(wire.Asks([ask(job, prompt)]))
        finish(worker)
    assert len(worker.lanes) == 1
    worker.take(wire.Asks([ask(2, third), ask(3, fourth)]))
    assert len(worker.lanes) == 2
    assert all(lane.wants for lane in worker.lanes)
    finish(worker)
    assert jobs(worker) == [0, 1, 2, 3]


def test_threads_are_shared_by_the_lanes_that_have_work(worker: Worker) -> None:
    """Each has a half; one alone has all, and another that gets work then waits until its half is free."""
    first, second, third = prompts(3)
    worker.take(wire.Asks([ask(0, first), ask(1, second)]))
    a, b = worker.lanes
    assert worker._next_lane() == (a, 1)
    decoded = begin(a)
    assert worker._next_lane() == (b, 1)
    b.finish(begin(b))
    a.finish(decoded)
    worker.take(wire.Asks([ask(2, first)]))
    assert worker._next_lane() == (a, 2)
    decoded = begin(a, 2)
    worker.take(wire.Asks([ask(3, third), ask(4, second)]))
    assert b.wants
    assert worker._next_lane() == (None, 0)
    a.finish(decoded)
    finish(worker)
    assert jobs(worker) == [0, 1, 2, 3, 4]


def test_a_texts_seconds_are_its_part_of_the_machines(worker: Worker) -> None:
    """A batch on one of two threads counts half, so that the texts' seconds add up to those by the clock."""
    worker.take(wire.Asks([ask(0, prompts(1)[0])]))
    (lane,) = worker.lanes
    decoded = begin(lane, 1)
    lane.finish(decoded)
    (answer,) = heard(worker)
    assert isinstance(answer, wire.Answer)
    assert answer.seconds == pytest.approx(decoded.seconds / 2)


def test_branches_are_held_in_the_first_lane(worker: Worker) -> None:
    """It has the most room, and they grow; also those that are opened while there is much to read."""
    worker.take(wire.Asks([ask(job, prompt) for job, prompt in enumerate(prompts(4))]))
    for number in range(2):
        worker.take(wire.Open(10 + number, 20 + number, [(text(30 + number, 80), False, False)]))
    finish(worker)
    first, second = worker.lanes
    assert set(first._held) == {20, 21}
    assert not second._held
    worker.take(wire.Fork(12, 20, 22))
    for number in range(3):
        added = [(text(9, 20), False, False), ("<extra_0>", True, True)]
        worker.take(wire.Extend(13 + number, 20 + number, added))
    finish(worker)
    assert jobs(worker) == [0, 1, 2, 3, *range(10, 16)]
    worker.take(wire.Release(21))
    for again in (wire.Extend(16, 21, [(text(9, 20), False, False)]), wire.Fork(17, 21, 23)):
        worker.take(again)
        (failed,) = heard(worker)
        assert isinstance(failed, wire.Failed)
        assert "not held" in failed.message


def test_what_comes_while_a_batch_is_decoded_waits_for_it(worker: Worker) -> None:
    """A dropped job's batch is taken in first and then forgotten; a fork is made of what is in the cache by then."""
    worker.take(wire.Open(0, 10, [(text(0, 40), False, False)]))
    finish(worker)
    long = Prompt((Segment(text(1, 700)), MARK))
    worker.take(wire.Asks([ask(1, long), ask(2, long)]))
    (lane,) = worker.lanes
    decoded = begin(lane)
    worker.take(wire.Drop([1, 2]))
    worker.take(wire.Fork(3, 10, 11))
    assert set(lane._held) == {10}
    lane.finish(decoded)
    assert set(lane._held) == {10, 11}
    assert not lane.wants
    assert jobs(worker) == [0, 3]


def test_without_room_for_a_second_lane_the_first_reads_everything(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is not asked for again."""
    asked = []

    def full() -> None:
        asked.append(1)
        raise OutOfMemoryError("failed to allocate")

    monkeypatch.setattr(worker.backbone, "further", full)
    worker.take(wire.Asks([ask(job, prompt) for job, prompt in enumerate(prompts(6))]))
    finish(worker)
    assert len(worker.lanes) == 1
    assert asked == [1]
    assert jobs(worker) == list(range(6))


def test_an_error_in_a_lanes_thread_ends_the_loop(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one in the loop's own does: what was raised in the thread is raised where the loop runs."""
    worker.take(wire.Asks([ask(job, prompt) for job, prompt in enumerate(prompts(2))]))

    def broken(*_: object) -> None:
        raise EngineError("llama.cpp failed to compute a batch")

    monkeypatch.setattr(worker.lanes[1].context, "decode", broken)
    with pytest.raises(EngineError, match="failed to compute"):
        worker.serve()


@pytest.mark.parametrize(
    ("threads", "lanes", "use", "most"),
    [
        (1, 2, "read", 1),
        (2, 1, "read", 1),
        (2, 2, "read", 2),
        (2, None, "weigh", 1),
        (4, None, "read", 2),
        (4, 2, "write", 1),
    ],
)
def test_how_many_lanes_there_may_be(
    random_model: Path, threads: int, lanes: int | None, use: wire.Use, most: int
) -> None:
    """One for each thread at most; two by default where hidden states are read, else one."""
    options = EngineOptions(n_threads=threads, n_lanes=lanes)
    load = load_of(find(str(random_model), None).backbone, mark=None, context=8192, options=options, use=use)
    _, *further = Backbone(load, lambda _done: None).rooms
    assert further == [4096] * (most - 1)
