"""A server on loopback that answers from a script; `chatserver` and `judgeserver` say what it speaks.

A script is a list of acts, one for each POST; the last one is repeated. `asked` holds what was posted.
"""

import json
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any, Generic, TypeVar

Act = TypeVar("Act")


class ScriptedHandler(BaseHTTPRequestHandler):
    """Reads and answers JSON, and can hang up."""

    protocol_version = "HTTP/1.1"
    server: "ScriptedServer[Any]"

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.get()

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.post(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null"))

    def get(self) -> None:
        """Tell what a server of this kind tells."""
        raise NotImplementedError

    def post(self, body: Any) -> None:
        """Note what was asked and play the next act."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's)
        """Say nothing."""

    def send_whole(self, status: int, value: Any, **headers: str) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class ScriptedServer(ThreadingHTTPServer, Generic[Act]):
    """Keeps the script and what was asked."""

    daemon_threads = True

    def __init__(self, handler: type[ScriptedHandler], acts: Sequence[Act]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._acts, self._lock = list(acts), threading.Lock()
        self.asked: list[Any] = []
        self.paths: list[str] = []

    def next_act(self) -> Act:
        with self._lock:
            return self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients go that have hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running(server: HTTPServer) -> Iterator[None]:
    """Let a server answer while the block lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
