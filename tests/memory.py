"""Peak resident memory of the calling process, in bytes.

On Linux from /proc: `getrusage` carries the peak of the process that started this one over (it survives fork and exec),
so a child of a large test run would hide what it takes itself.
"""

import re
import sys
from pathlib import Path


def peak() -> int:
    """VmHWM on Linux; ru_maxrss elsewhere (bytes on macOS)."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
