"""POST /v1/score: a body is what `stepcheck score` reads, the answer what it prints.

One row gives its object, an array an array, lines give lines as they are judged. Problem and steps are plain text to
the model, so no text of a row can pretend to be a mark or a turn.
"""

import asyncio
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, get_args

import msgspec

from stepcheck.document import Document, LineReader, Step, Unread, read
from stepcheck.judge import Unscored
from stepcheck.report import records
from stepcheck.serve.exchange import AGAIN, NDJSON, Exchange, LeftError
from stepcheck.serve.line import Place
from stepcheck.serve.refusals import Refusal, refusal_of
from stepcheck.serve.service import Service
from stepcheck.steps import SplitMode

if TYPE_CHECKING:
    from stepcheck.serve.service import Result

SOURCE = "-"
"""What a record calls its source: as of standard input, for nothing of a request names a file."""
HELD_AHEAD = 2**20
"""Bytes of rows of a stream that are read before the first of them is answered."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read: the options of `score`, by their names."""

    split: SplitMode = "auto"
    keep_thinking: bool = False
    cut: bool = False
    """Rows hold a problem and the steps as a client of ours has cut them: nothing is cut or cleaned any more."""

    @classmethod
    def of(cls, exchange: Exchange) -> "Reading":
        """Take the options out of a request's query.

        Raises:
            Refusal: 400, there is no such option or value.
        """
        asked, modes = exchange.query, get_args(SplitMode)
        split = asked.pop("split", "auto")
        flags = {name: asked.pop(name, "false") for name in ("keep_thinking", "cut")}
        if split not in modes:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"split: expected one of {', '.join(modes)}")
        for name, value in flags.items():
            if value not in {"true", "false"}:
                raise Refusal(HTTPStatus.BAD_REQUEST, f"{name}: expected true or false")
        if asked:
            raise Refusal(HTTPStatus.BAD_REQUEST, "there are three options behind the path: split, keep_thinking, cut")
        if flags["cut"] == "true" and exchange.in_lines:
            raise Refusal(HTTPStatus.BAD_REQUEST, "cut: is for an array of rows, not for lines")
        return cls(split, flags["keep_thinking"] == "true", flags["cut"] == "true")  # type: ignore[arg-type]


async def score(exchange: Exchange, service: Service) -> None:
    """Answer one request; errors as in `Exchange` and `Service`."""
    service.check_ready()
    exchange.check_json()
    reading = Reading.of(exchange)
    if exchange.in_lines:
        await _Stream(exchange, service, reading).run()
        return
    body = await exchange.body()
    items = await service.read(len(body), lambda: _items(body, reading, service.limits.rows))
    results = await service.judged(exchange, items)
    alone = len(results) == 1 and not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if alone and isinstance(only := results[0], Unscored):
        raise refusal_of(only.error, records.record(only))
    await exchange.answer(HTTPStatus.OK, _written(results, alone=alone), {})


def _items(body: bytes, reading: Reading, most: int) -> list[Document | Unread]:
    """Read a body's rows, or one more than `most`.

    Raises:
        Refusal: 400, they are not cut as they are said to be.
    """
    found: Iterable[Document | Unread] = (
        _cut(body)
        if reading.cut
        else read(
            SOURCE, stdin=io.BytesIO(body), format="json", split=reading.split, keep_thinking=reading.keep_thinking
        )
    )
    return list(islice(found, most + 1))


class _Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a client of ours, which reads files by the same rules and wants these very steps judged."""

    problem: str
    steps: list[str]


def _cut(body: bytes) -> Iterator[Document]:
    try:
        rows = msgspec.json.decode(body, type=list[_Cut])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, f"cut: expected an array of rows of problem and steps: {error}"
        ) from error
    return (Document(row.problem, tuple(map(Step, row.steps)), SOURCE, number) for number, row in enumerate(rows, 1))


def _written(results: "list[Result]", *, alone: bool) -> bytes:
    """Write results as `score --format json` does, but an array as an array, however many are in it."""
    lines = [_line(result) for result in results]
    return (lines[0] + "\n" if alone else "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n").encode()


def _line(result: "Result") -> str:
    return records.encode(records.record(result))  # type: ignore[arg-type]  # no prompt of elsewhere was asked for


@dataclass(slots=True)
class _Row:
    """A row of a stream whose result is awaited, and the bytes that it holds until then."""

    item: Document | Unread
    promised: "asyncio.Future[Result]"
    size: int


@dataclass(slots=True)
class _Stream:
    """Rows in, one a line, and results out in their order, as they are judged."""

    exchange: Exchange
    service: Service
    reading: Reading
    place: Place = field(default_factory=Place)
    begun: bool = False
    _rows: "asyncio.Queue[_Row | None]" = field(default_factory=asyncio.Queue)
    _slots: asyncio.Semaphore = field(init=False)
    _room: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Make room for the rows that are read ahead."""
        self._slots = asyncio.Semaphore(self.service.limits.ahead)
        self._room.set()

    async def run(self) -> None:
        """Answer the request, whatever becomes of its rows."""
        if self.service.line.waiting >= self.service.line.room:
            raise self.service.full()
        left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        feeding = asyncio.ensure_future(self._feed(left))
        try:
            while (row := await self._rows.get()) is not None:
                await self._say(_line(await self.service.in_time(row.item, row.promised, left)))
                self.exchange.let_go(row.size)
                self._room.set()
                self._slots.release()
            if left.done():
                raise LeftError
            await self._end(feeding)
        finally:
            self.service.line.leave(self.place)
            feeding.cancel()
            await asyncio.wait({feeding})
            if not feeding.cancelled():
                feeding.exception()  # it was told, or there is nobody to tell it to

    async def _end(self, feeding: "asyncio.Future[None]") -> None:
        """Say why there were no more rows, if not that they were at their end."""
        refused = None
        if feeding.done() and isinstance(why := feeding.exception(), Refusal):
            refused = why
        elif not self.begun:
            refused = Refusal(HTTPStatus.BAD_REQUEST, "no row is in the body")
        if refused is not None and not self.begun:
            raise refused
        await self.exchange.say(refused.body if refused is not None else b"", last=True)

    async def _say(self, line: str) -> None:
        if not self.begun:
            self.begun = True
            await self.exchange.begin(HTTPStatus.OK, {}, NDJSON)
        await self.exchange.say(line.encode() + b"\n")

    async def _feed(self, left: "asyncio.Future[None]") -> None:
        """Read rows and let them into the line, then listen whether the client leaves."""
        reader = LineReader(SOURCE, split=self.reading.split, keep_thinking=self.reading.keep_thinking)
        try:
            async for line in self.exchange.lines():
                size = len(line or b"")
                for item in await self.service.read(size, lambda line=line: list(reader.read(line))):  # type: ignore[misc]
                    await self._enter(item, size)
                    size = 0  # several solutions of one line hold it once
            self._rows.put_nowait(None)
            await self.exchange.left()
        except LeftError:
            pass
        except BaseException:
            self._rows.put_nowait(None)
            raise
        if not left.done():
            left.set_result(None)
        self._rows.put_nowait(None)

    async def _enter(self, item: Document | Unread, size: int) -> None:
        """Let a row into the line, once there is room for it."""
        await self._slots.acquire()
        while self.exchange.holds > HELD_AHEAD and not self._rows.empty():
            self._room.clear()
            await self._room.wait()
        await self.exchange.hold_in_time(size)
        promised: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        while not self.service.line.put(self.place, [self.service.row(item, promised)]):
            self.service.check_ready()
            await asyncio.sleep(AGAIN)
        self._rows.put_nowait(_Row(item, promised, size))
