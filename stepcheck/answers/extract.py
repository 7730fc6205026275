r"""A response → its final answer, as it is written there.

In this order, the last place counting: `\boxed{…}` (nested braces; neighbours joined by "and" are a list), `#### …`
(GSM8K), "the answer is …", 答案是 …, 故选 …. Refuses to guess: a response without any of them has no final answer.
"""

import re

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=[{\s\w])")
_BETWEEN_BOXES = re.compile(r"(?:[\s,;.&$、，]|\\(?:\(|\)|,|;|quad|qquad|text\s*\{\s*(?:and|or)\s*\})|and|or|和|或)*")
_HASHES = re.compile(r"####[ \t]*([^\n]+)")
_PHRASE = re.compile(
    r"(?:\bfinal answer|\banswer|最终答案|答案)\s*(?:\*\*)?\s*"
    r"(?:(?:should be|would be|is|was|:|=|：|应该是|应为|为|是|等于)\s*(?:\*\*)?\s*[:：]?)+",
    re.IGNORECASE,
)
_CHOSEN = re.compile(r"(?:故选|应选|故答案选|选项|选择|选)\s*[:：]?\s*[(（]?\s*([A-J])(?![A-Za-z])")
_SENTENCE_END = re.compile(r"(?<!\d)\.(?=\s|$)|\.(?=\s+[A-Z]|\s*$)|[。；]|\n")
_MATHS = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)


def extract(response: str) -> str | None:
    """Return the final answer of a response, or None if it gives none."""
    boxed = _boxed(response)
    if boxed is not None:
        return boxed
    hashes = _HASHES.findall(response)
    if hashes:
        return str(hashes[-1]).strip() or None
    phrase = max((match.end() for match in _PHRASE.finditer(response)), default=None)
    chosen = list(_CHOSEN.finditer(response))
    if chosen and (phrase is None or chosen[-1].start() >= phrase):
        return chosen[-1][1]
    return None if phrase is None else _after_phrase(response[phrase:])


def _boxed(response: str) -> str | None:
    """The last box, and the boxes before it from which only "and" or a comma parts it."""
    found: list[tuple[int, int, str]] = []
    for match in _BOX.finditer(response):
        if found and match.start() < found[-1][1]:
            continue  # a box within a box
        content, end = _content(response, match.end())
        if content is not None:
            found.append((match.start(), end, content))
    if not found:
        return None
    first = len(found) - 1
    while first and _BETWEEN_BOXES.fullmatch(response, found[first - 1][1], found[first][0]):
        first -= 1
    answers = list(dict.fromkeys(content for _, _, content in found[first:]))
    return ", ".join(answers) or None


def _content(text: str, start: int) -> tuple[str | None, int]:
    r"""What is in the box that opens at `start`, and where it ends; `\boxed 5` boxes one word."""
    if text[start : start + 1] != "{":
        word = re.compile(r"\s*([^\s$]+)").match(text, start)
        return (word[1], word.end()) if word else (None, start)
    depth, at = 0, start
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if not depth:
                return text[start + 1 : at].strip() or None, at + 1
        at += 1
    return None, start


def _after_phrase(rest: str) -> str | None:
    """The answer behind "the answer is": to the end of the sentence, or the last formula of a sentence of words."""
    rest = rest.lstrip(" \t\n*:：")
    formula = _MATHS.match(rest)
    if formula:
        return next(part for part in formula.groups() if part is not None).strip() or None
    end = _SENTENCE_END.search(rest)
    sentence = (rest[: end.start()] if end else rest).strip().strip("*").strip()
    formulas = [next(part for part in found if part) for found in _MATHS.findall(sentence) if any(found)]
    if formulas:
        return str(formulas[-1]).strip() or None
    return sentence or None
