"""A server on loopback that speaks the hub's protocol, and misbehaves on command.

What it speaks: `/api/models/NAME[/revision/REV]` (commit, files with size, git id and LFS sha256),
`/NAME/resolve/REV/PATH` (ETag, X-Repo-Commit; large files by a redirect to another host name, as to a content network),
Range and 206, 401 and 403 for what needs a token. The same for datasets. No Xet.
"""

import hashlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Fault = Literal[
    "ok",
    "short",
    "long",
    "offset",
    "whole",
    "loop",
    "429",
    "503",
    "429-long",
    "429-odd",
    "stall",
    "reset",
    "flip",
    "total",
    "404",
    "ftp",
    "trickle",
]
LFS_FROM = 100_000
"""Files of this size and more are LFS files: they have a sha256 and come by redirect."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for bytes that was answered: which, from whom, and how much was sent."""

    path: str
    range: str | None
    token: str | None
    host: str


@dataclass
class Repository:
    """A folder that is served; `gated` needs a token that is in `tokens`."""

    folder: Path
    licence: str = "apache-2.0"
    gated: bool = False
    commit: str = COMMIT
    refs: dict[str, "Repository"] = field(default_factory=dict)
    """Other branches and requests (`refs/pr/5`), each with its own files and commit."""
    extra: dict[str, bytes] = field(default_factory=dict)
    """Files that are listed and served without lying in the folder, hostile names among them."""

    def content(self, path: str) -> bytes | Path | None:
        if path in self.extra:
            return self.extra[path]
        file = self.folder / path
        return file if file.is_file() and file.resolve().is_relative_to(self.folder.resolve()) else None

    def at(self, revision: str | None) -> "Repository | None":
        """The files of a branch, a request or a commit."""
        if revision in {None, "main", self.commit}:
            return self
        return next((ref for name, ref in self.refs.items() if revision in {name, ref.commit}), None)

    def listing(self) -> dict[str, bytes | Path]:
        found: dict[str, bytes | Path] = {
            file.relative_to(self.folder).as_posix(): file for file in sorted(self.folder.rglob("*")) if file.is_file()
        }
        return found | self.extra


class HubServer(ThreadingHTTPServer):
    """Serves repositories by name; datasets under `datasets/NAME`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.tokens = {"good"}
        self.faults: deque[Fault] = deque()
        """One is taken by each request for bytes."""
        self.meta_faults: deque[Fault] = deque()
        """As `faults`, for requests for metadata."""
        self.always: Fault | None = None
        self.requests: list[Request] = []
        self.metadata = 0
        self.sent = 0
        self.rate: float | None = None
        """Bytes a second, for tests that kill in the middle."""
        self.released = threading.Event()
        self._hashes: dict[tuple[str, int], tuple[str, str]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def hashes(self, content: bytes | Path) -> tuple[int, str, str]:
        """Size, sha256 and git id."""
        if isinstance(content, bytes):
            return len(content), hashlib.sha256(content).hexdigest(), _git(len(content), [content])
        state = content.stat()
        key = (str(content), state.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = (
                _sha256(content),
                _git(state.st_size, [content.read_bytes()]) if state.st_size < LFS_FROM else "0" * 40,
            )
        return state.st_size, *self._hashes[key]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git(size: int, parts: list[bytes]) -> str:
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Tests have their own output."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/"):
            self._metadata(path)
        elif path.startswith("/cdn/"):
            self._bytes(path.removeprefix("/cdn/"))
        elif "/resolve/" in path:
            self._resolve(path.lstrip("/"))
        else:
            self._error(404)

    def _error(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def _allowed(self, repository: Repository) -> bool:
        if repository.gated and self._token() not in self.server.tokens:
            self._error(403 if self._token() else 401, X_Error_Code="GatedRepo", X_Error_Message="gated")
            return False
        return True

    def _metadata(self, path: str) -> None:
        self.server.metadata += 1
        fault = self.server.meta_faults.popleft() if self.server.meta_faults else None
        if fault in {"429", "503"}:
            self._error(int(fault), Retry_After="1")
            return
        if fault == "stall":
            self.server.released.wait(60)
            return
        found = re.fullmatch(r"/api/(models|datasets)/(.+?)(?:/revision/(.+))?", path)
        name = ("datasets/" if found and found[1] == "datasets" else "") + (found[2] if found else "")
        repository = self.server.repositories.get(name)
        if repository is None or found is None:
            self._error(401, X_Error_Code="RepoNotFound")
        elif (at := repository.at(found[3])) is None:
            self._error(404, X_Error_Code="RevisionNotFound")
        else:
            self._json(self._info(found[2], at))

    def _info(self, name: str, repository: Repository) -> dict[str, Any]:
        siblings = []
        for path, content in repository.listing().items():
            size, sha256, git = self.server.hashes(content)
            entry: dict[str, Any] = {"rfilename": path, "size": size, "blobId": git}
            if size >= LFS_FROM:
                entry["lfs"] = {"size": size, "sha256": sha256, "pointerSize": 134}
            siblings.append(entry)
        gated = "auto" if repository.gated else False
        card = {"license": repository.licence}
        return {
            "id": name,
            "sha": repository.commit,
            "siblings": siblings,
            "gated": gated,
            "cardData": card,
            "private": False,
        }

    def _json(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _find(self, path: str) -> tuple[Repository, str, bytes | Path] | None:
        name, _, rest = path.partition("/resolve/")
        revision, _, inside = rest.partition("/")
        here = self.server.repositories.get(name)
        repository = here.at(revision) if here else None
        if repository is None:
            return None
        content = repository.content(inside)
        return None if content is None else (repository, inside, content)

    def _resolve(self, path: str) -> None:
        found = self._find(path)
        if found is None:
            self._error(404, X_Error_Code="EntryNotFound")
            return
        repository, _, content = found
        if not self._allowed(repository):
            return
        size, sha256, _ = self.server.hashes(content)
        if size < LFS_FROM:
            self._bytes(path)
            return
        fault = self.server.faults[0] if self.server.faults else self.server.always
        place = {"loop": self.path, "ftp": "ftp://127.0.0.1/x"}.get(
            fault or "", f"http://localhost:{self.server.server_address[1]}/cdn/{path}"
        )
        if fault in {"loop", "ftp"} and self.server.faults and fault == "ftp":
            self.server.faults.popleft()
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("X-Repo-Commit", repository.commit)
        self.send_header("X-Linked-Size", str(size))
        self.send_header("X-Linked-Etag", f'"{sha256}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _bytes(self, path: str) -> None:
        found = self._find(path)
        if found is None:
            self._error(404)
            return
        repository, inside, content = found
        server, asked = self.server, self.headers.get("Range")
        fault = server.faults.popleft() if server.faults else server.always
        server.requests.append(Request(inside, asked, self._token(), self.headers.get("Host", "").split(":")[0]))
        if fault == "429-long":
            self._error(429, Retry_After="3600")
        elif fault == "429-odd":
            self._error(429, Retry_After="\N{SUPERSCRIPT TWO}")
        elif fault in {"429", "503"}:
            self._error(int(fault), **({"Retry_After": "1"} if fault == "429" else {}))
        elif fault == "404":
            self._error(404)
        else:
            self._send(repository, content, asked, fault)

    def _send(self, repository: Repository, content: bytes | Path, asked: str | None, fault: Fault | None) -> None:
        size, sha256, _ = self.server.hashes(content)
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
        start, end = (int(match[1]), int(match[2]) + 1) if match and fault != "whole" else (0, size)
        partial = match is not None and fault != "whole"
        shown = start + 7 if fault == "offset" else start
        self.send_response(206 if partial or fault == "offset" else 200)
        self.send_header("ETag", f'"{sha256}"')
        self.send_header("X-Repo-Commit", repository.commit)
        self.send_header("Accept-Ranges", "bytes")
        if partial or fault == "offset":
            self.send_header("Content-Range", f"bytes {shown}-{end - 1}/{size + (fault == 'total')}")
        length = end - start + (10 if fault == "long" else 0)
        if fault == "total" and not partial:
            length += 1
        if fault == "long":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self._pour(content, start, end, fault)

    def _pour(self, content: bytes | Path, start: int, end: int, fault: Fault | None) -> None:
        stop = start + (end - start) // 2 if fault in {"short", "stall", "reset", "trickle"} else end
        for data in _read(content, start, stop):
            block = bytes([data[0] ^ 1]) + data[1:] if fault == "flip" else data
            self._write(block, chunked=fault == "long")
            if self.server.rate:
                time.sleep(len(block) / self.server.rate)
        if fault == "long":
            self._write(b"x" * 10, chunked=True)
            self.wfile.write(b"0\r\n\r\n")
        if fault == "trickle":
            self._trickle(content, stop, end)
        if fault == "stall":
            self.server.released.wait(60)
        if stop < end:
            self.close_connection = True
        if fault == "reset":
            self.connection.close()

    def _trickle(self, content: bytes | Path, start: int, end: int) -> None:
        for data in _read(content, start, end):
            for byte in data:
                if self.server.released.wait(0.05):
                    return
                self._write(bytes([byte]), chunked=False)

    def _write(self, data: bytes, *, chunked: bool) -> None:
        self.server.sent += len(data)  # before: who receives it may look at once
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n" if chunked else data)
        except OSError:
            self.close_connection = True
            raise


def _read(content: bytes | Path, start: int, end: int) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content[start:end]
        return
    with content.open("rb") as file:
        file.seek(start)
        while start < end and (data := file.read(min(1 << 16, end - start))):
            start += len(data)
            yield data


@contextmanager
def standing_in(monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> Iterator[HubServer]:
    """Serve a checkpoint as `some/random` on a server that this process and its children take for the hub."""
    with serving(some__random=Repository(checkpoint)) as running:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@contextmanager
def serving(**repositories: Repository) -> Iterator[HubServer]:
    """Run a server; `a__b=…` serves the repository `a/b`."""
    server = HubServer()
    server.repositories = {name.replace("__", "/"): repository for name, repository in repositories.items()}
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
