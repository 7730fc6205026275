"""A critic on a server that speaks OpenAI's chat completions: llama.cpp's, vLLM, Ollama and others.

The project's door to an address that the user gives, and to no other: no redirect is followed, no proxy is used. Owns
time: every wait has a limit, and so has an answer as a whole.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from stepcheck.critic.stream import Events, error_words, shown, whole_answer
from stepcheck.engine.writer import Ending, Sampling
from stepcheck.errors import CancelledError, ServerError, UsageError

LARGEST_ANSWER: Final = 1 << 24
"""Bytes of an answer that does not stream."""
OK: Final = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, to wait for the next words (the first may take long), for an answer as a whole."""

    connect: float = 10.0
    silence: float = 120.0
    answer: float = 1800.0


class ServerWriter:
    """Answers questions with the model `model` (by default the server's first) at `address`, e.g. `http://host:8000/v1`.

    Raises on construction:
        UsageError: the address is not one of http or https.
    """

    def __init__(self, address: str, *, model: str = "", key: str = "", limits: Limits = Limits()) -> None:
        self.address, self._model, self._key, self._limits = address, model, key, limits
        try:
            parts = urlsplit(address)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise UsageError(f"{address}: not an address: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.fragment or parts.username:
            raise UsageError(f"{address}: expected an address like http://127.0.0.1:8080/v1")
        self._secure = parts.scheme == "https"
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        self._path = path or "/v1"
        self._connection: http.client.HTTPConnection | None = None
        self._closed = False

    @property
    def model(self) -> str:
        """The model's name; asks the server for its first one where none was given.

        Raises:
            ServerError: it cannot be reached, or has none.
        """
        if not self._model:
            with self._asking("GET", "/models", None) as response:
                data = self._whole(response)
            try:
                self._model = str(json.loads(data)["data"][0]["id"])
            except (ValueError, LookupError, TypeError, RecursionError) as error:
                raise ServerError(
                    f"{self.address}: names no model ({shown(data)}); give one with --critic-model"
                ) from error
        return self._model

    def write(self, text: str, sampling: Sampling) -> Generator[str | Ending, None, None]:
        """Yield an answer's words as they come, then how it ended. Close the iterator to hang up.

        Raises:
            ServerError: it cannot be reached, says no, is silent for too long, or its answer breaks off.
        """
        body = self._body(text, sampling)
        with self._asking("POST", "/chat/completions", body) as response:
            if "event-stream" not in response.headers.get("Content-Type", ""):
                words, ending = whole_answer(self._whole(response))
                yield words
                yield ending
                return
            events, heard = Events(), 0
            for data in self._pieces(response):
                for words in events.feed(data):
                    heard += len(words)
                    yield words
                if events.done:
                    break
            if events.ending is None:
                raise ServerError(f"{self.address}: the answer broke off after {heard:,} characters; try again")
            yield events.ending

    def close(self) -> None:
        """Hang up; may be called from any thread."""
        self._closed = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(2)

    def _body(self, text: str, sampling: Sampling) -> bytes:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
            "stream": True,
        }
        if sampling.top_k:  # not OpenAI's own, but local servers know it
            body["top_k"] = sampling.top_k
        return json.dumps(body).encode()

    @contextlib.contextmanager
    def _asking(self, method: str, path: str, body: bytes | None) -> Iterator[http.client.HTTPResponse]:
        """Send a request and give its response; the connection ends with it, and its errors become one sentence."""
        if self._closed:
            raise CancelledError("the critic was closed")
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = self._connection = kind(self._host, self._port, timeout=self._limits.connect)
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            connection.connect()
            connection.sock.settimeout(self._limits.silence)
            connection.request(method, self._path + path, body, headers)
            response = connection.getresponse()
            if response.status != OK:
                raise ServerError(f"{self.address}: {response.status} {response.reason}: {self._reason(response)}")
            yield response
        except TimeoutError as error:
            connected = connection.sock is not None
            limit = self._limits.silence if connected else self._limits.connect
            raise ServerError(f"{self.address}: no word for {limit:g} s; is the server busy or stuck?") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._closed:
                raise CancelledError("the critic was closed") from error
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ServerError(f"{self.address}: {said}; is a server running there?") from error
        finally:
            connection.close()

    def _reason(self, response: http.client.HTTPResponse) -> str:
        """Return what stands in a refusal's body."""
        return error_words(response.read(4096))

    def _pieces(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        """Yield bytes as they arrive, for no longer than an answer may take."""
        end = time.monotonic() + self._limits.answer
        while data := response.read1(65_536):
            yield data
            if time.monotonic() > end:
                raise ServerError(f"{self.address}: the answer took more than {self._limits.answer:g} s")
            if self._closed:
                raise CancelledError("the critic was closed")

    def _whole(self, response: http.client.HTTPResponse) -> bytes:
        data = b""
        for piece in self._pieces(response):
            data += piece
            if len(data) > LARGEST_ANSWER:
                raise ServerError(f"{self.address}: an answer of more than {LARGEST_ANSWER:,} bytes")
        return data
