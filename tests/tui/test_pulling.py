"""Pulling inside the app: asked before the first byte, progress shown, stopped by a key, errors are sentences."""

import threading
from collections.abc import Callable
from pathlib import Path

from stepcheck import config
from stepcheck.errors import CancelledError, ModelError
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.reading import Target
from stepcheck.tui.models.pulling import Offered
from stepcheck.tui.models.rows import ModelList
from stepcheck.tui.models.screen import ModelsScreen
from stepcheck.tui.parts.ask import AskScreen
from tests.tui.driving import flat, judged, until
from tests.tui.fakes import fake


class FakePuller:
    """Fetches nothing; tells half of it and waits until it may end."""

    def __init__(self, error: str = "") -> None:
        self.asked: list[str] = []
        self.pulled: list[str] = []
        self.go_on, self.stopped, self.error = threading.Event(), threading.Event(), error

    def offer(self, card: str, said: Callable[[str], None]) -> Offered:
        self.asked.append(card)
        said("the hub does not answer; again in 2 s")
        if self.error:
            self.go_on.wait(20)
            raise ModelError(self.error)
        return Offered(f"{card}-q4_k_m", "15 GB to fetch, 5 GB on the disk [licence: other]")

    def pull(self, offered: Offered, moved: Callable[[float, str], None]) -> None:
        self.pulled.append(offered.name)
        moved(0.5, "model-00001")
        while not self.go_on.wait(0.02):
            if self.stopped.is_set():
                raise CancelledError("stopped")

    def cancel(self) -> None:
        self.stopped.set()


async def run(puller: FakePuller, answer: str, then: Callable[[], None], words: str) -> None:
    """Ask for a model that is not here, answer the question, let something happen, and wait for words."""
    app = StepcheckApp(Target("wrong.md"), config.load({}), puller=puller, open_judge=fake())
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await judged(app, pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        listed = app.screen.query_one(ModelList)
        listed.cursor = [model.name for model in listed.models].index("Qwen2.5-Math-7B-PRM800K")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "15 GB to fetch, 5 GB on the disk [licence: other]" in flat(pilot)
        assert not puller.pulled
        await pilot.press(answer)
        if answer == "y":
            await until(pilot, lambda: "50%" in flat(pilot) and "model-00001" in flat(pilot))
            then()
            if not puller.go_on.is_set():
                await pilot.press("c")
        await until(pilot, lambda: not app.downloads.under_way)
        assert isinstance(app.screen, ModelsScreen)
        assert words in flat(pilot)


async def test_a_pull(work: Path) -> None:
    """Offer, yes, progress, done: said, and the list is read anew."""
    puller = FakePuller()
    await run(puller, "y", puller.go_on.set, "is here, verified")
    assert puller.asked == ["Qwen2.5-Math-7B-PRM800K"]
    assert puller.pulled == ["Qwen2.5-Math-7B-PRM800K-q4_k_m"]
    assert work


async def test_a_pull_is_stopped(work: Path) -> None:
    """The key c stops it, and it is said that the next one goes on."""
    await run(FakePuller(), "y", lambda: None, "the next pull goes on from there")
    assert work


async def test_a_pull_is_declined(work: Path) -> None:
    """Escape at the question: nothing is fetched."""
    puller = FakePuller()
    await run(puller, "escape", lambda: None, "models")
    assert not puller.pulled
    assert work


async def test_a_pull_that_fails(work: Path) -> None:
    """The error is a sentence, not markup, and stays on the screen where the pull was asked for; waits are shown."""
    puller = FakePuller("no such [repository]")
    app = StepcheckApp(Target("wrong.md"), config.load({}), puller=puller, open_judge=fake())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await judged(app, pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        app.screen.point_at("Qwen2.5-Math-7B-PRM800K")  # type: ignore[attr-defined]  # the screen of the models
        await pilot.press("enter")
        await until(pilot, lambda: "the hub does not answer; again in 2 s" in flat(pilot), "for the retry")
        puller.go_on.set()
        await until(pilot, lambda: "✗ no such [repository]" in flat(pilot), "for the error")
        assert not app._notifications
        assert app.screen.query_one(ModelList).size.height >= 4, "there is room for the models beside it"
        await pilot.press("j", "k", "escape", "m")
        assert "✗ no such [repository]" in flat(pilot)
        puller.error = ""
        app.screen.point_at("Qwen2.5-Math-7B-PRM800K")  # type: ignore[attr-defined]  # as above
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "no such" not in flat(pilot)
        await pilot.press("escape")
    assert work


async def test_a_pull_that_fails_while_nobody_looks(work: Path) -> None:
    """Whoever left the screen is told in passing."""
    puller = FakePuller("no such [repository]")
    app = StepcheckApp(Target("wrong.md"), config.load({}), puller=puller, open_judge=fake())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await judged(app, pilot)
        app.downloads.pull("Qwen2.5-Math-7B-PRM800K")
        puller.go_on.set()
        await until(pilot, lambda: "no such [repository]" in flat(pilot), "for the error")
    assert work
