"""Shards written ahead of the training: by a thread beside it, or by processes where a GPU would wait for one core.

Which shard holds what is the stream's; here is only who writes it, and when.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from models.nano import problems, stream, tokenizer
from models.nano.documents import Encoder
from models.nano.material import Material

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from models.nano.documents import Batch


@dataclass(frozen=True, slots=True)
class Source:
    """What the stream is made from; any process that has it can write any shard.

    `folder` holds the tokenizer, `equation_shards` come before the documents, a batch is `scale` times the usual one.
    """

    gsm8k: Path
    folder: Path
    seed: int
    equation_shards: int
    scale: int = 1


@cache
def _material(source: Source) -> tuple[Material, Encoder]:
    learn, _, _ = problems.split(problems.load(source.gsm8k))
    return Material(learn), Encoder(tokenizer.load(source.folder))


def write(source: Source, index: int) -> list[Batch]:
    """The batches of one shard; the problems are read once in every process."""
    material, encoder = _material(source)
    return stream.shard(material, encoder, source.seed, index, source.equation_shards, source.scale)


def index_of(position: int, again: int) -> tuple[int, bool]:
    """Which shard comes at a place, and whether for the last time.

    With `again`, after the first so many each new one is followed by the one of so many before.
    """
    if not again:
        return position, True
    if position < again:
        return position, False
    fresh, repeated = divmod(position - again, 2)
    return (fresh, True) if repeated else (again + fresh, False)


@contextlib.contextmanager
def shards(source: Source, first: int, every: int, feeders: int, again: int = 0) -> Iterator[Iterator[list[Batch]]]:
    """The shard at place `first` and those at every so many places after it, without end and in order.

    Some are always written ahead: one by a thread, or four by each of the `feeders`, which are processes. With `again`
    every shard is shown twice (`index_of`), for a GPU that learns faster than the processes write.
    """
    pool = ProcessPoolExecutor(feeders, multiprocessing.get_context("spawn")) if feeders else ThreadPoolExecutor(1)
    ahead = every * (4 * feeders or 1) * (2 if again else 1)

    def following() -> Iterator[list[Batch]]:
        written: dict[int, Future[list[Batch]]] = {}
        for position in itertools.count(first, every):
            for later in range(position, position + ahead + 1, every):
                index, _ = index_of(later, again)
                if index not in written:
                    written[index] = pool.submit(write, source, index)
            index, last = index_of(position, again)
            yield written[index].result()
            if last:
                del written[index]

    try:
        yield following()
    finally:
        pool.shutdown(cancel_futures=True)
