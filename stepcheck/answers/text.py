r"""An answer → its text without looks: one way of writing for what only differs in layout.

Owns delimiters, spacing, fonts, full-width and Unicode signs. What stands in `\text{…}`, and the words around formulas
in dollars, is put between `WORDS` and `MATHS`: letters in there are words and units, not variables.
Refuses to interpret: what a comma or a letter means is said by its reader.
"""

import re
import unicodedata

from stepcheck.patterns import regex

MOST_CHARACTERS = 2_000
"""Longer answers are not looked into: no final answer is so long."""
WORDS, MATHS = "\ue000", "\ue001"
DEGREE = "°"

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙₓ", "0123456789+-()nx")
_RAISED = regex("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ]+")
_LOWERED = regex("[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙₓ]+")
_FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    "⅑": (1, 9), "⅒": (1, 10), "↉": (0, 3),
}  # fmt: skip
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "θ": "theta", "λ": "lambda", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "ω": "omega", "η": "eta", "ζ": "zeta", "ξ": "xi", "ψ": "psi",
    "κ": "kappa", "ν": "nu", "π": "pi", "Δ": "Delta", "Γ": "Gamma", "Ω": "Omega", "Σ": "Sigma", "Φ": "Phi",
    "Θ": "Theta", "Λ": "Lambda", "Π": "Pi", "Ψ": "Psi",
}  # fmt: skip
_SIGNS = {
    "−": "-", "–": "-", "‐": "-", "‑": "-", "﹣": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "∗": "*", "•": "*",
    "⨯": "*", "÷": "/", "∕": "/", "⁄": "/", "∶": ":", "∞": r"\infty ", "≤": r"\le ", "≦": r"\le ", "⩽": r"\le ",
    "≥": r"\ge ", "≧": r"\ge ", "⩾": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "√": r"\sqrt ",
    "∛": r"\cbrt ", "±": r"\pm ", "∓": r"\mp ", "∅": r"\emptyset ", "Ø": r"\emptyset ", "ø": r"\emptyset ",
    "∈": r"\in ", "∉": r"\notin ", "∖": r"\setminus ", "ℝ": r"\R ", "ℤ": r"\Z ", "ℕ": r"\N ", "ℚ": r"\Q ",
    "ℂ": r"\C ", "、": ", ", "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "…": "...",
    "⋯": "...", "≈": r"\approx ", "º": DEGREE, "˚": DEGREE, "℃": DEGREE + "C", "℉": DEGREE + "F", "′": "'",
    "″": "''", "’": "'", "‘": "'", "“": '"', "”": '"', "∧": r"\wedge ", "∨": r"\vee ", "\u2223": "|",
    "¢": r"\cent ", "₤": "£", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "％": "%",
    "￠": r"\cent ", "￡": "£", "￥": "¥", "ℓ": "L", "µ": "μ", "μ": "μ", "✓": " ", "→": r"\to ", "。": ".", "．": ".",
}  # fmt: skip
_TABLE = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {char: f"\\{name} " for char, name in _GREEK.items()}
    | {char: rf"\frac{{{top}}}{{{bottom}}}" for char, (top, bottom) in _FRACTIONS.items()}
    | {chr(0x2160 + place): name for place, name in enumerate("I II III IV V VI VII VIII IX X XI XII".split())}  # noqa: SIM905
    | _SIGNS
    | dict.fromkeys(
        "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\r\n\v\f", " "
    )
)
_UNSEEN = regex("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ue000-\uf8ff]")
_WRAPS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("__", "__"), ("`", "`"), ('"', '"'))
_TEXT = regex(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal|up|sc|sl)?|mathrm|mathsf|mathtt|mbox|hbox|operatorname\*?|emph|underline)\s*"
    r"\{((?:[^{}]|\{[^{}]*\})*)\}"
)
_FONT = regex(
    r"\\(?:mathbf|mathit|boldsymbol|bm|pmb|mathcal|mathscr|mathfrak|mathnormal)\s*(?:\{([^{}]*)\}|([A-Za-z]))"
)
_BOARD = regex(r"\\mathbb\s*(?:\{\s*([A-Z])\s*\}|([A-Z]))|\\mathbf\s*\{\s*([RZNQC])\s*\}(?=\s*(?:$|[\\,)}^+-]))")
_BOX = regex(r"\\(?:boxed|fbox|ensuremath|displaylines|phantom|color\{[^{}]*\}|textcolor\{[^{}]*\})\s*\{([^{}]*)\}")
_LOOKS = regex(
    r"\\(?:left|right|middle|[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|strut|rm|bf|it|nonumber)"
    r"(?![a-zA-Z])\.?"
)
_SPACES = regex(r"(?<!\\)\\(?:[,;:> ]|(?:quad|qquad|enspace|enskip|thinspace|medspace|thickspace|hfill)(?![a-zA-Z]))|~")
_HSPACE = regex(r"\\(?:hspace|vspace|hskip|kern|mspace|label|tag)\*?\s*\{[^{}]*\}")
_SAME = (
    (regex(r",\s*\\!\s*"), "{,}"),
    (regex(r"\\!|\\/"), ""),
    (regex(r"\{\s*,\s*\}"), "{,}"),
    (regex(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (regex(r"\\[dt]binom(?![a-zA-Z])"), r"\\binom"),
    (regex(r"\\(?:degree|degrees|textdegree|deg)(?![a-zA-Z])"), DEGREE),
    (
        regex(r"(?:\{\s*\})?\s*\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z])|\{\s*°\s*\}|°|\{\s*o\s*\}(?=\s*[CF]?$))"),
        DEGREE,
    ),
    (regex(r"(?<=\d)\s*\\circ(?![a-zA-Z])"), DEGREE),
    (regex(r"\\%"), "%"),
    (regex(r"\\#"), "#"),
    (regex(r"\\_"), "_"),
    (regex(r"\\(?:lbrace|left\\lbrace)(?![a-zA-Z])"), r"\\{"),
    (regex(r"\\rbrace(?![a-zA-Z])"), r"\\}"),
    (regex(r"\\(?:text)?(?:dollar|textdollar)(?![a-zA-Z])"), r"\\$"),
    (regex(r"\\euro(?![a-zA-Z])"), "€"),
    (regex(r"\\pounds(?![a-zA-Z])"), "£"),
    (regex(r"\\(?:yen)(?![a-zA-Z])"), "¥"),
)
_SYSTEM = regex(
    r"(?:\\\{\s*)?\\begin\s*\{(cases|aligned|align\*?|gathered|array)\}\s*(?:\{[lcr|\s]*\})?((?:(?!\\begin|\\end).)*)\\end\s*\{\1\}"
    r"(?:\s*\\right)?",
    re.DOTALL,
)
_UNIT_QUOTIENT = regex(rf"\\frac\s*\{{\s*{WORDS}([^{MATHS}]*){MATHS}\s*\}}\s*\{{\s*{WORDS}([^{MATHS}]*){MATHS}\s*\}}")
_FORMULA = regex(r"\$\$(.+?)\$\$|(?<![\\\w])\$(?!\s)([^$]+?)(?<![\s\\])\$(?!\d)|\\\((.+?)\\\)|\\\[(.+?)\\\]")
_ORDINAL = regex(rf"(?<=\d)\s*(?:\^\s*)?\{{?\s*{WORDS}?\s*(?<![a-zA-Z\s])(?:st|nd|rd|th){MATHS}?\s*\}}?(?![a-zA-Z])")
_LETTER = regex(r"\s*[eid]\s*")
_EQUALS = regex(r"^=(?![=<>])\s*")
_TAIL = " \n.,;:!?。"


def tidy(answer: str) -> str:
    """Take away what only changes the looks; words are marked, signs are ASCII or TeX commands."""
    text = _UNSEEN.sub("", unicodedata.normalize("NFC", answer[:MOST_CHARACTERS]))
    text = _RAISED.sub(lambda found: f"^{{{found[0].translate(_SUPERSCRIPTS)}}}", text)
    text = _LOWERED.sub(lambda found: f"_{{{found[0].translate(_SUBSCRIPTS)}}}", text)
    text = _FRACTIONS_AFTER.sub(r"\1 \2", _AND_A_FRACTION.sub(" ", text)).translate(_TABLE)
    text = _unwrapped(_trimmed(text))
    text = _formulas(text)
    text = _SYSTEM.sub(_listed, _LOOKS.sub(" ", _HSPACE.sub(" ", text)))
    if "\\begin" not in text:
        text = text.replace("\\\\", ", ")
    for _ in range(3):  # texts within texts
        text = _BOX.sub(r"\1", text)
        text = _BOARD.sub(lambda found: f"\\{found[1] or found[2] or found[3]} ", text)
        text = _FONT.sub(lambda found: f"{found[1] or found[2] or ''}", text)
        text = _TEXT.sub(_words, text)
    text = _UNIT_QUOTIENT.sub(rf"{WORDS}\1/\2{MATHS}", text)
    for pattern, instead in _SAME:
        text = pattern.sub(instead, text)
    text = _ORDINAL.sub("", _SPACES.sub(" ", text).replace(r"\$", "$"))
    text = _unwrapped(_trimmed(re.sub(r"\s+", " ", text)))
    return re.sub(rf"\s*{WORDS}\s*{MATHS}", " ", text).strip()


_AND_A_FRACTION = regex(rf"(?<=\d)\s*又\s*(?=\d+\s*/\s*\d|\\[dtc]?frac|[{''.join(_FRACTIONS)}])")
"""Between the parts of a mixed number, in Chinese."""
_FRACTIONS_AFTER = regex(rf"(\d)\s*([{''.join(_FRACTIONS)}])")


def letters(text: str) -> str:
    """Return a tidy text as a reader of words wants it: without marks, with single blanks."""
    return " ".join(text.replace(WORDS, " ").replace(MATHS, " ").split())


def squeezed(text: str) -> str:
    """Return the form that is compared letter by letter: no blanks but those between digits, words or in a list.

    `1, 234` is a list, `1,234` one number.
    """
    return re.sub(r"(?<![\w.])(?<!\d,)\s+|(?<=\d,)\s+(?!\d{3}(?!\d))|\s+(?![\w.])", "", letters(text))


def _words(found: re.Match[str]) -> str:
    """Mark what is in a text; an upright e, i or d of mathematics is a letter as others."""
    inner = found[1]
    if _LETTER.fullmatch(inner) and "text" not in found[0]:
        return f" {inner.strip()} "
    return f" {WORDS}{inner.replace(WORDS, '').replace(MATHS, '')}{MATHS} "


def _listed(found: re.Match[str]) -> str:
    """Write a system of equations as a list; leave a function that is given piece by piece, and a matrix."""
    system = found[1] != "array" or found[0].lstrip().startswith("\\{")
    body = found[2].replace("&", " " if found[1].startswith("align") else "&")
    if not system or "&" in body:
        return found[0]
    return ", ".join(line.strip(" ,;") for line in body.split("\\\\") if line.strip(" ,;"))


def _formulas(text: str) -> str:
    """Of a sentence with formulas in dollars, mark the words; a pair of amounts of money is no formula."""
    found = list(_FORMULA.finditer(text))
    if not found:
        return text
    parts, at = [], 0
    for one in found:
        inner = next(group for group in one.groups() if group is not None)
        if at == 0 and one.start() == 0 and one.end() == len(text):
            return inner
        parts += [f"{WORDS}{text[at : one.start()]}{MATHS}" if one.start() > at else "", f" {inner} "]
        at = one.end()
    rest = text[at:]
    return "".join([*parts, f"{WORDS}{rest}{MATHS}" if rest.strip() else ""])


def _trimmed(text: str) -> str:
    text = _EQUALS.sub("", text.strip())
    while (
        text and text[-1] in _TAIL and not text.endswith(("...", r"\,", r"\;", r"\:", r"\!")) and not _abbreviated(text)
    ):
        text = text[:-1].rstrip()
    return text


def _abbreviated(text: str) -> bool:
    """Whether the last sign is of a factorial, or of an abbreviation that was torn (p..), and no end of a sentence."""
    if text.endswith(".."):
        return text[-3:-2].isalpha()
    return text.endswith("!") and bool(re.search(r"[\w)}]!+$", text)) and not re.search(r"[A-Za-z]{3,}!$", text)


def _unwrapped(text: str) -> str:
    for left, right in _WRAPS:
        inner = text[len(left) : -len(right)]
        whole = len(text) > len(left + right) and text.startswith(left) and text.endswith(right)
        if whole and left not in inner and right not in inner:
            return _unwrapped(_trimmed(inner))
    return text
