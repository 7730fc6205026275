"""A Best-of-N result → tables, and the record that programs read (schema 1)."""

from typing import Any

from stepcheck.bench import published
from stepcheck.bench.choosing import BestOfNResult, TaskResult
from stepcheck.report.records import SCHEMA
from stepcheck.report.tables import Table, interval, number

_ALIASES = {
    "math500": "",
    "minerva": "minerva_math",
    "gaokao": "gaokao2023en",
    "gaokao2023_en": "gaokao2023en",
    "olympiad": "olympiadbench",
    "college": "college_math",
    "mmlu": "mmlu_stem",
}
MOST_DISAGREEMENTS = 20


def head(result: BestOfNResult) -> list[str]:
    """Say what was measured, and what must be said of it."""
    graded = "by the file's own grades" if result.grading == "file" else "by our own grading"
    lines = [f"Best-of-N: {result.model}, {graded}, run {result.run}"]
    if result.partial:
        lines.append(f"PARTIAL: {result.partial}. These are not the figures of the whole data.")
    if result.notice:
        lines.append(f"Note: {result.notice}")
    return lines


def tables(result: BestOfNResult) -> list[Table]:
    """Return every table of a result: each task, the published figures, and where the two gradings differ."""
    found = [_task_table(task, result) for task in result.tasks]
    if len(result.tasks) > 1:
        found.append(_average_table(result))
    beside = published_table(result)
    return [*found, *([beside] if beside else []), *_agreement(result)]


def names(result: BestOfNResult) -> list[tuple[str, str]]:
    """Return the figures' names and how they are called, in the order in which they are shown."""
    shown = [("mean", "mean"), ("pass", "pass"), ("maj", "maj (vote)")]
    for name in result.aggregates:
        shown += [(f"prm-{name}", f"PRM, {name}"), (f"vote-{name}", f"weighted vote, {name}")]
    return [*shown, ("rm", "RM (scores in the file)")]


def _task_table(task: TaskResult, result: BestOfNResult) -> Table:
    sizes = sorted({figure.k for figure in task.figures})
    rows = []
    for name, words in names(result):
        found = [task.figure(name, k) for k in sizes]
        last = next((figure for figure in reversed(found) if figure), None)
        if last is not None:
            values = (number(figure.value) if figure else "" for figure in found)
            rows.append((words, *values, interval(last.interval), f"{last.problems:,}"))
    notes = ["Per cent right; for N below the number of candidates the mean over all subsets. 95 %: bootstrap."]
    if any(not figure.exact for figure in task.figures):
        notes.append("Votes are over a random sample of subsets where there are too many of them.")
    notes += _left_out(task)
    title = f"{task.name}: {task.problems:,} problems, N = {task.n}" + (" · partial" if result.partial else "")
    return Table(title, ("", *(f"N={k}" for k in sizes), "95 % (last N)", "problems"), tuple(rows), tuple(notes))


def _left_out(task: TaskResult) -> list[str]:
    said = (
        (task.too_long, "candidates were too long for the model: PRM figures leave their problems out"),
        (task.unscored, "candidates could not be scored: PRM figures leave their problems out"),
        (task.untold, "problems have an answer that could not be told right or wrong: no figure counts them"),
        (task.fewer, f"problems have fewer than {task.n} candidates: no figure counts them"),
        (task.unreadable, "rows could not be read: no figure counts them"),
    )
    return [f"{count:,} {words}." for count, words in said if count]


def _average_table(result: BestOfNResult) -> Table:
    rows = []
    for name, words in names(result):
        figures = [task.figure(name, task.n if name != "mean" else 1) for task in result.tasks]
        values = [figure.value for figure in figures if figure]
        if len(values) == len(result.tasks):
            rows.append((words, *map(number, values), number(sum(values) / len(values))))
    columns = ("", *(task.name for task in result.tasks), "average")
    return Table("All tasks, at the largest N", columns, tuple(rows), ())


def published_table(result: BestOfNResult) -> Table | None:
    """Set the figures at the table's N beside the published ones; None where no task is one of the seven."""
    table = published.tables().bestofn
    tasks = [(task, _published_name(task.name)) for task in result.tasks]
    known = [(task, name) for task, name in tasks if name in table.tasks]
    if not known:
        return None
    rows = []
    for name, words in names(result):
        figures = [task.figure(name, table.n) for task, _ in known]
        if any(figures):
            rows.append((f"{words}, here", *(number(figure.value if figure else None) for figure in figures), ""))
    for row in table.rows:
        values = [row.accuracy[table.tasks.index(name)] if row.accuracy else None for _, name in known]
        rows.append((row.model, *map(number, values), number(row.average)))
    notes = (f"Published: {table.source}. {table.note} 'all 7' is the mean of the seven tasks.",)
    title = f"Beside the published figures, N = {table.n}" + (" · partial" if result.partial else "")
    return Table(title, ("", *(task.name for task, _ in known), "all 7"), tuple(rows), notes)


def _published_name(task: str) -> str:
    name = task.lower().replace("-", "_")
    return _ALIASES.get(name, name)


def _agreement(result: BestOfNResult) -> list[Table]:
    """Say how far our own grading agrees with the file's, and list every case in which it does not."""
    if not result.compared:
        return []
    differ = result.disagreements
    share = 100 * (result.compared - len(differ)) / result.compared
    told = {True: "right", False: "wrong", None: "could not tell"}
    rows = tuple(
        (f"{row.task} {row.id}[{row.candidate}]", row.reference or "", row.answer or "", told[row.file], told[row.own])
        for row in differ
    )
    title = f"Our own grading agrees with the file's in {result.compared - len(differ):,} of {result.compared:,}"
    columns = ("candidate", "reference", "answer", "the file", "our own")
    return [Table(f"{title} ({share:.1f} %)", columns if rows else ("",), rows)]


def record(result: BestOfNResult) -> dict[str, Any]:
    """Describe a result for programs; one task's figures also stand at the top."""
    tasks = {task.name: _record(task, result) for task in result.tasks}
    top = next(iter(tasks.values())) if len(tasks) == 1 else {}
    return {
        "schema": SCHEMA,
        "run": result.run,
        "model": result.model,
        "grading": result.grading,
        "partial": bool(result.partial),
        "partial_reason": result.partial or None,
        **top,
        "tasks": tasks,
        "compared": result.compared,
        "disagreements": [
            {
                "task": row.task,
                "id": row.id,
                "candidate": row.candidate,
                "reference": row.reference,
                "answer": row.answer,
                "file": row.file,
                "own": row.own,
                "how": row.how,
            }
            for row in result.disagreements
        ],
        "tokens": result.tokens,
        "seconds": round(result.seconds, 3),
    }


def _record(task: TaskResult, result: BestOfNResult) -> dict[str, Any]:
    found: dict[str, Any] = {"problems": task.problems, "n": task.n}
    for figure in task.figures:
        kind, _, aggregate = figure.name.partition("-")
        value = round(figure.value, 4)
        if aggregate:
            found.setdefault(f"{kind}@{figure.k}", {})[aggregate] = value
        else:
            found[f"{kind}@{figure.k}"] = value
    left_out = ("fewer", "unreadable", "too_long", "unscored", "untold")
    return found | {name: getattr(task, name) for name in left_out} | {"aggregates": list(result.aggregates)}
