r"""An answer → one way of writing it: LaTeX without its looks, ASCII where there is a choice, no blanks.

Pure text work. `plain` keeps blanks and words, so that units can be seen; `canonical` is compared letter by letter.
"""

import re
import unicodedata

MOST_CHARACTERS = 2_000
"""Longer answers are not looked into: no final answer is so long."""
_SIGNS = {
    "−": "-", "–": "-", "×": r"\times ", "÷": "/", "·": r"\cdot ", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ",
    "≥": r"\ge ", "≠": r"\ne ", "°": r"^{\circ}", "∪": r"\cup ", "∩": r"\cap ", "√": r"\sqrt ", "±": r"\pm ",
    "、": ",", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "²": "^{2}", "³": "^{3}", "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "∅": r"\emptyset ", "\u00a0": " ",
}  # fmt: skip
_TABLE = str.maketrans(_SIGNS | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})
_WRAPS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"))
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|mathrm|mathbf|mathit|mbox|hbox|operatorname\*?)\s*\{([^{}]*)\}"
)
_LOOKS = re.compile(
    r"\\(?:left|right|[bB]ig+[lr]?|displaystyle|textstyle|scriptstyle|limits|phantom\s*\{[^{}]*\}|strut|!|,|;|:|>|quad|qquad"
    r"|enspace|thinspace)(?![a-zA-Z])"
)
_SAME = (
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:leq|leqslant|le)(?![a-zA-Z])"), r"\\le "),
    (re.compile(r"\\(?:geq|geqslant|ge)(?![a-zA-Z])"), r"\\ge "),
    (re.compile(r"\\(?:neq|ne)(?![a-zA-Z])"), r"\\ne "),
    (re.compile(r"\\(?:varnothing|emptyset)(?![a-zA-Z])"), r"\\emptyset "),
    (re.compile(r"\\(?:ast|cdot|times)(?![a-zA-Z])"), r"\\times "),
    (re.compile(r"\\(?:degree|degrees)(?![a-zA-Z])"), r"^{\\circ}"),
    (re.compile(r"\^\s*\\circ(?![a-zA-Z])"), r"^{\\circ}"),
    (re.compile(r"\\frac\s*(\d)\s*(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\frac\s*(\d)\s*\{"), r"\\frac{\1}{"),
    (re.compile(r"\\frac\s*(\{[^{}]*\})\s*(\d)"), r"\\frac\1{\2}"),
    (re.compile(r"\\sqrt\s*(\w)"), r"\\sqrt{\1}"),
    (re.compile(r"\^\s*(\w)"), r"^{\1}"),
    (re.compile(r"\\(?:mathbb|mathbf|mathcal)\s*\{?([A-Z])\}?"), r"\1"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"(?<!\\)\\[$% ]|~"), lambda found: {r"\$": "$", r"\%": "%"}.get(found[0], " ")),
)
_NAMED = re.compile(r"^[A-Za-z](?:_\{?\w+\}?)?(?:\s*\(\s*[a-z]\s*\))?\s*(?:=|\\in(?![a-zA-Z])|:)\s*(?=\S)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")


def plain(answer: str) -> str:
    r"""Take away what only changes the looks: delimiters, `\left`, spacing, `\text`, full-width signs, `x =`."""
    text = unicodedata.normalize("NFC", answer[:MOST_CHARACTERS]).translate(_TABLE).strip()
    text = _unwrapped(text)
    text = _LOOKS.sub(" ", text)
    for _ in range(3):  # texts within texts
        text = _TEXT.sub(r" \1 ", text)
    for pattern, instead in _SAME:
        text = pattern.sub(instead, text)
    text = _unwrapped(re.sub(r"\s+", " ", text).strip().rstrip(".,;:").strip())
    if text.count("=") <= 1:
        text = _NAMED.sub("", text)
    return text.strip()


def canonical(answer: str) -> str:
    """Return the form that is compared letter by letter; words in lower case, blanks and thousands' commas gone."""
    text = plain(answer)
    text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    text = re.sub(r"\^\{\\circ\}|\$", "", text)
    if is_words(text):
        return " ".join(text.lower().split())
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text)


def is_words(text: str) -> bool:
    """Tell whether an answer is words, not maths: `no solution`, `Tuesday`, 偶数."""
    return bool(re.fullmatch(r"[^\W\d_]+(?:[\s'.-]+[^\W\d_]+)*", text)) and len(text) > 1


def choice(answer: str) -> str | None:
    """Return the letter of an answer that names one of several choices: `(B)`, `B. 5 cm`, `B`; None for others."""
    found = re.match(r"\(?\s*([A-J])\s*(?:\)|[.:](?:\s|$)|$)", plain(answer))
    return found[1] if found else None


def _unwrapped(text: str) -> str:
    for left, right in _WRAPS:
        inner = text[len(left) : -len(right)]
        if len(text) > len(left + right) and text.startswith(left) and text.endswith(right) and left not in inner:
            return _unwrapped(inner.strip())
    return text
