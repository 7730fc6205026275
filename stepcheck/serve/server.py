"""The address, the start and the end: uvicorn around the application, on a socket that is bound here.

Owns what happens on SIGTERM and Ctrl-C: nothing more is taken, what is under way is finished within a limit, and the
process ends with 0. Refuses an address that others can reach without a token.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import uvicorn

from stepcheck.door.address import is_loopback
from stepcheck.errors import UsageError
from stepcheck.serve.app import App
from stepcheck.serve.connections import Connection
from stepcheck.serve.service import Service

HEAD_BYTES = 32 * 1024
"""Bytes of a request's first line and headers."""
BACKLOG = 256
LAST_WORDS = 5.0
"""Seconds for the answers to what could not be finished."""


def bind(host: str, port: int, token: str) -> socket.socket:
    """Listen on an address.

    Raises:
        UsageError: it is not this machine's own and there is no token, it is in use, or there is no such address.
    """
    try:
        found = socket.getaddrinfo(host or "localhost", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"--host {host}: {getattr(error, 'strerror', None) or error}") from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    if not token and not is_loopback(str(address[0])):
        raise UsageError(
            f"--host {host}: others can reach this address, so a token is needed: set STEPCHECK_SERVER_TOKEN (or "
            "--token), and clients send it as Authorization: Bearer TOKEN"
        )
    try:
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{host}:{port}: cannot listen there: {why}; another --port may be free") from error


def check_token(token: str) -> str:
    """Return a token that a header can carry.

    Raises:
        UsageError: it cannot.
    """
    if any(not "!" <= character <= "~" for character in token):
        raise UsageError("the token holds a blank, or a character that no header carries: use ASCII letters and digits")
    return token


def address_of(listening: socket.socket) -> str:
    """Word the address of a socket as clients call it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(slots=True)
class Serving:
    """A server that runs until it is asked to end. `ready` is called once the model is there."""

    service: Service
    listening: socket.socket
    ready: Callable[[], None] = lambda: None
    heard: Callable[[str, int, float], None] = lambda _route, _status, _seconds: None
    _server: "_Server" = field(init=False)

    def __post_init__(self) -> None:
        """Configure uvicorn: HTTP/1.1 alone, no log of its own, no header that is believed."""
        limits = self.service.limits
        protocol = type("_Connection", (Connection,), {"limits": limits})
        config = uvicorn.Config(
            App(self.service, self.heard),
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL + 1,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            h11_max_incomplete_event_size=HEAD_BYTES,
            timeout_keep_alive=int(limits.head),
            timeout_graceful_shutdown=int(limits.grace + LAST_WORDS),
        )
        self._server = _Server(config, self.service)

    @property
    def address(self) -> str:
        """Where it listens, as clients call it."""
        return address_of(self.listening)

    def run(self) -> None:
        """Serve until a signal, or `stop`, ends it.

        Raises:
            StepcheckError: the model could not be loaded.
        """
        work = self.service.work
        work.start(self._loaded)
        try:
            with _no_signal_kills():
                self._server.run([self.listening])
        finally:
            work.end()
            self.service.close()
            self.listening.close()
        if work.failed is not None:
            raise work.failed

    def stop(self) -> None:
        """End as on a signal; may be called from any thread."""
        self._server.should_exit = True

    def _loaded(self) -> None:
        if self.service.work.failed is not None:
            self.stop()
        elif self.service.work.state == "ready":
            self.ready()


class _Server(uvicorn.Server):
    """uvicorn's server, which ends the way that we want."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def on_tick(self, counter: int) -> bool:
        """Look after idle connections, once a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.sweep(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing more, finish what is under way, and after a while give the rest up with an answer."""
        work = self._service.work
        work.state = "ending"
        giving_up = asyncio.get_running_loop().call_later(self._service.limits.grace, work.give_up)
        try:
            await super().shutdown(sockets)
        finally:
            giving_up.cancel()


@contextlib.contextmanager
def _no_signal_kills() -> Iterator[None]:
    """Let the signals that uvicorn has heard, and raises again at its end, do nothing: the end was what they meant."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda _number, _frame: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
