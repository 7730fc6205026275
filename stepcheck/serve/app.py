"""Which path is answered by whom; and the edge where whatever went wrong becomes an answer that says why."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from stepcheck.errors import StepcheckError, unforeseen
from stepcheck.serve import pooling, score, told
from stepcheck.serve.exchange import Exchange, LeftError, Receive, Scope, Send
from stepcheck.serve.refusals import Refusal, refusal_of
from stepcheck.serve.service import Service

Route = Callable[[Exchange, Service], Awaitable[None]]
ROUTES: Final[Mapping[str, tuple[str, Route]]] = {
    "/v1/score": ("POST", score.score),
    "/pooling": ("POST", pooling.pooling),
    "/v1/models": ("GET", told.models),
    "/health": ("GET", told.health),
    "/metrics": ("GET", told.metrics),
}
OTHER = "other"
"""What counts call a path that is none of ours: a stranger's path is not written down."""
LEFT = 499
"""The status under which a request is counted whose client left; nobody is told it."""


@dataclass(frozen=True, slots=True)
class App:
    """The server's application, in ASGI. `heard` is told route, status and seconds of every request."""

    service: Service
    heard: Callable[[str, int, float], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing is raised but what ends the server."""
        if scope["type"] != "http":
            return
        began = time.monotonic()
        exchange = Exchange(scope, receive, send, self.service.limits, self.service.held)
        status = LEFT
        try:
            await self._answer(exchange)
            status = exchange.status
        except LeftError:
            pass
        except asyncio.CancelledError:  # the server ends, and its patience with it
            status = exchange.status or LEFT
        finally:
            exchange.let_go(exchange.holds)
            route = exchange.path if exchange.path in ROUTES else OTHER
            seconds = time.monotonic() - began
            self.service.metrics.count(route, status, seconds)
            self.heard(route, status, seconds)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            self.service.gate.check(exchange.path, exchange.headers)
            await self._route(exchange)(exchange, self.service)
        except Refusal as refusal:
            await _refuse(exchange, refusal)
        except StepcheckError as error:
            await _refuse(exchange, refusal_of(error))
        except LeftError:
            raise
        except Exception as error:  # noqa: BLE001 (the edge)
            await _refuse(exchange, Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, unforeseen(error)))

    def _route(self, exchange: Exchange) -> Route:
        """Find who answers.

        Raises:
            Refusal: 404 nobody does, 405 not in this way.
        """
        method, route = ROUTES.get(exchange.path, ("", None))
        if route is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is no such path; there are {', '.join(ROUTES)}")
        if exchange.method != method and not (method == "GET" and exchange.method == "HEAD"):
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{exchange.path} is asked with {method}", {"Allow": method})
        return route


async def _refuse(exchange: Exchange, refusal: Refusal) -> None:
    """Answer with a refusal; of a response that has begun nothing can be taken back, and it is broken off."""
    if exchange.status:
        raise LeftError
    closing = {"Connection": "close"} if exchange.unread else {}
    await exchange.answer(refusal.status, refusal.body, {**refusal.headers, **closing})
