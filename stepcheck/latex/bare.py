r"""Arguments without braces: `\frac x \sqrt{x}` → `\frac x {\sqrt{x}}`.

Owns how far an argument reaches that is a command with arguments of its own. TeX itself refuses most of these; people
and models write them, and mean the command with all that belongs to it. Refuses to go deep: such text stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stepcheck.patterns import regex

_COMMAND = regex(r"\\(?:([A-Za-z]+)\*?|.)", re.DOTALL)
_SIGNS = regex(r"\\.|[{}]", re.DOTALL)
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class _Source:
    """A formula, the arguments of each command as pylatexenc writes them, and where each brace closes."""

    text: str
    specs: Mapping[str, str]
    closes: Mapping[int, int]

    def count(self, command: re.Match[str]) -> int:
        """How many arguments a command must have."""
        return self.specs.get(command[1] or "", "").count("{")

    def after(self, command: re.Match[str], at: int) -> int:
        """Where the next argument begins: behind white space, and behind one in square brackets."""
        while self.text[at : at + 1].isspace():
            at += 1
        if "[" in self.specs.get(command[1] or "", "") and self.text[at : at + 1] == "[":
            closed = self.text.find("]", at)
            return closed + 1 if closed >= 0 else at
        return at

    def end(self, at: int, depth: int = 0) -> int | None:
        """Where the argument ends that begins here: a group, a command with its own arguments, or one character."""
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        if at >= len(self.text) or self.text[at] in "}&^_":
            return None
        if self.text[at] == "{":
            return self.closes.get(at)
        command = _COMMAND.match(self.text, at)
        if command is None:
            return at + 1
        end: int | None = command.end()
        for _ in range(self.count(command)):
            end = self.end(self.after(command, end), depth + 1) if end is not None else None
        return end


def embrace(text: str, specs: Mapping[str, str]) -> str:
    """Put braces around arguments that are commands with arguments; `specs` are the arguments of each command.

    Raises ValueError: nested too deep.
    """
    source = _Source(text, specs, dict(_pairs(text)))
    signs = sorted(sign for command in _COMMAND.finditer(text) for sign in _signs(source, command))
    out: list[str] = []
    done = 0
    for at, closes in signs:
        out += (text[done:at], "{" if closes else "}")
        done = at
    return "".join(out) + text[done:]


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Where each brace opens, and the place behind the one that closes it."""
    opened: list[int] = []
    for found in _SIGNS.finditer(text):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            yield opened.pop(), found.end()


def _signs(source: _Source, command: re.Match[str]) -> Iterator[tuple[int, bool]]:
    """Where braces are put for the arguments of a command: the place, and whether one opens there."""
    at = command.end()
    for _ in range(source.count(command)):
        start = source.after(command, at)
        end = source.end(start)
        if end is None:
            return
        inner = _COMMAND.match(source.text, start)
        if inner and source.count(inner):
            yield start, True
            yield end, False
        at = end
