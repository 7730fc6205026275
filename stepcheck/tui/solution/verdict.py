"""The verdict in one line, the sparkline of all rewards in another."""

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from stepcheck.prm.verdict import Aggregates, aggregate
from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import wrap
from stepcheck.tui.colours import palette
from stepcheck.tui.judging.view import Phase, View, ticks, verdict

if TYPE_CHECKING:
    from textual.timer import Timer

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class VerdictBar(Widget):
    """Shows a `View`'s verdict, what is under way, the aggregates, and the sparkline with the cursor's step."""

    DEFAULT_CSS = """
    VerdictBar { height: auto; max-height: 5; padding: 0 1; background: $surface; }
    """

    class Picked(Message):
        """A step was clicked in the sparkline."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._view: View | None = None
        self._cursor = 0
        self._turn = 0
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """The spinner turns only while something is under way."""
        self._timer = self.set_interval(0.1, self._spin, pause=True)

    def present(self, view: View, cursor: int) -> None:
        """Show what was judged of a document."""
        self._view, self._cursor = view, cursor
        if self._timer is not None:
            (self._timer.resume if view.phase.busy else self._timer.pause)()
        self.refresh(layout=True)

    def _spin(self) -> None:
        self._turn += 1
        self.refresh()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002 (the base's)
        """The verdict's lines and the sparkline's."""
        return len(self._verdict(width)) + 1

    def _verdict(self, width: int) -> list[str]:
        if self._view is None:
            return [""]
        return wrap(clean_line(verdict(self._view).text), max(width - 2, 10), 3)

    def render(self) -> Text:
        """Draw the verdict and the figures under it."""
        view, width = self._view, self.size.width
        if view is None:
            return Text("")
        said = verdict(view)
        style = palette(self.app.current_theme).style(said.band, bold=True)
        lead = f"{_SPINNER[self._turn % len(_SPINNER)]} " if said.busy else ""
        out = Text(no_wrap=True)
        out.append(lead + "\n".join(self._verdict(width)) + "\n", style)
        sums = _sums(view) if width >= 90 else ""  # noqa: PLR2004 (room for both)
        out.append_text(self._sparkline(view, width - cell_len(sums) - 2))
        if sums:
            out.append(" " * max(width - out.plain.rsplit("\n", 1)[-1].__len__() - cell_len(sums), 1))
            out.append(sums, Style(dim=True))
        return out

    def _sparkline(self, view: View, cells: int) -> Text:
        colours = palette(self.app.current_theme)
        out = Text()
        rewards = view.rewards or (None,) * len(view.document.steps)
        found = ticks(rewards, max(cells, 1))
        for character, index in found:
            style = colours.style(view.band(index), late=view.late(index))
            under = index == self._cursor and len(found) > 1 and character != " "
            out.append(character, style + Style(underline=True) if under else style)
        return out

    def on_click(self, event: Click) -> None:
        """Go to the step under the mouse, in the sparkline."""
        view = self._view
        if view is None or event.y != self.size.height - 1:
            return
        cells = self.size.width - (cell_len(_sums(view)) if self.size.width >= 90 else 0) - 2  # noqa: PLR2004 (as above)
        found = ticks(view.rewards or (None,) * len(view.document.steps), max(cells, 1))
        at = event.x - 1
        if 0 <= at < len(found):
            self.post_message(self.Picked(found[at][1]))


def _sums(view: View) -> str:
    known = [reward for reward in view.rewards if reward is not None]
    if view.phase is not Phase.done or not known:
        return ""
    sums: Aggregates = aggregate(known)
    return f"product {sums.product:.3g} · min {sums.min:.3f} · last {sums.last:.3f} · mean {sums.mean:.3f}"
