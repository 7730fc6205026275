"""Draw the screenshots of the README: `python docs/screenshots.py` writes docs/*.svg.

The app runs with the built-in model and is driven by keys; what is drawn is what it showed. The pictures need nothing
else: the addresses of fonts that Textual writes into them are taken out.
"""

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from textual.pilot import Pilot

from stepcheck import config
from stepcheck.bench.runs.store import Run
from stepcheck.cli.main import main as stepcheck
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.reading import Target
from stepcheck.tui.runs import RunBrowser

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "examples"
HEALING = ("e", *["left"] * len("$ tickets."), "backspace", "backspace", "7", "2", "wait")
SHOTS: dict[str, tuple[str, tuple[int, int], Sequence[str], str]] = {
    "wrong": ("wrong.md", (100, 30), (), "okabe-ito"),
    "why": ("wrong.md", (120, 30), ("v", "V"), "okabe-ito"),
    "healed": ("wrong.md", (100, 30), HEALING, "okabe-ito"),
    "best-of-n": ("candidates.jsonl", (140, 34), ("enter",), "okabe-ito"),
    "list": ("solutions.jsonl", (100, 24), ("s",), "okabe-ito"),
    "narrow": ("wrong.md", (60, 20), (), "okabe-ito"),
    "light": ("wrong.md", (100, 30), (), "okabe-ito-light"),
    "no-color": ("wrong.md", (80, 24), (), "mono"),
}
_ADDRESSES = re.compile(r"@font-face\s*\{[^}]*\}|<!--.*?-->", re.DOTALL)


async def shoot(name: str) -> str:
    """Open the app, press the keys, and return the picture."""
    file, size, keys, theme = SHOTS[name]
    with _environment(NO_COLOR="1" if name == "no-color" else None):
        app = StepcheckApp(Target(file), config.load({"theme": theme}))
    async with app.run_test(size=size) as pilot:
        await _settled(app, pilot)
        for key in keys:
            await (_settled(app, pilot) if key == "wait" else pilot.press(key))
        await _settled(app, pilot)
        return _ADDRESSES.sub("", app.export_screenshot(title=f"stepcheck tui {file}"))


async def shoot_run() -> str:
    """Judge the labelled solutions as a bench does, and return the picture of the run's list."""
    stepcheck(["bench", "processbench", "--data", "labelled.jsonl", "--run", "labelled", "--runs-dir", "runs"])
    with Run(Path("runs") / "labelled") as run:
        app = RunBrowser(run)
        async with app.run_test(size=(100, 24)) as pilot:
            await pilot.pause(0.4)
            return _ADDRESSES.sub("", app.export_screenshot(title="stepcheck runs view labelled"))


async def _settled(app: StepcheckApp, pilot: Pilot[None]) -> None:
    """Wait until nothing is under way any more."""
    await pilot.pause(0.6)
    while not app.session.complete or any(entry.phase.busy for entry in app.session.entries):
        await pilot.pause(0.05)
    await pilot.pause(0.4)


@contextlib.contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in values}
    os.environ.update({name: value for name, value in values.items() if value is not None})
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def main() -> None:
    """Write every picture."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for file in EXAMPLES.iterdir():
            shutil.copy(file, folder)
        for name in SHOTS:
            (DOCS / f"{name}.svg").write_text(asyncio.run(shoot(name)), encoding="utf-8")
            print(f"docs/{name}.svg")
        (DOCS / "run.svg").write_text(asyncio.run(shoot_run()), encoding="utf-8")
        print("docs/run.svg")


if __name__ == "__main__":
    main()
