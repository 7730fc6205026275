"""Brackets are shown and not obeyed; huge files do not freeze the screen."""

import random
from pathlib import Path

import pytest

from stepcheck.tui.judging.view import Phase
from stepcheck.tui.solution.detail import Detail
from tests.tui.driving import flat, judged, opened, screen_text, solution, until, view
from tests.tui.fakes import Choosy, fake

PIECES = [
    "[",
    "]",
    "[/",
    "[red]",
    "[/red]",
    "[@click=app.bell]",
    "[link=file:///x]",
    "[bold",
    "\\[",
    "[[",
    "]]",
    "[0, 1]",
]
PIECES += [
    "f(",
    ")",
    "x",
    "= 3",
    "{",
    "}",
    "[/]",
    "[$primary]",
    "[on red]",
    ":smile:",
    "[b]",
    "[not a tag]",
    "'",
    '"',
    "[1",
    "#",
]


def bracketed(count: int) -> list[str]:
    """Strings that markup would eat, change or stumble over; each different, each one line and one step."""
    rng = random.Random(0)
    return [f"{i} {' '.join(rng.choice(PIECES) for _ in range(rng.randint(2, 5)))} z" for i in range(count)]


@pytest.mark.timeout(600)
async def test_two_thousand_bracket_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 strings as steps: no MarkupError, each stands on the screen as it is in the file, no action runs."""
    texts = bracketed(2_000)
    (tmp_path / "brackets.md").write_text("Problem " + texts[0] + "\n\n" + "\n\n".join(f"So {text}" for text in texts))
    monkeypatch.chdir(tmp_path)
    bells: list[int] = []
    async with opened("brackets.md", (200, 50)) as (app, pilot):
        monkeypatch.setattr(app, "bell", lambda: bells.append(1))
        await judged(app, pilot)
        await pilot.press("r")  # as written: `\\[` is LaTeX's, and would be shown without its backslash
        rows, seen = solution(app).rows, 0
        while True:
            shown = screen_text(pilot)
            for index in rows.visible_rows:
                assert f"So {texts[index]}" in shown
                seen += 1
            if rows.cursor == len(texts) - 1:
                break
            await pilot.press("pagedown")
        assert seen >= len(texts)
        assert not bells
        assert f"Problem {texts[0]}" in shown
        print(f"{len(texts)} bracket strings: all shown as they are, 0 actions")


async def test_five_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 5 MB file: there is a screen at once, then all its steps; keys work; that it is too long is said."""
    (tmp_path / "huge.md").write_text(
        "P\n\n" + ("So $a$ is 3 and the rest is as it was before. " * 4 + "\n\n") * 26_000
    )
    monkeypatch.chdir(tmp_path)
    async with opened("huge.md", judge=fake(Choosy)) as (app, pilot):
        assert "reading" in screen_text(pilot)
        await until(pilot, lambda: app.session.complete, "for 5 MB")
        assert len(view(app).document.steps) == 26_000
        await pilot.press("G")
        assert "26000" in screen_text(pilot)
        await pilot.press("k", "g", "j", "pagedown")
        await until(pilot, lambda: app.session.entries[0].phase is Phase.failed, "for the refusal")
        assert "Not scored" in screen_text(pilot)


async def test_one_step_of_five_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single step of 5 MB is shown from its beginning, and that there is more is said."""
    (tmp_path / "huge.md").write_text("P\n\n" + "So $a$ is 3 and the rest is as it was. " * 130_000)
    monkeypatch.chdir(tmp_path)
    async with opened("huge.md") as (app, pilot):
        await until(pilot, lambda: app.session.complete, "for 5 MB")
        await until(pilot, lambda: "So a is 3" in screen_text(pilot), "for the step")
        detail = app.screen.query_one(Detail)

        def at_the_end() -> bool:
            detail.scroll_to(y=detail.virtual_size.height, animate=False)
            return "more characters, not shown here" in flat(pilot)

        await until(pilot, at_the_end, "for its end")
