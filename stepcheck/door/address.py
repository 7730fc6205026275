"""What a person gives as an address → its parts. Opens nothing.

Refuses what is no plain http or https address: a password in it would be shown, and a query is never part of a server.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from stepcheck.errors import UsageError

SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is; `text` is what the user gave, and holds no secret. `path` has no slash at its end."""

    text: str
    host: str
    port: int | None
    secure: bool
    path: str


def read_address(text: str, example: str) -> Address:
    """Read an address; `example` is shown where it is none.

    Raises:
        UsageError: it is not one of http or https, or holds a password, a query or a fragment.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{text}: not an address: {error}") from error
    if "@" in parts.netloc:
        raise UsageError(f"{_without_secret(text)}: an address with a password in it: give the secret apart")
    plain = text.isprintable() and " " not in text and parts.path.isascii()
    if not text.startswith(SCHEMES) or not host or parts.query or parts.fragment or not plain:
        raise UsageError(f"{text}: expected an address like {example}")
    return Address(text, host, port, parts.scheme == "https", parts.path.rstrip("/"))


def is_elsewhere(text: str) -> bool:
    """Tell whether this is an address on another machine; what is no address is not."""
    if not text.startswith(SCHEMES):
        return False
    return not is_loopback(urlsplit(text).hostname or "")


def is_loopback(host: str) -> bool:
    """Tell whether a host's name, in small letters, or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _without_secret(text: str) -> str:
    before, _, after = text.rpartition("@")
    return f"{before.partition('//')[0]}//…@{after}"
