r"""What a reply comes to that never says "answer": `The solutions are 2 and 3.`, at its end `Therefore $x > 3$.`.

A sentence of the first kind states it; one of the second is a guess as the last number is, and only says more than it.

Owns the nouns of such sentences and the words that conclude. Refuses what numbers follow: only the end of a reply
states what all of it comes to.
"""

import re

from stepcheck.answers.final.formulas import prose
from stepcheck.answers.final.sentence import read_sentence
from stepcheck.answers.final.wording import IS
from stepcheck.patterns import regex

WINDOW = 600
"""Characters at the end of a reply that are looked at."""
_NOUNS = (
    r"(?:solution\s+sets?|solutions?|roots?|zeros|zeroes|values?|points?(?:\s+of\s+intersection)?|coordinates|vertex|cent(?:er|re)"
    r"|domain|range|intervals?|sets?|inequality|equation(?:\s+of\s+the\s+\w+)?|probability|ratio|fraction|pairs?|tuples?|vector|matrix"
    r"|Lösung(?:en|smenge)?|Nullstellen|Werte?|Wahrscheinlichkeit|racines|valeurs?|ensemble|probabilité|solución|soluciones|raíces"
    r"|valor(?:es)?|conjunto|intervalo|probabilidad|soluzion[ei]|radici|valori|soluç(?:ão|ões)|raízes|probabilidade|решени[еяй]"
    r"|корни|вероятность)"
)
_WIDE = r"(?:解集?|根|值|取值范围|范围|範囲|坐标|座標|方程|解析式|定义域|值域|区间|概率|确率|確率|해|근|범위)"
_STATES = regex(
    rf"(?:(?<!\w){_NOUNS}(?!\w)(?:\s+(?:to|of|for|in|de|der|des|di|du|von|für|the|that|which)(?!\w)[^\n.:=]{{0,80}}?)?\s+{IS}(?:\s+at(?!\w))?(?:\s*[:：])?"
    rf"|{_WIDE}\s*(?:就|即|分别)?(?:是|为|為|は|는|은)\s*[:：]?)(?=[\s*$\\(\[{{<\-−\d\w])",
    re.IGNORECASE,
)
_CONCLUDES = regex(
    r"(?:(?:(?:and\s+)?(?:so|thus|hence|therefore|consequently|finally)|in\s+conclusion|we\s+(?:get|have|find|obtain|conclude)|that"
    r"|this\s+gives|giving|it\s+follows|also|daher|somit|folglich|donc|ainsi|entonces|por\s+(?:lo\s+)?tanto|luego|quindi|dunque"
    r"|portanto|logo|итак|значит|следовательно)(?!\w)[\s,:]*|(?:∴|所以|因此|故|得到?|解得|综上|よって|したがって|따라서)[\s,，:：]*)+",
    re.IGNORECASE,
)
_RELATES = regex(r"=.*=|[<>≤≥≠∈]|^\s*(?:\\left)?[(\[]|\\(?:[lg]eq?|[lg]t|neq?|in|cup)(?![a-z])")
_GOES_ON = regex(rf"\s{IS}\s", re.IGNORECASE)
"""Another clause, `5, and their product is 6`: no single value is stated."""
_SIGNS = "0123456789½¼¾∞"


def last_result(text: str) -> str | None:
    """The value that the last sentence with a number in it states; None where it does not state one."""
    line, last = _last_line(text)
    found = [match.end() for match in _STATES.finditer(line, 0, last + 1)]
    for at in reversed(found):
        stated = _to_the_end(line, at, last)
        if stated is not None:
            return stated
    return None


def last_conclusion(text: str) -> str | None:
    """What the last sentence with a number concludes, if it is more than a number or a name with its value."""
    line, last = _last_line(text)
    opened = [match for match in _CONCLUDES.finditer(line, 0, last + 1) if _begins(line, match.start())]
    for match in reversed(opened):
        stated = _to_the_end(line, match.end(), last)
        bare = line[match.end() :].split("\n", 1)[0]
        if stated is not None and not prose(bare) and _RELATES.search(stated):
            return stated
    return None


def _last_line(text: str) -> tuple[str, int]:
    """The line with the last digit, what follows it too, and where that digit is; -1 where there is none."""
    last = max(map(text.rfind, _SIGNS))
    start = max(text.rfind("\n", 0, max(last, 0)) + 1, last - WINDOW, 0)
    return (text[start : last + WINDOW], last - start) if last >= 0 else ("", -1)


def _begins(line: str, at: int) -> bool:
    """Whether a clause begins at a place."""
    return not line[:at].strip(" *_#>-") or line[:at].rstrip()[-1:] in ".,;:!?。，；："


def _to_the_end(line: str, at: int, last: int) -> str | None:
    """The value that stands at a place, if its sentence has the last number in it."""
    stated = read_sentence(line[at:])
    if stated is None or stated.manner != "value" or at + stated.end <= last or _GOES_ON.search(stated.text):
        return None
    return stated.text
