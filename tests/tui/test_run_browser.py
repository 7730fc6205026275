"""`stepcheck runs view`: what a person sees of a run, and how they get at a case."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from textual.widgets import DataTable, Input, Static

from stepcheck.bench.cases import Failure, Graded, Labelled, Row
from stepcheck.bench.runs.manifest import DataPart, Manifest
from stepcheck.bench.runs.store import Run
from stepcheck.bench.runs.writing import RunWriter
from stepcheck.tui.colours import Palette
from stepcheck.tui.runs import RunBrowser
from stepcheck.tui.runs.browsing import chosen, entries
from stepcheck.tui.runs.case import CaseScreen
from stepcheck.tui.runs.listing import ListingScreen
from stepcheck.tui.runs.steps import CaseText, render


def row(place: int, label: int, *rewards: float, **more: Any) -> Row:
    steps = tuple(f"Step [b]{n}[/b] of $x_{{{place}}}$" for n in range(len(rewards) or 2))
    facts = Labelled(label, "Gen", answer_right=True)
    return Row("math", place, 0, f"m{place}", 1, f"P[red]{place}", steps, facts, rewards or None, **more)


ROWS = [
    row(0, 1, 0.9, 0.2),
    row(1, 1, 0.9, 0.8),
    row(2, -1, 0.3, 0.8),
    row(3, 1, 0.2, 0.8),
    row(4, -1, error=Failure("too_long", "5000 tokens [/]")),
]
MANIFEST = Manifest(
    bench="processbench", name="r", card={"name": "m"}, threshold=0.5, data=(DataPart("math", "f", "0" * 64, 5, 5),)
)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A finished run with one row of each outcome."""
    with RunWriter(tmp_path / "r", MANIFEST) as writer:
        for made in ROWS:
            writer.put(made)
    with Run(tmp_path / "r") as opened:
        yield opened


def test_outcomes_and_filters() -> None:
    """Hit, missed, false alarm, wrong index, error: each row is in exactly one filter; a search looks everywhere."""
    listed = entries(ROWS, 0.5)
    assert [entry.outcome for entry in listed] == ["hit", "missed", "false alarm", "wrong index", "error"]
    assert [entry.key[1] for entry in chosen(listed, "missed")] == [1]
    assert len(chosen(listed, "all")) == 5
    assert [entry.key[1] for entry in chosen(listed, "all", " M3 ")] == [3]
    assert listed[0].words == ("math m0", "hit", "2", "2", "0.200", "2", "Gen")
    assert entries(ROWS, 0.1)[0].outcome == "missed"


def test_candidates_are_listed_by_their_grade() -> None:
    """The file's grade counts where it has one; what could not be told is its own outcome."""
    facts = Graded("1", "2", 0, right=None, how="?")
    made = Row("t", 0, 1, "q", 1, "p", ("s",), facts, (0.5,))
    (entry,) = entries([made], 0.5)
    assert (entry.outcome, entry.words[0]) == ("could not tell", "t q[1]")
    assert "answer 2, reference 1" in printed(made)


def printed(made: Row) -> str:
    """What a person sees of a case at threshold 0.5."""
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render(made, 0.5, Palette("", "", "")))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def test_a_case_shows_label_and_prediction() -> None:
    """Both marks stand under their steps; what is not ours is text, never markup."""
    text = printed(ROWS[3])
    assert "1 ✗ 0.200 Step [b]0[/b] of $x_{3}$\n          ◀ predicted first error" in text
    assert "2 ✓ 0.800 Step [b]1[/b] of $x_{3}$\n          ◀ labelled first error" in text
    assert "labelled: no error" in printed(ROWS[2])
    assert "predicted: no error" in printed(ROWS[1])
    assert "Not scored: 5000 tokens [/]" in printed(ROWS[4])


async def test_browsing(run: Run) -> None:
    """Filter to what was missed, open it, go on to the next, and come back."""
    app = RunBrowser(run)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, ListingScreen)
        table = screen.query_one(DataTable)
        assert table.row_count == 5
        await pilot.press("f")
        assert table.row_count == 1
        assert "[missed 1]" in str(screen.query_one("#filters", Static).render())
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, CaseScreen)
        assert app.screen.query_one(CaseText).row.problem == "P[red]1"
        await pilot.press("escape")
        await pilot.press("F")
        assert table.row_count == 5
        await pilot.press("enter", "n", "n")
        await pilot.pause()
        assert app.screen.query_one(CaseText).row.problem == "P[red]2"
        await pilot.press("p", "q")
        await pilot.pause()
        assert table.cursor_row == 1


@pytest.mark.parametrize(("no_color", "colours"), [(None, {"#56b4e9", "#d55e00", "#e69f00"}), ("1", set())])
async def test_outcomes_have_glyph_and_colour(
    run: Run, monkeypatch: pytest.MonkeyPatch, no_color: str | None, colours: set[str]
) -> None:
    """Each outcome stands with its glyph, in the theme's colours; with NO_COLOR no colour leaves the app."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    app = RunBrowser(run)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        lines = ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
        picture = app.export_screenshot().lower()
    for words in ("✓ hit", "✗ missed", "✗ false alarm", "~ wrong index", "! error"):
        assert any(words in line for line in lines)
    assert {colour for colour in ("#56b4e9", "#d55e00", "#e69f00") if colour in picture} == colours


async def test_searching(run: Run) -> None:
    """Letters go into the search field while it is open; Escape forgets the search; q ends."""
    app = RunBrowser(run)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        table = app.screen.query_one(DataTable)
        await pilot.press("slash", *"alarm")
        assert app.screen.query_one(Input).value == "alarm"
        assert table.row_count == 1
        await pilot.press("escape")
        assert table.row_count == 5
        await pilot.press("slash", *"nothing", "enter", "enter")
        assert table.row_count == 0
        await pilot.press("q")
    assert app.return_code == 0
