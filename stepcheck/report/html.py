"""Results → one page that needs nothing else: no script, no font, no address.

Formulas are shown in Unicode, or as they were written. Every foreign text is cleaned and escaped.
"""

from collections.abc import Iterator
from html import escape

from stepcheck.judge import Judged, Unscored
from stepcheck.latex import show
from stepcheck.report import evidence
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean, clean_line
from stepcheck.report.place import place

_STYLE = """
:root{--ground:#fbfbf9;--text:#1f2933;--soft:#e2e4e0;--good:#0072b2;--doubtful:#9a6700;--wrong:#c04000}
@media (prefers-color-scheme:dark){:root{--ground:#0f1419;--text:#d8dee4;--soft:#222b35;--good:#56b4e9;
--doubtful:#e69f00;--wrong:#d55e00}}
body{background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;
padding:0 1rem}
h2{font-size:1.1rem;margin:2.5rem 0 .5rem}p,li .text{white-space:pre-wrap;overflow-wrap:anywhere}
ol{list-style:none;padding:0}li{display:grid;grid-template-columns:2rem 1.2rem 3.2rem 6rem 1fr;gap:.6rem;
padding:.45rem .5rem;border-left:.2rem solid transparent}
li.first{border-color:var(--wrong);background:color-mix(in srgb,var(--wrong) 10%,transparent)}li.late{opacity:.55}
.n{text-align:right;opacity:.6}
.bar{background:var(--soft);height:.6rem;margin-top:.45rem}.bar i{display:block;height:100%}
.ok{color:var(--good)}.doubtful{color:var(--doubtful)}.wrong{color:var(--wrong)}.ok i{background:var(--good)}
.doubtful i{background:var(--doubtful)}.wrong i{background:var(--wrong)}.mark,.verdict{font-weight:600}
.evidence{display:block}
footer,.note{opacity:.7;font-size:.9rem}
"""


def begin(title: str, notice: str) -> str:
    """Open the page, with the notice first of all."""
    note = f'<p class="note">{_text(notice)}</p>\n' if notice else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(clean_line(title))}</title><style>{_STYLE}</style></head>\n<body>\n{note}"
    )


def end() -> str:
    """Close what `begin` opened."""
    return "</body></html>\n"


def render(result: Judged | Unscored, *, source_shown: bool = False) -> str:
    """One result as a section."""
    lines = _unscored(result) if isinstance(result, Unscored) else _review(result, source_shown=source_shown)
    return "<section>\n" + "\n".join(lines) + "\n</section>\n"


def _text(text: str, *, source_shown: bool = True) -> str:
    return escape(clean(text if source_shown else show(text)))


def _unscored(result: Unscored) -> Iterator[str]:
    yield f"<h2>{_text(place(result))}</h2>"
    yield f'<p class="verdict wrong">✗ Not scored: {_text(str(result.error))}</p>'


def _review(review: Judged, *, source_shown: bool) -> Iterator[str]:
    document, verdict = review.document, review.verdict
    name = "" if document.id is None else f" · {_text(document.id)}"
    yield f"<h2>{_text(place(document))}{name}</h2>"
    yield f"<p>{_text(document.problem.strip(), source_shown=source_shown)}</p>\n<ol>"
    for index in range(len(review.rewards)):
        yield _step(review, index, source_shown=source_shown)
    yield "</ol>"
    first = verdict.first_error
    if first is None:
        yield f'<p class="verdict ok">✓ No step is under the threshold {review.threshold:g}.</p>'
    else:
        yield f'<p class="verdict wrong">✗ {evidence.first_error_words(review, first)}</p>'
    sums = review.aggregates
    facts = f"product {sums.product:.3g} · min {sums.min:.3f} · last {sums.last:.3f} · mean {sums.mean:.3f}"
    yield f"<footer>{facts} · {_text(review.model.name)}</footer>"


def _step(review: Judged, index: int, *, source_shown: bool) -> str:
    reward, first = review.rewards[index], review.verdict.first_error
    kind = Band.bad if index == first else band(reward, review.threshold)
    place_class = "first" if index == first else "late" if first is not None and index > first else ""
    mark = ' <span class="mark wrong">◀ first error</span>' if index == first else ""
    text = _text(review.document.steps[index].text, source_shown=source_shown)
    found = "".join(
        f'<span class="evidence {kind.word}">{kind.glyph} {escape(said)}</span>'
        for kind, said in evidence.sentences(review, index)
    )
    return (
        f'<li class="{place_class}"><span class="n">{index + 1}</span>'
        f'<span class="{kind.word}">{kind.glyph}</span><span class="{kind.word}">{reward:.3f}</span>'
        f'<span class="bar {kind.word}"><i style="width:{100 * reward:.1f}%"></i></span>'
        f'<span class="text">{text}{mark}{found}</span></li>'
    )
