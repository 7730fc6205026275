"""The tests give the same answer however they are started."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.timed
@pytest.mark.skipif(sys.platform == "win32", reason="a shell with `&` is POSIX")
def test_programs_heed_ctrl_c_where_the_tests_were_started_deaf_to_it() -> None:
    """A parent that ignores SIGINT (`make test &`) hands that on; the programs under test must not inherit it."""
    test = "tests/cli/test_score.py::test_ctrl_c"
    command = f"trap '' INT; exec {sys.executable} -m pytest -q -p no:cacheprovider {test}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
