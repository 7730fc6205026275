"""A critic on a server that speaks OpenAI's chat completions: llama.cpp's, vLLM, Ollama and others.

The project's door to an address that the user gives, and to no other: no redirect is followed, no proxy is used. Owns
time and room: every wait has a limit, and so have an answer's time, bytes and characters. A server that sends bytes but
no words, or words without end, is told from one that answers.
"""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from stepcheck.critic.stream import Events, error_words, shown, whole_answer
from stepcheck.engine.base import Ending, Sampling
from stepcheck.errors import CancelledError, ServerError, UsageError

LARGEST_ANSWER: Final = 1 << 24
"""Bytes of an answer that does not stream."""
LARGEST_LIST: Final = 1 << 20
"""Bytes of a list of models."""
CHARACTERS_A_TOKEN: Final = 16
"""More than any text has over an answer (English: 4); what goes on beyond was not asked for."""
BYTES_A_TOKEN: Final = 4096
"""Of the stream: one event for each token, some hundred bytes of JSON."""
SPARE_TOKENS: Final = 256
OK: Final = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, for the first words (the question must be read), between words, for all of an answer."""

    connect: float = 10.0
    first: float = 120.0
    silence: float = 30.0
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
        self._socket: socket.socket | None = None
        """Kept beside the connection, which lets go of its own where the server will close it."""
        self._closed = False

    @property
    def model(self) -> str:
        """The model's name; asks the server for its first one where none was given.

        Raises:
            ServerError: it cannot be reached, or has none.
        """
        if not self._model:
            with self._asking("GET", "/models", None, self._limits.silence) as response:
                data = self._whole(response, LARGEST_LIST)
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
        with self._asking("POST", "/chat/completions", body, self._limits.answer) as response:
            if "event-stream" not in response.headers.get("Content-Type", ""):
                words, ending = whole_answer(self._whole(response, LARGEST_ANSWER))
                yield words
                yield ending
                return
            yield from self._stream(response, sampling.max_tokens)

    def _stream(self, response: http.client.HTTPResponse, most_tokens: int) -> Generator[str | Ending, None, None]:
        """Yield words as they come, for as long as they come and no longer than was asked for."""
        events, heard, latest = Events(), 0, time.monotonic()
        most = (most_tokens + SPARE_TOKENS) * CHARACTERS_A_TOKEN
        for data in self._pieces(response, (most_tokens + SPARE_TOKENS) * BYTES_A_TOKEN):
            for words in events.feed(data):
                heard += len(words)
                if heard > most:
                    raise ServerError(
                        f"{self.address}: the answer goes on after {most:,} characters, though at most"
                        f" {most_tokens:,} tokens were asked for"
                    )
                yield words
                latest = self._heard()
            if events.done:
                break
            patience = self._limits.silence if heard else self._limits.first
            if time.monotonic() - latest > patience:
                raise ServerError(f"{self.address}: bytes, but no word for {patience:g} s; is the server stuck?")
        if events.ending is None:
            raise ServerError(f"{self.address}: the answer broke off after {heard:,} characters; try again")
        yield events.ending

    def close(self) -> None:
        """Hang up; may be called from any thread."""
        self._closed = True
        _shut(self._socket)

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
    def _asking(self, method: str, path: str, body: bytes | None, most: float) -> Iterator[http.client.HTTPResponse]:
        """Send a request and give its response; the connection ends with it, and its errors become one sentence.

        `most` seconds may pass in all: a watchdog hangs up then, for a socket's own limit begins anew with every byte.
        """
        if self._closed:
            raise CancelledError("the critic was closed")
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._limits.connect)
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._socket, late = None, threading.Event()

        def hang_up() -> None:
            late.set()
            _shut(self._socket)

        watchdog = threading.Timer(most, hang_up)
        watchdog.daemon = True
        try:
            connection.connect()
            self._socket = connection.sock
            self._socket.settimeout(min(self._limits.first, most))
            watchdog.start()
            connection.request(method, self._path + path, body, headers)
            response = connection.getresponse()
            if response.status != OK:
                raise ServerError(f"{self.address}: {response.status} {response.reason}: {self._reason(response)}")
            yield response
        except TimeoutError as error:
            limit = self._limits.connect if self._socket is None else self._socket.gettimeout()
            raise ServerError(f"{self.address}: no word for {limit:g} s; is the server busy or stuck?") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._closed:
                raise CancelledError("the critic was closed") from error
            if late.is_set():
                raise ServerError(f"{self.address}: the answer took more than {most:g} s") from error
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ServerError(f"{self.address}: {said}; is a server running there?") from error
        finally:
            watchdog.cancel()
            connection.close()

    def _reason(self, response: http.client.HTTPResponse) -> str:
        """Return what stands in a refusal's body."""
        return error_words(response.read(4096))

    def _heard(self) -> float:
        """Be less patient from now on: who has begun to speak has read the question. The time."""
        if self._socket is not None:
            self._socket.settimeout(self._limits.silence)
        return time.monotonic()

    def _pieces(self, response: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
        """Yield bytes as they arrive, `most` of them and no longer than an answer may take."""
        end, size = time.monotonic() + self._limits.answer, 0
        while data := response.read1(65_536):
            size += len(data)
            if size > most:
                raise ServerError(f"{self.address}: an answer of more than {most:,} bytes")
            yield data
            if time.monotonic() > end:
                raise ServerError(f"{self.address}: the answer took more than {self._limits.answer:g} s")
            if self._closed:
                raise CancelledError("the critic was closed")

    def _whole(self, response: http.client.HTTPResponse, most: int) -> bytes:
        data = bytearray()
        for piece in self._pieces(response, most):
            data += piece
        return bytes(data)


def _shut(connected: socket.socket | None) -> None:
    """End a connection under whoever waits for it."""
    if connected is not None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)
