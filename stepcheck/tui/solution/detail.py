"""The whole of one step: its text, and its reward against the threshold and against the step before."""

import itertools
from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from stepcheck.latex import show
from stepcheck.report.clean import clean
from stepcheck.report.wrapping import TOO_MUCH, wrap
from stepcheck.tui.colours import palette
from stepcheck.tui.judging.view import View, about, shown
from stepcheck.tui.solution.steps import glyph

_DIM = Style(dim=True)
_UNDERLINED = Style(underline=True)


class Detail(ScrollView, can_focus=True):
    """Shows one step of a `View`; `present` with another view of the same step keeps the place."""

    DEFAULT_CSS = """
    Detail { overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; background: $background; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._view: View | None = None
        self._index = 0
        self._text = ""
        self._lines: list[list[Segment]] = []
        self._wrapped: tuple[str, int, list[str]] | None = None

    def present(self, view: View, index: int) -> None:
        """Show what is known of one step."""
        old = self._view
        same = old is not None and old.document is view.document and index == self._index
        if not same or old is None or old.source_shown != view.source_shown:
            self._text = _text(view, index)
        self._view, self._index = view, index
        self._lay_out()
        if not same:
            self.scroll_to(y=0, animate=False, immediate=True)

    def on_resize(self) -> None:
        """Lay out for another width."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(self.size.width - 1, 10)
        if self._wrapped is None or self._wrapped[:2] != (self._text, width):
            self._wrapped = (self._text, width, wrap(self._text, width))
        spans = _spans(self._view, self._index, self._text) if self._view is not None else []
        body = underlined(self._text, self._wrapped[2], spans)
        self._lines = [*self._judgement(width), *body]
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def _judgement(self, width: int) -> Iterator[list[Segment]]:
        """The step's number and what is to be said of its reward; on one line where there is no height for more."""
        view, index = self._view, self._index
        if view is None or not view.document.steps:
            return
        kind = view.band(index)
        style = palette(self.app.current_theme).style(kind, bold=True)
        title = f"{glyph(kind)} Step {index + 1} of {len(view.document.steps)}"
        first = view.first_error
        note = " · the first error" if index == first else " · after the first error" if view.late(index) else ""
        facts = about(view, index)
        if self.size.height < 10:  # noqa: PLR2004 (a quarter of a small terminal)
            words = " · ".join(f"{label} {value}" if label != "reward" else value for label, value in facts)
            lines = 1 if self.size.height < 7 else 2  # noqa: PLR2004 (the text is what the room is for)
            yield from ([Segment(line, style)] for line in wrap(f"{title} · {words}", width, lines))
            yield from self._evidence(width)
            return
        yield [Segment(title, style), Segment(note, style if index == first else _DIM)]
        yield from ([Segment(f"{label:<12}", _DIM), Segment(value)] for label, value in facts)
        yield from self._evidence(width)
        yield [Segment("")]

    def _evidence(self, width: int) -> Iterator[list[Segment]]:
        """What is false in the step, and which later ones carry it on."""
        colours = palette(self.app.current_theme)
        for said in shown(self._view, self._index) if self._view is not None else ():
            style = colours.style(said.band) if said.band is not None else _DIM
            yield from ([Segment(line, style)] for line in wrap(said.text, width, 3))

    def render_line(self, y: int) -> Strip:
        """One line on the screen."""
        at, base = y + self.scroll_offset.y, self.visual_style.rich_style
        strip = Strip(self._lines[at]) if at < len(self._lines) else Strip([])
        return strip.apply_style(base).adjust_cell_length(self.size.width, base)


def _text(view: View, index: int) -> str:
    if index >= len(view.document.steps):
        return ""
    source = view.document.steps[index].text
    head = source[:TOO_MUCH]
    said = clean(head if view.source_shown else show(head))
    more = len(source) - len(head)
    return f"{said}\n\n… and {more:,} more characters, not shown here" if more else said


def _spans(view: View, index: int, text: str) -> list[tuple[int, int]]:
    """Where the false claims stand in the text as it is shown; one that is not found there is left out."""
    found: list[tuple[int, int]] = []
    for finding in view.findings(index):
        source = view.document.steps[index].text[finding.start : finding.end]
        drawn = [source] if view.source_shown else [show(rf"\({source}\)"), source, show(source)]
        at = next(((place, each) for each in map(clean, drawn) if (place := text.find(each)) >= 0 and each), None)
        if at is not None:
            found.append((at[0], at[0] + len(at[1])))
    return found


def underlined(text: str, lines: Sequence[str], spans: Sequence[tuple[int, int]]) -> Iterator[list[Segment]]:
    """Draw the lines of a wrapped text with some of its characters underlined."""
    at = 0
    for line in lines:
        place = text.find(line, at) if spans else -1
        if place < 0 or not line:
            yield [Segment(line)]
            continue
        at = place + len(line)
        edges = sorted({0, len(line), *(min(max(edge - place, 0), len(line)) for span in spans for edge in span)})
        yield [
            Segment(line[a:b], _UNDERLINED if any(s <= place + a and place + b <= e for s, e in spans) else None)
            for a, b in itertools.pairwise(edges)
        ]
