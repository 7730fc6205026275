"""Pulling in the app from a real server on loopback: offer, question, bytes, stopping, going on, using the model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stepcheck import config
from stepcheck.cli.app_pulling import HubPuller
from stepcheck.prm.card import render_card
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.reading import Target
from stepcheck.tui.judging.opening import OpenJudge
from stepcheck.tui.models.rows import ModelList
from stepcheck.tui.models.screen import ModelsScreen
from stepcheck.tui.parts.ask import AskScreen
from tests import checkpoints
from tests.hubserver import HubServer, standing_in
from tests.test_pull import SPEC, card
from tests.tui.driving import flat, judged, until
from tests.tui.fakes import CALCULATING

PULLED = "Random-PRM-q4_k_m"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.write(tmp_path_factory.mktemp("served") / "random", SPEC)


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that this process takes for the hub."""
    with standing_in(monkeypatch, checkpoint) as running:
        yield running


@pytest.fixture
def folder(work: Path) -> Path:
    """A models folder with the served model's card in it."""
    (work / "models").mkdir()
    (work / "models" / "Random-PRM.toml").write_text(render_card(card()), encoding="utf-8")
    return work / "models"


def app_on(folder: Path, *, offline: bool = False, judge: OpenJudge | None = CALCULATING) -> StepcheckApp:
    settings = config.load({"models_dir": str(folder), "offline": offline})
    return StepcheckApp(Target("wrong.md"), settings, puller=HubPuller(settings), open_judge=judge)


async def ask(app: StepcheckApp, pilot: Pilot[None]) -> None:
    """Open the models and press Enter on the served one."""
    await judged(app, pilot)
    if not isinstance(app.screen, ModelsScreen):
        await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, ModelsScreen) and bool(app.screen.query_one(ModelList).models))
    listed = app.screen.query_one(ModelList)
    listed.cursor = [model.name for model in listed.models].index("Random-PRM")
    await pilot.press("enter")


async def take(app: StepcheckApp, pilot: Pilot[None]) -> None:
    """Ask, and say yes to the offer."""
    await ask(app, pilot)
    await until(pilot, lambda: isinstance(app.screen, AskScreen), "for the question")
    await pilot.press("y")


def begun(folder: Path) -> int:
    """Bytes of shards that lie in the staging folder."""
    staging = folder / f".pulling-{PULLED}"
    return sum(path.stat().st_size for path in staging.rglob("model-*") if path.is_file())


async def test_a_pulled_model_is_used(server: HubServer, folder: Path) -> None:
    """Licence, commit and bytes are said before any comes; then the model is here, under the cursor, and judges."""
    app = app_on(folder, judge=None)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await ask(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, AskScreen), "for the question")
        asked = flat(pilot)
        for words in (f"Pull {PULLED}?", "some/random at commit 0123456789ab", "licence apache-2.0", "free"):
            assert words in asked
        assert server.requests == []
        await pilot.press("y")
        await until(pilot, lambda: not app.downloads.under_way, "for the model")
        assert "is here, verified" in flat(pilot)
        listed = app.screen.query_one(ModelList)
        assert listed.models[listed.cursor].name == PULLED
        assert listed.models[listed.cursor].ready
        await pilot.press("enter")
        await until(pilot, lambda: app.session.state.name is not None and app.session.state.name.name == PULLED)
        await judged(app, pilot)
        assert all(entry.review is not None for entry in app.session.entries)


async def test_a_stopped_pull_goes_on(server: HubServer, folder: Path) -> None:
    """The key c in the midst of the bytes stops and keeps them; the next pull fetches only what is missing."""
    server.rate = 300_000
    app = app_on(folder)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await take(app, pilot)
        await until(pilot, lambda: begun(folder) > 50_000 and "█" in flat(pilot) and " of " in flat(pilot))
        await pilot.press("c")
        await until(pilot, lambda: not app.downloads.under_way, "for the end")
        assert "the next pull goes on from there" in flat(pilot)
        kept = begun(folder)
        assert kept > 50_000
        assert not (folder / f"{PULLED}.toml").exists()
        server.rate, before = None, len(server.requests)
        await take(app, pilot)
        await until(pilot, lambda: not app.downloads.under_way, "for the model")
        assert (folder / f"{PULLED}.toml").exists()
        later = server.requests[before:]
        assert not {request.path for request in later} & {"config.json", "tokenizer.json"}
        starts = [int(str(request.range).removeprefix("bytes=").split("-")[0]) for request in later if request.range]
        assert kept in starts


async def test_a_pull_is_declined(server: HubServer, folder: Path) -> None:
    """Escape at the question: no byte, and the next pull asks anew."""
    app = app_on(folder)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        for _ in range(2):
            await ask(app, pilot)
            await until(pilot, lambda: isinstance(app.screen, AskScreen), "for the question")
            await pilot.press("escape")
            await until(pilot, lambda: not app.downloads.under_way)
    assert server.requests == []


async def test_offline_is_obeyed(server: HubServer, folder: Path) -> None:
    """With `offline` nothing is asked of the hub, and the reason is said."""
    app = app_on(folder, offline=True)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await ask(app, pilot)
        await until(pilot, lambda: "told to stay offline" in flat(pilot))
        assert not app.downloads.under_way
    assert (server.metadata, server.requests) == (0, [])


async def test_a_model_that_is_here_is_not_fetched_again(server: HubServer, folder: Path) -> None:
    """Asked for once more, the app says under which name it is here."""
    app = app_on(folder)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await take(app, pilot)
        await until(pilot, lambda: not app.downloads.under_way, "for the model")
        sent = server.sent
        await ask(app, pilot)
        await until(pilot, lambda: f"{PULLED} is here already" in flat(pilot))
    assert server.sent == sent
