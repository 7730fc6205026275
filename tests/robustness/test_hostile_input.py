"""Any file gives documents or an error with its name: no other exception, not more than 5 s, not more than 500 MB.

The files are drawn from a seed; `hostile(seed)` makes one of them again.
"""

import functools
import gzip
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from stepcheck.document import Document, Unread, read
from stepcheck.steps import SplitMode

SECONDS = 5.0
MEGABYTES = 500

GOOD = '{"id": 1, "problem": "P", "steps": ["a", "b"]}'
MARKDOWN = (
    "---\nproblem: P\nanswer: 7\n---\n# Solution\n\n1. We get $a = 3$.\n2. So\n\n$$b\n\n= 4$$\n\n```\nx\n```\n\nDone."
)
SUFFIXES = (".md", ".txt", ".json", ".jsonl", ".parquet", ".jsonl.gz")
BYTES = (
    b"\xff",
    b"\xed\xa0\x80",
    b"\0",
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b"\x1b[31m",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\xf0\x9f",
)
VALUES = (
    "NaN",
    "Infinity",
    "1e999",
    "1" * 400,
    '"\\ud800"',
    '"\\udc00"',
    '"\\u0000"',
    "null",
    "true",
    "{}",
    "[]",
    '""',
    '" "',
    "-0",
)
KEYS = ("id", "idx", "problem", "question", "steps", "solution", "response", "code", "answer", "x")
NESTED_KEYS = (
    *("input", "label", "labels", "prompt", "completions", "generations", "messages", "conversations", "doc", "doc_id"),
    *("resps", "filter", "output", "target", "choices", "custom_id", "result", "outputs", "error", "samples", "eval"),
    *("role", "content", "text", "message", "body", "chosen_completion", "human_completion", "rating", "thinking"),
)
"""What dialects look for, at any depth."""
BAIT: tuple[str, ...] = (
    "$",
    "$$",
    "$a ",
    "\\(",
    "\\[",
    "\\begin{align}",
    "\\end{cases}",
    "`",
    "```\n",
    "> ",
    "- ",
    "1. ",
    "[",
    "*",
    "#",
    "<!--",
)
BAIT += (
    "Step 1: ",
    "第一步",
    "**",
    "_",
    "|",
    "&",
    "\\",
    "解：",
    "Problem:",
    "(1)",
    "\t",
    " ",
    "\n",
    "\r",
    "a\n\n",
    "{",
    "&a *a ",
    "\ufeff",
)


def torn(rng: random.Random) -> bytes:
    """A file that ends in the middle."""
    whole = rng.choice([f"{GOOD}\n" * 3, f"[{GOOD},{GOOD}]", MARKDOWN]).encode()
    return whole[: rng.randrange(len(whole))]


def spoilt(rng: random.Random) -> bytes:
    """Bytes that do not belong there."""
    data = bytearray(rng.choice([f"{GOOD}\n" * 3, f"[{GOOD},{GOOD}]", MARKDOWN]).encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randint(0, 2)] = rng.choice(BYTES)
    return bytes(data)


def odd_values(rng: random.Random) -> bytes:
    """Rows with wrong types, missing and doubled keys, duplicate ids, in an array or one a line."""

    def value() -> str:
        return rng.choice([*VALUES, '"text\\n\\nmore"', '["a", "b"]', f'["a", {rng.choice(VALUES)}]'])

    rows = [
        "{" + ", ".join(f'"{rng.choice(KEYS)}": {value()}' for _ in range(rng.randint(0, 6))) + "}" for _ in range(4)
    ]
    return (f"[{', '.join(rows)}]" if rng.random() < 0.3 else rng.choice(["\n", "\r\n", "\r"]).join(rows)).encode()


def dialects(rng: random.Random) -> bytes:
    """Keys of other programs' rows, at any depth, with values of any type."""

    def value(depth: int) -> str:
        kind = rng.random()
        if depth == 0 or kind < 0.4:
            return rng.choice(
                [*VALUES, '"text\\nmore"', '"Step 1: a ки\\nStep 2: b ки"', '"user"', '"assistant"', "0", "[[1]]"]
            )
        if kind < 0.7:
            return "[" + ", ".join(value(depth - 1) for _ in range(rng.randint(0, 3))) + "]"
        return row(depth - 1)

    def row(depth: int) -> str:
        keys = [rng.choice(NESTED_KEYS + KEYS) for _ in range(rng.randint(0, 6))]
        return "{" + ", ".join(f'"{key}": {value(depth)}' for key in keys) + "}"

    rows = [row(4) for _ in range(5)]
    return rng.choice(
        ["\n".join(rows), f"[{', '.join(rows)}]", f'{{"eval": {{}}, "samples": [{", ".join(rows)}]}}']
    ).encode()


def torn_table(rng: random.Random) -> bytes:
    """Parquet or gzip with bytes that do not belong there, or that ends in the middle."""
    data = bytearray(gzip.compress(f"{GOOD}\n".encode() * 50) if rng.random() < 0.3 else _table())
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(1, 3)] = rng.randbytes(2)
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.4 else data)


@functools.cache
def _table() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"problem": "P", "steps": ["a", "b"], "messages": [{"role": "user", "content": "c"}]}] * 20
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), sink, row_group_size=5)
    return sink.getvalue()


def deep(rng: random.Random) -> bytes:
    """Nesting."""
    depth = rng.choice([50, 1500, 100_000])
    opened, closed = rng.choice(
        [("[", "]"), ('{"problem":', "}"), ("> ", ""), ("- ", ""), ("*", "*"), ("\\begin{align}", "\\end{align}")]
    )
    text = opened * depth + closed * rng.choice([0, depth])
    return (
        rng.choice(["{}", '{{"problem": "P", "steps": {}}}', "---\nproblem: {}\n---\nx", "P\n\n{}"])
        .replace("{}", text)
        .encode()
    )


def bait(rng: random.Random) -> bytes:
    """Text that makes careless searches quadratic."""
    units = [rng.choice(BAIT) for _ in range(rng.randint(1, 3))]
    text = "".join(units) * (rng.choice([10, 1000, 30_000]) // len(units))
    if rng.random() < 0.3:
        return json.dumps({"problem": "P", "response": text}).encode()
    return (rng.choice(["", "P\n\n", "# Problem\nP\n# Solution\n", "---\nproblem: P\n---\n"]) + text).encode()


def yaml_bomb(rng: random.Random) -> bytes:
    """Front matter that grows, nests or refers to itself."""
    rounds = rng.randint(2, 30)
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]" for i in range(rounds)]
    forms = [
        "\n".join(lines),
        "a: &a [*a]",
        "problem: &p\n  <<: *p",
        "? " * rounds * 50,
        "problem: !!python/object:os.system x",
    ]
    forms += [
        "problem: 2020-99-99",
        "- " * 2000,
        "a: {" * 500,
        "problem: " + "'" * 999,
        "problem: \x07",
        "x: " + "[" * 30_000,
        "%YAML 9.9",
    ]
    return f"---\n{rng.choice(forms)}\n---\nP\n\na".encode()


def noise(rng: random.Random) -> bytes:
    """Anything."""
    return rng.randbytes(rng.choice([0, 1, 10, 1000, 50_000]))


def pieces(rng: random.Random) -> bytes:
    """Marks of Markdown, maths and parts in any order."""
    return "".join(
        rng.choice([*BAIT, "a", "So 2 + 3 = 5.", "\n\n", "# Solution\n", "---\n"]) for _ in range(rng.randint(1, 200))
    ).encode()


KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    *(torn, spoilt, odd_values, deep, bait, yaml_bomb, noise, pieces, dialects, torn_table),
)


def hostile(seed: int) -> tuple[str, bytes]:
    """Suffix and content of one file."""
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    suffixes: dict[object, tuple[str, ...]] = {
        torn_table: (".parquet", ".parquet", ".jsonl.gz"),
        dialects: (".json", ".jsonl"),
    }
    return rng.choice(suffixes.get(kind, SUFFIXES)), kind(rng)


def check(path: Path, *, problem: str | None = None, split: SplitMode = "auto") -> int:
    """Read a file to its end; what comes is documents with steps, or errors that name the file. The number of items."""
    start, count = time.process_time(), 0  # of this process: what else runs on the machine is not the reader's
    for item in read(path, problem=problem, split=split):
        count += 1
        if isinstance(item, Unread):
            assert str(item.error).startswith(str(path))
            continue
        assert isinstance(item, Document)
        assert item.steps
        assert item.problem.strip()
        for step in item.steps:
            assert step.text.strip()
            assert item.text is None or item.text[step.start : step.end] == step.text
    assert time.process_time() - start < SECONDS
    return count


def check_seed(seed: int, folder: Path) -> None:
    suffix, content = hostile(seed)
    path = folder / f"hostile{suffix}"
    path.write_bytes(content)
    check(path, problem=(None, "Q")[seed % 3 == 0], split=get_args(SplitMode)[seed % 5])


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[kind.__name__ for kind in KINDS])
def test_hostile_files(kind: int, tmp_path: Path) -> None:
    """300 files of ten kinds: documents or named errors."""
    for seed in range(kind, 300, len(KINDS)):
        check_seed(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_thousand_hostile_files(tmp_path: Path) -> None:
    """The full figure."""
    for seed in range(5000):
        check_seed(seed, tmp_path)


def huge_row(size: int) -> bytes:
    return json.dumps({"problem": "P", "response": "So $a$ is 3.\n\n" * (size // 14)}).encode()


HUGE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a 10 MB row": (".jsonl", lambda: huge_row(10**7)),
    "a 10 MB row of steps": (".jsonl", lambda: json.dumps({"problem": "P", "steps": ["a"] * 2_000_000}).encode()),
    "a 16 MB row of keys": (
        ".jsonl",
        lambda: b'{"problem": "P", "steps": ["a"], ' + b",".join(b'"%x":1' % i for i in range(1_600_000)) + b"}",
    ),
    "a 16 MB row of messages": (
        ".jsonl",
        lambda: b'{"problem": "P", "messages": [' + b"{}," * 5_000_000 + b"{}]}",
    ),
    "a 10 MB row of candidates": (
        ".jsonl",
        lambda: b'{"problem": "P", "completions": [' + b'["a"],' * 1_500_000 + b'["a"]]}',
    ),
    "a 10 MB row of nothing": (
        ".jsonl",
        lambda: b'{"x": [' + b"{}," * 3_300_000 + b'{}], "problem": "P", "steps": ["a"]}',
    ),
    "a 40 MB row, then a good one": (".jsonl", lambda: huge_row(4 * 10**7) + b"\n" + GOOD.encode()),
    "5 MB of text": (
        ".md",
        lambda: b"P\n\n" + (b"So $a$ is 3 and the rest is as it was before. " * 4 + b"\n\n") * 26_000,
    ),
    "100 MB of text": (".md", lambda: b"So it is 3.\n\n" * (10**8 // 13)),
    "100 MB of JSON": (".json", lambda: b"[" + b"1," * (5 * 10**7) + b"1]"),
    "100 MB in one string": (".json", lambda: b'[{"problem": "P", "steps": ["' + b"a" * 10**8 + b'"]}]'),
    "100 MB of brackets": (".json", lambda: b"[" * 10**8),
    "100 MB without a line end": (".jsonl", lambda: b"x" * 10**8),
    "1 GB without a line end": (".jsonl", lambda: b"x" * 10**5),
}
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from tests.memory import peak
from tests.robustness.test_hostile_input import check
print(check(Path(sys.argv[1])), peak() // 1000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read through POSIX")
@pytest.mark.parametrize("name", HUGE)
def test_huge_files(name: str, tmp_path: Path) -> None:
    """A huge file is read, or refused, in time and in memory; measured in a process of its own."""
    suffix, content = HUGE[name]
    path = tmp_path / f"huge{suffix}"
    path.write_bytes(content())
    if name.startswith("1 GB"):
        os.truncate(path, 10**9)  # a hole takes no room on the disk
    command = [sys.executable, "-c", PROGRAM, str(path), str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    path.unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    count, kilobytes = map(int, done.stdout.split())
    assert count >= 1
    assert kilobytes < MEGABYTES * 1000
