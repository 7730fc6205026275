"""The planner against a simulated KV cache that checks every rule llama.cpp has for batches."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcheck.engine.batches import Batch, Copy, Finished, Floats, Operation
from stepcheck.engine.plan import Planner
from stepcheck.errors import CountMismatchError
from stepcheck.prm.prompt import HIDDEN, LIKELIHOOD, Want
from tests.search import examples

Prompts = Sequence[tuple[list[int], list[int]]]


class Cache:
    """Cells with a position, a token and sequences; a row is a hash of the whole prefix, as a causal model's is."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.cells: list[tuple[int, int, set[int]]] = []
        self.decoded = 0
        self.batches: list[int] = []
        self.peak = 0

    def apply(self, operations: Sequence[Operation]) -> None:
        for op in operations:
            if isinstance(op, Copy):
                assert not self.prefix(op.target), "a copy goes to an empty sequence"
                for pos, _, seqs in self.cells:
                    if op.source in seqs and pos < op.end:
                        seqs.add(op.target)
                assert len(self.prefix(op.target)) == op.end, "a copy finds every position it was promised"
            else:
                for pos, _, seqs in self.cells:
                    if pos >= op.start:
                        seqs.discard(op.seq)
                self.cells = [cell for cell in self.cells if cell[2]]

    def prefix(self, seq: int) -> list[int]:
        held = sorted((pos, token) for pos, token, seqs in self.cells if seq in seqs)
        assert [pos for pos, _ in held] == list(range(len(held))), "a sequence has every position once"
        return [token for _, token in held]

    def decode(self, batch: Batch) -> Floats:
        rows, following = [], iter(batch.next_tokens)
        ahead = batch.want == LIKELIHOOD
        for run in batch.runs:
            before = {len(self.prefix(seq)) for seq in run.seqs}
            assert before == {run.start}, "coupled sequences stand at the same position, and go on from there"
            assert run.want == batch.want or not run.outputs, "one batch reads one thing"
            for i, token in enumerate(run.tokens):
                self.cells.append((run.start + i, int(token), set(run.seqs)))
                if run.start + i in run.outputs:
                    prefix = self.prefix(run.seqs[0])
                    rows.append([row([*prefix, next(following)] if ahead else prefix)])
        assert len(self.cells) <= self.size, "never more cells than there are"
        self.peak = max(self.peak, len(self.cells))
        self.decoded += batch.tokens
        self.batches.append(batch.tokens)
        return np.array(rows, np.float32).reshape(-1, 1)


def row(prefix: Sequence[int]) -> float:
    return float(hash(tuple(prefix)) % 100_003)


def run(planner: Planner, cache: Cache, prompts: Prompts, ahead: int = 0) -> dict[int, Finished]:
    """Do what the worker does, until every prompt is finished; `ahead` prompts are known while others are read."""
    out: dict[int, Finished] = {}
    waiting = list(enumerate(prompts))
    while waiting or planner.active:
        if ahead and len(waiting) > 1:
            planner.narrow([np.array(tokens, np.int32) for _, (tokens, _) in waiting[:ahead]])
        while planner.waiting < planner.n_batch and waiting:
            job, (tokens, marks) = waiting[0]
            if planner.admit(job, np.array(tokens, np.int32), marks) is None:
                break
            waiting.pop(0)
        operations, batch = planner.cut()
        cache.apply(operations)
        if batch.runs:
            assert batch.tokens <= planner.n_batch
            assert len(batch.outputs) <= planner.n_outputs
            planner.commit(batch, cache.decode(batch), 1.0)
        before = len(out)
        out.update({done.job: done for done in planner.finished()})
        assert batch.runs or len(out) > before, "every round gets on"
    return out


def check(prompts: Prompts, out: dict[int, Finished]) -> None:
    for job, (tokens, marks) in enumerate(prompts):
        expected = [[row(tokens[: mark + 1])] for mark in marks]
        assert out[job].rows.tolist() == expected
        assert out[job].tokens == len(tokens)


def test_candidates_share_their_common_prefix() -> None:
    """Problem 1 2 3, two solutions 4 5 and 4 6: 3 + 2 + 1 tokens are decoded, not 5 + 5."""
    prompts = [([1, 2, 3, 4, 5], [4]), ([1, 2, 3, 4, 6], [4])]
    cache = Cache(100)
    out = run(Planner(100, 8, 512, 64), cache, prompts)
    check(prompts, out)
    assert cache.decoded == 6
    assert cache.batches == [6], "in one batch"
    assert [out[0].decoded, out[1].decoded] == [5, 1]


def test_an_edited_document_pays_from_its_first_changed_token() -> None:
    """Ten tokens, the eighth changed: 3 are decoded; the marks before it are not read again."""
    planner, cache = Planner(100, 8, 512, 64), Cache(100)
    first, edited = [*range(10)], [0, 1, 2, 3, 4, 5, 6, 77, 8, 9]
    check([(first, [3, 9])], run(planner, cache, [(first, [3, 9])]))
    check([(edited, [3, 9])], run(planner, cache, [(edited, [3, 9])]))
    assert cache.decoded == 13


def test_an_unchanged_document_costs_nothing() -> None:
    """The same prompt again is answered from the kept rows, without a decode."""
    planner, cache = Planner(100, 8, 512, 64), Cache(100)
    for _ in range(2):
        check([([5, 6, 7], [0, 2])], run(planner, cache, [([5, 6, 7], [0, 2])]))
    assert cache.decoded == 3


def test_a_mark_that_was_not_read_before_is_decoded_again() -> None:
    """A kept prefix without a row at the new mark is shared only up to that mark."""
    planner, cache = Planner(100, 8, 512, 64), Cache(100)
    check([([1, 2, 3, 4], [3])], run(planner, cache, [([1, 2, 3, 4], [3])]))
    check([([1, 2, 3, 9], [1, 3])], run(planner, cache, [([1, 2, 3, 9], [1, 3])]))
    assert cache.decoded == 4 + 3


def test_short_prompts_fill_batches_together() -> None:
    """Forty prompts of 10 different tokens in batches of 64: six full ones and a rest of 16."""
    prompts = [([1000 * i + j for j in range(10)], [9]) for i in range(40)]
    cache = Cache(1000)
    check(prompts, run(Planner(1000, 64, 64, 64), cache, prompts))
    assert cache.batches == [64] * 6 + [16]


def test_a_decode_ends_where_a_prompt_does_once_it_is_large_enough() -> None:
    """Six different prompts of 30 tokens, 25 enough: a decode holds one of them and no other prompt's end.

    The first takes 2 tokens of the next one, so that none of its 30 are left over from a multiple of 4; what is left of
    that one is 28, and so on. Of 10 tokens each, three make 30 and are enough, again with 2 of the fourth.
    """
    prompts = [([1000 * i + j for j in range(30)], [29]) for i in range(6)]
    cache = Cache(1000)
    check(prompts, run(Planner(1000, 64, 64, 64, n_enough=25), cache, prompts))
    assert cache.batches == [32, 28, 32, 28, 32, 28]
    short = [(tokens[:10], [9]) for tokens, _ in prompts]
    cache = Cache(1000)
    check(short, run(Planner(1000, 64, 64, 64, n_enough=25), cache, short))
    assert cache.batches == [32, 28]


def test_a_group_larger_than_the_cache_is_split() -> None:
    """Eight candidates of 40 tokens in 100 cells come through all the same, never using more cells."""
    prompts = [([*range(20), *[100 * i + j for j in range(20)]], [25, 39]) for i in range(1, 9)]
    cache = Cache(100)
    check(prompts, run(Planner(100, 4, 16, 64), cache, prompts))
    assert cache.decoded < 8 * 40


def test_known_work_keeps_only_what_it_shares() -> None:
    """Ten problems after one template of 5 tokens: finished ones leave nothing but the template, decoded once."""
    prompts = [([*range(5), *[100 * i + j for j in range(20)]], [24]) for i in range(1, 11)]
    planner, cache = Planner(1000, 64, 25, 64), Cache(1000)
    check(prompts, run(planner, cache, prompts, ahead=32))
    assert cache.decoded == 5 + 10 * 20
    assert cache.peak <= 5 + 2 * 20 + 25


def test_rows_per_batch_are_limited() -> None:
    """Twenty marks with at most 4 rows a decode: never more, none lost (Cache.decode and `run` check it)."""
    prompts = [([*range(20)], [*range(20)])]
    cache = Cache(100)
    check(prompts, run(Planner(100, 4, 16, 4), cache, prompts))
    assert cache.batches == [4] * 5


def test_cancelled_prompts_leave_no_trace() -> None:
    """After a cancel in the middle, what was complete is kept and the rest of the room is free."""
    planner, cache = Planner(64, 4, 8, 64), Cache(64)
    check([([1, 2, 3], [2])], run(planner, cache, [([1, 2, 3], [2])]))
    planner.admit(7, np.arange(1, 61, dtype=np.int32), [59])
    operations, batch = planner.cut()
    cache.apply(operations)
    planner.commit(batch, cache.decode(batch))
    planner.cancel([7])
    assert not planner.active
    check([([9] * 64, [63])], run(planner, cache, [([9] * 64, [63])]))


def test_prompts_that_cannot_be_planned_are_refused() -> None:
    """No marks, a last token without a mark, or more tokens than cells: an error, not a guess."""
    planner = Planner(8, 4, 8, 4)
    for tokens, marks in (([1, 2], []), ([1, 2], [0]), ([1] * 9, [8])):
        with pytest.raises(CountMismatchError, match="cannot be planned"):
            planner.admit(0, np.array(tokens, np.int32), marks)


def test_a_batch_with_too_few_rows_is_refused() -> None:
    """Rows and marks that disagree are an error."""
    planner = Planner(8, 4, 8, 4)
    planner.admit(0, np.array([1, 2], np.int32), [0, 1])
    _, batch = planner.cut()
    with pytest.raises(CountMismatchError, match="1 rows for 2 marks"):
        planner.commit(batch, np.zeros((1, 3), np.float32))


@st.composite
def forests(draw: st.DrawFn) -> tuple[Prompts, Planner, int]:
    """Prompts over a tiny alphabet, so that they share prefixes by chance, and a cache that is often too small."""
    prompts = []
    for _ in range(draw(st.integers(1, 14))):
        tokens = draw(st.lists(st.integers(0, 2), min_size=1, max_size=24))
        marks = draw(st.sets(st.integers(0, len(tokens) - 1), max_size=5)) | {len(tokens) - 1}
        prompts.append((tokens, sorted(marks)))
    n_cells, n_seqs, n_batch = draw(st.integers(24, 60)), draw(st.integers(2, 6)), draw(st.integers(1, 20))
    n_outputs, n_enough = draw(st.integers(1, 6)), draw(st.integers(1, n_batch))
    return prompts, Planner(n_cells, n_seqs, n_batch, n_outputs, n_enough), draw(st.integers(0, 3))


@settings(max_examples=examples(400))
@given(forests())
def test_any_prompts_in_any_room_get_the_rows_of_their_own_prefix(case: tuple[Prompts, Planner, int]) -> None:
    """Whatever is shared, queued, evicted or split: each mark's row is that of its own prefix, and every rule holds."""
    prompts, planner, ahead = case
    cache = Cache(planner.n_cells)
    check(prompts, run(planner, cache, prompts, ahead))
    assert cache.decoded <= sum(len(tokens) for tokens, _ in prompts)


class Held:
    """What a caller does with branches: opens, extends, forks and drops them, and checks every row it gets."""

    def __init__(self, n_cells: int = 200, n_seqs: int = 16, n_batch: int = 64) -> None:
        self.planner, self.cache = Planner(n_cells, n_seqs, n_batch, 16), Cache(n_cells)
        self.texts: dict[int, list[int]] = {}
        self.jobs = 1000

    def open(self, tokens: list[int]) -> int | None:
        seq = self.planner.admit(self.new_job(), np.array(tokens, np.int32), [], pin=True)
        if seq is not None:
            self.texts[seq] = list(tokens)
            self.work()
        return seq

    def extend(self, seq: int, tokens: list[int], want: Want = HIDDEN) -> bool:
        """Extend a branch and read at every new token, or for each how likely it is."""
        start = len(self.texts[seq])
        whole = [*self.texts[seq], *tokens]
        ahead = want == LIKELIHOOD
        marks = list(range(start - ahead, len(whole) - ahead))
        if not self.planner.extend(seq, self.new_job(), np.array(tokens, np.int32), marks, want):
            return False
        self.texts[seq] = whole
        (done,) = self.work()
        assert done.rows.tolist() == [[row(whole[: mark + 1 + ahead])] for mark in marks]
        assert done.tokens == len(whole)
        return True

    def fork(self, seq: int) -> int | None:
        made = self.planner.fork(seq)
        if made is not None:
            self.texts[made] = list(self.texts[seq])
        return made

    def drop(self, seq: int) -> None:
        self.planner.pin(seq, held=False)
        del self.texts[seq]

    def read(self, tokens: list[int]) -> bool:
        """Read a prompt beside what is held."""
        job = self.new_job()
        if self.planner.admit(job, np.array(tokens, np.int32), [len(tokens) - 1]) is None:
            return False
        (done,) = self.work()
        assert (done.job, done.rows.tolist()) == (job, [[row(tokens)]])
        return True

    def new_job(self) -> int:
        self.jobs += 1
        return self.jobs

    def work(self) -> list[Finished]:
        out: list[Finished] = []
        while self.planner.active:
            operations, batch = self.planner.cut()
            self.cache.apply(operations)
            if batch.runs:
                self.planner.commit(batch, self.cache.decode(batch))
            out += self.planner.finished()
        for seq, text in self.texts.items():
            assert self.planner.tokens(seq).tolist() == text, "what is held stays as it is"
        return out


def test_extending_two_of_eight_branches_costs_only_the_new_tokens() -> None:
    """Eight branches of 12 + 3 tokens are held while 20 other prompts pass through a narrow cache.

    Then any two of them grow by 2 tokens each: 4 are decoded. Nothing that is held was given back in between.
    """
    held = Held(n_cells=12 + 8 * 3 + 8 * 5 * 2 + 25, n_seqs=12)
    root = held.open([*range(12)])
    assert root is not None
    branches = [held.fork(root) for _ in range(8)]
    frontier = [branch for branch in branches if branch is not None]
    for number, branch in enumerate(frontier):
        assert held.extend(branch, [100 + 10 * number + i for i in range(3)])
    assert held.cache.decoded == 12 + 8 * 3
    rng = random.Random(0)
    for turn in range(10):
        others = [[500 + 50 * turn + 20 * i + j for j in range(20)] for i in range(2)]
        held.planner.narrow([np.array(tokens, np.int32) for tokens in others])
        assert all(held.read(tokens) for tokens in others)
        before = held.cache.decoded
        if turn % 2:
            for branch in rng.sample(frontier, 2):
                assert held.extend(branch, [7, rng.randrange(1000)])
            assert held.cache.decoded - before == 4


def test_what_is_held_is_not_evicted_and_says_so_when_it_fills_the_room() -> None:
    """Of 40 cells 30 are held: 15 more do not come in, until what is held is dropped; then they do."""
    held = Held(n_cells=40, n_seqs=4)
    first, second = held.open([1] * 15), held.open([2] * 15)
    assert first is not None
    assert second is not None
    assert not held.read([3] * 15)
    assert not held.extend(first, [9] * 15)
    assert held.extend(first, [9] * 10)
    held.drop(second)
    assert held.read([3] * 15)
    assert held.extend(first, [8] * 15)


def test_sequences_run_out_with_a_word() -> None:
    """Four sequences: three forks beside the first branch, no fourth, until one is dropped."""
    held = Held(n_seqs=4)
    first = held.open([1, 2, 3])
    assert first is not None
    forks = [held.fork(first) for _ in range(3)]
    assert None not in forks
    assert held.fork(first) is None
    held.drop(next(fork for fork in forks if fork is not None))
    assert held.fork(first) is not None


def test_how_likely_a_token_is_depends_on_it() -> None:
    """Two prompts that part at a token share the row of none before it: that row is of the token that follows."""
    planner, cache = Planner(100, 8, 512, 64), Cache(100)
    for job, tokens in enumerate(([1, 2, 3, 4, 5], [1, 2, 3, 9, 9], [1, 2, 3, 4, 5])):
        marks = [1, 2, 3]
        assert planner.admit(job, np.array(tokens, np.int32), marks, LIKELIHOOD) is not None
        operations, batch = planner.cut()
        cache.apply(operations)
        if batch.runs:
            planner.commit(batch, cache.decode(batch))
        (done,) = planner.finished()
        assert done.rows.tolist() == [[row(tokens[: mark + 2])] for mark in marks]
    assert cache.decoded == 5 + 3, "the shared token before the parting is read again, for what follows it"


MOVES = st.tuples(
    st.sampled_from(["open", "extend", "weigh", "fork", "drop", "read", "narrow"]),
    st.integers(0, 99),
    st.lists(st.integers(0, 2), min_size=1, max_size=8),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(MOVES, max_size=40), st.integers(20, 60), st.integers(3, 6), st.integers(1, 12))
def test_any_use_of_branches_keeps_every_rule(
    moves: list[tuple[str, int, list[int]]], n_cells: int, n_seqs: int, n_batch: int
) -> None:
    """Whatever is opened, extended, weighed, forked, dropped and read between: each row is that of its own tokens.

    What is held stays as it is, and what does not fit is refused without harm.
    """
    held = Held(n_cells, n_seqs, n_batch)
    for move, choice, tokens in moves:
        branches = list(held.texts)
        if move == "open":
            held.open(tokens)
        elif move == "read":
            held.read(tokens)
        elif move == "narrow":
            held.planner.narrow([np.array(tokens, np.int32)])
        elif branches:
            branch = branches[choice % len(branches)]
            if move == "fork":
                held.fork(branch)
            elif move == "drop":
                held.drop(branch)
            else:
                held.extend(branch, tokens, HIDDEN if move == "extend" else LIKELIHOOD)
