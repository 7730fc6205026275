"""A server of our own protocol on loopback that answers from a script, well or badly, as `chatserver` for critics."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from stepcheck.document import Document, Step
from stepcheck.errors import StepcheckError
from stepcheck.judge import Judge, Unscored, check
from stepcheck.report.records import record
from tests.fakes import SHA256
from tests.scripted import ScriptedHandler, ScriptedServer, running

Act = Callable[["Handler", Any], None]


def listing(name: str = "fake", **facts: Any) -> dict[str, Any]:
    """What `GET /v1/models` tells of one model of our own server."""
    told = {"version": "9.9", "sha256": SHA256, "threshold": 0.5, "notice": "A notice."} | facts
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "stepcheck", "stepcheck": told}],
    }


class Handler(ScriptedHandler):
    """Answers one request by the script."""

    server: "Server"

    def get(self) -> None:
        """List the models, or tell the version."""
        self.server.tokens.append(self.headers.get("Authorization"))
        status, value = self.server.gets.get(self.path, (404, {"error": {"message": "Not Found"}}))
        self.send_whole(status, value)

    def post(self, body: Any) -> None:
        """Play the next act."""
        self.server.asked.append(body)
        self.server.next_act()(self, body)


class Server(ScriptedServer[Act]):
    """Answers what is asked with GET, and keeps the tokens that came."""

    def __init__(self, acts: Sequence[Act], gets: dict[str, tuple[int, Any]]) -> None:
        super().__init__(Handler, acts)
        self.gets = gets
        self.tokens: list[str | None] = []


@contextmanager
def serving(*acts: Act, models: Any = None, told: Any = None, version: str = "") -> Iterator[Server]:
    """Run a server while the block lasts; `models` is what it lists, `told` what it answers instead of a list."""
    gets = {"/v1/models": told or (200, listing() if models is None else models)}
    server = Server(acts, gets | ({"/version": (200, {"version": version})} if version else {}))
    with running(server):
        yield server


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
