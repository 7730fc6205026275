r"""A response → its final answer as it is written there, and by which rule it was found.

The last statement counts: a box, a tag, `####`, a heading with the answer under it, "the answer is …", a choice; in ten
languages. Thinking and programs are not searched while there is anything else. A response that states nothing has
its last number, which is a guess and says so; `guess=False` refuses it.
"""

import re
from dataclasses import dataclass

from stepcheck.answers.final.lastnumber import last_number
from stepcheck.answers.final.marks import Mark, Rule, find_marks, torn_box
from stepcheck.answers.final.phrases import Phrase, find_phrases
from stepcheck.answers.final.results import last_conclusion, last_result
from stepcheck.answers.final.wording import CHECK
from stepcheck.patterns import regex

_THINKING = regex(r"<(/?)(?:think|thinking|thought|thoughts|reasoning|scratchpad)>|◁(/?)think▷", re.IGNORECASE)
_PROGRAM = regex(
    r"^[ \t]{0,8}(?P<fence>`{3,}|~{3,})[ \t]{0,4}(?:python3?|py|sympy|java|javascript|js|c|cpp|c\+\+|bash|sh|sql|matlab"
    r"|lean4?|go|rust|haskell|julia)[ \t]{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNS = regex(
    r"<\|?(?:im_end|im_start|endoftext|eot_id|end_of_text|extra_0|end)\|?>|</?s>|<｜end▁of▁sentence｜>|[\u200b\ufeff\x00]"
)
_DIGIT = regex(r"\d")
_NEXT = regex(
    r"\n\s{0,4}\n(?:\*\*)?(?:Q|Question|Problem|Human|User|问题|题目)\s?\d{0,3}\s?[:：]|<\|im_start\|>\s?user"
)
_SAID = regex(
    r"\b(?:answer|antwort|réponse|respuesta|risposta|resposta|ответ)(?!\w)[^\n]{0,12}\d|答案[^\n]{0,4}\d", re.IGNORECASE
)
FAR = 200
"""Characters behind an answer of words alone that may follow it: `I hope it is correct`."""


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """What a response answers, and the rule by which that was found."""

    text: str
    rule: Rule


def extract(response: str, *, guess: bool = True) -> FinalAnswer | None:
    """Return the final answer of a response; None if it gives none. `guess` allows its last number."""
    text = _SIGNS.sub(" ", response.replace("\r\n", "\n").replace("\r", "\n"))
    reply, thoughts, ended = _apart(text)
    found = _in_reply(reply, guess=guess)
    if found is None and thoughts.strip():
        guess = guess and not reply.strip()
        found = _in_reply(thoughts, guess=guess) if ended else _marked(find_marks(thoughts))
    return found


def _apart(text: str) -> tuple[str, str, bool]:
    """A reply without its thinking and programs, the thinking, and whether that was ended."""
    reply: list[str] = []
    thoughts: list[str] = []
    at, open_at, before = 0, -1, 0
    for match in _THINKING.finditer(text):
        closes = bool(match[1] or match[2])
        if closes and open_at < 0:  # the prompt had opened it
            before, at = match.start(), match.end()
            reply.clear()
            thoughts.clear()
        elif closes:
            thoughts.append(text[open_at : match.start()])
            at, open_at = match.end(), -1
        elif open_at < 0:
            reply.append(text[at : match.start()])
            open_at = match.end()
    thoughts.insert(0, text[:before])
    if open_at >= 0:
        return _without_programs("".join(reply)), "".join([*thoughts, text[open_at:]]), False
    return _without_programs("".join([*reply, text[at:]])), "".join(thoughts), True


def _without_programs(text: str) -> str:
    pieces, at = [], 0
    for match in _PROGRAM.finditer(text):
        if match.start() < at:
            continue
        close = text.find(match["fence"], match.end())
        pieces.append(text[at : match.start()])
        at = len(text) if close < 0 else close + len(match["fence"])
    return "\n".join([*pieces, text[at:]]) if pieces else text


def _in_reply(text: str, *, guess: bool) -> FinalAnswer | None:
    marks = find_marks(text)
    text = _own(text, marks)
    marks = [mark for mark in marks if mark.start < len(text)]
    digits = [match.start() for match in (_DIGIT.search(text),) if match]
    last = max(map(text.rfind, "0123456789"))
    spare: FinalAnswer | None = None
    for statement in _latest(marks, find_phrases(text)):
        if isinstance(statement, Mark):
            return FinalAnswer(statement.text, statement.rule) if statement.text else None
        firm = _is_firm(statement, text, digits[0] if digits else len(text), last)
        if firm and statement.stated:
            return FinalAnswer(statement.stated.text, statement.rule)
        if firm is None and statement.stated and spare is None:
            spare = FinalAnswer(statement.stated.text, statement.rule)
    if spare is not None:
        return spare
    if torn_box(text):
        return None
    result = last_result(text)
    if result is not None:
        return FinalAnswer(result, "phrase")
    guessed = (last_conclusion(text) or last_number(text)) if guess else None
    return FinalAnswer(guessed, "last number") if guessed else None


def _own(text: str, marks: list[Mark]) -> str:
    """A reply without the next question of a model that goes on by itself, `Q: …` behind a stated answer."""
    places = [mark.start for mark in marks if mark.text][:1] + [said.start() for said in (_SAID.search(text),) if said]
    following = (match.start() for match in _NEXT.finditer(text) if places and match.start() > min(places))
    return text[: next(following, len(text))]


def _latest(marks: list[Mark], phrases: list[Phrase]) -> list[Mark | Phrase]:
    """Every statement that says something, the latest first; a phrase within a mark is part of it."""
    said: list[Mark | Phrase] = [mark for mark in marks if mark.text]
    spans = [(mark.start, mark.end) for mark in marks]
    place = 0
    for phrase in phrases:
        while place < len(spans) and spans[place][1] <= phrase.start:
            place += 1
        inside = place < len(spans) and spans[place][0] <= phrase.start < spans[place][1]
        if phrase.stated is not None and not inside:
            said.append(phrase)
    return sorted(said, key=lambda one: one.start, reverse=True)


def _is_firm(phrase: Phrase, text: str, first_digit: int, last_digit: int) -> bool | None:
    """Tell whether a phrase states the answer; None: if nothing else does.

    A value that the sentence begins with is one. A sentence with a value in it could be the plan of a reply that only
    begins, and words alone could be about the answer: they count where no number follows.
    """
    stated = phrase.stated
    if stated is None:
        return False
    more = last_digit >= phrase.end
    begins = first_digit >= phrase.start
    if stated.manner == "value":
        return not (stated.works and begins and more)
    if stated.manner == "sentence":
        return not more or (phrase.labelled and (not begins or CHECK.match(text, phrase.end) is not None))
    near = not more and len(text) - phrase.end <= FAR
    if phrase.labelled:
        return near
    return None if near else False


def _marked(marks: list[Mark]) -> FinalAnswer | None:
    said = [mark for mark in marks if mark.text]
    return FinalAnswer(said[-1].text or "", said[-1].rule) if said else None
