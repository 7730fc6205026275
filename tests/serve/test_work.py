"""What becomes of rows while the judge waits, dies, fails or ends."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stepcheck.errors import CancelledError, LoadError, TooLongError, WorkerDiedError
from stepcheck.serve.gate import Gate
from stepcheck.serve.limits import Limits
from stepcheck.serve.line import Line
from stepcheck.serve.server import Serving, bind
from stepcheck.serve.service import Service
from stepcheck.serve.work import Work
from tests.fakes import FakeChecker
from tests.serve.judges import Scripted, failing
from tests.serving import ROW, Client, eventually, serving

WAIT = {"problem": "wait", "steps": ["a"]}
DIE = {"problem": "die", "steps": ["a"]}


def test_a_worker_s_death_costs_a_row_one_more_try() -> None:
    """It is judged after all; the others are not judged twice."""
    judge = Scripted(failing(lambda: WorkerDiedError("signal 9"), 1))
    with serving(judge) as client:
        found = client.score([ROW, DIE, ROW]).json
    assert all("error" not in each for each in found)
    assert sorted(judge.seen) == sorted([str(ROW["problem"]), "die", "die", str(ROW["problem"])])


def test_a_row_that_brings_the_worker_down_twice_is_an_error() -> None:
    """In its place among others; 503 where it is alone."""
    with serving(Scripted(failing(lambda: WorkerDiedError("signal 9"), 9))) as client:
        found = client.score([ROW, DIE, ROW]).json
        assert [each.get("error", {}).get("kind") for each in found] == [None, "worker_died", None]
        response = client.score(DIE)
        assert (response.status, response.json["error"]["kind"]) == (503, "worker_died")


def test_a_worker_that_dies_while_it_loads_is_no_row_s_fault() -> None:
    """It is started again until it is there; one that never is becomes an error, and the server stays."""
    left = 3

    def act(document: Any) -> None:
        nonlocal left
        if document.problem == "die" and left:
            left -= 1
            raise LoadError("the process ended while loading")

    with serving(Scripted(act), patience=1) as client:
        assert client.score(DIE).status == 200
        left = 1000
        response = client.score(DIE)
        assert (response.status, response.json["error"]["kind"]) == (503, "load")
        assert client.score(ROW).status == 200


def test_an_error_of_one_row_is_its_own() -> None:
    """A row that is too long is told so, at once and once."""
    judge = Scripted(failing(lambda: TooLongError("5000 tokens"), 9))
    with serving(judge) as client:
        assert client.score(DIE).status == 400
    assert judge.seen == ["die"]


def test_a_defect_of_ours_is_an_answer_and_costs_the_others_nothing() -> None:
    """500 with a sentence that says where, and no traceback; rows that went along are judged."""

    def act(document: Any) -> None:
        if document.problem == "die":
            raise KeyError("oops")

    with serving(Scripted(act)) as client:
        response = client.score(DIE)
        assert response.status == 500
        assert response.json["error"]["message"].startswith("unexpected KeyError at test_work.py:")
        found = client.score([ROW, DIE, ROW]).json
        assert [each.get("error", {}).get("kind") for each in found] == [None, "engine", None]


def test_a_full_line_says_when_to_try_again() -> None:
    """429 with Retry-After, for an array that does not fit too; nothing of it is judged."""
    judge = Scripted()
    with serving(judge, Limits(rows=2)) as client, ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.score, WAIT)
        assert judge.waiting.wait(10)
        waiting = pool.submit(client.score, [ROW, ROW])
        eventually(lambda: client.service.line.waiting == 2)
        for body, kind in ((ROW, None), ([ROW], None), (json.dumps(ROW).encode(), "application/x-ndjson")):
            response = client.score(body, kind=kind)
            assert (response.status, response.json["error"]["type"]) == (429, "rate_limit_error")
            assert int(response.headers["retry-after"]) >= 1
        assert client.score([ROW] * 3).status == 413
        judge.go.set()
        assert (first.result().status, waiting.result().status) == (200, 200)
    assert len(judge.seen) == 3


def test_who_waits_too_long_is_told_so_and_others_are_served() -> None:
    """504 after --timeout; in a stream an error in the row's place."""
    judge = Scripted()
    with serving(judge, Limits(seconds=0.3)) as client:
        assert client.score(WAIT).status == 504
        lines = client.score(json.dumps(WAIT).encode(), kind="application/x-ndjson").lines
        assert [each["error"]["kind"] for each in lines] == ["deadline"]
        judge.go.set()
        eventually(lambda: client.score(ROW).status == 200)


def test_rows_of_a_client_that_left_are_dropped() -> None:
    """Of an array and of a stream; what is judged already ends, the rest is never begun."""
    for kind in ("application/json", "application/x-ndjson"):
        judge, rows = Scripted(), [WAIT, *[{"problem": f"p{i}", "steps": ["a"]} for i in range(20)]]
        text = json.dumps(rows) if kind == "application/json" else "\n".join(map(json.dumps, rows))
        with serving(judge) as client:
            connection = http.client.HTTPConnection("127.0.0.1", client.port)
            connection.request("POST", "/v1/score", text.encode(), {"Content-Type": kind})
            assert judge.waiting.wait(10)
            eventually(lambda: client.service.line.waiting == 20)
            connection.close()
            eventually(lambda: client.service.line.waiting == 0)
            judge.go.set()
            assert client.score(ROW).status == 200
        assert judge.seen == ["wait", ROW["problem"]]


def test_a_stream_s_results_come_while_its_rows_are_sent() -> None:
    """The first result is there before the second row is; and it is not read further ahead than agreed."""
    with serving(Scripted(), Limits(ahead=4)) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
        connection.putrequest("POST", "/v1/score")
        connection.putheader("Content-Type", "application/x-ndjson")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        sock = connection.sock
        assert sock is not None
        line = json.dumps(ROW).encode() + b"\n"
        sock.sendall(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        response = connection.response_class(sock)
        response.begin()
        assert json.loads(response.readline())["line"] == 1
        sock.sendall(f"{len(line):x}\r\n".encode() + line + b"\r\n0\r\n\r\n")
        assert json.loads(response.readline())["line"] == 2
        assert response.read() == b""
        connection.close()


def test_a_long_stream_is_read_no_further_ahead_than_agreed() -> None:
    """A thousand rows are answered in order, and never more than a few wait."""
    judge, most = Scripted(), 0
    with serving(judge, Limits(ahead=8)) as client:

        def watch(_document: Any) -> None:
            nonlocal most
            most = max(most, client.service.line.waiting)

        judge.act = watch
        body = b"".join(json.dumps({"problem": f"{i}", "steps": ["a"]}).encode() + b"\n" for i in range(1000))
        found = client.score(body, kind="application/x-ndjson").lines
    assert [each["problem"] for each in found] == [str(i) for i in range(1000)]
    assert most <= 8


def test_the_end_finishes_what_is_under_way_and_takes_nothing_new() -> None:
    """The request that waits is answered; a new connection finds nobody."""
    judge = Scripted()
    with ThreadPoolExecutor(1) as pool:
        with serving(judge) as client:
            waiting = pool.submit(client.score, WAIT)
            assert judge.waiting.wait(10)
            threading.Timer(0.3, judge.go.set).start()
        assert waiting.result().status == 200
        with pytest.raises(ConnectionError):
            client.score(ROW)


def test_the_end_does_not_wait_for_ever() -> None:
    """After the grace what is not done is answered with 503, what waits too."""
    judge = Scripted()
    with ThreadPoolExecutor(2) as pool:
        with serving(judge, Limits(grace=0.2)) as client:
            waiting = pool.submit(client.score, WAIT)
            assert judge.waiting.wait(10)
            behind = pool.submit(client.score, [ROW])
            eventually(lambda: client.service.line.waiting == 1)
        alone, array = waiting.result(), behind.result()
        assert (alone.status, "ending" in alone.json["error"]["message"]) == (503, True)
        assert [each["error"]["kind"] for each in array.json] == ["cancelled"]


def test_a_server_that_loads_says_so() -> None:
    """503 on /health until the model is there; rows that come before wait for it."""
    loaded = threading.Event()

    class Loading(FakeChecker):
        def ready(self) -> str:
            loaded.wait(10)
            return "CPU"

    server, client = not_ready(Loading())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(client.score, ROW)
            response = client.ask("GET", "/health")
            assert (response.status, response.json) == (503, {"status": "loading"})
            loaded.set()
            assert early.result().status == 200
            assert client.ask("GET", "/health").json == {"status": "ready"}
    finally:
        loaded.set()
        server.stop()
        thread.join(30)


def test_a_model_that_cannot_be_loaded_ends_the_server_with_its_error() -> None:
    """Nobody would be answered."""

    class Broken(FakeChecker):
        def ready(self) -> str:
            raise LoadError("no model")

    with pytest.raises(LoadError, match="no model"):
        not_ready(Broken())[0].run()


def test_the_end_may_come_while_the_model_is_loaded() -> None:
    """That is no error."""
    ended = threading.Event()

    class Loading(FakeChecker):
        def ready(self) -> str:
            assert ended.wait(10)
            raise CancelledError("the engine was closed")

        def close(self) -> None:
            ended.set()

    server, _ = not_ready(Loading())
    threading.Timer(0.3, server.stop).start()
    server.run()


def test_an_error_in_the_evidence_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails once a row was judged costs that row an error, not an answer."""

    def broken(*_given: object, **_more: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("stepcheck.witness.with_evidence", broken)
    with serving(FakeChecker(), Limits(seconds=5), evidence="show") as client:
        response = client.score(ROW)
        assert (response.status, "ZeroDivisionError" in response.json["error"]["message"]) == (500, True)


def not_ready(judge: FakeChecker) -> tuple[Serving, Client]:
    """A server that is not started yet, and its client."""
    service = Service(Work(judge, Line(9)), Gate())
    listening = bind("127.0.0.1", 0, "")
    return Serving(service, listening), Client(listening.getsockname()[1], service)
