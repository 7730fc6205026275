"""The hub, seen from here: what a repository holds at one commit, and the bytes of its files by range.

The only module that opens a connection, and only when somebody asked for a download. Owns the hub's protocol and the
translation of its errors. Refuses a revision that is not resolved to a commit, an answer at another offset than asked,
and a redirect from https to plain http. Both lists and bytes come through the http client that huggingface_hub brings,
under our own name and with nothing of this machine in it: the library's own calls ask the hub for more than is needed
and send what else is installed, check sizes only, and start a killed download again from zero.
"""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final, TypeVar
from urllib.parse import quote

from stepcheck.door.pause import pause_of
from stepcheck.errors import AccessError, HubError, OfflineError, UnknownRevisionError
from stepcheck.hub.net.files import RemoteFile, Snapshot
from stepcheck.hub.net.metadata import MOST_BYTES, read_snapshot
from stepcheck.hub.net.names import Kind
from stepcheck.hub.net.watch import Watch
from stepcheck.patterns import regex

STALL_SECONDS: Final = 30.0
"""A server that sends nothing for so long is given up; the next attempt goes on where it stopped."""
ATTEMPTS: Final = 5
"""Failures in a row, without a byte in between, before a download is given up."""
LONGEST_PAUSE: Final = 60.0
"""Seconds; a server that asks for more patience gets an error that says so."""
LIST_SECONDS: Final = 30.0
"""For a list of files as a whole, however busily a server sends."""
_REPOSITORY: Final = regex(r"(\w[\w.-]{0,95}/)?\w[\w.-]{0,95}", re.ASCII)
_RANGE: Final = regex(r"bytes (\d+)-(\d+)/(\d+)")
_OK, _PARTIAL, _UNAUTHORIZED, _GONE, _NOT_SATISFIABLE = 200, 206, 401, 404, 416
_TRANSIENT: Final = {408, 425, 429, 500, 502, 503, 504}
_REFUSED: Final = {401, 403}
T = TypeVar("T")


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
        list_seconds: float = LIST_SECONDS,
        pace: float = 1.0,
    ) -> None:
        self._endpoint, self._token, self._offline = endpoint, token, offline
        self.stall_seconds, self._list_seconds, self.pace = stall_seconds, list_seconds, pace

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
        watch = watch or Watch()
        if not _REPOSITORY.fullmatch(repository):
            raise HubError(f"{repository[:200]}: is no name of a repository")
        url = f"{self.endpoint}/api/{kind}s/{repository}"
        url += f"/revision/{quote(revision, safe='')}?blobs=true" if revision else "?blobs=true"

        def attempt() -> bytes:
            return within(self._list_seconds, watch, lambda: self._list(repository, url), what=repository)

        return read_snapshot(repository, kind, persist(attempt, watch, self.pace, what=repository))

    def _list(self, repository: str, url: str) -> bytes:
        """Fetch the hub's description of a repository.

        Raises:
            HubError: it is longer than any description, or the hub refuses; subclasses say why.
            TransientError: another attempt may succeed.
        """
        from huggingface_hub import get_session

        with (
            self._translated(repository),
            get_session().stream("GET", url, headers=self._headers(), timeout=self.stall_seconds) as response,
        ):
            if response.status_code != _OK:
                _raise_unknown(repository, response, has_token=self._has_token())
                _raise_status(repository, response, has_token=self._has_token())
            data = bytearray()
            for piece in response.iter_raw():
                data += piece
                if len(data) > MOST_BYTES:
                    raise HubError(f"{repository}: the hub's list of files has more than {MOST_BYTES:,} bytes: refused")
            return bytes(data)

    def reachable(self, seconds: float) -> bool:
        """Tell whether anybody answers at the hub's address, or at the proxy before it, within so many seconds."""
        import socket
        from urllib.parse import urlsplit
        from urllib.request import getproxies

        address = urlsplit(self.endpoint)
        through = urlsplit(getproxies().get(address.scheme, ""))
        place = through if through.hostname else address
        port = place.port or (443 if place.scheme == "https" else 80)

        def connect() -> bool:
            with socket.create_connection((str(place.hostname), port), timeout=seconds):
                return True

        try:
            return not self._offline and within(seconds, Watch(), connect, what=self.endpoint)
        except (OSError, HubError):
            return False

    @property
    def endpoint(self) -> str:
        """The address of the hub, without a slash at its end."""
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

        headers = self._headers()
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
        kind = "" if file.kind == "model" else f"{file.kind}s/"
        return f"{self.endpoint}/{kind}{file.repository}/resolve/{file.commit}/{quote(file.path)}"

    def _headers(self) -> dict[str, str]:
        """Say who asks and with which token, and nothing else; what comes is to be what is hashed, so not packed."""
        from huggingface_hub import get_token

        token = self._token or get_token()
        headers = {"User-Agent": "stepcheck", "Accept-Encoding": "identity"}
        return headers | ({"Authorization": f"Bearer {token}"} if token else {})

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


def within(seconds: float, watch: Watch, work: Callable[[], T], *, what: str) -> T:
    """Do something that must be short, and stop waiting for it where it is not, or where somebody cancels.

    A socket's own limit begins anew with every byte, so a server that sends one now and then would be heard for ever.

    Raises:
        HubError: the time is over.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 (it is raised again where it is waited for)
            failed.append(error)

    thread = threading.Thread(target=run, name="hub", daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        thread.join(0.1)
        watch.check()
        if time.monotonic() > end and thread.is_alive():
            raise HubError(f"{what}: the server has not answered within {seconds:g} s: given up")
    if failed:
        raise failed[0]
    return done[0]


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
        said = "asks for fewer requests" if status == 429 else "is not available"  # noqa: PLR2004 (HTTP)
        raise TransientError(f"the server {said} (HTTP {status})", pause_of(response.headers.get("Retry-After", "")))
    if status in _REFUSED:
        raise AccessError(_refusal(what, has_token))
    if status == _GONE:
        raise HubError(f"{what}: the server does not have it (HTTP 404)")
    raise HubError(f"{what}: the server answers with HTTP {status}")


def _raise_unknown(what: str, response: Any, *, has_token: bool) -> None:  # noqa: ANN401 (http library)
    """Raise what the hub's own code for an error says; without one, its status says all there is."""
    code = response.headers.get("X-Error-Code")
    if code == "RevisionNotFound":
        raise UnknownRevisionError(f"{what}: the hub knows no such revision")
    if code == "GatedRepo":
        raise AccessError(_refusal(what, has_token))
    if code == "RepoNotFound" or (response.status_code == _UNAUTHORIZED and code is None):
        raise AccessError(f"{what}: {_unknown(has_token)}")


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
