"""What is seen of a solution: marks, words and sparkline are functions of rewards and threshold."""

from dataclasses import replace

import pytest

from stepcheck.report.band import Band
from stepcheck.tui.judging.view import Phase, View, about, carried, matched, tick, ticks, verdict
from tests.fakes import document

VIEW = View(document("a", "b", "c"), 0.5, Phase.done, (0.9, 0.2, 0.55))


def test_marks() -> None:
    """The first step under the threshold is the error; later ones are late; bands follow the threshold."""
    assert VIEW.first_error == 1
    assert [VIEW.late(i) for i in range(3)] == [False, False, True]
    assert [VIEW.band(i) for i in range(3)] == [Band.good, Band.bad, Band.doubtful]
    assert replace(VIEW, threshold=0.1).first_error is None


def test_partial_rewards() -> None:
    """While steps are judged the verdict is of those that are known, from the beginning."""
    partial = replace(VIEW, phase=Phase.scoring, rewards=(0.9, None, 0.1))
    assert partial.judged == 1
    assert partial.first_error is None
    assert partial.band(1) is None
    assert verdict(partial).text == "Scoring: 1 of 3 steps"
    assert verdict(partial).busy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "✗ Step 2 is the first error: reward 0.200, threshold 0.5"),
        ({"threshold": 0.1}, "✓ No step is under the threshold 0.1"),
        ({"phase": Phase.failed, "rewards": (), "message": "too long"}, "✗ Not scored: too long"),
        ({"phase": Phase.cancelled, "rewards": (0.9, None, None)}, "■ Stopped after 1 of 3 steps; R goes on"),
        ({"phase": Phase.loading, "rewards": (), "message": "40%"}, "Loading the model 40%"),
        ({"phase": Phase.scoring}, "✗ Step 2 is the first error: reward 0.200, threshold 0.5 · Scoring: 3 of 3 steps"),
    ],
)
def test_verdicts(change: dict[str, object], words: str) -> None:
    """Every state has its sentence: loading, scoring, done, failed and stopped are always told."""
    assert verdict(replace(VIEW, **change)).text == words  # type: ignore[arg-type]  # fields of the view


def test_what_is_said_of_a_step() -> None:
    """Reward, threshold, the step before, and what an edit moved."""
    moved = replace(VIEW, before=(0.9, 0.7, None))
    assert about(moved, 1) == (
        ("reward", "0.200 wrong"),
        ("threshold", "0.5: 0.300 under it"),
        ("step before", "0.900 ▼ -0.700"),
        ("before edit", "0.700 → 0.200, ▼ -0.500"),
    )
    assert about(replace(VIEW, rewards=()), 1) == (("reward", "not judged yet"),)
    assert moved.was(0) is None


def test_sparkline() -> None:
    """A few steps get several cells each; of too many each cell shows the lowest, so that no error is lost."""
    assert "".join(c for c, _ in ticks((0.99, 0.0), 6)) == "██ ▁▁ "
    rewards = [0.9] * 999 + [0.01]
    found = ticks(rewards, 50)
    assert len(found) == 50
    assert found[-1] == ("▁", 999)
    assert tick(None) == "·"
    assert tick(1.0) == "█"
    assert ticks((), 10) == ()


@pytest.mark.parametrize(
    ("new", "kept", "compared"),
    [
        ("abc", (0.1, 0.2, 0.3), (0.1, 0.2, 0.3)),
        ("axc", (0.1, None, None), (0.1, 0.2, 0.3)),
        ("ab", (0.1, 0.2), (0.1, 0.2)),
        ("abxc", (0.1, 0.2, None, None), (0.1, 0.2, None, 0.3)),
        ("bc", (None, None), (0.2, 0.3)),
        ("xyz", (None, None, None), (0.1, 0.2, 0.3)),
        ("xy", (None, None), (None, None)),
        ("", (), ()),
    ],
)
def test_what_an_edit_keeps(new: str, kept: tuple[float | None, ...], compared: tuple[float | None, ...]) -> None:
    """Rewards before the change stay; each new step is compared with the old one in its place."""
    assert carried("abc", (0.1, 0.2, 0.3), new) == kept
    assert matched("abc", (0.1, 0.2, 0.3), new) == compared
