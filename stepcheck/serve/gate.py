"""Who may ask: the token, and pages of a browser that have no business here.

Owns three checks of a request's headers. A page on the web can make its visitor's browser send requests to this
machine: it gives itself away by its `Origin`, or, where its own name was made to lead here (DNS rebinding), by the
`Host` that it asked for.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from stepcheck.door.address import is_loopback
from stepcheck.serve.refusals import Refusal

Headers = Sequence[tuple[bytes, bytes]]
OPEN = frozenset({"/health"})
"""Answered without a token: it says nothing but whether the server is ready."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a request must bring. Without a token, `loopback` names are the only ones that it may call us by."""

    token: str = ""

    def check(self, path: str, headers: Headers) -> None:
        """Let a request pass, or refuse it.

        Raises:
            Refusal: 401 without the token, 403 from a foreign page, 421 under a foreign name.
        """
        host = _only(headers, b"host")
        if not self.token and not _is_ours(host):
            raise Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server answers as localhost and 127.0.0.1 only; under another name it wants a --token",
            )
        origin = _only(headers, b"origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise Refusal(HTTPStatus.FORBIDDEN, "requests of web pages are refused: this one has a foreign Origin")
        if self.token and path not in OPEN and not self._knows(_only(headers, b"authorization")):
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "this server wants a token: send the header Authorization: Bearer TOKEN",
                {"WWW-Authenticate": 'Bearer realm="stepcheck"'},
            )

    def _knows(self, given: str | None) -> bool:
        scheme, _, token = (given or "").partition(" ")
        return hmac.compare_digest(token.strip().encode(), self.token.encode()) and scheme.lower() == "bearer"


def _is_ours(host: str | None) -> bool:
    """Tell whether a host is this machine's own, whatever its port; a name may end in the dot of the root."""
    try:
        name = urlsplit(f"//{host or ''}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name.rstrip(".") == "localhost"


def _only(headers: Headers, name: bytes) -> str | None:
    """Return a header's value; one that is sent twice is as bad as a foreign one."""
    found = [value for key, value in headers if key == name]
    return None if not found else found[0].decode("latin-1") if len(found) == 1 else "\0"
