"""A ProcessBench result → tables, and the record that programs read (schema 1)."""

from typing import Any

from stepcheck.bench import published, results
from stepcheck.bench.evidence import Shown
from stepcheck.bench.metrics import Score
from stepcheck.bench.protocol import SOURCE, Protocol
from stepcheck.bench.published import ProcessBenchRow
from stepcheck.bench.results import ProcessBenchResult, SubsetResult
from stepcheck.evidence import KINDS
from stepcheck.report.records import SCHEMA
from stepcheck.report.tables import Table, interval, number, signed


def tables(result: ProcessBenchResult) -> list[Table]:
    """Return every table of a result, the main one first."""
    found = [main_table(result), protocol_table(result), *evidence_tables(result), published_table(result)]
    return [*(table for table in found if table), *detail_tables(result)]


def head(result: ProcessBenchResult) -> list[str]:
    """Say what was measured, and what must be said of it."""
    lines = [f"ProcessBench: {result.model}{_threshold(result)}, run {result.run}"]
    if result.partial:
        lines.append(f"PARTIAL: {result.partial}. These are not the figures of the whole data.")
    if result.decides:
        lines.append(
            "With the evidence: what is false for certain makes its step the first error, whatever its reward."
        )
    if result.notice:
        lines.append(f"Note: {result.notice}")
    return lines


def main_table(result: ProcessBenchResult) -> Table:
    """Accuracies and F1 of every subset, with what was left out."""
    critic = result.votes is not None
    rows = [_row(subset, critic=critic) for subset in result.subsets]
    if len(rows) > 1:
        blanks = ("",) * (3 if critic else 2)
        average = ("average", "", "", "", number(result.average_f1), interval(result.average_interval), *blanks)
        rows.append(average)
    title = "Accuracy in per cent" + (f" · partial: {result.partial}" if result.partial else "")
    notes = ["95 % intervals by bootstrap over the cases."] if rows else []
    if any(subset.errors for subset in result.subsets):
        kinds = "too long, without a verdict" if critic else "too long"
        notes.append(f"Cases that were {kinds} or failed are in no figure: they count as neither right nor wrong.")
    for kind, lone in (("right", "correct_cases"), ("wrong", "error_cases")):
        without = [subset.name for subset in result.subsets if subset.cases and not getattr(subset.score, lone)]
        if without:
            notes.append(f"No {kind} solution was judged of {', '.join(without)}: F1 needs both.")
    left_out = ("too long", "no verdict", "failed") if critic else ("too long", "failed")
    columns = ("subset", "cases", "error acc", "correct acc", "F1", "95 %", *left_out)
    return Table(title, columns, tuple(rows), tuple(notes))


def protocol_table(result: ProcessBenchResult) -> Table | None:
    """A critic's accuracies and F1 as ProcessBench's script reckons them; None where the judge is no critic."""
    if result.votes is None:
        return None
    rows = [_protocol_row(subset.name, subset.protocol) for subset in result.subsets if subset.protocol]
    if len(rows) > 1:
        rows.append(("average", "", "", number(result.protocol_f1), interval(result.protocol_interval), ""))
    how = (
        f"As {SOURCE} reckons: what most critiques have in their last box counts, as it is written; a case without a"
        " verdict, too long ones among them, is a miss. Published rows are made so, and are compared with these figures"
        " alone."
    )
    notes = [how]
    unboxed = sum(subset.protocol.unboxed for subset in result.subsets if subset.protocol)
    if unboxed:
        notes.append(f"Of {unboxed:,} cases an earlier version kept no box: their verdicts stand as they were read.")
    columns = ("subset", "error acc", "correct acc", "F1", "95 %", "misses without a verdict")
    return Table("By the published protocol", columns, tuple(rows), tuple(notes))


def _protocol_row(name: str, found: Protocol) -> tuple[str, ...]:
    score = found.score
    figures = (number(score.error_acc), number(score.correct_acc), number(score.f1))
    return (name, *figures, interval(found.interval), f"{found.misses:,}")


def published_table(result: ProcessBenchResult) -> Table | None:
    """Set the F1 beside the published ones and say the difference; None where no subset is one of the four."""
    table = published.tables().processbench
    names = [subset.name for subset in result.subsets if subset.name in table.subsets]
    if not names:
        return None
    critic = result.votes is not None
    ours = {subset.name: (subset.protocol or subset).score.f1 for subset in result.subsets}
    mark = " (partial)" if result.partial else ""
    who = f"{result.title} with the evidence" if result.decides and not critic else result.title
    first = (f"{who}, here{mark}", *(number(ours[name]) for name in names), "")
    rows = [first]
    listed = [row for row in table.rows if critic or not row.greedy]
    for row in listed:
        if published.same_model(result.title, row.model):
            figures = [_figure(row, name) for name in names]
            gaps = [_gap(ours[name], figure) for name, figure in zip(names, figures, strict=True)]
            rows.append((f"{row.model}, published", *map(number, figures), number(row.average)))
            rows.append(("  difference", *map(signed, gaps), ""))
    rows += [(row.model, *(number(_figure(row, name)) for name in names), number(row.average)) for row in listed]
    notes = [f"Published: {table.source}. {table.note} 'all 4' is the mean of the four subsets."]
    notes += [f"{row.model}: {row.source}." for row in listed if row.source]
    if critic:
        notes.append("Ours is the F1 by the published protocol, without the evidence.")
    if "math" in names:
        notes.append("math-688 has label 0 in the published dataset, 2 in the first release; the file decides here.")
    return Table("F1 beside the published figures", ("model", *names, "all 4"), tuple(rows), tuple(notes))


def evidence_tables(result: ProcessBenchResult) -> list[Table]:
    """Errors with evidence by kind, the figures without and with it side by side, and every false alarm."""
    if not result.evidence:
        return []
    kinds = [kind for kind in KINDS if any(shown.kinds.get(kind) for shown in result.evidence)]
    found = tuple(
        (
            shown.name,
            f"{shown.errors:,}",
            f"{shown.found:,}",
            number(100 * shown.found / shown.errors if shown.errors else None),
            *(f"{shown.kinds.get(kind, 0):,}" for kind in kinds),
            f"{len(shown.alarms):,}",
            f"{len({alarm.id for alarm in shown.alarms}):,}",
        )
        for shown in result.evidence
    )
    columns = ("subset", "wrong", "with evidence", "%", *kinds, "false alarms", "in cases")
    notes = (
        "With evidence: something is found at the labelled step. False alarms: before it, or in a right solution.",
    )
    return [
        Table("What the evidence shows", columns, found, notes),
        Table(
            "Without and with the evidence",
            ("subset", "judge", "error acc", "correct acc", "F1"),
            tuple(_beside(shown.name, *pair) for shown in result.evidence for pair in _pairs(result, shown)),
        ),
        *_alarms(result),
    ]


def _pairs(result: ProcessBenchResult, shown: Shown) -> tuple[tuple[str, Score], tuple[str, Score]]:
    return (result.model, shown.alone), (f"{result.model} + evidence", shown.heard)


def _beside(name: str, who: str, score: Score) -> tuple[str, ...]:
    return name, who, number(score.error_acc), number(score.correct_acc), number(score.f1)


def _alarms(result: ProcessBenchResult) -> list[Table]:
    rows = tuple(
        (shown.name, alarm.id, f"{alarm.step + 1}", "none" if alarm.label < 0 else f"{alarm.label + 1}", alarm.kind,
         alarm.sentence)
        for shown in result.evidence
        for alarm in shown.alarms
    )  # fmt: skip
    columns = ("subset", "case", "step", "label", "kind", "finding")
    return [Table("False alarms, or wrong labels", columns, rows)] if rows else []


def detail_tables(result: ProcessBenchResult) -> list[Table]:
    """Right answers with a wrong step; by generator; by the place of the error."""
    cases, at = result.scored, result.threshold
    detected = tuple(
        (
            subset.name,
            f"{subset.detected.cases:,}",
            f"{subset.detected.flagged:,}",
            number(subset.detected.share),
            f"{subset.detected.located:,}",
        )
        for subset in result.subsets
    )
    groups = (("By generator", "generator", results.by_generator(cases, at)),)
    by_generator = [
        Table(
            title,
            (first, "wrong", "error acc", "right", "correct acc", "F1"),
            tuple(
                (
                    name,
                    f"{score.error_cases:,}",
                    number(score.error_acc),
                    f"{score.correct_cases:,}",
                    number(score.correct_acc),
                    number(score.f1),
                )
                for name, score in found.items()
            ),
        )
        for title, first, found in groups
    ]
    places = tuple(
        (name, f"{score.error_cases:,}", number(score.error_acc))
        for name, score in results.by_position(cases, at).items()
    )
    return [
        Table("Right answer, wrong process", ("subset", "cases", "flagged", "%", "at the right step"), detected),
        *by_generator,
        Table("By the step of the first error", ("step", "wrong", "error acc"), places),
    ]


def record(result: ProcessBenchResult) -> dict[str, Any]:
    """Describe a result for programs; keys may be added, none renamed or dropped."""
    return {
        "schema": SCHEMA,
        "run": result.run,
        "model": result.model,
        "threshold": result.threshold,
        "tuned_on": result.tuned_on,
        "partial": bool(result.partial),
        "partial_reason": result.partial or None,
        "subsets": {subset.name: _record(subset) for subset in result.subsets},
        "average_f1": _short(result.average_f1),
        "average_f1_ci": _shorts(result.average_interval),
        **({"protocol": _protocol(result)} if result.votes is not None else {}),
        "tokens": result.tokens,
        "seconds": round(result.seconds, 3),
        **({"evidence": _evidence(result)} if result.evidence else {}),
    }


def _protocol(result: ProcessBenchResult) -> dict[str, Any]:
    subsets = {
        subset.name: {
            "cases": subset.protocol.score.error_cases + subset.protocol.score.correct_cases,
            "error_cases": subset.protocol.score.error_cases,
            "correct_cases": subset.protocol.score.correct_cases,
            "without_verdict": subset.protocol.misses,
            **_accuracies(subset.protocol.score),
            "f1_ci": _shorts(subset.protocol.interval),
        }
        for subset in result.subsets
        if subset.protocol
    }
    average = {"average_f1": _short(result.protocol_f1), "average_f1_ci": _shorts(result.protocol_interval)}
    return {"source": SOURCE, "votes": result.votes, "subsets": subsets, **average}


def _evidence(result: ProcessBenchResult) -> dict[str, Any]:
    return {
        "judges": result.decides,
        "subsets": {
            shown.name: {
                "error_cases": shown.errors,
                "with_evidence": shown.found,
                "kinds": {kind: shown.kinds.get(kind, 0) for kind in KINDS},
                "alone": _accuracies(shown.alone),
                "together": _accuracies(shown.heard),
                "false_alarms": [
                    {"id": a.id, "step": a.step, "label": a.label, "kind": a.kind, "finding": a.sentence}
                    for a in shown.alarms
                ],
            }
            for shown in result.evidence
        },
    }


def _accuracies(score: Score) -> dict[str, float | None]:
    figures = {"error_acc": score.error_acc, "correct_acc": score.correct_acc, "f1": score.f1}
    return {name: _short(value) for name, value in figures.items()}


def _record(subset: SubsetResult) -> dict[str, Any]:
    score, detected = subset.score, subset.detected
    return {
        "cases": subset.cases,
        "error_cases": score.error_cases,
        "correct_cases": score.correct_cases,
        "errors": subset.errors,
        "too_long": subset.too_long,
        "no_verdict": subset.no_verdict,
        **_accuracies(score),
        "f1_ci": _shorts(subset.f1_interval),
        "right_answer_wrong_process": {
            "cases": detected.cases,
            "flagged": detected.flagged,
            "located": detected.located,
            "share": _short(detected.share),
        },
    }


def _row(subset: SubsetResult, *, critic: bool) -> tuple[str, ...]:
    score = subset.score
    left_out = (subset.too_long, *((subset.no_verdict,) if critic else ()), subset.other_errors)
    return (
        subset.name,
        f"{subset.cases:,}",
        number(score.error_acc),
        number(score.correct_acc),
        number(score.f1),
        interval(subset.f1_interval),
        *(f"{count:,}" for count in left_out),
    )


def _threshold(result: ProcessBenchResult) -> str:
    if result.threshold is None:
        return " (no threshold: it names the first wrong step itself)"
    tuned = f" (tuned on {result.tuned_on}: its own row there is not a test)" if result.tuned_on else ""
    return f" at threshold {result.threshold:.4g}{tuned}"


def _figure(row: ProcessBenchRow, subset: str) -> float | None:
    order = published.tables().processbench.subsets
    return row.f1[order.index(subset)] if row.f1 else None


def _gap(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _shorts(value: tuple[float, float] | None) -> list[float] | None:
    return None if value is None else [round(side, 4) for side in value]
