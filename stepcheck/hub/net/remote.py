"""The hub, seen from here: what a repository holds at one commit, and the bytes of its files by range.

The only module that opens a connection, and only when somebody asked for a download. Owns the hub's protocol and the
translation of its errors. Refuses a revision that is not resolved to a commit, an answer at another offset than asked,
and a redirect from https to plain http. Metadata come through huggingface_hub; bytes through the client it brings, for
huggingface_hub itself checks sizes only and starts a killed download again from zero.
"""

import contextlib
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, TypeVar

from stepcheck.errors import AccessError, HubError, OfflineError
from stepcheck.hub.net.names import Kind, check_name
from stepcheck.hub.net.watch import Watch

STALL_SECONDS: Final = 30.0
"""A server that sends nothing for so long is given up; the next attempt goes on where it stopped."""
ATTEMPTS: Final = 5
"""Failures in a row, without a byte in between, before a download is given up."""
LONGEST_PAUSE: Final = 60.0
"""Seconds; a server that asks for more patience gets an error that says so."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_OK, _PARTIAL, _GONE, _NOT_SATISFIABLE = 200, 206, 404, 416
_TRANSIENT: Final = {408, 425, 429, 500, 502, 503, 504}
_REFUSED: Final = {401, 403}
T = TypeVar("T")


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


class TransientError(Exception):
    """The attempt failed, the next may not; `pause` is how long the server wants to be left alone, in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class Hub:
    """The hub at `endpoint`, seen with `token`.

    By default that is huggingface_hub's endpoint, which HF_ENDPOINT sets, and the stored token or HF_TOKEN's. `pace`
    scales the pauses between attempts; tests set it to nearly nothing.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        offline: bool = False,
        stall_seconds: float = STALL_SECONDS,
        pace: float = 1.0,
    ) -> None:
        self._endpoint, self._token, self._offline = endpoint, token, offline
        self.stall_seconds, self.pace = stall_seconds, pace

    def snapshot(
        self, repository: str, revision: str = "", *, kind: Kind = "model", watch: Watch | None = None
    ) -> Snapshot:
        """Resolve a revision (by default the main branch) to a commit and list what is there.

        Raises:
            OfflineError: the network was forbidden.
            AccessError: the repository is gated or private.
            HubError: there is no such repository or revision, or the hub does not answer.
        """
        self._check_online(repository)
        from huggingface_hub import HfApi

        api = HfApi(endpoint=self.endpoint, token=self._token)
        ask = api.model_info if kind == "model" else api.dataset_info

        def attempt() -> Any:  # noqa: ANN401 (ModelInfo or DatasetInfo)
            with self._translated(repository):
                return ask(repository, revision=revision or None, files_metadata=True, timeout=self.stall_seconds)

        return _snapshot(repository, kind, persist(attempt, watch or Watch(), self.pace, what=repository))

    @property
    def endpoint(self) -> str:
        """The hub's address."""
        from huggingface_hub import constants

        return (self._endpoint or constants.ENDPOINT).rstrip("/")

    @contextlib.contextmanager
    def stream(
        self, file: RemoteFile, start: int, end: int, watch: Watch
    ) -> Generator[tuple[int, Iterator[bytes]], None, None]:
        """Open the bytes [start, end) of a file; yields the offset of the first byte that comes, and the chunks.

        That offset is `start`, or 0 where a server does not know ranges and sends the whole file.

        Raises:
            TransientError: another attempt may succeed.
            HubError: it will not.
        """
        self._check_online(str(file))
        from huggingface_hub import get_session
        from huggingface_hub.utils._headers import build_hf_headers

        headers = build_hf_headers(token=self._token) | {"Accept-Encoding": "identity"}
        if (start, end) != (0, file.size):
            headers["Range"] = f"bytes={start}-{end - 1}"
        with (
            self._translated(str(file)),
            get_session().stream("GET", self._url(file), headers=headers, timeout=self.stall_seconds) as response,
            watch.interrupting(_hang_up(response)),
        ):
            first = _check(response, file, start, end, asked="Range" in headers)
            yield first, response.iter_raw()  # as it comes: collecting chunks of a size would hide a trickle

    def _url(self, file: RemoteFile) -> str:
        from urllib.parse import quote

        kind = "" if file.kind == "model" else f"{file.kind}s/"
        return f"{self.endpoint}/{kind}{file.repository}/resolve/{file.commit}/{quote(file.path)}"

    def _check_online(self, what: str) -> None:
        if self._offline:
            raise OfflineError(f"{what}: not fetched, because stepcheck was told to stay offline")

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turn what huggingface_hub and its http library raise into our own errors."""
        from huggingface_hub import errors

        # the base of every error of the http library, whichever that is
        transport: type[BaseException] = errors.HfHubHTTPError.__bases__[0]
        try:
            yield
        except errors.OfflineModeIsEnabled as error:
            raise OfflineError(f"{what}: not fetched, because HF_HUB_OFFLINE is set") from error
        except (errors.GatedRepoError, errors.DisabledRepoError) as error:
            raise AccessError(_refusal(what, self._has_token())) from error
        except errors.RevisionNotFoundError as error:
            raise HubError(f"{what}: the hub knows no such revision") from error
        except errors.RepositoryNotFoundError as error:
            raise AccessError(f"{what}: {_unknown(self._has_token())}") from error
        except errors.HFValidationError as error:
            raise HubError(f"{what}: is no name of a repository: {error}") from error
        except errors.HfHubHTTPError as error:
            _raise_status(what, error.response, has_token=self._has_token())
        except transport as error:
            raise _transport_error(what, error) from error

    def _has_token(self) -> bool:
        from huggingface_hub import get_token

        return bool(self._token or get_token())


def persist(attempt: Callable[[], T], watch: Watch, pace: float, *, what: str) -> T:
    """Try up to `ATTEMPTS` times, with growing pauses or those that the server asks for.

    Raises:
        HubError: every attempt failed; says why the last one did.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except TransientError as error:
            if failures == ATTEMPTS - 1:
                raise HubError(f"{what}: {error}, {ATTEMPTS} times in a row; try again later") from error
            rest(error, failures, watch, pace, what=what)
            failures += 1


def rest(error: TransientError, failures: int, watch: Watch, pace: float, *, what: str) -> None:
    """Wait before the next attempt; a cancellation ends the wait.

    Raises:
        HubError: the server asks for more patience than anybody has.
    """
    seconds = 2.0**failures if error.pause is None else error.pause
    if seconds > LONGEST_PAUSE:
        raise HubError(f"{what}: {error}; the server asks to wait {seconds:,.0f} s: try again then") from error
    watch.note(f"{what}: {error}; again in {seconds * pace:.0f} s")
    watch.sleep(seconds * pace)


def _may_be_fetched(path: str, kind: Kind) -> bool:
    try:
        check_name(path, kind)
    except HubError:
        return False
    return True


def _snapshot(repository: str, kind: Kind, info: Any) -> Snapshot:  # noqa: ANN401 (ModelInfo or DatasetInfo)
    commit = str(info.sha or "")
    if not _COMMIT.fullmatch(commit):
        raise HubError(f"{repository}: the hub named no commit ({commit[:60]!r}): nothing to pin, nothing is fetched")
    files = {}
    for entry in info.siblings or []:
        size = entry.lfs.size if entry.lfs else entry.size
        if not isinstance(size, int) or size < 0:
            raise HubError(f"{repository}: the hub does not say how large {entry.rfilename[:200]!r} is")
        files[entry.rfilename] = RemoteFile(
            repository=repository,
            kind=kind,
            commit=commit,
            path=entry.rfilename,
            size=size,
            sha256=entry.lfs.sha256 if entry.lfs else None,
            git_sha1=None if entry.lfs else entry.blob_id,
        )
    data = info.card_data or {}
    licence = str(data.get("license_name") or data.get("license") or "not stated")
    return Snapshot(repository, kind, commit, licence, bool(info.gated), files)


def _check(response: Any, file: RemoteFile, start: int, end: int, *, asked: bool) -> int:  # noqa: ANN401 (http library)
    """Check status, offset and length of an answer; return the offset of its first byte."""
    if any(step.url.scheme == "https" for step in response.history) and response.url.scheme != "https":
        raise HubError(f"{file}: the server redirects from https to {response.url.scheme}: refused")
    status = response.status_code
    if status not in {_OK, _PARTIAL}:
        _raise_status(str(file), response, has_token="authorization" in response.request.headers)
    commit = next((step.headers["X-Repo-Commit"] for step in _steps(response) if "X-Repo-Commit" in step.headers), None)
    if commit not in {None, file.commit}:
        raise HubError(f"{file}: the server sends commit {commit}, pinned is {file.commit}")
    if status == _PARTIAL:
        got = response.headers.get("Content-Range", "no Content-Range")
        found = _RANGE.fullmatch(got)
        if not asked or not found or (int(found[1]), int(found[2]) + 1, int(found[3])) != (start, end, file.size):
            raise HubError(f"{file}: asked for bytes {start}-{end - 1}/{file.size}, the server sends {got[:80]}")
        return start
    length = response.headers.get("Content-Length")
    if length is not None and length != str(file.size):
        raise HubError(f"{file}: has {file.size:,} bytes by the hub's list, the server sends {length}")
    return 0


def _steps(response: Any) -> list[Any]:  # noqa: ANN401 (http library)
    return [*response.history, response]


def _raise_status(what: str, response: Any, *, has_token: bool) -> None:  # noqa: ANN401 (http library)
    status = int(response.status_code)
    if status in _TRANSIENT:
        wait = response.headers.get("Retry-After", "")
        said = "asks for fewer requests" if status == 429 else "is not available"  # noqa: PLR2004 (HTTP)
        raise TransientError(f"the server {said} (HTTP {status})", float(wait) if wait.isdigit() else None)
    if status in _REFUSED:
        raise AccessError(_refusal(what, has_token))
    if status == _GONE:
        raise HubError(f"{what}: the server does not have it (HTTP 404)")
    raise HubError(f"{what}: the server answers with HTTP {status}")


def _refusal(what: str, has_token: bool) -> str:
    if has_token:
        return (
            f"{what}: the hub refuses your token: accept the terms on the model's page, or use a token that may read it"
        )
    return f"{what}: needs permission: accept the terms on its page, then log in with 'hf auth login' or set HF_TOKEN"


def _unknown(has_token: bool) -> str:
    hint = (
        "or your token may not see it" if has_token else "or it is private: log in with 'hf auth login' or set HF_TOKEN"
    )
    return f"the hub knows no such repository, {hint}"


def _transport_error(what: str, error: BaseException) -> Exception:
    """Tell what may pass from what will not, by the http library's own names."""
    name = type(error).__name__
    if "Redirect" in name:
        return HubError(f"{what}: the server redirects in a circle")
    if name == "UnsupportedProtocol":
        return HubError(f"{what}: the server redirects to something that is not http: {error}")
    if "Timeout" in name:
        return TransientError("the server sends nothing")
    return TransientError(f"the connection failed ({error or name})")


def _hang_up(response: Any) -> Callable[[], None]:  # noqa: ANN401 (http library)
    """Return what wakes a thread that waits for this response's next byte."""

    def hang_up() -> None:
        import socket

        stream = response.extensions.get("network_stream")
        plug = stream.get_extra_info("socket") if stream is not None else None
        if plug is not None:
            with contextlib.suppress(OSError):
                plug.shutdown(socket.SHUT_RDWR)

    return hang_up
