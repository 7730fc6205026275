"""Clients that are slow, half open, too long, too many or no HTTP: refused in time, while others are served."""

import contextlib
import http.client
import json
import random
import socket
import time
from collections.abc import Iterator

import pytest

from benchmarks.hostile import mutant
from stepcheck import Checker, EngineOptions
from stepcheck.serve.limits import MIB, Limits
from tests.fakes import FakeChecker
from tests.serving import ROW, Client, eventually, serving

HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
QUICK = Limits(body=MIB, held=4 * MIB, stall=0.4, head=0.6, connections=20)


@pytest.fixture(scope="module")
def fake() -> Iterator[Client]:
    with serving(FakeChecker(), QUICK) as client:
        yield client


@contextlib.contextmanager
def connected(client: Client, data: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as sock:
        sock.sendall(data)
        yield sock


def answer(sock: socket.socket) -> tuple[int, bytes]:
    """Read until the server hangs up, or a whole response is there: its status and body; 0 where there is none."""
    data = b""
    with contextlib.suppress(OSError):
        while piece := sock.recv(65_536):
            data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split(b"\r")[0]
            if length.isdigit() and len(body) >= int(length):
                break
    return (int(data[9:12]), data.partition(b"\r\n\r\n")[2]) if data else (0, b"")


def says_why(status: int, body: bytes) -> str:
    error = json.loads(body)["error"]
    assert error["code"] == status
    return str(error["message"])


def test_a_body_that_is_too_long_is_refused_before_it_is_there(fake: Client) -> None:
    """By its length, and in chunks as soon as they are too many; the connection's client hears why."""
    with connected(fake, HEAD + b"Content-Length: 104857600\r\n\r\n") as sock:
        status, body = answer(sock)
        assert (status, "1 MiB" in says_why(status, body)) == (413, True)
    with connected(fake, HEAD + b"Transfer-Encoding: chunked\r\n\r\n") as sock:
        for _ in range(20):
            sock.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        status, body = answer(sock)
        assert (status, "x-ndjson" in says_why(status, body)) == (413, True)
    with connected(fake, HEAD + b"Content-Length: 33554432\r\n\r\n") as sock:
        for _ in range(32):  # who sends all of it before listening is not cut off
            sock.sendall(b"x" * MIB)
        assert answer(sock)[0] == 413
        assert sock.recv(1) == b""
    eventually(lambda: fake.service.held.now == 0)


def test_a_line_that_is_too_long_is_an_error_in_its_place(fake: Client) -> None:
    """It is skipped without being kept, and the next is judged."""
    line = json.dumps(ROW).encode()
    response = fake.score(b"\n".join((line, b" " * (2 * MIB), line)), kind="application/x-ndjson")
    assert ["error" in each for each in response.lines] == [False, True, False]
    assert "longer than" in response.lines[1]["error"]["message"]
    assert response.lines[2]["line"] == 3


def test_a_body_that_stops_is_given_up(fake: Client) -> None:
    """408 after a while without a byte; also one that drips."""
    with connected(fake, HEAD + b"Content-Length: 99\r\n\r\n{") as sock:
        status, body = answer(sock)
        assert (status, "nothing came" in says_why(status, body)) == (408, True)
    with connected(fake, HEAD + b"Content-Length: 99\r\n\r\n") as sock:
        for _ in range(8):
            with contextlib.suppress(OSError):
                sock.sendall(b"x")
            time.sleep(0.1)
        status, body = answer(sock)
        assert (status, "bytes a second" in says_why(status, body)) == (408, True)


def test_a_connection_that_says_nothing_is_closed(fake: Client) -> None:
    """Silent, or dripping headers: closed in time, and the others are served."""
    with connected(fake) as silent, connected(fake, b"POST /v1/score HTTP/1.1\r\n") as dripping:
        for _ in range(22):
            with contextlib.suppress(OSError):
                dripping.sendall(b"X: y\r\n")
            assert fake.score(ROW).status == 200
            time.sleep(0.1)
        assert answer(silent)[0] == 0
        assert answer(dripping)[0] == 0


def test_too_many_connections_cost_the_one_that_was_idle_longest(fake: Client) -> None:
    """A hundred idle ones, of which twenty may be there, and a request is answered."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(fake)) for _ in range(100)]
        assert fake.score(ROW).status == 200
        assert answer(idle[0])[0] == 0


def test_bodies_together_are_bounded(fake: Client) -> None:
    """Five that wait in the midst, of almost a MiB each, where four MiB may be held: one is refused for now."""
    with contextlib.ExitStack() as stack:
        data = HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 990_000
        socks = [stack.enter_context(connected(fake, data)) for _ in range(5)]
        statuses = sorted(answer(sock)[0] for sock in socks)
    assert statuses == [408, 408, 408, 408, 429]
    eventually(lambda: fake.service.held.now == 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"nonsense\r\n\r\n",
        HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        HEAD + b"X: y\r\n" * 20_000 + b"\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(fake: Client, data: bytes) -> None:
    """TLS, nonsense, floods of headers, lengths that lie: 400 with a sentence, or the connection ends."""
    with connected(fake) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(data)
        status, body = answer(sock)
    assert status in {0, 400, 408, 421}
    assert not status or says_why(status, body)
    assert fake.score(ROW).status == 200


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("GET", "/v1/score", None, 405),
        ("POST", "/health", None, 405),
        ("OPTIONS", "/v1/score", None, 405),
        ("GET", "/", None, 404),
        ("POST", "/v1/completions", None, 404),
        ("GET", "/../../etc/passwd", None, 404),
        ("POST", "/v1/score", "text/plain", 415),
        ("POST", "/v1/score", "application/x-www-form-urlencoded", 415),
    ],
)
def test_other_paths_ways_and_types_are_refused_with_a_sentence(
    fake: Client, method: str, path: str, kind: str | None, status: int
) -> None:
    """In JSON, as every error."""
    response = fake.ask(method, path, b"{}" if kind else None, kind=kind)
    assert (response.status, response.headers["content-type"]) == (status, "application/json")
    assert says_why(status, response.data)


def test_an_answer_is_sent_no_faster_than_it_is_taken() -> None:
    """A client that reads slowly gets all of it; one that reads nothing is given up, and nothing more is held."""
    limits = Limits(body=4 * MIB, held=8 * MIB, stall=0.5, head=0.5)
    rows = json.dumps([{"problem": "p" * 20_000, "steps": ["a"]}] * 150).encode()
    head = HEAD + f"Content-Length: {len(rows)}\r\n\r\n".encode()
    with serving(FakeChecker(), limits) as client:
        with connected(client, head + rows) as slow:
            taken = 0
            while (piece := slow.recv(65_536)) and taken < 3_000_000:
                taken += len(piece)
                time.sleep(0.04)
            assert taken >= 3_000_000
        with connected(client, head + rows) as deaf:
            eventually(lambda: client.service.held.now > 0)
            eventually(lambda: client.service.held.now == 0)
            assert client.score(ROW).status == 200
            deaf.close()


def test_no_answer_waits_for_an_acknowledgement() -> None:
    """Head and body are sent at once: where they are not, the second waits 40 ms for the first to be acknowledged."""
    with serving(FakeChecker()) as client:
        seconds = []
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
        for _ in range(30):
            start = time.monotonic()
            connection.request("GET", "/health")
            connection.getresponse().read()
            seconds.append(time.monotonic() - start)
        connection.close()
    assert min(seconds[10:]) < 0.02


def test_a_packed_body_is_refused(fake: Client) -> None:
    """A small one can hold no end of rows."""
    assert fake.score(b"\x1f\x8b", Content_Encoding="gzip").status == 415


@pytest.mark.parametrize("count", [150, pytest.param(5000, marks=pytest.mark.soak)])
def test_strange_bodies_are_answered_and_no_traceback_leaves(count: int) -> None:
    """Whatever is sent: a result, or a refusal that says why; never a 500."""
    chance = random.Random(11)
    with serving(Checker("nano", options=EngineOptions(n_threads=1))) as client:
        for _ in range(count):
            path, kind, body = mutant(chance)
            response = client.ask("POST", path, body, kind=kind)
            assert response.status in {200, 400, 404, 413, 415}, (path, kind, body, response.data)
            assert b"Traceback" not in response.data
            if response.status != 200:
                assert says_why(response.status, response.data)
        assert client.score(ROW).status == 200
