"""A table as a value, and how it is written: aligned text, Markdown, HTML, CSV. Every cell passes `clean_line`."""

import csv
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from stepcheck.report.clean import clean_line


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; the first column is text, the others are set to the right. `notes` stand below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def number(value: float | None, digits: int = 1) -> str:
    """Write a figure, or an en dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 1) -> str:
    """Write a difference with its sign."""
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def interval(value: tuple[float, float] | None, digits: int = 1) -> str:
    """Write an interval in brackets."""
    return "" if value is None else f"[{number(value[0], digits)}, {number(value[1], digits)}]"


def to_text(table: Table) -> str:
    """Lay a table out in columns of equal width, two blanks apart."""
    cells = [list(map(clean_line, row)) for row in (table.columns, *table.rows)]
    widths = [max(cell_len(row[column]) for row in cells) for column in range(len(table.columns))]
    lines = [clean_line(table.title)] if table.title else []
    lines += [_line(row, widths) for row in cells]
    return "".join(f"{line}\n" for line in (*lines, *map(clean_line, table.notes)))


def to_markdown(table: Table) -> str:
    """Write a table in Markdown."""
    rows = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in (table.columns, *table.rows)]
    rule = "|---|" + "---:|" * (len(table.columns) - 1)
    title = [f"### {_escaped(table.title)}", ""] if table.title else []
    notes = [line for note in table.notes for line in ("", _escaped(note))]
    return "".join(f"{line}\n" for line in (*title, rows[0], rule, *rows[1:], *notes))


def to_html(table: Table) -> str:
    """Write a table in HTML; whatever is in a cell is text."""
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in table.columns)
    body = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>\n" for row in table.rows)
    notes = "".join(f"<p class=note>{_safe(note)}</p>\n" for note in table.notes)
    title = f"<h2>{_safe(table.title)}</h2>\n" if table.title else ""
    return f"{title}<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n{notes}"


def to_csv(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines of CSV; a cell that a spreadsheet would take for a formula is quoted with an apostrophe."""
    for row in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([_no_formula(clean_line(cell)) for cell in row])
        yield line.getvalue()


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
    first, *others = zip(row, gaps, strict=True)
    return "  ".join([first[0] + first[1], *(gap + cell for cell, gap in others)]).rstrip()


def _no_formula(cell: str) -> str:
    """Source: OWASP, CSV injection. Negative numbers stay numbers."""
    risky = cell[:1] in {"=", "+", "@"} or (cell[:1] == "-" and not cell[1:].replace(".", "", 1).isdigit())
    return f"'{cell}" if risky else cell


def _escaped(cell: str) -> str:
    return clean_line(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")


def _safe(cell: str) -> str:
    return html.escape(clean_line(cell))
