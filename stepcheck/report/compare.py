"""Two runs compared → tables, and the record that programs read (schema 1)."""

from typing import Any

from stepcheck.bench.comparing import Comparison
from stepcheck.report.records import SCHEMA
from stepcheck.report.tables import Table, interval, number, signed


def head(comparison: Comparison) -> list[str]:
    """Say what is compared, and what else differs."""
    lines = [f"A {comparison.a}", f"B {comparison.b}"]
    if comparison.left_out:
        lines.append(f"{comparison.left_out:,} cases were not scored in both, and are left out")
    return [*lines, *comparison.notes]


def tables(comparison: Comparison) -> list[Table]:
    """Return the figures of both with their paired difference, and the cases that flipped."""
    rows = tuple(
        (
            part.name,
            f"{part.cases:,}",
            part.figure,
            number(part.a),
            number(part.b),
            signed(part.difference),
            interval(part.interval),
            f"{part.only_a:,}",
            f"{part.only_b:,}",
            f"{part.p:.3g}",
        )
        for part in comparison.parts
    )
    columns = ("", "cases", "figure", "A", "B", "B − A", "95 %", "only A right", "only B right", "McNemar p")
    notes = ("The interval is a paired bootstrap of the difference; p is exact and two-sided.",)
    flips = tuple((flip.subset, flip.id, flip.truth, flip.a, flip.b, flip.better) for flip in comparison.flips)
    return [
        Table("Compared case by case", columns, rows, notes),
        Table(f"{len(flips):,} cases flipped", ("subset", "case", "truth", "A", "B", "right is"), flips),
    ]


def record(comparison: Comparison) -> dict[str, Any]:
    """Describe a comparison for programs."""
    return {
        "schema": SCHEMA,
        "a": comparison.a,
        "b": comparison.b,
        "left_out": comparison.left_out,
        "notes": list(comparison.notes),
        "parts": {
            part.name: {
                "cases": part.cases,
                "figure": part.figure,
                "a": part.a,
                "b": part.b,
                "difference": part.difference,
                "difference_ci": list(part.interval) if part.interval else None,
                "only_a": part.only_a,
                "only_b": part.only_b,
                "mcnemar_p": part.p,
            }
            for part in comparison.parts
        },
        "flips": [
            {"subset": flip.subset, "id": flip.id, "truth": flip.truth, "a": flip.a, "b": flip.b, "better": flip.better}
            for flip in comparison.flips
        ],
    }
