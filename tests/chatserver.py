"""A chat-completions server on loopback that answers from a script, well or badly.

A script has an act for each completion asked for. `asked` holds the requests, and the key of each.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.scripted import ScriptedHandler, ScriptedServer, running

Act = Callable[["Handler"], None]


class Handler(ScriptedHandler):
    """Answers one request by the script."""

    server: "Server"

    def get(self) -> None:
        """List the models."""
        self.send_whole(200, {"data": [{"id": name} for name in self.server.models]})

    def post(self, body: Any) -> None:
        """Play the next act."""
        self.server.asked.append(body | {"key": self.headers.get("Authorization")})
        self.server.next_act()(self)

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


class Server(ScriptedServer[Act]):
    """Lists models."""

    def __init__(self, acts: Sequence[Act], models: Sequence[str]) -> None:
        super().__init__(Handler, acts)
        self.models = list(models)

    @property
    def address(self) -> str:
        return f"{super().address}/v1"


@contextmanager
def serving(*acts: Act, models: Sequence[str] = ("a-model",)) -> Iterator[Server]:
    """Run a server while the block lasts."""
    server = Server(acts, models)
    with running(server):
        yield server


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
