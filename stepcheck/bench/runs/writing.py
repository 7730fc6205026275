"""A run's file, written: rows are committed by a thread of their own, as many at a time as have come in the meantime.

A row that `committed` has heard of is on the disk: SQLite's journal is synced at every commit (WAL, synchronous=FULL),
so neither kill -9 nor a power failure loses or tears it. One sync takes about 0.4 ms, and while it lasts the next rows
gather; so a fast engine does not wait for the disk, and a slow one has each row kept at once.
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import msgspec

from stepcheck.bench.cases import Row
from stepcheck.bench.runs.folder import DATABASE, LOCK
from stepcheck.bench.runs.lock import Lock
from stepcheck.bench.runs.manifest import Manifest, check_same
from stepcheck.bench.runs.store import INSERT, SCHEMA, has_boxes, read_manifest, to_record, translated
from stepcheck.errors import RunError

MOST_WAITING = 1024
"""Rows that may wait for the disk before the engine does."""
MOST_AT_ONCE = 256


class RunWriter:
    """The one writer of a run; use it as a context manager.

    Makes the folder if need be. A run that is there is gone on with only if `manifest` says the same as its own.

    Raises on construction:
        RunBusyError: somebody else is writing it.
        RunChangedError: it was begun with another model, other data or other settings.
        RunError: it cannot be written or read.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, committed: Callable[[Sequence[Row]], None] | None = None
    ) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder}: cannot be made: {error.strerror}") from error
        self._lock = Lock(folder / LOCK)
        self._lock.take()
        try:
            with translated(folder):
                self._prepare(manifest)
        except BaseException:
            self._lock.release()
            raise
        self._committed = committed
        self._error: RunError | None = None
        self._queue: queue.Queue[Row | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._serve, name="run-writer")
        self._thread.start()

    def put(self, row: Row) -> None:
        """Hand over a row to be kept.

        Raises:
            RunError: an earlier row could not be kept; nothing after it will be.
        """
        if self._error is not None:
            raise self._error
        self._queue.put(row)

    def close(self) -> None:
        """Keep what was handed over, then let go of the run.

        Raises:
            RunError: a row could not be kept.
        """
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        with contextlib.suppress(RunError):  # the first error is the one to be heard
            self.close()

    def _prepare(self, manifest: Manifest) -> None:
        """Make the tables and note the session, or check that the run is the same."""
        with contextlib.closing(_connect(self.folder)) as database:
            database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            if not has_boxes(database):
                database.execute("ALTER TABLE cases ADD COLUMN boxes TEXT")
            begun = database.execute("SELECT COUNT(*) FROM meta WHERE key = 'manifest'").fetchone()[0]
            if begun:
                check_same(read_manifest(database, self.folder), manifest)
            whole = msgspec.json.encode(manifest).decode()
            session = (manifest.created, msgspec.json.encode(manifest.machine).decode(), " ".join(manifest.command))
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT OR IGNORE INTO meta VALUES ('manifest', ?)", (whole,))
            database.execute("INSERT INTO sessions VALUES (?, ?, ?)", session)
            database.execute("COMMIT")

    def _serve(self) -> None:
        """Commit what has come, until None comes; after a failure only take rows off the queue, so nobody waits."""
        try:
            with translated(self.folder), contextlib.closing(_connect(self.folder)) as database:
                while rows := self._gather():
                    self._commit(database, rows)
                _tidy(database)
        except Exception as error:  # noqa: BLE001 (a thread's edge: who hands rows over hears of it)
            self._error = RunError(str(error) if isinstance(error, RunError) else f"{self.folder}: {error!r}")
            while self._queue.get() is not None:
                pass
        finally:
            self._lock.release()

    def _gather(self) -> list[Row]:
        """Wait for a row and take those behind it; nothing at the end."""
        rows: list[Row] = []
        row = self._queue.get()
        while row is not None:
            rows.append(row)
            if len(rows) == MOST_AT_ONCE or self._queue.empty():
                return rows
            row = self._queue.get()
        if rows:
            self._queue.put(None)  # the end comes again when these are kept
        return rows

    def _commit(self, database: sqlite3.Connection, rows: list[Row]) -> None:
        database.execute("BEGIN IMMEDIATE")
        try:
            database.executemany(INSERT, map(to_record, rows))
            database.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise
        if self._committed is not None:
            self._committed(rows)


def _tidy(database: sqlite3.Connection) -> None:
    """Make the run one file again, where nobody is reading it: the journal is only needed while rows come in."""
    with contextlib.suppress(sqlite3.Error):
        database.execute("PRAGMA busy_timeout = 50")
        database.execute("PRAGMA journal_mode = DELETE")


def _connect(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / DATABASE, isolation_level=None, timeout=30)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database
