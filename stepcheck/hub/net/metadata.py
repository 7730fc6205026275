"""What the hub says a repository holds: its answer's bytes → a snapshot.

Owns the shape of that answer and its limits. Refuses what is not of that shape by the key that is wrong: the answer
comes from outside, and what it says decides names, sizes and hashes. Source: the hub's own API, `/api/models/NAME` and
`/api/datasets/NAME` with `blobs=true`, as huggingface_hub's `hf_api.py` reads it.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from stepcheck.errors import HubError
from stepcheck.hub.net.files import RemoteFile, Snapshot
from stepcheck.hub.net.names import Kind
from stepcheck.patterns import regex

MOST_BYTES: Final = 8 << 20
"""Of an answer: some fifty thousand files, many times what the largest repositories of models hold."""
_COMMIT: Final = regex(r"[0-9a-f]{40}")
_Size = Annotated[int, Meta(ge=0, le=1 << 50)]


class _Large(msgspec.Struct):
    """A file that lies outside git."""

    size: _Size
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class _Entry(msgspec.Struct):
    """A file of the listing."""

    rfilename: str
    size: _Size | None = None
    blobId: Annotated[str, Meta(pattern="^[0-9a-f]{40}$")] | None = None  # noqa: N815 (the hub's name)
    lfs: _Large | None = None


class _Info(msgspec.Struct):
    """A repository at one commit."""

    sha: str | None = None
    siblings: list[_Entry] | None = None
    gated: bool | str | None = False
    cardData: Any = None  # noqa: N815 (the hub's name)


def read_snapshot(repository: str, kind: Kind, data: bytes) -> Snapshot:
    """Read the hub's answer.

    Raises:
        HubError: it is no JSON, of another shape, names no commit, or leaves out a size; says where.
    """
    try:
        info = msgspec.json.decode(data, type=_Info)
    except msgspec.ValidationError as error:
        raise HubError(f"{repository}: the hub's list of files makes no sense: {_located(str(error))}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HubError(f"{repository}: the hub's answer is no JSON that can be read: {str(error)[:200]}") from error
    commit = info.sha or ""
    if not _COMMIT.fullmatch(commit):
        raise HubError(f"{repository}: the hub named no commit ({commit[:60]!r}): nothing to pin, nothing is fetched")
    files = {entry.rfilename: _file(repository, kind, commit, entry) for entry in info.siblings or ()}
    return Snapshot(repository, kind, commit, _licence(info.cardData), bool(info.gated), files)


def _file(repository: str, kind: Kind, commit: str, entry: _Entry) -> RemoteFile:
    size = entry.lfs.size if entry.lfs else entry.size
    if size is None:
        raise HubError(f"{repository}: the hub does not say how large {entry.rfilename[:200]!r} is")
    return RemoteFile(
        repository=repository,
        kind=kind,
        commit=commit,
        path=entry.rfilename,
        size=size,
        sha256=entry.lfs.sha256 if entry.lfs else None,
        git_sha1=None if entry.lfs else entry.blobId,
    )


def _licence(card: object) -> str:
    """The licence that the model's page names; pages are written by hand, so anything may stand there."""
    named = [card.get(key) for key in ("license_name", "license")] if isinstance(card, dict) else []
    return next((name[:200] for name in named if isinstance(name, str) and name), "not stated")


def _located(message: str) -> str:
    """Turn msgspec's ``… - at `$.siblings[3].size` `` into a sentence that starts with the key."""
    what, _, where = message.partition(" - at `$")
    return f"`{where.rstrip('`').lstrip('.')}`: {what}" if where else what
