"""Plots of a run: what is drawn is a value; where it is drawn is another matter.

values.py    lines and bars
of_runs.py   figures → lines and bars
terminal.py  → text
figures.py   → SVG and PNG, with matplotlib (the extra `plots`)
"""

from stepcheck.report.plots.of_runs import plots
from stepcheck.report.plots.values import Bars, Lines, Plot

__all__ = ["Bars", "Lines", "Plot", "plots"]
