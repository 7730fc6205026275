"""A model that writes: `python -m stepcheck.engine.author` answers on stdout, one request of `wire.Write` at a time.

The second importer of llama_cpp in the engine, for the same reason in a process of its own. Owns the chat template and
the sampling. A template is one that llama.cpp knows by itself: the file's own text is compared, never executed. What
the user's turn says is tokenized as plain text, so it cannot end its turn and begin another.
"""

import codecs
import ctypes
import queue
from collections.abc import Callable, Iterator
from itertools import count
from typing import IO, Any

import llama_cpp.llama_cpp as lib
import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.llama import Backbone, decode_error
from stepcheck.engine.plan import Ints
from stepcheck.engine.worker import Requests, run
from stepcheck.errors import LoadError, TooLongError

_PLACE = "@@stepcheck-turn@@"
"""Stands for the user's turn while the template is laid around it."""
_CHATML = b"chatml"


class Author(Backbone):
    """A loaded model that writes."""

    tapped = False
    _held: tuple[int, ...] = ()
    """Tokens in the KV cache."""

    def __init__(self, load: wire.Load, on_progress: Callable[[float], None]) -> None:
        self._path = load.path
        super().__init__(load, on_progress)

    def prompt(self, text: str) -> Ints:
        """Lay the model's chat template around a user's turn; ids.

        Raises:
            LoadError: the file has no template that llama.cpp knows, nor ChatML's markers.
        """
        before, _, after = self._template().partition(_PLACE)
        parts = (self.tokenize(before, special=True), self.tokenize(text, special=False))
        return np.concatenate([*parts, self.tokenize(after, special=True)])

    def write(self, prompt: Ints, request: wire.Write, stopped: Callable[[], bool]) -> Iterator[str | None]:
        """Yield the words of an answer piece by piece, one a token; None where the room for it ran out.

        A prompt that begins as the last one did is read only from where it differs.

        Raises:
            TooLongError: the prompt alone fills the context.
            EngineError: or a subclass, with llama.cpp's reason.
        """
        if len(prompt) >= self.n_ctx:
            raise TooLongError(
                f"problem and solution have {len(prompt)} tokens with the question, the critic's context holds "
                f"{self.n_ctx}: raise --ctx, or use a model with a longer context"
            )
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        sampler = _sampler(request)
        try:
            shared = next((i for i, (a, b) in enumerate(zip(prompt, self._held, strict=False)) if a != b), None)
            keep = min(len(prompt) - 1, len(self._held) if shared is None else shared)
            self._forget(keep)
            self._decode(prompt[len(self._held) :])
            for written in count():
                if stopped():
                    return
                token = lib.llama_sampler_sample(sampler, self._context, -1)
                if lib.llama_vocab_is_eog(self._vocab, token):
                    return
                yield decoder.decode(self._piece(token))
                if written + 1 >= request.max_tokens or len(prompt) + written + 1 >= self.n_ctx:
                    yield None
                    return
                self._decode(np.array([token], np.int32))
        finally:
            lib.llama_sampler_free(sampler)

    def _forget(self, keep: int) -> None:
        """Keep the first tokens of the cache; where it cannot be cut, begin anew."""
        if not lib.llama_memory_seq_rm(self._memory, 0, keep, -1):
            lib.llama_memory_clear(self._memory, True)
            keep = 0
        self._held = self._held[:keep]

    def _decode(self, tokens: Ints) -> None:
        """Read tokens; the logits of the last are then there."""
        for start in range(0, len(tokens), self.n_ubatch):
            part = np.ascontiguousarray(tokens[start : start + self.n_ubatch], np.int32)
            pointer = part.ctypes.data_as(ctypes.POINTER(lib.llama_token))
            self._log.clear()
            code = lib.llama_decode(self._context, lib.llama_batch_get_one(pointer, len(part)))
            if code:
                raise decode_error(code, self._log.reason())
            self._held += tuple(part.tolist())

    def _piece(self, token: int) -> bytes:
        room = ctypes.create_string_buffer(256)
        size = lib.llama_token_to_piece(self._vocab, token, room, len(room), 0, False)
        return room.raw[: max(0, size)]

    def _template(self) -> str:
        """Lay out one user's turn and the beginning of the answer."""
        own = lib.llama_model_chat_template(self._model, None)
        for template in (own, _CHATML if len(self.tokenize("<|im_start|>", special=True)) == 1 else None):
            laid_out = None if template is None else _apply(template)
            if laid_out is not None and laid_out.count(_PLACE) == 1:
                return laid_out
        raise LoadError(
            f"{self._path}: has no chat template that llama.cpp knows by itself; run the model in a server that has "
            "one, and give its address instead"
        )


def _apply(template: bytes) -> str | None:
    """Let llama.cpp lay out a turn; None if it does not know the template."""
    turn = (lib.llama_chat_message * 1)(lib.llama_chat_message(b"user", _PLACE.encode()))
    room = ctypes.create_string_buffer(4096)
    size = lib.llama_chat_apply_template(template, turn, 1, True, room, len(room))
    return room.raw[:size].decode(errors="replace") if 0 < size <= len(room) else None


def _sampler(request: wire.Write) -> Any:  # noqa: ANN401 (a ctypes pointer)
    """Chain the samplers: greedy at temperature 0, else top-k, top-p, temperature and a seeded draw."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    if request.temperature <= 0:
        parts = [lib.llama_sampler_init_greedy()]
    else:
        parts = [lib.llama_sampler_init_top_k(request.top_k)] if request.top_k else []
        parts += [
            lib.llama_sampler_init_top_p(request.top_p, 1),
            lib.llama_sampler_init_temp(request.temperature),
            lib.llama_sampler_init_dist(request.seed),
        ]
    for part in parts:
        lib.llama_sampler_chain_add(chain, part)
    return chain


class _Dropped:
    """Whether the request under way is not wanted any more; keeps what else was asked meanwhile."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.kept: wire.Request | None = None

    def __call__(self) -> bool:
        try:
            request = self._requests.get_nowait()
        except queue.Empty:
            return False
        self.kept = None if isinstance(request, wire.Drop) else request
        return True


def main() -> None:
    """Load the model that the first request names, then answer until the requests end."""
    run(_serve)


def _serve(load: wire.Load, replies: IO[bytes], requests: Requests) -> None:
    def send(reply: wire.Reply) -> None:
        wire.send(replies, reply)

    author = Author(load, lambda done: send(wire.Loading(done)))
    author.prompt("")  # a model without a template is refused before it is asked anything
    send(wire.Ready(author.hidden, author.n_ctx, author.device, author.n_threads, author.n_ubatch))
    request = requests.get()
    while request is not None:
        dropped = _Dropped(requests)
        if isinstance(request, wire.Write):
            _answer(author, request, dropped, send)
        request = dropped.kept or requests.get()


def _answer(author: Author, request: wire.Write, dropped: _Dropped, send: Callable[[wire.Reply], None]) -> None:
    """Write one answer; what is wrong with its prompt alone is its own error."""
    tokens, whole = 0, True
    try:
        for piece in author.write(author.prompt(request.text), request, dropped):
            if piece is None:
                whole = False
            else:
                tokens += 1
                send(wire.Piece(request.job, piece))
    except TooLongError as error:
        send(wire.Failed(request.job, error.kind, str(error)))
        return
    send(wire.Written(request.job, whole, tokens))


if __name__ == "__main__":
    main()
