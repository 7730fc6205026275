"""The widget that shows a case: problem, then each step with its reward, the label and the prediction marked."""

from rich.text import Text
from textual.widgets import Static

from stepcheck.bench.cases import Graded, Labelled, Row
from stepcheck.bench.metrics import RIGHT, predict
from stepcheck.report.band import Band, band
from stepcheck.report.clean import clean, clean_line

GLYPHS = {Band.good: "✓", Band.doubtful: "~", Band.bad: "✗"}


class CaseText(Static):
    """All of one row as text; nothing in it is markup."""

    def __init__(self, row: Row, threshold: float) -> None:
        super().__init__(render(row, threshold), markup=False)


def render(row: Row, threshold: float) -> Text:
    """Lay a row out. Pure."""
    text = Text()
    text.append(f"{clean_line(row.subset)} {clean_line(row.id)}", "bold")
    if isinstance(row.facts, Graded):
        text.append(f"[{row.candidate}]", "bold")
    text.append("\n")
    for line in _about(row, threshold):
        text.append(clean_line(line) + "\n", "italic")
    text.append("\nProblem\n", "bold")
    text.append(clean(row.problem).strip() + "\n")
    for index in range(len(row.steps)):
        text.append_text(_step(row, index, threshold))
    return text


def _about(row: Row, threshold: float) -> list[str]:
    if row.error is not None:
        return [f"Not scored: {row.error.message}"]
    lines = [f"threshold {threshold:g}, {row.tokens:,} tokens, {row.seconds:.2f} s"]
    match row.facts:
        case Labelled(label=label, generator=generator, answer_right=right):
            words = {True: "its final answer is right", False: "its final answer is wrong", None: ""}[right]
            lines.append(", ".join(part for part in (f"by {generator}" if generator else "", words) if part))
            if label == RIGHT:
                lines.append("labelled: no error")
            if row.rewards is not None and predict(row.rewards, threshold) == RIGHT:
                lines.append("predicted: no error")
        case Graded() as facts:
            lines.append(f"answer {facts.answer or 'none'}, reference {facts.reference or 'none'}: {facts.how}")
            if facts.file_right is not None:
                lines.append(f"the file says: {'right' if facts.file_right else 'wrong'}")
    return [line for line in lines if line]


def _step(row: Row, index: int, threshold: float) -> Text:
    text = Text(f"\n{index + 1:>3} ", "dim")
    marks = []
    if isinstance(row.facts, Labelled) and row.facts.label == index:
        marks.append("◀ labelled first error")
    if row.rewards is not None:
        kind = band(row.rewards[index], threshold)
        text.append(f"{GLYPHS[kind]} {row.rewards[index]:.3f} ", f"bold {kind.colour}")
        if predict(row.rewards, threshold) == index:
            marks.append("◀ predicted first error")
    text.append(clean(row.steps[index]).strip())
    text.append("".join(f"\n      {mark}" for mark in marks), f"bold {Band.bad.colour}")
    return text.append("\n")
