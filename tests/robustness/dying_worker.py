"""The real worker, but a text that holds DIE aborts the process, as a bug in C code would."""

import os

from stepcheck.engine import llama, worker
from stepcheck.engine.batches import Ints

tokenize = llama.Backbone.tokenize


def tokenize_or_die(self: llama.Backbone, text: str, *, special: bool, spaced: bool = False) -> Ints:
    if "DIE" in text:
        os.abort()
    return tokenize(self, text, special=special, spaced=spaced)


llama.Backbone.tokenize = tokenize_or_die  # type: ignore[method-assign]
worker.main()
