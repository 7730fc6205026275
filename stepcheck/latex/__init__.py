"""LaTeX as Unicode, for display only: what is scored, saved and copied is always the source.

text.py     show: a text with formulas in it; render: one formula
nodes.py    pylatexenc's nodes → atoms
commands.py commands that take arguments → atoms
bare.py     arguments without braces
atoms.py    atoms → text: spacing, brackets, scripts
symbols.py  the tables
"""

from stepcheck.latex.text import render, show

__all__ = ["render", "show"]
