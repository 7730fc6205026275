r"""Clutter: what stands in a text and is no part of its argument.

Owns where it stands: the marks of reward models' data (`ки`, `<extra_0>`) and of chats (`<|im_end|>`), thinking
(`<think>…</think>`), tags, footnotes, line breaks of HTML. Refuses to delete a character: `clear` puts white space of
the same length in its place, with line ends where it parts what stands on its sides. What is in quotes or backticks is
talked about, and stays.
"""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from stepcheck.patterns import regex

BREAK = "\v"
"""A line end that the writer asked for (`<br>`): stands before the line end in a masked text, and nowhere else."""

Kind = Literal["mark", "thinking", "tag", "footnote", "answer", "title"]


@dataclass(frozen=True, slots=True)
class Clutter:
    """What is not judged: `text[start:end]`. `step` says of a mark that it ends a step in the data of reward models."""

    kind: Kind
    start: int
    end: int
    step: bool = False


_QUOTED = r"(?:(?<=```)|(?<![`\"'“‘「]))"
"""Nothing in front that quotes what follows; a code fence may stand there."""
_STEP_MARK = (
    r"<extra_\d{1,2}>|(?<![^\W\d_])ки(?!\w)|</?(?:step|paragraph)(?:[ _:-]?\d{1,3}|[ ][^<>\n]{1,40})?>|\[STEP\]"
)
_ROLE = r"(?:[ \t]*(?:system|user|assistant|model|tool)(?=\s|<|\Z))?"
_CHAT_MARK = (
    rf"(?:<\|(?:im_start|start)\|>|<start_of_turn>){_ROLE}"
    rf"|<\|start_header_id\|>[a-z]{{0,20}}(?:<\|end_header_id\|>)?"
    rf"|<\|channel\|>[a-z]{{0,20}}(?:<\|message\|>)?"
    r"|<\|[A-Za-z][A-Za-z0-9_]{2,40}\|>|<[｜|][^\s｜|<>]{2,40}[｜|]>"
    r"|<(?:end_of_turn|end_of_step|step_end|eos|bos|pad|sep|EOS|BOS|PAD|SEP)>|\[/?INST\]"
    r"|^[ \t]*<s>|</s>(?=[ \t]*(?:</?s>|\n|\Z))"
)
_MARK = regex(rf"{_QUOTED}(?:(?P<step>{_STEP_MARK})|{_CHAT_MARK})(?![`\"'”’」])", re.MULTILINE)
_THINK_NAMES = r"(?:seed:)?think(?:ing)?|thoughts?|scratchpad|antthinking"
_THINK = regex(
    rf"{_QUOTED}(?:"
    rf"(?P<open><(?:{_THINK_NAMES})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>)"
    rf"|(?P<close></(?:{_THINK_NAMES})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>))(?![`\"'”’」])",
    re.IGNORECASE,
)
_HARMONY_END = regex(r"<\|(?:end|return|call)\|>")
_ANSWER = regex(
    rf"{_QUOTED}<(?P<name>final_answer|answer)>(?P<value>.*?)(?:</(?P=name)>|\Z)", re.IGNORECASE | re.DOTALL
)
_LONGEST_ANSWER = 200
_FOOTNOTE = regex(
    r"^[ ]{0,3}\[\^[^\]\s]{1,40}\]:[^\n]*(?:\n(?:[ \t]*+\n)?(?:[ ]{2,}+|\t)[ \t]*+\S[^\n]*)*", re.MULTILINE
)
_BREAK = regex(rf"{_QUOTED}<br[ \t]*/?>(?![`\"'”’」])(?P<end>[ \t]*(?=\n|\Z))?", re.IGNORECASE)
_TABLE = regex(r"<table\b.*?(?:</table>|\Z)", re.IGNORECASE | re.DOTALL)
_BLOCK_TAGS = (
    r"answer|final_answer|solution|reasoning|explanation|proof|response|output|result|conclusion|analysis|details|summary"
    r"|div|p|center|section|article|main|header|footer|ul|ol|li|blockquote|html|body"
)
_ANY_TAG = (
    r"<(?!/?(?:s|eos|bos|pad|sep|step|paragraph|extra_\d|(?:start|end)_of_\w+|step_end)\b)"
    r"/?(?:[a-z][a-z_-]{2,30}|[abiupq]|br|hr|em|h[1-6]|d[ldt]|t[drh])(?:[ ][^<>\n]{0,200})?/?>"
)
_LOOKS = r"(?:[biu]|em|strong|h[1-6]|span)"
_TAG = regex(
    rf"{_QUOTED}<summary>\s{{0,4}}(?:<{_LOOKS}>){{0,2}}[^\n<>\d=]{{0,80}}(?:</{_LOOKS}>){{0,2}}\s{{0,4}}</summary>"
    rf"|{_QUOTED}</?(?:{_BLOCK_TAGS})(?:[ ][^<>\n]{{0,200}})?/?>(?![`\"'”’」])"
    rf"|^[ \t>]*{_ANY_TAG}(?:[ \t]*{_ANY_TAG})*(?=[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK_LINES = regex(r"\n(?:[ \t]*\n){3,}")


def find(flat: str, *, thinking: bool, answers: bool) -> list[Clutter]:
    r"""All clutter of a text whose line ends are `\n`, in order, not overlapping.

    `thinking` says that it is kept: then only its tags are clutter. `answers` says the same of `<answer>` tags.
    """
    found: list[Clutter] = []
    done = 0
    for one in sorted(_all(flat, thinking=thinking, answers=answers), key=lambda one: (one.start, -one.end)):
        if one.start >= done:
            found.append(one)
            done = one.end
    return found


def _all(flat: str, *, thinking: bool, answers: bool) -> Iterator[Clutter]:
    low = flat.lower()
    if any(word in low for word in ("think", "thought", "scratchpad", "analysis")):
        yield from _thinking(flat, kept=thinking)
    if "answer>" in low and not answers:
        yield from _answers(flat)
    if "[^" in flat:
        yield from (Clutter("footnote", *match.span()) for match in _FOOTNOTE.finditer(flat))
    if any(sign in flat for sign in ("<", "ки", "[STEP]", "INST]")):
        for match in _MARK.finditer(flat):
            yield Clutter("mark", *match.span(), step=match["step"] is not None)
    if "<" in flat:
        tables = [edge for match in _TABLE.finditer(flat) for edge in match.span()]
        for match in _TAG.finditer(flat):
            if bisect(tables, match.start()) % 2 == 0:
                yield Clutter("tag", *match.span())
    yield from _blank_marks(flat)


def _thinking(flat: str, *, kept: bool) -> Iterator[Clutter]:
    """From each `<think>` to its `</think>`, or to the end where it is never closed; a lone `</think>` is a tag."""
    opened: int | None = None
    for tag in _THINK.finditer(flat):
        if kept or (opened is None and tag["close"]):
            yield Clutter("tag", *tag.span())
        elif opened is None and "channel" in tag[0] and (closing := _HARMONY_END.search(flat, tag.end())):
            yield Clutter("thinking", tag.start(), closing.end())
        elif opened is None:
            opened = tag.start()
        elif tag["close"]:
            yield Clutter("thinking", opened, tag.end())
            opened = None
    if opened is not None:
        yield Clutter("thinking", opened, len(flat))


def lone_closing(flat: str) -> int | None:
    """Where the thinking ends that a chat's template began: behind a `</think>` that nothing opens."""
    tag = _THINK.search(flat)
    return tag.end() if tag and tag["close"] else None


def _answers(flat: str) -> Iterator[Clutter]:
    """`<answer>210</answer>`; what is longer than an answer is a solution in tags."""
    for match in _ANSWER.finditer(flat):
        value = match["value"].strip()
        if value and "\n" not in value and len(value) <= _LONGEST_ANSWER:
            yield Clutter("answer", *match.span())


def _blank_marks(flat: str) -> Iterator[Clutter]:
    """Runs of blank lines, where each step ends in one, the last too: the mark of some reward models."""
    runs = list(_BLANK_LINES.finditer(flat))
    if len(runs) > 1 and runs[-1].end() == len(flat):
        yield from (Clutter("mark", *run.span(), step=True) for run in runs)


def value(flat: str, clutter: Clutter) -> tuple[int, int]:
    """Where the answer stands between its tags."""
    match = _ANSWER.match(flat, clutter.start)
    return match.span("value") if match else (clutter.start, clutter.end)


def clear(flat: str, found: Sequence[Clutter]) -> str:
    """The text with white space in the place of clutter, character for character; `<br>` is a line end."""
    pieces: list[str] = []
    done = 0
    for one in found:
        pieces += (_broken(flat[done : one.start]), _space(flat, one.start, one.end))
        done = one.end
    return "".join(pieces) + _broken(flat[done:])


def _space(flat: str, start: int, end: int) -> str:
    """White space that parts what stands on its sides, with no more line ends than that takes."""
    first = " " if start == 0 or flat[start - 1] == "\n" else "\n"
    last = " " if end == len(flat) or flat.startswith(("\n", " \n"), end) else "\n"
    return first + re.sub(r"[^\n]", " ", flat[start + 1 : end - 1]) + last


def _broken(piece: str) -> str:
    """`<br>` as a line end, as spaces before one; behind it stands the sign that it was asked for."""
    if "<" not in piece:
        return piece
    return _BREAK.sub(
        lambda match: BREAK + " " * (len(match[0]) - 2) + (" " if match["end"] is not None else "\n"), piece
    )


def edge_marks(text: str) -> tuple[int, int, list[str]]:
    """Where a ready-made step begins and ends without the marks at its ends, and those marks; as it is without any."""
    found = [match.span() for match in _MARK.finditer(text)] if "<" in text or "ки" in text or "]" in text else []
    start, end, marks = 0, len(text), list[str]()
    for first, last in found:
        if not text[start:first].strip():
            marks.append(text[first:last])
            start = last + len(text[last:]) - len(text[last:].lstrip())
    for first, last in reversed(found):
        if first >= start and not text[last:end].strip():
            marks.append(text[first:last])
            end = start + len(text[start:first].rstrip())
    return start, end, marks
