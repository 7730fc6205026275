"""What is said of a case beside its steps, and the case as a solution that screens can show. Pure."""

from dataclasses import replace

from stepcheck.bench.cases import Graded, Labelled, Row
from stepcheck.bench.metrics import RIGHT
from stepcheck.bench.results import predicted
from stepcheck.document import Document, Step
from stepcheck.report.clean import clean_line
from stepcheck.tui.judging.view import USUAL_THRESHOLD, Phase, View


def view_of(row: Row, threshold: float | None) -> View:
    """A row as a solution: its steps with their rewards, its label as a mark."""
    document = Document(row.problem, tuple(map(Step, row.steps)))
    label = row.facts.label if isinstance(row.facts, Labelled) else None
    named = row.first_error if threshold is None or row.rewards is None else None
    view = View(
        document,
        USUAL_THRESHOLD if threshold is None else threshold,
        Phase.done,
        row.rewards or (),
        named=named,
        label=label,
    )
    return view if row.error is None else replace(view, phase=Phase.failed, message=row.error.message)


def title(row: Row) -> str:
    """How a case is called."""
    return clean_line(f"{row.subset} {row.id}" + (f"[{row.candidate}]" if isinstance(row.facts, Graded) else ""))


def about(row: Row, threshold: float | None) -> list[str]:
    """Sentences on how it was judged, who wrote it, and what is known to be right."""
    if row.error is not None:
        return []
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
    return [clean_line(line) for line in lines if line]
