"""Saving where somebody else was quicker: overwrite, another file, the difference, the file again; nothing is lost."""

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stepcheck.document import Document, Step
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.files.difference import MOST_CHARACTERS, difference
from tests.tui.driving import editing, flat, judged, opened, screen_text, until, view


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def permit(folder: Path, mode: int) -> None:
    folder.chmod(mode)


async def clash(app: StepcheckApp, pilot: Pilot[None], path: Path) -> str:
    """Delete a step here, let somebody add one there, and press Ctrl-S; return the text here."""
    await judged(app, pilot)
    await pilot.press("d")
    append(path, "\n5. More.\n")
    await pilot.press("ctrl+s")
    await until(pilot, lambda: "was changed elsewhere" in flat(pilot), "for the question")
    document = app.session.document(0)
    assert document is not None
    return document.text or ""


async def test_overwrite(work: Path) -> None:
    """The file holds what is here, and the next Ctrl-S is an ordinary one."""
    path = work / "right.md"
    async with opened("right.md") as (app, pilot):
        here = await clash(app, pilot, path)
        assert "5. More." in path.read_text()
        await pilot.press("o")
        await until(pilot, lambda: "● changed" not in screen_text(pilot))
        assert path.read_text() == here
        await pilot.press("u", "ctrl+s")
        await until(pilot, lambda: path.read_text() != here and "● changed" not in screen_text(pilot))


async def test_save_as(work: Path) -> None:
    """What is here goes to a free name near the old one, and Ctrl-S from now on; what is there stays."""
    path = work / "right.md"
    async with opened("right.md") as (app, pilot):
        here = await clash(app, pilot, path)
        there = path.read_text()
        await pilot.press("a")
        await until(pilot, lambda: "right-2.md" in screen_text(pilot), "for the name")
        await pilot.press("enter")
        await until(pilot, lambda: "right-2.md" in screen_text(pilot).splitlines()[0])
        assert (work / "right-2.md").read_text() == here
        assert path.read_text() == there
        await pilot.press("u", "ctrl+s")
        await until(pilot, lambda: (work / "right-2.md").read_text() != here)
        assert path.read_text() == there


async def test_see_the_difference(work: Path) -> None:
    """What is there and what is here, line by line; then the question again, and Escape changes nothing."""
    path = work / "right.md"
    async with opened("right.md", (100, 40)) as (app, pilot):
        here = await clash(app, pilot, path)
        there = path.read_text()
        await pilot.press("d")
        await until(pilot, lambda: "- 5. More." in flat(pilot), "for the difference")
        await pilot.press("escape")
        await until(pilot, lambda: "was changed elsewhere" in flat(pilot), "for the question")
        await pilot.press("escape")
        await until(pilot, lambda: "● changed" in screen_text(pilot))
        assert (path.read_text(), view(app).document.text) == (there, here)


async def test_read_the_file_again(work: Path) -> None:
    """What is there stands here; what was here is one undo away, and unsaved."""
    path = work / "right.md"
    async with opened("right.md") as (app, pilot):
        here = await clash(app, pilot, path)
        await pilot.press("r")
        await until(pilot, lambda: view(app).document.steps[-1].text == "More.")
        assert "● changed" not in screen_text(pilot)
        await pilot.press("u")
        assert view(app).document.text == here
        await until(pilot, lambda: "● changed" in screen_text(pilot))


@pytest.mark.parametrize("way", ["ctrl+c", "another file"])
async def test_leaving_while_typing(work: Path, way: str) -> None:
    """What is being typed is a change as any other: asked about before the app ends, or another file is opened."""
    async with opened("right.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("e", "full_stop")
        if way == "ctrl+c":
            await pilot.press("ctrl+c")
            await until(pilot, lambda: "has unsaved changes" in flat(pilot), "for the question")
            await pilot.press("s")
            await until(pilot, lambda: app.return_code == 0)
            assert ".." in (work / "right.md").read_text()
        else:
            app.open_path("wrong.md")
            await until(pilot, lambda: "there are unsaved changes" in flat(pilot))
            assert view(app).document.source == "right.md"
            assert view(app).document.steps[0].text.endswith("..")


async def test_leaving_while_what_is_typed_cannot_be_kept(work: Path) -> None:
    """It is asked about before the app ends."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("g", "e", "enter", "number_sign", "space", *"Answer", "ctrl+c")
        await until(pilot, lambda: "This cannot be kept" in flat(pilot), "for the question")
        assert app.return_code is None
        await pilot.press("d", "ctrl+c")
        await until(pilot, lambda: app.return_code == 0)
    assert work


async def test_a_question_is_asked_once(work: Path) -> None:
    """Ctrl-C pressed again and again puts one question on the screen, which one Escape leaves."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("d", "ctrl+c", "ctrl+c", "ctrl+c")
        await until(pilot, lambda: "has unsaved changes" in flat(pilot), "for the question")
        await pilot.press("escape")
        await until(pilot, lambda: "has unsaved changes" not in flat(pilot))
        await pilot.press("g", "e", "enter", "number_sign", "space", *"Answer", "ctrl+c", "ctrl+c", "ctrl+c")
        await until(pilot, lambda: "This cannot be kept" in flat(pilot), "for the question")
        await pilot.press("escape")
        await until(pilot, lambda: editing(app))
        await pilot.press("escape", "d", "q")
        await until(pilot, lambda: "has unsaved changes" in flat(pilot), "for the question")
        await pilot.press("d")
        await until(pilot, lambda: app.return_code == 0)
    assert work


async def test_a_row_that_was_changed_elsewhere(work: Path) -> None:
    """Overwriting puts this solution into its row as the file is now; the other rows are as somebody else left them."""
    path = work / "solutions.jsonl"
    rows = path.read_text().splitlines()
    async with opened("solutions.jsonl") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("j", "enter", "d")
        theirs = [rows[0], rows[1].replace("$49.", "$50."), *rows[2:], rows[0]]
        assert theirs[1] != rows[1]
        path.write_text("".join(row + "\n" for row in theirs))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "was changed elsewhere" in flat(pilot), "for the question")
        await pilot.press("o")
        await until(pilot, lambda: "● changed" not in screen_text(pilot))
    after = path.read_text().splitlines()
    assert [*after[:1], *after[2:]] == [*theirs[:1], *theirs[2:]]
    assert after[1] not in (rows[1], theirs[1])


async def test_a_file_that_is_gone(work: Path) -> None:
    """Ctrl-S says so and offers another file; what is here is not lost."""
    async with opened("right.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("d")
        (work / "right.md").unlink()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "cannot be saved: No such file" in flat(pilot), "for the question")
        await pilot.press("a", "enter")
        await until(pilot, (work / "right-2.md").exists)
        assert (work / "right-2.md").read_text() == view(app).document.text


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden here")
async def test_a_folder_that_cannot_be_written(work: Path) -> None:
    """The reason stands in the question; another file elsewhere is offered."""
    async with opened("right.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("d")
        permit(work, 0o500)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Permission denied" in flat(pilot), "for the question")
        permit(work, 0o700)


def made(text: str) -> Document:
    return Document("?", (Step("a"),), text=text)


def test_a_difference() -> None:
    """Only changed lines and their neighbours; equal lines that end otherwise are told; huge texts are not compared."""
    assert difference(made("a\nb\nc\nd\ne\n"), made("a\nb\nC\nd\ne\n")) == ["  a", "  b", "- c", "+ C", "  d", "  e"]
    assert difference(made("a\r\n"), made("a\n")) == ["  the lines are the same; ends of lines or of the file differ"]
    (line,) = difference(made("a\n" * MOST_CHARACTERS), made("a"))
    assert "too long to be compared" in line
