"""Results → a picture in SVG that needs nothing else: no script, no font file, no address.

Owns a small layout in lines of cells. Every foreign text is cleaned and escaped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from rich.cells import cell_len

from stepcheck.judge import Judged, Unscored
from stepcheck.latex import show
from stepcheck.report import evidence
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean, clean_line
from stepcheck.report.place import place
from stepcheck.report.wrapping import TOO_MUCH, wrap

CELLS = 92
_CELL, _LINE, _EDGE = 8.4, 20, 16
_BAR = 10
_HEAD = 5 + 2 + 6 + _BAR + 1
_GREY, _TEXT, _GROUND, _SOFT = "#8b98a5", "#d8dee4", "#0f1419", "#222b35"


@dataclass(frozen=True, slots=True)
class _Run:
    """A piece of a line: the cell it begins at, its text, its look."""

    cell: int
    text: str
    colour: str = _TEXT
    bold: bool = False
    bar: float | None = None
    """A bar of this share, in the place of text."""


Row = tuple[_Run, ...]
"""A line of the picture."""


def picture(blocks: list[list[Row]], title: str) -> str:
    """Stand blocks from `lay_out` under each other."""
    rows: list[Row] = [row for block in blocks for row in (*block, ())][:-1]
    width, height = round(CELLS * _CELL) + 2 * _EDGE, len(rows) * _LINE + 2 * _EDGE
    drawn = "".join(_draw(row, _EDGE + at * _LINE) for at, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14">'
        f"<title>{escape(clean_line(title))}</title>"
        f'<rect width="100%" height="100%" rx="8" fill="{_GROUND}"/>{drawn}</svg>\n'
    )


def _draw(row: Row, top: int) -> str:
    return "".join(_drawn(run, top) for run in row)


def _drawn(run: _Run, top: int) -> str:
    x = _EDGE + run.cell * _CELL
    if run.bar is not None:
        wide = _BAR * _CELL - 4
        ground = f'<rect x="{x:.1f}" y="{top + 5}" width="{wide:.1f}" height="10" fill="{_SOFT}"/>'
        return f'{ground}<rect x="{x:.1f}" y="{top + 5}" width="{wide * run.bar:.1f}" height="10" fill="{run.colour}"/>'
    weight = ' font-weight="bold"' if run.bold else ""
    text = escape(run.text).replace("\n", " ")
    length = f' textLength="{cell_len(run.text) * _CELL:.1f}" lengthAdjust="spacingAndGlyphs"' if run.text else ""
    return f'<text x="{x:.1f}" y="{top + 15}" fill="{run.colour}"{weight}{length} xml:space="preserve">{text}</text>\n'


def lay_out(result: Judged | Unscored, *, source_shown: bool = False) -> list[Row]:
    """One result as rows of runs."""
    return list(_unscored(result) if isinstance(result, Unscored) else _review(result, source_shown=source_shown))


def note(text: str) -> list[Row]:
    """What the model's card wants to be said."""
    return [(_Run(0, line, _GREY),) for line in wrap(clean(text), CELLS)]


def _shown(text: str, *, source_shown: bool) -> str:
    head = text[:TOO_MUCH]
    more = f"\n… and {len(text) - TOO_MUCH:,} more characters" if len(text) > TOO_MUCH else ""
    return "\n".join(line for line in clean(head if source_shown else show(head)).split("\n") if line.strip()) + more


def _unscored(result: Unscored) -> Iterator[Row]:
    yield (_Run(0, clean_line(place(result)), bold=True),)
    for line in wrap(f"✗ Not scored: {clean_line(str(result.error))}", CELLS):
        yield (_Run(0, line, Band.bad.colour),)


def _review(review: Judged, *, source_shown: bool) -> Iterator[Row]:
    document, verdict = review.document, review.verdict
    name = "" if document.id is None else f"  {clean_line(document.id)}"
    yield (_Run(0, clean_line(place(document)) + name, bold=True),)
    for at, line in enumerate(wrap(_shown(document.problem, source_shown=source_shown), CELLS - 9)):
        yield (*((_Run(0, "Problem", _GREY),) if at == 0 else ()), _Run(9, line))
    yield ()
    for index in range(len(review.rewards)):
        yield from _step(review, index, source_shown=source_shown)
    yield ()
    first = verdict.first_error
    if first is None:
        words = f"✓ No step is under the threshold {review.threshold:g}."
        yield (_Run(0, words, Band.good.colour, bold=True),)
    else:
        for line in wrap(f"✗ {evidence.first_error_words(review, first)}", CELLS):
            yield (_Run(0, line, Band.bad.colour, bold=True),)
    sums = review.aggregates
    facts = f"product {sums.product:.3g} · min {sums.min:.3f} · last {sums.last:.3f} · mean {sums.mean:.3f}"
    yield (_Run(0, f"{facts} · {clean_line(review.model.name)}", _GREY),)


def _step(review: Judged, index: int, *, source_shown: bool) -> Iterator[Row]:
    reward, first = review.rewards[index], review.verdict.first_error
    kind = Band.bad if index == first else band(reward, review.threshold)
    late = first is not None and index > first
    head = (
        _Run(0, f"{index + 1:>3}", _GREY),
        _Run(5, kind.glyph, kind.colour, bold=True),
        _Run(7, f"{reward:.3f}", kind.colour),
        _Run(13, "", kind.colour, bar=reward),
    )
    lines = wrap(_shown(review.document.steps[index].text, source_shown=source_shown), CELLS - _HEAD)
    for at, line in enumerate(lines):
        yield (*(head if at == 0 else ()), _Run(_HEAD, line, _GREY if late else _TEXT))
    if index == first:
        yield (_Run(_HEAD, "◀ first error", Band.bad.colour, bold=True),)
    for kind, said in evidence.sentences(review, index):
        for line in wrap(f"{kind.glyph} {said}", CELLS - _HEAD):
            yield (_Run(_HEAD, line, kind.colour),)
