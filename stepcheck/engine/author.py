"""What writing needs: a prompt in the model's own chat template, the draw of the next token, and its words.

Calls llama.cpp for its samplers and what a file says of its vocabulary. The template is the file's own, rendered
in a process of its own (`rendering.py`). What the user's turn says is tokenized as plain text, so it cannot end its
turn and begin another.
"""

import codecs
import ctypes
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from stepcheck.engine import wire
from stepcheck.engine.batches import Ints
from stepcheck.engine.binding import lib
from stepcheck.engine.chat import Special, prompt_tokens
from stepcheck.engine.context import Context
from stepcheck.engine.llama import Backbone
from stepcheck.engine.turn import CHATML, Turn, turn_of
from stepcheck.errors import LoadError

_MARKS = lib.LLAMA_TOKEN_ATTR_CONTROL | lib.LLAMA_TOKEN_ATTR_USER_DEFINED
_NFC = {"qwen2"}
"""Pre-tokenizers that belong to a tokenizer which composes characters first; llama.cpp does not bring that about."""


class Chat:
    """The chat of a loaded model: its template, and its vocabulary as `chat.py` asks for it.

    Raises on construction:
        LoadError: the file has no chat template nor ChatML's marks, or one that cannot be used.
    """

    def __init__(self, backbone: Backbone, path: str) -> None:
        self._backbone = backbone
        self._model, self._vocab = backbone.handles
        self._composes = self._said("tokenizer.ggml.pre") in _NFC
        self._spaces = self._said("tokenizer.ggml.add_space_prefix") != "false"
        self._turn = self._find_turn(path)

    def prompt(self, text: str) -> Ints:
        """Lay the template around what the user says; ids."""
        return np.array(prompt_tokens(self, self._turn, text), np.int32)

    def specials(self, text: str) -> list[Special]:
        """Special tokens in a text, in order."""
        found = map(int, self._backbone.tokenize(text, special=True))
        return [self._special(token) for token in found if self._attributes(token) & _MARKS]

    def plain(self, text: str, *, begins: bool) -> Sequence[int]:
        """Tokens of a text without special ones.

        A SentencePiece vocabulary that puts a space before a text does so behind a special token, too, as the
        tokenizers do that such files were made of; where the template has put one there, there is one, not two.
        """
        text = unicodedata.normalize("NFC", text) if self._composes else text
        spaced = begins and self._spaces and not text.startswith(" ")
        return [int(token) for token in self._backbone.tokenize(text, special=False, spaced=spaced)]

    def _find_turn(self, path: str) -> Turn:
        template: bytes | None = lib.llama_model_chat_template(self._model, None)
        if template is not None:
            return turn_of(template.decode(errors="replace"), self._named(), path)
        if len(self._backbone.tokenize("<|im_start|>", special=True)) == 1:
            return CHATML
        raise LoadError(
            f"{path}: has no chat template; give an instruct model's file that has one, or run the model in a server"
            " that has one, and give its address instead"
        )

    def _named(self) -> dict[str, str]:
        """Return the texts of the special tokens that a template may name."""
        numbers = {
            "bos_token": lib.llama_vocab_bos(self._vocab),
            "eos_token": lib.llama_vocab_eos(self._vocab),
            "pad_token": lib.llama_vocab_pad(self._vocab),
        }
        return {name: self._text(token) for name, token in numbers.items() if token >= 0}

    def _special(self, token: int) -> Special:
        found = self._attributes(token)
        left, right = (bool(found & side) for side in (lib.LLAMA_TOKEN_ATTR_LSTRIP, lib.LLAMA_TOKEN_ATTR_RSTRIP))
        return Special(token, self._text(token), left, right)

    def _attributes(self, token: int) -> int:
        return int(lib.llama_vocab_get_attr(self._vocab, token))

    def _text(self, token: int) -> str:
        return bytes(lib.llama_vocab_get_text(self._vocab, token) or b"").decode(errors="replace")

    def _said(self, key: str) -> str:
        """Return what the file says under a key; empty where it says nothing."""
        room = ctypes.create_string_buffer(256)
        size = lib.llama_model_meta_val_str(self._model, key.encode(), room, len(room))
        return room.value.decode(errors="replace") if size >= 0 else ""


class Answer:
    """An answer under way on a branch: its sampler, how much is written, and whether it is to end."""

    def __init__(self, request: wire.Write, seq: int) -> None:
        self.job, self.seq, self.held = request.job, seq, request.branch is not None
        self.tokens = 0
        self._most, self._stop = request.max_tokens, tuple(request.stop)
        self._words = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._sampler = _sampler(request)

    def draw(self, backbone: Backbone, context: Context) -> int | None:
        """Draw the next token off what a context decoded last; None where the model ends its answer."""
        token = context.draw(self._sampler)
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
