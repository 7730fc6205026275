"""Ranges of rows: what is read in parts is what is read as a whole."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from stepcheck.document import Document, Unread, read
from stepcheck.document.ranges import cut, read_range


def row(number: int, problem: str | None = None) -> dict[str, object]:
    return {"id": f"r{number}", "problem": problem or f"Problem {number}?", "steps": [f"1 + {number} = {number + 1}"]}


def seen(item: Document | Unread) -> tuple[object, ...]:
    return (
        item.source,
        item.line,
        item.id,
        item.candidate,
        getattr(item, "steps", None),
        str(getattr(item, "error", "")),
    )


def both_ways(path: Path, size: int) -> list[int]:
    """Hold the parts to the whole; the number of rows of each."""
    ranges = cut(path, size).ranges
    parts = [item for part in ranges for item in read_range(path, part, name=str(path))]
    assert [seen(item) for item in parts] == [seen(item) for item in read(path)]
    return [part.rows for part in ranges]


def test_parts_of_lines_are_the_whole(tmp_path: Path) -> None:
    """Lines, ids, errors and candidates are those of the whole file: BOM, bad and empty lines, no last newline."""
    lines = [json.dumps(row(n)) for n in range(9)]
    lines[2], lines[4], lines[7] = "{bad", "", json.dumps({"problem": "P", "responses": ["a = 1", "", "b = 2"]})
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n" + "\r\n".join(lines).encode())
    assert both_ways(path, 3) == [3, 3, 2]


def test_parts_of_a_table_are_the_whole(tmp_path: Path) -> None:
    """Row groups and parts need not end together."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist([row(n) for n in range(10)]), path, row_group_size=4)
    assert both_ways(path, 3) == [3, 3, 3, 1]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_one_problem_is_not_cut_in_two(tmp_path: Path, suffix: str) -> None:
    """A part grows until the problem changes, but no further than four times its size."""
    rows = [row(n, "A") for n in range(5)] + [row(n, "B") for n in range(20)]
    path = tmp_path / f"rows.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), path)
    assert both_ways(path, 3) == [5, 12, 8]


def test_what_must_be_read_as_one_is_not_cut(tmp_path: Path) -> None:
    """An array, a text, and rows of which a second filter repeats the first have no ranges."""
    array, text, samples = tmp_path / "a.json", tmp_path / "a.md", tmp_path / "samples.jsonl"
    array.write_text(json.dumps([row(n) for n in range(5)]))
    text.write_text("A problem.\n\nA step.")
    sample = {"doc_id": 0, "doc": {"question": "Q?"}, "target": "1", "resps": [["1 = 1"]], "filtered_resps": ["1"]}
    samples.write_text("\n".join(json.dumps(sample | {"filter": name}) for name in ("strict", "loose") * 3))
    assert [cut(path, 2).ranges for path in (array, text, samples)] == [(), (), ()]
    found = list(read_range(samples, None, name="mine.jsonl"))
    assert [item.source for item in found] == ["mine.jsonl"] * len(list(read(samples)))


def test_a_changed_byte_changes_the_hash(tmp_path: Path) -> None:
    """The hash is over every byte of the file."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row(1)))
    before = cut(path, 2).sha256
    path.write_text(json.dumps(row(1)) + " ")
    assert cut(path, 2).sha256 != before
