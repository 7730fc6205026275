"""The evidence in the app: under the step's reward, underlined in its text, live while one types, and found by key."""

import json
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset

from stepcheck.evidence import examine
from stepcheck.report.band import Band
from stepcheck.tui.judging.view import Phase, Sentence, View, kept, shown
from stepcheck.tui.solution.detail import Detail, underlined
from tests.fakes import document
from tests.tui.driving import judged, opened, screen_text, until, write

STEPS = ("She sold 24 clips.", "In all 24 + 48 = 82 clips.", "Half of 82 is 82 / 2 = 41.", "82 - 41 = 41")
VIEW = View(document(*STEPS), 0.5, Phase.done, (0.9, 0.9, 0.9, 0.9), evidence=examine("", STEPS))


@pytest.fixture
def solution(tmp_path: Path) -> str:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"problem": "How many?", "steps": list(STEPS)}) + "\n", encoding="utf-8")
    return str(path)


def test_what_is_said_of_a_step() -> None:
    """The finding, then the later steps that carry its number on; those say so themselves."""
    assert shown(VIEW, 0) == ()
    assert shown(VIEW, 1) == (
        Sentence("✗ 24 + 48 = 72, not 82 clips", Band.bad),
        Sentence("later: step 3 carries 82 on"),
        Sentence("later: step 4 carries 82 on"),
    )
    assert shown(VIEW, 2) == (Sentence("~ 82 is carried on, 72 would be right", Band.doubtful),)


def test_an_edit_keeps_what_was_found_before_it() -> None:
    """Step 2 is changed: what was found in step 1 stays, the rest is looked for anew."""
    assert kept(STEPS, VIEW.evidence, (STEPS[0], "In all 72.", *STEPS[2:])) == VIEW.evidence[:1]
    assert kept((), (), STEPS) == ()


def test_a_claim_is_underlined_over_line_ends() -> None:
    """`24 + 48 = 82` is folded after the plus: both halves are underlined, and nothing else."""
    text = "In all 24 + 48 = 82 clips."
    lines = list(underlined(text, ["In all 24 +", "48 = 82 clips."], [(7, 19)]))
    marked = [segment.text for line in lines for segment in line if segment.style is not None]
    assert marked == ["24 +", "48 = 82"]
    assert ["".join(segment.text for segment in line) for line in lines] == ["In all 24 +", "48 = 82 clips."]


class Shows(App[None]):
    """One detail."""

    def compose(self) -> ComposeResult:
        """It alone."""
        yield Detail()


async def test_the_claim_is_underlined_in_the_step() -> None:
    """In the formula as it is drawn, as in plain text."""
    texts = (r"So \( \frac{1}{2} \times 30 = 18 \) clips.",)
    view = View(document(*texts), 0.5, Phase.done, (0.9,), evidence=examine("", texts))
    app = Shows()
    async with app.run_test(size=(60, 20)) as pilot:
        detail = app.query_one(Detail)
        detail.present(view, 0)
        await pilot.pause()
        strips = [detail.render_line(y) for y in range(12)]
        marked = [part.text for strip in strips for part in strip if part.style is not None and part.style.underline]
        assert marked == ["1/2 × 30 = 18"]
        assert detail.scroll_offset == Offset(0, 0)


async def test_v_goes_from_finding_to_finding(solution: str) -> None:
    """Step 2, 3, 4, and round the end to 2 again; V goes back."""
    async with opened(solution) as (app, pilot):
        await judged(app, pilot)
        await until(pilot, lambda: len(app.session.entries[0].evidence) == len(STEPS), "for evidence")
        steps = app.screen.query_one("#steps")
        steps.cursor = 0  # type: ignore[attr-defined]  # a StepList
        seen = []
        for key in ("v", "v", "v", "v", "V"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(steps.cursor)  # type: ignore[attr-defined]
        assert seen == [1, 2, 3, 1, 3]


async def test_evidence_heals_while_one_types(solution: str) -> None:
    """82 is made 72: the finding goes from the step and from those that carried it on."""
    async with opened(solution, (140, 30)) as (app, pilot):
        await judged(app, pilot)
        entry = app.session.entries[0]
        await until(pilot, lambda: len(entry.evidence) == len(STEPS), "for evidence")
        await pilot.press("g", "j", "e")
        await until(pilot, lambda: "✎ Step 2" in screen_text(pilot), "for the editor")
        await pilot.press(*["left"] * len(" clips."), "backspace")
        await write(pilot, "3")
        await until(pilot, lambda: "24 + 48 = 72, not 83" in screen_text(pilot), "for the finding over the editor")
        await pilot.press("backspace", "backspace")
        await write(pilot, "72")
        await until(
            pilot,
            lambda: len(entry.evidence) == len(STEPS) and not any(step.findings for step in entry.evidence[:2]),
            "for the finding to go",
        )
        assert "not 8" not in screen_text(pilot)
