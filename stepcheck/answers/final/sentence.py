r"""A text that states an answer → the answer in its first sentence.

Three manners: it begins with a value (`72, as asked`), it is a sentence with a value in it (`that $n$ is 34`), or it is
words alone (`no solution`). Refuses what denies (`not 5`), asks, stops in the middle, or stands in place of an answer.
"""

import re

from stepcheck.answers.final.formulas import find_formulas, masked
from stepcheck.answers.final.leading import first_value
from stepcheck.answers.final.sides import is_chain
from stepcheck.answers.final.stated import Stated, end_of
from stepcheck.answers.final.within import read_words
from stepcheck.answers.final.wording import ADVERBS, BUT, ENDINGS, NEGATED, PLACEHOLDER
from stepcheck.patterns import regex

LONGEST = 1_500
"""Characters behind a phrase that are looked at."""
_LEAD = regex(
    r"(?:[\s*_`\"“”'’>:：~}\])】」]|\|(?![^|\n]{1,40}\|\s?[<>≤≥=+*/^-])|<[a-zA-Z]{1,8}>|(?<=\n)-\s|•|#{1,6}\s|\\[,;!](?!\w)|={3,}|-{3,})*+"
)
_TAGS = regex(r"</?[a-zA-Z]{1,8}(?:\s[^<>\n]{0,60})?/?>")
_BOLD = regex(r"(?<![\w)])(\*\*|__|\*|`)(?=\S)([^*_`\n]{1,200}?)(?<=\S)\1(?!\w)")
_END = regex(r"(?<=[^\d\s])\.(?=\s|$)|\.(?=\s+[^\W\d_a-z]|\s+\x00|\s*$)|\n|[。；]|．(?=\s|$)|[?？!](?=\s|$)")
_NO_END = regex(r"(?:approx|ca|i\.e|e\.g|no|nr|resp|vs|mr|mrs|dr|st|sq|cu)$", re.IGNORECASE)
_LIST = regex(r"1[.)]\s(?=[\s\S]{0,1200}?\n\s{0,4}2[.)]\s)")
"""The first item of a list: what is under it is worked out, not stated."""
_EMPTY_BOX = regex(r"\\f?boxed\s*\{[\s~.…?]*\}")
_OPERATOR = regex(r"\s?(?:[-+*/^·×÷)]|\\(?:cdot|times|div)(?![a-z]))")
"""Behind 99! it makes a factorial of it."""
_LETTER = regex(r"[\s*_(]*[A-J][)*_]*$")
_UNFINISHED = regex(r"(?:[-+*/=^({\[\\,×÷]|(?<!\w)(?:the|and|of|is|to|or|by)|\sa)$")
_CHOICE = regex(
    r"(?:(?:the\s+|die\s+|der\s+|la\s+|el\s+|a\s+|o\s+|l['’])?(?:options?|choices?|letters?|answers?|statements?|选项|選項|opción|opzione|opção|letra|lettera|lettre|alternativa|buchstabe"
    r"|вариант)[\s:：]{1,3}[(（\[*]{0,3}(?P<named>[A-J])|(?:la|le|il|die|der|a|o)\s[(（]?(?-i:(?P<short>[A-J])))"
    r"(?:\)|）|(?!\w))(?!['’])",
    re.IGNORECASE,
)


def read_sentence(text: str, *, exclaims: bool = False) -> Stated | None:
    """Return the answer that the first sentence of a text states; None if it states none.

    `24!` at a line's end is a factorial, but where the sentence `exclaims`: "the answer is 24!".
    """
    start = end_of(_LEAD, text, 0)
    sentence, end, asked = _first_sentence(text[: start + LONGEST], start, exclaims=exclaims)
    words = _stated_part(tidy(sentence))
    if "'" in text[:start]:
        words = words.removesuffix("'")
    if (
        asked
        or not words
        or placeholder(words)
        or _LIST.match(text, start)
        or _UNFINISHED.search(words)
        or _open_formula(words)
    ):
        return None
    found = first_value(words)
    if found is not None:
        return Stated(found, "value", end, is_chain(words)) if found else None
    chosen = _CHOICE.match(words)
    if chosen:
        return Stated((chosen["named"] or chosen["short"]).upper(), "value", end)
    return read_words(words, end)


def tidy(text: str) -> str:
    """Take away what only changes the looks of a sentence: tags, emphasis, quotes, its full stop."""
    text = re.sub(r"^<([^<>]{1,80})>\W*$", r"\1", _TAGS.sub("", text).strip())
    for _ in range(2):
        text = _BOLD.sub(r"\2", text)
    text = text.removesuffix("…")
    text = re.sub(r"(?:\*\*|`)(?=[\s.,;:!?)]|$)", "", text)
    text = _balanced(text.strip('*_`"“” \t\n'))
    return re.sub(r"(?:(?<=[^.])[.。．]|(?<=[^\d)])!)$", "", text.rstrip('*_`"“” \t\n')).rstrip('*_`"“” ')


def placeholder(text: str) -> bool:
    """Tell whether a text only stands where an answer would: `answer`, `…`, nothing, an empty box."""
    text = _EMPTY_BOX.sub("", text)
    return PLACEHOLDER.fullmatch(text[:80]) is not None and r"\{" not in text and "{}" not in text.strip("$ ")[1:]


def _first_sentence(text: str, start: int, *, exclaims: bool) -> tuple[str, int, bool]:
    """The sentence that begins at `start`, where it ends, and whether it asks; a colon at a line's end goes on."""
    hidden = masked(text, find_formulas(text))
    for match in _END.finditer(hidden, start):
        before = hidden[start : match.start()]
        letter = match[0] == "." and _LETTER.match(before) and not re.match(r"\s+[A-Z][a-z]", hidden[match.end() :])
        if match[0] == "." and (letter or before.endswith("..") or _NO_END.search(before)):
            continue
        if match[0] == "!" and before[-1:].isdigit() and _OPERATOR.match(hidden, match.end()):
            continue
        if (
            match[0] == "!"
            and not exclaims
            and before[-1:].isdigit()
            and hidden[match.end() : match.end() + 1] in {"", "\n"}
        ):
            continue
        if match[0] == "\n" and (before.rstrip(" *_").endswith((":", "：")) or not before.strip()):
            continue
        return text[start : match.start()], match.end(), match[0] in "?？"
    return text[start:], len(text), False


def _stated_part(words: str) -> str:
    """What a sentence states: behind `not 5 but`, without adverbs and the ends of Japanese and Korean sentences."""
    if NEGATED.match(words):
        turned = BUT.search(words)
        words = words[turned.end() :].strip() if turned else ""
    for _ in range(4):
        words = words[end_of(ADVERBS, words, 0) :]
    return ENDINGS.sub("", words).strip('*_`"“” \t\n')


def _open_formula(words: str) -> bool:
    """Tell whether a formula is begun and not ended: a reply that was cut off."""
    hidden = masked(words, find_formulas(words))
    opened = re.search(r"\\[(\[]|\\begin\{|(?<!\\)\$\s?(?=[\\A-Za-z{(])", hidden)
    return opened is not None


def _balanced(text: str) -> str:
    r"""Cut at a bracket or `\]` that closes what was opened before the text, `$` too."""
    depth = 0
    for match in re.finditer(r"\\[\[(\])]|\\.|[{}]", text):
        sign = match[0]
        depth += sign in {"{", r"\[", r"\("}
        depth -= sign in {"}", r"\]", r"\)"}
        if depth < 0:
            return text[: match.start()].strip()
    while text.endswith((")", "]")) and len(re.findall(r"[(\[]", text)) < len(re.findall(r"[)\]]", text)):
        text = text[:-1].rstrip(" .")
    for mark in ("$$", "$"):
        if text.endswith(mark) and text.count(mark) == 1 and not text.endswith("\\$"):
            return text[: -len(mark)].strip()
    return text
