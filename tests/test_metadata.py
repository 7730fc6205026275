"""What a hub says of a repository comes from outside: nonsense is the sender's fault, and nothing goes on for ever."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stepcheck.errors import CancelledError, HubError
from stepcheck.hub.net.metadata import MOST_BYTES, read_snapshot
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.net.watch import Watch
from tests.scripted import running

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILE = {"rfilename": "a.json", "size": 5, "blobId": COMMIT}


def info(**changes: Any) -> dict[str, Any]:
    return {"sha": COMMIT, "siblings": [FILE], "gated": False, "cardData": {"license": "mit"}} | changes


NONSENSE: dict[str, tuple[Any, str]] = {
    "a list": ([1], "makes no sense: Expected `object`"),
    "null": (None, "makes no sense"),
    "files as text": (info(siblings="x"), "`siblings`: Expected `array"),
    "files as numbers": (info(siblings=[1, 2]), r"`siblings\[0\]`: Expected `object`"),
    "a file without a name": (info(siblings=[{"size": 1}]), r"`siblings\[0\]`: .*`rfilename`"),
    "a name that is a number": (info(siblings=[FILE | {"rfilename": 5}]), r"`siblings\[0\].rfilename`"),
    "a negative size": (info(siblings=[FILE | {"size": -1}]), r"`siblings\[0\].size`"),
    "a size beyond all disks": (info(siblings=[FILE | {"size": 10**30}]), r"`siblings\[0\].size`"),
    "half a byte": (info(siblings=[FILE | {"size": 1.5}]), r"`siblings\[0\].size`"),
    "yes as a size": (info(siblings=[FILE | {"size": True}]), r"`siblings\[0\].size`"),
    "no size": (info(siblings=[{"rfilename": "a.json"}]), "does not say how large 'a.json' is"),
    "a large file as text": (info(siblings=[FILE | {"lfs": "x"}]), r"`siblings\[0\].lfs`"),
    "a large file without a hash": (info(siblings=[FILE | {"lfs": {"size": 5}}]), r"`siblings\[0\].lfs`"),
    "a path for a hash": (info(siblings=[FILE | {"lfs": {"size": 5, "sha256": "../../x"}}]), r"lfs\.sha256`"),
    "no commit": (info(sha=None), "named no commit"),
    "a number for a commit": (info(sha=5), "`sha`"),
    "a commit with an escape": (info(sha="\x1b[31m"), r"named no commit \('\\x1b\[31m'\)"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_an_answer_of_another_shape_names_the_key(case: str) -> None:
    """Whatever the shape, it is the hub's fault and said with the repository and the key that is wrong."""
    value, words = NONSENSE[case]
    with pytest.raises(HubError, match=f"(?s)^some/model: .*{words}"):
        read_snapshot("some/model", "model", json.dumps(value).encode())


@pytest.mark.parametrize("data", [b"", b"<html>", b"[" * 200_000 + b"]" * 200_000, b'{"sha": "\xff"}', b'{"sha": "a'])
def test_what_is_no_json_is_said_so(data: bytes) -> None:
    """Nothing, a web page, lists without end, broken text: one sentence, and no recursion to the end of the stack."""
    with pytest.raises(HubError, match=r"^some/model: .*(no JSON|makes no sense)"):
        read_snapshot("some/model", "model", data)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ({"license": "mit"}, "mit"),
        ({"license": "other", "license_name": "skywork"}, "skywork"),
        ({"license": {"a": 1}}, "not stated"),
        ([1], "not stated"),
        ("x", "not stated"),
        (None, "not stated"),
    ],
)
def test_a_page_may_say_anything_of_its_licence(card: Any, licence: str) -> None:
    """A page is written by hand; what is no name of a licence there counts as none stated."""
    assert read_snapshot("some/model", "model", json.dumps(info(cardData=card)).encode()).licence == licence


Act = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def hub(act: Act) -> Iterator[tuple[Hub, list[dict[str, str]]]]:
    """A hub on loopback that answers everything with one act, and the headers of each request."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({"path": self.path} | {name.lower(): value for name, value in self.headers.items()})
            try:
                act(self)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with running(server):
        yield Hub(endpoint=f"http://127.0.0.1:{server.server_address[1]}", list_seconds=1.0, pace=0.01), asked


def whole(data: bytes, **headers: str) -> Act:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return act


def without_end(piece: bytes, wait: float) -> Act:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(wait)

    return act


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.flush_headers()
    while True:
        handler.wfile.write(b"X: y\r\n")
        time.sleep(0.05)


ENDLESS: dict[str, tuple[Act, str]] = {
    "bytes without end": (without_end(b" " * 65_536, 0), f"more than {MOST_BYTES:,} bytes"),
    "a byte now and then": (without_end(b" ", 0.05), "not answered within 1 s"),
    "headers now and then": (dripping_headers, "not answered within 1 s"),
    "packed, though asked not to": (whole(b"\x1f\x8b" + b"x" * 99, Content_Encoding="gzip"), "no JSON"),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_a_list_of_files_has_limits(case: str) -> None:
    """A hub that never ends, or sends one byte at a time, is given up; packed bytes are not unpacked."""
    act, words = ENDLESS[case]
    with hub(act) as (there, _), pytest.raises(HubError, match=words):
        there.snapshot("some/model")


def test_waiting_for_a_list_can_be_cancelled() -> None:
    """Whoever waits for a hub that says nothing may stop at once."""
    watch = Watch()
    threading.Timer(0.1, watch.cancel).start()
    with hub(without_end(b" ", 0.05)) as (there, _), pytest.raises(CancelledError):
        there.snapshot("some/model", watch=watch)


def test_the_hub_learns_our_name_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One request with our name for an agent: nothing of what is installed, no question beside it, no file kept."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with hub(whole(json.dumps(info()).encode())) as (there, asked):
        there.snapshot("some/model", "refs/pr/4")
    (request,) = asked
    assert request["path"] == "/api/models/some/model/revision/refs%2Fpr%2F4?blobs=true"
    assert request["user-agent"] == "stepcheck"
    assert not {"torch", "python", "hf_hub"} & set(" ".join(request.values()).replace("/", " ").split())
    assert not list(tmp_path.rglob("*"))
