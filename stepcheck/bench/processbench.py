"""ProcessBench's files → cases.

A row is `{id, generator, problem, steps[], final_answer_correct, label}` (ProcessBench, arXiv 2412.06559): `label` is
the 0-based first wrong step, -1 where all are right. Steps are used exactly as they are. Refuses to guess a label.
"""

from collections.abc import Iterator

from stepcheck.bench.cases import Case, Labelled
from stepcheck.bench.data import Subset, check_unchanged, read_groups
from stepcheck.bench.metrics import RIGHT
from stepcheck.document import Unread
from stepcheck.document.reading import to_document
from stepcheck.document.rows import BadRow, decode
from stepcheck.document.rows import Row as SourceRow
from stepcheck.errors import InputError

FIELDS = ("label", "generator", "final_answer_correct")


def read_cases(subset: Subset) -> Iterator[Case]:
    """Yield the chosen cases of a subset, in the file's order; one that cannot be read in its place."""
    check_unchanged(subset)
    seen: dict[str, int] = {}
    for position, (row,) in enumerate(read_groups(subset.path, FIELDS, merge=False)):
        name = subset.entries[position].id
        if position in subset.chosen:
            yield _case(subset, position, row, seen.get(name))
        seen.setdefault(name, row.line)


def _case(subset: Subset, position: int, row: SourceRow | BadRow, before: int | None) -> Case:
    source, name = str(subset.path), subset.entries[position].id
    if isinstance(row, BadRow):
        return Case(subset.name, position, Unread(source, row.error, row.line, name), None)
    try:
        place = f"{source}:{row.line} (id {name[:80]})"
        facts = _facts(row, place, before)
        return Case(subset.name, position, to_document(source, row, 0, None, "auto"), facts)
    except InputError as error:
        return Case(subset.name, position, Unread(source, error, row.line, name), None)


def _facts(row: SourceRow, place: str, before: int | None) -> Labelled:
    if before is not None:
        raise InputError(f"{place}: the id stands on line {before} too; ids must differ")
    steps = row.solutions[0]
    if isinstance(steps, str):
        raise InputError(f"{place}: no `steps`; a ProcessBench row has its steps as a list, and a label for them")
    if "label" not in row.more:
        raise InputError(f"{place}: no `label`: the 0-based first wrong step, or -1")
    label = decode(row.more["label"], int, "label", place)
    if not RIGHT <= label < len(steps):
        raise InputError(f"{place}: `label` is {label}: expected -1 to {len(steps) - 1} for {len(steps)} steps")
    right = row.more.get("final_answer_correct")
    generator = row.more.get("generator")
    return Labelled(
        label,
        decode(generator, str, "generator", place) if generator else "",
        decode(right, bool, "final_answer_correct", place) if right else None,
    )
