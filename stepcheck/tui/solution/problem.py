"""The problem: a few lines that can be folded to one."""

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from stepcheck.latex import show
from stepcheck.report.clean import clean
from stepcheck.report.wrapping import clip, unbroken
from stepcheck.tui.parts.fold import fold

_HEAD = 6_000
"""Characters that are laid out at most; the rest is told."""


class Problem(Widget):
    """Shows the problem's text, folded to one line or as far as there is room."""

    DEFAULT_CSS = """
    Problem { height: auto; max-height: 7; padding: 0 1; background: $surface; }
    """
    folded: reactive[bool] = reactive(False, layout=True)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._text = ""
        self.most = 6

    def present(self, text: str, *, source_shown: bool) -> None:
        """Show the problem of a document."""
        head = text[:_HEAD]
        shown = unbroken(clean(head if source_shown else show(head)).strip())
        more = f" … and {len(text) - _HEAD:,} more characters" if len(text) > _HEAD else ""
        shown = "\n".join(line for line in shown.split("\n") if line.strip()) + more
        if shown != self._text:
            self._text = shown
            self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002 (the base's)
        """As many lines as are shown."""
        return len(self._shown(width))

    def _shown(self, width: int) -> list[str]:
        room = max(width - 10, 8)
        if self.folded:
            return [clip(" ".join(self._text.split()), room)]
        return fold(self._text, room, self.most)

    def render(self) -> Text:
        """The label and the lines."""
        lines = self._shown(self.size.width)
        sign = "▸" if self.folded else "▾"
        out = Text.assemble((f"{sign} Problem ", "bold"), no_wrap=True)
        out.append(("\n" + " " * 10).join(lines))
        return out

    def on_click(self) -> None:
        """Fold the problem, or unfold it."""
        self.folded = not self.folded
