"""Whose turn it is."""

from stepcheck.document import Document, Step
from stepcheck.serve.line import TURN, Line, Place, Row


def row(problem: str) -> Row:
    return Row(Document(problem, (Step("1 + 1 = 2"),)), lambda _result: None)


def taken(line: Line, count: int) -> list[str | None]:
    found = [line.take() for _ in range(count)]
    return [each[1].problem if each is not None else None for each in found]


def test_many_rows_do_not_hold_up_one() -> None:
    """Ten thousand rows came first; the single one goes after one of them, and everybody in turn."""
    line, many, single, two = Line(20_000), Place(), Place(), Place()
    line.put(many, [row(f"m{i}") for i in range(10_000)])
    line.put(single, [row("s")])
    line.put(two, [row("t0"), row("t1")])
    assert taken(line, 6) == ["m0", "s", "t0", "m1", "t1", "m2"]
    assert line.waiting == 10_003 - 6


def test_rows_of_one_problem_go_together_for_a_while() -> None:
    """They share what is read; but not so many that others wait for long."""
    line, candidates, single = Line(100), Place(), Place()
    line.put(candidates, [row("same")] * 3 + [row("other")] * (TURN + 2))
    line.put(single, [row("s")])
    assert taken(line, 5) == ["same", "same", "same", "s", "other"]
    assert taken(line, TURN + 2) == ["other"] * (TURN + 1) + [None]
    line.put(candidates, [row("long")] * (TURN + 1))
    line.put(single, [row("s")])
    assert taken(line, TURN + 2) == ["long"] * TURN + ["s", "long"]


def test_a_full_line_takes_all_rows_or_none() -> None:
    """What does not fit is not let in by half; what was taken makes room."""
    line, place = Line(3), Place()
    assert line.put(place, [row("a"), row("b")])
    assert not line.put(Place(), [row("c"), row("d")])
    assert line.waiting == 2
    line.take()
    assert line.put(Place(), [row("c"), row("d")])


def test_who_leaves_takes_the_rows_along() -> None:
    """Also those that were to be tried again; what others have stays."""
    line, gone, here = Line(9), Place(), Place()
    line.put(gone, [row("g0"), row("g1")])
    line.put(here, [row("h")])
    found = line.take()
    assert found is not None
    line.put_back(*found)
    line.leave(gone)
    assert taken(line, 2) == ["h", None]
    assert line.waiting == 0


def test_what_was_put_back_goes_first() -> None:
    """A row that is tried again has waited for its turn already."""
    line, one, other = Line(9), Place(), Place()
    line.put(one, [row("a"), row("b")])
    line.put(other, [row("c")])
    found = line.take()
    assert found is not None
    line.put_back(*found)
    assert taken(line, 3) == ["a", "c", "b"]


def test_a_closed_line_lets_nobody_in_and_nobody_wait() -> None:
    """What waits may still be taken, to be told so."""
    line, place = Line(9), Place()
    line.put(place, [row("a")])
    line.close()
    assert not line.put(place, [row("b")])
    assert not line.wait()
    assert taken(line, 2) == ["a", None]
