"""A run → one HTML page that needs nothing beside it: no script, no font, no address; tables, plots, manifest, cases.

Refuses foreign markup: every text passes `clean` and is escaped; a content policy forbids what a gap would let in.
"""

import html
from collections.abc import Iterator

import msgspec

from stepcheck.bench.cases import Labelled, Row
from stepcheck.bench.metrics import RIGHT
from stepcheck.bench.results import ProcessBenchResult, predicted
from stepcheck.bench.runs.store import Run
from stepcheck.report import rows as row_report
from stepcheck.report.band import band
from stepcheck.report.clean import clean, clean_line
from stepcheck.report.plots import figures, plots, terminal
from stepcheck.report.runs import Result, head_of, tables_of
from stepcheck.report.tables import to_html

MOST_CASES = 200
"""Cases shown with their steps; the export to JSONL has all of them."""
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1rem}
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}.note{color:#555;font-size:.9em}.partial{background:#E69F0033;padding:.5rem}
pre{overflow-x:auto;font-size:12px}details{margin:.4rem 0}summary{cursor:pointer}
.step{white-space:pre-wrap;margin:.2rem 0}
.bad{border-left:4px solid #D55E00;padding-left:.5rem}.doubtful{border-left:4px solid #E69F00;padding-left:.5rem}
.good{border-left:4px solid #56B4E9;padding-left:.5rem}svg{max-width:100%;height:auto}
@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}th,td{border-color:#444}.note{color:#aaa}
figure{background:#fff}}
"""


def page(run: Run, result: Result) -> Iterator[str]:
    """Yield the page in pieces."""
    title, *notes = head_of(result)
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><title>{_safe(title)}</title><style>{_STYLE}</style>'
        f"</head><body>\n<h1>{_safe(title)}</h1>\n"
    )
    yield from (
        f'<p class="{"partial" if note.startswith("PARTIAL") else "note"}">{_safe(note)}</p>\n' for note in notes
    )
    yield from map(to_html, tables_of(result))
    yield from _drawn(result)
    if isinstance(result, ProcessBenchResult):
        yield from _cases(run, result.threshold)
    manifest = msgspec.json.format(msgspec.json.encode(run.manifest), indent=1).decode()
    yield f"<h2>Manifest</h2>\n<pre>{html.escape(clean(manifest))}</pre>\n</body></html>\n"


def _drawn(result: Result) -> Iterator[str]:
    """Plots as pictures; as text where matplotlib is not installed."""
    for plot in plots(result):
        if figures.available():
            svg = figures.render(plot, "svg").decode()
            yield f"<figure>{svg[svg.index('<svg') :]}</figure>\n"
        else:
            yield f"<pre>{html.escape(terminal.draw(plot))}</pre>\n"


def _cases(run: Run, threshold: float | None) -> Iterator[str]:
    """The cases that were not hit, with their steps."""
    missed = [row.key for row in run.rows(texts=False) if row_report.outcome(row, threshold) != "hit"]
    yield f"<h2>Cases not hit: {len(missed):,}</h2>\n"
    if len(missed) > MOST_CASES:
        yield f'<p class="note">The first {MOST_CASES} of them; stepcheck runs export has all.</p>\n'
    for key in missed[:MOST_CASES]:
        row = run.row(key)
        yield f"<details><summary>{_safe(row.subset)} {_safe(row.id)}: {_safe(_summary(row, threshold))}</summary>\n"
        yield f'<p class="step">{_text(row.problem)}</p>\n<ol>\n'
        yield from (_step(row, index, threshold) for index in range(len(row.steps)))
        yield "</ol></details>\n"


def _summary(row: Row, threshold: float | None) -> str:
    if row.error is not None:
        return f"error: {row.error.message}"
    label = row.facts.label if isinstance(row.facts, Labelled) else RIGHT
    found = predicted(row, threshold)
    words = [_place(step) for step in (label, found)]
    return f"{row_report.outcome(row, threshold)} (label: {words[0]}, predicted: {words[1]})"


def _place(step: int | None) -> str:
    return "no error" if step is None or step == RIGHT else f"step {step + 1}"


def _step(row: Row, index: int, threshold: float | None) -> str:
    label = isinstance(row.facts, Labelled) and row.facts.label == index
    mark = " ◀ labelled first error" if label else ""
    if row.rewards is None or threshold is None:
        mark += " ◀ predicted first error" * (row.first_error == index)
        return f'<li class="step">{_text(row.steps[index])}<b>{mark}</b></li>\n'
    kind = band(row.rewards[index], threshold)
    return f'<li class="step {kind.name}">{row.rewards[index]:.3f} {_text(row.steps[index])}<b>{mark}</b></li>\n'


def _safe(text: str) -> str:
    return html.escape(clean_line(text))


def _text(text: str) -> str:
    return html.escape(clean(text))
