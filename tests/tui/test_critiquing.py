"""Asking a critic in the app: words beside the step as they come, stopped and cut streams, errors as sentences."""

import threading
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stepcheck import config
from stepcheck.cli.judging import AskedCritic, open_asked
from stepcheck.cli.main import main
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.reading import Target
from stepcheck.tui.parts.facts import Facts
from stepcheck.tui.solution.critique.pane import CritiquePane
from stepcheck.tui.solution.screen import SolutionScreen
from tests.chatserver import Act, Handler, answers, delta, says, serving
from tests.test_critic import write_language_model
from tests.tui.driving import flat, judged, until
from tests.tui.fakes import fake


def app_with(critic: str, path: str = "wrong.md") -> StepcheckApp:
    """The app on a wrong solution, with a critic as the command line opens it."""
    settings = config.load({})
    opener = partial(open_asked, AskedCritic(critic, "", 1), settings)
    return StepcheckApp(Target(path), settings, critic=opener, open_judge=fake())


async def ask(app: StepcheckApp, pilot: Pilot[None]) -> None:
    """Wait for the verdict, which puts the cursor on step 2, and ask."""
    await judged(app, pilot)
    await pilot.press("c")


def ended(app: StepcheckApp) -> bool:
    return app.critiques.current is not None and not app.critiques.current.running


def holding(*words: str, go_on: threading.Event) -> Act:
    """Stream words, and then be silent until told to go on; then hang up, in the midst of the stream."""

    def act(handler: Handler) -> None:
        handler.begin_stream()
        for word in words:
            handler.send_event(delta(word))
        go_on.wait(20)
        handler.hang_up()

    return act


async def test_words_come_beside_the_step(work: Path) -> None:
    """Step 2 is asked about; the words stand there as text: formulas readable, no markup, no escape sequences."""
    words = ("24 + 48 is [bold]72[/bold],", " not 82: $\\frac{1}{2} \\cdot", " 144$.\x1b[31m\x1b]0;owned\x07")
    with serving(says(*words)) as server:
        app = app_with(server.address)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: ended(app), "for the critic")
            shown = flat(pilot)
            assert "a-model on step 2 24 + 48 is [bold]72[/bold], not 82: 1/2" in shown
            assert "\x1b" not in shown
            assert "Esc closes" in shown
            await pilot.press("escape")
            assert app.critiques.current is None
            assert not app.screen.query_one(CritiquePane).display
    (body,) = server.asked
    assert "doubts step 2" in body["messages"][0]["content"]
    assert work


async def test_words_are_seen_before_the_end_and_stopped(work: Path) -> None:
    """The first words are on the screen while the critic is silent; Escape hangs up and keeps them; c asks anew."""
    go_on = threading.Event()
    with serving(holding("It should", " be 72", go_on=go_on), says("Seventy-two.")) as server:
        app = app_with(server.address)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: "It should be 72" in flat(pilot), "for words")
            assert "Esc stops it" in flat(pilot)
            await pilot.press("escape")
            assert ended(app)
            assert "It should be 72 stopped" in flat(pilot)
            assert isinstance(app.screen, SolutionScreen)
            go_on.set()
            await pilot.press("c")
            await until(pilot, lambda: ended(app), "for the second answer")
            assert "Seventy-two." in flat(pilot)
            assert "It should" not in flat(pilot)
    assert work


async def test_a_cut_stream_is_said(work: Path) -> None:
    """The words so far stay, and under them stands that the answer broke off; the next question is answered."""
    go_on = threading.Event()
    go_on.set()
    with serving(holding("It should be", go_on=go_on), says("Seventy-two.")) as server:
        app = app_with(server.address)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: ended(app), "for the critic")
            shown = flat(pilot)
            assert "It should be" in shown
            assert "✗ http://127.0.0.1" in shown
            await pilot.press("c")
            await until(pilot, lambda: ended(app) and "Seventy-two." in flat(pilot), "for the second answer")
    assert work


async def test_a_refused_question_is_a_sentence(work: Path) -> None:
    """What the server said of it, as text."""
    with serving(answers(401, {"error": {"message": "wrong [key]"}})) as server:
        app = app_with(server.address)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: ended(app), "for the critic")
            assert "401 Unauthorized: wrong [key]" in flat(pilot)
    assert work


async def test_an_open_critic_is_asked_again_without_opening(work: Path) -> None:
    """Two steps, one look-up of the server's model; the words are those on the second step."""
    with serving(says("One."), says("Two.")) as server:
        app = app_with(server.address)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: ended(app) and "One." in flat(pilot))
            await pilot.press("j", "c")
            await until(pilot, lambda: ended(app) and "a-model on step 3 Two." in flat(pilot))
    assert server.paths.count("/v1/models") == 1
    assert work


async def test_without_a_critic_it_is_said_how_to_name_one(work: Path) -> None:
    """No pane opens; one sentence."""
    app = StepcheckApp(Target("wrong.md"), config.load({}), open_judge=fake())
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await ask(app, pilot)
        await until(pilot, lambda: "no critic is named: start with --critic" in flat(pilot))
        assert app.critiques.current is None
    assert work


async def test_a_critic_elsewhere_is_not_asked_offline(work: Path) -> None:
    """With `offline`, an address on another machine is refused beside the step."""
    settings = config.load({"offline": True})
    opener = partial(open_asked, AskedCritic("http://192.0.2.1/v1", "", 1), settings)
    app = StepcheckApp(Target("wrong.md"), settings, critic=opener, open_judge=fake())
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await ask(app, pilot)
        await until(pilot, lambda: ended(app))
        assert "is on another machine" in flat(pilot)
    assert work


def test_a_critics_model_without_a_critic_is_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, before any screen."""
    assert main(["tui", "wrong.md", "--critic-model", "m"]) == 2
    assert "give one with --critic" in capsys.readouterr().err
    assert work


async def test_an_edited_step_is_not_the_one_that_was_judged(work: Path) -> None:
    """After a change the words stay, marked as being on the step as it was."""
    with serving(says("No.")) as server:
        app = app_with(server.address)
        async with app.run_test(size=(60, 20), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: ended(app) and "a-model on step 2 No." in flat(pilot))
            await pilot.press("d")
            await until(pilot, lambda: "a-model on step 2 as it was" in flat(pilot))
    assert work


def help_text(app: StepcheckApp) -> str:
    return " ".join(app.screen.query_one(Facts).render().plain.split())


def lines(first: int, last: int) -> list[str]:
    return [f"line {number}\n\n" for number in range(first, last)]


async def test_the_pane_follows_the_words(work: Path) -> None:
    """The last words are seen as they come, unless somebody scrolled up to read, with a key that ? names."""
    go_on = threading.Event()

    def act(handler: Handler) -> None:
        handler.begin_stream()
        for word in lines(0, 60):
            handler.send_event(delta(word))
        go_on.wait(20)
        for word in lines(60, 120):
            handler.send_event(delta(word))
        handler.hang_up()

    with serving(act) as server:
        app = app_with(server.address)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await ask(app, pilot)
            await until(pilot, lambda: "line 59" in flat(pilot), "for the last line so far")
            await pilot.press("ctrl+u", "ctrl+u")
            assert "line 59" not in flat(pilot)
            await pilot.press("ctrl+d", "ctrl+d", "ctrl+d")
            assert "line 59" in flat(pilot)
            go_on.set()
            await until(pilot, lambda: "line 119" in flat(pilot), "for the very last line")
            await pilot.press("ctrl+u")
            assert "line 119" not in flat(pilot)
            await pilot.press("question_mark")
            await pilot.pause()
            assert "Ctrl-d scroll the step's text, or the critic's" in help_text(app)
    assert work


async def test_a_model_in_process_is_asked(work: Path) -> None:
    """A GGUF file, random: it is loaded, writes, and Escape ends it in the midst of its words."""
    folder = work / "critic"
    folder.mkdir()
    talkative = write_language_model(folder, layers=24, hidden=256, context=8192)  # a small one is at its end too soon
    app = app_with(str(talkative))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await ask(app, pilot)
        await until(pilot, lambda: app.critiques.current is not None and bool(app.critiques.current.words), "for words")
        assert not ended(app)
        await pilot.press("escape")
        await until(pilot, lambda: ended(app), "for its end")
        assert "stopped (Esc closes)" in flat(pilot)  # the pane follows the words: its title may be out of sight
        assert app.screen.query_one(CritiquePane).title.endswith("author on step 2")
