"""How long a property test searches.

The ordinary run searches the same examples every time, so that it does not depend on luck; `-m soak` searches at
random, and longer.
"""

from hypothesis import HealthCheck, settings

_LONGER = 50

_BUSY = [HealthCheck.too_slow]
"""What says nothing about the program, only that the machine is busy."""

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=_BUSY)
settings.register_profile("soak", max_examples=100 * _LONGER, deadline=None, suppress_health_check=_BUSY)


def choose(*, soak: bool) -> None:
    """Take a way to search, before the tests that search are imported."""
    settings.load_profile("soak" if soak else "ci")


def examples(ordinary: int) -> int:
    """How many examples to try: so many in the ordinary run, fifty times as many in the long one."""
    return ordinary * (_LONGER if settings.get_current_profile_name() == "soak" else 1)
