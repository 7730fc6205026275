"""One request and its response: a body that is read within limits, a client that leaves, a response that is taken.

Owns reading and writing over ASGI (version 3), and the bytes that all requests hold together. Refuses bodies that are
too long, come too slowly, or together with others would take too much memory, while they are read.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from stepcheck.serve.limits import MIB, Limits
from stepcheck.serve.refusals import Refusal

if TYPE_CHECKING:
    from stepcheck.serve.gate import Headers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
JSON = "application/json"
NDJSON = "application/x-ndjson"
_LINES = frozenset({NDJSON, "application/jsonl", "application/jsonlines", "application/x-jsonlines"})
_MOST_PARAMETERS = 16
PIECE = 64 * 1024
"""Bytes of a response that are sent at a time."""
AGAIN = 0.02
"""Seconds until what found no room tries again."""


class LeftError(Exception):
    """The client is gone: there is nobody to answer."""


class Held:
    """Bytes of bodies that are held, of all requests together."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0

    def fits(self, size: int) -> bool:
        """Tell whether there is room for more."""
        return self.now + size <= self.most

    def add(self, size: int) -> None:
        """Hold more.

        Raises:
            Refusal: 429, it would be too much.
        """
        if not self.fits(size):
            raise busy("other requests hold all the memory that bodies may take", 1)
        self.now += size


class Exchange:
    """A request, and what is answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits, held: Held) -> None:
        self.path, self.method = str(scope["path"]), str(scope["method"])
        self.headers: Headers = scope["headers"]
        self._query = bytes(scope.get("query_string", b""))
        self._receive, self._send, self._limits, self._held = receive, send, limits, held
        self._holds = 0
        self._ended = False
        self.status = 0

    @property
    def content_type(self) -> str:
        """The body's media type, without its parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def in_lines(self) -> bool:
        """Whether the body is a stream of rows, one a line."""
        return self.content_type in _LINES

    @property
    def unread(self) -> bool:
        """Whether some of the body is still to come."""
        has_one = self.header("content-length") not in {None, "0"} or self.header("transfer-encoding") is not None
        return has_one and not self._ended

    @property
    def query(self) -> dict[str, str]:
        """What stands behind the path's question mark.

        Raises:
            Refusal: it is no list of names and values.
        """
        try:
            text = self._query.decode("ascii")
            return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_PARAMETERS))
        except ValueError as error:
            if not self._query:
                return {}
            raise Refusal(HTTPStatus.BAD_REQUEST, "what stands behind ? in the path is not name=value&…") from error

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)

    def check_json(self) -> None:
        """Refuse a body that does not say that it is JSON.

        Raises:
            Refusal: 415, 413 where its length is already too long.
        """
        kind = self.content_type
        if self.header("content-encoding") not in {None, "identity"}:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "packed bodies are not taken: send it without gzip")
        if kind and kind != JSON and not kind.endswith("+json") and not self.in_lines:
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"expected Content-Type: {JSON} or {NDJSON} (curl: --json instead of -d)",
            )
        length = self.header("content-length") or ""
        if not self.in_lines and length.isdecimal() and int(length) > self._limits.body:
            raise self._too_large()

    async def body(self) -> bytes:
        """Read all of a body.

        Raises:
            Refusal: 413 too long, 408 too slow, 429 too much with those of others.
            LeftError: the client left in the midst of it.
        """
        pieces, size, began = [], 0, asyncio.get_running_loop().time()
        async for piece in self._pieces():
            size += len(piece)
            if size > self._limits.body:
                raise self._too_large()
            self.hold(len(piece))
            pieces.append(piece)
            lasted = asyncio.get_running_loop().time() - began
            if lasted > self._limits.stall and size < lasted * self._limits.slowest:
                raise _slow(f"the body comes with less than {self._limits.slowest:,} bytes a second")
        return b"".join(pieces)

    async def lines(self) -> AsyncIterator[bytes | None]:
        """Yield a body's lines as they come, without their ends; None for one that is too long, which is skipped.

        Raises:
            Refusal: 408 too slow, 429 no room for a line beside what others hold.
            LeftError: the client left in the midst of it.
        """
        rest, long = bytearray(), False
        try:
            async for piece in self._pieces():
                *whole, last = piece.split(b"\n")
                for line in whole:
                    yield None if long or len(rest) + len(line) > self._limits.body else bytes(rest + line)
                    self.let_go(len(rest))
                    rest, long = bytearray(), False
                if long or len(rest) + len(last) > self._limits.body:
                    self.let_go(len(rest))
                    rest, long = bytearray(), True
                else:
                    await self.hold_in_time(len(last))
                    rest += last
            if rest or long:
                yield None if long else bytes(rest)
        finally:
            self.let_go(len(rest))

    async def _pieces(self) -> AsyncIterator[bytes]:
        while not self._ended:
            try:
                async with asyncio.timeout(self._limits.stall):
                    message = await self._receive()
            except TimeoutError:
                raise _slow(f"nothing came for {self._limits.stall:g} s in the midst of the body") from None
            if message["type"] == "http.disconnect":
                raise LeftError
            self._ended = not message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece

    def hold(self, size: int) -> None:
        """Hold bytes until they are let go of, or the exchange ends; raises as `Held.add` does."""
        self._held.add(size)
        self._holds += size

    async def hold_in_time(self, size: int) -> None:
        """Hold bytes as soon as others let go of enough; raises as `Held.add` does once that took too long."""
        for _ in range(round(self._limits.stall / AGAIN)):
            if self._held.fits(size):
                break
            await asyncio.sleep(AGAIN)
        self.hold(size)

    @property
    def holds(self) -> int:
        """Bytes that this exchange holds."""
        return self._holds

    def let_go(self, size: int) -> None:
        """Hold so many bytes no longer, of those that are held."""
        size = min(size, self._holds)
        self._held.now -= size
        self._holds -= size

    async def left(self) -> None:
        """Wait until the client leaves; only once the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, status: int, body: bytes, headers: Mapping[str, str], kind: str = JSON) -> None:
        """Send a whole response, no faster than it is taken: what is not taken yet is held here, and counted."""
        await self.begin(status, {**headers, "Content-Length": str(len(body))}, kind)
        for start in range(0, max(1, len(body)), PIECE):
            await self.say(body[start : start + PIECE], last=start + PIECE >= len(body))

    async def begin(self, status: int, headers: Mapping[str, str], kind: str) -> None:
        """Begin a response whose body follows."""
        self.status = int(status)
        told = {"Content-Type": kind, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **headers}
        listed = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]
        await self._put({"type": "http.response.start", "status": self.status, "headers": listed})

    async def say(self, data: bytes, *, last: bool = False) -> None:
        """Send a piece of a response's body."""
        await self._put({"type": "http.response.body", "body": data, "more_body": not last})

    async def _put(self, message: Message) -> None:
        """Send, unless the client does not take it.

        Raises:
            LeftError: it took nothing for too long.
        """
        try:
            async with asyncio.timeout(self._limits.stall):
                await self._send(message)
        except TimeoutError:
            raise LeftError from None

    def _too_large(self) -> Refusal:
        most = f"{self._limits.body / MIB:g} MiB"
        return Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {most}; send many rows as {NDJSON}"
        )


def busy(why: str, seconds: float) -> Refusal:
    """Make the refusal that asks a client to come back later."""
    wait = str(max(1, round(seconds)))
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, f"{why}: try again in {wait} s", {"Retry-After": wait})


def _slow(why: str) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_TIMEOUT, why, {"Connection": "close"})


def to_json(value: Any) -> bytes:  # noqa: ANN401 (any JSON)
    """Write what is not a record."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n"
