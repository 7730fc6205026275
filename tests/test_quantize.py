"""Weight types: the mixes and the bytes are llama.cpp's own."""

import ctypes
from pathlib import Path
from typing import Any, get_args

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from stepcheck.cli.models import WeightName
from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.gguf.backbone import layout
from stepcheck.hub.gguf.quantize import FILE_TYPE, Quantizer, TensorType, WeightType, choose_type

QUANTIZED = [kind for kind in WeightType if kind is not WeightType.F32]


def shape(*, hidden: int, feed_forward: int, layers: int) -> Shape:
    """A small model; four heads, two of them for keys and values."""
    return Shape("Qwen2Model", hidden, layers, 4, 2, feed_forward, 64, 64, 1e-5, 10000.0)


def write_f32(path: Path, size: Shape, *, tied: bool) -> dict[str, NDArray[np.float32]]:
    """Write a float32 GGUF with random weights, with or without `output.weight`; return the tensors."""
    rng = np.random.Generator(np.random.PCG64(5))
    shapes = {name: dims for name, (_, dims) in layout(size).items()}
    if not tied:
        shapes["output.weight"] = (size.vocab, size.hidden)
    tensors = {name: rng.standard_normal(dims, np.float32) / np.float32(16) for name, dims in shapes.items()}
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(size.context)
    writer.add_embedding_length(size.hidden)
    writer.add_block_count(size.layers)
    writer.add_feed_forward_length(size.feed_forward)
    writer.add_head_count(size.heads)
    writer.add_head_count_kv(size.kv_heads)
    writer.add_rope_freq_base(size.rope_theta)
    writer.add_layer_norm_rms_eps(size.eps)
    writer.add_file_type(0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{i}" for i in range(size.vocab)])
    writer.add_token_types([gguf.TokenType.NORMAL] * size.vocab)
    writer.add_token_merges(["a b"])
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def by_llama(source: Path, target: Path, weight_type: WeightType) -> dict[str, Any]:
    """Quantize a whole file with llama_model_quantize and return its tensors."""
    import llama_cpp

    quiet = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(quiet, None)
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = FILE_TYPE[weight_type]
    parameters.nthread = 1
    result = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters))
    assert result == 0
    return {tensor.name: tensor for tensor in gguf.GGUFReader(target).tensors}


@pytest.mark.parametrize(
    ("hidden", "feed_forward", "layers", "tied"),
    [
        pytest.param(256, 256, 8, True, id="256-blocks"),
        pytest.param(256, 256, 8, False, id="256-blocks-untied"),
        pytest.param(64, 96, 8, True, id="32-blocks"),
        pytest.param(64, 96, 8, False, id="32-blocks-untied"),
        pytest.param(256, 288, 3, True, id="mixed"),
        pytest.param(72, 40, 2, False, id="no-blocks"),
        pytest.param(256, 32, 80, True, id="80-layers"),
    ],
)
def test_types_and_bytes_equal_llama_model_quantize(
    hidden: int, feed_forward: int, layers: int, tied: bool, tmp_path: Path
) -> None:
    """Every tensor of every type, at widths that do and do not fit the blocks: same type, same bytes."""
    size = shape(hidden=hidden, feed_forward=feed_forward, layers=layers)
    tensors = write_f32(tmp_path / "f32.gguf", size, tied=tied)
    quantizer = Quantizer()
    types = [WeightType.Q4_K_M] if layers == 80 else QUANTIZED  # llama.cpp has a rule for 80 layers
    compared = 0
    for weight_type in types:
        theirs = by_llama(tmp_path / "f32.gguf", tmp_path / f"{weight_type}.gguf", weight_type)
        assert theirs.keys() == tensors.keys()
        for name, tensor in tensors.items():
            kind = TensorType.F32
            if tensor.ndim == 2:
                kind = choose_type(name, tensor.shape[1], weight_type, layers=layers, tied=tied)
            assert kind == theirs[name].tensor_type, (weight_type, name)
            ours = quantizer.quantize(np.atleast_2d(tensor), kind)
            assert ours == theirs[name].data.tobytes(), (weight_type, name)
            compared += 1
    quantizer.close()
    assert compared == len(types) * (12 * layers + 2 + (not tied))


def test_rows_can_be_quantized_apart() -> None:
    """A matrix cut between rows gives the same bytes as the whole: slabs and threads leave no trace."""
    rows = np.random.Generator(np.random.PCG64(1)).standard_normal((7, 512), np.float32)
    quantizer = Quantizer()
    for kind in TensorType:
        parts = [quantizer.quantize(rows[start : start + 3], kind) for start in range(0, 7, 3)]
        assert b"".join(parts) == quantizer.quantize(rows, kind)
        assert len(b"".join(parts)) == 7 * quantizer.row_bytes(kind, 512)


def test_weights_beyond_a_type_are_refused() -> None:
    """70,000 does not fit float16 (65,504): an error, not an infinite weight; bfloat16 holds it."""
    rows = np.full((1, 32), 70_000, np.float32)
    quantizer = Quantizer()
    with pytest.raises(CheckpointError, match=r"do not fit the type f16; convert to bf16 or f32"):
        quantizer.quantize(rows, TensorType.F16)
    assert len(quantizer.quantize(rows, TensorType.BF16)) == 64


def test_the_command_offers_every_type() -> None:
    """`--to` lists exactly the types that can be converted to."""
    assert set(get_args(WeightName)) == {kind.value for kind in WeightType}
    assert set(FILE_TYPE) == set(WeightType)
