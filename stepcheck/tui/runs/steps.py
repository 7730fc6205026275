"""The widget that shows a case: problem, then each step with its reward, the label and the prediction marked."""

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from stepcheck.bench.cases import Graded, Labelled, Row
from stepcheck.bench.metrics import RIGHT
from stepcheck.bench.results import predicted
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean, clean_line
from stepcheck.tui.colours import Palette


class CaseText(Static):
    """All of one row as text; nothing in it is markup."""

    def __init__(self, row: Row, threshold: float | None, palette: Palette) -> None:
        super().__init__(render(row, threshold, palette), markup=False)
        self.row = row


def render(row: Row, threshold: float | None, palette: Palette) -> Group:
    """Lay a row out. Pure."""
    title = f"{row.subset} {row.id}" + (f"[{row.candidate}]" if isinstance(row.facts, Graded) else "")
    about = [Text(clean_line(line), "italic") for line in _about(row, threshold)]
    problem = [Text(""), Text("Problem", "bold"), Text(clean(row.problem).strip()), Text("")]
    grid = Table.grid(padding=(0, 1, 1, 0), expand=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for index in range(len(row.steps)):
        grid.add_row(Text(str(index + 1), "dim"), *_step(row, index, threshold, palette))
    return Group(Text(clean_line(title), "bold"), *about, *problem, grid)


def _about(row: Row, threshold: float | None) -> list[str]:
    if row.error is not None:
        return [f"Not scored: {row.error.message}"]
    at = "" if threshold is None else f"threshold {threshold:g}, "
    lines = [f"{at}{row.tokens:,} tokens, {row.seconds:.2f} s"]
    match row.facts:
        case Labelled(label=label, generator=generator, answer_right=right):
            words = {True: "its final answer is right", False: "its final answer is wrong", None: ""}[right]
            lines.append(", ".join(part for part in (f"by {generator}" if generator else "", words) if part))
            if label == RIGHT:
                lines.append("labelled: no error")
            if predicted(row, threshold) == RIGHT:
                lines.append("predicted: no error")
        case Graded() as facts:
            lines.append(f"answer {facts.answer or 'none'}, reference {facts.reference or 'none'}: {facts.how}")
            if facts.file_right is not None:
                lines.append(f"the file says: {'right' if facts.file_right else 'wrong'}")
    return [line for line in lines if line]


def _step(row: Row, index: int, threshold: float | None, palette: Palette) -> tuple[Text, Text]:
    """The reward with its glyph, and the step with the marks that stand below it."""
    marks, reward = [], Text("")
    if isinstance(row.facts, Labelled) and row.facts.label == index:
        marks.append("◀ labelled first error")
    if row.rewards is not None and threshold is not None:
        kind = band(row.rewards[index], threshold)
        reward = Text(f"{kind.glyph} {row.rewards[index]:.3f}", palette.style(kind, bold=True))
    if predicted(row, threshold) == index:
        marks.append("◀ predicted first error")
    text = Text(clean(row.steps[index]).strip())
    for mark in marks:
        text.append(f"\n{mark}", palette.style(Band.bad, bold=True))
    return reward, text
