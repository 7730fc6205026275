"""A critic's words on a step, as they come: harmless, laid out as a step is, the last line in sight."""

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from stepcheck.latex import show
from stepcheck.report.clean import clean, clean_line
from stepcheck.report.wrapping import TOO_MUCH, wrap
from stepcheck.tui.solution.critique.question import Critique

_BOLD = Style(bold=True)
_DIM = Style(dim=True)


class CritiquePane(ScrollView, can_focus=True):
    """Shows a `Critique`; follows its end unless somebody scrolled up to read."""

    DEFAULT_CSS = """
    CritiquePane {
        overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; background: $background;
        border-top: solid $panel;
    }
    CritiquePane:focus { border-top: solid $primary; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._shown: tuple[str, str, str] = ("", "", "")
        self._lines: list[list[Segment]] = []
        self._following = True
        self._ending = False

    @property
    def title(self) -> str:
        """Who was asked, and of which step; its line may be scrolled out of sight."""
        return self._shown[0]

    def present(self, critique: Critique, *, changed: bool, source_shown: bool) -> None:
        """Show what is said so far; `changed`: the document is another since the question was asked."""
        words = critique.words[:TOO_MUCH]
        body = clean(words if source_shown else show(words)).strip()
        shown = (_title(critique, changed=changed), body, _ending(critique))
        if shown != self._shown:
            self._following = self._following or shown[0] != self._shown[0]
            self._shown = shown
            self._lay_out()

    def on_resize(self) -> None:
        """Lay out for another width."""
        self._lay_out()

    def _lay_out(self) -> None:
        title, body, ending = self._shown
        width = max(self.size.width - 1, 10)
        lines = [[Segment(line, _BOLD)] for line in wrap(title, width)]
        lines += [[Segment(line)] for line in wrap(body, width)] if body else []
        lines += [[Segment(line, _DIM)] for line in wrap(ending, width)] if ending else []
        self._lines = lines
        self.virtual_size = Size(width, len(lines))
        self.refresh()
        if self._following:
            self.call_after_refresh(self._to_end)  # only then it is known how many lines are on the screen

    def _to_end(self) -> None:
        self._ending = True
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        self._ending = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls up reads there; whoever scrolls to the end follows it again."""
        super().watch_scroll_y(old_value, new_value)
        if not self._ending:
            self._following = new_value >= self.max_scroll_y

    def render_line(self, y: int) -> Strip:
        """One line on the screen."""
        at, base = y + self.scroll_offset.y, self.visual_style.rich_style
        strip = Strip(self._lines[at]) if at < len(self._lines) else Strip([])
        return strip.apply_style(base).adjust_cell_length(self.size.width, base)


def _title(critique: Critique, *, changed: bool) -> str:
    name = clean_line(critique.model) or "the critic"
    return f"{name} on step {critique.index + 1}{' as it was' if changed else ''}"


def _ending(critique: Critique) -> str:
    if critique.running:
        loading = "" if critique.share is None else f"loading {critique.share:.0%} "
        return f"… {loading}(Esc stops it)"
    if critique.failed:
        return f"✗ {clean_line(critique.ending)}"
    return f"{critique.ending} (Esc closes)" if critique.ending else "(Esc closes)"
