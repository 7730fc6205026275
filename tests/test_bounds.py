"""What a process may take that runs what nobody vouches for."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Windows has no such limit, macOS does not hold it")


def test_more_memory_than_a_process_may_have_is_an_error_in_it() -> None:
    """A quarter of what it may have is there, twice as much is not: Python says so and goes on."""
    code = (
        "from stepcheck.bounds import bound_memory; bound_memory(1 << 30); bytearray(1 << 28)\n"
        "try:\n    bytearray(1 << 31)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "refused\n"


def test_a_lower_limit_stays() -> None:
    """What the system allows less of is not raised."""
    code = (
        "import resource as r; from stepcheck.bounds import bound_memory\n"
        "r.setrlimit(r.RLIMIT_AS, (1 << 30, 1 << 30)); bound_memory(1 << 32); print(r.getrlimit(r.RLIMIT_AS)[0] >> 30)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "1\n"
