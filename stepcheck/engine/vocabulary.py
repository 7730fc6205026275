"""A model's vocabulary, as llama.cpp has it: texts to tokens, and tokens to texts.

Owns where a space stands that a SentencePiece vocabulary would put before a text of its own accord. Knows no context:
a file whose vocabulary alone was loaded is enough.
"""

import ctypes
from functools import cached_property
from typing import Any

import numpy as np

from stepcheck.engine.batches import Ints
from stepcheck.engine.binding import lib
from stepcheck.errors import CountMismatchError, EngineError


class Vocabulary:
    """That of a model which llama.cpp has loaded, and which has to outlive it; `handle` is llama.cpp's own."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 (a ctypes pointer)
        self.handle = lib.llama_model_get_vocab(model)
        self.size = int(lib.llama_vocab_n_tokens(self.handle))
        self._spaced = lib.llama_vocab_type(self.handle) == lib.LLAMA_VOCAB_TYPE_SPM

    def tokenize(self, text: str, *, special: bool, spaced: bool = False) -> Ints:
        """Token ids of a text on its own; special tokens are recognised only if `special`.

        A SentencePiece vocabulary puts a space before a text, which belongs before the first of several pieces only;
        the template says where spaces are, unless `spaced`. A newline, which such a vocabulary never joins to anything,
        takes that space upon itself and is cut off again.
        """
        if spaced or not self._spaced or not text:
            return self._tokenize(text, special=special)
        lead = self._tokenize("\n", special=False)
        tokens = self._tokenize("\n" + text, special=special)
        if not np.array_equal(tokens[: len(lead)], lead):
            raise EngineError("this model's tokenizer joins a newline to what follows it: its file is not supported")
        return tokens[len(lead) :]

    def _tokenize(self, text: str, *, special: bool) -> Ints:
        data = text.encode()
        room = len(data) + 8
        tokens = np.empty(room, np.int32)
        pointer = tokens.ctypes.data_as(ctypes.POINTER(lib.llama_token))
        n = lib.llama_tokenize(self.handle, data, len(data), pointer, room, False, special)
        if n < 0:
            raise EngineError(f"llama.cpp could not tokenize a text of {len(data)} bytes (code {n})")
        return tokens[:n]

    def token_id(self, text: str) -> int:
        """Return the token that a text is.

        Raises:
            CountMismatchError: it is none or several.
        """
        tokens = self.tokenize(text, special=True)
        if len(tokens) != 1:
            raise CountMismatchError(f"{text!r} is {len(tokens)} tokens in this model's vocabulary, not one")
        return int(tokens[0])

    def ends(self, token: int) -> bool:
        """Tell whether a token ends a text."""
        return bool(lib.llama_vocab_is_eog(self.handle, token))

    def piece(self, token: int) -> bytes:
        """Return a token's bytes; a special one has none."""
        room = ctypes.create_string_buffer(256)
        size = lib.llama_token_to_piece(self.handle, token, room, len(room), 0, False)
        return room.raw[: max(0, size)]

    @cached_property
    def longest(self) -> int:
        """How long the text of the longest token is."""
        return max((len(lib.llama_vocab_get_text(self.handle, i) or b" ") for i in range(self.size)), default=1)
