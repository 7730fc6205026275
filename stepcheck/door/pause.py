"""How long a server asks to wait before it is asked again: its `Retry-After`, a number of seconds or a date.

Source: RFC 9110, section 10.2.3. Refuses to guess: what is neither is none.
"""

import math
import time
from email.utils import parsedate_to_datetime


def pause_of(header: str) -> float | None:
    """Return the seconds that a header's value asks for, from 0; None where it names none."""
    try:
        seconds = float(header) if header.isascii() else math.nan
    except ValueError:
        seconds = _until(header)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _until(header: str) -> float:
    try:
        return parsedate_to_datetime(header).timestamp() - time.time()
    except (ValueError, OverflowError):
        return math.nan
