"""A critic on a server that speaks OpenAI's chat completions: llama.cpp's, vLLM, Ollama and others.

Owns what is asked and how much may come back: a server that sends bytes but no words, or words without end, is told
from one that answers. The connection is the door's.
"""

import http.client
import json
import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

from stepcheck.critic.stream import Events, whole_answer
from stepcheck.door.address import read_address
from stepcheck.door.connection import USUAL, Door, Limits
from stepcheck.door.words import shown
from stepcheck.engine.base import Ending, Sampling
from stepcheck.errors import ServerError

LARGEST_ANSWER: Final = 1 << 24
"""Bytes of an answer that does not stream."""
LARGEST_LIST: Final = 1 << 20
"""Bytes of a list of models."""
CHARACTERS_A_TOKEN: Final = 16
"""More than any text has over an answer (English: 4); what goes on beyond was not asked for."""
BYTES_A_TOKEN: Final = 4096
"""Of the stream: one event for each token, some hundred bytes of JSON."""
SPARE_TOKENS: Final = 256
STREAM: Final = "text/event-stream, application/json"
LIMITS: Final = replace(USUAL, answer=3600.0)
"""Of an answer of as many tokens as a critic usually may write; one that may be longer has more time in proportion."""


class ServerWriter:
    """Answers questions with the model `model` (by default the server's first) at `address`, e.g. `http://host:8000/v1`.

    Raises on construction:
        UsageError: the address is not one of http or https.
    """

    def __init__(self, address: str, *, model: str = "", key: str = "", limits: Limits = LIMITS) -> None:
        found = read_address(address, "http://127.0.0.1:8080/v1")
        path = found.path.removesuffix("/chat/completions") or "/v1"
        self.address, self._model, self._limits = address, model, limits
        self._door = Door(replace(found, path=path), who="the critic", key=key, limits=limits)

    @property
    def model(self) -> str:
        """The model's name; asks the server for its first one where none was given.

        Raises:
            ServerError: it cannot be reached, or has none.
        """
        if not self._model:
            with self._door.asking("GET", "/models", None, self._limits.silence) as response:
                data = self._door.whole(response, LARGEST_LIST)
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
        body, seconds = self._body(text, sampling), answer_seconds(self._limits, sampling.max_tokens)
        self._door.limits = replace(self._limits, answer=seconds)
        with self._door.asking("POST", "/chat/completions", body, seconds, accept=STREAM) as response:
            if "event-stream" not in response.headers.get("Content-Type", ""):
                words, ending = whole_answer(self._door.whole(response, LARGEST_ANSWER))
                yield words
                yield ending
                return
            yield from self._stream(response, sampling.max_tokens)

    def _stream(self, response: http.client.HTTPResponse, most_tokens: int) -> Generator[str | Ending, None, None]:
        """Yield words as they come, for as long as they come and no longer than was asked for."""
        events, heard, latest = Events(), 0, time.monotonic()
        most = (most_tokens + SPARE_TOKENS) * CHARACTERS_A_TOKEN
        for data in self._door.pieces(response, (most_tokens + SPARE_TOKENS) * BYTES_A_TOKEN):
            for words in events.feed(data):
                heard += len(words)
                if heard > most:
                    raise ServerError(
                        f"{self.address}: the answer goes on after {most:,} characters, though at most"
                        f" {most_tokens:,} tokens were asked for"
                    )
                yield words
                latest = self._door.heard()
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
        self._door.close()

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


def answer_seconds(limits: Limits, most_tokens: int) -> float:
    """Return how long an answer of at most so many tokens may take."""
    return limits.answer * max(1.0, most_tokens / Sampling().max_tokens)
