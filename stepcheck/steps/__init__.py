"""Cutting a text into steps.

split.py    the only splitter, and its rules
layout.py   a text made ready for it
names.py    the words for parts and steps, in many languages
clutter.py  what stands in a text and is no part of it
maths.py    formulas and code, masked before anything is cut
blocks.py   Markdown's blocks, from markdown-it, and LaTeX's lists
marks.py    what numbers a step
lines.py    the lines of a paragraph that are steps
"""

from stepcheck.steps.clutter import Clutter
from stepcheck.steps.layout import Layout
from stepcheck.steps.layout import read as lay_out
from stepcheck.steps.lines import Span
from stepcheck.steps.split import Cut, SplitMode, split, split_region

__all__ = ["Clutter", "Cut", "Layout", "Span", "SplitMode", "lay_out", "split", "split_region"]
