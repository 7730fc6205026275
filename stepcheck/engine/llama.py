"""llama.cpp: a loaded backbone that tokenizes, decodes batches and hands out the state after the final norm.

Calls llama.cpp, as `lora.py`, `author.py` and the quantizer do. Owns what is particular to llama.cpp: its parameters,
its return codes, its log, and the tap. Runs in the engine's process only; the parent may import nothing of it.

The tap: the evaluation callback asks for the node `result_norm`, copies it and stops the graph there, so the lm_head
(152k columns for Qwen) is not computed where hidden states are wanted. Rows arrive in the order of the flagged tokens.
"""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stepcheck.engine.batches import Batch, Copy, Floats, Ints, Operation
from stepcheck.engine.binding import ggml_base, lib, libggml
from stepcheck.engine.cores import usable_cores
from stepcheck.engine.lora import apply_adapter
from stepcheck.engine.vocabulary import Vocabulary
from stepcheck.engine.wire import Load
from stepcheck.errors import CancelledError, CountMismatchError, EngineError, LoadError, OutOfMemoryError
from stepcheck.prm.prompt import Want

N_SEQS = 64
"""Branches of the tree at a time."""
N_OUTPUTS = 64
"""Rows per decode: each costs llama.cpp a row of logits in its output buffer, although none is computed."""
N_WEIGHED = 256
"""Rows of logits per decode, where many are wanted: 156 MB for a vocabulary of 152,064."""
N_UBATCH = 512
"""Tokens per decode on a CPU."""
N_ENOUGH = 256
"""Tokens after which a decode on a CPU ends with a prompt: so few are computed as fast as 512, and each further prompt
lengthens the mask that every token's attention reads. 512 tokens beside 1,024 cells of others: 6 % slower (0.5B)."""
N_UBATCH_OFFLOAD = 1024
"""Tokens per decode where layers are offloaded."""
TINY = 384
"""Up to this width one thread is the default: the matrices are so small that a second gains a fifth at best, and where
other programs keep the cores busy, threads that spin at llama.cpp's barriers cost many times that (two cores)."""

_LOG_WARN, _LOG_ERROR, _LOG_CONTINUED = 3, 4, 5
_GPU_TYPES = {1, 2}
_OUT_OF_MEMORY = ("failed to allocate", "unable to allocate", "out of memory", "cannot allocate", "alloc_buffer")


class Backbone:
    """A model and its context, loaded.

    Raises on construction:
        LoadError: the file is no model that llama.cpp can run, or the mark is not one token of it.
        OutOfMemoryError: there is no room for it.
    """

    def __init__(self, load: Load, on_progress: Callable[[float], None]) -> None:
        self.tapped = load.use == "read"  # the callback costs a little at every node, and is for hidden states only
        self.n_outputs = N_WEIGHED if load.use == "weigh" else N_OUTPUTS
        self._tapping = False
        self._log = _Log()
        self._model = self._load_model(load, on_progress)
        self._vocabulary = Vocabulary(self._model)
        self.hidden = lib.llama_model_n_embd(self._model)
        self.vocabulary = self._vocabulary.size
        self.has_mark = load.mark is not None
        self._check_mark(load)
        offload = lib.llama_supports_gpu_offload() and load.n_gpu_layers != 0
        self.device = _device() if offload else "CPU"
        self.n_threads = load.n_threads or (1 if self.hidden <= TINY else usable_cores())
        self._rows: Floats | None = None
        self._tap = lib.ggml_backend_sched_eval_callback(self._on_node)
        self._context = self._make_context(load, N_UBATCH_OFFLOAD if offload else N_UBATCH)
        apply_adapter(self._model, self._context, load, self._log.reason)
        self._memory = lib.llama_get_memory(self._context)
        if not self._memory:
            raise LoadError(f"{load.path}: not a decoder model: it has no KV cache")
        self.n_ubatch = min(lib.llama_n_batch(self._context), lib.llama_n_ubatch(self._context))
        self.n_enough = self.n_ubatch if offload else N_ENOUGH
        self.n_ctx = lib.llama_n_ctx(self._context)
        self.longest = min(load.context, lib.llama_model_n_ctx_train(self._model))
        self.context = min(self.longest, self.n_ctx)
        self._batch = _BatchArrays(self.n_ubatch)

    def tokenize(self, text: str, *, special: bool, spaced: bool = False) -> Ints:
        """Token ids of a text on its own; see `Vocabulary`."""
        return self._vocabulary.tokenize(text, special=special, spaced=spaced)

    def least_tokens(self, text: str) -> int:
        """Count the fewest tokens a text can have, without tokenizing it: a text of megabytes is refused at once."""
        return -(-len(text) // self._vocabulary.longest) if len(text) > self.context else 0

    def apply(self, operations: Sequence[Operation]) -> None:
        """Share or forget sequences in the KV cache."""
        for operation in operations:
            if isinstance(operation, Copy):
                lib.llama_memory_seq_cp(self._memory, operation.source, operation.target, 0, operation.end)
            else:
                lib.llama_memory_seq_rm(self._memory, operation.seq, operation.start, -1)

    def decode(self, batch: Batch) -> Floats:
        """Run one batch; rows of shape (len(batch.outputs), width), float32, of what the batch wants.

        Raises:
            EngineError: or a subclass, with llama.cpp's reason.
        """
        wanted = self._batch.fill(batch)
        self._rows, self._tapping = None, self.tapped and batch.want.kind == "hidden"
        self._log.clear()
        code = lib.llama_decode(self._context, self._batch.struct)
        if code:
            raise decode_error(code, self._log.reason())
        if not self._tapping:
            return self._read_logits(batch, wanted)
        if self._rows is None or self._rows.shape != (max(wanted, 1), self.hidden):
            found = "none" if self._rows is None else self._rows.shape
            raise EngineError(f"expected rows of shape ({wanted}, {self.hidden}) at 'result_norm', got {found}")
        return self._rows[:wanted]

    def _read_logits(self, batch: Batch, wanted: int) -> Floats:
        """Take what is wanted out of the logits of the batch that was decoded last."""
        kind, tokens = batch.want.kind, batch.want.tokens
        if not wanted or (kind == "logits" and not tokens):
            return np.empty((wanted, 0), np.float32)
        pointer = lib.llama_get_logits(self._context)
        logits = np.ctypeslib.as_array(pointer, (wanted, self.vocabulary))
        if kind == "logits":
            return np.asarray(logits[:, [self.token_id(token) for token in tokens]], np.float32)
        wide = logits.astype(np.float64)
        top = wide.max(axis=1, keepdims=True)
        total = np.log(np.exp(wide - top).sum(axis=1)) + top[:, 0]
        return np.asarray(wide[np.arange(wanted), list(batch.next_tokens)] - total, np.float32)[:, None]

    def token_id(self, text: str) -> int:
        """Return the token that a text is.

        Raises:
            CountMismatchError: it is none or several.
        """
        tokens = self.tokenize(text, special=True)
        if len(tokens) != 1:
            raise CountMismatchError(f"{text!r} is {len(tokens)} tokens in this model's vocabulary, not one")
        return int(tokens[0])

    def check(self, want: Want) -> None:
        """Refuse what this model cannot give, before anything is decoded for it.

        Raises:
            EngineError: it was not loaded for that.
            CountMismatchError: a token whose logit is wanted is none of this vocabulary's.
        """
        if want.kind == "probabilities" or (want.kind == "hidden" and not self.tapped):
            raise EngineError(f"this model was not loaded to give {want.kind}")
        for token in want.tokens:
            self.token_id(token)

    def draw(self, sampler: Any) -> int:  # noqa: ANN401 (a ctypes pointer)
        """Draw the token after the last output of the last batch."""
        return int(lib.llama_sampler_sample(sampler, self._context, -1))

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

    def _on_node(self, tensor: int, ask: bool, _data: object) -> bool:
        if ask:
            return self._tapping and bool(ggml_base.ggml_get_name(tensor) == b"result_norm")
        rows = np.empty(ggml_base.ggml_nbytes(tensor) // 4, np.float32)
        ggml_base.ggml_backend_tensor_get(tensor, rows.ctypes.data, 0, rows.nbytes)
        self._rows = rows.reshape(-1, self.hidden)
        return False

    def _load_model(self, load: Load, on_progress: Callable[[float], None]) -> lib.llama_model_p:
        lib.llama_backend_init()
        params = lib.llama_model_default_params()
        params.n_gpu_layers = 999 if load.n_gpu_layers is None else load.n_gpu_layers
        params.load_mode = lib.LLAMA_LOAD_MODE_AUTO if load.mapped else lib.LLAMA_LOAD_MODE_NONE

        def progress(done: float, _data: object) -> bool:
            on_progress(done)
            return True

        params.progress_callback = callback = lib.llama_progress_callback(progress)  # noqa: F841 (kept alive)
        model = lib.llama_model_load_from_file(os.fsencode(load.path), params)
        if not model:
            raise _load_error(load.path, self._log.reason())
        return model

    def _make_context(self, load: Load, n_ubatch: int) -> lib.llama_context_p:
        params = lib.llama_context_default_params()
        trained = lib.llama_model_n_ctx_train(self._model)
        params.n_ctx = load.n_ctx or (min(load.context, trained) if load.use == "write" else load.context)
        params.n_batch = params.n_ubatch = load.n_ubatch or n_ubatch
        params.n_seq_max = N_SEQS
        params.n_outputs_max = self.n_outputs
        params.n_threads = params.n_threads_batch = self.n_threads
        params.kv_unified = True
        params.no_perf = True
        if self.tapped:
            params.cb_eval = self._tap
        context = lib.llama_init_from_model(self._model, params)
        if not context:
            raise _load_error(load.path, self._log.reason())
        return context

    def _check_mark(self, load: Load) -> None:
        n = 1 if load.mark is None else len(self.tokenize(load.mark, special=True))
        if n != 1:
            raise LoadError(
                f"{load.path}: the mark {load.mark!r} is {n} tokens in this file's tokenizer, not one: it was made "
                "with another tokenizer. Convert the original checkpoint with 'stepcheck models convert'"
            )


class _BatchArrays:
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


class _Log:
    """llama.cpp's log: warnings and errors are kept for the message of the next exception, nothing is printed.

    llama-cpp-python's own handler maps the levels of an older llama.cpp (errors vanish); this one replaces it.
    """

    _latest: "_Log | None" = None
    """The one that llama.cpp calls, until the process ends."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=8)
        self._level = 0
        self._callback = lib.llama_log_callback(self._on_line)
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))
        _Log._latest = self

    def _on_line(self, level: int, text: bytes, _data: object) -> None:
        self._level = self._level if level == _LOG_CONTINUED else level
        if self._level in (_LOG_WARN, _LOG_ERROR) and text.strip():
            self._lines.append(text.decode(errors="replace").strip())

    def clear(self) -> None:
        """Forget what was kept."""
        self._lines.clear()

    def reason(self) -> str:
        """Say the last lines, oldest first."""
        return "; ".join(self._lines) or "llama.cpp gave no reason"


def decode_error(code: int, reason: str) -> EngineError:
    """Turn a return code of `llama_decode` into an error with what to change."""
    if code == 1:
        return OutOfMemoryError(f"no room in the KV cache ({reason}): raise n_ctx")
    if code == 2:  # noqa: PLR2004 (llama.h: aborted)
        return CancelledError("the computation was aborted")
    if code == -1:
        return EngineError(f"llama.cpp refused a batch as invalid ({reason}): please report this")
    if any(word in reason.lower() for word in _OUT_OF_MEMORY) or code == -2:  # noqa: PLR2004 (ggml: allocation failed)
        return OutOfMemoryError(
            f"not enough memory to compute a batch ({reason}): lower n_ubatch, n_ctx or n_gpu_layers"
        )
    return EngineError(f"llama.cpp failed to compute a batch (code {code}: {reason})")


def _load_error(path: str, reason: str) -> EngineError:
    if any(word in reason.lower() for word in _OUT_OF_MEMORY):
        return OutOfMemoryError(
            f"{path}: not enough memory ({reason}): use a smaller weight type, n_ctx or n_gpu_layers"
        )
    return LoadError(f"{path}: llama.cpp cannot load it ({reason})")


def _device() -> str:
    """Name the accelerator that layers are offloaded to, else the CPU."""
    for device in devices():
        if device["kind"] == "GPU":
            return f"{device['name']} ({device['description']})"
    return "CPU"


def devices() -> list[dict[str, Any]]:
    """List ggml's devices: name, description, kind (`CPU`, `GPU`, `other`), free and total memory in bytes."""
    ggml_base.ggml_backend_dev_name.restype = ggml_base.ggml_backend_dev_description.restype = ctypes.c_char_p
    for function in ("ggml_backend_dev_name", "ggml_backend_dev_description", "ggml_backend_dev_type"):
        getattr(ggml_base, function).argtypes = [ctypes.c_void_p]
    sizes = ctypes.POINTER(ctypes.c_size_t)
    ggml_base.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, sizes, sizes]

    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    found = []
    for i in range(libggml.ggml_backend_dev_count()):
        device = libggml.ggml_backend_dev_get(i)
        kind, free, total = ggml_base.ggml_backend_dev_type(device), ctypes.c_size_t(), ctypes.c_size_t()
        ggml_base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        found.append(
            {
                "name": ggml_base.ggml_backend_dev_name(device).decode(),
                "description": ggml_base.ggml_backend_dev_description(device).decode(),
                "kind": "GPU" if kind in _GPU_TYPES else "CPU" if kind == 0 else "other",
                "free": free.value,
                "total": total.value,
            }
        )
    return found


def build_info() -> dict[str, Any]:
    """Describe this build: whether it can offload, what was compiled in, and the devices it sees."""
    _log = _Log()
    lib.llama_backend_init()
    parts = [part.strip() for part in lib.llama_print_system_info().decode(errors="replace").split("|")]
    features = [name.split(":")[-1].strip() for name, _, on in (part.partition(" = ") for part in parts) if on == "1"]
    backends = sorted({part.split(":")[0].strip() for part in parts if " : " in part})
    return {
        "offload": bool(lib.llama_supports_gpu_offload()),
        "features": features,
        "backends": backends,
        "devices": devices(),
    }
