"""Who may ask."""
# ruff: noqa: S104 (addresses that are to be refused)

from typing import Any

import pytest

from stepcheck.errors import UsageError
from stepcheck.serve.gate import Gate
from stepcheck.serve.refusals import Refusal
from stepcheck.serve.server import bind, check_token
from tests.fakes import FakeChecker
from tests.serving import ROW, serving


def answered(token: str = "", path: str = "/v1/score", **headers: str) -> int:
    """The status with which the gate refuses, 0 where it lets pass."""
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        Gate(token).check(path, told)
    except Refusal as refusal:
        return refusal.status
    return 0


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (0, {"host": "localhost:8000"}),
        (0, {"host": "LOCALHOST"}),
        (0, {"host": "localhost.:8000"}),
        (0, {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"}),
        (0, {"host": "[::1]:8000"}),
        (421, {"host": "evil.example:8000"}),  # a name that was made to lead here
        (421, {"host": "127.0.0.1.evil.example"}),
        (421, {"host": "localhost.evil.example"}),
        (421, {"host": "0.0.0.0"}),
        (421, {"host": ""}),
        (421, {}),
        (421, {"host": "[::1"}),
        (403, {"host": "localhost:8000", "origin": "https://evil.example"}),
        (403, {"host": "localhost:8000", "origin": "null"}),
        (403, {"host": "localhost:8000", "origin": "http://localhost:9000"}),
        (403, {"host": "localhost:8000", "origin": ""}),
        (401, {"host": "gpu.example", "token": "secret"}),
        (401, {"host": "gpu.example", "token": "secret", "authorization": "Bearer wrong"}),
        (401, {"host": "gpu.example", "token": "secret", "authorization": "Bearer"}),
        (401, {"host": "gpu.example", "token": "secret", "authorization": "Basic secret"}),
        (401, {"host": "gpu.example", "token": "secret", "authorization": "Bearer sécret"}),
        (403, {"host": "gpu.example", "token": "secret", "authorization": "Bearer secret", "origin": "http://x"}),
        (0, {"host": "gpu.example", "token": "secret", "authorization": "bearer  secret"}),
        (0, {"host": "gpu.example", "token": "secret", "path": "/health"}),
        (401, {"host": "gpu.example", "token": "secret", "path": "/metrics"}),
    ],
)
def test_what_a_request_must_bring(status: int, given: dict[str, Any]) -> None:
    """Without a token a name of this machine's own; with one that token; never the Origin of a foreign page."""
    assert answered(**given) == status


def test_a_header_that_is_sent_twice_is_foreign() -> None:
    """The first and the last of two are read differently by different programs."""
    with pytest.raises(Refusal, match="localhost"):
        Gate().check("/v1/score", [(b"host", b"localhost"), (b"host", b"localhost")])


def test_the_answer_says_how_to_send_a_token() -> None:
    """401 with WWW-Authenticate; with the token it is a result; no other address answers without one."""
    with serving(FakeChecker(), token="s3cret") as client:
        response = client.score(ROW)
        assert (response.status, response.headers["www-authenticate"][:6]) == (401, "Bearer")
        assert response.json["error"]["type"] == "authentication_error"
        assert client.score(ROW, Authorization="Bearer s3cret").status == 200
        assert client.ask("GET", "/health").status == 200
        foreign = client.score(ROW, Authorization="Bearer s3cret", Origin="http://evil.example")
        assert (foreign.status, "access-control-allow-origin" in foreign.headers) == (403, False)


def test_an_address_that_others_can_reach_needs_a_token() -> None:
    """Every address but loopback is refused without one, and says what to do."""
    with pytest.raises(UsageError, match="STEPCHECK_SERVER_TOKEN"):
        bind("0.0.0.0", 0, "")
    bind("0.0.0.0", 0, "s3cret").close()
    with bind("localhost", 0, "") as taken, pytest.raises(UsageError, match="cannot listen"):
        bind("127.0.0.1", taken.getsockname()[1], "")
    with pytest.raises(UsageError, match="--host"):
        bind("no such host", 0, "")
    with pytest.raises(UsageError, match="header"):
        check_token("two words")
