"""The top line: what is open on the left, the model on the right."""

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from stepcheck.report.clean import clean_line
from stepcheck.report.wrapping import clip
from stepcheck.tui.judging.state import ModelState
from stepcheck.tui.judging.view import Phase


class TitleBar(Widget):
    """Shows a place and the state of the model."""

    DEFAULT_CSS = """
    TitleBar { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._place, self._marks = "", ""
        self._state = ModelState()
        self._threshold = 0.0

    def present(self, place: str, marks: str, state: ModelState, threshold: float) -> None:
        """Show a place, marks such as `changed`, and the model."""
        self._place, self._marks, self._state, self._threshold = clean_line(place), marks, state, threshold
        self.refresh()

    def render(self) -> Text:
        """Draw what is open and how far it is."""
        width = self.size.width
        right = _model(self._state, f"≥ {self._threshold:g}", short=width < 70)  # noqa: PLR2004 (room for the device)
        marks = f"  {self._marks}" if self._marks else ""
        left = clip(self._place, max(width - cell_len(right) - cell_len(marks) - 13, 8))
        gap = max(width - cell_len(left) - cell_len(marks) - cell_len(right) - 11, 1)
        return Text.assemble(
            ("stepcheck  ", "dim"), left, (marks, "italic"), " " * gap, (right, "not bold"), no_wrap=True
        )


def _model(state: ModelState, threshold: str, *, short: bool) -> str:
    if state.phase is Phase.failed:
        return "no model"
    if state.name is None:
        return f"loading {state.share:.0%}" if state.share else "loading"
    name = clip(clean_line(state.name.name), 18 if short else 32)
    speed = f"{state.speed:,.0f} tok/s" if state.speed else ""
    parts = [name, "" if short else clean_line(state.device), speed, threshold]
    return " · ".join(part for part in parts if part)
