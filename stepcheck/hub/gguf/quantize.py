"""Weight types: which type each tensor of a qwen2 file gets, and the quantization itself, by ggml.

Owns the mixes (llama.cpp's llama_tensor_get_type for qwen2, so that a file equals llama_model_quantize's byte for byte)
and the call into libggml-base. Knows no checkpoints and no files.
"""

import ctypes
import threading
from enum import IntEnum, StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stepcheck.errors import CheckpointError


class WeightType(StrEnum):
    """What a conversion can aim at; `…_m` and `…_s` are llama.cpp's mixes."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    Q8_0 = "q8_0"
    Q6_K = "q6_k"
    Q5_K_M = "q5_k_m"
    Q5_K_S = "q5_k_s"
    Q5_1 = "q5_1"
    Q5_0 = "q5_0"
    Q4_K_M = "q4_k_m"
    Q4_K_S = "q4_k_s"
    Q4_1 = "q4_1"
    Q4_0 = "q4_0"


class TensorType(IntEnum):
    """ggml's types, by its own numbers."""

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3
    Q5_0 = 6
    Q5_1 = 7
    Q8_0 = 8
    Q4_K = 12
    Q5_K = 13
    Q6_K = 14
    BF16 = 30

    @property
    def block(self) -> int:
        """How many neighbouring weights share a scale."""
        if self in (TensorType.F32, TensorType.F16, TensorType.BF16):
            return 1
        return 256 if self in (TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K) else 32


FILE_TYPE: Final = {
    WeightType.F32: 0,
    WeightType.F16: 1,
    WeightType.Q4_0: 2,
    WeightType.Q4_1: 3,
    WeightType.Q8_0: 7,
    WeightType.Q5_0: 8,
    WeightType.Q5_1: 9,
    WeightType.Q4_K_S: 14,
    WeightType.Q4_K_M: 15,
    WeightType.Q5_K_S: 16,
    WeightType.Q5_K_M: 17,
    WeightType.Q6_K: 18,
    WeightType.BF16: 32,
}
"""`general.file_type`, llama.cpp's enum llama_ftype."""
NARROW: Final = {TensorType.Q4_K: TensorType.Q5_0, TensorType.Q5_K: TensorType.Q5_1, TensorType.Q6_K: TensorType.Q8_0}
"""What a type of 256-blocks becomes where 256 does not divide the width."""
LAYERS_OF_70B: Final = 80
"""llama.cpp takes a qwen2 of 80 layers for its 70B class, whose small value matrices it gives more bits."""


def base_type(weight_type: WeightType) -> TensorType:
    """Return the type that most matrices of such a file have."""
    return TensorType[weight_type.value.upper().removesuffix("_M").removesuffix("_S")]


def choose_type(name: str, columns: int, weight_type: WeightType, *, layers: int, tied: bool) -> TensorType:
    """Choose the type of a GGUF tensor of two dimensions.

    `columns` is its width, `layers` the model's, `tied` whether the file has no `output.weight`.
    """
    base = base_type(weight_type)
    if base.block == 1:
        return base
    chosen = _mixed(name, columns, weight_type, layers=layers, tied=tied)
    if columns % chosen.block:
        chosen = NARROW.get(chosen, chosen)
    return TensorType.F16 if columns % chosen.block else chosen


def _mixed(name: str, columns: int, weight_type: WeightType, *, layers: int, tied: bool) -> TensorType:
    """Apply the mix, before any fall-back for odd widths."""
    base = base_type(weight_type)
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return TensorType.Q8_0 if columns % base.block or base is TensorType.Q8_0 else TensorType.Q6_K
    if "attn_v." in name:
        chosen = _boosted(name, weight_type, layers, small_layers=4)
        return TensorType.Q5_K if layers == LAYERS_OF_70B and chosen is TensorType.Q4_K else chosen
    if "ffn_down." in name:
        return _boosted(name, weight_type, layers, small_layers=layers // 8)
    return base


def _boosted(name: str, weight_type: WeightType, layers: int, *, small_layers: int) -> TensorType:
    """Give the layers that matter most more bits: `…_m` in all of their kind, q4_k_s in the first `small_layers`."""
    layer = int(name.split(".")[1])
    eighth = layers // 8
    more = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2  # noqa: PLR2004 (every third)
    if weight_type in (WeightType.Q4_K_M, WeightType.Q5_K_M) and more:
        return TensorType.Q6_K
    if weight_type is WeightType.Q4_K_S and layer < small_layers:
        return TensorType.Q5_K
    return base_type(weight_type)


class Quantizer:
    """libggml-base's quantization; a context that frees ggml's tables at its end. Safe to use from several threads."""

    def __init__(self) -> None:
        self._ggml = _load()

    def row_bytes(self, kind: TensorType, columns: int) -> int:
        """Bytes of one row of `columns` weights."""
        return int(self._ggml.ggml_row_size(kind, columns))

    def quantize(self, rows: NDArray[np.float32], kind: TensorType) -> bytes:
        """Quantize a float32 matrix (rows, columns) row by row.

        Raises:
            CheckpointError: the weights do not fit the type, e.g. float16's range.
        """
        rows = np.ascontiguousarray(rows, np.float32)
        count, columns = rows.shape
        size = count * self.row_bytes(kind, columns)
        out = ctypes.create_string_buffer(size)
        source = rows.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        written = self._ggml.ggml_quantize_chunk(kind, source, out, 0, count, columns, None)
        if written != size or not self._ggml.ggml_validate_row_data(kind, out, size):
            raise CheckpointError(
                f"its weights do not fit the type {kind.name.lower()}; convert to bf16 or f32 instead"
            )
        return out.raw

    def close(self) -> None:
        """Free the tables that ggml made for its types."""
        self._ggml.ggml_quantize_free()


_LOADING: Final = threading.Lock()


def _load() -> Any:  # noqa: ANN401 (a ctypes library)
    """Open libggml-base where llama-cpp-python keeps it."""
    from llama_cpp._ctypes_extensions import load_shared_library
    from llama_cpp._ggml import libggml_base_path

    with _LOADING:
        library = load_shared_library("ggml-base", libggml_base_path)
        library.ggml_row_size.argtypes = [ctypes.c_int, ctypes.c_int64]
        library.ggml_row_size.restype = ctypes.c_size_t
        library.ggml_quantize_chunk.argtypes = [
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_float),
            ctypes.c_void_p,
            ctypes.c_int64,
            ctypes.c_int64,
            ctypes.c_int64,
            ctypes.POINTER(ctypes.c_float),
        ]
        library.ggml_quantize_chunk.restype = ctypes.c_size_t
        library.ggml_validate_row_data.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        library.ggml_validate_row_data.restype = ctypes.c_bool
        library.ggml_quantize_free.argtypes = []
        library.ggml_quantize_free.restype = None
    return library
