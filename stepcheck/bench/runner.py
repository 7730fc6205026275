"""Cases → judge → run: many in flight, each kept as soon as it is done, none done twice.

The engine reads ahead and fills its batches across cases, so cases are streamed through it; candidates of one problem
follow each other, and what they share is computed once. Owns nothing but the order of things.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from stepcheck.bench.cases import Case, Key, Row, to_row
from stepcheck.document import Document, Unread
from stepcheck.judge import Judge


def run(
    cases: Iterable[Case],
    judge: Judge,
    keep: Callable[[Row], None],
    done: set[Key],
) -> None:
    """Judge every case that is not `done`, and hand each row to `keep` in order.

    Raises:
        StepcheckError: the model cannot be used, or a row cannot be kept; what was kept before is safe.
    """
    pending: deque[Case] = deque()

    def documents() -> Iterator[Document | Unread]:
        for case in cases:
            if case.key not in done:
                pending.append(case)
                yield case.item

    for result in judge.judge(documents()):
        keep(to_row(pending.popleft(), result))
