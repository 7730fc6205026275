"""What is answered instead of a result: a status, and a body that says why.

Owns the form, which is that of OpenAI's and vLLM's errors: `{"error": {"message", "type", "code"}}`, and which status
an error of ours has. Nothing of a traceback is in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from stepcheck.errors import StepcheckError
from stepcheck.report.clean import clean_json

TYPES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.REQUEST_TIMEOUT: "timeout_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "server_error",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout_error",
}
OURS: Final[Mapping[str, HTTPStatus]] = {
    "input": HTTPStatus.BAD_REQUEST,
    "too_long": HTTPStatus.BAD_REQUEST,
    "count_mismatch": HTTPStatus.BAD_REQUEST,
    "deadline": HTTPStatus.GATEWAY_TIMEOUT,
    "cancelled": HTTPStatus.SERVICE_UNAVAILABLE,
    "worker_died": HTTPStatus.SERVICE_UNAVAILABLE,
    "load": HTTPStatus.SERVICE_UNAVAILABLE,
    "out_of_memory": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of an error of ours, by its kind; of any other it is 500."""


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818 (an answer, not a failure)
    """Why a request has no result."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """What stands beside `error` in the body."""
    kind: str = ""

    @property
    def body(self) -> bytes:
        """The body of the response, as JSON."""
        error: dict[str, Any] = {"message": self.message, "type": type_of(self.status), "code": self.status}
        error |= {"kind": self.kind} if self.kind else {}
        return clean_json(json.dumps({**self.more, "error": error}, ensure_ascii=False)).encode() + b"\n"


def type_of(status: int) -> str:
    """Name the kind of error that a status stands for."""
    return TYPES.get(status, "invalid_request_error")


def refusal_of(error: StepcheckError, more: Mapping[str, Any] | None = None, *, place: str = "") -> Refusal:
    """Refuse for an error of ours; `more` stands beside it in the body, `place` says of which part it is."""
    status = OURS.get(error.kind, HTTPStatus.INTERNAL_SERVER_ERROR)
    return Refusal(status, f"{place}: {error}" if place else str(error), more=more or {}, kind=error.kind)
