"""Runs on disk: rows come back as they went in; a changed run is refused; one writer; names stay in the folder."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepcheck.bench.cases import Failure, Graded, Labelled, Row
from stepcheck.bench.data import Selection
from stepcheck.bench.runs.folder import existing_run, list_runs, remove, run_folder
from stepcheck.bench.runs.lock import Lock
from stepcheck.bench.runs.manifest import DataPart, Manifest, differences, fingerprint
from stepcheck.bench.runs.merging import merge
from stepcheck.bench.runs.store import Run
from stepcheck.bench.runs.writing import RunWriter
from stepcheck.errors import RunBusyError, RunChangedError, RunError, UsageError

CARD: dict[str, Any] = {
    "name": "m",
    "notice": "",
    "template": {"after_problem": "\n", "mark": "<extra_0>"},
    "files": {"backbone_sha256": "a" * 64, "head_sha256": "b" * 64},
}
MANIFEST = Manifest(
    bench="processbench",
    name="r",
    card=CARD,
    threshold=0.5,
    data=(DataPart("math", "math.json", "c" * 64, 3, 3), DataPart("gsm8k", "gsm8k.json", "d" * 64, 1, 1)),
    settings={"n_ctx": None, "n_ubatch": None},
    versions={"stepcheck": "0.1.0", "llama-cpp-python": "0.3.36", "python": "3.11"},
)


def row(subset: str = "math", position: int = 0, **more: Any) -> Row:
    values: dict[str, Any] = {"rewards": (0.1, 1 / 3), "first_error": 0, "tokens": 7, "seconds": 0.25}
    values |= {"facts": Labelled(1, "g", answer_right=True)} | more
    return Row(subset, position, 0, f"{subset}-{position}", position + 2, "P\x00ü", ("a\nb", "“c”"), **values)


def changed(**parts: Any) -> Manifest:
    return msgspec.structs.replace(MANIFEST, **parts)


def card(**parts: Any) -> Manifest:
    return changed(card=CARD | parts)


CHANGES: dict[str, tuple[Manifest, str]] = {
    "model": (card(name="other"), "card.name was 'm', is 'other'"),
    "weights": (card(files=CARD["files"] | {"backbone_sha256": "e" * 64}), "card.files.backbone_sha256"),
    "head": (card(files=CARD["files"] | {"head_sha256": "e" * 64}), "card.files.head_sha256"),
    "template": (
        card(template=CARD["template"] | {"after_problem": ""}),
        "card.template.after_problem was '\\n', is ''",
    ),
    "threshold": (changed(threshold=0.4), "threshold was 0.5, is 0.4"),
    "tuning": (changed(tuned_on="math"), "tuned_on was not there, is 'math'"),
    "data": (changed(data=(DataPart("math", "x", "e" * 64, 3, 3), MANIFEST.data[1])), "data.math.sha256"),
    "subset": (changed(data=MANIFEST.data[:1]), "data.gsm8k.sha256"),
    "selection": (changed(selection=Selection(limit=5)), "selection.limit was not there, is 5"),
    "settings": (changed(settings={"n_ctx": 512, "n_ubatch": None}), "settings.n_ctx was not there, is 512"),
    "version": (changed(versions=MANIFEST.versions | {"llama-cpp-python": "9"}), "versions.llama-cpp-python"),
    "bench": (changed(bench="bestofn"), "bench was 'processbench', is 'bestofn'"),
}
GRADED = changed(bench="bestofn", versions=MANIFEST.versions | {"math-verify": "0.9.0"})


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_run_is_refused(name: str, tmp_path: Path) -> None:
    """Each change alone: RunChangedError that names what differs; nothing is written; the unchanged run goes on."""
    manifest, words = CHANGES[name]
    with RunWriter(tmp_path / "r", MANIFEST) as writer:
        writer.put(row())
    with pytest.raises(RunChangedError) as caught:
        RunWriter(tmp_path / "r", manifest)
    assert words in str(caught.value)
    assert fingerprint(manifest) != fingerprint(MANIFEST)
    with RunWriter(tmp_path / "r", MANIFEST) as writer:
        writer.put(row(position=1))
    with Run(tmp_path / "r") as run:
        assert run.count().done == 2


def test_another_machine_and_time_change_nothing() -> None:
    """Where, when and by which words a run goes on does not matter; nor does the place of the files."""
    data = (DataPart("math", "/elsewhere/math.json", "c" * 64, 3, 3), MANIFEST.data[1])
    other = changed(machine={"cores": 64}, command=("x",), created="later", data=data)
    other = msgspec.structs.replace(other, versions=MANIFEST.versions | {"python": "3.14"})
    assert differences(MANIFEST, other) == []


def test_another_grader_is_another_run() -> None:
    """Math-verify decides grades, so its version binds Best-of-N, and ProcessBench, which grades nothing, not."""
    newer = msgspec.structs.replace(GRADED, versions=GRADED.versions | {"math-verify": "0.10.0"})
    assert differences(GRADED, newer) == ["versions.math-verify was '0.9.0', is '0.10.0'"]
    assert fingerprint(newer) != fingerprint(GRADED)
    assert differences(MANIFEST, changed(versions=newer.versions)) == []


def test_a_version_that_was_not_noted_is_no_difference() -> None:
    """A run that does not say which math-verify graded it goes on with any, and so does one that cannot tell now."""
    silent = changed(bench="bestofn")
    assert differences(silent, GRADED) == differences(GRADED, silent) == []


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    """Rewards to the last bit, texts with NUL and newlines, facts of both kinds, errors; in the manifest's order."""
    graded = Graded("1/2", "0.5", 0, right=True, how="numeric", file_right=None, file_score=-1.5)
    failed = row("math", 1, rewards=None, first_error=None, error=Failure("too_long", "5000 tokens"))
    rows = [row("gsm8k"), row("math", 2, facts=graded), failed, row("math", 0, facts=None)]
    heard: list[Row] = []
    with RunWriter(tmp_path / "r", MANIFEST, heard.extend) as writer:
        for made in rows:
            writer.put(made)
    assert heard == rows
    with Run(tmp_path / "r") as run:
        assert list(run.rows()) == [rows[3], rows[2], rows[1], rows[0]]
        assert [found.problem for found in run.rows(texts=False)] == [""] * 4
        assert run.row(("math", 2, 0)) == rows[1]
        assert run.keys(errors=False) == {("math", 0, 0), ("math", 2, 0), ("gsm8k", 0, 0)}
        assert (run.count().done, run.count().errors) == (4, 1)
        assert run.cost() == (28, 1.0)
        assert run.complete
        assert run.partial == ""
        assert run.manifest == MANIFEST
        with pytest.raises(RunError, match="no row"):
            run.row(("math", 9, 0))
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["lock", "run.sqlite"]


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    """Partial: what was chosen, and how many of how many are done."""
    manifest = changed(selection=Selection(limit=3, sample=5, seed=1, ids=("a",), shard=2, shards=4))
    with RunWriter(tmp_path / "r", manifest) as writer:
        writer.put(row())
    with Run(tmp_path / "r") as run:
        assert not run.complete
        assert run.partial == (
            "1 chosen id, the first 3 of a sample of 5 per subset, seed 1, shard 2 of 4; 1 of 4 cases done"
        )


def test_durability_is_asked_for(tmp_path: Path) -> None:
    """WAL and synchronous=FULL: what `committed` has heard of survives a power failure."""
    from stepcheck.bench.runs import writing

    with RunWriter(tmp_path / "r", MANIFEST):
        pass
    database = writing._connect(tmp_path / "r")
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    database.close()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second writer hears who writes; a reader reads meanwhile; afterwards the lock is free."""
    with RunWriter(tmp_path / "r", MANIFEST) as writer:
        writer.put(row())
        with pytest.raises(RunBusyError, match="is being written by process"):
            RunWriter(tmp_path / "r", MANIFEST)
        with Run(tmp_path / "r") as run:
            assert run.busy
        with pytest.raises(RunBusyError):
            remove(tmp_path / "r")
    with Run(tmp_path / "r") as run:
        assert not run.busy
    with RunWriter(tmp_path / "r", MANIFEST):
        pass


def test_a_stale_lock_file_locks_nothing(tmp_path: Path) -> None:
    """The file of a process that was killed, and one that is no JSON: the lock is taken over at once."""
    (tmp_path / "lock").write_text('{"pid": 1, "host": "elsewhere", "since": "1999"}', encoding="utf-8")
    lock = Lock(tmp_path / "lock")
    lock.take()
    lock.release()
    (tmp_path / "lock").write_bytes(b"\xff torn")
    assert lock.holder() == "another process"
    lock.take()
    lock.release()
    code = (
        "import os, sys; from pathlib import Path; from stepcheck.bench.runs.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1])); lock.take(); print('held', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(RunBusyError, match=f"process {holder.pid}"):
            lock.take()
        holder.kill()
    lock.take()
    lock.release()


def test_a_row_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    """The writer's thread does not die silently: `put` or `close` raises, and nobody waits for ever."""
    writer = RunWriter(tmp_path / "r", MANIFEST)
    writer.put(row(facts=object()))
    with pytest.raises(RunError):
        put_many(writer)
    with pytest.raises(RunError):
        writer.close()


def put_many(writer: RunWriter) -> None:
    for position in range(5000):
        writer.put(row(position=position))
    writer.close()


HOSTILE_NAMES = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc", "C:\\x", "C:x", "~", "-x", ".x", "x\0", "x\n", "con", "NUL",
    "nul.txt", "COM1", "x.", "a b", "ü", "x" * 101, "a:b", "a*", "\u202ex", "..\\..\\x",
    "%2e%2e", "$(x)", "`x`", "x/", "\x1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_cannot_lead_out(name: str, tmp_path: Path) -> None:
    """No such run can be made."""
    with pytest.raises(UsageError, match="cannot be a run's name"):
        run_folder(name, tmp_path)


def test_a_link_is_no_run(tmp_path: Path) -> None:
    """A folder that is a link would lead out."""
    try:
        (tmp_path / "link").symlink_to(tmp_path)
    except OSError:
        pytest.skip("this system lets no one make links")
    with pytest.raises(RunError, match="is a link"):
        run_folder("link", tmp_path)


def test_finding_and_deleting(tmp_path: Path) -> None:
    """By name or path; the nearest name is suggested; deleting takes our files only."""
    for name in ("alpha", "beta"):
        with RunWriter(tmp_path / name, MANIFEST):
            pass
    assert [path.name for path in list_runs(tmp_path)] == ["alpha", "beta"]
    assert existing_run("alpha", tmp_path) == existing_run(str(tmp_path / "alpha")) == tmp_path / "alpha"
    with pytest.raises(RunError, match="did you mean 'alpha'"):
        existing_run("alpah", tmp_path)
    remove(tmp_path / "alpha")
    assert not (tmp_path / "alpha").exists()
    (tmp_path / "beta" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match=r"notes\.txt"):
        remove(tmp_path / "beta")
    assert [path.name for path in (tmp_path / "beta").iterdir()] == ["notes.txt"]


def test_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    """Another file of that name, a torn one, an empty one, one of a later version: a sentence each."""
    folder = tmp_path / "r"
    folder.mkdir()
    with pytest.raises(RunError, match="no run is in this folder"):
        Run(folder)
    for content in (b"", b"SQLite format 3\0" + b"\xff" * 2000, b"hello"):
        (folder / "run.sqlite").write_bytes(content)
        with pytest.raises(RunError):
            Run(folder)
    (folder / "run.sqlite").unlink()
    database = sqlite3.connect(folder / "run.sqlite")
    database.executescript("CREATE TABLE meta(key, value); INSERT INTO meta VALUES ('format', '99');")
    database.close()
    with pytest.raises(RunError, match="format '99'"):
        Run(folder)


def test_a_run_on_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """Reading needs no right to write."""
    with RunWriter(tmp_path / "r", MANIFEST) as writer:
        writer.put(row())
    (tmp_path / "r" / "run.sqlite").chmod(0o444)
    (tmp_path / "r").chmod(0o555)
    try:
        with Run(tmp_path / "r") as run:
            assert run.count().done == 1
    finally:
        (tmp_path / "r").chmod(0o755)


def shard(folder: Path, number: int, **parts: Any) -> Run:
    data = (DataPart("math", "math.json", "c" * 64, 2, 1),)
    values: dict[str, Any] = {"data": data, "selection": Selection(shard=number, shards=2)} | parts
    with RunWriter(folder / f"s{number}", changed(name=f"s{number}", **values)) as writer:
        writer.put(row(position=number - 1))
    return Run(folder / f"s{number}")


def test_shards_merge(tmp_path: Path) -> None:
    """Both halves are the whole, which is not partial; one alone, one twice, or one of another model is refused."""
    one, two = shard(tmp_path, 1), shard(tmp_path, 2)
    merge(tmp_path / "all", "all", [two, one])
    with Run(tmp_path / "all") as run:
        assert [found.position for found in run.rows()] == [0, 1]
        assert run.partial == ""
        assert run.manifest.cases == 2
    refused = [([one], "there is none with the number 2"), ([one, two, two], "given twice")]
    for shards, words in refused:
        with pytest.raises(RunError, match=words):
            merge(tmp_path / "new", "new", shards)
    with pytest.raises(RunError, match="there is a run of that name"):
        merge(tmp_path / "all", "all", [one, two])
    two.close()
    remove(tmp_path / "s2")
    other = shard(tmp_path, 2, threshold=0.4)
    with pytest.raises(RunChangedError, match=r"threshold was 0\.5, is 0\.4"):
        merge(tmp_path / "new", "new", [one, other])
    one.close()
    other.close()
