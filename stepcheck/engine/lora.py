"""An adapter on a loaded backbone: a LoRA that every decode of a context goes through.

Owns what is particular to llama.cpp's adapters. Runs in the engine's process only. Refuses an adapter that llama.cpp
refuses, with both files' names; nothing is merged, so the backbone's file and its weights stay as they are.
"""

import ctypes
import os
from collections.abc import Callable

from stepcheck.engine.binding import lib
from stepcheck.engine.wire import Load
from stepcheck.errors import LoadError


def load_adapter(model: lib.llama_model_p, load: Load, reason: Callable[[], str]) -> lib.llama_adapter_lora_p | None:
    """Load the adapter that a request names, if any; `reason` says the log's last words.

    llama.cpp frees it with the model.

    Raises:
        LoadError: it is no adapter of this backbone, or cannot be read.
    """
    path = load.adapter
    if path is None:
        return None
    adapter = lib.llama_adapter_lora_init(model, os.fsencode(path))
    if not adapter:
        raise LoadError(f"{path}: is no adapter of {load.path}: llama.cpp cannot load it ({reason()})")
    return adapter


def use_adapter(
    context: lib.llama_context_p, adapter: lib.llama_adapter_lora_p, load: Load, reason: Callable[[], str]
) -> None:
    """Let a context decode with an adapter, at its own scale.

    Raises:
        LoadError: it cannot be used.
    """
    adapters = (lib.llama_adapter_lora_p_ctypes * 1)(adapter)
    code = lib.llama_set_adapters_lora(context, adapters, 1, (ctypes.c_float * 1)(1.0))
    if code:
        raise LoadError(f"{load.adapter}: cannot be used with {load.path} (code {code}: {reason()})")
