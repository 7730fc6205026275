"""A server of ours on loopback, in this process, and requests to it over real sockets."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stepcheck.judge import Judge
from stepcheck.serve.gate import Gate
from stepcheck.serve.limits import Limits
from stepcheck.serve.line import Line
from stepcheck.serve.server import Serving, bind
from stepcheck.serve.service import Service
from stepcheck.serve.work import Evidence, Work

LIMITS = Limits()
NOISE = 2e-2
"""How far two rewards of nano may be apart, whose weights are of 8 bits, for what else was in the batch: in batches of
64 tokens instead of 512 an unsure step's moved from 0.638 to 0.592, a sure one's by 0.003."""
ROW = {"problem": "What is 2 + 3?", "steps": ["2 + 3 = 6", "The answer is 6."]}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.data.splitlines()]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one server."""

    port: int
    service: Service

    def ask(self, method: str, path: str, body: Any = None, *, kind: str | None = None, **headers: str) -> Response:
        """Ask once, on a connection of its own; a body that is no bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told |= {"Content-Type": kind or "application/json"} if data is not None else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, told)
            response = connection.getresponse()
            lowered = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, lowered, response.read())
        finally:
            connection.close()

    def score(self, body: Any, **more: Any) -> Response:
        return self.ask("POST", "/v1/score", body, **more)


@contextmanager
def serving(
    judge: Judge, limits: Limits = LIMITS, *, token: str = "", evidence: Evidence = "off", patience: float = 60
) -> Iterator[Client]:
    """Serve with a judge while the block lasts, from when it is ready."""
    service = Service(Work(judge, Line(limits.rows), evidence=evidence, patience=patience), Gate(token), limits)
    listening = bind("127.0.0.1", 0, token)
    port, ready = listening.getsockname()[1], threading.Event()
    server = Serving(service, listening, ready.set)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(30)
        yield Client(port, service)
    finally:
        server.stop()
        thread.join(60)
    assert not thread.is_alive()


def eventually(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does, ten seconds at most."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
