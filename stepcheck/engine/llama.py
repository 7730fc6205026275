"""llama.cpp: a loaded backbone that tokenizes, and the contexts that it is decoded in.

Calls llama.cpp, as `context.py`, `lora.py`, `author.py` and the quantizer do. Owns what a model is loaded with:
threads, sizes, how many contexts there may be. Runs in the engine's process only; the parent may import nothing of it.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from stepcheck.engine.base import LANE_CELLS, N_LANES
from stepcheck.engine.batches import Ints
from stepcheck.engine.binding import lib
from stepcheck.engine.context import Context, Sizes
from stepcheck.engine.cores import usable_cores
from stepcheck.engine.devices import accelerator
from stepcheck.engine.log import Log, load_error
from stepcheck.engine.lora import load_adapter, use_adapter
from stepcheck.engine.vocabulary import Vocabulary
from stepcheck.engine.wire import Load
from stepcheck.errors import EngineError, LoadError
from stepcheck.prm.prompt import Want

N_OUTPUTS: Final = 64
"""Rows per decode: each costs llama.cpp a row of logits in its output buffer, although none is computed."""
N_WEIGHED: Final = 256
"""Rows of logits per decode, where many are wanted: 156 MB for a vocabulary of 152,064."""
N_UBATCH: Final = 512
"""Tokens per decode on a CPU."""
N_ENOUGH: Final = 256
"""Tokens after which a decode on a CPU ends with a prompt: so few are computed as fast as 512, and each further prompt
lengthens the mask that every token's attention reads. 512 tokens beside 1,024 cells of others: 6 % slower (0.5B)."""
N_UBATCH_OFFLOAD: Final = 1024
"""Tokens per decode where layers are offloaded."""
TINY: Final = 384
"""Up to this width one thread is the default: the matrices are so small that a second gains a fifth at best, and where
other programs keep the cores busy, threads that spin at llama.cpp's barriers cost many times that (two cores)."""


class Backbone:
    """A loaded model and its first context.

    Raises on construction:
        LoadError: the file is no model that llama.cpp can run, or the mark is not one token of it.
        OutOfMemoryError: there is no room for it.
    """

    def __init__(self, load: Load, on_progress: Callable[[float], None]) -> None:
        self._load, self._log = load, Log()
        self._model = self._load_model(on_progress)
        self._vocabulary = Vocabulary(self._model)
        self.hidden = int(lib.llama_model_n_embd(self._model))
        self.vocabulary = self._vocabulary.size
        self.has_mark = load.mark is not None
        self._check_mark()
        offload = lib.llama_supports_gpu_offload() and load.n_gpu_layers != 0
        self.device = accelerator() if offload else "CPU"
        self.n_threads = load.n_threads or (1 if self.hidden <= TINY else usable_cores())
        self.longest = min(load.context, lib.llama_model_n_ctx_train(self._model))
        n_ubatch = load.n_ubatch or (N_UBATCH_OFFLOAD if offload else N_UBATCH)
        self._sizes = Sizes(
            n_ctx=load.n_ctx or (self.longest if load.use == "write" else load.context),
            n_ubatch=n_ubatch,
            n_enough=n_ubatch if offload else N_ENOUGH,
            n_outputs=N_WEIGHED if load.use == "weigh" else N_OUTPUTS,
            n_threads=self.n_threads,
            tapped=load.use == "read",
        )
        self._adapter = load_adapter(self._model, load, self._log.reason)
        self.first = self._make_context(self._sizes)
        self.context = min(self.longest, self.first.n_ctx)
        lanes = load.n_lanes or (1 if offload or load.use != "read" else N_LANES)
        further = 0 if load.use == "write" else min(lanes, self.n_threads) - 1
        self.rooms = [self.first.n_ctx] + [min(self.first.n_ctx, LANE_CELLS)] * further
        """Cells of the first context, and of each that there may be besides."""

    def further(self) -> Context:
        """Make another context over the same weights.

        Raises:
            OutOfMemoryError: there is no room for it.
        """
        return self._make_context(replace(self._sizes, n_ctx=self.rooms[-1]))

    def tokenize(self, text: str, *, special: bool, spaced: bool = False) -> Ints:
        """Token ids of a text on its own; see `Vocabulary`."""
        return self._vocabulary.tokenize(text, special=special, spaced=spaced)

    def least_tokens(self, text: str) -> int:
        """Count the fewest tokens a text can have, without tokenizing it: a text of megabytes is refused at once."""
        return -(-len(text) // self._vocabulary.longest) if len(text) > self.context else 0

    def check(self, want: Want) -> None:
        """Refuse what this model cannot give, before anything is decoded for it.

        Raises:
            EngineError: it was not loaded for that.
            CountMismatchError: a token whose logit is wanted is none of this vocabulary's.
        """
        if want.kind == "probabilities" or (want.kind == "hidden" and not self._sizes.tapped):
            raise EngineError(f"this model was not loaded to give {want.kind}")
        for token in want.tokens:
            self._vocabulary.token_id(token)

    def ends(self, token: int) -> bool:
        """Tell whether a token ends a text."""
        return self._vocabulary.ends(token)

    def piece(self, token: int) -> bytes:
        """Return a token's bytes; a special one has none."""
        return self._vocabulary.piece(token)

    @property
    def handles(self) -> tuple[Any, Any]:
        """llama.cpp's model and vocabulary, for its other doors."""
        return self._model, self._vocabulary.handle

    def _load_model(self, on_progress: Callable[[float], None]) -> Any:  # noqa: ANN401 (a ctypes pointer)
        lib.llama_backend_init()
        load = self._load
        params = lib.llama_model_default_params()
        params.n_gpu_layers = 999 if load.n_gpu_layers is None else load.n_gpu_layers
        params.load_mode = lib.LLAMA_LOAD_MODE_AUTO if load.mapped else lib.LLAMA_LOAD_MODE_NONE

        def progress(done: float, _data: object) -> bool:
            on_progress(done)
            return True

        params.progress_callback = callback = lib.llama_progress_callback(progress)  # noqa: F841 (kept alive)
        model = lib.llama_model_load_from_file(os.fsencode(load.path), params)
        if not model:
            raise load_error(load.path, self._log.reason())
        return model

    def _make_context(self, sizes: Sizes) -> Context:
        context = Context(self._model, self._vocabulary, self._log, self._load.path, sizes)
        if self._adapter is not None:
            use_adapter(context.handle, self._adapter, self._load, self._log.reason)
        return context

    def _check_mark(self) -> None:
        path, mark = self._load.path, self._load.mark
        n = 1 if mark is None else len(self.tokenize(mark, special=True))
        if n != 1:
            raise LoadError(
                f"{path}: the mark {mark!r} is {n} tokens in this file's tokenizer, not one: it was made "
                "with another tokenizer. Convert the original checkpoint with 'stepcheck models convert'"
            )
