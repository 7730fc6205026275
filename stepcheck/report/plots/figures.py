"""Plots → SVG and PNG with matplotlib, the extra `plots`. No window, no global state, the same bytes every time."""

import io
from typing import TYPE_CHECKING, Literal

from stepcheck.errors import UsageError
from stepcheck.report.clean import clean_line
from stepcheck.report.plots.values import Bars, Lines, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255", "#44AA99")
"""Okabe and Ito's, which colour-blind eyes tell apart, and three of Tol's."""
_STYLES = ("-", "--", "-.", ":")
_SIZE = (7.0, 4.2)
_DPI = 120


def available() -> bool:
    """Tell whether matplotlib is installed."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def render(plot: Plot, form: Literal["svg", "png"]) -> bytes:
    """Draw a plot as a file's bytes.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if not available():
        raise UsageError("plots as SVG and PNG need matplotlib: pip install 'stepcheck[plots]'")
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": plot.name, "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        if isinstance(plot, Lines):
            _draw_lines(axes, plot)
        else:
            _draw_bars(axes, plot)
        axes.set_title(clean_line(plot.title), fontsize=11)
        axes.set_xlabel(clean_line(plot.x_label))
        axes.set_ylabel(clean_line(plot.y_label))
        axes.spines[["top", "right"]].set_visible(False)
        if len(plot.series) > 1:
            axes.legend(frameon=False, fontsize=8)
        out = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": "stepcheck"}
        figure.savefig(out, format=form, dpi=_DPI, metadata=metadata)
    return out.getvalue()


def _draw_lines(axes: "Axes", plot: Lines) -> None:
    for number, series in enumerate(plot.series):
        style = _STYLES[number % len(_STYLES)]
        marker = "o" if len(plot.x) <= 20 else ""  # noqa: PLR2004 (more would hide the line)
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(plot.x, series.y, style, marker=marker, ms=4, color=colour, label=clean_line(series.label))
    if plot.log_x:
        axes.set_xscale("log", base=2)
        axes.set_xticks(plot.x, [f"{x:g}" for x in plot.x])
    if plot.mark is not None:
        axes.axvline(plot.mark, color="#777777", linewidth=1, linestyle=":", label=f"{plot.x_label} used")


def _draw_bars(axes: "Axes", plot: Bars) -> None:
    width = 0.8 / len(plot.series)
    for number, series in enumerate(plot.series):
        places = [place + (number - (len(plot.series) - 1) / 2) * width for place in range(len(plot.groups))]
        colour = COLOURS[number % len(COLOURS)]
        hatch = ("", "//")[number % 2]
        label = clean_line(series.label)
        axes.bar(places, series.y, width, color=colour, hatch=hatch, edgecolor="white", label=label)
    step = -(-len(plot.groups) // 12)
    axes.set_xticks(range(0, len(plot.groups), step), [clean_line(group) for group in plot.groups[::step]])
