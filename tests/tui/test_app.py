"""The app's main ways, with the real built-in model: open, edit and heal, watch, search, many, export, quit."""

import asyncio
import io
import json
import re
import time
from pathlib import Path

import pytest
from textual.widgets import Input, TextArea

from stepcheck import config
from stepcheck.document import Document, Step
from stepcheck.errors import UsageError
from stepcheck.tui.app import StepcheckApp
from stepcheck.tui.candidates.answers import read_answers
from stepcheck.tui.candidates.rows import CandidateList
from stepcheck.tui.candidates.screen import CandidatesScreen
from stepcheck.tui.documents.screen import DocumentsScreen
from stepcheck.tui.files.reading import Target
from stepcheck.tui.judging.opening import OpenJudge
from stepcheck.tui.judging.view import Phase
from stepcheck.tui.keys import APP, KEYS
from stepcheck.tui.models.screen import ModelsScreen
from stepcheck.tui.parts.fold import fold
from stepcheck.tui.parts.help import HelpScreen
from stepcheck.tui.solution.problem import Problem
from stepcheck.tui.solution.screen import SolutionScreen
from stepcheck.tui.solution.steps import StepList
from tests.tui.driving import busy, editing, flat, judged, opened, screen_text, solution, until, view, write
from tests.tui.fakes import CALCULATING, Naming, Unhurried, fake


async def test_the_text_is_there_before_the_model(work: Path) -> None:
    """The first paint shows problem and steps while no reward is known; then the rewards come."""
    async with opened("wrong.md") as (app, pilot):
        shown = screen_text(pilot)
        assert view(app).rewards == ()
        assert "24 + 48 = 82" in shown
        assert "A club sold" in shown
        await judged(app, pilot)
        assert view(app).first_error == 1
        shown = screen_text(pilot)
        assert "✗ Step 2 is the first error" in shown
        assert "◀ first error" in shown
        assert solution(app).rows.cursor == 1
    assert work


async def test_rewards_are_those_of_score(work: Path, nano: OpenJudge) -> None:
    """What the app shows is what the library says."""
    from stepcheck import Checker, read

    (document,) = read("wrong.md")
    with Checker() as checker:
        expected = checker.check(document)  # type: ignore[arg-type]  # it is a document
    async with opened("wrong.md", judge=nano) as (app, pilot):
        await judged(app, pilot)
        assert view(app).rewards == pytest.approx(expected.rewards, abs=2e-3)
        assert view(app).threshold == expected.verdict.threshold
    assert work


async def test_edit_and_heal(work: Path) -> None:
    """A wrong step is edited in place: judged while one types, healed, undone, redone, and saved byte for byte."""
    before = (work / "wrong.md").read_bytes()
    async with opened("wrong.md", judge=None) as (app, pilot):
        await judged(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: editing(app))
        editor = app.screen.query_one(TextArea)
        assert editor.text == "Tickets on both days\n\nOn both days together it sold $24 + 48 = 82$ tickets."
        await pilot.press(*["left"] * len("$ tickets."), "backspace", "backspace", "7", "2")
        await until(pilot, lambda: view(app).first_error != 1 and not busy(app), "for the step to heal")
        assert view(app).was(1) is not None
        assert " → " in screen_text(pilot)
        assert (work / "wrong.md").read_bytes() == before
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not editing(app))
        assert "● changed" in screen_text(pilot)
        await pilot.press("u")
        assert view(app).first_error == 1
        await pilot.press("U")
        assert view(app).first_error != 1, "the step is healed; those after it may still carry the slip on"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "● changed" not in screen_text(pilot))
    assert (work / "wrong.md").read_bytes() == before.replace(b"= 82$ tickets", b"= 72$ tickets")


async def test_only_what_follows_the_change_is_judged_again(work: Path) -> None:
    """After an edit of the last step the engine decodes the tokens of that step alone."""
    async with opened("wrong.md", judge=None) as (app, pilot):
        await judged(app, pilot)
        whole = app.session.entries[0].review
        await pilot.press("G", "e")
        await until(pilot, lambda: editing(app))
        await write(pilot, " So")
        await until(pilot, lambda: app.session.entries[0].review not in (None, whole) and not busy(app))
        again = app.session.entries[0].review
        assert whole is not None
        assert again is not None
        assert again.decoded < 0.35 * whole.decoded == 0.35 * whole.tokens
        assert again.rewards[:3] == pytest.approx(whole.rewards[:3])
    assert work


async def test_escape_in_the_editor_keeps_the_edit(work: Path) -> None:
    """What was typed is a change that undo takes back without a trace, and redo brings again; the file waits."""
    before_bytes = (work / "wrong.md").read_bytes()
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        before = view(app)
        await pilot.press("e")
        await until(pilot, lambda: editing(app))
        await write(pilot, " x")
        await pilot.press("escape")
        await until(pilot, lambda: not editing(app) and not busy(app))
        assert view(app).document.steps[1].text.endswith("tickets. x")
        assert "● changed" in screen_text(pilot)
        await pilot.press("u")
        after = view(app)
        assert (after.document.text, after.rewards) == (before.document.text, before.rewards)
        assert "● changed" not in screen_text(pilot)
        await pilot.press("U")
        assert view(app).document.steps[1].text.endswith("tickets. x")
    assert (work / "wrong.md").read_bytes() == before_bytes


async def test_an_editor_in_which_nothing_was_typed(work: Path) -> None:
    """It leaves no change to be undone."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        for key in ("e", "i"):
            await pilot.press(key)
            await until(pilot, lambda: editing(app))
            await pilot.press("escape")
            await until(pilot, lambda: not editing(app))
        assert "● changed" not in screen_text(pilot)
        await pilot.press("u")
        assert "nothing to undo" in flat(pilot)
    assert work


async def test_the_foot_line_while_editing(work: Path) -> None:
    """It says what Ctrl-S does now and afterwards, and names no key that only types."""
    async with opened("wrong.md", (60, 20)) as (app, pilot):
        await judged(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: "^s done; again: write the file" in screen_text(pilot).splitlines()[-1])
        foot = screen_text(pilot).splitlines()[-1]
        assert "esc done, u undoes" in foot
        assert "quit" not in foot
        await pilot.press("escape")
        await until(pilot, lambda: "q quit" in screen_text(pilot).splitlines()[-1])
    assert work


@pytest.mark.parametrize("width", [40, 60, 80, 120])
async def test_the_foot_line_has_whole_labels(work: Path, width: int) -> None:
    """At every width each label stands there to its end or not at all; a click on one is as good as its key."""
    async with opened("wrong.md", (width, 24)) as (app, pilot):
        await judged(app, pilot)
        foot = screen_text(pilot).splitlines()[-1].split()
        labels = [key.label for key in KEYS if key.label and "s" in key.where]
        assert foot[1::2] == labels[: len(foot) // 2]
        assert len(foot) == 2 * len(labels) or width < 80
        await pilot.click("FootLine", offset=(2, 0))
        assert isinstance(app.screen, HelpScreen)
    assert work


async def test_a_draft_that_the_layout_cannot_carry(work: Path) -> None:
    """What would swallow the steps below: it is said, nothing is judged by guess, nothing dropped unasked."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        before = view(app).document
        await pilot.press("g", "e")
        await until(pilot, lambda: editing(app))
        app.screen.query_one(TextArea).text = "## Step 9: a heading in a step\n\nand # Solution"
        app.screen.query_one(TextArea).text = "a\n\n## Solution\n\nb"
        await until(pilot, lambda: "cannot carry" in flat(pilot))
        assert view(app).document is before
        await pilot.press("escape")
        await until(pilot, lambda: "This cannot be kept" in flat(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "This cannot be kept" not in flat(pilot))
        assert solution(app).side.text == "a\n\n## Solution\n\nb"
        await pilot.press("escape")
        await until(pilot, lambda: "This cannot be kept" in flat(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "cannot carry" not in flat(pilot) and not editing(app))
        assert view(app).document.text == before.text
    assert work


async def test_insert_delete_join_split(work: Path) -> None:
    """Steps are inserted, deleted, joined and split; the file's layout stays one that reads back."""
    async with opened("right.md") as (app, pilot):
        await judged(app, pilot)

        def texts() -> list[str]:
            return [step.text for step in view(app).document.steps]

        first = texts()
        await pilot.press("i")
        await until(pilot, lambda: editing(app))
        await write(pilot, "So 6 is 6.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(texts()) == 5 and not editing(app))
        assert texts()[1] == "So 6 is 6."
        await pilot.press("J")
        assert texts()[1] == f"So 6 is 6. {first[1]}"
        await pilot.press("K")
        assert texts()[1:3] == ["So 6 is 6.", first[1]]
        await pilot.press("k", "d")
        assert texts() == first
        await pilot.press(*"uuuu")
        assert texts() == first
        assert "● changed" not in screen_text(pilot)
        await pilot.press("u")
        assert "nothing to undo" in flat(pilot)
        await judged(app, pilot)
    assert work


async def test_watch(work: Path) -> None:
    """A file saved elsewhere is judged again; a broken save shows an error, keeps the steps, and goes on watching."""
    path = work / "wrong.md"
    good = path.read_text()
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("w")
        assert "watching" in screen_text(pilot)
        path.write_text(good.replace("= 82$", "= 72$"))
        await until(pilot, lambda: view(app).first_error != 1 and not busy(app), "for the saved change")
        assert view(app).was(1) is not None
        path.write_text("---\nproblem: [\n---\n")
        await until(pilot, lambda: "still watching" in flat(pilot))
        assert len(view(app).document.steps) == 4
        path.write_text(good)
        await until(pilot, lambda: view(app).first_error == 1 and "still watching" not in flat(pilot))
        await pilot.press("w")
        assert "watching" not in screen_text(pilot)


async def test_watch_keeps_unsaved_changes(work: Path) -> None:
    """What was changed here is not overwritten by what was saved elsewhere, nor the other way round."""
    path = work / "right.md"
    async with opened("right.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("w", "d")
        steps = view(app).document.steps
        path.write_text(path.read_text() + "\n5. More.\n")
        await until(pilot, lambda: "was saved elsewhere" in flat(pilot))
        assert view(app).document.steps == steps
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "was changed elsewhere" in flat(pilot))
        await pilot.press("escape")
        assert path.read_text().endswith("5. More.\n")
        assert view(app).document.steps == steps


async def test_the_threshold_moves_without_the_model(work: Path) -> None:
    """[ and ] move the verdict at once; no step is judged again, and backslash takes the model's threshold."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        review, threshold = app.session.entries[0].review, view(app).threshold
        rewards = view(app).rewards
        app.session.move_threshold(-0.47)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert view(app).threshold == 0.01
        assert view(app).first_error is None
        assert "No step is under the threshold" in screen_text(pilot)
        app.session.move_threshold(0.97)
        await pilot.press("right_square_bracket")
        assert view(app).first_error == 0
        await pilot.press("backslash")
        assert view(app).threshold == threshold
        assert view(app).first_error == 1
        assert (app.session.entries[0].review, view(app).rewards) == (review, rewards)
    assert work


async def test_moving_and_errors(work: Path) -> None:
    """j, k, g, G move; n and N go from error to error and around the end."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        rows = solution(app).rows
        await pilot.press("g")
        assert rows.cursor == 0
        await pilot.press("j", "j", "k")
        assert rows.cursor == 1
        await pilot.press("G")
        assert rows.cursor == 3
        await pilot.press("up", "up", "down")
        assert rows.cursor == 2
        await pilot.press("home")
        assert rows.cursor == 0
        await pilot.press("pagedown")
        assert rows.cursor == 3
        await pilot.press("n")
        assert rows.cursor == 1
        await pilot.press("G", "N")
        assert rows.cursor == 1
        await pilot.press("n")
        assert rows.cursor == 1
        assert "this is the only step under the threshold" in flat(pilot)
        rewards = [reward or 0.0 for reward in view(app).rewards]
        second = min((0, 2, 3), key=lambda i: rewards[i])
        app.session.threshold = rewards[second] + 1e-6
        await pilot.press("n")
        assert rows.cursor == second
        await pilot.press("n")
        assert rows.cursor == 1, "right steps are passed over"
    assert work


async def test_search(work: Path) -> None:
    """/ finds in the source and in what is shown, Enter goes on, Escape leaves."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("g", "slash")
        await write(pilot, "dollars")
        assert solution(app).rows.cursor == 2
        await pilot.press("enter")
        assert solution(app).rows.cursor == 3
        await pilot.press("up")
        assert solution(app).rows.cursor == 2
        app.screen.query_one("#search", Input).value = "24 × 2"
        await pilot.pause()
        assert solution(app).rows.cursor == 0
        app.screen.query_one("#search", Input).value = "zebra"
        await until(pilot, lambda: "nothing holds" in screen_text(pilot))
        await pilot.press("escape", "j")
        assert solution(app).rows.cursor == 1
    assert work


async def test_latex_and_its_source(work: Path) -> None:
    """Formulas are shown in Unicode; r shows them as they were written."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("g")
        assert "24 × 2 = 48" in screen_text(pilot)
        await pilot.press("r")
        assert r"$$24 \times 2 = 48$$" in screen_text(pilot)
        await pilot.press("p")
        assert app.screen.query_one(Problem).folded
    assert work


async def test_the_mouse(work: Path) -> None:
    """A click moves the cursor; a click in the sparkline goes to its step."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.click("#steps", offset=(12, 0))
        assert solution(app).rows.cursor == 0
        await pilot.click("VerdictBar", offset=(1 + 5 * 2, 1))
        assert solution(app).rows.cursor == 2
    assert work


async def test_a_folder_is_a_list(work: Path) -> None:
    """All documents of a folder, candidates of one problem in one row; Enter opens, Escape comes back."""
    async with opened(".") as (app, pilot):
        assert isinstance(app.screen, DocumentsScreen)
        await judged(app, pilot)
        await until(pilot, lambda: "22 of 22 solutions judged" in screen_text(pilot))
        assert screen_text(pilot).count("candidates,") == 3
        await pilot.press("n")
        await pilot.press("slash")
        await write(pilot, "clips")
        await pilot.press("enter", "escape", "enter")
        assert isinstance(app.screen, SolutionScreen)
        assert view(app).document.id == "clips"
        await pilot.press("escape")
        assert isinstance(app.screen, DocumentsScreen)
        await pilot.press("s")
        assert "by verdict" in screen_text(pilot)
    assert work


async def test_a_folder_without_what_was_exported(work: Path) -> None:
    """Exports, and what `score -o` wrote, are no solutions: they are left out of a folder's list, and that is said."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        for key, name in (("m", "a.md"), ("j", "b.json")):
            await pilot.press("x", key)
            await until(pilot, lambda: bool(app.screen.query(Input)))
            app.screen.query_one(Input).value = name
            await pilot.press("enter")
            await until(pilot, (work / name).exists)
    (work / "c.jsonl").write_text(json.dumps({"schema": 1, "problem": "?", "steps": [{"text": "a"}]}) + "\n")
    async with opened(".") as (app, pilot):
        await judged(app, pilot)
        await until(pilot, lambda: "22 of 22 solutions judged" in screen_text(pilot))
        assert "3 files of results left out" in screen_text(pilot)
    for name in ("wrong.md", "right.md", "solutions.jsonl", "candidates.jsonl"):
        (work / name).unlink()
    async with opened(".") as (app, pilot):
        await until(pilot, lambda: "holds results, and no solution" in flat(pilot))


async def test_best_of_n(work: Path) -> None:
    """Candidates stand side by side with their aggregates; the best is marked, sorting works, Enter opens one."""
    rows = (work / "candidates.jsonl").read_text().splitlines()
    (work / "one.jsonl").write_text(rows[0] + "\n")
    async with opened("one.jsonl", (140, 40)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, CandidatesScreen))
        await judged(app, pilot)
        table = app.screen.query_one(CandidateList)
        products = [app.session.entries[key].review.aggregates.product for key in table.keys]  # type: ignore[union-attr]  # judged
        assert products == sorted(products, reverse=True)
        shown = screen_text(pilot)
        assert f"4 of 4 candidates judged · best by product: {table.keys[0] + 1}" in shown
        assert "★" in shown
        assert "answer given 2034" in shown
        assert shown.count("candidate ") >= 3
        await pilot.press("s")
        lows = [app.session.entries[key].review.aggregates.min for key in table.keys]  # type: ignore[union-attr]  # judged
        assert lows == sorted(lows, reverse=True)
        await pilot.press("S")
        assert table.keys[0] == min(range(4), key=lambda key: app.session.entries[key].review.aggregates.min)  # type: ignore[union-attr]  # judged
        await pilot.press("enter")
        assert isinstance(app.screen, SolutionScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, CandidatesScreen)


async def test_what_is_saved_from_standard_input_is_saved(work: Path) -> None:
    """After Ctrl-S and a name the file holds the text; a later Ctrl-S goes there unasked, also after an undo."""
    stream = io.BytesIO((work / "wrong.md").read_bytes())
    app = StepcheckApp(Target("-", stream=stream), config.load({}), open_judge=fake())
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await judged(app, pilot)
        await pilot.press("d")
        assert "● changed" in screen_text(pilot)
        await pilot.press("ctrl+s")
        await pilot.press(*["backspace"] * 20)
        await write(pilot, "saved.md")
        await pilot.press("enter")
        await until(pilot, lambda: "● changed" not in screen_text(pilot))
        item = app.session.entries[0].item
        assert isinstance(item, Document)
        assert (work / "saved.md").read_text(encoding="utf-8") == item.text
        assert "saved.md" in screen_text(pilot).splitlines()[0]
        await pilot.press("u")
        await until(pilot, lambda: "● changed" in screen_text(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "● changed" not in screen_text(pilot))
        assert (work / "saved.md").read_bytes() == (work / "wrong.md").read_bytes()
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_the_majority_joins_equal_answers(work: Path) -> None:
    r"""`0.5`, `\frac12` and `$\frac{1}{2}$` are one answer with three votes of four; no process is started to tell."""
    ends = ("\\boxed{0.5}", "\\boxed{\\frac12}", "the answer is $\\frac{1}{2}$.", "\\boxed{2}", "no idea.")
    row = {"problem": "1 / 2?", "responses": [f"Halve it.\n\nSo {end}" for end in ends]}
    (work / "one.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    async with opened("one.jsonl", (140, 40)) as (_, pilot):
        await until(pilot, lambda: "majority answer 0.5 (3 of 4)" in flat(pilot))


def test_answers_that_only_a_prover_could_join_stay_apart() -> None:
    """The screen compares by form and value alone, quickly: what algebra could join stays two groups."""
    known, same = "\\sin(2x)", "2\\sin(x)\\cos(x)"
    documents = [Document("?", (Step(f"\\boxed{{{answer}}}"),)) for answer in (known, same, "\\sin (2x)")]
    found = read_answers([*documents, None])
    assert found.given == (known, same, "\\sin (2x)", None)
    assert found.groups == (0, 1, 0, None)
    assert found.majority == (known, 2, 3)
    assert read_answers([None]).majority is None


@pytest.mark.parametrize("suffix", [".md", ".html", ".svg", ".json"])
async def test_export(work: Path, suffix: str) -> None:
    """X writes what is seen, with the threshold that is seen; a file that is there is overwritten only when told so."""
    key = {".md": "m", ".html": "h", ".svg": "s", ".json": "j"}[suffix]
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        app.session.move_threshold(-0.5)
        await pilot.press("x", key)
        await until(pilot, lambda: bool(app.screen.query(Input)))
        assert app.screen.query_one(Input).value == f"wrong-judged{suffix}"
        await pilot.press("enter")
        path = work / f"wrong-judged{suffix}"
        await until(pilot, path.exists)
        text = path.read_text(encoding="utf-8")
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        if suffix == ".json":
            assert json.loads(text)["first_error"] is None
        else:
            assert re.search(r"No step is under the threshold 0\.(?!\d)", text)
        await pilot.press("x", key, "enter")
        await until(pilot, lambda: "is there already" in screen_text(pilot))
        await pilot.press("escape")
        assert path.read_text(encoding="utf-8") == text


async def test_help_shows_every_key(work: Path) -> None:
    """? lists all keys with their ids."""
    async with opened("wrong.md", (100, 70)) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = screen_text(pilot)
        for key in KEYS:
            assert (key.id in shown) == (not set(APP).isdisjoint(key.where))
        await pilot.press("escape")
        assert isinstance(app.screen, SolutionScreen)
    assert work


async def test_keys_can_be_remapped(work: Path) -> None:
    """[keys] in the config gives other keys; an unknown id is an error that names the nearest."""
    (work / "stepcheck.toml").write_text('[keys]\nlast = "f7"\n')
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("f7")
        assert solution(app).rows.cursor == 3
        await pilot.press("g", "G")
        assert solution(app).rows.cursor == 0
    (work / "stepcheck.toml").write_text('[keys]\nnext-eror = "f7"\n')
    with pytest.raises(UsageError, match="next-error"):
        StepcheckApp(Target("wrong.md"), config.load({}))


async def test_models(work: Path) -> None:
    """M opens on the model in use and says what fits; one without weights is not used, and it is said."""
    async with opened("wrong.md", (120, 40), judge=CALCULATING) as (app, pilot):
        await judged(app, pilot)
        await pilot.press("m")
        assert isinstance(app.screen, ModelsScreen)
        shown = screen_text(pilot)
        assert "nano" in shown
        assert "fits: about" in shown
        app.screen.point_at("Qwen2.5-Math-7B-PRM800K")
        await pilot.press("enter")
        await until(pilot, lambda: "not on this machine" in flat(pilot))
        app.screen.point_at("nano")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SolutionScreen))
        await judged(app, pilot)
        assert view(app).first_error == 1
    assert work


async def test_a_card_is_scrolled(work: Path) -> None:
    """On a small terminal the end of a model's card, which has what must be said of it, is a key away."""
    async with opened("wrong.md", (80, 24)) as (app, pilot):
        await judged(app, pilot)
        await pilot.press("m")
        await until(pilot, lambda: "architecture" in flat(pilot))
        assert "and is no judge of" not in flat(pilot)
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "and is no judge of" in flat(pilot))
        await pilot.press("ctrl+u")
        await until(pilot, lambda: "architecture" in flat(pilot))
    assert work


async def test_the_palette_finds_steps_and_themes(work: Path) -> None:
    """The command palette goes to a step and changes the theme; foreign text in it is no markup."""
    (work / "wrong.md").write_text((work / "wrong.md").read_text().replace("What is left", "What [red] is [/] left"))
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("ctrl+p")
        await write(pilot, "Step 4")
        await until(pilot, lambda: "What [red] is [/] left" in screen_text(pilot))
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: solution(app).rows.cursor == 3)
        await pilot.press("ctrl+p")
        await write(pilot, "Theme cividis-light")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "cividis-light")


async def test_the_palette_says_what_it_lists(work: Path) -> None:
    """Before anything is typed."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "a step, solution, file, model or theme …" in screen_text(pilot))
    assert work


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 50)])
async def test_the_note_takes_one_line_and_can_be_put_away(work: Path, size: tuple[int, int]) -> None:
    """It is there with every model that has one, its key beside it; put away it stays so on every screen."""
    async with opened("solutions.jsonl", size) as (app, pilot):
        await judged(app, pilot)
        await until(pilot, lambda: "A demonstration; better" in screen_text(pilot))
        assert "- hides" in screen_text(pilot).splitlines()[-2]
        await pilot.press("enter")
        assert "A demonstration; better" in screen_text(pilot).splitlines()[-2]
        await pilot.press("minus")
        await until(pilot, lambda: "A demonstration; better" not in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DocumentsScreen))
        await pilot.pause(0.3)
        assert "A demonstration; better" not in screen_text(pilot)
    assert work


@pytest.mark.parametrize(("words", "lines"), [(27, 3), (28, 4), (36, 4), (37, 3), (60, 3)])
def test_no_fold_hides_a_single_line(words: int, lines: int) -> None:
    """A fold to three lines that would hide only a fourth shows it: nine words of four letters fill a line of 44."""
    found = fold(" ".join(["word"] * words), 44, 3)
    assert len(found) == lines
    assert found[-1].endswith("…") == (words > 36)


@pytest.mark.parametrize("name", ["okabe-ito-light", "cividis", "mono", "mono-light", "nord"])
async def test_themes(work: Path, name: str) -> None:
    """Every theme shows the same words; glyph and number stand beside every colour."""
    async with opened("wrong.md", theme=name) as (app, pilot):
        await judged(app, pilot)
        assert "2 ✗ 0.0" in screen_text(pilot)
    assert work


async def test_a_message_while_the_app_ends_touches_nothing(work: Path) -> None:
    """The model's thread may still speak when widgets are being taken down: nobody is told any more."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        app.session.model_changed.publish(app.session.state)
        await app.screen.query_one(StepList).remove()
        app._exit = True  # as from the moment of leaving
        await pilot.pause(0.2)
        app._exit = False
    assert work


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_judge_in_words(work: Path, size: tuple[int, int]) -> None:
    """Without rewards the named step is the first error, in the list, among candidates and in a solution."""
    async with opened(".", size, judge=fake(Naming)) as (app, pilot):
        await judged(app, pilot)
        await until(pilot, lambda: "22 of 22 solutions judged" in screen_text(pilot))
        assert "✗ step 2" in screen_text(pilot)
        await pilot.press("g", "enter")
        assert isinstance(app.screen, CandidatesScreen)
        await pilot.press("escape", "slash")
        await write(pilot, "wrong.md")
        await pilot.press("escape", "enter")
        assert "✗ Step 2 is the first error" in screen_text(pilot)
        assert "◀ first error" in screen_text(pilot)
        await pilot.press("n", "left_square_bracket", "d")
        await until(pilot, lambda: "✓ No step is named as wrong" in screen_text(pilot))
    assert work


async def test_quit_while_loading(work: Path) -> None:
    """Q ends at once although the model is still loading."""
    async with opened("wrong.md", judge=None) as (app, pilot):
        started = time.monotonic()
        await pilot.press("q")
        assert app.return_code == 0
        assert time.monotonic() - started < 1
    assert work


def many(work: Path, count: int) -> None:
    """More solutions than are judged in a moment; no two share a prefix, which would make them cheap."""
    rows = ({"id": str(i), "problem": f"{i} Add.", "steps": ["1 + 1 = 2. " * 40] * 3} for i in range(count))
    (work / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def done(app: StepcheckApp) -> int:
    return sum(entry.phase is Phase.done for entry in app.session.entries)


async def test_quit_while_scoring(work: Path) -> None:
    """Q ends at once in the middle of a long list, and the engine's process is gone."""
    many(work, 2_000)
    async with opened("many.jsonl", judge=None) as (app, pilot):
        await until(pilot, lambda: any(entry.phase is Phase.done for entry in app.session.entries))
        scorer = app.session._scorer
        await pilot.press("q")
    assert scorer is not None
    for _ in range(100):
        if not scorer.job.alive:
            break
        await asyncio.sleep(0.02)
    assert not scorer.job.alive


async def test_stop_and_go_on(work: Path) -> None:
    """Escape stops judging and keeps the model; R judges what is left."""
    many(work, 800)
    async with opened("many.jsonl", judge=fake(Unhurried)) as (app, pilot):
        await until(pilot, lambda: any(entry.phase is Phase.done for entry in app.session.entries))
        await pilot.press("escape")
        await until(pilot, lambda: not busy(app))
        assert any(entry.phase is Phase.cancelled for entry in app.session.entries)
        before = done(app)
        await pilot.pause(0.3)
        assert done(app) <= before + 1
        await pilot.press("R")
        await until(pilot, lambda: done(app) > before)


async def test_the_visible_come_first(work: Path) -> None:
    """Rows on the screen are judged before rows that are not."""
    many(work, 900)
    async with opened("many.jsonl", judge=fake(Unhurried)) as (app, pilot):
        await until(pilot, lambda: app.session.complete and "of 900 solutions" in screen_text(pilot))
        await pilot.press("G")
        await until(pilot, lambda: app.session.entries[899].phase is Phase.done)
        assert done(app) < 800


async def test_unsaved_changes_are_asked_about(work: Path) -> None:
    """Q with unsaved changes asks; Escape stays, s saves and quits."""
    async with opened("right.md") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("d", "q")
        assert "has unsaved changes" in screen_text(pilot)
        await pilot.press("escape")
        assert isinstance(app.screen, SolutionScreen)
        await pilot.press("q", "s")
        await until(pilot, lambda: app.return_code == 0)
    assert "6 × 24" not in (work / "right.md").read_text()


async def test_a_file_that_cannot_be_read(work: Path) -> None:
    """An error stands on the screen, with file and reason; the app stays."""
    (work / "bad.md").write_bytes(b"\xff\xfe")
    async with opened("bad.md") as (app, pilot):
        await until(pilot, lambda: "UTF-16" in screen_text(pilot))
        await pilot.press("e", "d", "u", "x", "n", "w", "w")
        assert isinstance(app.screen, SolutionScreen)


async def test_a_solution_that_cannot_be_scored(work: Path) -> None:
    """Too long a solution: an error in the verdict's place, the text is there to be shortened."""
    (work / "long.md").write_text("P\n\n" + "So 1 + 1 = 2 and 2 + 2 = 4.\n\n" * 2000)
    async with opened("long.md", judge=None) as (app, pilot):
        await until(pilot, lambda: app.session.entries[0].phase is Phase.failed, "for the refusal")
        await until(pilot, lambda: "Not scored" in screen_text(pilot))
        assert "tokens" in screen_text(pilot)
        assert view(app).first_error is None


async def test_no_model(work: Path) -> None:
    """A model that is not there is an error on the screen; the text can be read and edited."""
    async with opened("right.md", judge=None, model="nono") as (app, pilot):
        await until(pilot, lambda: "no model is named 'nono'" in flat(pilot))
        await pilot.press("d")
        assert len(view(app).document.steps) == 3
        await pilot.press("u")
    assert work


async def test_a_worker_that_dies(work: Path) -> None:
    """The engine's process is killed: the next edit is judged by a new one."""
    import psutil

    async with opened("wrong.md", judge=None) as (app, pilot):
        await judged(app, pilot)
        scorer = app.session._scorer
        assert scorer is not None
        max(psutil.Process().children(), key=lambda child: child.create_time()).kill()
        await pilot.press("R")
        await until(pilot, lambda: not busy(app))
        assert app.session.entries[0].phase is Phase.failed
        assert "ended" in screen_text(pilot)
        await pilot.press("R")
        await until(pilot, lambda: app.session.entries[0].phase is Phase.done)
        assert view(app).first_error == 1
    assert work


async def test_rows_are_edited_and_saved(work: Path) -> None:
    """A row of a JSONL file is mended in the list's solution and saved into its line; the other lines stay."""
    before = (work / "solutions.jsonl").read_text().splitlines()
    async with opened("solutions.jsonl") as (app, pilot):
        await judged(app, pilot)
        await pilot.press("j", "enter")
        assert isinstance(app.screen, SolutionScreen)
        await pilot.press("G", "e")
        await until(pilot, lambda: editing(app))
        app.screen.query_one(TextArea).text = "Her change is 100 - 61 = $39."
        await until(pilot, lambda: not busy(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not editing(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "saved solutions.jsonl" in screen_text(pilot))
    after = (work / "solutions.jsonl").read_text().splitlines()
    assert after == [before[0], before[1].replace("$49.", "$39."), *before[2:]]


async def test_edit_the_file_elsewhere(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E runs the user's editor on the file and reads it again."""
    async with opened("wrong.md") as (app, pilot):
        await judged(app, pilot)
        ran: list[list[str]] = []

        def edit(command: list[str], **_: object) -> object:
            ran.append(command)
            path = Path(command[-1])
            path.write_text(path.read_text().replace("= 82$", "= 72$"))
            return type("Done", (), {"returncode": 0})

        monkeypatch.setattr("stepcheck.tui.app.subprocess.run", edit)
        monkeypatch.setattr(app, "suspend", lambda: __import__("contextlib").nullcontext())
        await pilot.press("E")
        await until(pilot, lambda: view(app).first_error != 1 and not busy(app))
        assert ran == [["true", "wrong.md"]]
        document = app.session.entries[0].item
        assert isinstance(document, Document)
    assert work
