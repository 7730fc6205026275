"""A run's file, read: its manifest, its sessions and its rows. Reading never waits for the writer, nor stops it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from stepcheck.bench.cases import Facts, Failure, Key, Row
from stepcheck.bench.runs.folder import DATABASE, LOCK
from stepcheck.bench.runs.lock import Lock
from stepcheck.bench.runs.manifest import FORMAT, Manifest, without_make_up
from stepcheck.closing import Closing
from stepcheck.errors import RunBusyError, RunError

_COLUMNS = (
    "subset, position, candidate, id, line, problem, steps, facts, rewards, first_error, tokens, seconds, "
    "error_kind, error_message, boxes"
)
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions(started TEXT NOT NULL, machine TEXT NOT NULL, command TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cases(
    subset TEXT NOT NULL, position INTEGER NOT NULL, candidate INTEGER NOT NULL, id TEXT NOT NULL, line INTEGER,
    problem TEXT NOT NULL, steps TEXT NOT NULL, facts TEXT, rewards TEXT, first_error INTEGER,
    tokens INTEGER NOT NULL, seconds REAL NOT NULL, error_kind TEXT, error_message TEXT, boxes TEXT,
    PRIMARY KEY (subset, position, candidate)
) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('format', '1');
"""
INSERT = f"INSERT OR REPLACE INTO cases ({_COLUMNS}) VALUES ({', '.join('?' * 15)})"  # noqa: S608 (our own words)
_FACTS = msgspec.json.Decoder(Facts)
_STEPS = msgspec.json.Decoder(tuple[str, ...])
_REWARDS = msgspec.json.Decoder(tuple[float, ...])
_BOXES = msgspec.json.Decoder(tuple[str | None, ...])


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are, and how many of them are errors."""

    done: int
    errors: int


class Run(Closing):
    """A run's folder, open for reading; use it as a context manager or call `close`.

    Raises:
        RunError: no run is there, or its file is damaged or of a later version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = connect(folder)
        try:
            self.manifest = read_manifest(self._database, folder)
        except RunError:
            self._database.close()
            raise

    def rows(self, *, texts: bool = True) -> Iterator[Row]:
        """Yield every row, subsets in the order of the manifest; without `texts`, problem and steps are empty."""
        for part in self.manifest.data:
            query = f"SELECT {self._columns(texts=texts)} FROM cases WHERE subset = ? ORDER BY position, candidate"  # noqa: S608
            with translated(self.folder):
                for record in self._database.execute(query, (part.name,)):
                    yield self._bare(from_record(record))

    def row(self, key: Key) -> Row:
        """Return one row with its texts.

        Raises:
            RunError: it is not there.
        """
        query = f"SELECT {self._columns()} FROM cases WHERE subset = ? AND position = ? AND candidate = ?"  # noqa: S608
        with translated(self.folder):
            record = self._database.execute(query, key).fetchone()
        if record is None:
            raise RunError(f"{self.folder.name}: no row {key}")
        return self._bare(from_record(record))

    def _columns(self, *, texts: bool = True) -> str:
        """Name the columns of a row; what a file of an earlier version lacks is empty, and so are texts not wanted."""
        columns = _COLUMNS if texts else _COLUMNS.replace("problem, steps", "'', '[]'")
        with translated(self.folder):
            return columns if has_boxes(self._database) else columns.replace("boxes", "NULL")

    def _bare(self, row: Row) -> Row:
        """Drop rewards that no judge gave: where there is no threshold, version 0.1.0 wrote 1 and 0 for a critic."""
        return row if self.manifest.threshold is not None else replace(row, rewards=None)

    def keys(self, *, errors: bool = True) -> set[Key]:
        """Return the keys of the rows that are there; without `errors`, of those that were judged."""
        query = "SELECT subset, position, candidate FROM cases"
        with translated(self.folder):
            found = self._database.execute(query if errors else f"{query} WHERE error_kind IS NULL")
            return {(subset, position, candidate) for subset, position, candidate in found}

    def count(self) -> Count:
        """Count the rows that are kept, and those of them that are errors."""
        with translated(self.folder):
            done, errors = self._database.execute("SELECT COUNT(*), COUNT(error_kind) FROM cases").fetchone()
        return Count(int(done), int(errors))

    def cost(self) -> tuple[int, float]:
        """Return tokens read and seconds spent by the engine, over all rows."""
        with translated(self.folder):
            tokens, seconds = self._database.execute("SELECT SUM(tokens), SUM(seconds) FROM cases").fetchone()
        return int(tokens or 0), float(seconds or 0)

    @property
    def complete(self) -> bool:
        """Whether every case that was planned is there."""
        return self.count().done >= self.manifest.cases

    @property
    def busy(self) -> bool:
        """Whether somebody is writing it."""
        lock = Lock(self.folder / LOCK)
        try:
            lock.take()
        except RunBusyError:
            return True
        except RunError:
            return False
        lock.release()
        return False

    @property
    def partial(self) -> str:
        """Say why a figure of this run is not one of the whole data; empty if it is."""
        count, parts = self.count(), [self.manifest.selection.words]
        if count.done < self.manifest.cases:
            parts.append(f"{count.done:,} of {self.manifest.cases:,} cases done")
        return "; ".join(part for part in parts if part)

    def close(self) -> None:
        """Close the file; nothing can be read after that."""
        self._database.close()


def connect(folder: Path) -> sqlite3.Connection:
    """Open a run's file for reading, also on a disk that cannot be written."""
    path = folder / DATABASE
    if not path.is_file():
        raise RunError(f"{folder}: no run is in this folder")
    place = path.absolute().as_uri()
    with translated(folder):
        try:
            database = sqlite3.connect(f"{place}?mode=ro", uri=True, check_same_thread=False)
            database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            database = sqlite3.connect(f"{place}?immutable=1", uri=True, check_same_thread=False)
    return database


def read_manifest(database: sqlite3.Connection, folder: Path) -> Manifest:
    """Read what the run is.

    Raises:
        RunError: the file is no run, is damaged, or comes from a later version.
    """
    with translated(folder):
        try:
            said = dict(database.execute("SELECT key, value FROM meta").fetchall())
        except sqlite3.OperationalError as error:
            raise RunError(f"{folder}: is not a run: {error}") from error
    if said.get("format") != str(FORMAT):
        raise RunError(f"{folder}: was written in format {said.get('format')!r}, this version reads {FORMAT}")
    if "manifest" not in said:
        raise RunError(f"{folder}: was not begun: it has no manifest; delete it with: stepcheck runs rm {folder.name}")
    try:
        return without_make_up(msgspec.json.decode(said["manifest"], type=Manifest))
    except msgspec.MsgspecError as error:
        raise RunError(f"{folder}: its manifest is damaged: {error}") from error


@contextlib.contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn what SQLite raises into a sentence; what was committed before is safe in any case."""
    try:
        yield
    except sqlite3.Error as error:
        words = str(error)
        full = isinstance(error, sqlite3.OperationalError) and ("full" in words or "disk I/O" in words)
        hint = "; make room on the disk and give the same command again: it goes on from the last row kept" * full
        raise RunError(f"{folder / DATABASE}: {words}{hint}") from error


def has_boxes(database: sqlite3.Connection) -> bool:
    """Tell whether a run's file has a place for critiques' boxes; those of version 0.1.0 have none."""
    return any(column[1] == "boxes" for column in database.execute("PRAGMA table_info(cases)"))


def to_record(row: Row) -> tuple[object, ...]:
    """Lay a row out for `INSERT`."""
    return (
        row.subset,
        row.position,
        row.candidate,
        row.id,
        row.line,
        row.problem,
        msgspec.json.encode(row.steps).decode(),
        None if row.facts is None else msgspec.json.encode(row.facts).decode(),
        None if row.rewards is None else msgspec.json.encode(row.rewards).decode(),
        row.first_error,
        row.tokens,
        row.seconds,
        row.error.kind if row.error else None,
        row.error.message if row.error else None,
        None if row.boxes is None else msgspec.json.encode(row.boxes).decode(),
    )


def from_record(record: tuple[object, ...]) -> Row:
    """Read a row back."""
    subset, position, candidate, name, line, *rest = record
    problem, steps, facts, rewards, first, tokens, seconds, kind, message, boxes = rest
    return Row(
        str(subset),
        int(str(position)),
        int(str(candidate)),
        str(name),
        None if line is None else int(str(line)),
        str(problem),
        _STEPS.decode(str(steps)),
        None if facts is None else _FACTS.decode(str(facts)),
        None if rewards is None else _REWARDS.decode(str(rewards)),
        None if first is None else int(str(first)),
        int(str(tokens)),
        float(str(seconds)),
        None if kind is None else Failure(str(kind), str(message)),
        None if boxes is None else _BOXES.decode(str(boxes)),
    )
