"""Whether anybody is at an address, before a library is let loose on it that would ask for minutes."""

import socket

from stepcheck.errors import UnreachableError, UsageError

PATIENCE_S = 5.0


def reach(address: str, seconds: float = PATIENCE_S) -> None:
    """Connect to `HOST:PORT` and leave again.

    Raises:
        UsageError: it is no such address.
        UnreachableError: nobody answers within `seconds`.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) not in range(1, 65536):
        raise UsageError(f"{address}: expected HOST:PORT")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), seconds):
            return
    except OSError as error:
        raise UnreachableError(f"{address}: {error.strerror or error}; does a cluster run there?") from error
