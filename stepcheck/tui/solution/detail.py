"""The whole of one step: its text, and its reward against the threshold and against the step before."""

from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from stepcheck.latex import show
from stepcheck.report.clean import clean
from stepcheck.report.wrapping import TOO_MUCH, wrap
from stepcheck.tui.colours import palette
from stepcheck.tui.judging.view import View, about
from stepcheck.tui.solution.steps import glyph

_DIM = Style(dim=True)
_BOLD = Style(bold=True)


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
        """Show a step."""
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
        self._lines = [*self._judgement(width), *([Segment(line)] for line in self._wrapped[2])]
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
            return
        yield [Segment(title, style), Segment(note, style if index == first else _DIM)]
        yield from ([Segment(f"{label:<12}", _DIM), Segment(value)] for label, value in facts)
        yield [Segment("")]

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
    shown = clean(head if view.source_shown else show(head))
    more = len(source) - len(head)
    return f"{shown}\n\n… and {more:,} more characters, not shown here" if more else shown
