"""Showing the beginning of a text, where that saves room."""

from stepcheck.report.wrapping import wrap


def fold(text: str, width: int, most: int) -> list[str]:
    """The lines of a text, or its first `most` ending in `…`; the whole of it where that takes only one line more."""
    whole = wrap(text, width, most + 2)
    return whole if len(whole) <= most + 1 else wrap(text, width, most)
