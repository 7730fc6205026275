"""The README's examples are run, and what it says they print is what they print, but for the digits of rewards."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = "".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
)
COMMANDS = sorted(set(re.findall(r"```console\n\$ (stepcheck [^\n]*)\n(.*?)```", PAGES, re.DOTALL)))
PLAIN = [line.partition("#")[0].split() for line in re.findall(r"^    (stepcheck [^\n]*)$", README, re.MULTILINE)]
PROGRAM = re.compile(r"```python\n(.*?)```\n+```text\n(.*?)```", re.DOTALL)
PROGRAMS = PROGRAM.findall(README)


def masked(text: str) -> str:
    """Hide digits after a decimal point: rewards and seconds differ a little from machine to machine."""
    return re.sub(r"\d+\.\d+", "#.#", "\n".join(line.rstrip() for line in text.strip().splitlines()))


BELOW = 3
"""The exit code of `--fail-under`, where a reward is lower."""


def output(*arguments: str, runs: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"STEPCHECK_RUNS": str(runs)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return done.stdout


def test_the_readme_shows_both_ways() -> None:
    """There is a command with its output, and a program with its."""
    assert COMMANDS
    assert PROGRAMS


@pytest.mark.parametrize(("command", "shown"), COMMANDS)
def test_commands(command: str, shown: str, tmp_path: Path) -> None:
    """A command of the README prints what the README shows; shares of a few candidates are the same everywhere."""
    found = output("-m", *command.split(), runs=tmp_path)
    assert masked(found) == masked(shown)
    if " bon " in command:
        assert found == shown


@pytest.mark.parametrize(("program", "shown"), PROGRAMS)
def test_programs(program: str, shown: str, tmp_path: Path) -> None:
    """A program of the README prints what the README shows."""
    assert masked(output("-c", program, runs=tmp_path)) == masked(shown)


def test_every_command_of_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    """From top to bottom in a clone, without a network: each ends well; the app opens, which other tests see."""
    assert len(PLAIN) > 8
    for command in PLAIN:
        if command[1] == "tui":
            assert (ROOT / command[2]).exists()
            continue
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=os.environ | {"STEPCHECK_RUNS": str(tmp_path), "STEPCHECK_OFFLINE": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        assert done.returncode == (BELOW if "--fail-under" in command else 0), f"{' '.join(command)}: {done.stderr}"
        assert done.stdout or done.stderr  # what a pull would take is talk
