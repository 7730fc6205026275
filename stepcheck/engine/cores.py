"""How many cores this process may use."""

import os


def usable_cores() -> int:
    """Count the physical cores that this process may use; a second hardware thread per core slows prefill down."""
    import psutil

    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))
