"""What the screens look like, line by line, at three sizes.

Renew the golden files with `python tests/tui/test_snapshots.py`, and look at what changed.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from stepcheck.tui.judging.opening import OpenJudge
from tests.tui.driving import GOLDEN, judged, masked, opened, screen_text

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = ((60, 20), (80, 24), (200, 50))
SCREENS = {"wrong": ("wrong.md", ()), "candidates": ("candidates.jsonl", ("enter",)), "list": ("solutions.jsonl", ())}


async def shown(screen: str, size: tuple[int, int], judge: OpenJudge | None = None) -> str:
    """A screen as text, with the digits hidden that differ from machine to machine."""
    file, keys = SCREENS[screen]
    async with opened(file, size, judge=judge) as (app, pilot):
        await judged(app, pilot)
        await pilot.pause(0.3)
        await pilot.press(*keys)
        await judged(app, pilot)
        app.session.state.speed = 4321.0  # a busy machine's number may have fewer digits
        app.session.model_changed.publish(app.session.state)
        await pilot.pause(0.5)
        return masked(screen_text(pilot)) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("screen", SCREENS)
async def test_snapshot(screen: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, nano: OpenJudge) -> None:
    """A screen is what it was; where it was changed on purpose, the golden file is renewed and looked at."""
    monkeypatch.chdir(EXAMPLES)
    golden = GOLDEN / f"{screen}-{size[0]}x{size[1]}.txt"
    text = await shown(screen, size, nano)
    assert text == golden.read_text(encoding="utf-8")
    assert len(text.splitlines()) == size[1]


def renew() -> None:
    """Write the golden files anew."""
    os.chdir(EXAMPLES)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for screen in SCREENS:
        for size in SIZES:
            text = asyncio.run(shown(screen, size))
            (GOLDEN / f"{screen}-{size[0]}x{size[1]}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    renew()
