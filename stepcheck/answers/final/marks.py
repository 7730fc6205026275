r"""Answers that are marked as such: `\boxed{…}`, `<answer>…</answer>`, `<|begin_of_box|>…<|end_of_box|>`, `#### …`.

Owns where they stand and what is in them: neighbouring boxes are a list, a box within a box is one, a placeholder
(`\boxed{answer}`) and a box that is never closed are none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from stepcheck.answers.final.numerals import find_numbers
from stepcheck.answers.final.sentence import placeholder, read_sentence, tidy
from stepcheck.answers.final.sides import outcome
from stepcheck.answers.final.wording import HEADING, PHRASE
from stepcheck.patterns import regex

Rule = Literal["box", "box tag", "answer tag", "hashes", "heading", "phrase", "choice", "last number"]
LONGEST = 4_000
"""Characters within a tag that are looked at."""
_BOX = regex(
    r"(?:\\f?boxed|\\fbox|\\framebox|\x08oxed|(?<![A-Za-z\\])boxed(?=\{))(?![A-Za-z])[ \t\n]{0,4}+(?=[{\w\\-])"
)
_BRACES = regex(r"\\.|[{}]", re.DOTALL)
_WORD = regex(r"\\[a-z]+\{[^{}\s]{1,40}\}(?:\{[^{}\s]{1,40}\})?|[^\s${}]{1,60}")
_BETWEEN = regex(
    r"(?:[\s,;.&$、，*]|\\(?:\(|\)|\[|\]|,|;|quad|qquad|text\s?\{\s?(?:and|or|und|oder|et|ou)\s?\})"
    r"|(?<!\w)(?:and|or|und|oder|et|ou|y|o|e|и|или|[A-Za-z](?:_\{?\w\}?)?\s?=)(?!\w)|和|或|と|와|과)*+"
)
_TAG = regex(r"<\s?(/?)\s?(?:final[_\s-]?)?answer\s?>|<\|(begin|end)_of_box\|>", re.IGNORECASE)
_HASHES = regex(r"^[ \t>*]*+####(?!#)[ \t]*+([^\n]{1,400})", re.MULTILINE)
_INLINE_HASHES = regex(r"(?<=[^\s#])[ \t]+####[ \t]+([^\n#]{1,80})$", re.MULTILINE)
_TITLE = regex(r"[\W_]*(?:\d{1,2}[.):]\s|[^\W\d_]{3})")
_EXPLICIT = regex(r"\\(?:boxed|fbox)(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Mark:
    """An answer that is marked as one: from `start` to `end`, `text` as it is to be read."""

    start: int
    end: int
    text: str | None
    rule: Rule


def find_marks(text: str) -> list[Mark]:
    """Return every marked answer in order; text None for a mark that holds none."""
    return sorted([*_boxes(text), *_tags(text), *_hashes(text)], key=lambda mark: mark.start)


def torn_box(text: str) -> bool:
    """Tell whether the last box of a text is never closed: a reply that was cut off in its answer."""
    opened = [match.end() for match in _BOX.finditer(text)]
    return bool(opened) and text[opened[-1] : opened[-1] + 1] == "{" and opened[-1] not in _closings(text)


def _boxes(text: str) -> Iterator[Mark]:
    """The boxes that hold something, neighbours joined into one."""
    closings = _closings(text) if "oxed" in text or "box" in text else {}
    joined: list[Mark] = []
    contents: list[str] = []
    for mark in _single_boxes(text, closings):
        near = joined and mark.start - joined[-1].end < 60 and _BETWEEN.fullmatch(text, joined[-1].end, mark.start)  # noqa: PLR2004 (a few words)
        if near and mark.text:
            contents = list(dict.fromkeys([*contents, mark.text]))
            joined[-1] = Mark(joined[-1].start, mark.end, ", ".join(contents), "box")
        elif mark.text:
            contents = [mark.text]
            joined.append(mark)
    yield from joined


def _single_boxes(text: str, closings: dict[int, int]) -> Iterator[Mark]:
    end = 0
    for match in _BOX.finditer(text):
        if match.start() < end:
            continue
        at = match.end()
        if text[at : at + 1] != "{":
            word = _WORD.match(text, at)
            if word and (word[0][0].isdigit() or (match[0][-1].isspace() and not placeholder(word[0]))):
                yield Mark(match.start(), word.end(), word[0].rstrip(".,;:"), "box")
        elif at in closings and closings[at] - at <= LONGEST:
            end = closings[at] + 1
            yield Mark(match.start(), end, _in_box(text[at + 1 : closings[at]]), "box")


def _in_box(content: str) -> str | None:
    """What a box holds: of boxes within it the last that holds something, of a sentence the answer it states."""
    if _EXPLICIT.search(content):
        inner = [mark.text for mark in _boxes(content)]
        return inner[-1] if inner else None
    if placeholder(content):
        return None
    phrase = PHRASE.search(content)
    stated = read_sentence(content[phrase.end() :]) if phrase else None
    return stated.text if stated else outcome(content)


def _closings(text: str) -> dict[int, int]:
    """Where each brace of a text is closed."""
    opened: list[int] = []
    found: dict[int, int] = {}
    for match in _BRACES.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            found[opened.pop()] = match.start()
    return found


def _tags(text: str) -> Iterator[Mark]:
    """Tags with what is in them; one that is not closed goes to the end of its line, as where it was a stop word."""
    opened: re.Match[str] | None = None
    for match in _TAG.finditer(text):
        opens = match[2] == "begin" or (match[2] is None and not match[1])
        if opens:
            opened = match
        elif opened is not None:
            inner = text[opened.end() : match.start()]
            yield Mark(opened.start(), match.end(), _in_tag(inner[-LONGEST:]), _tag_rule(opened))
            opened = None
    if opened is not None:
        inner = text[opened.end() : opened.end() + LONGEST].strip()
        if inner and "\n" not in inner and re.fullmatch(r"\S{1,40}(?:\s\S{1,20}){0,3}", inner):
            yield Mark(opened.start(), len(text), _in_tag(inner), _tag_rule(opened))


def _tag_rule(opened: re.Match[str]) -> Rule:
    return "box tag" if opened[2] else "answer tag"


def _in_tag(inner: str) -> str | None:
    """What a tag holds: what is marked in it, what a phrase in it states, the answer of its sentence, or all of it."""
    marked = [mark.text for mark in _boxes(inner) if mark.text]
    if marked:
        return marked[-1]
    phrases = [*PHRASE.finditer(inner)] or [*HEADING.finditer(inner)]
    stated = read_sentence(inner[phrases[-1].end() :]) if phrases else None
    if stated is None and "\n" in inner.strip():
        stated = read_sentence(inner.strip().rpartition("\n")[2])
    stated = stated or read_sentence(inner)
    whole = tidy(inner)
    return stated.text if stated else (None if placeholder(whole) else whole)


def _hashes(text: str) -> Iterator[Mark]:
    """GSM8K's last line. A title of level four (`#### Step 3`) is none, but as the last line there is."""
    end = len(text.rstrip())
    for match in (*_HASHES.finditer(text), *_INLINE_HASHES.finditer(text)):
        line = match[1]
        last = match.end() >= end
        if HEADING.fullmatch(match[0]) or PHRASE.search(line) or (_TITLE.match(line) and not last):
            continue
        stated = read_sentence(line)
        if stated and (last or stated.manner == "value") and (last or len(line.split()) <= 4 or find_numbers(line)):  # noqa: PLR2004
            yield Mark(match.start(), match.end(), stated.text, "hashes")
