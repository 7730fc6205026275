"""Results → Markdown, for a note or a comment. Formulas stay LaTeX, which Markdown's readers render.

Refuses what would act or load from elsewhere: HTML, images and links of foreign text are shown as text.
"""

from collections.abc import Iterator

from stepcheck.judge import Judged, Unscored
from stepcheck.patterns import regex
from stepcheck.report import evidence
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean, clean_line
from stepcheck.report.place import place
from stepcheck.steps.maths import formulas

_TAG = regex(r"<(?=[A-Za-z/!?])")
_LINK = regex(r"\]\(|\]\[|\]:")


def notice(text: str) -> str:
    """What the model's card wants to be said."""
    return f"> {_inert(text)}\n\n"


def render(result: Judged | Unscored) -> str:
    """One result as a section that ends in a blank line."""
    return "\n".join(_unscored(result) if isinstance(result, Unscored) else _review(result)) + "\n\n"


def _unscored(result: Unscored) -> Iterator[str]:
    yield f"## {_inert(clean_line(place(result)))}"
    yield ""
    yield f"**✗ Not scored:** {_inert(clean_line(str(result.error)))}"


def _review(review: Judged) -> Iterator[str]:
    document, threshold, first = review.document, review.threshold, review.verdict.first_error
    name = "" if document.id is None else f" ({_inert(clean_line(document.id))})"
    yield f"## {_inert(clean_line(place(document)))}{name}"
    yield ""
    yield f"**Problem.** {_inert(document.problem.strip())}"
    for index, (step, reward) in enumerate(zip(document.steps, review.rewards, strict=True)):
        mark = " ◀ first error" if index == first else ""
        kind = Band.bad if index == first else band(reward, threshold)
        yield f"\n**{kind.glyph} Step {index + 1}** · {reward:.3f}{mark}\n"
        yield from (f"> {line}".rstrip() for line in _inert(step.text).split("\n"))
        for finding in evidence.findings(review, index):
            yield f"\n{'✗' if finding.certain else '~'} {_inert(evidence.worded(finding, source_shown=True))}"
    yield ""
    if first is None:
        yield f"**✓ No step is under the threshold {threshold:g}.**"
    else:
        head, _, words = evidence.first_error_words(review, first).partition(":")
        yield f"**✗ {head}:**{words}"
    sums = review.aggregates
    yield f"\nproduct {sums.product:.3g} · min {sums.min:.3f} · last {sums.last:.3f} · mean {sums.mean:.3f} · "
    yield f"model {_inert(clean_line(review.model.name))}"


def _inert(text: str) -> str:
    """Text that a Markdown reader shows and does not obey; formulas are left alone but for tags."""
    text = clean(text)
    out: list[str] = []
    done = 0
    for start, end in formulas(text):
        out += (_escaped(text[done:start]), _TAG.sub("&lt;", text[start:end]))
        done = end
    return "".join([*out, _escaped(text[done:])])


def _escaped(text: str) -> str:
    return _LINK.sub(lambda found: f"\\{found[0]}", _TAG.sub("&lt;", text))
