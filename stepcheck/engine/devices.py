"""Where llama.cpp can run: ggml's devices, and how this build was made."""

import ctypes
from typing import Any

from stepcheck.engine.binding import ggml_base, lib, libggml
from stepcheck.engine.log import Log

_GPU_TYPES = {1, 2}


def accelerator() -> str:
    """Name the accelerator that layers are offloaded to, else the CPU."""
    for found in devices():
        if found["kind"] == "GPU":
            return f"{found['name']} ({found['description']})"
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
    _log = Log()
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
