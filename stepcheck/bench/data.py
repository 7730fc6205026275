"""Files → subsets: which files there are, what is in them, and which of their rows are to be done.

Owns the scan before a run: the hash that a resumed run is held to, the number of rows, the selection. Refuses to guess:
unknown subsets and ids are errors that name the known ones.
"""

import difflib
import glob
import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from stepcheck.document import rows, sources
from stepcheck.document.contents import Missing
from stepcheck.document.rows import BadRow
from stepcheck.document.rows import Row as SourceRow
from stepcheck.errors import InputError, UsageError

MOST_NOTES = 1_000
"""Different notes of a file that are counted; some name what only one row has."""
SAID_NOTES = 6
USUAL = ("gsm8k", "math", "olympiadbench", "omnimath")
"""The order in which ProcessBench's subsets are shown; others follow by name."""


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows of each subset are done: these `ids`, a `sample` drawn with `seed`, the first `limit`, one shard."""

    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    ids: tuple[str, ...] = ()
    shard: int = 1
    shards: int = 1

    @property
    def words(self) -> str:
        """Say what was left out; empty if nothing was."""
        parts = []
        if self.ids:
            parts.append(f"{len(self.ids):,} chosen id{'s' * (len(self.ids) != 1)}")
        if self.sample is not None:
            first = f"the first {self.limit:,} of " if self.limit is not None else ""
            parts.append(f"{first}a sample of {self.sample:,} per subset, seed {self.seed}")
        elif self.limit is not None:
            parts.append(f"the first {self.limit:,} per subset")
        if self.shards > 1:
            parts.append(f"shard {self.shard} of {self.shards}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """One problem of a file before it is read: its id, and how many candidates it has."""

    id: str
    cases: int
    work: int = field(default=0, compare=False)
    """Characters of problem and solutions of its cases together: the best guess of their time."""


@dataclass(frozen=True, slots=True)
class Subset:
    """A file under its name: the hash of its bytes, its problems, and the places of those to be done.

    `stamp` is the file's size and time when it was scanned: it must not change while it is run over.
    """

    name: str
    path: Path
    sha256: str
    entries: tuple[ProblemEntry, ...]
    chosen: frozenset[int]
    stamp: tuple[int, int]
    notes: tuple[str, ...] = ()
    """What was decided in reading its rows, each with the number of rows, the most frequent first."""

    @property
    def cases(self) -> int:
        """How many cases are to be done."""
        return sum(entry.cases for place, entry in enumerate(self.entries) if place in self.chosen)


def find_files(data: Sequence[Path], names: Sequence[str] = ()) -> list[tuple[str, Path]]:
    """Return (subset, file) pairs of files, folders and patterns like `data/*.json`, which no shell has to expand.

    Where there is a folder `names` choose among all that was found, otherwise they name the files in their order.

    Raises:
        UsageError: no such file or subset, a folder without any, or two subsets of one name.
    """
    paths = [path for given in data for path in _matching(given)]
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file")
    folders = [path for path in paths if path.is_dir()]
    if not folders and names and len(names) != len(paths):
        raise UsageError(f"{len(paths)} files and {len(names)} names: give --subset once for each file, in order")
    given_names = list(names) if names and not folders else [path.stem for path in paths]
    found = [
        pair
        for name, path in zip(given_names, paths, strict=True)
        for pair in (_of_folder(path) if path.is_dir() else [(name, path)])
    ]
    twice = {name for name, _ in found if sum(other == name for other, _ in found) > 1}
    if twice:
        raise UsageError(f"two files are called {min(twice)!r}: name them with --subset, once for each file")
    return _chosen(found, names, ", ".join(map(str, folders))) if folders else found


def _matching(given: Path) -> list[Path]:
    """The files that a pattern matches; a path that is there is itself, whatever its name looks like."""
    if given.exists() or not glob.has_magic(str(given)):
        return [given]
    found = sorted(map(Path, glob.glob(str(given))))  # noqa: PTH207 (a pattern with a root or a drive)
    if not found:
        raise UsageError(f"{given}: no file matches")
    return found


def _of_folder(folder: Path) -> list[tuple[str, Path]]:
    """The files of a folder that hold rows, in the usual order."""
    order = {name: place for place, name in enumerate(USUAL)}
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if sources.holds_rows(path) and files.setdefault(path.stem, path) is not path:
            raise UsageError(
                f"{folder}: {files[path.stem].name} and {path.name} have one name: give the files themselves"
            )
    if not files:
        raise UsageError(f"{folder}: no .json, .jsonl, .ndjson or .parquet file is in this folder")
    return sorted(files.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))


def _chosen(found: list[tuple[str, Path]], names: Sequence[str], where: str) -> list[tuple[str, Path]]:
    files = dict(found)
    unknown = [name for name in names if name not in files]
    if unknown:
        raise UsageError(f"{where}: no subset {unknown[0]!r}; there are {', '.join(files)}")
    return [(name, files[name]) for name in dict.fromkeys(names) or files]


def read_groups(path: Path, more: tuple[str, ...], *, merge: bool) -> Iterator[list[SourceRow | BadRow]]:
    """Yield the rows of a file as lists, one list a problem; with `merge`, neighbours of one id and problem are one.

    Raises:
        InputError: the file as a whole cannot be read.
    """
    try:
        with sources.opened(path, None, None) as source:
            if source.format == "text":
                raise InputError(f"{path}: expected JSON: an array of rows, or one row a line (.jsonl)")
            yield from _grouped(rows.read(source, more), merge=merge)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _grouped(found: Iterable[SourceRow | BadRow], *, merge: bool) -> Iterator[list[SourceRow | BadRow]]:
    group: list[SourceRow | BadRow] = []
    for row in found:
        if group and not (merge and _same_problem(group[-1], row)):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _same_problem(a: SourceRow | BadRow, b: SourceRow | BadRow) -> bool:
    if isinstance(a, BadRow) or isinstance(b, BadRow) or a.problem is None:
        return False
    return (a.id, a.problem) == (b.id, b.problem) and not a.candidates and not b.candidates


def scan(name: str, path: Path, selection: Selection, *, merge: bool, n: int | None = None) -> Subset:
    """Read a file once: hash its bytes, list its problems, with at most `n` candidates each, choose.

    Raises:
        InputError: the file cannot be read, or holds no row.
    """
    entries: list[ProblemEntry] = []
    notes: Counter[str] = Counter()
    before = _stamp(path)
    for group in read_groups(path, (), merge=merge):
        said = (note for row in group if not isinstance(row, BadRow) for note in row.notes)
        notes.update(note for note in said if note in notes or len(notes) < MOST_NOTES)
        first = group[0]
        cases = sum(_count(row, merge=merge) for row in group)
        broken = any(isinstance(row, BadRow) for row in group)
        kept = 1 if broken else min(cases, n or cases)
        work = sum(map(_work, group)) * kept // max(cases, 1)
        entries.append(ProblemEntry(first.id or f"{name}-{len(entries)}", kept, work))
    if not entries:
        raise InputError(f"{path}: no row is in this file")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    chosen = choose([entry.id for entry in entries], selection)
    subset = Subset(name, path, sha256, tuple(entries), chosen, before, tuple(_counted(notes)))
    check_unchanged(subset)
    return subset


def _counted(notes: Counter[str]) -> Iterator[str]:
    """The most frequent notes, each with its rows, and how many others there are."""
    for note, count in notes.most_common(SAID_NOTES):
        yield f"{note} ({count:,} row{'s' * (count != 1)})"
    more = len(notes) - SAID_NOTES
    if more > 0:
        yield f"{more:,} more notes, which `stepcheck split` shows beside their rows"


def _count(row: SourceRow | BadRow, *, merge: bool) -> int:
    """The cases of a row: its candidates; where texts are no cases, its lists of steps, or one of anything else."""
    if isinstance(row, BadRow) or (not merge and any(isinstance(solution, str) for solution in row.solutions)):
        return 1
    return len(row.solutions)


def _work(row: SourceRow | BadRow) -> int:
    """The characters of a row's solutions, each with the problem."""
    if isinstance(row, BadRow):
        return 0
    texts = (
        each if isinstance(each, str) else "".join(each) for each in row.solutions if not isinstance(each, Missing)
    )
    return sum(len(row.problem or "") + len(text) for text in texts)


def check_unchanged(subset: Subset) -> None:
    """Refuse a file that is not the one that was scanned any more: its rows would stand under the wrong hash.

    Raises:
        InputError: its size or time differ.
    """
    if _stamp(subset.path) != subset.stamp:
        raise InputError(f"{subset.path}: was changed while it was run over; put it back, and give the command again")


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return state.st_size, state.st_mtime_ns


def choose(ids: Sequence[str], selection: Selection) -> frozenset[int]:
    """Return the places of the rows to be done: the ids asked for, then the sample, then the limit, then the shard."""
    wanted = set(selection.ids)
    places = [place for place, name in enumerate(ids) if not wanted or name in wanted]
    if selection.sample is not None and selection.sample < len(places):
        places = sorted(random.Random(selection.seed).sample(places, selection.sample))  # noqa: S311 (a seeded draw)
    places = places[: selection.limit]
    return frozenset(places[selection.shard - 1 :: selection.shards])


def check_ids(subsets: Sequence[Subset], selection: Selection) -> None:
    """Refuse an id that no file has.

    Raises:
        UsageError: names the nearest.
    """
    known = {entry.id for subset in subsets for entry in subset.entries}
    for name in selection.ids:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(f"no case has the id {name!r}{f'; did you mean {near[0]!r}?' if near else ''}")
