"""Which of two lanes reads a prompt."""

import random

import numpy as np

from stepcheck.engine.batches import Ints
from stepcheck.engine.dealing import PULL, Dealer

TEMPLATE = list(range(30))


def prompt(*parts: list[int]) -> Ints:
    return np.array([token for part in parts for token in part], np.int32)


def text(seed: int, length: int) -> list[int]:
    return random.Random(seed).choices(range(100, 5000), k=length)


def test_prompts_with_nothing_in_common_but_the_template_are_halved() -> None:
    """Each lane gets as many tokens as the other, but for about one prompt."""
    dealer, given = Dealer([4096, 4096]), [0, 0]
    for seed in range(100):
        length = 100 + 7 * seed % 400
        given[dealer.deal(prompt(TEMPLATE, text(seed, length)))] += length
    assert abs(given[0] - given[1]) <= 600


def test_candidates_stay_with_their_problem_and_problems_are_dealt_out() -> None:
    """Eight candidates of 300 tokens behind 150 of a problem are read in one lane, and half the problems in each."""
    dealer, lanes = Dealer([4096, 4096]), list[int]()
    for problem in range(20):
        head = TEMPLATE + text(problem, 150)
        found = {dealer.deal(prompt(head, text(1000 * (problem + 1) + i, 300))) for i in range(8)}
        assert len(found) == 1
        lanes += found
    assert 9 <= sum(lanes) <= 11


def test_many_candidates_of_one_problem_spread() -> None:
    """Once a lane has far more to read than the other, the problem is read there too, and they alternate."""
    dealer, head = Dealer([4096, 4096]), TEMPLATE + text(0, 150)
    found = [dealer.deal(prompt(head, text(i + 1, 300))) for i in range(64)]
    assert found[: PULL * 180 // 300] == [0] * (PULL * 180 // 300)
    assert 20 <= sum(found) <= 32


def test_what_is_longer_than_the_further_lanes_room_is_read_in_the_first() -> None:
    """Even where the first has more to read."""
    dealer = Dealer([9000, 4096])
    assert [dealer.deal(prompt(text(seed, 5000))) for seed in range(4)] == [0] * 4
    assert dealer.deal(prompt(text(9, 4096))) == 1
    assert dealer.deal(prompt(text(10, 400)), grows=True) == 0


def test_the_same_prompts_are_dealt_the_same() -> None:
    """What was dealt decides, and nothing else: no clock, no state of a cache."""
    prompts = [prompt(TEMPLATE, text(seed % 40, 60), text(seed, 200)) for seed in range(200)]
    first, second = (Dealer([4096, 4096]) for _ in range(2))
    assert [first.deal(one) for one in prompts] == [second.deal(one) for one in prompts]


def test_at_rest_a_text_is_read_where_it_was_read_before() -> None:
    """An edited text goes where its beginning is, however much that lane has read; one that is new to the first."""
    dealer, edited = Dealer([4096, 4096]), text(0, 400)
    dealer.deal(prompt(text(1, 500)))
    assert dealer.deal(prompt(edited)) == 1
    for seed in range(50):
        dealer.rest()
        assert dealer.deal(prompt(edited, text(seed, 300))) == 1
    dealer.rest()
    assert dealer.deal(prompt(text(2, 500))) == 0


def test_a_lane_that_cannot_be_had_gets_nothing() -> None:
    """Where there is no memory for a second one, the first reads everything."""
    dealer = Dealer([4096, 4096])
    dealer.without(1)
    assert {dealer.deal(prompt(text(seed, 100))) for seed in range(10)} == {0}
