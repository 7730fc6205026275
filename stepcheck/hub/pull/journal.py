"""What a pull has done so far, in its staging folder: enough to go on after any end.

Owns `journal.json`. A journal of another job (other commit, type, template, llama.cpp) is no journal: its folder is
cleared and the pull begins anew.
"""

import shutil
from pathlib import Path
from typing import Final

import msgspec

from stepcheck.hub.disk.durable import write_durably

NAME: Final = "journal.json"


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """`job` says what is pulled, `done` which shards are converted."""

    job: dict[str, str] = {}
    done: tuple[str, ...] = ()


def read_journal(staging: Path) -> Journal:
    """Read a journal; one that is missing or damaged is empty, which costs time and nothing else."""
    try:
        return msgspec.json.decode((staging / NAME).read_bytes(), type=Journal)
    except (OSError, msgspec.DecodeError):
        return Journal()


def write_journal(staging: Path, journal: Journal) -> None:
    """Replace the journal, whole or not at all, and for good."""
    part = staging / f"{NAME}.new"
    write_durably(part, msgspec.json.encode(journal))
    part.replace(staging / NAME)


def open_journal(staging: Path, job: dict[str, str]) -> Journal:
    """Begin or go on with a job: what another job left in the folder is removed."""
    journal = read_journal(staging)
    if journal.job == job:
        return journal
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    journal = Journal(job=job)
    write_journal(staging, journal)
    return journal
