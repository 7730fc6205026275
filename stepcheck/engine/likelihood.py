"""How likely a model finds a text: `python -m stepcheck.engine.likelihood` answers `wire.Asks` one prompt at a time.

For each mark of a prompt one number: the sum of log p(token | tokens before it) over the solution's tokens up to the
mark's last one. The logits of every solution token are needed for it, so nothing is tapped here. Tokens that a prompt
shares with the one before it, as candidates of a problem do, are not read again.
"""

import time
from typing import IO

import llama_cpp.llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from stepcheck.engine import wire
from stepcheck.engine.llama import Backbone, decode_error
from stepcheck.engine.plan import Batch, Ints, Run
from stepcheck.engine.worker import Requests, run, too_long
from stepcheck.errors import CountMismatchError, TooLongError


class Reader(Backbone):
    """A loaded model that says how likely texts are."""

    tapped = False
    n_outputs = 256
    """Rows of logits per decode: 156 MB for a vocabulary of 152,064."""
    _held: Ints = np.empty(0, np.int32)
    _known: NDArray[np.float64] = np.empty(0)
    """log p of every held token; NaN where it was not asked for."""

    def log_likelihoods(self, tokens: Ints, first: int) -> tuple[NDArray[np.float64], int]:
        """Return log p of every token from `first` on, and how many tokens were computed.

        Raises:
            EngineError: or a subclass, with llama.cpp's reason.
        """
        known = np.full(len(tokens), np.nan)
        shared = _common(tokens, self._held)
        known[:shared] = self._known[:shared]
        missing = np.flatnonzero(np.isnan(known[first:]))
        start = min(shared, first + int(missing[0]) if len(missing) else len(tokens))
        start = max(0, start - 1)  # the logits of a token's predecessor are not kept
        if not lib.llama_memory_seq_rm(self._memory, 0, start, -1):
            lib.llama_memory_clear(self._memory, True)
            start = 0
        self._held = tokens[:0]
        for begin in range(start, len(tokens), min(self.n_ubatch, self.n_outputs)):
            end = min(begin + min(self.n_ubatch, self.n_outputs), len(tokens))
            wanted = range(max(begin, first - 1), min(end, len(tokens) - 1))
            known[wanted.start + 1 : wanted.stop + 1] = self._read(tokens, begin, end, wanted)
        self._held, self._known = tokens, known
        return known[first:], len(tokens) - start

    def _read(self, tokens: Ints, begin: int, end: int, wanted: range) -> NDArray[np.float64]:
        """Decode one piece; log p of the tokens that follow the `wanted` positions."""
        batch = Batch((Run(tokens[begin:end], begin, [0], set(wanted)),))
        rows = self._batch.fill(batch)
        self._log.clear()
        code = lib.llama_decode(self._context, self._batch.struct)
        if code:
            raise decode_error(code, self._log.reason())
        if not len(wanted):
            return np.empty(0)
        pointer = lib.llama_get_logits(self._context)
        logits = np.ctypeslib.as_array(pointer, (rows, lib.llama_vocab_n_tokens(self._vocab))).astype(np.float64)
        top = logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return np.asarray(logits[np.arange(rows), tokens[wanted.start + 1 : wanted.stop + 1]] - total, np.float64)


def _common(a: Ints, b: Ints) -> int:
    n = min(len(a), len(b))
    different = np.flatnonzero(a[:n] != b[:n])
    return int(different[0]) if len(different) else n


def answer(reader: Reader, ask: wire.Ask, replies: IO[bytes]) -> None:
    """Weigh one prompt and send the sums at its marks; what is wrong with it alone is its own error."""
    started = time.perf_counter()
    try:
        tokens, first, marks = _lay_out(reader, ask)
        values, decoded = reader.log_likelihoods(tokens, first)
    except (TooLongError, CountMismatchError) as error:
        wire.send(replies, wire.Failed(ask.job, error.kind, str(error)))
        return
    sums = np.cumsum(values)[[mark - first for mark in marks]]
    reply = wire.Answer(ask.job, len(marks), len(tokens), decoded, time.perf_counter() - started)
    wire.send(replies, reply, sums.astype(np.float32).tobytes())


def _lay_out(reader: Reader, ask: wire.Ask) -> tuple[Ints, int, list[int]]:
    """Tokenize a prompt: its ids, where the solution begins, and the places of the marks."""
    pieces = [reader.tokenize(text, special=special) for text, special, _ in ask.segments]
    ends = [int(end) for end in np.cumsum([len(piece) for piece in pieces])]
    if ends[-1] > reader.context:
        raise too_long(str(ends[-1]), reader.context, reader.longest)
    begin = ends[ask.begins - 1] if ask.begins else 0
    first = begin - ask.lead
    marks = [end - 1 for end, (_, _, mark) in zip(ends, ask.segments, strict=True) if mark]
    if ask.ends:
        # a step's end is told by how many tokens all before it are on their own: the next may share one with it
        text = ask.segments[ask.begins][0]
        counts = [len(reader.tokenize(text[:end], special=False)) for end in ask.ends]
        marks = [*(min(begin + count - 1 + ask.behind, ends[-1] - 1) for count in counts), *marks]
    if first < 1 or not marks or marks[0] < first:
        raise CountMismatchError("a step without any text has no token whose likelihood could be read")
    return np.concatenate(pieces), first, marks


def main() -> None:
    """Load the model that the first request names, then answer until the requests end."""
    run(_serve)


def _serve(load: wire.Load, replies: IO[bytes], requests: Requests) -> None:
    reader = Reader(load, lambda done: wire.send(replies, wire.Loading(done)))
    wire.send(replies, wire.Ready(1, reader.context, reader.device, reader.n_threads, reader.n_ubatch))
    while (request := requests.get()) is not None:
        for ask in request.asks if isinstance(request, wire.Asks) else ():
            answer(reader, ask, replies)


if __name__ == "__main__":
    main()
