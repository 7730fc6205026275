"""A chat-completions server on loopback that answers from a script, well or badly.

A script is a list of acts, one for each completion asked for; the last one is repeated. `asked` holds the requests.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers one request by the script."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        """List the models."""
        self.server.paths.append(self.path)
        self.send_whole(200, {"data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        """Play the next act."""
        self.server.paths.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body | {"key": self.headers.get("Authorization")})
        acts = self.server.acts
        (acts.pop(0) if len(acts) > 1 else acts[0])(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's)
        """Say nothing."""

    def send_whole(self, status: int, value: Any) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def send_event(self, value: Any) -> None:
        self.send_chunk(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadingHTTPServer):
    """Keeps the script and what was asked."""

    daemon_threads = True

    def __init__(self, acts: Sequence[Act], models: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.acts, self.models = list(acts), list(models)
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def serving(*acts: Act, models: Sequence[str] = ("a-model",)) -> Iterator[Server]:
    """Run a server while the block lasts."""
    server = Server(acts, models)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def delta(words: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """One event of a stream."""
    return {"choices": [{"index": 0, "delta": {"content": words, **more}, "finish_reason": reason}]}


def says(*words: str, reason: str = "stop") -> Act:
    """Stream words, event by event, and end well."""

    def act(handler: Handler) -> None:
        handler.begin_stream()
        for word in words:
            handler.send_event(delta(word))
        handler.send_event(delta("", reason))
        handler.send_event(b"[DONE]")
        handler.send_chunk(b"")

    return act


def streams(*data: bytes, hang_up: bool = False, wait: float = 0) -> Act:
    """Stream these very bytes, then wait, then end the stream or break the connection off."""

    def act(handler: Handler) -> None:
        handler.begin_stream()
        for piece in data:
            handler.send_chunk(piece)
        time.sleep(wait)
        if hang_up:
            handler.hang_up()
        else:
            handler.send_chunk(b"")

    return act


def answers(status: int, value: Any) -> Act:
    """Answer in one piece."""
    return lambda handler: handler.send_whole(status, value)
