"""llama.cpp's log, and what its return codes and last words mean: the errors of this project, with what to change."""

import ctypes
from collections import deque

from stepcheck.engine.binding import lib
from stepcheck.errors import CancelledError, EngineError, LoadError, OutOfMemoryError

_LOG_WARN, _LOG_ERROR, _LOG_CONTINUED = 3, 4, 5
_OUT_OF_MEMORY = ("failed to allocate", "unable to allocate", "out of memory", "cannot allocate", "alloc_buffer")


class Log:
    """llama.cpp's log: warnings and errors are kept for the message of the next exception, nothing is printed.

    llama-cpp-python's own handler maps the levels of an older llama.cpp (errors vanish); this one replaces it.
    """

    _latest: "Log | None" = None
    """The one that llama.cpp calls, until the process ends."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=8)
        self._level = 0
        self._callback = lib.llama_log_callback(self._on_line)
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))
        Log._latest = self

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


def load_error(path: str, reason: str) -> EngineError:
    """Turn the log's last words after a failed load into an error with what to change."""
    if any(word in reason.lower() for word in _OUT_OF_MEMORY):
        return OutOfMemoryError(
            f"{path}: not enough memory ({reason}): use a smaller weight type, n_ctx or n_gpu_layers"
        )
    return LoadError(f"{path}: llama.cpp cannot load it ({reason})")
