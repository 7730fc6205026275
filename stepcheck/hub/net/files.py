"""What is known of a repository's files before they are fetched: names, sizes, hashes, at one commit."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from stepcheck.errors import HubError
from stepcheck.hub.net.names import Kind, check_name


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository at a commit.

    `size` counts bytes. `sha256` is the hub's own, given for large files; `git_sha1` is the id of the blob in git,
    given for the others.
    """

    repository: str
    kind: Kind
    commit: str
    path: str
    size: int
    sha256: str | None = None
    git_sha1: str | None = None

    def __str__(self) -> str:
        return f"{self.repository}/{self.path}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit: its files by path, and what its page says of licence and access."""

    repository: str
    kind: Kind
    commit: str
    licence: str
    gated: bool
    files: dict[str, RemoteFile]

    def file(self, path: str) -> RemoteFile:
        """Return a file that must be there.

        Raises:
            HubError: it is not, or its name may not be fetched.
        """
        check_name(path, self.kind)
        if path not in self.files:
            raise HubError(f"{self.repository} has no file {path!r} at commit {self.commit[:12]}")
        return self.files[path]

    def select(self, *patterns: str) -> list[RemoteFile]:
        """Return the files whose path fits one of the shell-like patterns and may be fetched, by path."""
        return [
            self.file(path)
            for path in sorted(self.files)
            if any(fnmatchcase(path, pattern) for pattern in patterns) and _may_be_fetched(path, self.kind)
        ]


def _may_be_fetched(path: str, kind: Kind) -> bool:
    try:
        check_name(path, kind)
    except HubError:
        return False
    return True
