"""What is no request yet, or no longer: connections that are slow, half open, malformed, too many, or not heard out.

Owns the few lines in which uvicorn's HTTP/1.1 protocol is changed. A connection that has not said what it wants in time
is closed; one too many costs the one that has been idle for longest; what is no HTTP is told so in JSON. Where a
request is refused before its body is there, the rest of it is thrown away for a while, unread, so that the client can
still hear why.
"""

import asyncio
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stepcheck.serve.limits import MIB, Limits
from stepcheck.serve.refusals import Refusal

LINGER = 256 * MIB
"""Bytes of a refused body that are thrown away until the connection is cut."""


class Patient:
    """A transport that closes its own side only, while the other one is still in the midst of a body."""

    def __init__(self, inner: asyncio.Transport, midst: Callable[[], bool]) -> None:
        self._inner, self._midst = inner, midst
        self.lingers = False

    def close(self) -> None:
        """Close, or let the other side come to its end."""
        if not self._midst() or self.lingers or self._inner.is_closing():
            self._inner.close()
            return
        self.lingers = True
        self._inner.write_eof()
        self._inner.resume_reading()

    def is_closing(self) -> bool:
        """Tell whether nothing more is to be said."""
        return self.lingers or self._inner.is_closing()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever a transport has)
        return getattr(self._inner, name)


class Connection(H11Protocol):
    """One connection to a client, over HTTP/1.1."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 (the base's)
        super().__init__(*given, **more)
        self.since = self.loop.time()
        self._patient: Patient | None = None
        self._thrown = self._left = 0

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base's
        """Take a connection; where there are too many, let go of the one that has been idle for longest."""
        # asyncio does so only for sockets that name their protocol; a body would wait 40 ms for its head's ACK
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._patient = Patient(transport, lambda: self.conn.their_state is h11.SEND_BODY)
        super().connection_made(cast("asyncio.Transport", self._patient))
        if len(self.connections) > self.limits.connections:
            others = [each for each in self.connections if isinstance(each, Connection) and each.idle]
            min(others, key=lambda each: each.since).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hear what comes, unless it is the rest of what was refused."""
        if self._patient is None or not self._patient.lingers:
            super().data_received(data)
            return
        self._thrown += len(data)
        if self._thrown > LINGER:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Begin to count how long it is idle."""
        self.since = self.loop.time()
        super().on_response_complete()

    def sweep(self, now: float) -> None:
        """Close a connection that has been idle for too long, whatever it drips, unless it still takes an answer."""
        left = self.transport.get_write_buffer_size()
        if left != self._left:
            self._left, self.since = left, now
        patience = self.limits.stall if left or self.transport.is_closing() else self.limits.head
        if self.idle and now - self.since > patience:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Say that it was no HTTP, and hang up."""
        if self.conn.our_state is not h11.SEND_RESPONSE and self.conn.our_state is not h11.IDLE:
            self.transport.close()
            return
        body = Refusal(HTTPStatus.BAD_REQUEST, msg).body
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        events = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
