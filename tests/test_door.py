"""The door to an address that the user gives: what is one, what is elsewhere, and a connection that is kept."""

import shutil
import ssl
import subprocess
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from stepcheck.door.address import is_elsewhere, read_address
from stepcheck.door.connection import Door
from stepcheck.door.pause import pause_of
from stepcheck.errors import ServerError, UsageError
from tests.chatserver import answers, serving

WORDS = ("", "soon", "²", "٣", "nan", "inf", "1e999", "Fri, 31 Feb 2020 00:00:00 GMT", "Fri, 32 Dec 99999 00:00:00 GMT")
EXAMPLE = "http://127.0.0.1:8000"


def test_an_address_has_parts() -> None:
    """Host, port, path without its last slash, and whether it is encrypted."""
    found = read_address("https://gpu.example:8443/judge/", EXAMPLE)
    assert (found.host, found.port, found.path, found.secure) == ("gpu.example", 8443, "/judge", True)


@pytest.mark.parametrize(
    "text",
    [
        "gpu:8000",
        "ftp://h/",
        "http://",
        "http://h:port/",
        "http://h/?q=1",
        "http://h/#a",
        "http://h/a b",
        "http://h/\x1b[1m",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Another scheme, no host, a port that is none, a query, a fragment, or characters that no request may hold."""
    with pytest.raises(UsageError, match="address"):
        read_address(text, EXAMPLE)


def test_a_password_in_an_address_is_not_repeated() -> None:
    """It is refused, and the message does not show it."""
    with pytest.raises(UsageError, match="a password in it") as caught:
        read_address("http://me:hush@h/v1", EXAMPLE)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://127.1.2.3", False),
        ("http://[::1]:8000/v1", False),
        ("http://localhost", False),
        ("http://localhost.evil.example", True),
        ("http://10.0.0.7", True),
        ("http://127.0.0.1.evil.example", True),
        ("model.gguf", False),
    ],
)
def test_what_is_on_another_machine(text: str, elsewhere: bool) -> None:
    """Loopback is this machine; a name that only begins like it is not."""
    assert is_elsewhere(text) is elsewhere


def test_a_secret_that_no_header_takes_is_not_shown() -> None:
    """A key with a newline in it, as a file may end, is refused without its text."""
    with pytest.raises(UsageError, match="no header takes") as caught:
        Door(read_address(EXAMPLE, EXAMPLE), who="the judge", key="hush\n")
    assert "hush" not in str(caught.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Encrypted is not enough: a self-signed certificate ends the question before the key is sent."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run([openssl, *made, *files], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with serving(answers(200, {})) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        address = server.address.replace("http:", "https:")
        door = Door(read_address(address, EXAMPLE), who="the judge", key="hush")
        with pytest.raises(ServerError, match="certificate cannot be trusted: self"), door.asking("GET", "/", None, 5):
            pass
    assert server.paths == []


def test_what_speaks_no_tls_is_said_so() -> None:
    """An https address of a server that is not encrypted."""
    with serving(answers(200, {})) as server:
        door = Door(read_address(server.address.replace("http:", "https:"), EXAMPLE), who="the judge")
        with pytest.raises(ServerError, match="is it an http address"), door.asking("GET", "/", None, 5):
            pass


def test_a_kept_connection_is_used_again() -> None:
    """Three questions over one connection; one that the server closed meanwhile is opened anew."""
    with serving(answers(200, {"a": 1})) as server:
        door = Door(read_address(server.address, EXAMPLE), who="the judge", kept=True)
        ports = []
        for number in range(3):
            with door.asking("POST", "/x", b"{}", 5) as response:
                assert door.whole(response, 100) == b'{"a": 1}'
            assert door._connection is not None
            ports.append(door._connection.sock.getsockname()[1])
            if number == 1:
                door._connection.sock.shutdown(2)
        assert ports[0] == ports[1] != ports[2]
        door.leave()


def test_a_pause_is_a_number_or_a_date() -> None:
    """Seconds, or until a date; a date that is past asks for none, and what is neither is no pause."""
    assert (pause_of("3"), pause_of("0.5"), pause_of("-2"), pause_of(formatdate(0, usegmt=True))) == (3, 0.5, 0, 0)
    assert 50 < (pause_of(formatdate(time.time() + 60, usegmt=True)) or 0) <= 60
    assert [pause_of(words) for words in WORDS] == [None] * len(WORDS)
