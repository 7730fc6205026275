"""A Best-of-N result → tables, and the record that programs read (schema 1)."""

from typing import Any

from stepcheck.bench import published
from stepcheck.bench.best import BestOfNResult, Figure, TaskResult, count_answers
from stepcheck.bench.cases import NO_RULE
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
MOST_WITHOUT = 0.05
"""The share of candidates without an answer above which that is said before anything else."""


def head(result: BestOfNResult) -> list[str]:
    """Say what was measured, and what must be said of it."""
    graded = "by the file's own grades" if result.grading == "file" else "by our own grading"
    lines = [f"Best-of-N: {result.model}, {graded}, run {result.run}", *_without_answers(result)]
    if result.partial:
        lines.append(f"PARTIAL: {result.partial}. These are not the figures of the whole data.")
    if result.notice:
        lines.append(f"Note: {result.notice}")
    return lines


def tables(result: BestOfNResult) -> list[Table]:
    """Return every table of a result: each task, the published figures, and where the two gradings differ."""
    average = _average_table(result) if len(result.tasks) > 1 else None
    found = [*(_task_table(task, result) for task in result.tasks), average, published_table(result)]
    return [*(table for table in found if table is not None), *_agreement(result)]


def names(result: BestOfNResult) -> list[tuple[str, str]]:
    """Return the figures' names and how they are called, in the order in which they are shown."""
    shown = [("mean", "mean"), ("pass", "pass"), ("maj", "maj (vote)")]
    for name in result.aggregates:
        shown += [(f"prm-{name}", f"PRM, {name}"), (f"vote-{name}", f"weighted vote, {name}")]
    return [*shown, ("rm", "RM (scores in the file)")]


def _without_answers(result: BestOfNResult) -> list[str]:
    """Warn of a run in which many candidates have no answer: its figures say little of the model."""
    without, of = count_answers(result.tasks).get(NO_RULE, 0), sum(task.candidates for task in result.tasks)
    if without <= MOST_WITHOUT * of:
        return []
    words = f"NO ANSWER: none was found in {without:,} of {of:,} candidates ({100 * without / of:.1f} %)"
    return [words + ("; they count as wrong." if result.grading == "own" else ".")]


def _task_table(task: TaskResult, result: BestOfNResult) -> Table:
    sizes = sorted({figure.k for figure in task.figures})
    rows = []
    for name, words in names(result):
        found = [task.figure(name, k) for k in sizes]
        last = next((figure for figure in reversed(found) if figure and figure.k <= task.n), None)
        if last is not None:
            values = (_cell(figure, last.problems) for figure in found)
            rows.append((words, *values, interval(last.interval), f"{last.problems:,}"))
    title = f"{task.name}: {task.problems:,} problems, N = {task.n}" + (" · partial" if result.partial else "")
    last_column = "95 % (last N)" if task.most == task.n else f"95 % (N={task.n})"
    columns = ("", *(f"N={k}" for k in sizes), last_column, "problems")
    return Table(title, columns, tuple(rows), tuple(_notes(task)))


def _notes(task: TaskResult) -> list[str]:
    about = "Per cent right; for N below the number of candidates the mean over all subsets. 95 %: bootstrap."
    notes = [about] if task.figures else []
    if len({figure.problems for figure in task.figures}) > 1:
        notes.append("A number in brackets: over so many problems, those with N candidates and what the figure needs.")
    if any(figure.high > figure.value for figure in task.figures):
        notes.append("A range goes from where what could not be told is wrong to where it is right.")
    if any(not figure.exact for figure in task.figures):
        notes.append("Votes are over a random sample of subsets where there are too many of them.")
    return [*notes, *_answered(task), *_left_out(task)]


def _answered(task: TaskResult) -> list[str]:
    """Say by which rules the answers were found, and of how many candidates there is none."""
    if not task.candidates:
        return []
    found = count_answers([task])
    without = found.pop(NO_RULE, 0)
    rules = ", ".join(f"{rule} {count:,}" for rule, count in found.items())
    words = f"Answers of {task.candidates:,} candidates, by how they were found: {rules or '-'}; none: {without:,}."
    return [words + " A last number is a guess." if "last number" in found else words]


def _cell(figure: Figure | None, problems: int) -> str:
    """A figure or its range, and over how many problems it is where that is not what the row says."""
    if figure is None:
        return ""
    return spread(figure) + (f" ({figure.problems:,})" if figure.problems != problems else "")


def spread(figure: Figure | None) -> str:
    """Write a figure; where it hangs on what could not be told, from where to where it goes."""
    return number(None) if figure is None else _range(figure.value, figure.high)


def _range(least: float, most: float) -> str:
    low, high = number(least), number(most)
    return low if low == high else f"{low}–{high}"


def _left_out(task: TaskResult) -> list[str]:
    said = (
        (task.too_long, "Candidates too long for the model", "PRM figures leave their problems out"),
        (task.unscored, "Candidates that could not be scored", "PRM figures leave their problems out"),
        (
            task.untold,
            "Problems with an answer that could not be told right or wrong",
            "a range where one matters",
        ),
        (task.ungraded, "Problems without an answer to compare with", "no figure counts them"),
        (task.fewer, f"Problems with fewer than {task.n} candidates", "figures for more than they have leave them out"),
        (task.unreadable, "Problems that could not be read", "no figure counts them"),
    )
    return [f"{what}: {count:,}; {then}." for count, what, then in said if count]


def _average_table(result: BestOfNResult) -> Table | None:
    rows = []
    for name, words in names(result):
        found = [task.figure(name, task.n if name != "mean" else 1) for task in result.tasks]
        figures = [figure for figure in found if figure]
        if len(figures) == len(result.tasks):
            low, high = (
                sum(values) / len(figures) for values in ((f.value for f in figures), (f.high for f in figures))
            )
            rows.append((words, *map(spread, figures), _range(low, high)))
    columns = ("", *(task.name for task in result.tasks), "average")
    return Table("All tasks, at the largest N", columns, tuple(rows), ()) if rows else None


def published_table(result: BestOfNResult) -> Table | None:
    """Set the figures at the table's N beside the published ones; None where no task is one of the seven."""
    table = published.tables().bestofn
    tasks = [(task, _published_name(task.name)) for task in result.tasks]
    known = [(task, name) for task, name in tasks if name in table.tasks]
    if not known:
        return None
    rows = []
    for name, words in names(result):
        figures = [task.figure(name, table.n) if table.n <= task.n else None for task, _ in known]
        if any(figures):
            rows.append((f"{words}, here", *map(spread, figures), ""))
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
        "answers": {NO_RULE: 0} | count_answers(result.tasks),
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
    over: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for figure in task.figures:
        _put(found, figure, round(figure.value, 4))
        _put(over, figure, figure.problems)
        if figure.high > figure.value:
            _put(ranges, figure, [round(figure.value, 4), round(figure.high, 4)])
    left_out = ("fewer", "unreadable", "too_long", "unscored", "untold", "ungraded")
    found |= {name: getattr(task, name) for name in left_out} | {"aggregates": list(result.aggregates)}
    found |= {"most": task.most, "problems_at": over, "ranges": ranges}
    return found | {"candidates": task.candidates, "answers": {NO_RULE: 0} | count_answers([task])}


def _put(found: dict[str, Any], figure: Figure, value: Any) -> None:  # noqa: ANN401 (a number, or two)
    """File a value under its figure: `maj@8`; under `prm@8` by aggregate."""
    kind, _, aggregate = figure.name.partition("-")
    if aggregate:
        found.setdefault(f"{kind}@{figure.k}", {})[aggregate] = value
    else:
        found[f"{kind}@{figure.k}"] = value
