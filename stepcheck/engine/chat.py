"""A user's turn and the template around it → tokens, as transformers' `apply_chat_template` makes them. Pure.

The whole prompt is cut at the special tokens of the template's own text, and what lies between two of them is one
piece for the tokenizer: the template's last words, the user's, and the template's next. Special tokens are looked for
in the template's text alone: what a user types is plain text, though transformers would take `<|im_end|>` in it for
the end of the turn. Without such marks in it the tokens are the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stepcheck.engine.turn import Turn


@dataclass(frozen=True, slots=True)
class Special:
    """A special token: its text, and whether it swallows white space on its left or right."""

    token: int
    text: str
    left: bool = False
    right: bool = False


class Vocabulary(Protocol):
    """What is asked of a tokenizer."""

    def specials(self, text: str) -> Sequence[Special]:
        """Special tokens in a text, in order."""
        ...

    def plain(self, text: str, *, begins: bool) -> Sequence[int]:
        """Tokens of a text without special ones; `begins` where a special token, or nothing, stands before it."""
        ...


def prompt_tokens(vocabulary: Vocabulary, turn: Turn, text: str) -> list[int]:
    """Lay a turn around what the user says."""
    before, after = _cut(vocabulary, turn.before), _cut(vocabulary, turn.after)
    head, lead, tail, end = before[:-1], before[-1], after[0], after[1:]
    middle = f"{lead}{turn.words(text)}{tail}"
    parts: list[str | Special] = [*head, middle, *end]
    marks = {part.text for part in (*head, *end) if isinstance(part, Special)}
    tokens: list[int] = []
    for place, part in enumerate(parts):
        if isinstance(part, Special):
            tokens.append(part.token)
            continue
        around = (parts[place - 1] if place else None, parts[place + 1] if place + 1 < len(parts) else None)
        tokens += _plain(vocabulary, _stripped(part, *around), marks if place == len(head) else set())
    return tokens


def _cut(vocabulary: Vocabulary, text: str) -> list[str | Special]:
    """Cut a template's text at its special tokens: text, special, text, …, text."""
    parts: list[str | Special] = []
    for special in vocabulary.specials(text):
        left, mark, rest = text.partition(special.text)
        if mark:
            parts += [left, special]
            text = rest
    return [*parts, text]


def _stripped(text: str, left: object, right: object) -> str:
    """Give up the white space that the special tokens beside a text take to themselves."""
    if isinstance(left, Special) and left.right:
        text = text.lstrip()
    return text.rstrip() if isinstance(right, Special) and right.left else text


def _plain(vocabulary: Vocabulary, text: str, marks: set[str]) -> list[int]:
    """Tokenize a text in one piece, but cut in two whatever looks like a mark of the template.

    Some vocabularies list such marks as tokens of their users, which are found in plain text, too.
    """
    looks = sorted(mark for mark in marks if len(mark) > 1)
    pattern = "|".join(f"(?<={re.escape(mark[:1])})(?={re.escape(mark[1:])})" for mark in looks)
    pieces = re.split(pattern, text) if pattern else [text]
    return [
        token for place, piece in enumerate(pieces) if piece for token in vocabulary.plain(piece, begins=place == 0)
    ]
