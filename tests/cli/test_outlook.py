"""The time that is left, told after a tenth of the work, on a clock of the test's own."""

import itertools
import json
import random
from collections import deque
from pathlib import Path

import pytest

from stepcheck.bench.cases import Row
from stepcheck.bench.data import Selection, scan
from stepcheck.cli.outlook import Outlook
from stepcheck.cli.perform import _work
from stepcheck.cli.progress import Progress
from stepcheck.document import Document, read

FLIGHT = 32
"""Rows that are drawn before the first is done."""


class Clock:
    """Time that passes when it is told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def lengths(kind: str) -> list[int]:
    """The characters of 3,000 rows: of one length, of very different ones, short ones first, long ones first."""
    random.seed(20)
    drawn = [20 + int(random.lognormvariate(5, 0.9)) for _ in range(3000)]
    if kind == "equal":
        return [200] * 3000
    return sorted(drawn) if kind == "rising" else sorted(drawn, reverse=True) if kind == "falling" else drawn


def told(rows: list[int], *, known: bool, kept: int = 0) -> tuple[float, float]:
    """What is said after a tenth of the work that is new, and the truth: a character takes a millisecond, or so."""
    clock = Clock()
    outlook = Outlook(clock, size=None if known else sum(rows) + 90 * len(rows))
    outlook.expect(sum(rows) if known else 0)
    clock.seconds += 40  # the model is loaded meanwhile
    outlook.begin()
    takes = [length * random.uniform(0.0008, 0.0012) for length in rows]
    flight: deque[int] = deque()
    new, said = sum(rows[kept:]), 0.0
    coming = iter(range(len(rows)))
    while flight or (drawn := list(itertools.islice(coming, 1))):
        for at in itertools.chain(drawn if not flight else (), itertools.islice(coming, FLIGHT - len(flight))):
            outlook.took(rows[at] + 90)
            outlook.draw(rows[at])
            flight.append(at)
        at = flight.popleft()
        if at < kept:
            clock.seconds += 0.0001
            outlook.keep(rows[at])
            continue
        clock.seconds += takes[at]
        outlook.advance(rows[at])
        if not said and outlook.done - sum(rows[:kept]) >= new / 10:
            assert outlook.left is not None
            said, done_at = outlook.left, clock.seconds
    return said, clock.seconds - done_at


@pytest.mark.parametrize("kept", [0, 1500])
@pytest.mark.parametrize("kind", ["equal", "uneven", "rising", "falling"])
def test_a_tenth_of_the_work_tells_the_rest(kind: str, kept: int) -> None:
    """Right within a fifth, however the lengths go; neither the model's loading nor what is kept counts."""
    said, truth = told(lengths(kind), known=True, kept=kept)
    assert said == pytest.approx(truth, rel=0.2)


@pytest.mark.parametrize("kept", [0, 1500])
@pytest.mark.parametrize("kind", ["equal", "uneven"])
def test_a_file_that_is_read_as_it_is_judged_tells_it_by_its_size(kind: str, kept: int) -> None:
    """The number of rows is not known, the bytes are: so much text so far came of so many of them."""
    said, truth = told(lengths(kind), known=False, kept=kept)
    assert said == pytest.approx(truth, rel=0.2)


def test_nobody_guesses() -> None:
    """Neither where nothing is known of the rest, as of standard input, nor before anything is done."""
    outlook = Outlook(Clock())
    outlook.expect(0)
    outlook.took(10)
    outlook.draw(5)
    outlook.advance(5)
    assert (outlook.all, outlook.left) == (0, None)
    begun = Outlook(Clock())
    begun.expect(10)
    assert begun.left is None


def test_every_line_that_is_read_tells_its_bytes(tmp_path: Path) -> None:
    """Together the file's size, empty lines and those too long to be read among them."""
    row = json.dumps({"problem": "p", "steps": ["s"]}).encode()
    path = tmp_path / "rows.jsonl"
    path.write_bytes(row + b"\n\n" + b"x" * (16 * 2**20 + 5) + b"\n" + row)
    heard: list[int] = []
    found = list(read(path, on_line=heard.append))
    assert [isinstance(one, Document) for one in found] == [True, False, True]
    assert sum(heard) == path.stat().st_size
    assert len(heard) == 4


@pytest.mark.parametrize("kept", [0, 100])
def test_a_run_over_short_cases_and_long_ones_knows_of_the_long(tmp_path: Path, kept: int) -> None:
    """300 cases of 100 characters, then 300 of 1,000: by their number the rest would seem to take a fifth of it."""
    subsets = []
    for name, length in (("short", 90), ("long", 990)):
        rows = [{"id": f"{name}{i}", "problem": "p" * 10, "steps": ["x" * (length // 2)] * 2} for i in range(300)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        subsets.append(scan(name, tmp_path / f"{name}.jsonl", Selection(), merge=False))
    clock = Clock()
    progress = Progress(lambda _: "", Outlook(clock))
    done = [("short", i, 0) for i in range(kept)]
    work = _work(subsets, done)
    assert work == {"work": 300 * 1100, "kept": kept * 100}
    clock.seconds += 30  # the model is loaded
    progress.begin(600, kept, 0, **work)
    for name, length in [("short", 90)] * (300 - kept) + [("long", 990)] * 30:
        clock.seconds += 0.01 * (length + 10)
        row = Row(name, 0, 0, "", None, "p" * 10, ("x" * (length // 2),) * 2, None)
        progress.committed([row])
    state = progress._state
    assert state is not None
    assert state.left == pytest.approx(270 * 1000 * 0.01, rel=0.2)
