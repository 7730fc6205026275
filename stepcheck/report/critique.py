"""A critic's judgement → what a person reads in a terminal, with rich. Every text that is not ours passes `clean`."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepcheck.critic.base import Judgement
from stepcheck.report.band import Band
from stepcheck.report.clean import clean
from stepcheck.report.judgements import deciding, verdict_words, words_for_steps
from stepcheck.report.place import place
from stepcheck.report.symbols import Symbols, labelled

LONGEST = 3000
"""Characters of a critique that are shown; `--format json` has all of them."""


def render(judgement: Judgement, symbols: Symbols) -> RenderableType:
    """Lay out a judgement: steps, verdict, and the words of the critique that decided."""
    document, index = judgement.document, judgement.vote.index
    kind = Band.doubtful if index is None else Band.good if judgement.vote.first_error is None else Band.bad
    verdict = Text(f"{symbols.glyph(kind)} {verdict_words(judgement)}", style=f"bold {kind.colour}")
    cost = f"  {clean(judgement.model.name)} {symbols.dot} {judgement.tokens:,} tokens {symbols.dot} "
    return Group(
        Text(clean(place(document)), style="bold"),
        *(Text(f"Note: {clean(note)}", style="italic") for note in document.notes),
        labelled("Problem", clean(document.problem).strip()),
        "",
        Padding(_steps(judgement, symbols), (0, 0, 0, 1)),
        "",
        verdict,
        labelled("Critic", _shown(deciding(judgement).words)),
        Text(f"{cost}{judgement.seconds:.2f} s", style="dim"),
        "",
    )


def _shown(words: str) -> str:
    """Show so much of a critique as a person reads: its beginning and its end, where the verdict stands."""
    text = clean(words).strip()
    if len(text) <= LONGEST:
        return text
    cut = len(text) - LONGEST
    return f"{text[: LONGEST * 2 // 3]}\n[… {cut:,} characters left out …]\n{text[-LONGEST // 3 :]}"


def _steps(judgement: Judgement, symbols: Symbols) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    looks = {
        "ok": (symbols.good, Band.good.colour, ""),
        "first-error": (symbols.bad, Band.bad.colour, ""),
        "unjudged": (symbols.dot, "dim", "dim"),
    }
    for number, (step, word) in enumerate(zip(judgement.document.steps, words_for_steps(judgement), strict=True), 1):
        glyph, colour, style = looks[word]
        lines = [line for line in clean(step.text).split("\n") if line.strip()]
        text = Text("\n".join(lines), style=style)
        if word == "first-error":
            text.append(f"\n{symbols.pointer} first error", style=f"bold {colour}")
        grid.add_row(Text(str(number), style="dim"), Text(glyph, style=f"{colour} bold"), text)
    return grid
