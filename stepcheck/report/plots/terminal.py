"""Plots → text: lines as letters on a grid, bars as rows. Width is the terminal's; no colour, ASCII if need be."""

import math

from stepcheck.report.clean import clean_line
from stepcheck.report.plots.values import Bars, Lines, Plot

HEIGHT = 14
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LEFT = 8


def draw(plot: Plot, width: int = 80, *, ascii_only: bool = False) -> str:
    """Draw a plot in at most `width` columns, 40 or more."""
    lines = _lines(plot, max(width, 40)) if isinstance(plot, Lines) else _bars(plot, max(width, 40), ascii_only)
    return "".join(f"{line.rstrip()}\n" for line in (clean_line(plot.title), *lines))


def _lines(plot: Lines, width: int) -> list[str]:
    """Put each series' letter where its values are; the first of several in one place is seen."""
    columns = width - _LEFT - 1
    known = [value for series in plot.series for value in series.y if math.isfinite(value)]
    if not known:
        return ["  (nothing to draw)"]
    low, high = min(known), max(known)
    high = high if high > low else low + 1
    grid = [[" "] * columns for _ in range(HEIGHT)]
    places = [_scaled(x, plot, columns) for x in plot.x]
    if plot.mark is not None:
        at = _scaled(plot.mark, plot, columns)
        for row in grid:
            row[at] = ":"
    for letter, series in reversed(list(zip(_LETTERS, plot.series, strict=False))):
        for at, value in zip(places, series.y, strict=True):
            if math.isfinite(value):
                grid[HEIGHT - 1 - round((value - low) / (high - low) * (HEIGHT - 1))][at] = letter
    labels = {0: f"{high:.4g}", HEIGHT // 2: f"{(low + high) / 2:.4g}", HEIGHT - 1: f"{low:.4g}"}
    body = [f"{labels.get(number, ''):>{_LEFT - 1}} |{''.join(row)}" for number, row in enumerate(grid)]
    ends = f"{plot.x[0]:.4g}", f"{plot.x[-1]:.4g}"
    axis = " " * (_LEFT - 1) + "+" + "-" * columns
    under = " " * _LEFT + ends[0] + clean_line(plot.x_label).center(columns - len(ends[0]) - len(ends[1])) + ends[1]
    legend = [f"  {letter}  {clean_line(series.label)}" for letter, series in zip(_LETTERS, plot.series, strict=False)]
    marked = [f"  :  {plot.x_label} used: {plot.mark:.4g}"] if plot.mark is not None else []
    return [*body, axis, under, *legend, *marked]


def _scaled(x: float, plot: Lines, columns: int) -> int:
    first, last = plot.x[0], plot.x[-1]
    if plot.log_x:
        x, first, last = math.log(x), math.log(first), math.log(last)
    share = (x - first) / (last - first) if last > first else 0.0
    return min(max(round(share * (columns - 1)), 0), columns - 1)


def _bars(plot: Bars, width: int, ascii_only: bool) -> list[str]:
    full = "#" if ascii_only else "█"
    labels = max((len(clean_line(group)) for group in plot.groups), default=0)
    names = max((len(clean_line(series.label)) for series in plot.series), default=0)
    most = max((value for series in plot.series for value in series.y if math.isfinite(value)), default=0) or 1
    room = max(width - labels - names - 14, 8)
    rows = []
    for place, group in enumerate(plot.groups):
        for number, series in enumerate(plot.series):
            value = series.y[place]
            head = clean_line(group) if not number else ""
            cells = full * round(value / most * room)
            rows.append(f"  {head:>{labels}}  {clean_line(series.label):<{names}} {value:6.1f} {cells}")
    return [f"  {clean_line(plot.x_label)}; {clean_line(plot.y_label)}", *rows]
