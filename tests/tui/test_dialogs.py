"""Dialogs as pictures, and whether what is typed can be seen: at three sizes, in every theme.

Renew the golden files with `python tests/tui/test_dialogs.py`, and look at what changed.
"""

import asyncio
import io
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.color import Color
from rich.segment import Segment
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

sys.path.insert(0, str(Path(__file__).parents[2]))

from stepcheck import config
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.colours import THEMES
from stepcheck.tui.files.reading import Target
from stepcheck.tui.parts.search import SearchLine
from stepcheck.tui.solution.screen import SolutionScreen
from tests.tui.conftest import COPIED
from tests.tui.driving import GOLDEN, judged, masked, screen_text, write
from tests.tui.fakes import CALCULATING

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = ((60, 20), (80, 24), (120, 40))
DIALOGS = {
    "export": ("wrong.md", ("x",)),
    "write-to": ("wrong.md", ("x", "h")),
    "overwrite": ("wrong.md", ("x", "m", *["backspace"] * 20, "r", "i", "g", "h", "t", "full_stop", "m", "d", "enter")),
    "save-as": ("-", ("d", "ctrl+s")),
    "unsaved": ("wrong.md", ("d", "q")),
    "changed-elsewhere": ("wrong.md", ("d", "touch", "ctrl+s")),
    "difference": ("wrong.md", ("d", "touch", "ctrl+s", "d")),
    "cannot-keep": ("wrong.md", ("g", "e", "enter", "number_sign", "space", "A", "n", "s", "w", "e", "r", "escape")),
    "editor": ("wrong.md", ("e", "x")),
    "search": ("wrong.md", ("slash", "t", "o")),
    "palette": ("wrong.md", ("ctrl+p",)),
    "help": ("wrong.md", ("question_mark",)),
}
TYPING = ("write-to", "save-as", "editor", "search", "palette")


def piped() -> io.BytesIO:
    return io.BytesIO(Path("wrong.md").read_bytes())


def change_elsewhere() -> None:
    path = Path("wrong.md")
    path.write_text(path.read_text(encoding="utf-8").replace("24 + 48 = 82", "24 + 48 = 72"), encoding="utf-8")


@asynccontextmanager
async def dialog(name: str, theme: str = "okabe-ito") -> AsyncIterator[tuple[StepcheckApp, Pilot[None]]]:
    """The app with a dialog open, in a folder of copies."""
    file, keys = DIALOGS[name]
    stream = piped() if file == "-" else None
    app = StepcheckApp(Target(file, stream=stream), config.load({"theme": theme}), open_judge=CALCULATING)
    async with app.run_test(size=SIZES[0]) as pilot:
        await judged(app, pilot)
        for key in keys:
            if key == "touch":
                change_elsewhere()
            else:
                await pilot.press(key)
                await pilot.pause()
        await pilot.pause(0.3)
        yield app, pilot


async def pictures(name: str) -> dict[str, str]:
    """A dialog at each size, as text."""
    found = {}
    async with dialog(name) as (_, pilot):
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause(0.3)
            found[f"{name}-{size[0]}x{size[1]}"] = masked(part(pilot)) + "\n"
    return found


def part(pilot: Pilot[None]) -> str:
    """What is in front: a dialog's box, the editor, or the search line; and the foot line."""
    screen, lines = pilot.app.screen, screen_text(pilot).splitlines()
    if isinstance(screen, SolutionScreen):
        front = screen.side.region if screen.side.has_class("-editing") else screen.query_one(SearchLine).region
    elif isinstance(screen, CommandPalette):
        front = screen.query_one("#--container").region
    else:
        front = screen.children[0].region
    box = (line[front.x : front.right].rstrip() for line in lines[front.y : front.bottom])
    return "\n".join([*box, "", lines[-1]])


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_is_what_it_was(name: str, work: Path) -> None:
    """At each size; where it was changed on purpose, the golden files are renewed and looked at."""
    for picture, text in (await pictures(name)).items():
        assert text == (GOLDEN / "dialogs" / f"{picture}.txt").read_text(encoding="utf-8"), picture
    assert work


def shown(pilot: Pilot[None], words: str) -> list[Segment]:
    """The segments of the screen that show words, character by character."""
    for strip in pilot.app.screen._compositor.render_strips():
        cells = [Segment(character, segment.style) for segment in strip for character in segment.text]
        at = "".join(cell.text for cell in cells).find(words)
        if at >= 0:
            return cells[at : at + len(words)]
    return []


def luminance(colour: Color) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    channels = (value / 255 for value in colour.get_truecolor())
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(cell: Segment) -> float:
    """How a character stands out from its ground, 1 to 21 (WCAG 2.2, contrast ratio)."""
    style = cell.style
    assert style is not None
    assert style.color is not None
    assert style.bgcolor is not None
    dark, light = sorted((luminance(style.color), luminance(style.bgcolor)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", TYPING)
async def test_what_is_typed_can_be_seen(name: str, work: Path) -> None:
    """In every theme and at every width the typed words stand on the screen, and stand out from their ground."""
    themes = sorted({theme.name for theme in THEMES} | {name for name in BUILTIN_THEMES if "ansi" not in name})
    async with dialog(name) as (app, pilot):
        await write(pilot, " seen")
        for theme in themes:
            app.theme = theme
            for size in SIZES if theme in {"okabe-ito", "mono-light"} else SIZES[1:2]:
                await pilot.resize_terminal(*size)
                await pilot.pause(0.05)
                cells = shown(pilot, "seen")
                assert cells, (theme, size, screen_text(pilot))
                assert min(map(contrast, cells)) >= 3, (theme, size)
    assert work


async def renew(name: str) -> None:
    """Write a dialog's golden files anew."""
    for picture, text in (await pictures(name)).items():
        (GOLDEN / "dialogs" / f"{picture}.txt").write_text(text, encoding="utf-8")


def main() -> None:
    """Write all golden files anew."""
    (GOLDEN / "dialogs").mkdir(parents=True, exist_ok=True)
    for name in DIALOGS:
        with tempfile.TemporaryDirectory() as folder:
            for file in COPIED:
                shutil.copy(EXAMPLES / file, folder)
            os.chdir(folder)
            asyncio.run(renew(name))
            os.chdir(EXAMPLES)


if __name__ == "__main__":
    main()
