"""Segments → tokens and the positions at which something is wanted, in the model's own tokenizer.

Owns what a mark is in tokens. Refuses what does not fit into the context, and a mark that would be read elsewhere.
"""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stepcheck.engine.batches import Floats, Ints
from stepcheck.errors import CountMismatchError, InputError, TooLongError
from stepcheck.prm.prompt import Want

REMEMBERED_TEXTS = 256
"""Tokenized segments kept: templates recur in every prompt, problems in every candidate."""
Segments = Sequence[tuple[str, bool, bool]]


class Tokenizer(Protocol):
    """What is needed of a loaded model."""

    context: int
    longest: int
    has_mark: bool
    vocabulary: int
    """How many tokens there are."""

    def tokenize(self, text: str, *, special: bool) -> Ints:
        """Token ids of a text on its own."""
        ...

    def least_tokens(self, text: str) -> int:
        """The fewest tokens a text can have."""
        ...


@dataclass(frozen=True, slots=True)
class Joined:
    """A solution in one piece, the segment `begins`: `ends` are the characters after which a step ends.

    Each is read `behind` tokens further on; likelihoods begin `lead` tokens before the solution.
    """

    begins: int = 0
    ends: tuple[int, ...] = ()
    behind: int = 0
    lead: int = 0


@dataclass(frozen=True, slots=True)
class Laid:
    """Tokens, and the positions `marks` at which rows are wanted; where likelihoods are, the sums `ends` of them."""

    tokens: Ints
    marks: tuple[int, ...]
    ends: tuple[int, ...] = ()

    def rows(self, rows: Floats) -> Floats:
        """Turn what was read at `marks` into one row a mark of the prompt's."""
        if not self.ends:
            return np.ascontiguousarray(rows, np.float32)
        sums = np.cumsum(rows[:, 0], dtype=np.float64)[[end - self.marks[0] - 1 for end in self.ends]]
        return np.asarray(sums[:, None], np.float32)


class Layout:
    """Lays out prompts, and what is added to a branch."""

    def __init__(self, model: Tokenizer) -> None:
        self._model = model
        self._texts: OrderedDict[tuple[str, bool], Ints] = OrderedDict()

    def lay_out(self, segments: Segments, want: Want, joined: Joined = Joined(), *, held: int = 0) -> Laid:
        """Lay out segments after `held` tokens; likelihoods are those from where the solution begins.

        Raises:
            TooLongError: together they are longer than the context.
            CountMismatchError: a mark is not one token, or there is no token at which something could be read.
        """
        model = self._model
        least = held + sum(model.least_tokens(text) for text, _, _ in segments)
        if least > model.context:
            raise too_long(f"at least {least}", model.context, model.longest)
        pieces = [self._tokens(text, special=special) for text, special, _ in segments]
        ends = list(itertools.accumulate(map(len, pieces), initial=held))[1:]
        if ends and ends[-1] > model.context:
            raise too_long(str(ends[-1]), model.context, model.longest)
        for (text, _, mark), piece in zip(segments, pieces, strict=True):
            if mark:
                self._check_mark(text, len(piece), want)
        begin = ends[joined.begins - 1] if joined.begins else held
        marks = tuple(end - 1 for end, (_, _, mark) in zip(ends, segments, strict=True) if mark)
        if joined.ends:
            last = ends[-1] - 1
            counts = self._counts(segments[joined.begins][0], joined.ends)
            marks = (*(min(begin + count - 1 + joined.behind, last) for count in counts), *marks)
        tokens = np.concatenate([np.empty(0, np.int32), *pieces]).astype(np.int32, copy=False)
        if want.kind != "log_likelihood" or not marks:
            return Laid(tokens, marks)
        first = begin - joined.lead
        if first < 1 or marks[0] < first:
            raise CountMismatchError("a step without any text has no token whose likelihood could be read")
        return Laid(tokens, tuple(range(first - 1, max(marks))), marks)

    def given(self, tokens: Sequence[int], mark: str) -> Laid:
        """Take token ids as they are; what follows the last mark changes no row and is left out.

        Raises:
            TooLongError: they are more than the context holds.
            InputError: one is no token of the model's, or none is its mark.
        """
        model = self._model
        if len(tokens) > model.context:
            raise too_long(str(len(tokens)), model.context, model.longest)
        ids = np.array(tokens, np.int64)
        foreign = ids[(ids < 0) | (ids >= model.vocabulary)]
        if len(foreign):
            raise InputError(f"{foreign[0]} is no token of this model's, which has {model.vocabulary:,}")
        marks = tuple(map(int, np.flatnonzero(np.isin(ids, self._tokens(mark, special=True)))))
        if not marks:
            raise InputError(f"none of the tokens is the mark {mark!r}, so there is nothing to read")
        return Laid(ids[: marks[-1] + 1].astype(np.int32), marks)

    def _counts(self, text: str, ends: Sequence[int]) -> list[int]:
        """Count the tokens that all before each end are on their own: the next step may share one with it."""
        return [len(self._model.tokenize(text[:end], special=False)) for end in ends]

    def _check_mark(self, text: str, tokens: int, want: Want) -> None:
        if want.kind == "hidden" and self._model.has_mark and tokens != 1:
            raise CountMismatchError(f"the mark {text!r} became {tokens} tokens, not one")
        if not tokens:
            raise CountMismatchError("a step without any text has no token at which its reward could be read")

    def _tokens(self, text: str, *, special: bool) -> Ints:
        key = (text, special)
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self._model.tokenize(text, special=special)
            if len(self._texts) > REMEMBERED_TEXTS:
                self._texts.popitem(last=False)
        else:
            self._texts.move_to_end(key)
        return found


def too_long(tokens: str, context: int, longest: int) -> TooLongError:
    """Say that one prompt does not fit, and what helps: more room only up to `longest`, which the model reads."""
    help_ = f"give --ctx {longest}" if context < longest else f"{longest} are all that this model reads: take another"
    return TooLongError(
        f"problem and solution have {tokens} tokens, the context holds {context}: shorten the text, or {help_}"
    )
