"""Cutting a text into steps.

split.py   the only splitter, and its rules
maths.py   formulas and code, masked before anything is cut
blocks.py  Markdown's blocks, from markdown-it
"""

from stepcheck.steps.split import STEP_LINE, Cut, Span, SplitMode, begins_step, split, split_region, step_lines

__all__ = ["STEP_LINE", "Cut", "Span", "SplitMode", "begins_step", "split", "split_region", "step_lines"]
