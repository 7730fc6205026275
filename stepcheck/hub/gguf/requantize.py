"""A GGUF in 16 bits → one in fewer, by llama.cpp's own quantization, in a process of its own.

Owns the child: llama.cpp reads a tensor, quantizes and writes it, so memory holds one tensor and never the model. Its
types are those that a conversion gives, tensor by tensor (`quantize.py`).
"""

import subprocess
import sys
from pathlib import Path

from stepcheck.errors import ModelError
from stepcheck.hub.gguf.quantize import FILE_TYPE, WeightType


def requantize(source: Path, target: Path, weight_type: WeightType) -> None:
    """Write `source`, a GGUF in f32, f16 or bf16, as `target` in another type.

    Raises:
        ModelError: llama.cpp cannot; says its reason.
    """
    command = [sys.executable, "-P", "-m", "stepcheck.hub.gguf.requantize"]
    arguments = [str(source), str(target), str(FILE_TYPE[weight_type])]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    if done.returncode or not target.is_file():
        reason = " ".join(done.stderr.strip().splitlines()[-1:]) or f"its process ended with {done.returncode}"
        raise ModelError(f"{source}: cannot be quantized to {weight_type}: {reason}")


def main(source: str, target: str, kind: str) -> int:
    """Quantize; the child's whole work."""
    import llama_cpp.llama_cpp as lib

    params = lib.llama_model_quantize_default_params()
    params.ftype = int(kind)
    return int(lib.llama_model_quantize(source.encode(), target.encode(), params))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
