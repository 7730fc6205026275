"""`stepcheck runs view`: what a person sees of a run, and how they get at a case."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static

from stepcheck import config
from stepcheck.bench.cases import Failure, Graded, Labelled, Row
from stepcheck.bench.runs.manifest import DataPart, Manifest
from stepcheck.bench.runs.store import Run
from stepcheck.bench.runs.writing import RunWriter
from stepcheck.tui.judging.view import verdict
from stepcheck.tui.runs import RunBrowser
from stepcheck.tui.runs.about import about, view_of
from stepcheck.tui.runs.browsing import chosen, listed
from stepcheck.tui.runs.case import CaseScreen
from stepcheck.tui.runs.listing import ListingScreen
from stepcheck.tui.runs.rows import CaseList
from tests.tui.driving import flat, screen_text


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
    found = listed(ROWS, 0.5)
    assert [row.outcome for row in found] == ["hit", "missed", "false alarm", "wrong index", "error"]
    assert [row.key[1] for row in chosen(found, "missed")] == [1]
    assert len(chosen(found, "all")) == 5
    assert [row.key[1] for row in chosen(found, "all", " M3 ")] == [3]
    assert found[0].words == ("math m0", "hit", "2", "2", "0.200", "2", "Gen")
    assert listed(ROWS, 0.1)[0].outcome == "missed"


def test_candidates_are_listed_by_their_grade() -> None:
    """The file's grade counts where it has one; what could not be told is its own outcome."""
    facts = Graded("1", "2", 0, right=None, how="?")
    made = Row("t", 0, 1, "q", 1, "p", ("s",), facts, (0.5,))
    (entry,) = listed([made], 0.5)
    assert (entry.outcome, entry.words[0]) == ("could not tell", "t q[1]")
    assert "answer 2, reference 1: ?" in about(made, 0.5)


def test_a_case_has_label_and_prediction() -> None:
    """Both marks stand at their steps; where there is no error in one, that is said."""
    view = view_of(ROWS[3], 0.5)
    assert [view.mark(i) for i in range(2)] == ["◀ predicted first error", "◀ labelled first error"]
    assert view_of(ROWS[0], 0.5).mark(1) == "◀ labelled and predicted first error"
    assert "labelled: no error" in about(ROWS[2], 0.5)
    assert "predicted: no error" in about(ROWS[1], 0.5)
    assert verdict(view_of(ROWS[4], 0.5)).text == "✗ Not scored: 5000 tokens [/]"


async def test_a_case_is_shown_as_a_solution_is(run: Run) -> None:
    """Marks under their steps, formulas in Unicode and as written, what is not ours as text; ? has the keys."""
    app = RunBrowser(run)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("j", "j", "j", "enter")
        shown = screen_text(pilot)
        assert "math m3  4 of 5" in shown
        assert "✗ 0.200 Step [b]0[/b] of x₃" in shown
        assert "◀ predicted first error" in shown
        assert "◀ labelled first error" in shown
        await pilot.press("r")
        assert "Step [b]0[/b] of $x_{3}$" in screen_text(pilot)
        await pilot.press("j")
        assert "Step 2 of 2" in screen_text(pilot)
        await pilot.press("slash", *"b]0", "enter", "escape", "question_mark")
        shown = screen_text(pilot)
        assert "next case" in shown
        assert "threshold" not in shown
        await pilot.press("escape", "n")
        assert "Not scored: 5000 tokens [/]" in screen_text(pilot)
        await pilot.press("n")
        assert "this is the last case of the list" in flat(pilot)
        await pilot.press("q")
    assert app.return_code == 0


async def test_keys_are_remapped_here_too(run: Run) -> None:
    """[keys] of the settings holds in this app as in the other."""
    settings = {**config.load().settings, "keys": config.Setting({"filter": "f7"}, "here")}
    app = RunBrowser(run, settings=config.Config(settings))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f7")
        assert app.screen.query_one(CaseList).count == 1


async def test_browsing(run: Run) -> None:
    """Filter to what was missed, open it, go on to the next, and come back."""
    app = RunBrowser(run)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, ListingScreen)
        cases = screen.query_one(CaseList)
        assert cases.count == 5
        await pilot.press("f")
        assert cases.count == 1
        assert "[missed 1]" in str(screen.query_one("#filters", Static).render())
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, CaseScreen)
        assert app.screen.row.problem == "P[red]1"
        await pilot.press("escape")
        await pilot.press("F")
        assert cases.count == 5
        await pilot.press("enter", "n", "n")
        await pilot.pause()
        assert isinstance(app.screen, CaseScreen)
        assert app.screen.row.problem == "P[red]2"
        await pilot.press("p", "escape")
        await pilot.pause()
        assert cases.cursor == 1


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
        cases = app.screen.query_one(CaseList)
        await pilot.press("slash", *"alarm")
        assert app.screen.query_one(Input).value == "alarm"
        assert cases.count == 1
        await pilot.press("escape")
        assert cases.count == 5
        await pilot.press("slash", *"nothing", "enter", "enter")
        assert cases.count == 0
        await pilot.press("q")
    assert app.return_code == 0
