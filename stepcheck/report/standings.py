"""Models × subsets (or × tasks) in one table, measured rows beside published ones. Pure: cells are text.

Owns how rows stand and what a cell says: a figure in per cent, its interval behind it, the best of a column marked.
What is published stands under the run of the same model, the other published rows below; its intervals are not known.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stepcheck.report.clean import clean_line

MISSING = "–"
PUBLISHED = "published"
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: f"\\{sign}" for sign in "&%$#_{}"
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in per cent and its 95 % interval; `partial` where not all of the data was read.

    `high` is where it goes if what could not be told is right; None where nothing is open.
    """

    value: float
    interval: tuple[float, float] | None = None
    partial: bool = False
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One row: a model's figures, in the order of the columns, None where there is none.

    `run` tells it from other runs of the same model.
    """

    model: str
    figures: tuple[Figure | None, ...]
    published: bool = False
    run: str = ""
    aside: bool = False
    """Not made as the others are, and so never the best."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as text; `best[row][column]` marks the best measured figure of a column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: tuple[tuple[bool, ...], ...]


def lay_out(
    columns: Sequence[str], standings: Sequence[Standing], same: Callable[[str, str], bool] = lambda a, b: a == b
) -> Grid:
    """Order rows and write cells; `same(ours, published)` tells whether two names are one model's.

    Partial figures are marked with a star and are never the best.
    """
    measured = _told_apart([standing for standing in standings if not standing.published])
    left = [standing for standing in standings if standing.published]
    ordered: list[Standing] = []
    for standing in measured:
        ordered.append(standing)
        twins = [other for other in left if same(standing.model, other.model)]
        later = any(
            same(other.model, twin.model) for twin in twins for other in measured[measured.index(standing) + 1 :]
        )
        if twins and not later:
            ordered += twins
            left = [other for other in left if other not in twins]
    ordered += left
    tops = [_top(measured, column) for column in range(len(columns))]
    best = tuple(
        (False, *(_is_top(standing, column, tops[column]) for column in range(len(columns)))) for standing in ordered
    )
    rows = tuple((_name(standing), *map(_cell, standing.figures)) for standing in ordered)
    return Grid(("model", *columns), rows, best)


def to_latex(grid: Grid) -> str:
    """Write a grid as a LaTeX tabular (booktabs): numbers set to the right, the best ones bold."""
    lines = [
        r"\begin{tabular}{l" + "r" * (len(grid.columns) - 1) + "}",
        r"\toprule",
        _latex_row(grid.columns, [False] * len(grid.columns)),
        r"\midrule",
        *(_latex_row(row, best) for row, best in zip(grid.rows, grid.best, strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _latex_row(cells: Sequence[str], best: Sequence[bool]) -> str:
    texts = (rf"\textbf{{{_escaped(cell)}}}" if top else _escaped(cell) for cell, top in zip(cells, best, strict=True))
    return " & ".join(texts) + r" \\"


def _escaped(cell: str) -> str:
    return "".join(_LATEX.get(character, character) for character in clean_line(cell)).replace("–", "--")


def _told_apart(measured: Sequence[Standing]) -> list[Standing]:
    """Keep the run's name only where there are several rows of one model; number those whose runs are called alike."""
    models = Counter(standing.model for standing in measured)
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for standing in measured:
        seen[standing.model, standing.run] += 1
        place = seen[standing.model, standing.run]
        run = f"{standing.run} #{place}" if place > 1 else standing.run
        found.append(replace(standing, run=run if models[standing.model] > 1 else ""))
    return found


def _name(standing: Standing) -> str:
    if standing.published:
        return f"{standing.model} ({PUBLISHED})"
    return f"{standing.model}, run {standing.run}" if standing.run else standing.model


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return MISSING
    interval = "" if figure.interval is None else f" [{figure.interval[0]:.1f}, {figure.interval[1]:.1f}]"
    value = f"{figure.value:.1f}"
    if figure.high is not None and f"{figure.high:.1f}" != value:
        value += f"–{figure.high:.1f}"
    return f"{value}{'*' * figure.partial}{interval}"


def _top(standings: Sequence[Standing], column: int) -> float | None:
    return max((figure.value for standing in standings if (figure := _compared(standing, column))), default=None)


def _is_top(standing: Standing, column: int, top: float | None) -> bool:
    figure = _compared(standing, column)
    return figure is not None and figure.value == top


def _compared(standing: Standing, column: int) -> Figure | None:
    """Return a row's figure if it may be the best of its column."""
    figure = standing.figures[column]
    return figure if figure and not (standing.published or standing.aside or figure.partial) else None
