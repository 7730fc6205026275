"""A critic's figures by ProcessBench's own protocol, held against a plain re-reading of its script."""

import random
from collections import Counter
from typing import Any

import pytest

from stepcheck.bench import published
from stepcheck.bench.cases import UNDECIDED, Failure, Labelled, Row
from stepcheck.bench.metrics import harmonic_mean
from stepcheck.bench.protocol import MISS, by_protocol, critic_votes, predicted
from stepcheck.critic.verdict import boxed, parse, published_vote, vote


def row(label: int, *boxes: str | None, error: Failure | None = None, first: int | None = None) -> Row:
    """A critic's row of two steps."""
    return Row("math", 0, 0, "m", None, "p", ("a", "b"), Labelled(label), first_error=first, error=error, boxes=boxes)


def test_a_case_without_a_verdict_is_a_miss() -> None:
    """Of three wrong solutions one is hit (33.3), of two right ones one (50): F1 40; ours leaves two out and has 66.7.

    One that was too long is a miss, too; one that failed otherwise is not counted at all.
    """
    rows = [
        row(1, "1"),
        row(0, None, error=UNDECIDED),
        row(0, "1"),
        row(-1, "-1"),
        row(-1, error=Failure("too_long", "…")),
        row(-1, error=Failure("server", "…")),
    ]
    found = by_protocol(rows)
    assert (found.score.error_hits, found.score.error_cases) == (1, 3)
    assert (found.score.correct_hits, found.score.correct_cases) == (1, 2)
    assert found.score.f1 == pytest.approx(40)
    assert found.misses == 2
    assert found.unboxed == 0
    assert found.interval is not None


def test_what_most_say_counts_as_it_is_written() -> None:
    """`01` and `1` are two votes there and one here; what is no number can win there, and does not vote here."""
    words = ["\\boxed{01}", "\\boxed{1}", "\\boxed{0}", "\\boxed{0}"]
    assert published_vote([boxed(each) for each in words]) == 0
    assert vote([parse(each, 2) for each in words]).index == 1
    many = ["\\boxed{none}", "\\boxed{none}", "\\boxed{1}"]
    assert published_vote([boxed(each) for each in many]) is None
    assert vote([parse(each, 2) for each in many]).index == 1


BOXES: dict[str, tuple[str | None, int | None]] = {
    "\\boxed{ 1 } then \\boxed{ -1 }": ("-1", -1),
    "\\boxed{7}": ("7", 7),
    "cut: \\boxed{1": (None, None),
    "\\boxed{}": ("", None),
    "\\boxed{\\text{1}}": ("\\text{1", None),
    "\\boxed{1.0}": ("1.0", None),
    "no box": (None, None),
    "\\boxed{" + "9" * 5000 + "}": ("9" * 5000, None),
}


@pytest.mark.parametrize("words", BOXES)
def test_a_box_is_read_as_the_script_reads_it(words: str) -> None:
    """The last that was closed, up to the first brace; any number is a prediction."""
    assert (boxed(words), published_vote([boxed(words)])) == BOXES[words]


def as_the_script_does(boxes: list[str | None]) -> int | None:
    """The vote of code/run_eval.py of QwenLM/ProcessBench, line by line."""
    preds = [box for box in boxes if box is not None]
    if not preds:
        return None
    most = Counter(preds).most_common(1)[0][0]
    try:
        return int(most)
    except ValueError:
        return None


def test_votes_are_the_scripts() -> None:
    """500 drawn sets of eight: the same prediction, or none."""
    drawn = random.Random(0)
    for _ in range(500):
        boxes = drawn.choices(["0", "1", "-1", "01", "x", "", "+1", None], k=8)
        assert published_vote(boxes) == as_the_script_does(boxes)


def test_rows_without_boxes_stand_by_their_verdict() -> None:
    """As version 0.1.0 kept them; they are counted."""
    old: dict[str, Any] = {"boxes": None}
    kept = [row(1, first=1), row(-1), row(0, error=UNDECIDED)]
    bare = [Row(**{name: getattr(each, name) for name in Row.__slots__} | old) for each in kept]
    assert [predicted(each) for each in bare] == [1, -1, MISS]
    assert by_protocol(bare).unboxed == 2


def test_only_a_critic_has_votes() -> None:
    """A run by rewards has none, and so no such figures."""
    from stepcheck.bench.runs.manifest import Manifest

    manifest = Manifest(bench="processbench", name="r", threshold=None, data=(), judge={"name": "m", "votes": 8})
    assert critic_votes(manifest) == 8
    assert critic_votes(Manifest(bench="processbench", name="r", threshold=0.5, data=())) is None


def test_greedy_rows_are_table_9s() -> None:
    """Seventeen models; each F1 is the harmonic mean of its accuracies and each average that of its four F1.

    The accuracies are rounded to a tenth, which moves an F1 by a tenth at most.
    """
    rows = [each for each in published.tables().processbench.rows if each.greedy]
    assert len(rows) == 17
    for each in rows:
        assert sum(each.f1) / 4 == pytest.approx(each.average, abs=0.051)
        for error, correct, f1 in zip(each.error_acc, each.correct_acc, each.f1, strict=True):
            assert harmonic_mean(error, correct) == pytest.approx(f1, abs=0.11)
    qwen = next(each for each in rows if each.model == "Qwen2.5-7B-Instruct (greedy)")
    assert qwen.f1 == (47.3, 34.6, 32.7, 32.6)


def test_a_row_is_matched_with_how_it_was_drawn() -> None:
    """A single critique stands beside the greedy row, eight beside the voted one, whoever owns the model."""
    assert published.same_model("Qwen/Qwen2.5-72B-Instruct", "Qwen2.5-72B-Instruct (greedy)")
    assert published.same_model("Qwen2.5-72B-Instruct-Q4_K_M (maj@8)", "Qwen2.5-72B-Instruct (maj@8)")
    assert not published.same_model("Qwen2.5-72B-Instruct", "Qwen2.5-72B-Instruct (maj@8)")
    assert not published.same_model("Qwen2.5-72B-Instruct (maj@4)", "Qwen2.5-72B-Instruct (maj@8)")
    assert published.same_model("Qwen2.5-Math-PRM-7B", "Qwen2.5-Math-PRM-7B")
