"""What is particular to llama.cpp: return codes, cores, devices."""

import os
import subprocess
import sys

import pytest

from stepcheck.engine import devices, log
from stepcheck.engine.cores import usable_cores
from stepcheck.errors import CancelledError, EngineError, OutOfMemoryError


@pytest.mark.parametrize(
    ("code", "reason", "kind", "words"),
    [
        (1, "find_slot: no slot", OutOfMemoryError, "raise n_ctx"),
        (2, "", CancelledError, "aborted"),
        (-1, "invalid token", EngineError, "refused a batch as invalid"),
        (-2, "failed to allocate compute buffers", OutOfMemoryError, "lower n_ubatch, n_ctx or n_gpu_layers"),
        (-3, "ggml_cuda: out of memory", OutOfMemoryError, "lower n_ubatch"),
        (-3, "compute failed", EngineError, "code -3: compute failed"),
    ],
)
def test_every_return_code_becomes_a_sentence(code: int, reason: str, kind: type[EngineError], words: str) -> None:
    """No slot, aborted, invalid, out of memory, failed: what happened and what to change."""
    error = log.decode_error(code, reason)
    assert type(error) is kind
    assert words in str(error)


def test_cores_are_those_this_process_may_use() -> None:
    """At least one; bound to a single CPU it is one."""
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        code = (
            "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
            "from stepcheck.engine.cores import usable_cores; print(usable_cores())"
        )
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert out.stdout.strip() == "1"


def test_the_device_is_named() -> None:
    """A build without an accelerator says CPU; one with it names the device and what it is."""
    device = devices.accelerator()
    assert device == "CPU" or "(" in device


def test_the_parent_never_loads_llama_cpp() -> None:
    """A whole import of what a checker needs, without llama_cpp: a crash in C could only hit the worker."""
    code = "import sys, stepcheck.checker, stepcheck.engine.client; sys.exit('llama_cpp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
