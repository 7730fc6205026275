"""A server of our own protocol on loopback that answers from a script, well or badly, as `chatserver` for critics."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stepcheck.document import Document, Step
from stepcheck.errors import StepcheckError
from stepcheck.judge import Judge, Unscored, check
from stepcheck.report.records import record
from tests.fakes import SHA256

Act = Callable[["Handler", Any], None]


def listing(name: str = "fake", **facts: Any) -> dict[str, Any]:
    """What `GET /v1/models` tells of one model of our own server."""
    told = {"version": "9.9", "sha256": SHA256, "threshold": 0.5, "notice": "A notice."} | facts
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "stepcheck", "stepcheck": told}],
    }


class Handler(BaseHTTPRequestHandler):
    """Answers one request by the script."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        """List the models, or tell the version."""
        self.server.paths.append(self.path)
        self.server.tokens.append(self.headers.get("Authorization"))
        status, value = self.server.gets.get(self.path, (404, {"error": {"message": "Not Found"}}))
        self.send_whole(status, value)

    def do_POST(self) -> None:
        """Play the next act; the last one is repeated."""
        self.server.paths.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null")
        self.server.asked.append(body)
        acts = self.server.acts
        with self.server.lock:
            act = acts.pop(0) if len(acts) > 1 else acts[0]
        act(self, body)

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


class Server(ThreadingHTTPServer):
    """Keeps the script and what was asked."""

    daemon_threads = True

    def __init__(self, acts: Sequence[Act], gets: dict[str, tuple[int, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.acts, self.gets, self.lock = list(acts), gets, threading.Lock()
        self.asked: list[Any] = []
        self.paths: list[str] = []
        self.tokens: list[str | None] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients go that have hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(*acts: Act, models: Any = None, told: Any = None, version: str = "") -> Iterator[Server]:
    """Run a server while the block lasts; `models` is what it lists, `told` what it answers instead of a list."""
    gets = {"/v1/models": told or (200, listing() if models is None else models)}
    server = Server(acts, gets | ({"/version": (200, {"version": version})} if version else {}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def judges(judge: Judge, *, wait: float = 0) -> Act:
    """Judge what is asked, as our own server does: an array of rows gives an array of records."""

    def act(handler: Handler, rows: Any) -> None:
        time.sleep(wait)
        handler.send_whole(200, [_record(judge, row) for row in rows])

    return act


def _record(judge: Judge, row: dict[str, Any]) -> dict[str, Any]:
    document = Document(row["problem"], tuple(map(Step, row["steps"])))
    try:
        return record(check(judge, document))
    except StepcheckError as error:
        return record(Unscored.of(document, error))


def answers(status: int, value: Any, **headers: str) -> Act:
    """Answer this, whatever is asked."""
    return lambda handler, _body: handler.send_whole(status, value, **headers)


def hangs_up() -> Act:
    """Break the connection off without a word."""
    return lambda handler, _body: handler.hang_up()


def silent(seconds: float) -> Act:
    """Say nothing for a while."""

    def act(handler: Handler, _body: Any) -> None:
        time.sleep(seconds)
        handler.hang_up()

    return act
