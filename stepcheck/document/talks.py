"""What chat programs write: messages and choices → a question and the texts that answer it.

Owns which words of a message are its text. Thinking that a server keeps apart (`reasoning_content`, parts of the kind
`thinking`) is no part of a solution and is left out with a note, as are pictures. Refuses to choose among several
questions: which of them is the problem cannot be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from stepcheck.document.given import is_blank

_USERS = frozenset({"user", "human"})
_ASSISTANTS = frozenset({"assistant", "gpt", "model", "bot", "chatgpt"})
_THINKING = frozenset({"thinking", "reasoning", "redacted_thinking"})
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Keys under which servers put what a model thought before it answered."""


class Part(msgspec.Struct, frozen=True):
    """A piece of a message: words, or a picture, thoughts, a tool's call."""

    type: str = "text"
    text: str | None = None


class Turn(msgspec.Struct, frozen=True):
    """One message, or one of the texts that a server gives: what each program calls its text."""

    role: str | None = None
    speaker: str | None = msgspec.field(default=None, name="from")
    content: str | list[str | Part] | None = None
    value: str | None = None
    text: str | None = None
    generated_text: str | None = None
    message: "Turn | None" = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None


@dataclass(frozen=True, slots=True)
class Words:
    """The text of a message, the key it stands under (None where it is put together), and what was left out of it."""

    text: str | None
    path: tuple[str, ...] | None = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """A chat: its question (None where there is none, or several), the last answer, and where in the list it stands."""

    question: str | None
    questions: int
    answer: Words | None
    at: int
    notes: tuple[str, ...]


def words(turn: Turn) -> Words:
    """The text of one message."""
    if turn.message is not None:
        inner = words(turn.message)
        return Words(inner.text, None if inner.path is None else ("message", *inner.path), inner.notes)
    thoughts = [name for name in THOUGHTS if getattr(turn, name)]
    notes = tuple(f"`{name}`, what the model thought, was left out" for name in thoughts)
    if isinstance(turn.content, list):
        found = _joined(turn.content)
        return Words(found.text, None, (*notes, *found.notes))
    for key in ("content", "value", "text", "generated_text"):
        text = getattr(turn, key)
        if text is not None:
            return Words(text, (key,), notes)
    return Words(None, (), notes)


def _joined(parts: Sequence[str | Part]) -> Words:
    texts: list[str] = []
    left: dict[str, None] = {}
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif part.text is not None and part.type not in _THINKING:
            texts.append(part.text)
        else:
            left[part.type] = None
    kinds = ", ".join(f"`{kind[:40]}`" for kind in left)
    return Words(
        "\n".join(texts) if texts else None, None, (f"parts of a message were left out: {kinds}",) if left else ()
    )


def role(turn: Turn) -> str:
    """Who speaks: `user`, `assistant`, or the name as it is written."""
    name = (turn.role or turn.speaker or "").lower()
    return "user" if name in _USERS else "assistant" if name in _ASSISTANTS else name


def is_talk(turns: Sequence[object]) -> bool:
    """Whether these are messages of one chat: all of them say who speaks."""
    return bool(turns) and all(isinstance(turn, Turn) and role(turn) for turn in turns)


def follow(turns: Sequence[Turn]) -> Talk:
    """The question of a chat and its last answer.

    Messages of a user with no answer between them are one question.
    """
    said = [(role(turn), words(turn)) for turn in turns]
    at = max((i for i, (who, found) in enumerate(said) if who == "assistant" and not is_blank(found.text)), default=-1)
    heard = said[:at] if at >= 0 else said
    groups: list[list[str]] = []
    before = ""
    for who, found in heard:
        if who == "user" and found.text is not None:
            groups = groups if before == "user" else [*groups, []]
            groups[-1].append(found.text)
        before = who if who in ("user", "assistant") else before
    answer = said[at][1] if at >= 0 else None
    question = "\n\n".join(groups[0]) if len(groups) == 1 else None
    return Talk(question, len(groups), answer, at, _notes(said, at))


def _notes(said: Sequence[tuple[str, Words]], at: int) -> tuple[str, ...]:
    earlier = sum(who == "assistant" and not is_blank(found.text) for who, found in said[: max(at, 0)])
    notes = [f"{earlier} earlier message{'s' * (earlier != 1)} of the assistant were not read"] if earlier else []
    if any(who in ("system", "developer") for who, _ in said):
        notes.append("the system's message is no part of the problem")
    for who, found in said:
        notes += found.notes if who == "user" else ()
    return (*notes, *(said[at][1].notes if at >= 0 else ()))
