"""The events of a streamed chat completion. Pure: bytes in, words out.

Owns the format (server-sent events as OpenAI's chat completions stream them: lines `data: {…}`, at the end `[DONE]`)
and what counts as an end. Refuses a stream that stops without one: half an answer is not an answer.
"""

import json
from collections.abc import Iterator
from typing import Any

from stepcheck.door.words import error_words, shown
from stepcheck.engine.base import Ending
from stepcheck.errors import ServerError

LONGEST_LINE = 1 << 20
"""Bytes of one event; a server that sends more is not one of these."""


class Events:
    """Takes bytes as they arrive and yields words; `ending` is set once the stream has said how it ends."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.done = False
        """Whether the stream said that nothing follows."""
        self._rest = b""
        self._tokens = 0
        self._refused = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the words of every event that is complete.

        Raises:
            ServerError: an event is not JSON, too long, or tells of an error.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise ServerError(f"the server sent a line of more than {LONGEST_LINE:,} bytes: no stream of words")
        for line in lines:
            field, _, value = line.strip().partition(b":")
            if field == b"data" and not self.done:
                yield from self._event(value.strip())

    def _event(self, data: bytes) -> Iterator[str]:
        if data == b"[DONE]":
            self.done = True
            self.ending = self.ending or Ending(whole=True, tokens=self._tokens, refused=self._refused)
            return
        choice = choice_of(data)
        words = words_of(choice.get("delta"))
        if words:
            self._tokens += 1
            yield words
        reason = choice.get("finish_reason")
        self._refused |= reason == "content_filter" or _refusal(choice.get("delta"))
        if isinstance(reason, str):
            self.ending = Ending(whole=reason != "length", tokens=self._tokens, refused=self._refused)


def whole_answer(data: bytes) -> tuple[str, Ending]:
    """Read an answer that came in one piece, from a server that does not stream."""
    choice = choice_of(data)
    message, reason = choice.get("message"), choice.get("finish_reason")
    words, refused = words_of(message), reason == "content_filter" or _refusal(message)
    if not words and not refused:
        raise ServerError(f"the server's answer holds no words: {shown(data)}")
    return words, Ending(whole=reason != "length", tokens=len(words.split()), refused=refused)


def choice_of(data: bytes) -> dict[str, Any]:
    """Return the first choice of a JSON answer; none (a usage report) is an empty one.

    Raises:
        ServerError: no JSON object, or one that tells of an error.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ServerError(f"the server's answer is no JSON: {shown(data)}") from error
    if not isinstance(value, dict):
        raise ServerError(f"the server's answer is no JSON object: {shown(data)}")
    if value.get("error"):
        raise ServerError(f"the server says: {error_words(data)}")
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def words_of(message: object) -> str:
    """Return the words of a delta or a message; those of a refusal are words too."""
    if not isinstance(message, dict):
        return ""
    parts = (message.get("content"), message.get("refusal"))
    return "".join(part for part in parts if isinstance(part, str))


def _refusal(message: object) -> bool:
    return isinstance(message, dict) and isinstance(message.get("refusal"), str) and bool(message["refusal"])
