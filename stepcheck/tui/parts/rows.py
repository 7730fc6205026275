"""A list of rows of which only those on the screen are laid out.

Owns scrolling, the cursor and the mouse. Refuses to know what a row says: a subclass returns its lines.
"""

import bisect
import itertools
from abc import abstractmethod
from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from stepcheck.report.band import Band
from stepcheck.tui.colours import Palette, palette

Line = Sequence[Segment]


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows with a cursor; `lines_of(index, width)` gives what a row shows, `height_of` how many lines it takes.

    The keys that scroll are not inherited: a cursor moves, and the lines follow it.
    """

    DEFAULT_CSS = """
    RowList { overflow-x: hidden; scrollbar-size-vertical: 1; background: $background; }
    """
    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: "RowList", index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> "RowList":
            """The list, for `@on` selectors."""
            return self.rows

    class Chosen(Moved):
        """A row was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self.count = 0
        self._starts: list[int] = [0]
        self._lines: dict[int, list[Strip]] = {}
        self._even = 1
        self.passive = False
        """Shown beside another list, without a cursor."""
        self._fitted = (0, 0)

    @abstractmethod
    def lines_of(self, index: int, width: int) -> "Iterable[Line]":
        """What a row shows, line by line."""
        ...

    def height_of(self, index: int, width: int) -> int:  # noqa: ARG002 (for subclasses)
        """How many lines a row takes."""
        return 1

    def before_layout(self, width: int) -> None:
        """A chance to choose between layouts before heights are asked for."""

    @property
    def palette(self) -> Palette:
        """The colours of the theme."""
        return palette(self.app.current_theme)

    def cursor_mark(self, index: int) -> Segment:
        """What stands before a row: the cursor, or a blank."""
        marked = index == self.cursor and not self.passive
        return Segment("▌" if marked else " ", self.palette.style(Band.good if self.has_focus else None))

    def reload(self, count: int, *, even: bool) -> None:
        """Show other rows; with `even` each takes one line, else `height_of` is asked."""
        self.count = count
        self._lay_out(even=even)
        self.cursor = min(self.cursor, max(count - 1, 0))
        self.refresh()

    def refresh_rows(self) -> None:
        """Show the same rows anew."""
        self._lines.clear()
        self.refresh()

    def _lay_out(self, *, even: bool) -> None:
        width = self.row_width
        self._lines.clear()
        self._fitted = (width, self.size.height)
        self._even = 1 if even else 0
        self.before_layout(width)
        if not even:
            heights = (self.height_of(index, width) for index in range(self.count))
            self._starts = list(itertools.accumulate(heights, initial=0))
        self.virtual_size = Size(max(width, 1), self.count if even else self._starts[-1])

    @property
    def row_width(self) -> int:
        """Cells of a line; the place of the scrollbar is always kept free, so that lines do not move when it comes."""
        return max(self.size.width - (0 if self.show_vertical_scrollbar else 1), 1)

    def _span(self, index: int) -> tuple[int, int]:
        """First line of a row and the line behind its last."""
        return (index, index + 1) if self._even else (self._starts[index], self._starts[index + 1])

    def _row_at(self, line: int) -> int:
        return line if self._even else bisect.bisect_right(self._starts, line) - 1

    @property
    def visible_rows(self) -> range:
        """The rows on the screen."""
        if not self.count:
            return range(0)
        top = min(max(self.scroll_offset.y, 0), max(self.virtual_size.height - 1, 0))
        bottom = min(top + max(self.size.height, 1), self.virtual_size.height) - 1
        return range(self._row_at(top), self._row_at(max(bottom, top)) + 1)

    def render_line(self, y: int) -> Strip:
        """One line on the screen."""
        width, line = self.size.width, y + self.scroll_offset.y
        base = self.visual_style.rich_style
        if line >= self.virtual_size.height or not self.count:
            return Strip.blank(width, base)
        index = self._row_at(line)
        strips = self._lines.get(index)
        if strips is None:
            strips = self._lines[index] = [Strip(list(given)) for given in self.lines_of(index, self.row_width)]
        at = line - self._span(index)[0]
        strip = strips[at] if at < len(strips) else Strip([])
        marked = index == self.cursor and at < len(strips) and not self.passive
        under = base + (self._ground() if marked else Style.null())
        return strip.apply_style(under).adjust_cell_length(width, under)

    def _ground(self) -> Style:
        colour = Color.parse(self.app.theme_variables["panel" if self.has_focus else "surface"])
        return Style(bgcolor=colour.rich_color)

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the row under the cursor in sight."""
        for index in (old, new):
            self._lines.pop(index, None)
        self.refresh()
        if self.count:
            self.show_row(new)
            self.post_message(self.Moved(self, new))

    def show_row(self, index: int) -> None:
        """Scroll so that a row is on the screen."""
        start, end = self._span(index)
        self.scroll_to_region(Region(0, start, 1, max(end - start, 1)), animate=False, x_axis=False, immediate=True)

    def move(self, by: int) -> None:
        """Move the cursor by some rows, to the edge at most."""
        if self.count:
            self.cursor = min(max(self.cursor + by, 0), self.count - 1)

    def page(self, by: int) -> None:
        """Move the cursor by what is on the screen."""
        self.move(by * max(len(self.visible_rows) - 1, 1))

    def on_resize(self) -> None:
        """Lay out anew for another width."""
        if (self.row_width, self.size.height) != self._fitted:
            self._lay_out(even=bool(self._even))
            if self.count:
                self.call_after_refresh(self.show_row, self.cursor)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; two clicks choose."""
        line = event.y + self.scroll_offset.y
        if line < self.virtual_size.height and self.count:
            self.cursor = self._row_at(line)
            if event.chain > 1:
                self.post_message(self.Chosen(self, self.cursor))

    def on_focus(self) -> None:
        """The cursor's row looks different with the focus."""
        self.refresh()

    on_blur = on_focus
