"""What is no request yet: connections that are slow, half open, malformed or too many.

Owns the few lines in which uvicorn's HTTP/1.1 protocol is changed: a connection that has not said what it wants in time
is closed, one too many costs the one that has been idle for longest, and what is no HTTP is told so in JSON.
"""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stepcheck.serve.limits import Limits
from stepcheck.serve.refusals import Refusal


class Connection(H11Protocol):
    """One connection."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 (the base's)
        super().__init__(*given, **more)
        self.since = self.loop.time()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base's
        """Take a connection; where there are too many, let go of the one that has been idle for longest."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            others = [each for each in self.connections if isinstance(each, Connection) and each.idle]
            min(others, key=lambda each: each.since).transport.abort()

    def on_response_complete(self) -> None:
        """Begin to count how long it is idle."""
        self.since = self.loop.time()
        super().on_response_complete()

    def sweep(self, now: float) -> None:
        """Close a connection that has been idle for too long, whatever it drips."""
        if self.idle and now - self.since > self.limits.head:
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
