"""Background work in the app: what an old reader or an old model still says is never taken for the new one's."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stepcheck import config
from stepcheck.document import Document, Unread
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.reading import Target
from stepcheck.tui.job import Job, Said
from stepcheck.tui.judging.opening import OnLoading
from stepcheck.tui.judging.view import Phase
from tests.fakes import document
from tests.tui.driving import flat, judged, until
from tests.tui.fakes import Gated, fake, refusing


@dataclass(frozen=True, slots=True)
class Endless(Target):
    """A file that is read until somebody stops reading."""

    go_on: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    many = True
    small = False

    def read(self, left_out: Callable[[int], None] = print) -> Iterator[Document | Unread]:
        left_out(0)
        yield from (document("a", problem=f"{n}?", source="large.jsonl") for n in range(5))
        time.sleep(0.15)
        yield document("b", source="large.jsonl")
        self.go_on.wait(20)
        yield from (document("c", problem=f"{n}?", source="large.jsonl") for n in range(700))
        self.ended.set()


def hold() -> None:
    """Let threads say what they have to say while the app, whose loop is this one, hears nothing."""
    time.sleep(0.5)


async def test_another_file_while_a_large_one_is_read(work: Path) -> None:
    """What the first reader still finds is not of the second file, which alone says that it is complete."""
    target = Endless("large.jsonl")
    app = StepcheckApp(target, config.load({}), open_judge=fake())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(app.session.entries) == 6, "for the first documents")
        assert not app.session.complete
        app.open_path("right.md")
        target.go_on.set()
        await judged(app, pilot)
        await pilot.pause(0.5)
        assert [entry.item.source for entry in app.session.entries] == ["right.md"]
        assert not target.ended.is_set(), "nobody needs the rest"
    assert work


async def test_what_is_on_its_way_when_another_file_is_opened(work: Path) -> None:
    """Documents that were read before and are heard after are dropped, too; so is a file that was read again."""
    app = StepcheckApp(Target("wrong.md"), config.load({}), open_judge=fake())
    async with app.run_test(size=(100, 30)) as pilot:
        await judged(app, pilot)
        app.read_again(0)
        hold()
        app.open_path("right.md")
        await judged(app, pilot)
        assert [entry.item.source for entry in app.session.entries] == ["right.md"]
    assert work


async def test_the_threshold_of_a_model_that_was_replaced(work: Path) -> None:
    """A model becomes ready, and before that is heard another takes its place: the other's threshold holds."""

    def opened(model: str, on_loading: OnLoading) -> Any:
        judge = Gated(model, threshold={"nano": 0.25, "other": 0.75}[model], on_loading=on_loading)
        judge.gate = gates[model]
        return judge

    gates = {"nano": threading.Event(), "other": threading.Event()}
    app = StepcheckApp(Target("wrong.md"), config.load({}), open_judge=opened)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause(0.2)
        gates["nano"].set()
        hold()
        app.session.use("other")
        await pilot.pause(0.2)
        assert app.session.threshold is None
        gates["other"].set()
        await judged(app, pilot)
        assert app.session.threshold == 0.75
    assert work


async def test_a_defect_while_the_model_is_opened(work: Path) -> None:
    """It stands on the screen instead of `loading`; R tries again, with success once it is mended."""
    openers = [refusing(ZeroDivisionError("boom")), fake()]

    def opened(model: str, on_loading: OnLoading) -> Any:
        return openers.pop(0)(model, on_loading)

    app = StepcheckApp(Target("wrong.md"), config.load({}), open_judge=opened)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.state.phase is Phase.failed, "for the sentence")
        await until(pilot, lambda: "unexpected ZeroDivisionError at fakes.py" in flat(pilot), "for the sentence")
        assert "defect in stepcheck" in flat(pilot)
        await pilot.press("R")
        await judged(app, pilot)
        assert app.session.entries[0].phase is Phase.done
    assert work


async def test_a_defect_while_a_file_is_read(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in the file's place, and the app does not say `reading` for ever."""

    def read(self: Target, _: Callable[[int], None]) -> Iterator[Document | Unread]:
        raise ZeroDivisionError(self.path)

    monkeypatch.setattr(Target, "read", read)
    app = StepcheckApp(Target("solutions.jsonl"), config.load({}), open_judge=fake())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.complete, "for the sentence")
        assert "unexpected ZeroDivisionError" in app.session.entries[0].failure
    assert work


class Word(Said):
    """Words of a job."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


def test_a_dropped_job_is_not_heard() -> None:
    """What it said before, and what it says after, reaches nobody; one that is only asked to stop is heard."""
    posted: list[Said] = []
    heard: list[str] = []

    def work(job: Job) -> None:
        job.say(Word("begun"))
        while not job.cancelled:
            time.sleep(0.001)
        job.say(Word("ended"))

    def run() -> Job:
        def hear(message: Said) -> None:
            heard.append(message.words)  # type: ignore[attr-defined]  # a Word

        return Job(work, posted.append, hear, Word, "test").start()  # type: ignore[arg-type]  # only Words

    stopped, dropped = run(), run()
    while len(posted) < 2:
        time.sleep(0.001)
    stopped.cancel()
    dropped.drop()
    stopped.join(5)
    dropped.join(5)
    for message in posted:
        message.job.deliver(message)
    assert heard == ["begun", "ended"]
