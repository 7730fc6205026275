"""llama.cpp's own functions, through llama-cpp-python's binding and nothing else of that package.

The package's `__init__` imports chat formats, caches and what they need (jinja2, sqlite3): 0.05 s, and none of it is
used here. So the binding is imported in the place of the package, which stays importable as it is.
"""

import ctypes
import importlib.util
import sys
from typing import Any


def _bind() -> tuple[Any, Any, Any]:
    """Import the binding and the library `ggml`, and load `ggml-base` from beside it."""
    spec = None if "llama_cpp" in sys.modules else importlib.util.find_spec("llama_cpp")
    if spec is not None:
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)  # its folder is known, its code not run
    try:
        import llama_cpp.llama_cpp as functions
        from llama_cpp._ctypes_extensions import load_shared_library
        from llama_cpp._ggml import libggml, libggml_base_path
    finally:
        if spec is not None:
            del sys.modules["llama_cpp"]
    return functions, libggml, load_shared_library("ggml-base", libggml_base_path)


lib, libggml, ggml_base = _bind()
"""`ggml_base` reads tensors; the package binds nothing of it."""
ggml_base.ggml_get_name.restype = ctypes.c_char_p
ggml_base.ggml_get_name.argtypes = [ctypes.c_void_p]
ggml_base.ggml_nbytes.restype = ctypes.c_size_t
ggml_base.ggml_nbytes.argtypes = [ctypes.c_void_p]
ggml_base.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
