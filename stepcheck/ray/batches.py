"""Judge: a class for one's own pipeline of Ray Data.

    import ray
    from stepcheck.ray import Judge

    rows = ray.data.read_parquet("solutions/")
    judged = rows.map_batches(
        Judge, fn_constructor_kwargs={"model": "nano"}, batch_size=256, compute=ray.data.ActorPoolStrategy(size=4)
    )

Owns the way from a batch to documents and back to a batch. Refuses to lose a row: each comes back once for every
solution in it, and one that cannot be judged holds its error in its place.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Unpack

from stepcheck.document import Document, Unread
from stepcheck.document.parquet import encoded
from stepcheck.document.reading import of_row
from stepcheck.document.rows import read_objects
from stepcheck.errors import UsageError
from stepcheck.ray import tables
from stepcheck.ray.opening import Judging, Model, Reading, open_judge
from stepcheck.report.records import record
from stepcheck.together import judge_together

NAME = "batch"
"""What a row's file is called in messages: its number in the batch stands behind."""


class _How(Judging, Reading):
    """Everything that a `Judge` may be told besides its model."""


class Judge:
    """Judges batches with one engine of its own: what Ray Data's `map_batches` makes an actor of.

    `model` is a model's name, a card's path, or a function that opens any judge of `stepcheck.Judge`. A row holds a
    problem and a solution, its steps, or several responses, in any form that `stepcheck score` reads. Each comes back
    with all its columns and one more, `column`: what `stepcheck score --format jsonl` says of it (docs/json.md). A row
    with several responses comes back once for each, in order.

    Solutions of one problem share its tokens where they are in one batch. An actor's CPUs (`num_cpus`, 1 by default)
    are its engine's threads; with `num_gpus` its layers go to that accelerator.

    `how` takes `threshold`, `evidence` (off, show, judge), `models_dir`, `options`, `force`, and of reading `problem`,
    `split` and `keep_thinking`.

    Raises on construction:
        StepcheckError: there is no such model on this node, it is not the pinned one, or it does not fit.
    """

    def __init__(self, model: Model = "nano", *, column: str = "judged", **how: Unpack[_How]) -> None:
        self._reading: Reading = {key: how[key] for key in Reading.__annotations__ if key in how}  # type: ignore[literal-required,assignment]
        judging: Judging = {key: how[key] for key in Judging.__annotations__ if key in how}  # type: ignore[literal-required,assignment]
        unknown = how.keys() - Reading.__annotations__.keys() - Judging.__annotations__.keys()
        if unknown:
            raise UsageError(f"Judge: unknown: {', '.join(sorted(unknown))}")
        self._column = column
        self._judge = open_judge(model, judging)

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401 (a batch in any of Ray Data's formats; an Arrow table)
        """Judge a batch.

        Raises:
            UsageError: it has the column already that the results are to stand in.
        """
        from ray.data.block import BlockAccessor

        table = BlockAccessor.for_block(BlockAccessor.batch_to_block(batch)).to_arrow()
        if self._column in table.column_names:
            raise UsageError(f"there is a column {self._column!r} already: choose another with column=…")
        results = list(judge_together(self._judge, self._documents(table)))
        if not results:
            return table.append_column(self._column, tables.column([]))
        rows = [(result.document if hasattr(result, "document") else result).line for result in results]
        found = table.take([line - 1 for line in rows if line is not None])
        return found.append_column(self._column, tables.column([record(result) for result in results]))

    def close(self) -> None:
        """End the engine; Ray does so by ending the actor."""
        self._judge.close()

    def _documents(self, table: Any) -> Iterator[Document | Unread]:  # noqa: ANN401 (pyarrow is untyped)
        objects: Iterable[Any] = (encoded(row, f"{NAME}:{at}") for at, row in enumerate(table.to_pylist(), 1))
        for row in read_objects(objects, NAME):
            yield from of_row(
                NAME,
                row,
                self._reading.get("problem"),
                self._reading.get("split", "auto"),
                keep_thinking=self._reading.get("keep_thinking", False),
            )
