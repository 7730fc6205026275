"""A connection to an address that the user gives, and to no other: no redirect is followed, no proxy is used.

Owns time and room: every wait has a limit, and so have an answer's time and bytes. Certificates are checked as Python
does by default. Refuses to understand answers: whoever asks knows what they mean.
"""

import contextlib
import http.client
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stepcheck.door.address import Address
from stepcheck.door.words import error_words
from stepcheck.errors import CancelledError, ServerError, UnreachableError, UsageError

OK: Final = 200
PIECE: Final = 65_536
LONGEST_REASON: Final = 4096
"""Bytes that are read of a refusal."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, for the first words (the question must be read), between words, for all of an answer."""

    connect: float = 10.0
    first: float = 120.0
    silence: float = 30.0
    answer: float = 1800.0


USUAL: Final = Limits()


class Door:
    """Asks a server one thing at a time; `who` is what a message calls the user of the door.

    `kept`: the connection stays open for the next question, if the server agrees; `leave` ends it.

    Raises on construction:
        UsageError: the key is none that can be sent.
    """

    def __init__(
        self, address: Address, *, who: str, key: str = "", limits: Limits = USUAL, kept: bool = False
    ) -> None:
        if not (key.isascii() and key.isprintable()):  # http.client would name it in its error
            raise UsageError(f"{address.text}: the secret for it holds a character that no header takes")
        self.address, self.limits = address.text, limits
        self._to, self._who, self._key, self._kept = address, who, key, kept
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        """Kept beside the connection, which lets go of its own where the server will close it."""
        self._closed = False

    def close(self) -> None:
        """Hang up for good; may be called from any thread."""
        self._closed = True
        _shut(self._socket)

    def leave(self) -> None:
        """End the connection that is kept, if there is one; for the thread that asks."""
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            connection.close()

    @contextlib.contextmanager
    def asking(
        self, method: str, path: str, body: bytes | None, most: float, *, refuse: bool = True, accept: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and give its response; what goes wrong meanwhile becomes one sentence.

        `most` seconds may pass in all: a watchdog hangs up then, for a socket's own limit begins anew with every byte.

        Raises:
            UnreachableError: nobody is there, or the connection broke off.
            ServerError: no word for too long, or with `refuse` another status than 200.
            CancelledError: the door was closed.
        """
        self._check_open()
        headers = {"Content-Type": "application/json", "Accept": accept or "application/json"}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        late, whole = threading.Event(), False

        def hang_up() -> None:
            late.set()
            _shut(self._socket)

        watchdog = threading.Timer(most, hang_up)
        watchdog.daemon = True
        try:
            connection = self._connect(most)
            watchdog.start()
            connection.request(method, self._to.path + path, body, headers)
            response = connection.getresponse()
            if refuse and response.status != OK:
                raise ServerError(f"{self.address}: {response.status} {response.reason}: {self._reason(response)}")
            yield response
            whole = (response.isclosed() or response.length == 0) and not response.will_close
            response.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._worded(error, late, most) from error
        finally:
            watchdog.cancel()
            if not whole or not self._kept:
                self.leave()

    def heard(self) -> float:
        """Be less patient from now on: who has begun to speak has read the question. The time."""
        if self._socket is not None:
            self._socket.settimeout(self.limits.silence)
        return time.monotonic()

    def pieces(self, response: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
        """Yield bytes as they arrive, `most` of them and no longer than an answer may take."""
        end, size = time.monotonic() + self.limits.answer, 0
        while data := response.read1(PIECE):
            size += len(data)
            if size > most:
                raise ServerError(f"{self.address}: an answer of more than {most:,} bytes")
            yield data
            if time.monotonic() > end:
                raise ServerError(f"{self.address}: the answer took more than {self.limits.answer:g} s")
            self._check_open()

    def whole(self, response: http.client.HTTPResponse, most: int) -> bytes:
        """Read an answer that comes in one piece, of `most` bytes."""
        data = bytearray()
        for piece in self.pieces(response, most):
            data += piece
        return bytes(data)

    def _reason(self, response: http.client.HTTPResponse) -> str:
        """Return what stands in a refusal's body."""
        return error_words(response.read(LONGEST_REASON))

    def _connect(self, most: float) -> http.client.HTTPConnection:
        """Take the connection that was kept, unless the server has hung up meanwhile, or a new one."""
        if self._socket is not None and _has_ended(self._socket):
            self.leave()
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._to.secure else http.client.HTTPConnection
            self._connection = kind(self._to.host, self._to.port, timeout=self.limits.connect)
            self._connection.connect()
            self._socket = self._connection.sock
            self._check_open()
        if self._socket is not None:
            self._socket.settimeout(min(self.limits.first, most))
        return self._connection

    def _worded(self, error: Exception, late: threading.Event, most: float) -> Exception:
        """Word what went wrong with the connection."""
        if self._closed:
            return self._cancelled()
        if late.is_set():
            return ServerError(f"{self.address}: the answer took more than {most:g} s")
        if isinstance(error, ssl.SSLError):
            return ServerError(f"{self.address}: {_unencrypted(error)}")
        if isinstance(error, TimeoutError) and self._socket is not None:
            limit = self._socket.gettimeout() or most
            return ServerError(f"{self.address}: no word for {limit:g} s; is the server busy or stuck?")
        if isinstance(error, TimeoutError):
            limit = self.limits.connect
            return UnreachableError(f"{self.address}: no word for {limit:g} s; is the server busy or stuck?")
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return UnreachableError(f"{self.address}: {said}; is a server running there?")

    def _check_open(self) -> None:
        if self._closed:
            raise self._cancelled()

    def _cancelled(self) -> CancelledError:
        return CancelledError(f"{self._who} was closed")


def _unencrypted(error: ssl.SSLError) -> str:
    """Say why nothing could be said in secret."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {error.verify_message}"
    return f"no encrypted connection ({error.reason}); is it an http address?"


def _has_ended(connected: socket.socket) -> bool:
    """Tell whether something came that nobody asked for: the end, on a connection that waits for a question."""
    with selectors.DefaultSelector() as selector:
        selector.register(connected, selectors.EVENT_READ)
        return bool(selector.select(0))


def _shut(connected: socket.socket | None) -> None:
    """End a connection under whoever waits for it."""
    if connected is not None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)
