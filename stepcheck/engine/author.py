"""What writing needs: the chat template, the draw of the next token, and the words that come of it.

Calls llama.cpp for its samplers and templates. A template is one that llama.cpp knows by itself: the file's own
text is compared, never executed. What the user's turn says is tokenized as plain text, so it cannot end its turn and
begin another.
"""

import codecs
import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.batches import Ints
from stepcheck.engine.binding import lib
from stepcheck.engine.llama import Backbone
from stepcheck.errors import LoadError

_PLACE = "@@stepcheck-turn@@"
"""Stands for the user's turn while the template is laid around it."""
_CHATML = b"chatml"


def chat_prompt(backbone: Backbone, text: str, path: str) -> Ints:
    """Lay the model's chat template around a user's turn; ids.

    Raises:
        LoadError: the file has no template that llama.cpp knows, nor ChatML's markers.
    """
    before, _, after = _template(backbone, path).partition(_PLACE)
    parts = (backbone.tokenize(before, special=True), backbone.tokenize(text, special=False))
    return np.concatenate([*parts, backbone.tokenize(after, special=True)])


def _template(backbone: Backbone, path: str) -> str:
    """Lay out one user's turn and the beginning of the answer."""
    chatml = _CHATML if len(backbone.tokenize("<|im_start|>", special=True)) == 1 else None
    for template in (backbone.chat_template, chatml):
        laid_out = None if template is None else _apply(template)
        if laid_out is not None and laid_out.count(_PLACE) == 1:
            return laid_out
    raise LoadError(
        f"{path}: has no chat template that llama.cpp knows by itself; run the model in a server that has one, and give"
        " its address instead"
    )


def _apply(template: bytes) -> str | None:
    """Let llama.cpp lay out a turn; None if it does not know the template."""
    turn = (lib.llama_chat_message * 1)(lib.llama_chat_message(b"user", _PLACE.encode()))
    room = ctypes.create_string_buffer(4096)
    size = lib.llama_chat_apply_template(template, turn, 1, True, room, len(room))
    return room.raw[:size].decode(errors="replace") if 0 < size <= len(room) else None


class Answer:
    """An answer under way on a branch: its sampler, how much is written, and whether it is to end."""

    def __init__(self, request: wire.Write, seq: int) -> None:
        self.job, self.seq, self.held = request.job, seq, request.branch is not None
        self.tokens = 0
        self._most, self._stop = request.max_tokens, tuple(request.stop)
        self._words = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._sampler = _sampler(request)

    def draw(self, backbone: Backbone) -> int | None:
        """Draw the next token; None where the model ends its answer."""
        token = backbone.draw(self._sampler)
        return None if backbone.ends(token) else token

    def take(self, piece: bytes) -> str:
        """Take a token's bytes in and return the words that are whole by now."""
        self.tokens += 1
        words = self._words.decode(piece)
        longest = max(map(len, self._stop), default=0)
        self._text = (self._text + words)[-(longest + len(words)) :]
        return words

    @property
    def stopped(self) -> bool:
        """Whether a text that ends it has been written."""
        return any(stop in self._text for stop in self._stop)

    @property
    def full(self) -> bool:
        """Whether it has as many tokens as it may have."""
        return self.tokens >= self._most

    def close(self) -> None:
        """Give the sampler back."""
        lib.llama_sampler_free(self._sampler)


def _sampler(request: wire.Write) -> Any:  # noqa: ANN401 (a ctypes pointer)
    """Chain the samplers: greedy at temperature 0, else top-k, top-p, temperature and a seeded draw."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    for part in _samplers(request):
        lib.llama_sampler_chain_add(chain, part)
    return chain


def _samplers(request: wire.Write) -> Sequence[Any]:
    if request.temperature <= 0:
        return [lib.llama_sampler_init_greedy()]
    parts = [lib.llama_sampler_init_top_k(request.top_k)] if request.top_k else []
    return [
        *parts,
        lib.llama_sampler_init_top_p(request.top_p, 1),
        lib.llama_sampler_init_temp(request.temperature),
        lib.llama_sampler_init_dist(request.seed),
    ]
