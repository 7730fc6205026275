"""How much memory a process may take that runs or reckons with what nobody vouches for.

Bounds its address space, for which Windows has nothing: there only a clock ends what takes too much.
"""

import sys


def bound_memory(most: int) -> None:
    """Let this process have no more than so many bytes of address space; a lower limit of the system's stays."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard in (resource.RLIM_INFINITY, -1) or hard > most:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
