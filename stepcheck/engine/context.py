"""A context of llama.cpp: a KV cache over loaded weights, batches decoded in it, and the state after the final norm.

Several may stand over one model, each decoded by a thread of its own. Runs in the engine's process only.

The tap: the evaluation callback asks for the node `result_norm`, copies it and stops the graph there, so the lm_head
(152k columns for Qwen) is not computed where hidden states are wanted. Rows arrive in the order of the flagged tokens.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stepcheck.engine.batches import Batch, Copy, Floats, Operation
from stepcheck.engine.binding import ggml_base, lib
from stepcheck.engine.log import Log, decode_error, load_error
from stepcheck.engine.vocabulary import Vocabulary
from stepcheck.errors import EngineError, LoadError

N_SEQS: Final = 64
"""Branches of the tree at a time."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a context takes at a time."""

    n_ctx: int
    """Cells of the KV cache."""
    n_ubatch: int
    """Tokens per decode."""
    n_enough: int
    """Tokens after which a decode ends with a prompt."""
    n_outputs: int
    """Rows per decode."""
    n_threads: int
    tapped: bool
    """Whether hidden states are wanted of it: the callback costs a little at every node."""


class Context:
    """A KV cache and what is decoded in it; one thread at a time.

    `path` is the model's, for messages.

    Raises on construction:
        LoadError: the model is no decoder.
        OutOfMemoryError: there is no room for it.
    """

    def __init__(self, model: Any, vocabulary: Vocabulary, log: Log, path: str, sizes: Sizes) -> None:  # noqa: ANN401 (a ctypes pointer)
        self._vocabulary, self._log = vocabulary, log
        self.hidden = int(lib.llama_model_n_embd(model))
        self.tapped, self.n_outputs, self._n_threads = sizes.tapped, sizes.n_outputs, sizes.n_threads
        self._tapping = False
        self._rows: Floats | None = None
        self._tap = lib.ggml_backend_sched_eval_callback(self._on_node)
        self.handle = self._make(model, path, sizes)
        self._memory = lib.llama_get_memory(self.handle)
        if not self._memory:
            raise LoadError(f"{path}: not a decoder model: it has no KV cache")
        self.n_ubatch = int(min(lib.llama_n_batch(self.handle), lib.llama_n_ubatch(self.handle)))
        self.n_enough = min(sizes.n_enough, self.n_ubatch)
        self.n_ctx = int(lib.llama_n_ctx(self.handle))
        self._batch = _Arrays(self.n_ubatch)

    def apply(self, operations: Sequence[Operation]) -> None:
        """Share or forget sequences in the KV cache."""
        for operation in operations:
            if isinstance(operation, Copy):
                lib.llama_memory_seq_cp(self._memory, operation.source, operation.target, 0, operation.end)
            else:
                lib.llama_memory_seq_rm(self._memory, operation.seq, operation.start, -1)

    def decode(self, batch: Batch, n_threads: int | None = None) -> Floats:
        """Run one batch; rows of shape (len(batch.outputs), width), float32, of what the batch wants.

        With `n_threads`, so many compute it, and what follows.

        Raises:
            EngineError: or a subclass, with llama.cpp's reason.
        """
        if n_threads is not None and n_threads != self._n_threads:
            self._n_threads = n_threads
            lib.llama_set_n_threads(self.handle, n_threads, n_threads)
        wanted = self._batch.fill(batch)
        self._rows, self._tapping = None, self.tapped and batch.want.kind == "hidden"
        self._log.clear()
        code = lib.llama_decode(self.handle, self._batch.struct)
        if code:
            raise decode_error(code, self._log.reason())
        if not self._tapping:
            return self._read_logits(batch, wanted)
        if self._rows is None or self._rows.shape != (max(wanted, 1), self.hidden):
            found = "none" if self._rows is None else self._rows.shape
            raise EngineError(f"expected rows of shape ({wanted}, {self.hidden}) at 'result_norm', got {found}")
        return self._rows[:wanted]

    def draw(self, sampler: Any) -> int:  # noqa: ANN401 (a ctypes pointer)
        """Draw the token after the last output of the last batch."""
        return int(lib.llama_sampler_sample(sampler, self.handle, -1))

    def _read_logits(self, batch: Batch, wanted: int) -> Floats:
        """Take what is wanted out of the logits of the batch that was decoded last."""
        kind, tokens = batch.want.kind, batch.want.tokens
        if not wanted or (kind == "logits" and not tokens):
            return np.empty((wanted, 0), np.float32)
        pointer = lib.llama_get_logits(self.handle)
        logits = np.ctypeslib.as_array(pointer, (wanted, self._vocabulary.size))
        if kind == "logits":
            return np.asarray(logits[:, [self._vocabulary.token_id(token) for token in tokens]], np.float32)
        wide = logits.astype(np.float64)
        top = wide.max(axis=1, keepdims=True)
        total = np.log(np.exp(wide - top).sum(axis=1)) + top[:, 0]
        return np.asarray(wide[np.arange(wanted), list(batch.next_tokens)] - total, np.float32)[:, None]

    def _on_node(self, tensor: int, ask: bool, _data: object) -> bool:
        if ask:
            return self._tapping and bool(ggml_base.ggml_get_name(tensor) == b"result_norm")
        rows = np.empty(ggml_base.ggml_nbytes(tensor) // 4, np.float32)
        ggml_base.ggml_backend_tensor_get(tensor, rows.ctypes.data, 0, rows.nbytes)
        self._rows = rows.reshape(-1, self.hidden)
        return False

    def _make(self, model: Any, path: str, sizes: Sizes) -> Any:  # noqa: ANN401 (ctypes pointers)
        params = lib.llama_context_default_params()
        params.n_ctx = sizes.n_ctx
        params.n_batch = params.n_ubatch = sizes.n_ubatch
        params.n_seq_max = N_SEQS
        params.n_outputs_max = sizes.n_outputs
        params.n_threads = params.n_threads_batch = sizes.n_threads
        params.kv_unified = True
        params.no_perf = True
        if sizes.tapped:
            params.cb_eval = self._tap
        handle = lib.llama_init_from_model(model, params)
        if not handle:
            raise load_error(path, self._log.reason())
        return handle


class _Arrays:
    """The arrays behind a `llama_batch`, filled run by run."""

    def __init__(self, n_batch: int) -> None:
        self._token = np.zeros(n_batch, np.int32)
        self._pos = np.zeros(n_batch, np.int32)
        self._n_seq = np.zeros(n_batch, np.int32)
        self._seqs = np.zeros((n_batch, N_SEQS), np.int32)
        self._flags = np.zeros(n_batch, np.int8)
        first, stride = self._seqs.ctypes.data, self._seqs.strides[0]
        self._seq_pointers = np.array([first + i * stride for i in range(n_batch)], np.uintp)
        self.struct = lib.llama_batch()
        for name, array in (
            ("token", self._token),
            ("pos", self._pos),
            ("n_seq_id", self._n_seq),
            ("seq_id", self._seq_pointers),
            ("logits", self._flags),
        ):
            kind = dict(lib.llama_batch._fields_)[name]
            setattr(self.struct, name, ctypes.cast(array.ctypes.data, kind))

    def fill(self, batch: Batch) -> int:
        """Lay the batch out and return how many rows are wanted; with none, the last token is flagged all the same."""
        at = 0
        self._flags[:] = 0
        for run in batch.runs:
            end = at + len(run.tokens)
            self._token[at:end] = run.tokens
            self._pos[at:end] = np.arange(run.start, run.end)
            self._n_seq[at:end] = len(run.seqs)
            self._seqs[at:end, : len(run.seqs)] = run.seqs
            self._flags[[at + position - run.start for position in run.outputs]] = 1
            at = end
        wanted = int(self._flags.sum())
        if not wanted:
            self._flags[at - 1] = 1
        self.struct.n_tokens = at
        return wanted
