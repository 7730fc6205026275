"""Results → what a person reads in a terminal, with rich.

Owns layout, glyphs and colours. Refuses markup: every text that is not ours passes `clean` and becomes a `Text`.
"""

from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepcheck.judge import Judged, Unscored
from stepcheck.report import critique, evidence
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean
from stepcheck.report.place import place
from stepcheck.report.summary import Summary
from stepcheck.report.symbols import Symbols, labelled, symbols_for
from stepcheck.report.wrapping import unbroken

__all__ = ["Symbols", "console_for", "render", "render_notice", "render_summary", "symbols_for"]

BAR_CELLS = 10
NARROW = 70
"""Under this many columns the bar gives its room to the text."""
LEAST = 20
"""Narrower than this nothing can be laid out."""
WIDEST = 120
"""Lines longer than this are hard to read, however wide the terminal."""


def render_notice(notice: str) -> RenderableType:
    """Say what the model's card wants to be said with every result."""
    return Group(Text.assemble(("Note: ", "bold"), clean(notice)), "")


def render(result: Judged | Unscored, symbols: Symbols, width: int, *, bars: bool) -> RenderableType:
    """Lay out one result for `width` columns, 20 or more."""
    if isinstance(result, Unscored):
        return _render_unscored(result, symbols)
    if not result.rewards:
        return critique.render(result, symbols)
    title = Text.assemble((clean(place(result.document)), "bold"), (_identity(result), "dim"))
    notes = [Text(f"Note: {clean(note)}", style="italic") for note in result.document.notes]
    problem = labelled("Problem", unbroken(clean(result.document.problem).strip()))
    steps = _steps(result, symbols, width, bars=bars and width >= NARROW)
    return Group(title, *notes, problem, "", steps, "", _verdict(result, symbols), _cost(result, symbols), "")


def _render_unscored(result: Unscored, symbols: Symbols) -> RenderableType:
    title = Text(clean(place(result)), style="bold")
    reason = Text.assemble((f"{symbols.bad} not scored: ", f"bold {Band.bad.colour}"), clean(str(result.error)))
    return Group(title, reason, "")


def render_summary(summary: Summary, symbols: Symbols) -> RenderableType:
    """Close a long list: how many solutions, how many with a step judged wrong, how many without a judgement."""
    clear = summary.done - summary.wrong - summary.unscored - summary.silent
    parts = [f"{summary.done:,} solutions", f"{clear:,} without a wrong step", f"{summary.wrong:,} with one"]
    if summary.unscored:
        parts.append(f"{summary.unscored:,} not scored")
    if summary.silent:
        parts.append(f"{summary.silent:,} without a verdict")
    return Text(f" {symbols.dot} ".join([*parts, f"{summary.seconds:.1f} s"]), style="bold")


def _identity(review: Judged) -> str:
    return "" if review.document.id is None else f"  {clean(review.document.id)}"


def _steps(review: Judged, symbols: Symbols, width: int, *, bars: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(justify="right", no_wrap=True)
    for _ in range(3 if bars else 2):
        grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    taken = len(f" {len(review.rewards)} x 0.000 ") + bars * (BAR_CELLS + 1)
    for index in range(len(review.rewards)):
        grid.add_row(*_row(review, index, symbols, width - taken - 1, bars=bars))
    return Padding(grid, (0, 0, 0, 1))


def _row(review: Judged, index: int, symbols: Symbols, room: int, *, bars: bool) -> Iterator[Text]:
    """Show a step in `room` columns of text; those after the first error are dimmed, for they build on it."""
    first, reward = review.verdict.first_error, review.rewards[index]
    kind = Band.bad if index == first else band(reward, review.threshold)
    late = first is not None and index > first
    colour = f"dim {kind.colour}" if late else kind.colour
    yield Text(str(index + 1), style="dim")
    yield Text(symbols.glyph(kind), style=f"{colour} bold")
    yield Text(f"{reward:.3f}", style=colour)
    if bars:
        yield _bar(reward, symbols, colour)
    lines = [line for line in clean(review.document.steps[index].text).split("\n") if line.strip()]
    text = Text("\n".join(lines), style="dim" if late else "")
    if index == first:
        mark = f"{symbols.pointer} first error"
        fits = "\n" not in text and text.cell_len + len(mark) + 2 <= room
        text.append(("  " if fits else "\n") + mark, style=f"bold {Band.bad.colour}")
    yield critique.with_evidence(text, review, index, symbols)


def _bar(reward: float, symbols: Symbols, colour: str) -> Text:
    full = round(min(max(reward, 0.0), 1.0) * BAR_CELLS)
    return Text.assemble((symbols.bar * full, colour), (symbols.rest * (BAR_CELLS - full), "dim"))


def _verdict(review: Judged, symbols: Symbols) -> Text:
    first, threshold = review.verdict.first_error, review.threshold
    if first is None:
        words = f"{symbols.good} No step is under the threshold {threshold:g}."
        return Text(words, style=f"bold {Band.good.colour}")
    words = f"{symbols.bad} {evidence.first_error_words(review, first)}"
    return Text(words, style=f"bold {Band.bad.colour}")


def _cost(review: Judged, symbols: Symbols) -> Text:
    parts = (clean(review.model.name), f"{review.tokens:,} tokens", f"{review.seconds:.2f} s")
    return Text("  " + f" {symbols.dot} ".join(parts), style="dim")


def console_for(stream: TextIO) -> Console:
    """Open a console on a text stream: no markup, no emoji codes, no highlighting; colour and width are the terminal's.

    What it prints is to be captured and written by the sink, so a Windows console without escape sequences gets none.
    """
    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    if console.legacy_windows:
        console = Console(file=stream, markup=False, emoji=False, highlight=False, force_terminal=False)
    console.width = max(LEAST, min(console.width, WIDEST))
    return console
