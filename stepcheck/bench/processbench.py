"""ProcessBench's files → cases.

A row is `{id, generator, problem, steps[], final_answer_correct, label}` (ProcessBench, arXiv 2412.06559): `label` is
the 0-based first wrong step, -1 where all are right. Other rows with steps and a label for each (PRM800K,
Math-Shepherd, TRL) are read as well. Steps are used exactly as they are. Refuses to guess a label.
"""

from collections.abc import Iterator

from stepcheck.bench.cases import Case, Labelled
from stepcheck.bench.data import Subset, check_unchanged, read_groups
from stepcheck.document import Unread
from stepcheck.document.contents import Missing
from stepcheck.document.given import decode
from stepcheck.document.labels import first_errors
from stepcheck.document.reading import to_document
from stepcheck.document.rows import BadRow
from stepcheck.document.rows import Row as SourceRow
from stepcheck.errors import InputError

FIELDS = ("generator", "final_answer_correct")


def read_cases(subset: Subset) -> Iterator[Case]:
    """Yield the chosen cases of a subset, in the file's order; one that cannot be read in its place."""
    check_unchanged(subset)
    seen: dict[str, int] = {}
    for position, (row,) in enumerate(read_groups(subset.path, FIELDS, merge=False)):
        name = subset.entries[position].id
        if position in subset.chosen:
            yield from _cases(subset, position, row, seen.get(name))
        seen.setdefault(name, row.line)


def _cases(subset: Subset, position: int, row: SourceRow | BadRow, before: int | None) -> Iterator[Case]:
    """One case for each solution of a row, which are more than one where it holds lists of steps."""
    source, name = str(subset.path), subset.entries[position].id
    if isinstance(row, BadRow):
        yield Case(subset.name, position, Unread(source, row.error, row.line, name), None)
        return
    place = f"{source}:{row.line} (id {name[:80]})"
    facts: list[Labelled] | InputError
    try:
        facts = _facts(row, place, before)
    except InputError as error:
        facts = error
    for candidate in range(subset.entries[position].cases):
        try:
            if isinstance(facts, InputError):
                raise facts
            document = to_document(source, row, candidate, None, "auto")
            yield Case(subset.name, position, document, facts[candidate], candidate)
        except InputError as error:
            yield Case(subset.name, position, Unread(source, error, row.line, name), None, candidate)


def _facts(row: SourceRow, place: str, before: int | None) -> list[Labelled]:
    if before is not None:
        raise InputError(f"{place}: the id stands on line {before} too; ids must differ")
    if any(isinstance(steps, str) for steps in row.solutions):
        raise InputError(f"{place}: no `steps`; a row to be compared has its steps as a list, and a label for them")
    if row.labels is None:
        raise InputError(
            f"{place}: no `label`: the 0-based first wrong step, or -1; nor `labels`, which say of each step whether it"
            " is right"
        )
    counts = [None if isinstance(steps, Missing) else len(steps) for steps in row.solutions]
    labels = first_errors(row.labels, counts, row.label_key, place)
    right = row.more.get("final_answer_correct")
    generator = row.more.get("generator")
    written = decode(generator, str, "generator", place) if generator else ""
    given = decode(right, bool, "final_answer_correct", place) if right else None
    return [Labelled(label, written, given) for label in labels]
