"""Sizes of the terminal at which the layout changes."""

from typing import Final

WIDE: Final = 100
"""Columns from which list and detail stand side by side."""
TALL: Final = 24
"""Rows of the usual terminal; with fewer the problem takes two lines and the detail five."""
