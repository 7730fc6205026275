"""Written solutions as token ids, labels and targets, and rows of them as batches. No network, no choice of data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.nano.equations import OPERATORS
from models.nano.numbers import digit_strings
from models.nano.tokenizer import END, MARK, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from torch import Tensor

    from models.nano.writing import Fragment, Tree, Written


BATCH_TOKENS = 4600


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row: token ids; (place, label) of each mark; (place, right class of the next token) where known.

    `checks` are (place, label) of the numbers and operators themselves, where known; `running` are (place, class of
    what the calculation comes to so far) of the numbers that end a part of one.

    A token of branch 0 sees the tokens of branch 0 before it; one of another branch sees those of its own as well.
    """

    tokens: list[int] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)
    checks: list[tuple[int, int]] = field(default_factory=list)
    running: list[tuple[int, int]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)

    def extend(self, tokens: Sequence[int], branch: int, position: int) -> None:
        """Add tokens whose first one stands at the position."""
        self.tokens.extend(tokens)
        self.positions.extend(range(position, position + len(tokens)))
        self.branches.extend([branch] * len(tokens))


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows padded on the right: [B, L] each; flat places in B·L, with the classes, of what an `Encoded` notes."""

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    branches: NDArray[np.int64]
    marks: NDArray[np.int64]
    labels: NDArray[np.int64]
    places: NDArray[np.int64]
    targets: NDArray[np.int64]
    checked: NDArray[np.int64]
    checks: NDArray[np.int64]
    run: NDArray[np.int64]
    values: NDArray[np.int64]

    def inputs(self, device: torch.device) -> tuple[Tensor, ...]:
        """What the network reads: tokens, positions and branches."""
        return tuple(torch.from_numpy(part).to(device) for part in (self.tokens, self.positions, self.branches))


@cache
def classes() -> dict[str, int]:
    """What the second loss predicts: a digit string or an operator."""
    return {text: index for index, text in enumerate([*digit_strings(), *OPERATORS])}


class Encoder:
    """The template and the tokenizer: the one way from a written document to a row."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        mark = tokenizer.token_to_id(MARK)
        if mark is None:
            raise ValueError(f"the tokenizer has no token {MARK}: build it with models.nano.tokenizer")
        self.mark = mark
        self.opening = tokenizer.encode(f"{START}user\n").ids
        self.turn = tokenizer.encode(f"{END}\n{START}assistant\n").ids

    def document(self, written: Written, *, whole: bool = False) -> Encoded:
        """The opening, the problem, the turn of speaker, and the steps, each with its mark.

        Steps after the first wrong one have no label: they are listed only if `whole`.
        """
        row = self._opened(written.question)
        for index, step in enumerate(written.steps):
            learn = whole or written.first_error is None or index <= written.first_error
            self._add(row, [(step, int(index != written.first_error))], learn=learn)
        return row

    def tree(self, tree: Tree) -> Encoded:
        """The same for a tree: each slip is a branch from where its step begins to differ."""
        row = self._opened(tree.question)
        branches = 0
        for index, step in enumerate(tree.steps):
            slips = [(slip, 0) for at, slip in tree.slips if at == index]
            self._add(row, [(step, 1), *slips], branches=branches)
            branches += len(slips)
        return row

    def _opened(self, question: str) -> Encoded:
        row = Encoded()
        asked = self.tokenizer.encode(question, add_special_tokens=False).ids
        row.extend([*self.opening, *asked, *self.turn], 0, 0)
        return row

    def equation(self, versions: Sequence[tuple[Sequence[Fragment], int]]) -> Encoded:
        """Versions of an equation and their labels, without the template; the first is the trunk.

        The last number is the target: only that follows from the others.
        """
        row = Encoded()
        self._add(row, [(only_last(fragments, sure=bool(label)), label) for fragments, label in versions])
        return row

    def _add(
        self, row: Encoded, versions: Sequence[tuple[Sequence[Fragment], int]], *, learn: bool = True, branches: int = 0
    ) -> None:
        """Add a step with its mark; the other versions branch off before the first token that differs.

        `branches` counts those of the row so far. A branch's tokens lie before the trunk's of that place, which they
        must not see.
        """
        before = next((i for i in reversed(range(len(row.tokens))) if row.branches[i] == 0), -1)
        position = row.positions[before] + 1 if before >= 0 else 0
        encodings = [
            self.tokenizer.encode("".join(f.text for f in step), add_special_tokens=False) for step, _ in versions
        ]
        trunk, *others = ids = [[*encoding.ids, self.mark] for encoding in encodings]
        forks = [common(trunk, other) for other in others]
        places: list[list[int]] = [[] for _ in versions]
        for at, token in enumerate(trunk):
            for number, fork in enumerate(forks, 1):
                if fork == at:
                    tail = ids[number][fork:]
                    places[number] = [*places[0], *range(len(row.tokens), len(row.tokens) + len(tail))]
                    row.extend(tail, branches + number, position + fork)
            places[0].append(len(row.tokens))
            row.extend([token], 0, position + at)
        if learn:
            for (step, label), encoding, where in zip(versions, encodings, places, strict=True):
                row.marks.append((where[-1], label))
                self._look(row, step, encoding.offsets, [before, *where])

    @staticmethod
    def _look(row: Encoded, step: Sequence[Fragment], offsets: list[tuple[int, int]], places: list[int]) -> None:
        """Note what is known of a version's tokens; `places` are those of the token before it and of its own."""
        token_at = {char: i for i, (a, b) in enumerate(offsets) for char in range(a, b)}
        at = 0
        for fragment in step:
            for char, target, same in _targets(fragment):
                token = token_at[at + char]
                if places[token] >= 0 and (places[token], target) not in row.targets:
                    row.targets.append((places[token], target))
                if (places[token + 1], int(same)) not in row.checks:
                    row.checks.append((places[token + 1], int(same)))
            worth = classes().get(fragment.running or "")
            if worth is not None:
                ends = (places[token_at[at + len(fragment.text) - 1] + 1], worth)
                if ends not in row.running:
                    row.running.append(ends)
            at += len(fragment.text)


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens both begin with; less than either has."""
    least = min(len(first), len(second)) - 1
    return next((i for i in range(least) if first[i] != second[i]), least)


def only_last(fragments: Sequence[Fragment], *, sure: bool) -> list[Fragment]:
    """The fragments with a target at the last number alone, and only if that is known to follow from the others."""
    last = max(i for i, fragment in enumerate(fragments) if fragment.right is not None)
    sure = sure or fragments[last].text != fragments[last].right
    return [f if f.right is None or (i == last and sure) else replace(f, right=None) for i, f in enumerate(fragments)]


def _targets(fragment: Fragment) -> list[tuple[int, int, bool]]:
    """(character in the fragment, right class, whether that is what is written there).

    Of an operator, or of each group of digits to the first wrong one.
    """
    known = classes()
    if fragment.right is None:
        return []
    if fragment.right in OPERATORS:
        start = len(fragment.text) - len(fragment.text.lstrip())
        return [(start, known[fragment.right], not fragment.slip)]
    found = []
    for shown, meant in zip(re.finditer(r"\d+", fragment.text), re.findall(r"\d+", fragment.right), strict=False):
        if meant not in known:
            break
        found.append((shown.start(), known[meant], shown[0] == meant))
        if shown[0] != meant:
            break
    return found


def bucketed(rows: list[Encoded], most: int = BATCH_TOKENS) -> list[list[Encoded]]:
    """Rows of like length together, about so many tokens with the padding at most."""
    groups: list[list[Encoded]] = []
    for row in sorted(rows, key=lambda row: -len(row.tokens)):
        if not groups or padded(len(groups[-1][0].tokens)) * (len(groups[-1]) + 1) > most:
            groups.append([])
        groups[-1].append(row)
    if len(groups) > 1 and padded(len(groups[-1][0].tokens)) * len(groups[-1]) < most // 4:
        groups[-2] += groups.pop()  # for a tiny batch, compiled layers would be compiled anew
    return groups


def padded(length: int) -> int:
    """The length rounded up: oneDNN compiles a kernel for every new shape, so there should be few."""
    step = 4 if length <= 40 else 16
    return -(-length // step) * step


def collate(rows: Sequence[Encoded]) -> Batch:
    """Pad the rows on the right with token 0 and make their positions flat."""
    longest = padded(max(len(row.tokens) for row in rows))
    tokens, positions, branches = (np.zeros((len(rows), longest), dtype=np.int64) for _ in range(3))
    for i, row in enumerate(rows):
        tokens[i, : len(row.tokens)] = row.tokens
        positions[i, : len(row.tokens)] = row.positions
        branches[i, : len(row.tokens)] = row.branches
    marks = [(i * longest + place, label) for i, row in enumerate(rows) for place, label in row.marks]
    targets = [(i * longest + place, target) for i, row in enumerate(rows) for place, target in row.targets]
    checks = [(i * longest + place, label) for i, row in enumerate(rows) for place, label in row.checks]
    run = [(i * longest + place, worth) for i, row in enumerate(rows) for place, worth in row.running]
    return Batch(tokens, positions, branches, *_columns(marks), *_columns(targets), *_columns(checks), *_columns(run))


def _columns(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
