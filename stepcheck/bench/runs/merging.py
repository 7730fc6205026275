"""Shards → one run: the same model, data and settings, each case in exactly one of them.

Refuses to merge what does not belong together, and shards that are missing or not finished.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stepcheck.bench.data import Selection
from stepcheck.bench.runs.folder import DATABASE
from stepcheck.bench.runs.manifest import DataPart, Manifest, differences
from stepcheck.bench.runs.store import Run
from stepcheck.bench.runs.writing import RunWriter
from stepcheck.errors import RunChangedError, RunError


def merge(target: Path, name: str, shards: Sequence[Run]) -> None:
    """Write the rows of all shards into a new run.

    Raises:
        RunError: the target is there already, or a shard is missing, given twice or not finished.
        RunChangedError: the shards differ in more than their number; names in what.
    """
    if (target / DATABASE).exists():
        raise RunError(f"{target}: there is a run of that name; choose another, or delete it")
    _check_shards(shards)
    whole = _whole(name, [shard.manifest for shard in shards])
    for shard in shards:
        found = differences(whole, _unsharded(shard.manifest))
        if found:
            raise RunChangedError(f"{shard.manifest.name} is no shard of the same run: {'; '.join(found)}")
    with RunWriter(target, whole) as writer:
        for shard in shards:
            for row in shard.rows():
                writer.put(row)


def _check_shards(shards: Sequence[Run]) -> None:
    numbers = [shard.manifest.selection.shard for shard in shards]
    count = shards[0].manifest.selection.shards
    if count == 1:
        raise RunError(f"{shards[0].manifest.name} is no shard: it was not made with --shard i/n")
    missing = [str(number) for number in range(1, count + 1) if number not in numbers]
    if missing:
        raise RunError(f"of {count} shards there is none with the number {', '.join(missing)}")
    if len(set(numbers)) < len(numbers):
        raise RunError("a shard was given twice")
    for shard in shards:
        if not shard.complete:
            raise RunError(f"{shard.manifest.name} is not finished: {shard.partial}")


def _unsharded(manifest: Manifest) -> Manifest:
    """The manifest as it would be without --shard."""
    old = manifest.selection
    return msgspec.structs.replace(manifest, selection=Selection(old.limit, old.sample, old.seed, old.ids))


def _whole(name: str, manifests: Sequence[Manifest]) -> Manifest:
    first = manifests[0]
    data = tuple(
        DataPart(part.name, part.file, part.sha256, part.problems, _cases(part.name, manifests)) for part in first.data
    )
    return msgspec.structs.replace(_unsharded(first), name=name, data=data)


def _cases(name: str, manifests: Sequence[Manifest]) -> int:
    return sum(part.cases for manifest in manifests for part in manifest.data if part.name == name)
