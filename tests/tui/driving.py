"""Driving the app in tests: open it, wait for what is awaited, read the screen.

What judges is a fake that calculates, unless a test asks for the real built-in model.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from textual.pilot import Pilot

from stepcheck import config
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.documents.rows import DocumentList
from stepcheck.tui.documents.screen import DocumentsScreen
from stepcheck.tui.files.reading import Target
from stepcheck.tui.judging.opening import OpenJudge
from stepcheck.tui.judging.view import View
from stepcheck.tui.solution.screen import SolutionScreen
from tests.tui.fakes import CALCULATING

PATIENCE_SECONDS = 30.0
GOLDEN = Path(__file__).parent.parent / "golden" / "tui"


@contextlib.asynccontextmanager
async def opened(
    path: str, size: tuple[int, int] = (100, 30), *, judge: OpenJudge | None = CALCULATING, **settings: object
) -> AsyncIterator[tuple[StepcheckApp, Pilot[None]]]:
    """The app on a file, with its model loading; without a `judge` it is the built-in model."""
    app = StepcheckApp(Target(path), config.load(settings), editor=("true",), open_judge=judge)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield app, pilot


async def until(pilot: Pilot[None], holds: Callable[[], bool], what: str = "") -> None:
    """Wait until something holds; fail when it does not come true."""
    for _ in range(int(PATIENCE_SECONDS / 0.05)):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise AssertionError(f"waited in vain {what}: the screen is\n{screen_text(pilot)}")


async def judged(app: StepcheckApp, pilot: Pilot[None]) -> None:
    """Wait until everything that is open is judged."""
    await until(pilot, lambda: bool(app.session.complete) and not busy(app), "for verdicts")
    if isinstance(app.screen, DocumentsScreen):
        await until(pilot, lambda: app.screen.query_one(DocumentList).count > 0, "for rows")


def busy(app: StepcheckApp) -> bool:
    return any(entry.phase.busy for entry in app.session.entries)


def editing(app: StepcheckApp) -> bool:
    """Whether a step is being edited, and nothing lies over it."""
    return isinstance(app.screen, SolutionScreen) and app.screen.editing.step is not None


async def write(pilot: Pilot[None], text: str) -> None:
    """Type characters."""
    names = {" ": "space", "\n": "enter", ".": "full_stop", "=": "equals_sign", "/": "slash", "$": "dollar_sign"}
    await pilot.press(*(names.get(character, character) for character in text))


def screen_text(pilot: Pilot[None]) -> str:
    """What stands on the screen, line by line."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


def flat(pilot: Pilot[None]) -> str:
    """The words on the screen, wherever lines end and boxes begin."""
    return " ".join(re.sub(r"[│▏▌▎┃╭╮╰╯─]", " ", screen_text(pilot)).split())


def solution(app: StepcheckApp) -> SolutionScreen:
    """The screen of a solution, which must be open."""
    assert isinstance(app.screen, SolutionScreen)
    return app.screen


def view(app: StepcheckApp) -> View:
    """What is seen of the open solution."""
    found = solution(app).view
    assert found is not None
    return found


def masked(text: str) -> str:
    """Hide speeds, digits of rewards and heights of ticks, which differ a little between machines; keep widths."""
    text = re.sub("[▁▂▃▄▅▆▇]", "▇", text)
    text = re.sub(r"[\d,]+ tok/s", lambda found: "#" * len(found[0]), text)
    text = re.sub(r"(?<=[01]\.)\d{3}\b", "###", text)
    product = r" *product (?:0\.\d+|\d(?:\.\d+)?e-\d\d)"
    return re.sub(product, lambda found: "product ########".rjust(len(found[0])), text)
