"""The steps of a solution: glyph, reward, bar, text; a mark at the first error, later steps dimmed."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from stepcheck.latex import show
from stepcheck.report.band import Band
from stepcheck.report.clean import clean
from stepcheck.report.wrapping import wrap
from stepcheck.tui.judging.view import Phase, View
from stepcheck.tui.parts.fold import fold
from stepcheck.tui.parts.rows import Line, RowList

BAR_CELLS = 8
BAR_FROM = 76
"""Narrower lists give the bar's room to the text."""
MOST_LINES = 4
"""Lines of a step where there is no room for more; the whole of it stands in the detail."""
LONGEST_LINES = 12
ROOMY = 400
"""More steps than this get one line each: nobody reads them all, and laying them out would take long."""
_HEAD = 2_000
"""Characters that a row can show at the very most."""
_DIM = Style(dim=True)
_BOLD = Style(bold=True)


def glyph(kind: Band | None) -> str:
    """The sign of a step; a dot where it is not judged yet."""
    return "·" if kind is None else kind.glyph


class StepList(RowList):
    """The steps of a `View`, one under the other."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self.view: View | None = None
        self.found = ""
        self._texts: dict[int, str] = {}
        self._most, self._gap = MOST_LINES, 0

    def present(self, view: View) -> None:
        """Show a solution, or the same one with other rewards."""
        old, self.view = self.view, view
        same = old is not None and old.document is view.document and old.source_shown == view.source_shown
        if not same:
            self._texts.clear()
        if same and old is not None and self._layout(old) == self._layout(view):
            self.refresh_rows()
            return
        self.reload(len(view.document.steps), even=len(view.document.steps) > ROOMY)

    def _layout(self, view: View) -> tuple[int | None, bool]:
        return view.first_error, view.moved

    def highlight(self, words: str) -> None:
        """Mark what was searched for."""
        self.found = words.lower()
        self.refresh_rows()

    def before_layout(self, width: int) -> None:
        """Let steps have all their lines, and a blank one between them, where everything fits on the screen."""
        self._most, self._gap = LONGEST_LINES, 0
        if self.count > ROOMY:
            return
        needed = sum(len(self._wrapped(index, width)) for index in range(self.count))
        if needed > self.size.height:
            self._most = MOST_LINES
        elif needed + self.count <= self.size.height:
            self._gap = 1

    def height_of(self, index: int, width: int) -> int:
        """As many lines as the text needs, within bounds."""
        return len(self._wrapped(index, width)) + self._gap

    def text(self, index: int) -> str:
        """A step as it is shown: formulas rendered, safe, no blank lines."""
        if self.view is None:
            return ""
        if index not in self._texts:
            source = self.view.document.steps[index].text[:_HEAD]
            shown = clean(source if self.view.source_shown else show(source))
            self._texts[index] = "\n".join(line.strip() for line in shown.split("\n") if line.strip())
        return self._texts[index]

    def _head(self) -> int:
        """Cells before the text."""
        view = self.view
        if view is None:
            return 0
        numbers = len(str(self.count)) + 2
        rewards = 14 if view.moved else 6
        return 1 + numbers + 2 + rewards + (BAR_CELLS + 1 if self._has_bar() else 0)

    def _has_bar(self) -> bool:
        return self.row_width >= BAR_FROM

    def _wrapped(self, index: int, width: int) -> list[str]:
        room = width - self._head() - 1
        text = self.text(index)
        lines = wrap(text, room, 1) if self.count > ROOMY else fold(text, room, self._most)
        mark = self.view.mark(index) if self.view is not None and self.count <= ROOMY else ""
        if not mark:
            return lines
        if len(lines) == 1 and cell_len(lines[0]) + len(mark) + 2 <= room:
            return [f"{lines[0]}  {mark}"]
        return [*lines, mark]

    def lines_of(self, index: int, width: int) -> Iterator[Line]:
        """Lay one step out over its lines."""
        view = self.view
        if view is None:
            return
        head = list(self._marks(view, index))
        for at, line in enumerate(self._wrapped(index, width)):
            indent = [self.cursor_mark(index), Segment(" " * (self._head() - 1))] if at else head
            yield [*indent, *self._words(line, index, view)]

    def _marks(self, view: View, index: int) -> Iterator[Segment]:
        kind, late, reward = view.band(index), view.late(index), view.reward(index)
        style = self.palette.style(kind, late=late)
        yield self.cursor_mark(index)
        yield Segment(f"{index + 1:>{len(str(self.count)) + 1}} ", _DIM)
        waiting = view.phase is Phase.scoring and index == view.judged
        yield Segment(f"{'▸' if waiting else glyph(kind)} ", style + _BOLD)
        if view.moved:
            was = view.was(index)
            yield Segment(f"{was:.3f} → " if was is not None else " " * 8, _DIM)
        yield Segment(f"{reward:.3f} " if reward is not None else "  …   ", style)
        if self._has_bar():
            full = round((reward or 0.0) * BAR_CELLS)
            yield Segment("█" * full, style)
            yield Segment("·" * (BAR_CELLS - full) + " ", _DIM)

    def _words(self, line: str, index: int, view: View) -> Iterator[Segment]:
        style = _DIM if view.late(index) else Style.null()
        mark = view.mark(index)
        body, found, rest = line.rpartition(mark) if mark and line.endswith(mark) else (line, "", "")
        lowered, at = body.lower(), 0
        while self.found and len(lowered) == len(body) and (hit := lowered.find(self.found, at)) >= 0:
            yield Segment(body[at:hit], style)
            at = hit + len(self.found)
            yield Segment(body[hit:at], style + Style(reverse=True))
        yield Segment(body[at:], style)
        yield Segment(found + rest, self.palette.style(Band.bad, bold=True))
