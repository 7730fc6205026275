"""Results in Arrow: one schema for every result, so that files and blocks of a data set fit together.

Owns the types of the record that `report.records` describes. Refuses a key that has no column: nothing is left out of a
table without a word. What only judges in words say (`critic`) is JSON in a text.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from stepcheck.errors import CountMismatchError
from stepcheck.prm.verdict import AGGREGATES
from stepcheck.report.records import encode


@cache
def schema() -> Any:  # noqa: ANN401 (pyarrow is untyped)
    """Describe the columns of a result, in the order of its JSON."""
    import pyarrow as pa

    text, whole, number = pa.string(), pa.int64(), pa.float64()
    finding = pa.struct(
        {"kind": text, "start": whole, "end": whole, "claim": text, "truth": text, "certain": pa.bool_()}
    )
    step = {"index": whole, "text": text, "start": whole, "end": whole, "reward": number, "uncertainty": number}
    return pa.schema(
        {
            "schema": whole,
            "source": text,
            "line": whole,
            "id": text,
            "candidate": whole,
            "problem": text,
            "steps": pa.list_(pa.struct(step | {"evidence": pa.list_(finding)})),
            "first_error": whole,
            "threshold": number,
            "aggregates": pa.struct(dict.fromkeys(AGGREGATES, number)),
            "model": pa.struct({"name": text, "sha256": text}),
            "tokens": whole,
            "seconds": number,
            "notes": pa.list_(text),
            "first_error_by": text,
            "critic": text,
            "error": pa.struct({"kind": text, "message": text}),
        }
    )


def column(records: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 (pyarrow is untyped)
    """Make one column of results: a struct each.

    Raises:
        CountMismatchError: a record has a key that no column takes.
    """
    import pyarrow as pa

    kind = pa.struct(list(schema()))
    rows = [_row(record) for record in records]
    try:
        return pa.array(rows, kind)
    except UnicodeEncodeError:  # halves of a character pair, which JSON can spell and UTF-8 cannot
        return pa.array([_spelt(row) for row in rows], kind)


def table(records: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 (pyarrow is untyped)
    """Make a table of results; errors as `column` has them."""
    import pyarrow as pa

    return pa.Table.from_arrays(column(records).flatten(), schema=schema())


def as_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a table's row back into a record: what is not there in its JSON is left out."""
    optional = {"first_error_by", "critic", "error"}
    if row["error"] is not None:
        return {key: row[key] for key in ("schema", "source", "line", "id", "candidate", "error")}
    found = {key: value for key, value in row.items() if value is not None or key not in optional}
    found["steps"] = [
        {key: value for key, value in step.items() if value is not None or key not in {"uncertainty", "evidence"}}
        for step in row["steps"]
    ]
    return found | {"critic": json.loads(found["critic"])} if "critic" in found else found


def _spelt(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Write out what UTF-8 does not have, as the other ways of writing do."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {key: _spelt(each) for key, each in value.items()}
    return [_spelt(each) for each in value] if isinstance(value, list) else value


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    unknown = record.keys() - set(schema().names)
    if unknown:
        raise CountMismatchError(f"a result has keys that no column takes: {', '.join(sorted(unknown))}")
    found = dict(record)
    if found.get("critic") is not None:
        found["critic"] = encode(found["critic"])
    return found
