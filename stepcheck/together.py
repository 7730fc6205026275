"""Solutions of one problem beside each other, so that an engine computes once what they share; results as they came."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from stepcheck.document import Document, Unread

if TYPE_CHECKING:
    from stepcheck.judge import Judge, Judged, Unscored

WINDOW = 256
"""Documents that are put in order together: what is held in memory, and how far apart two solutions may stand."""


def judge_together(
    judge: "Judge", items: Iterable[Document | Unread], window: int = WINDOW
) -> "Iterator[Judged | Unscored]":
    """Judge documents as they come, those of one problem after each other; yield the results in the documents' order.

    Raises:
        StepcheckError: as the judge does.
    """
    orders: deque[list[int]] = deque()
    done: list[Judged | Unscored] = []
    for result in judge.judge(_ordered(iter(items), window, orders)):
        done.append(result)
        if len(done) == len(orders[0]):
            places = dict(zip(orders.popleft(), done, strict=True))
            yield from (places[index] for index in range(len(done)))
            done = []


def _ordered(items: Iterator[Document | Unread], window: int, orders: deque[list[int]]) -> Iterator[Document | Unread]:
    """Yield window after window with equal problems together; note each one's order."""
    while held := list(islice(items, window)):
        firsts: dict[str, int] = {}
        groups = [firsts.setdefault(getattr(item, "problem", ""), index) for index, item in enumerate(held)]
        order = sorted(range(len(held)), key=groups.__getitem__)
        orders.append(order)
        yield from (held[index] for index in order)
