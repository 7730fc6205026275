"""A verdict in words → what a person reads in a terminal, with rich. Every text that is not ours passes `clean`."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepcheck.judge import Judged
from stepcheck.report import evidence
from stepcheck.report.band import Band
from stepcheck.report.clean import clean
from stepcheck.report.judgements import deciding, verdict_words, words_for_steps
from stepcheck.report.place import place
from stepcheck.report.symbols import Symbols, labelled
from stepcheck.report.wrapping import unbroken

LONGEST = 3000
"""Characters of a critique that are shown; `--format json` has all of them."""


def render(judged: Judged, symbols: Symbols) -> RenderableType:
    """Lay out a verdict that was named: steps, verdict, and the words of the critique that decided."""
    document, verdict, words = judged.document, judged.verdict, deciding(judged)
    kind = Band.doubtful if not verdict.decided else Band.good if verdict.first_error is None else Band.bad
    said = Text(f"{symbols.glyph(kind)} {verdict_words(judged)}", style=f"bold {kind.colour}")
    cost = f"  {clean(judged.model.name)} {symbols.dot} {judged.tokens:,} tokens {symbols.dot} "
    return Group(
        Text(clean(place(document)), style="bold"),
        *(Text(f"Note: {clean(note)}", style="italic") for note in document.notes),
        labelled("Problem", unbroken(clean(document.problem).strip())),
        "",
        Padding(_steps(judged, symbols), (0, 0, 0, 1)),
        "",
        said,
        *([labelled("Critic", _shown(words.words))] if words else []),
        Text(f"{cost}{judged.seconds:.2f} s", style="dim"),
        "",
    )


def _shown(words: str) -> str:
    """Show so much of a critique as a person reads: its beginning and its end, where the verdict stands."""
    text = clean(words).strip()
    if len(text) <= LONGEST:
        return text
    cut = len(text) - LONGEST
    return f"{text[: LONGEST * 2 // 3]}\n[… {cut:,} characters left out …]\n{text[-LONGEST // 3 :]}"


def _steps(judged: Judged, symbols: Symbols) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    looks = {
        "ok": (symbols.good, Band.good.colour, ""),
        "first-error": (symbols.bad, Band.bad.colour, ""),
        "unjudged": (symbols.dot, "dim", "dim"),
    }
    for number, (step, word) in enumerate(zip(judged.document.steps, words_for_steps(judged), strict=True), 1):
        glyph, colour, style = looks[word]
        lines = [line for line in clean(step.text).split("\n") if line.strip()]
        text = Text("\n".join(lines), style=style)
        if word == "first-error":
            text.append(f"\n{symbols.pointer} first error", style=f"bold {colour}")
        with_evidence(text, judged, number - 1, symbols)
        grid.add_row(Text(str(number), style="dim"), Text(glyph, style=f"{colour} bold"), text)
    return grid


def with_evidence(text: Text, judged: Judged, index: int, symbols: Symbols) -> Text:
    """Put what is found in a step under its text, a line each."""
    for kind, sentence in evidence.sentences(judged, index):
        text.append(f"\n{symbols.glyph(kind)} {sentence}", style=kind.colour)
    return text
